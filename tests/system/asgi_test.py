"""ASGI applications: many requests and WebSockets at once in one worker, through real nginx, the router's HTTP port
and a socket of the vassal's own."""
import hashlib
import json
import os
import signal
import socket
import struct

from frame import Connection, SystemCase, client, main, processes, until, uwsgi
from imperium.websocket import BINARY, CLOSE, PING, PONG, TEXT, WebSocket, accept_of, frame

MANY = 200
CONTINUED = 0


def log_of(world, name):
    with open(os.path.join(world.run_dir, "logs", f"{name}.log"), errors="replace") as f:
        return f.read()


class Probe(SystemCase):
    options = {"nginx": True}
    name, lines = "probe", ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host, cls.socket = f"{cls.name}.test", cls.world.path("sockets", f"{cls.name}.sock")
        cls.row = cls.drop()
        cls.doors = {"http": cls.world.http_address, "nginx": cls.world.nginx_address}

    @classmethod
    def drop(cls, *more):
        return cls.world.up(cls.name, cls.host, app="asgi_probe.py",
                            lines=[f"socket = {cls.socket}", "chmod-socket = 666", "websockets-max-size = 1025", *cls.lines, *more])

    def each_door(self):
        return self.doors.values()

    def get(self, path, address=None, **named):
        return client.http(address or self.doors["http"], self.host, path, **named)

    def text(self, path, **named):
        answer = self.get(path, **named)
        self.assert_status(answer, 200)
        return answer.text

    def seen(self):
        return json.loads(self.text("/seen"))

    def ask(self, path, address=None):
        """A request whose answer is still to be read."""
        c = Connection(address or self.doors["http"])
        self.addCleanup(c.socket.close)
        c.send(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n")
        return c

    def wait_waiting(self, count):
        until(f"{count} wait", lambda: int(self.text("/waiting")) == count)

    def log(self):
        return log_of(self.world, self.name)

    def wait_log(self, words):
        until(lambda: f"{words!r} is in the log: {self.log()[-3000:]}", lambda: words in self.log())


class Http(Probe):
    lines = ("socket-timeout = 1", "threads = 2")

    def test_every_door(self):
        for address in self.each_door():
            answer = self.get("/hello", address)
            self.assert_status(answer, 200)
            self.assertEqual(answer.text, "hello")
            self.assert_status(self.get("/hello", address, method="HEAD"), 200)
            self.assertEqual(self.get("/nothing", address).status, 404)
        answer = uwsgi(self.socket, self.host, "/hello")
        self.assertEqual((answer.status, answer.text), (200, "hello"))
        with Connection(self.doors["http"]) as c:
            for _ in range(3):
                c.send(f"GET /hello HTTP/1.1\r\nHost: {self.host}\r\n\r\n")
                answer = c.read()
                self.assertEqual((answer.text, answer.header("content-length")), ("hello", "5"), "the connection is kept")

    def test_the_scope(self):
        for address in self.each_door():
            headers = [("X-Some-Thing", "a"), ("X-Some-Thing", "b"), ("Content-Type", "text/x"), ("Cookie", "a=1")]
            scope = json.loads(self.get("/scope?a=%20b&c", address, headers=headers).text)
            self.assertEqual((scope["type"], scope["method"], scope["http_version"], scope["scheme"]), ("http", "GET", "1.1", "http"))
            self.assertEqual((scope["path"], scope["raw_path"], scope["root_path"], scope["query_string"]), ("/scope", "/scope", "", "a=%20b&c"))
            self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.3"})
            self.assertEqual(scope["client"][0].split(".")[0], "127")
            got = {name: value for name, value in scope["headers"]}
            self.assertEqual((got["x-some-thing"], got["content-type"], got["cookie"]), ("a, b", "text/x", "a=1"))
            self.assertEqual(got["host"].split(":")[0], self.host)
        self.assertEqual(json.loads(self.text("/%C3%A4/scope"))["path"], "/\u00e4/scope")
        self.assertEqual(json.loads(self.text("/%C3%A4/scope"))["raw_path"], "/%C3%A4/scope")

    def test_many_at_once_in_one_worker(self):
        held = [self.ask("/held", address) for address in self.doors.values() for _ in range(MANY // 2)]
        self.wait_waiting(MANY)
        self.text("/open")
        for c in held:
            answer = c.read()
            self.assertEqual((answer.status, answer.text, answer.error), (200, "let go", ""))

    def test_an_answer_comes_as_it_is_made(self):
        c = self.ask("/stream")
        for i in range(3):
            self.wait_waiting(1)
            self.text("/open")
            while b"piece %d\n" % i not in c.buffer:
                self.assertTrue(c.more())
        answer = c.read()
        self.assertEqual((answer.text, answer.error), ("piece 0\npiece 1\npiece 2\nthe end\n", ""))

    def test_bodies(self):
        body = os.urandom(3 << 20)
        chunked = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[i:i + 50000] for i in range(0, len(body), 50000))) + b"0\r\n\r\n"
        for address in self.each_door():
            for data, headers in ((body, ()), (chunked, [("Transfer-Encoding", "chunked")])):
                self.assertEqual(self.get("/sum", address, method="POST", body=data, headers=headers).text, hashlib.sha1(body).hexdigest())
            self.assertEqual(self.get("/echo", address, method="POST", body=body[:100000]).body, body[:100000])
            self.assertEqual(self.get("/size", address, method="POST", body=b"four").text, "4")
            self.assertEqual(self.get("/size", address).text, "0")
            self.assertEqual(self.get("/unread", address, method="POST", body=body).text, "unread")

    def test_a_visitor_that_leaves_is_noticed(self):
        with client.connect(self.socket) as s:
            s.sendall(client.packet(client.request_variables(self.host, "/gone")))
        until("the application hears of it", lambda: "http.disconnect" in self.seen())
        with client.connect(self.socket) as s:  # in its body
            s.sendall(client.packet(client.request_variables(self.host, "/size", "POST", [("CONTENT_LENGTH", "10")])) + b"12345")
        until("the application hears of it", lambda: "disconnect in the body" in self.seen())
        c = self.ask("/after", self.doors["nginx"])
        self.assertEqual(c.read().text, "after")
        until("the answer is over", lambda: "after http.disconnect" in self.seen())

    def test_a_silent_body_ends_in_a_disconnect(self):
        before = self.seen().count("disconnect in the body")
        with client.connect(self.socket) as s:
            s.sendall(client.packet(client.request_variables(self.host, "/echo", "POST", [("CONTENT_LENGTH", "10")])) + b"12345")
            until("its patience ends", lambda: self.seen().count("disconnect in the body") > before)

    def test_failures(self):
        for address in self.each_door():
            for path in ("/boom", "/exit", "/never", "/forged"):
                self.assert_status(self.get(path, address), 500, path)
        answer = self.get("/boom-later")
        self.assertEqual((answer.status, answer.body), (200, b"some of it"))
        self.assertTrue(answer.error, "it is cut")
        for words in ("boom before the answer", "boom in the answer", "returned before it answered", "control character"):
            self.wait_log(words)

    def test_who_does_not_read_is_waited_for(self):
        c = self.ask("/flood")
        counts = []

        def stands_still():
            counts.append(self.seen())
            return len(counts) > 20 and counts[-1] == counts[-20] and counts[-1] and counts[-1][0]

        most = until("the application waits", stands_still)
        self.assertLess(most, 500)
        answer = c.read()
        self.assertEqual((len(answer.body), answer.error), (1024 * 65536, ""))

    def test_a_thread_of_its_own(self):
        self.assertEqual(self.text("/thread"), "from a thread")

    def test_the_scoreboard(self):
        c = self.ask("/held")
        self.wait_waiting(1)
        before = self.world.emperor.row(self.name)["requests"]
        self.text("/open")
        self.assertEqual(c.read().text, "let go")
        until("it is counted", lambda: self.world.emperor.row(self.name)["requests"] > before)
        self.wait_log("/held")


class Lifespans(SystemCase):
    def up(self, name, *lines):
        return self.world.up(name, f"{name}.test", app="asgi_probe.py", lines=list(lines))

    def failed(self, name, words, app="asgi_probe.py", lines=()):
        self.world.drop(name, f"{name}.test", app=app, lines=lines)
        until(lambda: f"{name} fails with {words!r}: {self.world.emperor.row(name)}",
              lambda: words in (self.world.emperor.row(name) or {"last_error": ""})["last_error"])
        self.world.remove(name)

    def ask(self, name, path):
        answer = self.world.get(f"{name}.test", path)
        self.assert_status(answer, 200)
        return answer.text

    def test_its_state_reaches_the_requests(self):
        for lazy in ("false", "true"):
            name = f"state-{lazy}"
            self.up(name, f"lazy-apps = {lazy}")
            self.assertEqual(json.loads(self.ask(name, "/state")), {"started": int(self.ask(name, "/pid"))})
            self.world.remove(name)
            until("it was shut down", lambda: "shutdown was heard" in log_of(self.world, name))

    def test_an_application_without_it(self):
        self.up("without", "env = LIFESPAN=none")
        self.assertEqual(self.ask("without", "/state"), "null")

    def test_a_failed_start_is_told(self):
        for lazy in ("false", "true"):
            self.failed(f"failed-{lazy}", "the database is away", lines=["env = LIFESPAN=failed", f"lazy-apps = {lazy}"])

    def test_a_failed_start_changes_nothing_for_visitors(self):
        self.up("sturdy")
        self.world.drop("sturdy", "sturdy.test", app="asgi_probe.py", lines=["env = LIFESPAN=failed"])
        until("it is told", lambda: "the database is away" in self.world.emperor.row("sturdy")["last_error"])
        self.assertEqual(self.ask("sturdy", "/hello"), "hello")

    def test_interfaces(self):
        wsgi = "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [b'wsgi']\n"
        wrapped = "from asgi_probe import application as inner\ndef application(scope, receive, send):\n    return inner(scope, receive, send)\n"
        old = "class application:\n    def __init__(self, scope): pass\n    async def __call__(self, receive, send): pass\n"
        older = "def application(scope):\n    async def instance(receive, send): pass\n    return instance\n"
        called = "from asgi_probe import application as inner\nclass A:\n    async def __call__(self, scope, receive, send):\n        await inner(scope, receive, send)\napplication = A()\n"
        files = {name: self.world.write(f"apps/{name}.py", text) for name, text in
                 (("plain", wsgi), ("wrapped", wrapped), ("old", old), ("older", older), ("called", called))}
        probe = self.world.app("asgi_probe.py")
        self.failed("asgi2", "ASGI 2", app=files["old"])
        self.failed("asgi2-too", "ASGI 2", app=files["older"])
        self.failed("mixed", "one interface", app=probe, lines=[f"mount = /plain={files['plain']}"])
        self.failed("odd", "interface = cgi", app=probe, lines=["interface = cgi"])
        for name in ("wrapped", "called"):
            self.world.up(name, f"{name}.test", app=files[name], lines=[f"pythonpath = {self.world.apps}"])
            self.assertEqual(self.ask(name, "/hello"), "hello")
        self.world.up("mounts", "mounts.test", app=probe, lines=[f"mount = /sub={probe}", "manage-script-name = true"])
        scope = json.loads(self.ask("mounts", "/sub/scope"))
        self.assertEqual((scope["root_path"], scope["path"]), ("/sub", "/sub/scope"))

    def hold(self, name, count):
        held = []
        for _ in range(count):
            held.append(c := Connection(self.world.http_address))
            self.addCleanup(c.socket.close)
            c.send(f"GET /held HTTP/1.1\r\nHost: {name}.test\r\n\r\n")
        return held

    def test_a_full_worker_leaves_the_rest_waiting(self):
        row = self.up("small", "asgi-connections = 4", "worker-reload-mercy = 1")
        held = self.hold("small", 8)
        self.up("helper")  # time passes; nobody else gets in
        pid = next(p for p in processes.children(row["pid"]) if p != row["pid"])
        os.kill(pid, signal.SIGKILL)  # those it held are lost; the others reach the next one
        self.assertEqual(sum(c.read().status in (0, 502) for c in held[:4]), 4)

    def test_a_full_worker_leaves_the_rest_to_others(self):
        self.up("pair", "asgi-connections = 4", "processes = 2", "worker-reload-mercy = 1")
        self.hold("pair", 7)  # they come before what is asked next
        for _ in range(10):
            self.assertEqual(self.ask("pair", "/hello"), "hello")

    def test_harakiri(self):
        row = self.up("hasty", "harakiri = 1")
        before = set(processes.children(row["pid"]))
        with client.Connection(self.world.http_address) as c:
            c.send("GET /held HTTP/1.1\r\nHost: hasty.test\r\n\r\n")
            self.assertIn(c.read().status, (0, 502))
        until("another worker", lambda: set(processes.children(row["pid"])) - before)
        self.assertEqual(self.ask("hasty", "/hello"), "hello")

    def test_a_worker_is_replaced_after_max_requests(self):
        self.up("short", "max-requests = 5")
        pids = {self.ask("short", "/pid") for _ in range(20)}
        self.assertGreater(len(pids), 2)


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


DJANGO = """
import asyncio
from django.conf import settings
settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", MIDDLEWARE=["django.middleware.common.CommonMiddleware"])
import django
django.setup()
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

here, all_here = 0, asyncio.Event()


async def meet(request):
    global here
    here += 1
    if here == 50:
        all_here.set()
    await all_here.wait()
    return HttpResponse("met")

urlpatterns = [path("sync/", lambda r: HttpResponse(f"{r.method} {r.path} {r.GET.get('q')} {len(r.body)} {r.META['HTTP_HOST']}")),
               path("meet/", meet), path("stream/", lambda r: StreamingHttpResponse(b"%d," % i for i in range(100)))]
application = get_asgi_application()
"""


class Django(SystemCase):
    options = {"nginx": True}

    def test_its_handler(self):
        self.world.up("django", "django.test", app=self.world.write("apps/django_asgi.py", DJANGO))
        for address in (self.world.http_address, self.world.nginx_address):
            answer = client.http(address, "django.test", "/sync/?q=%C3%A4", "POST", body=b"x" * 100000)
            self.assert_status(answer, 200)
            self.assertTrue(answer.text.startswith("POST /sync/ \u00e4 100000 django.test"), answer.text)
            self.assertEqual(client.http(address, "django.test", "/stream/").body, b"".join(b"%d," % i for i in range(100)))
            self.assertEqual(client.http(address, "django.test", "/nothing/").status, 404)
            self.assertEqual(client.http(address, "django.test", "/sync").header("location"), "/sync/")
        meeting = []
        for _ in range(50):
            meeting.append(c := Connection(self.world.http_address))
            self.addCleanup(c.socket.close)
            c.send("GET /meet/ HTTP/1.1\r\nHost: django.test\r\n\r\n")
        for c in meeting:
            self.assertEqual(c.read().text, "met")


def unfinished(kind, data):
    whole = frame(kind, data, b"mask")
    return bytes([whole[0] & 0x7f]) + whole[1:]


if __name__ == "__main__":
    main()
