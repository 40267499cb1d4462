"""Both directions with a real uWSGI: one as a tenant's command under our emperor, and our vassal
under uWSGI's emperor."""
import json
import os
import shutil
import signal
import subprocess
import unittest

from frame import ALICE, Load, SystemCase, World, client, main, processes, programs, until, uwsgi
from imperium.waiting import pause

UWSGI = shutil.which("uwsgi")
PLUGIN = ["--plugin", "python3"]

APP = """
import json, os, threading
try:
    import uwsgi
    server = "uWSGI" if hasattr(uwsgi, "numproc") else "vassal"
except ImportError:
    server = "vassal"

def application(environ, start_response):
    if environ["PATH_INFO"].startswith("/slow"):
        threading.Event().wait(float(environ["PATH_INFO"][5:]))
    body = json.dumps(dict(server=server, mark="{mark}", pid=os.getpid(), ppid=os.getppid(), uid=os.getuid(),
                           env=dict((k, v) for k, v in os.environ.items() if "UWSGI" in k or k == "MARK"))).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
"""


class UwsgiLoad(Load):
    """Visitors that speak the uwsgi protocol to a socket; each request takes a moment."""

    def __init__(self, path):
        super().__init__(path, "uwsgi.test")
        self.ask = lambda: uwsgi(path, "uwsgi.test", "/slow0.01")


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


class Foreign:
    """A real uWSGI emperor over a directory, with our program as its vassals."""

    def __init__(self, case, **options):
        self.world = case.world
        self.directory = self.world._folder("foreign")
        self.log = self.world.path("uwsgi-emperor.log")
        bin_directory = programs.staged(self.world.directory)
        command = [UWSGI, "--emperor", self.directory, "--emperor-wrapper", os.path.join(bin_directory, "vassal"), "--emperor-freq", "1",
                   *[word for key, value in options.items() for word in (f"--{key.replace('_', '-')}", value)]]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        case.addCleanup(self.end)

    def end(self):
        if self.process.poll() is None:
            left = processes.children(self.process.pid)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            until("its vassals are gone, too", lambda: not any(map(processes.alive, left)))

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()


@unittest.skipUnless(UWSGI, "uwsgi is not installed")
class UnderUwsgisEmperor(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        os.chmod(world._folder("tenant"), 0o755)
        os.chown(world.path("tenant"), ALICE, ALICE)

    def socket(self, name):
        return self.world.path("tenant", f"{name}.sock")

    def drop(self, name, mark, lines=()):
        app = self.world.write(f"apps/{name}.py", APP.replace("{mark}", mark))
        return self.world.write(f"foreign/{name}.ini", "\n".join(
            ["[uwsgi]", f"uid = {ALICE}", f"gid = {ALICE}", f"wsgi-file = {app}", f"socket = {self.socket(name)}",
             "chmod-socket = 666", *lines, ""]))

    def ask(self, name, path="/"):
        if not os.path.exists(self.socket(name)):
            return {}
        answer = uwsgi(self.socket(name), "uwsgi.test", path)
        return json.loads(answer.body) if answer.status == 200 else {"error": answer.error}

    def test_drop_touch_and_remove(self):
        foreign = Foreign(self)
        ini = self.drop("guest", "first")
        said = until(lambda: "it answers\n" + foreign.text(), lambda: (a := self.ask("guest")).get("mark") and a, 15)
        self.assertEqual((said["server"], said["uid"], said["mark"]), ("vassal", ALICE, "first"))
        self.assertIn("UWSGI_EMPEROR_FD", said["env"])
        until("its emperor knows that it serves", lambda: "guest.ini is now loyal" in foreign.text(), 15)
        text = foreign.text()
        self.assertIn("vassal guest.ini is ready to accept requests", text)

        with UwsgiLoad(self.socket("guest")) as load:
            until("some are answered", lambda: load.answered > 5)
            self.world.write("apps/guest.py", APP.replace("{mark}", "second"))
            later = os.stat(ini).st_mtime + 10
            os.utime(ini, (later, later))
            until("the new application answers", lambda: self.ask("guest").get("mark") == "second", 15)
        self.assert_clean(load)
        self.assertEqual(self.ask("guest")["ppid"], said["ppid"], "the same process, begun anew")

        os.unlink(ini)
        until("it is gone", lambda: not processes.alive(said["ppid"]), 15)
        self.assertNotIn("curse", foreign.text().split("guest.ini is now loyal")[1].lower().replace("cursed", ""))

    def test_settings_and_includes_of_the_command_line(self):
        before = self.world.write("before.ini", "[uwsgi]\nenv = MARK=before\nwho = before\n")
        after = self.world.write("after.ini", "[uwsgi]\nenv = MARK=%(who)\n")
        Foreign(self, vassal_set="who=set", vassals_include_before=before, vassals_include=after)
        self.drop("settings", "x")
        said = until("it answers", lambda: (a := self.ask("settings")).get("mark") and a, 15)
        self.assertEqual(said["env"]["MARK"], "before", "the first one holds for placeholders")

    def test_heartbeats(self):
        foreign = Foreign(self, emperor_required_heartbeat="2")
        self.drop("beats", "x", ["heartbeat = 1", "processes = 1"])
        said = until("it answers", lambda: (a := self.ask("beats")).get("mark") and a, 15)
        pause(3)
        self.assertEqual(self.ask("beats")["ppid"], said["ppid"], "it was not missed")
        os.kill(said["ppid"], signal.SIGSTOP)
        until("it is killed", lambda: not processes.alive(said["ppid"]), 15)
        self.assertIn("no heartbeat", foreign.text().lower())

    def test_it_goes_with_its_emperor(self):
        foreign = Foreign(self)
        self.drop("orphan", "x")
        said = until("it answers", lambda: (a := self.ask("orphan")).get("mark") and a, 15)
        foreign.process.kill()
        foreign.process.wait()
        until("it leaves", lambda: not processes.alive(said["ppid"]), 15)


if __name__ == "__main__":
    main()
