"""Workers and how an application is loaded: replaced when they die, ended when they are stuck,
recycled by requests; paths, mounts, environment and static files as the ini says."""
import concurrent.futures
import json
import os

from frame import ALICE, BOB, Load, SystemCase, http, main, processes, until


class Workers(SystemCase):
    def ask(self, host, path="/whoami", **named):
        answer = http(self.world.http_address, host, path, timeout=30, **named)
        self.assert_status(answer, 200)
        return json.loads(answer.body)

    def at_once(self, host, count):
        """The answers to `count` requests that are there at the same time."""
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(lambda _: self.ask(host, "/"), range(count)))

    def test_workers_are_forked_after_the_application_was_loaded(self):
        world = self.world
        counting = world.write("apps/counting.py", "import os, json, threading\nLOADED = os.getpid()\ndef application(e, s):\n    threading.Event().wait(0.3)\n"
                               "    s('200 OK', [])\n    return [json.dumps([LOADED, os.getpid(), os.getppid()]).encode()]\n")
        row = world.up("forked", "forked.test", app=counting, uid=ALICE, lines=["processes = 3"])
        seen = {tuple(answer) for answer in self.at_once("forked.test", 6)}
        self.assertEqual(len({s[1] for s in seen}), 3)
        self.assertEqual({s[0] for s in seen}, {row["pid"]}, "one load for all")
        self.assertEqual({s[2] for s in seen}, {row["pid"]})
        self.assertNotIn(row["pid"], {s[1] for s in seen})

    def test_workers_do_not_share_random_numbers(self):
        world = self.world
        chance = world.write("apps/chance.py", "import os, json, random, threading\nrandom.random()\ndef application(e, s):\n    threading.Event().wait(0.3)\n"
                             "    s('200 OK', [])\n    return [json.dumps([os.getpid(), random.random()]).encode()]\n")
        world.up("chance", "chance.test", app=chance, uid=ALICE, lines=["processes = 3"])
        first = {}
        for pid, number in self.at_once("chance.test", 6):
            first.setdefault(pid, number)
        self.assertEqual(len(first), 3)
        self.assertEqual(len(set(first.values())), 3)

    def test_a_dead_worker_is_replaced(self):
        world = self.world
        row = world.up("dying", "dying.test", uid=ALICE, lines=["processes = 2"])
        with Load(world.http_address, "other.test", threads=1, every=0.01, good=lambda a: a.status == 404):
            for signal in (9, 6, 11):
                answer = http(world.http_address, "dying.test", f"/die?signal={signal}")
                self.assertIn(answer.status, (0, 502), "the request in its hands is lost")
                self.assertIn("pid", self.ask("dying.test"))
        self.assertEqual(world.emperor.row("dying")["pid"], row["pid"], "the vassal itself stays")
        until("two workers again", lambda: len(processes.children(row["pid"])) == 3)

    def test_threads_of_the_application_do_not_hide_dead_workers(self):
        """A thread started at import lives in the vassal's master and may be given its signals."""
        world = self.world
        threaded = world.write("apps/threaded.py", "import threading\nfrom probe import application\n"
                               "threading.Thread(target=threading.Event().wait, daemon=True).start()\n")
        world.app("probe.py")
        row = world.up("threaded", "threaded.test", app=threaded, uid=ALICE, lines=["processes = 1", f"pythonpath = {world.apps}"])
        for _ in range(5):
            http(world.http_address, "threaded.test", "/die")
            until("the worker is replaced", lambda: http(world.http_address, "threaded.test").status == 200, 5)
        world.remove("threaded")
        world.emperor.wait_gone("threaded", 5)
        self.assertFalse(processes.alive(row["pid"]))

    def test_waiting_requests_survive_the_death_of_a_worker(self):
        world = self.world
        world.up("single", "single.test", uid=ALICE, lines=["processes = 1"])
        with Load(world.http_address, "single.test", threads=4, every=0.01) as load:
            for _ in range(5):
                before = load.answered
                http(world.http_address, "single.test", "/die")
                until("requests are answered again", lambda: load.answered > before + 5)
        self.assert_clean(load)

    def test_harakiri_ends_a_stuck_worker(self):
        world = self.world
        world.up("stuck", "stuck.test", uid=ALICE, lines=["processes = 2", "harakiri = 1"])
        with Load(world.http_address, "stuck.test", every=0.01) as load:
            answer = http(world.http_address, "stuck.test", "/wait?seconds=20", timeout=15)
            self.assertIn(answer.status, (0, 502))
        self.assert_clean(load)
        until("the log tells", lambda: "harakiri" in world.emperor.ctl("logs", "stuck").stdout.lower())

    def test_max_requests_recycles_without_loss(self):
        world = self.world
        world.up("recycled", "recycled.test", uid=ALICE, lines=["processes = 1", "max-requests = 10"])
        pids = [self.ask("recycled.test", "/") for _ in range(35)]
        self.assertGreaterEqual(len(set(pids)), 3)
        with Load(world.http_address, "recycled.test", threads=3) as load:
            until("requests come", lambda: load.answered > 200, 20)
        self.assert_clean(load)

    def test_removed_env_lines_are_gone_after_the_change(self):
        world = self.world
        world.up("env", "env.test", uid=ALICE, lines=["env = KEPT=1", "env = GONE=1", "env = WITH=a=b c"])
        env = self.ask("env.test")["env"]
        self.assertEqual((env["KEPT"], env["GONE"], env["WITH"]), ("1", "1", "a=b c"))
        world.drop("env", "env.test", uid=ALICE, lines=["env = KEPT=2"])
        until("the new value is there", lambda: self.ask("env.test")["env"]["KEPT"] == "2")
        self.assertNotIn("GONE", self.ask("env.test")["env"])

    def test_pythonpath_the_last_comes_first(self):
        world = self.world
        for name in ("one", "two"):
            world.write(f"paths/{name}/which.py", f"NAME = '{name}'\n")
        app = world.write("apps/which_app.py", "import json, sys, which\ndef application(e, s):\n    s('200 OK', [])\n"
                          "    return [json.dumps([which.NAME, sys.path]).encode()]\n")
        lines = [f"pythonpath = {world.path('paths/one')}", f"pythonpath = {world.path('paths/two')}"]
        world.up("paths", "paths.test", app=app, uid=ALICE, lines=lines)
        name, path = self.ask("paths.test", "/")
        self.assertEqual(name, "two")
        self.assertLess(path.index(world.path("paths/two")), path.index(world.path("paths/one")))

    def test_a_module_and_its_factory(self):
        world = self.world
        world.write("package/shop/__init__.py", "")
        world.write("package/shop/web.py", "def factory():\n    def app(e, s):\n        s('200 OK', [])\n        return [b'\"made\"']\n    return app\n"
                    "named = factory()\n")
        for i, spelling in enumerate((["module = shop.web:factory()"], ["module = shop.web", "callable = named"], ["module = shop.web:named"])):
            world.up(f"module{i}", f"module{i}.test", app="", uid=ALICE, lines=[f"chdir = {world.path('package')}", *spelling])
            self.assertEqual(self.ask(f"module{i}.test", "/"), "made")

    def test_mounts(self):
        world = self.world
        app = world.write("apps/where.py", "import json\ndef application(e, s):\n    s('200 OK', [])\n"
                          "    return [json.dumps([e['SCRIPT_NAME'], e['PATH_INFO']]).encode()]\n")
        root = world.write("apps/root.py", "def application(e, s):\n    s('200 OK', [])\n    return [b'\"root\"']\n")
        world.up("mounted", "mounted.test", app="", uid=ALICE, lines=[f"mount = /={root}", f"mount = /foo={app}", "manage-script-name = true"])
        self.assertEqual(self.ask("mounted.test", "/foo"), ["/foo", ""])
        self.assertEqual(self.ask("mounted.test", "/foo/bar"), ["/foo", "/bar"])
        self.assertEqual(self.ask("mounted.test", "/foobar"), "root")
        self.assertEqual(self.ask("mounted.test", "/"), "root")

    def test_static_files(self):
        world = self.world
        world.write("static/site.css", "body { color: red }\n")
        world.write("secret.txt", "not for everybody")
        os.symlink(world.path("secret.txt"), world.path("static/link.txt"))
        world.up("static", "static.test", uid=ALICE, lines=[f"static-map = /static={world.path('static')}"])
        answer = http(world.http_address, "static.test", "/static/site.css")
        self.assert_status(answer, 200)
        self.assertEqual((answer.body, answer.header("content-type")), (b"body { color: red }\n", "text/css"))
        again = http(world.http_address, "static.test", "/static/site.css", headers=[("If-Modified-Since", answer.header("last-modified"))])
        self.assertEqual((again.status, again.body), (304, b""))
        for path in ("/static/../secret.txt", "/static/%2e%2e/secret.txt", "/static/link.txt", "/static/..%2fsecret.txt"):
            self.assertNotIn(b"not for everybody", http(world.http_address, "static.test", path).body, path)

    def test_the_request_log(self):
        world = self.world
        world.up("logged", "logged.test", uid=BOB)
        http(world.http_address, "logged.test", "/environ?unmistakable=1")
        line = until("the request is logged", lambda: next((x for x in world.emperor.ctl("logs", "logged").stdout.splitlines()
                                                            if "unmistakable=1" in x), None))
        self.assertIn("GET", line)
        self.assertIn("200", line)
        until("the request is counted", lambda: world.emperor.row("logged")["requests"] >= 1)


if __name__ == "__main__":
    main()
