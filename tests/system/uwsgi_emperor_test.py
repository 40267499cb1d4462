"""Our vassal under a real uWSGI Emperor: it starts, reloads, beats, sleeps and goes as that one says."""
import json
import os
import signal
import subprocess
import unittest

from frame import ALICE, Load, SystemCase, client, main, processes, programs, until, uwsgi
from imperium.real_uwsgi import APP, UWSGI, UwsgiLoad
from imperium.waiting import pause


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

    def test_a_socket_on_demand(self):
        Foreign(self, emperor_on_demand_extension=".socket")
        self.world.write("foreign/demand.ini.socket", self.socket("demand"))
        app = self.world.write("apps/demand.py", APP.replace("{mark}", "woken"))
        text = f"[uwsgi]\nuid = {ALICE}\ngid = {ALICE}\nwsgi-file = {app}\nchdir = /\n"
        ini = self.world.write("foreign/demand.ini", text + "env = MARK=once\n")
        # the file of a socket is there a moment before anybody listens
        said = until("it answers", lambda: (a := self.ask("demand")).get("mark") and a, 15)
        self.assertEqual((said["mark"], said["server"], said["env"].get("MARK")), ("woken", "vassal", "once"))

        def doors():
            of = f"/proc/{said['ppid']}/fd"
            return [os.readlink(os.path.join(of, fd)) for fd in os.listdir(of)].count(os.readlink(os.path.join(of, "0")))
        before = doors()
        self.world.write("foreign/demand.ini", text)
        later = os.stat(ini).st_mtime + 10
        os.utime(ini, (later, later))
        until("it began anew, as it did the first time", lambda: (a := self.ask("demand")).get("mark") and "MARK" not in a["env"], 15)
        self.assertEqual((self.ask("demand")["ppid"], doors()), (said["ppid"], before))
        os.unlink(ini)
        until("it is gone", lambda: not processes.alive(said["ppid"]), 15)

    def test_a_command_begins_anew_on_the_same_socket(self):
        Foreign(self)
        text = (f"[uwsgi]\nuid = {ALICE}\ngid = {ALICE}\ncommand = /usr/bin/python3 {self.world.app('listener.py')}\n"
                f"socket = {self.socket('other')}\nchmod-socket = 666\nenv = MARK=")
        ini = self.world.write("foreign/other.ini", text + "first\n")
        until("it answers", lambda: os.path.exists(self.socket("other")) and client.http(self.socket("other"), "x").body == b"first", 15)
        inode = os.stat(self.socket("other")).st_ino
        with Load(self.socket("other"), "other.test", every=0.01) as load:
            self.world.write("foreign/other.ini", text + "second\n")
            later = os.stat(ini).st_mtime + 10
            os.utime(ini, (later, later))
            until("the second answers", lambda: client.http(self.socket("other"), "x").body == b"second", 15)
        self.assert_clean(load)
        self.assertEqual(os.stat(self.socket("other")).st_ino, inode)

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
