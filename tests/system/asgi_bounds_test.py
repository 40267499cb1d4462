"""What visitors of an ASGI worker cannot do to it and to each other: fill its memory, keep it from being replaced, have it
killed or restarted."""
import json
import os
import socket
import threading
import unittest

from frame import SystemCase, client, main, processes, programs
from imperium.waiting import pause, until
from imperium.websocket import PING, PONG, TEXT, WebSocket, frame

APP = '''
import asyncio, atexit, json, os, sys
seen, sent, gate = [], 0, None


def at_exit():
    loop = asyncio.get_event_loop_policy().get_event_loop()
    loop.call_later(1.2, loop.stop)
    loop.run_forever()
    print("the loop turned at exit", flush=True)


def no_task(loop, coroutine, **named):
    coroutine.close()
    loop.set_task_factory(None)
    raise MemoryError("no task")


async def answer(send, body=b"", status=200):
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def body_of(receive):
    got = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            got += [message["type"], (await receive())["type"]]
            return got
        got.append(len(message["body"]))
        if not message["more_body"]:
            return [sum(got)]


async def http(path, receive, send):
    global sent, gate
    gate = gate or asyncio.Event()
    if path == "/pid":
        await answer(send, b"%d" % os.getpid())
    elif path == "/seen":
        await answer(send, json.dumps([seen, sent]).encode())
    elif path == "/body":
        got = await body_of(receive)
        seen.append(got)
        if got[-1] != "http.disconnect":
            await answer(send, json.dumps(got).encode())
    elif path == "/stream":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for sent in range(4096):
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        seen.append("streamed")
        await send({"type": "http.response.body"})
    elif path == "/large":
        await answer(send, b"x" * (8 << 20))
    elif path == "/body-then-held":
        await body_of(receive)
        await gate.wait()
    elif path == "/held":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await gate.wait()


async def websocket(path, receive, send):
    await receive()
    if path == "/refused":
        other = asyncio.ensure_future(receive())
        await asyncio.wait({other}, timeout=0.05)
        await send({"type": "websocket.close"})
        return seen.append((await other)["type"])
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        if os.environ.get("AT_EXIT"):
            atexit.register(at_exit)
        if os.environ.get("NO_TASK"):
            asyncio.get_running_loop().set_task_factory(no_task)
        raise NotImplementedError
    await {"http": http, "websocket": websocket}[scope["type"]](scope["path"], receive, send)
'''


class Bounds(SystemCase):
    options = {"emperor_required_heartbeat": "3"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.file = cls.world.write("apps/bounds.py", APP)

    def up(self, name, *lines):
        self.name, self.host = name, f"{name}.test"
        self.socket = self.world.path("sockets", f"{name}.sock")
        return self.world.up(name, self.host, app=self.file, lines=[f"socket = {self.socket}", "chmod-socket = 666", *lines])

    def get(self, path, **named):
        return client.http(self.world.http_address, self.host, path, **named)

    def text(self, path):
        answer = self.get(path)
        self.assert_status(answer, 200)
        return answer.text

    def seen(self):
        return json.loads(self.text("/seen"))

    def ask(self, path, method="GET", variables=(), body=b""):
        """At the vassal's own socket: nobody stands between."""
        s = client.connect(self.socket)
        self.addCleanup(s.close)
        s.sendall(client.packet(client.request_variables(self.host, path, method, list(variables))) + body)
        return s

    def websocket(self, path="/ws"):
        ws = WebSocket(self.world.http_address, self.host, path)
        self.addCleanup(ws.socket.close)
        return ws

    def stands_still(self):
        counts = []

        def still():
            counts.append(self.seen()[1])
            return len(counts) > 20 and counts[-1] == counts[-20] and counts[-1] > 0

        until("the application waits", still)

    def log(self):
        with open(os.path.join(self.world.run_dir, "logs", f"{self.name}.log"), errors="replace") as f:
            return f.read()

    @unittest.skipIf(programs.sanitized(), "a sanitizer's memory is its own")
    def test_nothing_is_kept_for_who_left(self):
        self.up("left")
        s, pid = self.ask("/stream"), int(self.text("/pid"))
        self.stands_still()
        s.close()
        until("the application is through", lambda: "streamed" in self.seen()[0])
        with open(f"/proc/{pid}/status") as f:
            most = next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))
        self.assertLess(most, 128 << 10, "kilobytes, of 256 MiB that were sent")

    def test_a_worker_that_leaves_is_replaced_though_a_request_never_ends(self):
        self.up("endless", "processes = 1", "max-requests = 3", "worker-reload-mercy = 1")
        held, pid = self.ask("/held"), self.text("/pid")
        self.assertIn(b"begun", held.recv(65536))
        self.assertEqual([self.text("/pid") for _ in range(2)], [pid, pid])
        self.assertNotEqual(self.text("/pid"), pid)

    def test_harakiri_is_not_for_visitors_that_are_slow(self):
        row = self.up("slow", "processes = 1", "harakiri = 1", "socket-timeout = 30")
        ws, pid = self.websocket(), self.text("/pid")
        self.ask("/large")  # whole, and not taken
        self.ask("/stream")  # waited for, again and again
        self.ask("/body", "POST", [("CONTENT_LENGTH", "10")], b"12345")
        late = self.ask("/body-then-held", "POST", [("CONTENT_LENGTH", "10")], b"12345")
        pause(2)
        self.assertEqual(self.text("/pid"), pid)
        ws.say(b"hello")
        self.assertEqual(ws.hear(), (TEXT, b"hello"))
        late.sendall(b"67890")  # from now on it is the application that takes so long
        until("harakiri", lambda: not processes.alive(int(pid)), 5)
        self.assertTrue(processes.alive(row["pid"]))

    def test_heartbeats_go_on_while_a_websocket_is_open(self):
        row = self.up("beats", "processes = 1", "heartbeat = 1")
        ws, pid = self.websocket(), self.text("/pid")
        pause(4)
        ws.say(b"hello")
        self.assertEqual(ws.hear(), (TEXT, b"hello"))
        self.assertEqual((self.text("/pid"), self.world.emperor.row("beats")["pid"]), (pid, row["pid"]))

    def test_who_pings_and_does_not_read_is_heard_again_when_he_does(self):
        self.up("pinging")
        ws = self.websocket()
        ws.socket.settimeout(0.5)
        piece, sent = frame(TEXT, b"a", b"mask") + frame(PING, b"x" * 125, b"mask") * 500, 0
        left = piece
        with self.assertRaises(TimeoutError):
            while sent < 64 << 20:
                n = ws.socket.send(left)
                sent, left = sent + n, left[n:] or piece
        self.assertLess(sent, 64 << 20, "he is not read for ever")
        ws.socket.settimeout(10)
        pieces = -(-sent // len(piece))
        rest = threading.Thread(target=ws.socket.sendall, args=(left if sent % len(piece) else b"",))
        rest.start()
        heard = [ws.hear() for _ in range(pieces * 501)]
        rest.join()
        self.assertEqual((heard.count((TEXT, b"a")), heard.count((PONG, b"x" * 125))), (pieces, pieces * 500))
        self.assertTrue(ws.echo(b"still there"))

    def test_a_refusal_ends_what_waits_in_another_task(self):
        self.up("refusing")
        self.assertEqual(self.websocket("/refused").answer.status, 403)
        until("it hears of it", lambda: "websocket.disconnect" in self.seen()[0])

    def test_a_cut_body_stays_cut(self):
        self.up("cut", "limit-post = 100000")
        s = self.ask("/body", "POST", [("CONTENT_LENGTH", "10")], b"12345")
        s.shutdown(socket.SHUT_WR)
        until("it hears of it twice", lambda: [5, "http.disconnect", "http.disconnect"] in self.seen()[0])
        chunked = [("Transfer-Encoding", "chunked")]
        piece = b"ea60\r\n" + b"x" * 60000 + b"\r\n"
        self.assertEqual(self.get("/body", method="POST", body=piece + b"0\r\n\r\n", headers=chunked).text, "[60000]")
        self.assertEqual(self.get("/body", method="POST", body=piece * 2 + b"0\r\n\r\n", headers=chunked).status, 413)

    def test_a_request_that_cannot_begin_and_a_loop_that_turns_at_exit(self):
        self.up("exits", "env = AT_EXIT=1", "env = NO_TASK=1", "processes = 1")
        self.assertEqual(self.get("/pid").status, 500)
        until("it is told", lambda: "MemoryError: no task" in self.log())
        pid = int(self.text("/pid"))
        self.world.remove(self.name)
        until("it ended", lambda: not processes.alive(pid))
        until(lambda: f"it turned: {self.log()}", lambda: "the loop turned at exit" in self.log())
        self.assertEqual(self.log().count("Traceback"), 1, self.log())


if __name__ == "__main__":
    main()
