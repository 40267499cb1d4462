"""A real uWSGI as a tenant's command under our emperor: on the emperor's socket, reloaded, stopped and
put to sleep by its own emperor protocol."""
import json
import os
import unittest

from frame import ALICE, SystemCase, main, processes, until, uwsgi
from imperium.real_uwsgi import APP, UWSGI, UwsgiLoad


@unittest.skipUnless(UWSGI, "uwsgi is not installed")
class UnderOurEmperor(SystemCase):
    def site(self, name, uwsgi_lines=(), lines=(), mark="mark"):
        """A vassal NAME that runs a uWSGI with an ini of its own."""
        world = self.world
        app = world.write(f"apps/{name}.py", APP.replace("{mark}", mark))
        ini = world.write(f"apps/{name}-uwsgi.ini", "\n".join(
            ["[uwsgi]", "plugin = python3", "master = true", f"wsgi-file = {app}", "processes = 2", *uwsgi_lines, ""]))
        return world.drop(name, None, app=None, lines=[
            f"command = {UWSGI} --ini {ini}", f"socket = {self.socket(name)}", "chmod-socket = 666", *lines])

    def socket(self, name):
        return self.world.path("sockets", f"{name}.sock")

    def ask(self, name, path="/"):
        answer = uwsgi(self.socket(name), "uwsgi.test", path)
        return json.loads(answer.body) if answer.status == 200 else answer

    def log(self, name):
        """What it has printed; its log begins with its first line."""
        try:
            with open(os.path.join(self.world.run_dir, "logs", f"{name}.log"), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def test_it_serves_the_emperors_socket_and_says_when(self):
        self.site("real", lines=["startsecs = 60"])
        row = self.world.emperor.wait_state("real", "ready")
        said = self.ask("real")
        self.assertEqual((said["server"], said["uid"]), ("uWSGI", ALICE))
        self.assertIn(said["pid"], processes.children(row["pid"]))
        until("its log tells of its socket", lambda: "uwsgi socket" in self.log("real"))
        self.assertEqual(self.log("real").count("uwsgi socket"), 1, "it is adopted once")

    def test_a_reload_under_load_and_a_stop(self):
        world = self.world
        self.site("reload", mark="first")
        first = world.emperor.wait_state("reload", "ready")
        with UwsgiLoad(self.socket("reload")) as load:
            for mark in ("second", "third"):
                self.site("reload", mark=mark, lines=[f"env = MARK={mark}"])
                until(f"{mark} answers", lambda m=mark: self.ask("reload")["mark"] == m, 20)
            until("the first generation is gone", lambda: not processes.alive(first["pid"]))
        self.assert_clean(load)
        until("it was asked by its own protocol", lambda: "received message 2 from emperor" in self.log("reload"))
        world.remove("reload")
        world.emperor.wait_gone("reload")

    def test_an_application_that_does_not_load_leaves_the_old_one(self):
        world = self.world
        self.site("broken", mark="good", uwsgi_lines=["need-app = true"])
        first = world.emperor.wait_state("broken", "ready")
        world.write("apps/broken.py", "import there_is_no_such_module\n")
        world.emperor.ctl("reload", "broken")
        row = until("the failure is shown", lambda: (r := world.emperor.row("broken"))["last_error"] and r, 20)
        self.assertEqual(row["last_error"], "the command ended before it was ready: exit 22")
        self.assertEqual((row["state"], row["pid"]), ("ready", first["pid"]))
        self.assertEqual(self.ask("broken")["mark"], "good")

    def test_a_uwsgi_that_forks_no_worker_is_ready_too(self):
        self.site("cheap", uwsgi_lines=["cheap = true"])
        self.world.emperor.wait_state("cheap", "ready")
        self.assertEqual(self.ask("cheap")["mark"], "mark")


    def test_one_that_was_idle_sleeps_until_somebody_asks(self):
        self.site("idle", uwsgi_lines=["idle = 1", "die-on-idle = true"], lines=["start = lazy"])
        self.world.emperor.wait_state("idle", "asleep")
        until("its socket is there", lambda: os.path.exists(self.socket("idle")))
        first = self.ask("idle")
        self.assertEqual(first["mark"], "mark")
        self.world.emperor.wait_state("idle", "ready")
        self.world.emperor.wait_state("idle", "asleep", 20)
        self.assertNotEqual(self.ask("idle")["pid"], first["pid"])


if __name__ == "__main__":
    main()
