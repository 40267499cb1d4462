"""The router's own HTTP/1.1: what must be refused is answered, never closed without a word; what may
come in one connection, comes in one connection."""
import json
import socket

from frame import ALICE, BOB, Connection, SystemCase, http, main, until


class Ingress(SystemCase):
    options = {"http_timeout": 3}

    @classmethod
    def set_up_world(cls, world):
        world.drop("one", "one.test", uid=ALICE, lines=["processes = 2", "limit-post = 1048576"])
        world.drop("two", "two.test", uid=BOB, app="answers.py", lines=["processes = 2"])

    def setUp(self):
        self.world.emperor.wait_state("one", "ready")
        self.world.emperor.wait_state("two", "ready")

    def said(self, request):
        """The answer to raw bytes."""
        with Connection(self.world.http_address) as c:
            c.send(request)
            return c.read()

    # -- refusals

    def test_bad_requests_are_400(self):
        post = "POST /echo HTTP/1.1\r\nHost: one.test\r\n"
        for name, request in {
            "negative length": post + "Content-Length: -1\r\n\r\n",
            "length that is no number": post + "Content-Length: blah\r\n\r\n",
            "list of lengths": post + "Content-Length: 41, 42\r\n\r\n",
            "two different lengths": post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "length and chunked": post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "space in a header name": "GET / HTTP/1.1\r\nHost: one.test\r\nBad Name: x\r\n\r\n",
            "space before the colon": "GET / HTTP/1.1\r\nHost: one.test\r\nBad : x\r\n\r\n",
            "slash in the host": "GET / HTTP/1.1\r\nHost: one.test/x\r\n\r\n",
            "two hosts": "GET / HTTP/1.1\r\nHost: one.test\r\nHost: two.test\r\n\r\n",
            "no host": "GET / HTTP/1.1\r\n\r\n",
            "unknown coding": post + "Transfer-Encoding: gzip\r\n\r\n",
            "bad chunk size": post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            "garbage": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            "control byte in the target": "GET /\x01 HTTP/1.1\r\nHost: one.test\r\n\r\n",
        }.items():
            with self.subTest(name):
                answer = self.said(request)
                self.assertEqual(answer.status, 400, f"{answer}")
        self.assertEqual(self.said("GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n").status, 200)

    def test_versions_that_are_not_spoken(self):
        self.assertIn(self.said("GET /\r\n\r\n").status, (400, 505))
        self.assertIn(self.said("GET / HTTP/3.0\r\nHost: one.test\r\n\r\n").status, (400, 505))

    def test_a_head_that_is_too_large_is_431(self):
        self.assertEqual(self.said("GET / HTTP/1.1\r\nHost: one.test\r\n" + "X-Large: " + "x" * 70000 + "\r\n\r\n").status, 431)
        many = "".join(f"X-H{i}: {'v' * 1000}\r\n" for i in range(70))
        self.assertEqual(self.said(f"GET / HTTP/1.1\r\nHost: one.test\r\n{many}\r\n").status, 431)

    def test_a_head_that_never_ends_is_408(self):
        with Connection(self.world.http_address) as c:
            c.send("GET / HTTP/1.1\r\nHost: one.te")
            self.assertEqual(c.read().status, 408)

    def test_a_body_over_the_limit_is_413(self):
        answer = http(self.world.http_address, "one.test", "/echo", "POST", body=b"x" * (1048576 + 1))
        self.assertEqual(answer.status, 413)
        self.assert_status(http(self.world.http_address, "one.test", "/echo", "POST", body=b"x" * 1048576), 200)
        chunk = b"80000\r\n" + b"x" * 0x80000 + b"\r\n"
        answer = http(self.world.http_address, "one.test", "/echo", "POST", [("Transfer-Encoding", "chunked")], chunk * 3 + b"0\r\n\r\n")
        self.assertEqual(answer.status, 413)

    def test_an_unknown_host_is_404_with_advice(self):
        answer = http(self.world.http_address, "nobody.test")
        self.assert_status(answer, 404)
        self.assertIn("nobody.test", answer.text)
        answer = http(self.world.http_address, "<script>alert(1)</script>.test")
        self.assertEqual(answer.status, 400)
        self.assertNotIn("<script>", answer.text)

    def test_bare_line_feeds_get_an_answer(self):
        with Connection(self.world.http_address) as c:
            c.send("GET / HTTP/1.1\nHost: one.test\nConnection: close\n\n")
            self.assertIn(c.read().status, (200, 400))

    # -- connections

    def test_many_requests_in_one_connection(self):
        with Connection(self.world.http_address) as c:
            for i in range(50):
                host = ("one.test", "two.test")[i % 2]
                path = ("/whoami", "/plain")[i % 2]
                c.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
                answer = c.read()
                self.assert_status(answer, 200)
                if i % 2 == 0:
                    self.assertEqual(json.loads(answer.body)["uid"][0], ALICE)
                else:
                    self.assertEqual(answer.body, b"one two three\n")

    def test_pipelined_requests_are_answered_in_order(self):
        with Connection(self.world.http_address) as c:
            c.send("POST /echo HTTP/1.1\r\nHost: one.test\r\nContent-Length: 5\r\n\r\nfirst"
                   "GET /plain HTTP/1.1\r\nHost: two.test\r\n\r\n"
                   "POST /echo HTTP/1.1\r\nHost: one.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthird\r\n0\r\n\r\n"
                   "GET /plain HTTP/1.1\r\nHost: two.test\r\nConnection: close\r\n\r\n")
            self.assertEqual([c.read().body for _ in range(4)], [b"first", b"one two three\n", b"third", b"one two three\n"])
            self.assertTrue(c.at_end())

    def test_an_unread_body_does_not_become_the_next_request(self):
        with Connection(self.world.http_address) as c:
            smuggled = "GET /raise_before HTTP/1.1\r\nHost: two.test\r\n\r\n"
            c.send(f"POST /unread HTTP/1.1\r\nHost: two.test\r\nContent-Length: {len(smuggled)}\r\n\r\n{smuggled}"
                   "GET /plain HTTP/1.1\r\nHost: two.test\r\nConnection: close\r\n\r\n")
            self.assertEqual(c.read().body, b"did not look at the body\n")
            answer = c.read()
            if not answer.error:  # the server may also close after an unread body
                self.assertEqual(answer.body, b"one two three\n")

    def test_http_1_0(self):
        with Connection(self.world.http_address) as c:
            c.send("GET /plain HTTP/1.0\r\nHost: two.test\r\n\r\n")
            answer = c.read()
            self.assertEqual((answer.status, answer.body), (200, b"one two three\n"))
            self.assertIsNone(answer.header("transfer-encoding"), "HTTP/1.0 knows no chunks")

    def test_expect_100_continue(self):
        with Connection(self.world.http_address) as c:
            c.send("POST /echo HTTP/1.1\r\nHost: one.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
            while b"\r\n\r\n" not in c.buffer and c.more():
                pass
            self.assertTrue(c.buffer.startswith(b"HTTP/1.1 100 "), c.buffer)
            c.send(b"body")
            self.assertEqual(c.read().body, b"body")

    def test_a_byte_at_a_time(self):
        request = "POST /echo HTTP/1.1\r\nHost: one.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        with Connection(self.world.http_address) as c:
            c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in request:
                c.send(byte)
            self.assertEqual(c.read().body, b"abc")

    def test_who_asked_is_told_truly(self):
        answer = http(self.world.http_address, "one.test:8080", "/environ", headers=[
            ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("Forwarded", "proto=https"), ("Remote-Addr", "6.6.6.6"), ("Content_Length", "9")])
        environ = json.loads(answer.body)
        self.assertEqual(environ["REMOTE_ADDR"], "127.0.0.1")
        self.assertTrue(environ["REMOTE_PORT"].isdigit())
        self.assertEqual(environ["REQUEST_SCHEME"], "http")
        self.assertEqual(environ["wsgi.url_scheme"], "http")
        self.assertEqual(environ["SERVER_PROTOCOL"], "HTTP/1.1")
        self.assertEqual(environ["HTTP_HOST"], "one.test:8080")
        for name in ("HTTPS", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED"):
            self.assertNotIn(name, environ, "nobody's proxy is believed unless the operator names it")

    def test_half_of_a_body_and_gone(self):
        for _ in range(8):
            with Connection(self.world.http_address) as c:
                c.send("POST /echo HTTP/1.1\r\nHost: one.test\r\nContent-Length: 1000\r\n\r\nhalf")
        until("the workers are free", lambda: http(self.world.http_address, "one.test").status == 200, 8)

    def test_a_client_that_shuts_its_sending_side_is_answered(self):
        with Connection(self.world.http_address) as c:
            c.send("GET /plain HTTP/1.1\r\nHost: two.test\r\nConnection: close\r\n\r\n")
            c.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(c.read().body, b"one two three\n")


if __name__ == "__main__":
    main()
