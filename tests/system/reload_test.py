"""Reloads: by every way that asks for one, under load, to good releases and to bad ones. Nobody notices but who looks at the version."""
import json
import os
import shutil
import signal

from frame import ALICE, Load, SystemCase, main, processes, until
from imperium.world import APPS


class Reloads(SystemCase):
    def site(self, name, lines=(), **release):
        folder = self.world._folder(name)
        os.chown(folder, ALICE, ALICE)
        shutil.copyfile(os.path.join(APPS, "release.py"), os.path.join(folder, "release.py"))
        self.release(name, **{"version": 1, **release})
        self.world.write(os.path.join(folder, "touch"), "", owner=ALICE)
        return self.world.up(name, f"{name}.test", app=os.path.join(folder, "release.py"),
                             lines=[f"chdir = {folder}", "disable-logging = true", *lines])

    def release(self, name, **release):
        self.world.write(self.world.path(name, "release.json"), json.dumps(release))

    def touch(self, name, file="touch"):
        os.utime(self.world.path(name, file))

    def ask(self, name):
        answer = self.world.get(f"{name}.test")
        self.assert_status(answer, 200)
        return json.loads(answer.body)

    def wait_version(self, name, version):
        until(lambda: f"{name} is of version {version}: {self.world.emperor.row(name)}", lambda: self.ask(name)["version"] == version)

    def wait_error(self, name, words):
        return until(lambda: f"{words!r} is told: {self.world.emperor.row(name)}",
                     lambda: words in self.world.emperor.row(name)["last_error"] and self.world.emperor.row(name))

    def load(self, name, **named):
        return Load(self.world.front, f"{name}.test", **named)

    def ctl(self, *arguments):
        done = self.world.emperor.ctl(*arguments)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_reloads_under_load_cost_nobody_anything(self):
        for workers in (1, 2):
            name = f"busy{workers}"
            self.site(name, [f"processes = {workers}"])
            with self.subTest(workers), self.load(name, threads=3) as load:
                for version in (2, 3, 4):
                    self.release(name, version=version)
                    self.ctl("reload", name)
                    self.wait_version(name, version)
                    self.world.emperor.wait_state(name, "ready")
            self.assert_clean(load)
            self.assertGreaterEqual(self.world.emperor.row(name)["generation"], 4)

    def test_a_broken_release_changes_nothing(self):
        self.site("sturdy")
        with self.load("sturdy", good=lambda a: a.status == 200 and b'"version": 1' in a.body) as load:
            for error in ("out of luck", "out of order"):
                self.release("sturdy", version=2, error=error)
                self.ctl("reload", "sturdy")
                row = self.wait_error("sturdy", error)
                self.assertEqual(row["state"], "ready")
        self.assert_clean(load)
        self.release("sturdy", version=3)
        self.ctl("reload", "sturdy")
        self.wait_version("sturdy", 3)
        until("the error is forgotten", lambda: self.world.emperor.row("sturdy")["last_error"] == "")

    def test_a_touched_file_reloads(self):
        self.site("touched", ["touch-reload = touch"])
        with self.load("touched", threads=1) as load:
            self.release("touched", version=2)
            self.touch("touched")
            self.wait_version("touched", 2)
            self.release("touched", version=3)
            self.touch("touched")
            self.wait_version("touched", 3)
        self.assert_clean(load)

    def test_who_asks_all_the_time_is_not_heard_all_the_time(self):
        before = self.site("restless", ["touch-reload = touch"])["generation"]
        for _ in range(40):
            self.touch("restless")
            until("a moment", lambda: self.ask("restless"))
        self.release("restless", version=2)
        self.touch("restless")
        self.wait_version("restless", 2)
        self.assertLessEqual(self.world.emperor.row("restless")["generation"] - before, 5)

    def test_touch_workers_reload_replaces_workers_only(self):
        for lazy, version in (("false", 1), ("true", 2)):
            name = f"workers-{lazy}"
            row = self.site(name, ["processes = 2", f"lazy-apps = {lazy}", "touch-chain-reload = touch"])

            def workers(master=row["pid"]):
                return set(processes.children(master)) - {master}

            before = until("two workers", lambda: len(workers()) == 2 and workers())
            self.release(name, version=2)
            with self.load(name) as load:
                self.touch(name)
                until("fresh workers", lambda: len(workers()) == 2 and not workers() & before)
            self.assert_clean(load)
            self.assertEqual(self.ask(name)["version"], version)
            self.assertEqual(self.world.emperor.row(name)["generation"], row["generation"])

    def test_sighup_to_a_vassal_reloads_it(self):
        row = self.site("hup")
        self.release("hup", version=2)
        os.kill(row["pid"], signal.SIGHUP)
        self.wait_version("hup", 2)

    def test_sighup_to_the_emperor_reloads_all(self):
        names = [f"all{i}" for i in range(4)]
        for name in names:
            self.site(name)
        for name in names:
            self.release(name, version=2)
        with self.load(names[-1], threads=1) as load:
            self.world.emperor.process.send_signal(signal.SIGHUP)
            for name in names:
                self.wait_version(name, 2)
        self.assert_clean(load)

    def test_only_who_answers_the_check_is_reached(self):
        self.site("checked", ["health-check = /health", "health-check-timeout = 1", "processes = 2"])
        with self.load("checked", good=lambda a: a.status == 200 and b'"version": 1' in a.body) as load:
            for release, error in (({"health": "500 No"}, "health-check /health answered 500"), ({"health": "404 Not Here"}, "answered 404"),
                                   ({"delay": 5}, "health-check /health was not answered in time")):
                self.release("checked", version=2, **release)
                self.ctl("reload", "checked")
                self.assertEqual(self.wait_error("checked", error)["state"], "ready")
        self.assert_clean(load)
        self.release("checked", version=3, health="302 Found")
        self.ctl("reload", "checked")
        self.wait_version("checked", 3)

    def test_the_check_and_lazy_apps(self):
        self.site("lazy", ["health-check = /health", "lazy-apps = true", "processes = 2"])
        self.assertEqual(self.ask("lazy")["version"], 1)
        self.release("lazy", version=2, error="no luck")
        self.ctl("reload", "lazy")
        self.wait_error("lazy", "no luck")
        self.assertEqual(self.ask("lazy")["version"], 1)


if __name__ == "__main__":
    main()
