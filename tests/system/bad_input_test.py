"""Bad input: each has one clear line in the log and in `emperorctl ls`, and costs nobody else anything."""
import os

from frame import ALICE, BOB, CAROL, Load, SystemCase, main, until


class BadInput(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        world.drop("good", "good.test", uid=BOB)

    def setUp(self):
        self.world.emperor.wait_state("good", "ready")

    def put(self, name, content, **named):
        return self.world.write(os.path.join(self.world.vassals, f"{name}.ini"), content, **named)

    def refused(self, name, *words, states=("rejected", "backoff")):
        """The row once it is refused; every word is in its one line, which is in the log, too."""
        def judged():
            row = self.world.emperor.row(name)
            return row and row["state"] in states and row["last_error"] and row
        row = until(lambda: f"{name} is refused; it is {self.world.emperor.row(name)}\n{self.world.emperor.tail()}", judged)
        for word in words:
            self.assertIn(word, row["last_error"])
        self.assertNotIn("\n", row["last_error"])
        self.assertLess(len(row["last_error"]), 1000)
        with open(self.world.emperor.log, errors="replace") as f:
            self.assertTrue(any(name in line and words[-1] in line for line in f), f"no line in the log names {name} and {words[-1]}")
        return row

    def test_files(self):
        world = self.world
        with Load(world.front, "good.test", every=0.005) as good:
            self.put("empty", "")
            self.refused("empty", "empty.ini")
            self.put("binary", bytes(range(256)) * 64)
            self.refused("binary", "binary.ini")
            self.put("huge", "[uwsgi]\n" + "; filler\n" * 200_000)
            self.refused("huge", "huge.ini")
            self.put("long-line", "[uwsgi]\ndomain = " + "x" * 500_000 + "\n")
            self.refused("long-line", "long-line.ini")
            self.put("no-section", "domain = x.test\nuid = 61001\n")
            self.refused("no-section", "no-section.ini")
            self.put("unreadable", world.ini("unreadable.test"), mode=0o000)
            row = until("judged", lambda: (r := world.emperor.row("unreadable")) and r["state"] in ("ready", "rejected") and r)
            self.assertIn(row["state"], ("ready", "rejected"), "root reads everything; whoever does not says so")
            os.mkdir(os.path.join(world.vassals, "directory.ini"))
            os.mkfifo(os.path.join(world.vassals, "fifo.ini"))
            world.up("after", "after.test")
            for name in ("directory", "fifo"):
                row = world.emperor.row(name)
                self.assertTrue(row is None or row["state"] == "rejected", row)
            os.rmdir(os.path.join(world.vassals, "directory.ini"))
            os.unlink(os.path.join(world.vassals, "fifo.ini"))
        self.assert_clean(good)

    def test_a_dangling_link_and_files_that_come_and_go(self):
        world = self.world
        os.symlink("/nowhere/at/all.ini", os.path.join(world.vassals, "dangling.ini"))
        with Load(world.front, "good.test", every=0.005) as good:
            for i in range(100):
                self.put("flicker", world.ini("flicker.test", lines=[f"processes = {1 + i % 3}"]))
                os.unlink(os.path.join(world.vassals, "flicker.ini"))
            world.up("steady", "steady.test")
            world.emperor.wait_gone("flicker")
        self.assert_clean(good)
        row = world.emperor.row("dangling")
        self.assertTrue(row is None or row["state"] == "rejected")
        os.unlink(os.path.join(world.vassals, "dangling.ini"))

    def test_the_same_domain_twice(self):
        world = self.world
        first = world.up("first", "wanted.test", uid=ALICE)
        world.drop("second", "wanted.test", uid=BOB)
        row = self.refused("second", "wanted.test", "first", states=("ready", "rejected"))
        self.assertEqual(row["domains"], [])
        self.assertEqual(world.emperor.routes()["wanted.test"]["vassal"], "first")
        self.assertEqual(world.emperor.row("first")["pid"], first["pid"])
        world.remove("first")
        world.emperor.wait_state("second", "ready")
        self.assertEqual(world.emperor.routes()["wanted.test"]["vassal"], "second")

    def test_values(self):
        app = self.world.app("probe.py")
        base = f"[uwsgi]\ndomain = values.test\nuid = 61001\ngid = 61001\nwsgi-file = {app}\n"
        for line, words in {
            "uid = no-such-user-here": ("values.ini:6", "no-such-user-here"),
            "gid = no-such-group-here": ("values.ini:6", "no-such-group-here"),
            "socket = /tmp/" + "x" * 120 + ".sock": ("values.ini:6", "107"),
            "processes = many": ("values.ini:6", "many"),
            "memory-max = 12 elephants": ("values.ini:6", "elephants"),
            "cpu-max = fast": ("values.ini:6", "fast"),
            "domain = not/a/host": ("values.ini:6", "not/a/host"),
            "strict = true\nprocesess = 2": ("values.ini:7", "processes"),
        }.items():
            with self.subTest(line):
                self.put("values", base + line + "\n")
                until(lambda: f"{words} in {self.world.emperor.row('values')}",
                      lambda: (r := self.world.emperor.row("values")) and all(w in r["last_error"] for w in words))
                self.refused("values", *words)

    def test_applications_that_do_not_load(self):
        world = self.world
        for name, text, words in (
            ("missing-module", None, ("there_is_none",)),
            ("import-fails", "import there_is_no_such_module\napplication = 1\n", ("there_is_no_such_module",)),
            ("syntax", "def application(:\n    pass\n", ("syntax.py", "SyntaxError")),
            ("no-callable", "app = 1\n", ("application",)),
            ("not-callable", "application = 7\n", ("callable",)),
            ("raises", "raise ValueError('a value that is wrong')\n", ("a value that is wrong",)),
            ("exits", "import sys\nsys.exit('leaving at import')\n", ("leaving at import",)),
        ):
            with self.subTest(name):
                if text is None:
                    self.put(name, world.ini(f"{name}.test", app="", lines=["module = there_is_none:app"]))
                else:
                    world.drop(name, f"{name}.test", app=world.write(f"apps/{name}.py", text), uid=CAROL)
                self.refused(name, *words)
                self.assertIn(words[-1], world.emperor.ctl("logs", name).stdout)
                world.remove(name)
        world.drop("no-file", "no-file.test", app="/nowhere/app.py")
        self.refused("no-file", "/nowhere/app.py")
        world.drop("no-chdir", "no-chdir.test", lines=["chdir = /nowhere/at/all"])
        self.refused("no-chdir", "/nowhere/at/all")

    def test_a_crash_at_start_backs_off(self):
        world = self.world
        crash = world.write("apps/crash.py", "import os\nos.kill(os.getpid(), 11)\n")
        world.drop("crash", "crash.test", app=crash, uid=CAROL)
        row = self.refused("crash", "signal 11")
        until("it is tried again, later and later", lambda: world.emperor.row("crash")["restarts"] >= 2, 20)
        self.assertLess(world.emperor.row("crash")["restarts"], 30)
        world.drop("crash", "crash.test", uid=CAROL)
        row = world.emperor.wait_state("crash", "ready")
        self.assertEqual(row["last_error"], "")


if __name__ == "__main__":
    main()
