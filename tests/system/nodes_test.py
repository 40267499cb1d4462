"""Nodes that speak HTTP, in every odd way, behind both doors: answers of every form, and what the router never passes on."""
import hashlib
import json
import os
import socket
import threading
import time

import frame  # noqa: F401
from imperium import case, client
from imperium.doors import DoorsCase, everywhere
from imperium.odd_node import Node, chunks, pattern
from imperium.waiting import until
from imperium.world import own_address

LARGE_UP, LARGE_DOWN = pattern(20 << 20), pattern(50 << 20)
SHA_UP, SHA_DOWN = (hashlib.sha256(data).hexdigest() for data in (LARGE_UP, LARGE_DOWN))


class Odd(DoorsCase):
    @classmethod
    def set_up(cls, doors):
        cls.hosts = ("tcp.odd", "unix.odd")
        cls.tcp, cls.unix = doors.odd("tcp.odd"), doors.odd("unix.odd", address=doors.path("odd.sock"))

    @everywhere
    def test_the_request_that_a_node_gets(self, door, address, host):
        seen = json.loads(self.ok(self.get(address, host, "/facts/a%20b?c=%2e&d", headers=[
            ("X-One", "1"), ("X-Private", "2"), ("Te", "trailers"), ("Keep-Alive", "5"), ("Proxy", "x"), ("Upgrade", "h2c"),
            ("Cookie", "a=1"), ("Cookie", "b=2"), ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("Connection", "close, X-Private")], close=False)).body)
        fields = {}
        for name, value in seen["fields"]:
            fields.setdefault(name.lower(), []).append(value)
        self.assertEqual((seen["method"], seen["target"], seen["version"]), ("GET", "/facts/a%20b?c=%2e&d", "HTTP/1.1"))
        self.assertEqual((fields["host"], fields["x-one"], "; ".join(fields["cookie"])), ([host], ["1"], "a=1; b=2"))
        for name in ("x-private", "te", "keep-alive", "proxy", "upgrade", "connection", "transfer-encoding", "content-length", "expect"):
            self.assertNotIn(name, fields)
        self.assertEqual(fields["x-forwarded-for"], ["127.0.0.1"] if door == "http" else ["6.6.6.6, 127.0.0.1"])
        self.assertEqual(fields["x-forwarded-proto"], ["http"], "nobody can claim a scheme")

    @everywhere
    def test_every_form_of_answer(self, door, address, host):
        for path, size in (("/length/0", 0), ("/length/300000", 300000), ("/chunked/0", 0), ("/chunked/300000", 300000), ("/until_close/300000", 300000)):
            answer = self.ok(self.get(address, host, path, close=False))
            self.assertTrue(answer.body == pattern(size), path)
            self.assertIsNone(answer.header("x-sum"))
            with client.Connection(address, 20) as c:
                c.send(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n")
                answer = self.ok(c.read())
                self.assertIsNone(answer.header("transfer-encoding"))
                self.assertTrue(answer.body == pattern(size), path)
        self.assertEqual(self.ok(self.get(address, host, "/interim")).text, "after the hints")
        self.assertEqual(self.ok(self.get(address, host, "/head_like", "HEAD")).header("content-length"), "12345")
        self.assertEqual(self.ok(self.get(address, host, "/status/204"), 204).body, b"")
        self.assertEqual(self.ok(self.get(address, host, "/status/304"), 304).header("etag"), '"a"')

    @everywhere
    def test_fields_of_this_hop_stay_here(self, door, address, host):
        answer = self.ok(self.get(address, host, "/hop", close=False))
        for name in ("keep-alive", "x-private", "upgrade"):
            self.assertIsNone(answer.header(name), name)
        self.assertEqual((answer.header("x-kept"), [v for n, v in answer.headers if n == "set-cookie"]), ("yes", ["a=1", "b=2"]))

    @everywhere
    def test_answers_that_are_none(self, door, address, host):
        for path in ("/garbage", "/two_lengths", "/unasked", "/silent_end", "/dies_head"):
            self.ok(self.get(address, host, path), 502)
        self.assertEqual(self.ok(self.get(address, host, "/excess")).text, "one")
        for _ in range(3):  # what came behind that answer is nobody's
            self.assertEqual(self.ok(self.get(address, host, "/length/4")).body, pattern(4))

    @everywhere
    def test_chunked_uploads(self, door, address, host):
        body = LARGE_UP[:3 << 20]
        answer = self.ok(self.get(address, host, "/facts", "POST", [("Transfer-Encoding", "chunked")], chunks(body)))
        seen = json.loads(answer.body)
        self.assertEqual((seen["size"], seen["sha"]), (len(body), hashlib.sha256(body).hexdigest()))
        sent = {n.lower(): v for n, v in seen["fields"]}
        self.assertEqual(sent.get("transfer-encoding"), "chunked" if door == "http" else None)
        with client.Connection(address, 20) as c:
            c.send(f"POST /facts HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n"
                   f"GET /length/3 HTTP/1.1\r\nHost: {host}\r\n\r\n")
            self.assertEqual(json.loads(self.ok(c.read()).body)["size"], 3)
            self.assertEqual(self.ok(c.read()).body, pattern(3))

    @everywhere
    def test_large_bodies(self, door, address, host):
        if (door == "http") == (host == "tcp.odd"):
            seen = json.loads(self.ok(self.get(address, host, "/facts", "PUT", body=LARGE_UP)).body)
            self.assertEqual((seen["size"], seen["sha"]), (len(LARGE_UP), SHA_UP))
            answer = self.ok(self.get(address, host, f"/length/{len(LARGE_DOWN)}"))
            self.assertEqual(hashlib.sha256(answer.body).hexdigest(), SHA_DOWN)

    @everywhere
    def test_100_continue(self, door, address, host):
        with client.Connection(address, 20) as c:
            c.send(f"POST /facts HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            while b"\r\n\r\n" not in c.buffer and c.more():
                pass
            self.assertTrue(c.buffer.startswith(b"HTTP/1.1 100 "), c.buffer)
            c.send("body")
            self.assertEqual(json.loads(self.ok(c.read()).body)["size"], 4)

    def test_an_early_answer(self):
        """The client gets it, though its body was never taken."""
        for path in ("/early", "/early_close"):
            for host in ("tcp.odd", "unix.odd"):
                with self.subTest(path=path, host=host), client.Connection(self.doors.http, 20) as c:
                    c.send(f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 1000000\r\n\r\n" + "x" * 1000)
                    answer = c.read()
                    self.assertEqual((answer.status, answer.text, answer.header("connection")), (413, "too much", "close"))
                    self.assertTrue(c.at_end())
        for door, address in self.doors.doors.items():
            with self.subTest(door=door):
                answer = self.get(address, "tcp.odd", "/early", "POST", body=LARGE_UP)
                self.assertEqual(answer.status, 413)

    def test_both_directions_at_once(self):
        with client.Connection(self.doors.http, 20) as c:
            c.send("POST /echo_live HTTP/1.1\r\nHost: tcp.odd\r\nTransfer-Encoding: chunked\r\n\r\n")
            self.assertEqual(c.read(head_only=True).status, 200)
            for i in range(5):
                c.send("4\r\nab%02d\r\n" % i)
                until("the echo is there", lambda: b"ab%02d\r\n" % i in c.buffer or not c.more())
            c.send("0\r\n\r\n")
            until("the end is there", lambda: c.buffer.endswith(b"0\r\n\r\n") or not c.more())

    def test_a_client_that_shuts_its_sending_side(self):
        for host in ("tcp.odd", "unix.odd"):
            with client.Connection(self.doors.http, 20) as c:
                c.send(f"GET /slow/0.2 HTTP/1.1\r\nHost: {host}\r\n\r\n")
                c.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(self.ok(c.read()).text, "slow")

    def test_an_answer_that_is_cut_is_never_whole(self):
        front = self.doors.front("over-tcp", own_address(8001), [(f"unix:{self.doors.socket}", "%s:%d" % self.doors.tcp)])
        for address in (self.doors.http, front.address):
            for host in ("tcp.odd", "unix.odd"):
                for path in ("/dies_length", "/dies_chunked", "/dies_reset"):
                    if host == "unix.odd" and path == "/dies_reset":
                        continue  # a unix socket knows no reset
                    with self.subTest(address=address, host=host, path=path):
                        answer = self.get(address, host, path)
                        self.assertTrue(answer.error or answer.status == 502, f"{answer}")
        # nginx hears of the end of an answer with a length by any socket.
        self.assertNotEqual(self.get(self.doors.nginx_address, "tcp.odd", "/dies_length").error, "")
        with client.Connection(self.doors.http, 20) as c:
            c.send("GET /dies_chunked HTTP/1.0\r\nHost: tcp.odd\r\n\r\n")
            self.assertIn("Reset", c.read().error, "without chunks a mere end would be a whole answer")

    def test_a_slow_client_costs_no_memory(self):
        before, size = self.doors.rss(), 256 << 20
        with client.Connection(self.doors.http, 30) as c:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            c.send(f"GET /length/{size} HTTP/1.1\r\nHost: tcp.odd\r\n\r\n")
            self.assertEqual(c.read(head_only=True).status, 200)
            most, taken = 0, len(c.buffer)
            for _ in range(200):
                c.buffer = b""
                c.more()
                taken += len(c.buffer)
                most = max(most, self.doors.rss())
        self.assertGreater(taken, 1 << 20)
        self.assertLess(most - before, 2 << 20)
        until("the node is free again", lambda: len(self.tcp.open) < 40)

    def test_a_slow_node_costs_no_memory(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            self.doors.host("stuck.odd", "127.0.0.1:%d" % listener.getsockname()[1])
            before = self.doors.rss()
            with client.Connection(self.doors.http, 1) as c:
                c.send(f"POST / HTTP/1.1\r\nHost: stuck.odd\r\nContent-Length: {1 << 30}\r\n\r\n")
                sent = 0
                try:
                    while sent < 1 << 28:
                        sent += c.socket.send(LARGE_UP)
                except socket.timeout:
                    pass
            self.assertLess(sent, 1 << 27)
            self.assertLess(self.doors.rss() - before, 2 << 20)


class Kept(DoorsCase):
    """Connections to nodes are used again, and their end costs nobody a request."""

    @classmethod
    def set_up(cls, doors):
        cls.node = doors.odd("kept.odd")

    def test_they_are_used_again(self):
        for door, address in self.doors.doors.items():
            before = self.node.accepted
            for _ in range(20):
                self.ok(self.get(address, "kept.odd", "/length/5"))
                self.ok(self.get(address, "kept.odd", "/chunked/5"))
            self.assertLessEqual(self.node.accepted - before, 2, door)

    def test_a_node_that_hangs_up_between_requests(self):
        for door, address in self.doors.doors.items():
            for path, method in (("/length/5", "GET"), ("/facts", "POST"), ("/once", "GET")):
                for _ in range(20):
                    self.ok(self.get(address, "kept.odd", path, method, body=b"abc" if method == "POST" else b""))
                    self.node.hang_up()

    def test_a_node_that_hangs_up_while_asked(self):
        """It may end a kept connection at the very moment of the next request."""
        failures, stop = [], threading.Event()

        def ask(address):
            while not stop.is_set():
                answer = self.get(address, "kept.odd", "/once")
                if (answer.status, answer.text) != (200, "once"):
                    failures.append(answer)

        threads = [threading.Thread(target=ask, args=(address,)) for address in list(self.doors.doors.values()) * 2]
        for thread in threads:
            thread.start()
        served = self.node.served
        try:
            until("they asked often", lambda: self.node.served > served + 500, 20)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])

    def test_a_node_that_serves_one_connection_at_a_time(self):
        """A request that gets a new connection must not wait for the end of those that are kept."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(8)
            self.doors.host("single.odd", "127.0.0.1:%d" % listener.getsockname()[1])

            def serve():
                while True:
                    try:
                        accepted, _ = listener.accept()
                    except OSError:
                        return
                    Node.serve(accepted)

            threading.Thread(target=serve, daemon=True).start()
            for _ in range(3):
                self.ok(self.get(self.doors.http, "single.odd", "/length/5"))
                began = time.monotonic()
                self.ok(self.get(self.doors.http, "single.odd", "/facts", "POST", body=b"abc"))
                self.assertLess(time.monotonic() - began, 2)
            listener.shutdown(socket.SHUT_RDWR)

    def test_a_node_that_starts_again_at_its_place(self):
        path = self.doors.path("again.sock")
        node = Node(path)
        self.doors.host("again.odd", path)
        self.ok(self.get(self.doors.http, "again.odd", "/length/1"))
        node.close()
        os.unlink(path)
        node = Node(path)
        try:
            self.ok(self.get(self.doors.http, "again.odd", "/length/1"))
        finally:
            node.close()



class Buffered(DoorsCase):
    lines = ("fastrouter-post-buffering = 1000",)

    @classmethod
    def set_up(cls, doors):
        cls.node = doors.odd("held.odd")

    def test_a_slow_sender_holds_no_node(self):
        for host, framing in (("held.odd", "Content-Length: 300000"), ("held.odd", "Transfer-Encoding: chunked")):
            before, body = self.node.accepted, pattern(300000)
            sent = body if "Length" in framing else chunks(body)
            with client.Connection(self.doors.http, 20) as c:
                c.send(f"POST /facts HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\n{framing}\r\n\r\n")
                while b"\r\n\r\n" not in c.buffer and c.more():
                    pass
                c.send(sent[:200000])
                threading.Event().wait(0.2)
                self.assertEqual(self.node.accepted, before, "the node is not asked before the body is whole")
                c.send(sent[200000:])
                seen = json.loads(self.ok(c.read()).body)
                self.assertEqual(seen["sha"], hashlib.sha256(body).hexdigest())
                self.assertIn(["Content-Length", "300000"], seen["fields"])


if __name__ == "__main__":
    case.main()
