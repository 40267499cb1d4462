"""WebSockets through both doors of the router: to a node, over unix and TCP, and to a command behind a domain.

Workers of ours are asked by asgi_websockets_test.
"""
import os
import socket
import struct
import threading
import unittest

from frame import SystemCase
from imperium import case, client, programs
from imperium.doors import DoorsCase, everywhere
from imperium.waiting import until
from imperium.websocket import CLOSE, PING, TEXT, WebSocket, accept_of, frame
from imperium.world import own_address

SERVER = os.path.join(programs.ROOT, "tests/system/apps/websocket_echo.py")


class Sockets(DoorsCase):
    lines = ("request-timeout = 1", "tunnel-timeout = 5")

    @classmethod
    def set_up(cls, doors):
        port = own_address(9100)
        doors.run([programs.PYTHON, SERVER, doors.path("ws.sock")], "unix")
        doors.run([programs.PYTHON, SERVER, "%s:%d" % port], "tcp")
        doors.log_of("unix", "serving")
        doors.log_of("tcp", "serving")
        cls.hosts = [doors.host("unix.ws", doors.path("ws.sock")), doors.host("tcp.ws", "%s:%d" % port)]

    def open(self, address, host, path="/ws", **named):
        ws = WebSocket(address, host, path, **named)
        self.addCleanup(ws.socket.close)
        self.assertEqual((ws.answer.status, ws.answer.error), (101, ""), f"{ws.answer}")
        return ws

    def nobody_is_left(self, host):
        until("the node has no WebSocket left", lambda: self.get(self.doors.http, host, "/open").text == "0")

    @everywhere
    def test_the_handshake(self, door, address, host):
        ws = self.open(address, host)
        self.assertEqual(ws.answer.header("sec-websocket-accept"), accept_of(ws.key))
        self.assertEqual((ws.answer.header("upgrade"), ws.answer.header("connection", "").lower()), ("websocket", "upgrade"))
        self.assertIsNone(ws.answer.header("transfer-encoding"))

    @everywhere
    def test_frames_both_ways(self, door, address, host):
        ws = self.open(address, host)
        for data in (b"", b"a", b"x" * 125, b"y" * 126, b"z" * 70000, b"l" * (1 << 20)):
            self.assertTrue(ws.echo(data), len(data))
        ws.say(b"are you there", PING)
        self.assertEqual(ws.hear(), (PING, b"are you there"))
        for i in range(200):
            ws.say(b"%d" % i)
        self.assertEqual([ws.hear() for _ in range(200)], [(TEXT, b"%d" % i) for i in range(200)])
        ws = self.open(address, host, "/push")
        self.assertEqual([ws.hear()[1] for _ in range(10)], [b"push %d" % i for i in range(10)])
        self.assertTrue(ws.echo(b"after"))

    @everywhere
    def test_frames_that_come_with_the_request(self, door, address, host):
        if door == "nginx":
            return  # it decides itself what it does with them
        ws = self.open(address, host, early=frame(TEXT, b"early", b"mask"))
        self.assertEqual(ws.hear(), (TEXT, b"early"))
        self.assertTrue(ws.echo(b"late"))

    @everywhere
    def test_every_order_of_closing(self, door, address, host):
        ws = self.open(address, host)  # the client asks, the node closes
        ws.say(b"\x03\xe8", CLOSE)
        self.assertEqual(ws.hear(), (CLOSE, b"\x03\xe8"))
        self.assertIsNone(ws.hear())
        ws = self.open(address, host, "/bye")  # the node asks, the client closes
        self.assertEqual((ws.hear(), ws.hear()), ((TEXT, b"bye"), (CLOSE, b"\x03\xe8")))
        ws.say(b"\x03\xe8", CLOSE)
        ws.socket.close()
        ws = self.open(address, host)  # the client vanishes
        self.assertTrue(ws.echo(b"a"))
        ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ws.socket.close()
        self.nobody_is_left(host)
        if door == "http":
            ws = self.open(address, host)  # the client sends no more
            ws.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(ws.hear(), (TEXT, b"half"))
            self.assertIsNone(ws.hear())
        self.nobody_is_left(host)

    def test_silence(self):
        """Longer than a request may be silent, not longer than a tunnel may."""
        opened = [(door, host, self.open(address, host, timeout=15)) for door, address in self.doors.doors.items() for host in self.hosts]
        threading.Event().wait(1.6)
        for door, host, ws in opened:
            self.assertTrue(ws.echo(b"still there"), (door, host))
        threading.Event().wait(1.6)
        for door, host, ws in opened:
            ws.say(b"one way counts too")
        for door, host, ws in opened:
            self.assertEqual(ws.hear(), (TEXT, b"one way counts too"))
            self.assertIsNone(ws.hear(), "silence ends it")
        for host in self.hosts:
            self.nobody_is_left(host)

    @everywhere
    def test_what_is_not_passed_on(self, door, address, host):
        seen = self.ok(self.get(address, host, "/headers", headers=[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMA")])).text.lower()
        self.assertNotIn("upgrade", seen)
        seen = self.ok(self.get(address, host, "/headers", headers=[("Upgrade", "websocket")])).text.lower()
        self.assertNotIn("upgrade", seen, "Connection has to name it")
        answer = self.get(address, host, "/headers", "POST", [("Connection", "Upgrade"), ("Upgrade", "websocket")], b"body")
        self.assertNotIn("upgrade", self.ok(answer).text.lower(), "a body comes before the tunnel")

    @everywhere
    def test_a_node_that_does_not_switch(self, door, address, host):
        with client.Connection(address) as c:
            for _ in range(2):
                c.send(f"GET /plain HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                self.assertEqual(self.ok(c.read()).text, "echo")
            c.send(f"GET /headers HTTP/1.1\r\nHost: {host}\r\n\r\n")
            self.ok(c.read())


class Patient(DoorsCase):
    @classmethod
    def set_up(cls, doors):
        doors.run([programs.PYTHON, SERVER, doors.path("ws.sock")], "unix")
        doors.log_of("unix", "serving")
        cls.hosts = [doors.host("unix.ws", doors.path("ws.sock"))]

    def test_a_crowd(self):
        opened = [WebSocket(self.doors.http, "unix.ws") for i in range(200)]
        for i, ws in enumerate(opened):
            ws.say(b"%d" % i)
        for i, ws in enumerate(opened):
            self.addCleanup(ws.socket.close)
            self.assertEqual(ws.hear(), (TEXT, b"%d" % i))

    def test_a_router_that_ends_lets_them_finish(self):
        first, second = (WebSocket(address, "unix.ws") for address in self.doors.doors.values())
        self.doors.drain()
        until("nobody new is let in", lambda: client.http(self.doors.http, "unix.ws").error)
        for ws in (first, second):
            self.assertTrue(ws.echo(b"still there"))
        self.assertIsNone(self.doors.router.poll())
        for ws in (first, second):
            ws.say(b"\x03\xe8", CLOSE)
            self.assertEqual(ws.hear(), (CLOSE, b"\x03\xe8"))
            ws.socket.close()
        self.assertEqual(self.doors.router.wait(10), 0)


@unittest.skipUnless(os.geteuid() == 0, "needs root, to run tenants under uids of their own")
class Command(SystemCase):
    options = {"nginx": True}

    def drop(self, mark):
        self.world.drop("echo", "echo.test", app=None, lines=[f"command = /usr/bin/python3 {self.world.app('websocket_echo.py')}", "command-type = notify",
                                                              f"http-socket = {self.world.path('sockets', 'echo.sock')}", f"env = MARK={mark}"])
        self.world.emperor.wait_state("echo", "ready")

    def test_a_command_behind_a_domain(self):
        self.drop("first")
        self.world.wait_answer("echo.test")
        opened = [WebSocket(address, "echo.test") for address in (self.world.http_address, self.world.nginx_address)]
        for ws in opened:
            self.addCleanup(ws.socket.close)
            self.assertEqual(ws.answer.status, 101)
            self.assertTrue(ws.echo(b"hello"))
        # A new generation serves whoever comes; the old one keeps whom it has.
        self.drop("second")
        until("the second serves", lambda: self.world.get("echo.test").text == "second")
        for ws in opened:
            self.assertTrue(ws.echo(b"still there"))
        later = WebSocket(self.world.http_address, "echo.test")
        self.addCleanup(later.socket.close)
        self.assertTrue(later.echo(b"hello"))
        for ws in (*opened, later):
            ws.say(b"\x03\xe8", CLOSE)
            self.assertEqual(ws.hear(), (CLOSE, b"\x03\xe8"))
            self.assertIsNone(ws.hear())


if __name__ == "__main__":
    case.main()
