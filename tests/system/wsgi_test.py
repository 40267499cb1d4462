"""WSGI as visitors see it: every way to answer, through nginx and through the router's own HTTP.
What differs between the two ways in is the framing; what the application said does not."""
import json
import time

from frame import ALICE, Connection, SystemCase, http, main, until


class Answers:
    """The tests; the two classes below say how the visitors come."""

    @classmethod
    def set_up_world(cls, world):
        world.drop("answers", "answers.test", app="answers.py", uid=ALICE, lines=["processes = 1"])
        world.drop("probe", "probe.test", uid=ALICE, lines=["processes = 2"])
        world.drop("validated", "validated.test", app="validated.py", uid=ALICE)
        world.app("probe.py")

    def setUp(self):
        for name in ("answers", "probe", "validated"):
            self.world.emperor.wait_state(name, "ready")

    def ask(self, path, host="answers.test", **named):
        return http(self.front(), host, path, timeout=30, **named)

    def whole(self, path, expected, status=200, **named):
        answer = self.ask(path, **named)
        self.assert_status(answer, status)
        self.assertEqual(answer.body, expected)
        return answer

    # -- how an application answers

    def test_an_iterable_of_chunks(self):
        self.whole("/plain", b"one two three\n")

    def test_a_bytes_object_is_sent_as_it_is(self):
        self.whole("/bare_bytes", b"a bytes object itself\n")

    def test_a_status_without_a_reason(self):
        self.whole("/no_reason", b"a status without a reason\n", status=404)

    def test_write_comes_before_what_is_returned(self):
        self.whole("/write", b"written twice and returned\n")

    def test_start_response_may_come_with_the_first_chunk(self):
        self.whole("/started_late", b"started at the first chunk\n", status=202)

    def test_close_is_always_called(self):
        self.whole("/closing", b"closed later\n")
        self.ask("/raise_after_first_byte")
        self.ask("/raise_at_first_chunk")
        names = json.loads(self.ask("/closed_names").body)
        self.assertLessEqual({"closing", "raise_after_first_byte", "raise_at_first_chunk"}, set(names))
        self.whole("/close_fails", b"whole\n")

    def test_repeated_headers_stay_two(self):
        answer = self.ask("/repeated")
        self.assertEqual([v for n, v in answer.headers if n == "set-cookie"], ["a=1", "b=2"])

    def test_text_is_latin_1_both_ways(self):
        answer = self.ask("/latin1/caf%C3%A9", headers=[("X-Name", "caf\u00e9")])
        self.assert_status(answer, 200)
        self.assertEqual(answer.header("x-name"), "caf\u00e9")
        self.assertEqual(json.loads(answer.body), ["/latin1/caf\u00c3\u00a9", "caf\u00e9"])

    def test_the_server_frames_not_the_application(self):
        self.whole("/hop_by_hop", b"framed by the server\n")

    # -- exceptions

    def test_an_exception_before_any_output_is_a_500(self):
        for path in ("/raise_before", "/raise_after_start", "/raise_at_first_chunk", "/system_exit", "/never_started", "/text_chunk"):
            with self.subTest(path):
                answer = self.ask(path)
                self.assert_status(answer, 500)
                self.assertGreater(len(answer.body), 0, "a short page")
                self.assertNotIn(b"Traceback", answer.body)
        self.whole("/plain", b"one two three\n")

    def test_an_exception_after_the_first_byte_cuts_the_answer(self):
        answer = self.ask("/raise_after_first_byte_sized")
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(answer.error, "", "the promised length is not there")
        self.cut(self.ask("/raise_after_first_byte"), b"first ")

    def test_exc_info_before_output_replaces_the_answer(self):
        answer = self.whole("/exc_info_before", b"replacement\n", status=503)
        self.assertEqual(answer.header("x-replaced"), "yes")

    def test_exc_info_after_output_raises(self):
        answer = self.ask("/exc_info_after")
        self.assertEqual(answer.status, 200)
        self.assertNotIn(b"never seen", answer.body)

    def test_a_second_start_response_without_exc_info_is_an_error(self):
        self.assert_status(self.ask("/second_start"), 500)

    def test_line_breaks_in_headers_are_refused(self):
        for path in ("/crlf_value", "/lf_name", "/crlf_status"):
            with self.subTest(path):
                answer = self.ask(path)
                self.assertEqual(answer.status, 500)
                self.assertIsNone(answer.header("set-cookie"))

    # -- lengths

    def test_a_known_length_is_kept(self):
        self.assertEqual(self.whole("/sized", b"twelve bytes").header("content-length"), "12")

    def test_less_than_promised_is_an_error_to_the_client(self):
        self.assertNotEqual(self.ask("/short").error, "")

    def test_more_than_promised_is_not_sent(self):
        answer = self.ask("/long")
        self.assertEqual((answer.status, answer.body), (200, b"four"))

    def test_head(self):
        with Connection(self.front()) as c:
            c.send("HEAD /sized HTTP/1.1\r\nHost: answers.test\r\nConnection: close\r\n\r\n")
            answer = c.read(head_only=True)
            self.assert_status(answer, 200)
            self.assertEqual(answer.header("content-length"), "12")
            self.assertTrue(c.at_end(), "HEAD has no body")

    def test_304_and_204_have_no_body(self):
        for path, status in (("/not_modified", 304), ("/no_content", 204)):
            with Connection(self.front()) as c:
                c.send(f"GET {path} HTTP/1.1\r\nHost: answers.test\r\nConnection: close\r\n\r\n")
                answer = c.read()
                self.assert_status(answer, status)
                self.assertTrue(c.at_end())

    # -- file_wrapper

    def test_file_wrapper_starts_where_the_file_stands(self):
        self.whole("/wrapped", b"abcdefghij")
        self.whole("/wrapped_sized", b"23456")
        self.whole("/wrapped_memory", b"not a real file\n")

    def test_file_wrapper_of_64_mib(self):
        answer = self.ask("/wrapped_large")
        self.assert_status(answer, 200)
        self.assertEqual(len(answer.body), 64 << 20)
        self.assertEqual(answer.body.count(b"y"), 64 << 20)

    # -- request bodies

    def test_bodies_of_every_size(self):
        for size in (0, 1, 65536, 50 << 20):
            with self.subTest(size):
                body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
                answer = self.ask("/count", host="probe.test", method="POST", body=body)
                self.assert_status(answer, 200)
                self.assertEqual(json.loads(answer.body), [size, sum(body) & 0xffffffff])

    def test_a_chunked_body(self):
        chunks = b"5\r\nhello\r\n1;ext=1\r\n,\r\n10\r\n" + b"w" * 16 + b"\r\n0\r\nTrailer: x\r\n\r\n"
        answer = self.ask("/variables", method="POST", headers=[("Transfer-Encoding", "chunked")], body=chunks)
        self.assert_status(answer, 200)
        self.assertNotIn("HTTP_TRANSFER_ENCODING", json.loads(answer.body))
        answer = self.ask("/count", host="probe.test", method="POST", headers=[("Transfer-Encoding", "chunked")], body=chunks)
        self.assert_status(answer, 200)
        self.assertEqual(json.loads(answer.body), [22, sum(b"hello," + b"w" * 16)])

    def test_a_body_that_is_not_read_never_costs_the_answer(self):
        for size in (1, 70_000, 3 << 20):
            with self.subTest(size):
                self.whole("/unread", b"did not look at the body\n", method="POST", body=b"x" * size)

    def test_wsgi_input(self):
        answer = self.ask("/input_calls", method="POST", body=b"first line\nsecond\nthird\nrest")
        self.assertEqual(json.loads(answer.body), ["", "fir", "st line\n", "se", ["cond\n", "third\n", "rest"], "", "", ""])
        answer = self.ask("/input_iterated", method="POST", body=b"a\nb\n\nc")
        self.assertEqual(json.loads(answer.body), ["a\n", "b\n", "\n", "c"])
        self.assertEqual(json.loads(self.ask("/input_calls").body), ["", "", "", "", [], "", "", ""])

    # -- environ

    def test_environ(self):
        with Connection(self.front()) as c:
            c.send("GET /variables/a%20b?x=1 HTTP/1.1\r\nHost: answers.test\r\nX-Twice: one\r\nX-Twice: two\r\nCookie: a=1\r\n"
                   "Cookie: b=2\r\nProxy: http://evil\r\nConnection: close\r\n\r\n")
            environ = json.loads(c.read().body)
        self.assertEqual(environ["SCRIPT_NAME"], "")
        self.assertEqual(environ["PATH_INFO"], "/variables/a b")
        self.assertEqual((environ["QUERY_STRING"], environ["REQUEST_URI"]), ("x=1", "/variables/a%20b?x=1"))
        self.assertEqual(environ["HTTP_X_TWICE"], "one, two")
        self.assertEqual(environ["HTTP_COOKIE"], "a=1; b=2")
        self.assertEqual(environ["HTTP_HOST"], "answers.test")
        self.assertEqual(environ["wsgi.url_scheme"], "http")
        self.assertEqual(environ["REMOTE_ADDR"], "127.0.0.1")
        for absent in ("HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH", "HTTP_PROXY", "CONTENT_TYPE", "CONTENT_LENGTH"):
            self.assertNotIn(absent, environ)
        self.assertFalse([k for k in environ if k.startswith("UWSGI_")])

    def test_content_length_and_type(self):
        self.assertEqual(json.loads(self.ask("/content_length").body), [0, "absent"])
        answer = self.ask("/content_length", method="POST", body=b"abc", headers=[("Content-Type", "text/x")])
        self.assertEqual(json.loads(answer.body), [3, "text/x"])
        environ = json.loads(self.ask("/variables", method="POST", body=b"abc", headers=[("Content-Type", "text/x")]).body)
        self.assertNotIn("HTTP_CONTENT_TYPE", environ)
        self.assertNotIn("HTTP_CONTENT_LENGTH", environ)

    def test_the_host_of_absolute_and_odd_requests(self):
        for host in ("ANSWERS.test", "answers.test.", "answers.test:8000"):
            self.assert_status(self.ask("/plain", host=host), 200, host)

    # -- wsgiref's validator

    def test_everything_is_valid_for_wsgiref(self):
        for path, named in (("/whoami", {}), ("/echo", {"method": "POST", "body": b"valid"}), ("/write", {}), ("/", {"method": "HEAD"}),
                            ("/echo", {"method": "POST", "body": b""}), ("/environ?a=b", {"headers": [("X-A", "1"), ("X-A", "2")]})):
            with self.subTest(path, **named):
                self.assert_status(self.ask(path, host="validated.test", **named), 200)

    # -- large answers and clients that go

    def test_a_download_of_64_mib(self):
        answer = self.ask("/big", host="probe.test")
        self.assert_status(answer, 200)
        self.assertEqual(len(answer.body), 64 << 20)

    def test_a_client_that_leaves_in_the_middle(self):
        row = self.world.emperor.row("probe")
        for _ in range(6):
            with Connection(self.front()) as c:
                c.send("GET /big HTTP/1.1\r\nHost: probe.test\r\n\r\n")
                c.more()
        for _ in range(6):
            with Connection(self.front()) as c:
                c.send("POST /count HTTP/1.1\r\nHost: probe.test\r\nContent-Length: 1000000\r\n\r\nonly this")
        start = time.monotonic()
        until("both workers are free again", lambda: self.ask("/whoami", host="probe.test").status == 200)
        self.assertLess(time.monotonic() - start, 5)
        self.assertEqual(self.world.emperor.row("probe")["pid"], row["pid"], "nobody died of it")

    def test_errors_go_to_the_log_of_the_vassal(self):
        self.ask("/errors")
        until("the line is in the log", lambda: "a line for the log: \u2014" in self.world.emperor.ctl("logs", "answers").stdout)
        self.ask("/raise_before")
        until("the traceback is in the log", lambda: "before start_response" in self.world.emperor.ctl("logs", "answers").stdout)


class ThroughNginx(Answers, SystemCase):
    options = {"nginx": True}

    def front(self):
        return self.world.nginx_address

    def cut(self, answer, body):
        """Without a length nothing tells nginx where the answer ends but the end."""
        self.assertEqual((answer.status, answer.body), (200, body))


class ThroughHttp(Answers, SystemCase):
    def front(self):
        return self.world.http_address

    def cut(self, answer, body):
        self.assertEqual((answer.status, answer.body), (200, body))
        self.assertNotEqual(answer.error, "", "no last chunk after a failure")


if __name__ == "__main__":
    main()
