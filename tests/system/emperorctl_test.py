"""emperorctl: what an operator asks and commands, in words and in JSON, with exit codes to rely on."""
import json

from frame import ALICE, BOB, Load, SystemCase, http, main, programs, until

FIELDS = {"name", "file", "state", "generation", "pid", "uid", "gid", "domains", "requests", "restarts", "last_error", "cgroup",
          "memory_bytes", "cpu_seconds"}


class Emperorctl(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        world.write("defaults.ini", "[uwsgi]\nprocesses = 3\nharakiri = 77\n")
        world.write("policy.ini", "[uwsgi]\npids-max = 50\n")
        world.emperor.options.update({"defaults": world.path("defaults.ini"), "policy": world.path("policy.ini")})
        world.drop("one", "one.test", uid=ALICE, lines=["pids-max = 4000", "harakiri = 55"])
        world.drop("two", "two.test", uid=BOB)

    def setUp(self):
        self.emperor = self.world.emperor
        self.emperor.wait_state("one", "ready")
        self.emperor.wait_state("two", "ready")

    def done(self, *arguments, code=0):
        done = self.emperor.ctl(*arguments)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def test_ls(self):
        text = self.done("ls")
        for word in ("one", "two", "ready"):
            self.assertIn(word, text)
        row = self.emperor.row("one")
        self.assertLessEqual(FIELDS, set(row))
        self.assertEqual((row["file"], row["uid"], row["gid"], row["domains"], row["last_error"]),
                         (f"{self.world.vassals}/one.ini", ALICE, ALICE, ["one.test"], ""))

    def test_show_and_routes(self):
        self.assertIn("one.test", self.done("show", "one"))
        self.assertEqual(self.emperor.json("show", "one")["name"], "one")
        self.assertIn("one.test", self.done("routes"))
        self.assertEqual(self.emperor.routes()["two.test"]["vassal"], "two")
        self.done("show", "there-is-none", code=1)

    def test_explain_names_the_origin_of_every_value(self):
        text = self.done("explain", "one")
        for key, value, origin in (("pids-max", "50", "policy.ini:2"), ("harakiri", "55", "one.ini:7"), ("processes", "3", "defaults.ini:2")):
            line = next((x for x in text.splitlines() if x.split("=")[0].strip() == key and origin in x), None)
            self.assertIsNotNone(line, f"{key} from {origin} in:\n{text}")
            self.assertIn(value, line)
        self.assertIn("one.test", self.done("explain", f"{self.world.vassals}/one.ini"))

    def test_policy_cannot_be_overridden(self):
        import os
        pid = self.emperor.row("one")["pid"]
        from frame import processes
        for names, path in processes.cgroups_of(pid).items():
            if "pids" in names.split(","):
                with open(f"/sys/fs/cgroup/{names}{os.path.dirname(path)}/pids.max") as f:
                    self.assertEqual(f.read().strip(), "50")

    def test_check_prints_every_fault_at_once(self):
        good = self.world.write("check/good.ini", self.world.ini("good.test"))
        bad = self.world.write("check/bad.ini", "[uwsgi]\nuid = no-such-user-here\nprocesses = many\nprocesess = 3\nmemory-max = lots\n"
                               f"buffer_size = 1\nwsgi-file = x.py ; the application\ndomain = a.test\ngid = {ALICE}\n")
        self.done("check", good)
        text = self.done("check", bad, code=2)
        for line, word in ((2, "no-such-user-here"), (3, "many"), (4, "processes"), (5, "lots"), (6, "buffer-size"), (7, ";")):
            self.assertTrue(any(x.startswith(f"{bad}:{line}: ") and word in x for x in text.splitlines()), f"line {line}, {word!r} in:\n{text}")
        self.done("check", good, bad, code=2)
        self.done("check", "/nowhere.ini", code=2)

    def test_reload_stop_and_start(self):
        before = self.emperor.row("two")
        with Load(self.world.http_address, "two.test", threads=3) as load:
            self.done("reload", "two")
            until("a new generation", lambda: (r := self.emperor.row("two"))["generation"] > before["generation"] and r["state"] == "ready")
        self.assert_clean(load)
        self.done("stop", "two")
        row = self.emperor.wait_state("two", "stopped")
        self.assertFalse(row["pid"])
        self.assertEqual(http(self.world.http_address, "two.test").status, 503)
        self.assertEqual(http(self.world.http_address, "one.test").status, 200)
        self.done("start", "two")
        self.emperor.wait_state("two", "ready")
        self.assert_status(self.world.wait_answer("two.test"), 200)

    def test_logs(self):
        http(self.world.http_address, "one.test", "/environ?seen=1")
        until("the request is in the log", lambda: "seen=1" in self.done("logs", "one"))
        self.assertNotIn("seen=1", self.done("logs", "two"))
        self.done("logs", "there-is-none", code=1)

    def test_wrong_usage(self):
        self.done("no-such-command", code=2)
        self.done(code=2)
        self.done("show", code=2)
        self.done("reload", "there-is-none", code=1)

    def test_nobody_to_talk_to(self):
        import os
        import subprocess
        done = subprocess.run([os.path.join(self.world.emperor.programs, "emperorctl"), "--control", "/nowhere/control.sock", "ls"],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/control.sock", done.stderr)

    def test_a_wrong_option_of_the_emperor_is_a_usage_error(self):
        import os
        import subprocess
        config = self.world.write("emperor.ini", "[emperor]\nrun-dir = /tmp/x\nruoter-http = 127.0.0.1:1\ncgroups = maybe\n")
        done = subprocess.run([os.path.join(self.world.emperor.programs, "emperor"), "--config", config], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"{config}:3: ", done.stderr + done.stdout)
        self.assertIn("router-http", done.stderr + done.stdout)
        self.assertIn(f"{config}:4: ", done.stderr + done.stdout)

    def test_json_is_json(self):
        for arguments in (("ls",), ("routes",), ("show", "one"), ("explain", "one")):
            json.loads(self.done(*arguments, "--json"))

    def test_help(self):
        import os
        import subprocess
        for name in programs.NAMES:
            done = subprocess.run([os.path.join(self.world.emperor.programs, name), "--help"], capture_output=True, text=True, timeout=20)
            self.assertEqual(done.returncode, 0, name)
            self.assertIn("--", done.stdout, name)


if __name__ == "__main__":
    main()
