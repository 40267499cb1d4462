"""Scale to zero: an idle site costs no process, keeps its routes and sockets, and the first
visitor wakes it and is answered, whichever way he comes."""
import os
import signal
import stat
import threading
import time

from frame import ALICE, BOB, Load, SystemCase, client, http, main, processes, until, uwsgi
from imperium.nginx import Nginx
from imperium.world import own_address

# Says who it is; each start leaves a line in a file that only the test reads.
COUNTED = """
import os, threading
with open({starts!r}, "a") as f:
    f.write("started\\n")
threading.Event().wait({pause})


def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        threading.Event().wait(3)
    body = str(os.getppid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
BROKEN = "raise RuntimeError('this site is broken on purpose')\n"


class Sleepers(SystemCase):
    options = {"nginx": True}

    def setUp(self):
        self.starts = self.world.path(f"starts/{self._testMethodName}")
        os.makedirs(os.path.dirname(self.starts), exist_ok=True)
        os.chmod(os.path.dirname(self.starts), 0o1777)

    def counted(self, pause=0.0):
        return self.world.write(f"apps/{self._testMethodName}.py", COUNTED.format(starts=self.starts, pause=pause))

    def started(self):
        try:
            with open(self.starts) as f:
                return len(f.readlines())
        except FileNotFoundError:
            return 0

    def asleep(self, name):
        """The row of `name` once it sleeps and nothing of it runs."""
        emperor = self.world.emperor
        emperor.wait_state(name, "asleep")
        until(lambda: f"nothing of {name} runs", lambda: not emperor.json("show", name)["generations"])
        row = emperor.row(name)
        self.assertIsNone(row["pid"])
        return row

    def lazy(self, name, uid=ALICE, lines=(), pause=0.0, app=None):
        self.world.drop(name, f"{name}.test", uid=uid, app=app or self.counted(pause), lines=["start = lazy", *lines])
        return self.asleep(name)

    def test_idle_puts_to_sleep_and_a_request_through_nginx_wakes(self):
        world = self.world
        first = world.up("idler", "idler.test", app=self.counted(), lines=["idle = 1"])
        self.assert_status(world.get("idler.test"), 200)
        self.asleep("idler")
        self.assertFalse(processes.alive(first["pid"]))
        self.assertEqual(world.emperor.routes()["idler.test"]["state"], "asleep")
        self.assert_status(world.get("idler.test"), 200)
        self.assertEqual(world.emperor.row("idler")["state"], "ready")
        self.assertEqual(self.started(), 2)
        row = self.asleep("idler")
        self.assertEqual((row["requests"], row["restarts"], row["last_error"]), (2, 0, ""))

    def test_who_has_requests_does_not_sleep(self):
        world = self.world
        row = world.up("busy", "busy.test", app=self.counted(), lines=["idle = 2"])
        with Load(world.front, "busy.test", threads=1, every=0.1) as load:
            end = time.monotonic() + 3
            until("more than the idle time", lambda: time.monotonic() > end and load.answered >= 10, 20)
        self.assert_clean(load)
        self.assertEqual(world.get("busy.test", "/slow").status, 200)  # longer than idle, and nobody else asks
        self.assertEqual(world.emperor.row("busy")["pid"], row["pid"])
        self.assertEqual(self.started(), 1)

    def test_requests_around_falling_asleep_are_all_answered(self):
        world = self.world
        world.up("nods", "nods.test", app=self.counted(), lines=["idle = 1"])
        end = time.monotonic() + 6
        for i in range(1000):
            if time.monotonic() > end:
                break
            self.assert_status(world.get("nods.test"), 200)
            threading.Event().wait(0.985 + 0.005 * (i % 7))
        self.assertGreaterEqual(self.started(), 2)

    def test_lazy_start_by_the_router_over_uwsgi_and_http(self):
        self.lazy("lazy")
        self.assertEqual(self.started(), 0)
        self.assert_status(uwsgi(self.world.router, "lazy.test"), 200)
        self.world.remove("lazy")
        self.world.emperor.wait_gone("lazy")
        self.lazy("lazyweb")
        self.assert_status(http(self.world.http_address, "lazyweb.test"), 200)
        self.assertEqual(self.started(), 2)

    def test_many_first_requests_wake_once(self):
        world = self.world
        self.lazy("crowded", pause=0.5)
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(world.get("crowded.test"))) for _ in range(100)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual([a.status for a in answers], [200] * 100)
        self.assertEqual(len({a.text for a in answers}), 1)
        self.assertEqual(self.started(), 1)

    def test_a_socket_of_its_own_wakes(self):
        world = self.world
        path, port = world.path("sockets/sleeper.sock"), own_address(9200)
        lines = [f"socket = {path}", "socket = %s:%d" % port, "chmod-socket = 666", "idle = 1"]
        self.lazy("own", lines=lines)
        until("its socket is there before it ever ran", lambda: os.path.exists(path))
        found = os.stat(path)
        self.assertEqual((found.st_uid, stat.S_IMODE(found.st_mode)), (ALICE, 0o666))
        self.assertEqual(self.started(), 0)
        nginx = Nginx(world.path("nginx-own"), own_address(8002), path)
        nginx.start()
        try:
            self.assert_status(http(nginx.address, "own.test"), 200)
            self.asleep("own")
            self.assert_status(uwsgi(port, "own.test"), 200)
            self.asleep("own")
            self.assert_status(http(nginx.address, "own.test"), 200)
        finally:
            nginx.stop()
        self.assertEqual(self.started(), 3)
        self.assertEqual(os.stat(path).st_ino, found.st_ino, "the socket is the same one")

    def test_a_wake_that_fails_answers_at_once(self):
        world = self.world
        path = world.path("sockets/broken.sock")
        broken = world.write("apps/broken.py", BROKEN)
        self.lazy("broken", app=broken, lines=[f"socket = {path}", "chmod-socket = 666"])
        until("its socket is there", lambda: os.path.exists(path))
        start = time.monotonic()
        answer = world.get("broken.test")
        self.assertEqual(answer.status, 503)
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        self.assertLess(time.monotonic() - start, 5)
        row = world.emperor.row("broken")
        self.assertIn("broken on purpose", row["last_error"])
        world.emperor.wait_state("broken", "asleep")  # not tried again while nobody asks
        self.assertEqual(world.emperor.row("broken")["restarts"], 1)
        answer = uwsgi(path, "broken.test")
        self.assertEqual(answer.status, 503)
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)
        world.emperor.wait_state("broken", "asleep")
        self.assertEqual(world.emperor.row("broken")["restarts"], 2)
        self.world.drop("broken", "broken.test", app=self.counted(), lines=["start = lazy"])
        self.assertEqual(world.wait_answer("broken.test").status, 200)

    def test_edit_reload_start_and_stop_of_a_sleeper(self):
        world, emperor = self.world, self.world.emperor
        self.lazy("edited")
        other = world.path("sockets/edited.sock")
        world.drop("edited", "edited.test other.test", app=self.counted(), lines=["start = lazy", f"socket = {other}"])
        until("the new host is routed", lambda: "other.test" in emperor.routes())
        until("the new socket is there", lambda: os.path.exists(other))
        self.assertEqual(emperor.ctl("reload", "edited").returncode, 0)
        self.assertEqual(emperor.row("edited")["state"], "asleep")
        self.assertEqual(self.started(), 0)
        self.assertEqual(emperor.ctl("start", "edited").returncode, 0)
        emperor.wait_state("edited", "ready")
        self.assertEqual(self.started(), 1)
        self.assert_status(world.get("other.test"), 200)
        self.lazy("stopped", uid=BOB)
        self.assertEqual(emperor.ctl("stop", "stopped").returncode, 0)
        self.assertEqual(world.get("stopped.test").status, 503)
        self.assertEqual(emperor.row("stopped")["state"], "stopped")

    def test_the_next_emperor_goes_on_with_sleepers(self):
        world, emperor = self.world, self.world.emperor
        path = world.path("sockets/kept.sock")
        self.lazy("kept", lines=[f"socket = {path}", "chmod-socket = 666", "idle = 1"])
        until("its socket is there", lambda: os.path.exists(path))
        world.up("dozes", "dozes.test", uid=ALICE, app=self.counted(), lines=["idle = 2"])
        before = emperor.pid_of("emperor")
        os.kill(before, signal.SIGKILL)
        until("another emperor", lambda: emperor.pid_of("emperor") not in (None, before))
        until("it answers", lambda: emperor.ctl("ls").returncode == 0)
        self.assertEqual(emperor.row("kept")["state"], "asleep")
        self.asleep("dozes")  # its idle time goes on under the new one
        self.assert_status(world.get("kept.test"), 200)
        self.asleep("kept")
        self.assert_status(uwsgi(path, "kept.test"), 200)
        self.assert_status(world.get("dozes.test"), 200)

    def test_a_request_that_came_while_no_emperor_was_there(self):
        world, emperor = self.world, self.world.emperor
        self.lazy("late")
        before = emperor.pid_of("emperor")
        os.kill(before, signal.SIGKILL)
        self.assert_status(world.get("late.test"), 200)
        until("another emperor", lambda: emperor.pid_of("emperor") not in (None, before))

    def test_a_shut_down_channel_does_not_keep_it_awake(self):
        world, emperor = self.world, self.world.emperor
        spoiler = world.write("apps/spoiler.py", """
import os, socket


def spoil():
    for name in os.listdir("/proc/self/fd"):
        try:
            s = socket.socket(fileno=os.dup(int(name)))
            if s.type == socket.SOCK_SEQPACKET:
                s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def application(environ, start_response):
    if environ["PATH_INFO"] == "/spoil":
        spoil()
    start_response("200 OK", [])
    return [b"here"]
""")
        world.up("spoiler", "spoiler.test", uid=BOB, app=spoiler, lines=["idle = 1"])
        self.assert_status(world.get("spoiler.test", "/spoil"), 200)
        emperor.wait_state("spoiler", "asleep", 20)
        generation = emperor.row("spoiler")["generation"]
        self.assertEqual(world.wait_answer("spoiler.test").text, "here")
        emperor.wait_state("spoiler", "asleep", 20)
        row = emperor.row("spoiler")
        self.assertLessEqual(row["generation"] - generation, 2, row)  # one for the channel, one for the request


if __name__ == "__main__":
    main()
