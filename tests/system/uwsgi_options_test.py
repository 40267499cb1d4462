"""The options of uWSGI's emperor by their names: as `[uwsgi] emperor = ...` in a file, and on the
command line. What they set, what they are mapped to, and what is said about the others."""
import json
import os
import stat
import subprocess
import tempfile
import unittest

from frame import ALICE, BOB, SystemCase, client, main, programs, until
from imperium.world import own_address


class OptionsFile(SystemCase):
    """An emperor that was written for uWSGI, with everything in its file."""

    options = {"sources": ["/nowhere"]}

    @classmethod
    def set_up_world(cls, world):
        cls.stats = own_address(1717)
        for name in ("first", "second", "wild/one", "wild/two", "sleepers"):
            world._folder(name)
        world.write("before.ini", "[uwsgi]\nenv = WHERE=before\nenv = BEFORE=%(site)\nprocesses = 2\n")
        world.write("behind.ini", "[uwsgi]\nenv = BEHIND=%N\nprocesses = 1\n")
        config = world.write("emperor.ini", f"""[uwsgi]
master = true
base = {world.directory}
emperor = %(base)/first
emperor = %(base)/second
emperor = %(base)/wild/*/*.conf
emperor-extra-extension = .vassal
vassals-include-before = %(base)/before.ini
vassals-include = %(base)/behind.ini
vassal-set = socket=%(base)/sockets/%%n.sock
vassal-set = chmod-socket=666
vassals-set = who=set
emperor-nofollow = true
emperor-stats = {cls.stats[0]}:{cls.stats[1]}
emperor-pidfile = %(base)/emperor.pid
emperor-freq = 7
emperor-max-throttle = 5000
emperor-required-heartbeat = 2
emperor-broodlord = 4
emperor-curse-tolerance = 9
processes = 4

[emperor]
log-level = info
""")
        world.emperor.options["config"] = config
        world.emperor.sources = []

    def put(self, path, lines=(), uid=ALICE):
        return self.world.write(path, self.world.ini(None, uid=uid, lines=lines))

    def env(self, name):
        answer = client.uwsgi(self.world.path("sockets", f"{name}.sock"), "options.test", "/whoami")
        return json.loads(answer.body)["env"] if answer.status == 200 else answer.error

    def test_sources_and_extensions(self):
        world = self.world
        for path in ("first/a.ini", "second/b.vassal", "wild/one/c.conf", "wild/two/d.conf", "first/e.yaml", "wild/one/f.ini"):
            self.put(path)
        for name in ("a", "b", "one/c.conf", "two/d.conf"):
            world.emperor.wait_state(name, "ready")
        self.assertFalse({"e", "e.yaml", "one/f"} & set(world.emperor.ls()))

    def test_settings_before_and_behind_the_file(self):
        world = self.world
        self.put("first/layers.ini", ["env = WHERE=file", "env = WHO=%(who)", "site = mine", "processes = 3"])
        world.emperor.wait_state("layers", "ready")
        env = self.env("layers")
        self.assertEqual((env["WHERE"], env["BEFORE"], env["WHO"], env["BEHIND"]), ("file", "mine", "set", "layers"))
        self.assertEqual(world.emperor.json("show", "layers")["workers"], 1, "what stands behind has the last word")
        self.assertEqual(stat.S_IMODE(os.stat(world.path("sockets/layers.sock")).st_mode), 0o666)
        shown = world.emperor.ctl("explain", "layers").stdout
        self.assertIn("vassal-set", shown)
        self.assertIn("behind.ini:3", shown)

    def test_a_link_is_watched_itself(self):
        world = self.world
        target = self.put("template.txt", ["env = MARK=first"])
        link = world.path("first/linked.ini")
        os.symlink(target, link)
        first = world.emperor.wait_state("linked", "ready")
        with open(target, "a") as f:
            f.write("env = MARK=second\n")
        self.assertEqual(world.emperor.row("linked")["generation"], first["generation"])
        os.utime(link, follow_symlinks=False)
        until("the touched link is read again", lambda: world.emperor.row("linked")["generation"] > first["generation"])
        world.emperor.wait_state("linked", "ready")
        until("it says the new value", lambda: self.env("linked")["MARK"] == "second")

    def stats_of(self, name):
        with client.connect(self.stats) as s:
            data, error = client.drain(s)
        self.assertFalse(error)
        figures = json.loads(data)
        return figures, next((v for v in figures["vassals"] if v["id"] == name), None)

    def test_stats_and_pidfile(self):
        world = self.world
        self.put("first/counted.ini")
        row = world.emperor.wait_state("counted", "ready")
        figures, vassal = self.stats_of("counted")
        self.assertEqual(figures["pid"], world.emperor.pid_of("emperor"))
        with open(world.path("emperor.pid")) as f:
            self.assertEqual(int(f.read()), figures["pid"])
        self.assertEqual(figures["emperor"], [world.path("first"), world.path("second"), world.path("wild/*/*.conf")])
        self.assertEqual((vassal["pid"], vassal["uid"], vassal["ready"], vassal["loyal"]), (row["pid"], ALICE, 1, 0))
        self.assertEqual(vassal["monitor"], world.path("first"))
        self.env("counted")
        until("it is loyal", lambda: self.stats_of("counted")[1]["loyal"] == 1)
        broken = world.write("apps/no.py", "import there_is_no_such_module\n")
        world.write("first/failing.ini", world.ini(None, app=broken))
        until("it stands in the list of those who wait", lambda: "failing" in [b["id"] for b in self.stats_of("x")[0]["blacklist"]])
        os.unlink(world.path("first/failing.ini"))

    def test_a_client_of_the_stats_that_does_not_read_holds_nobody(self):
        idle = [client.connect(self.stats) for _ in range(5)]
        self.addCleanup(lambda: [s.close() for s in idle])
        self.assertIn("vassals", self.stats_of("x")[0])

    def test_heartbeats_are_missed(self):
        world = self.world
        stuck = world.write("apps/stuck.py", "import threading\ndef application(environ, start_response):\n"
                            "    if environ['PATH_INFO'] == '/stuck': threading.Event().wait()\n"
                            "    start_response('200 OK', []); return [b'ok']\n")
        world.write("first/beats.ini", world.ini(None, app=stuck, lines=["heartbeat = 1"]))
        first = world.emperor.wait_state("beats", "ready")
        until("the first one was heard", lambda: self.stats_of("beats")[1]["last_heartbeat"] > 0)
        with client.connect(world.path("sockets/beats.sock")) as s:
            s.sendall(client.packet(client.request_variables("options.test", "/stuck")))
            until("it is replaced", lambda: world.emperor.row("beats")["generation"] > first["generation"])
        self.assertIn("no heartbeat for 2 s", world.emperor.row("beats")["last_error"])
        world.emperor.wait_state("beats", "ready")

    def test_what_is_said_about_the_others(self):
        config = self.world.path("emperor.ini")
        with open(self.world.emperor.log) as f:
            log = f.read()
        with open(config) as f:
            lines = {line.split(" = ")[0]: number for number, line in enumerate(f, 1)}
        for key, said in (("emperor-freq", "is taken as rescan"), ("emperor-max-throttle", "is ignored: starts are bounded by the CPUs"),
                          ("emperor-broodlord", "has no effect: a vassal has as many workers"), ("master", "is ignored: always so"),
                          ("processes", "has no effect in the emperor's file")):
            self.assertIn(f"{config}:{lines[key]}: {key} {said}", log)
        self.assertNotIn("base has no effect", log)


class Faults(unittest.TestCase):
    def test_a_file_with_one_section(self):
        for section in ("emperor", "uwsgi"):
            with self.subTest(section), tempfile.TemporaryDirectory() as directory:
                config = os.path.join(directory, "e.ini")
                with open(config, "w") as f:
                    f.write(f"[{section}]\nemperor = {directory}\nrun-dir = here\n")
                done = subprocess.run([os.path.join(programs.bin_directory(), "emperor"), "--config", config], capture_output=True, text=True)
                self.assertEqual(done.stderr, "emperor: run-dir: 'here' is not an absolute path\n")

    def test_every_fault_is_told_with_its_line(self):
        with tempfile.TemporaryDirectory() as directory:
            config = os.path.join(directory, "e.ini")
            with open(config, "w") as f:
                f.write("[uwsgi]\nemperor = /etc/none\nemperor-extra-extension = .yml\nvassal-set = nothing\n"
                        "emperor-required-heartbeat = soon\n[emperor]\nbogus = 1\n")
            done = subprocess.run([os.path.join(programs.bin_directory(), "emperor"), "--config", config], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, done.stderr)
            for line in (f"{config}:3: emperor-extra-extension: .yml files cannot be read, only the ini dialect can",
                         f"{config}:4: vassal-set: 'nothing' is not key=value",
                         f"{config}:5: emperor-required-heartbeat: 'soon' is no time", f"{config}:7: unknown option 'bogus'"):
                self.assertIn(line, done.stderr)


class OnDemand(SystemCase):
    """Vassals whose sockets stand beside their files, as uWSGI's emperor has them."""

    @classmethod
    def set_up_world(cls, world):
        world.emperor.options["emperor-on-demand-extension"] = ".socket"

    def test_the_first_request_starts_it(self):
        world, path = self.world, self.world.path("sockets/demand.sock")
        world.write(os.path.join(world.vassals, "demand.ini.socket"), path + "\n")
        world.drop("demand", None)
        row = world.emperor.wait_state("demand", "asleep")
        self.assertIsNone(row["pid"])
        until("its socket is there", lambda: os.path.exists(path))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o666)
        self.assertEqual(client.uwsgi(path, "demand.test").status, 200)
        world.emperor.wait_state("demand", "ready")

    def test_a_command_too(self):
        world, path = self.world, self.world.path("sockets/other.sock")
        world.write(os.path.join(world.vassals, "other.ini.socket"), path + "\n")
        world.drop("other", None, app=None, lines=[f"command = /usr/bin/python3 {world.app('listener.py')}", "env = MARK=woken"])
        world.emperor.wait_state("other", "asleep")
        until("its socket is there", lambda: os.path.exists(path))
        self.assertEqual(client.http(path, "other.test").body, b"woken")


class OnDemandDirectory(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        world.emperor.options["emperor-on-demand-directory"] = world.path("sockets")

    def test_every_vassal_has_a_socket_there(self):
        world, path = self.world, self.world.path("sockets/every.socket")
        world.drop("every", None)
        world.emperor.wait_state("every", "asleep")
        until("its socket is there", lambda: os.path.exists(path))
        self.assertEqual(client.uwsgi(path, "every.test").status, 200)


class Tyrant(SystemCase):
    options = {"emperor_tyrant": True}

    def drop(self, name, owner, mode=0o644, lines=()):
        world = self.world
        text = "\n".join(["[uwsgi]", f"wsgi-file = {world.app('probe.py')}", f"domain = {name}.test", *lines, ""])
        return world.write(os.path.join(world.vassals, f"{name}.ini"), text, mode, owner)

    def rejected(self, name):
        return until("it is refused", lambda: (r := self.world.emperor.row(name)) and r["last_error"])

    def test_a_vassal_runs_as_the_owner_of_its_file(self):
        for name, owner in (("alice", ALICE), ("bob", BOB)):
            self.drop(name, owner, mode=0o600, lines=["uid = root", "gid = root", f"uid = {ALICE + BOB - owner}", "memory-max = 10G"])
            row = self.world.emperor.wait_state(name, "ready")
            self.assertEqual((row["uid"], row["gid"]), (owner, owner))
            said = json.loads(self.world.wait_answer(f"{name}.test", "/whoami").body)
            self.assertEqual(said["uid"][0], owner)
        explained = self.world.emperor.ctl("explain", "alice").stdout.splitlines()
        self.assertTrue(next(line for line in explained if line.startswith("memory-max = 10G")).endswith("ignored"))

    def test_a_new_owner_is_a_new_user(self):
        self.drop("moves", ALICE)
        self.world.emperor.wait_state("moves", "ready")
        self.drop("moves", BOB)
        until("it runs as its new owner", lambda: (r := self.world.emperor.row("moves"))["uid"] == BOB and r["state"] == "ready")

    def test_files_that_name_nobody(self):
        self.drop("root", 0)
        self.assertIn("is owned by root", self.rejected("root"))
        self.drop("open", ALICE, mode=0o666)
        self.assertIn("can be written by others", self.rejected("open"))

    def test_what_the_owner_may_not_read(self):
        secret = self.world.write("secret.ini", "[uwsgi]\nenv = SECRET=1\n", 0o600, BOB)
        self.drop("curious", ALICE, lines=[f"include = {secret}"])
        self.assertIn("Permission denied", self.rejected("curious"))


if __name__ == "__main__":
    main()
