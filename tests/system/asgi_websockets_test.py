"""WebSockets of ASGI applications: many of them in one worker, through real nginx and the router's HTTP port; every way
to end one; reloads and deaths while they are open."""
import os
import signal
import socket
import struct

from frame import Connection, client, main, processes, until
from imperium.asgi import Probe
from imperium.websocket import BINARY, CLOSE, PING, PONG, TEXT, WebSocket, accept_of, frame

MANY = 200
CONTINUED = 0


class WebSockets(Probe):
    def open(self, path="/ws", address=None, **named):
        ws = WebSocket(address or self.doors["http"], self.host, path, **named)
        self.addCleanup(ws.socket.close)
        self.assertEqual((ws.answer.status, ws.answer.error), (101, ""), f"{ws.answer}")
        return ws

    def ends_with(self, ws, code, reason=b""):
        self.assertEqual(ws.hear(), (CLOSE, struct.pack(">H", code) + reason))
        ws.say(struct.pack(">H", code), CLOSE)
        self.assertTrue(ws.at_end())

    def test_the_handshake(self):
        for address in self.each_door():
            ws = self.open(address=address)
            answer = ws.answer
            self.assertEqual(answer.header("sec-websocket-accept"), accept_of(ws.key))
            self.assertEqual((answer.header("upgrade"), answer.header("connection", "").lower()), ("websocket", "upgrade"))
            self.assertEqual((answer.header("x-probe"), answer.header("sec-websocket-protocol")), ("yes", None))
            ws = self.open(headers="Sec-WebSocket-Protocol: one, two\r\n")
            self.assertEqual(ws.answer.header("sec-websocket-protocol"), "two")

    def test_no_handshake(self):
        for address in self.each_door():
            for path, status in (("/refused", 403), ("/denied", 401), ("/never", 500), ("/boom-early", 500)):
                ws = WebSocket(address, self.host, path)
                self.addCleanup(ws.socket.close)
                self.assertEqual(ws.answer.status, status, path)
        upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
        key, version = ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="), ("Sec-WebSocket-Version", "13")
        for headers, status in (((key,), 426), ((key, ("Sec-WebSocket-Version", "8")), 426), ((version,), 400),
                                ((version, ("Sec-WebSocket-Key", "c2hvcnQ=")), 400), ((version, ("Sec-WebSocket-Key", "!")), 400)):
            answer = self.get("/ws", headers=[*upgrade, *headers], close=False)
            self.assertEqual(answer.status, status, headers)
        self.assertEqual(self.get("/hello", headers=[("Upgrade", "websocket")]).text, "hello")

    def test_messages(self):
        for address in self.each_door():
            ws = self.open(address=address)
            for data in (b"", b"a", "h\u00e4llo".encode(), b"x" * 126, b"y" * 70000, b"l" * (1 << 20)):
                self.assertTrue(ws.echo(data), len(data))
            ws.say(b"\0\xff\xfe" * 1000, BINARY)
            self.assertEqual(ws.hear(), (BINARY, b"\0\xff\xfe" * 1000))
            pieces = [b"\xe2", b"\x82", b"\xac" + b"z" * 1000]  # one character in three fragments, a ping between them
            ws.send(unfinished(TEXT, pieces[0]) + frame(PING, b"ping", b"mask") + unfinished(CONTINUED, pieces[1]) + frame(CONTINUED, pieces[2], b"mask"))
            self.assertEqual(ws.hear(), (PONG, b"ping"))
            self.assertEqual(ws.hear(), (TEXT, b"".join(pieces)))
            for i in range(300):
                ws.say(b"%d" % i)
            self.assertEqual([ws.hear() for _ in range(300)], [(TEXT, b"%d" % i) for i in range(300)])
            ws.socket.settimeout(5)
            for byte in frame(TEXT, b"byte by byte", b"mask"):
                ws.send(bytes([byte]))
            self.assertEqual(ws.hear(), (TEXT, b"byte by byte"))
        ws = self.open("/push")
        self.assertEqual([ws.hear()[1] for _ in range(10)], [b"push %d" % i for i in range(10)])
        self.assertTrue(ws.echo(b"after"))

    def test_frames_that_come_with_the_request(self):
        ws = self.open(early=frame(TEXT, b"early", b"mask"))
        self.assertEqual(ws.hear(), (TEXT, b"early"))
        self.assertTrue(ws.echo(b"late"))

    def test_the_application_closes(self):
        for address in self.each_door():
            self.ends_with(self.open("/bye", address), 3001, b"that is all")
            self.ends_with(self.open("/return", address), 1000)
            self.ends_with(self.open("/boom", address), 1011)
        self.wait_log("boom in a WebSocket")

    def test_the_visitor_closes(self):
        for data, said in ((b"\x0f\xa1good bye", [4001, "good bye"]), (b"", [1005, ""]), (b"\x03\xe8", [1000, ""])):
            ws = self.open()
            ws.say(data, CLOSE)
            self.assertEqual(ws.hear(), (CLOSE, data))
            self.assertTrue(ws.at_end())
            until(f"the application hears {said}", lambda said=said: said in self.seen())
        ws = self.open(address=self.doors["nginx"])
        ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ws.socket.close()
        until("the application hears of the loss", lambda: [1006, ""] in self.seen())

    def test_who_breaks_the_rules_is_closed(self):
        for code, data in ((1009, frame(TEXT, b"x" * ((1025 << 10) + 1), b"mask")), (1007, frame(TEXT, b"\xff\xfe", b"mask")),
                           (1002, frame(TEXT, b"not masked")), (1002, frame(3, b"no such kind", b"mask")), (1002, frame(CONTINUED, b"of what", b"mask")),
                           (1009, unfinished(BINARY, b"x" * (1 << 20)) + unfinished(CONTINUED, b"x" * 2048))):
            ws = self.open()
            try:
                ws.send(data)
            except OSError:
                pass  # it was closed before all was sent
            self.assertEqual(ws.hear(), (CLOSE, struct.pack(">H", code)), code)
            self.assertTrue(ws.at_end())
            until(f"the application hears {code}", lambda code=code: [code, ""] in self.seen())

    def test_back_pressure(self):
        ws = self.open("/flood")  # who does not read is waited for
        counts = []

        def stands_still():
            counts.append(self.seen())
            return len(counts) > 20 and counts[-1] == counts[-20] and counts[-1] and counts[-1][0]

        self.assertLess(until("the application waits", stands_still), 500)
        self.assertEqual(sum(len(ws.hear()[1]) for _ in range(1024)), 1024 * 65536)
        deaf = self.open("/deaf")  # an application that does not receive is waited for
        deaf.socket.settimeout(0.5)
        sent = 0
        with self.assertRaises(TimeoutError):
            while sent < 64 << 20:
                deaf.socket.sendall(frame(BINARY, b"x" * 65536, b"mask"))
                sent += 65536
        self.assertLess(sent, 64 << 20)
        self.text("/open")

    def test_many_in_one_worker(self):
        opened = [self.open(address=address) for address in self.doors.values() for _ in range(MANY // 2)]
        for kind, data in ((TEXT, b"text %d"), (BINARY, b"\xff%d")):
            for i, ws in enumerate(opened):
                ws.say(data % i, kind)
            for i, ws in enumerate(opened):
                self.assertEqual(ws.hear(), (kind, data % i))
        self.assertEqual(self.text("/hello"), "hello")
        for ws in opened:
            ws.say(b"\x03\xe8", CLOSE)
            self.assertEqual(ws.hear(), (CLOSE, b"\x03\xe8"))


class Ends(Probe):
    open = WebSockets.open

    def test_a_reload(self):
        opened = [self.open(address=address) for address in self.doors.values() for _ in range(20)]
        deaf, before = self.open("/deaf"), self.text("/pid")
        slow = Connection(self.doors["http"])
        self.addCleanup(slow.socket.close)
        slow.send(f"POST /echo HTTP/1.1\r\nHost: {self.host}\r\nContent-Length: 10\r\n\r\n01234")
        while b"01234" not in slow.buffer:
            self.assertTrue(slow.more())
        old = set(processes.children(self.world.emperor.row(self.name)["pid"]))
        self.drop("env = NEW=1")
        until("the new generation serves", lambda: self.text("/pid") != before)
        later = self.open()
        self.assertTrue(later.echo(b"hello"))
        for ws in opened:
            self.assertEqual(ws.hear(), (CLOSE, b"\x03\xf4"))
            ws.say(b"\x03\xf4", CLOSE)
            self.assertTrue(ws.at_end())
        self.assertEqual(deaf.hear(), (CLOSE, b"\x03\xf4"))
        slow.send(b"56789")
        self.assertEqual(slow.read().body, b"0123456789", "a request is finished where it began")
        until("the old ones end, without mercy's help", lambda: not any(processes.alive(pid) for pid in old), 15)
        self.assertTrue(later.echo(b"still there"))

    def test_nobody_waits_for_requests_of_visitors_that_left(self):
        old = set(processes.children(self.world.emperor.row(self.name)["pid"]))
        with client.connect(self.socket) as s:
            s.sendall(client.packet(client.request_variables(self.host, "/held")))
            self.wait_waiting(1)
        self.drop("env = NEW=2")
        until("the old ones end", lambda: not any(processes.alive(pid) for pid in old), 30)

    def test_a_worker_is_killed(self):
        opened = [self.open(address=address) for address in self.doors.values()]
        os.kill(int(self.text("/pid")), signal.SIGKILL)
        for ws in opened:
            self.assertIsNone(ws.hear())
        until("another one serves", lambda: self.get("/hello").status == 200)
        self.assertTrue(self.open().echo(b"hello"))


def unfinished(kind, data):
    whole = frame(kind, data, b"mask")
    return bytes([whole[0] & 0x7f]) + whole[1:]


if __name__ == "__main__":
    main()
