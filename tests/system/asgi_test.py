"""ASGI applications: many requests at once in one worker, through real nginx, the router's HTTP port and a socket of the
vassal's own; the lifespan; Django. Their WebSockets have a test of their own."""
import hashlib
import json
import os
import signal

from frame import Connection, SystemCase, client, main, processes, until, uwsgi
from imperium.asgi import Probe, log_of

MANY = 200


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


if __name__ == "__main__":
    main()
