"""The emperor and its keeper may die and be upgraded: nobody who visits notices, whatever the vassals are doing
at that moment; and a new emperor that is no good changes nothing."""
import os
import shutil
import signal
import threading
import time
import unittest

from frame import ALICE, BOB, CAROL, DAVE, Load, SystemCase, World, http, leftovers, main, processes, until, uwsgi, waiting

ROUNDS = int(os.environ.get("IMPERIUM_DEATHS", "20"))
SLOW = "import threading\nthreading.Event().wait({})\n"
HELLO = "def application(environ, start_response):\n    start_response('200 OK', [])\n    return [{!r}]\n"


class Frame(SystemCase):
    """One vassal in each state of a life: running (two of them, one with a socket of its own), in backoff, stopped,
    asleep."""

    options = {"nginx": True, "upgrade_timeout": "5"}

    @classmethod
    def set_up_world(cls, world):
        world.drop("one", "one.test", uid=ALICE)
        world.drop("two", "two.test", uid=BOB, lines=["processes = 2", f"socket = {world.path('sockets/two.sock')}"])
        world.drop("broken", "broken.test", app=world.write("apps/broken.py", "raise SystemExit(3)\n"), uid=CAROL)
        world.drop("halted", "halted.test", uid=DAVE)
        world.drop("sleeper", "sleeper.test", uid=CAROL, lines=["start = lazy", "idle = 1", f"socket = {world.path('sockets/sleeper.sock')}"])

    def setUp(self):
        self.emperor = self.world.emperor
        self.pids = {name: self.emperor.wait_state(name, "ready")["pid"] for name in ("one", "two")}
        self.emperor.wait_state("broken", "backoff")
        if self.emperor.row("halted")["state"] != "stopped":
            self.emperor.ctl("stop", "halted")
            self.emperor.wait_state("halted", "stopped")
        self.emperor.wait_state("sleeper", "asleep")

    def is_there(self, which, *others):
        """The pid of `which` that answers, is none of `others`, and has everybody as they were."""
        def there():
            pid = self.emperor.pid_of(which)
            return pid if pid and pid not in others and processes.alive(pid) else None
        return until(lambda: f"there is another {which}\n{self.emperor.tail()}", there)

    def all_as_before(self):
        rows = self.emperor.ls()
        self.assertEqual({name: rows[name]["pid"] for name in self.pids}, self.pids, "adopted, not started again")
        self.assertEqual(rows["halted"]["state"], "stopped")
        self.assertEqual(rows["sleeper"]["state"], "asleep")
        self.assertIn(rows["broken"]["state"], ("backoff", "starting"))

    def lives_go_on(self):
        """What was taken over can be reloaded, started, removed, and new ones come."""
        before = self.emperor.row("one")["pid"]
        self.emperor.ctl("reload", "one")
        until("a fresh generation of `one`", lambda: (row := self.emperor.row("one"))["state"] == "ready" and row["pid"] != before)
        self.assertEqual(uwsgi(self.world.path("sockets/sleeper.sock"), "sleeper.test").status, 200, "woken by its own socket")
        self.emperor.wait_state("sleeper", "asleep")
        self.assertEqual(self.world.get("sleeper.test").status, 200, "woken by the router")
        self.emperor.ctl("start", "halted")
        self.emperor.wait_state("halted", "ready")
        self.world.up("late", "late.test", uid=BOB)
        self.world.remove("late")
        self.emperor.wait_gone("late")

    def under_load(self):
        return Load(self.world.front, "one.test", threads=1, every=0.01), Load(self.world.front, "two.test", threads=1, every=0.01)


class Deaths(Frame):
    def many_times(self, which, end_it):
        """end_it(pid of `which`), ROUNDS times under load; seconds until everybody was taken over."""
        took, pids = [], [self.emperor.pid_of(which)]
        one, two = self.under_load()
        with one, two:
            for _ in range(ROUNDS):
                start = time.monotonic()
                end_it(pids[-1])
                pids.append(self.is_there(which, *pids))
                until("it has everybody", lambda: self.emperor.ctl("ls", "--json").returncode == 0, every=0.01)
                took.append(time.monotonic() - start)
                self.all_as_before()
                asked = one.answered
                until("requests go on", lambda: one.answered > asked + 3)
        self.assert_clean(one)
        self.assert_clean(two)
        took.sort()
        self.assertLess(took[len(took) // 2], 1.0, f"taken over in {took}")
        self.assertLess(took[-1], 5.0, f"taken over in {took}")
        self.lives_go_on()

    def test_the_emperor_is_killed(self):
        self.many_times("emperor", lambda pid: os.kill(pid, signal.SIGKILL))

    def test_the_keeper_is_killed(self):
        def kill(pid):
            emperor = self.emperor.pid_of("emperor")
            os.kill(pid, signal.SIGKILL)
            self.is_there("keeper", pid)
            self.is_there("emperor", emperor)  # one that is the new keeper's child
        self.many_times("keeper", kill)
        self.assertEqual(processes.parent(self.emperor.pid_of("emperor")), self.emperor.pid_of("keeper"))

    def test_upgrade(self):
        def upgrade(_):
            done = self.emperor.ctl("upgrade")
            self.assertEqual(done.returncode, 0, done.stderr + self.emperor.tail())
        self.many_times("emperor", upgrade)

    def test_sigusr2_is_an_upgrade(self):
        for which in ("keeper", "emperor"):
            before = self.emperor.pid_of("emperor")
            os.kill(self.emperor.pid_of(which), signal.SIGUSR2)
            self.is_there("emperor", before)
            self.emperor.ctl("ls")
            self.all_as_before()


class Moments(Frame):
    """What an emperor was just waiting for, the next one gets."""

    def test_ends_that_nobody_saw_are_known(self):
        for which in ("emperor", "keeper"):
            with self.subTest(which):
                before = {w: self.emperor.pid_of(w) for w in ("keeper", "emperor")}
                os.kill(before["emperor"], signal.SIGSTOP)
                os.kill(self.pids["one"], signal.SIGKILL)
                os.kill(before[which], signal.SIGKILL)
                os.kill(before["emperor"], signal.SIGCONT)
                self.is_there(which, before[which])
                until("there is a fresh one", lambda: self.emperor.row("one")["pid"] not in (0, None, self.pids["one"]))
                self.pids["one"] = self.emperor.wait_state("one", "ready")["pid"]
                self.assertIn("signal 9", self.emperor.json("show", "one")["last_error"])

    def test_a_starter_finishes(self):
        """Killed while it starts, and at the moment at which it says that it is ready."""
        world = self.world
        for delay in (0.0, 0.1, 0.2, 0.25, 0.3, 0.35):
            with self.subTest(delay=delay):
                world.drop("starter", "starter.test", app=world.write("apps/starter.py", SLOW.format(0.2) + HELLO.format(b"up")), uid=CAROL)
                until("it is there", lambda: self.emperor.row("starter"))
                answers = []
                visitor = threading.Thread(target=lambda: answers.append(http(world.front, "starter.test")))
                visitor.start()
                waiting.pause(delay)
                os.kill(self.emperor.pid_of("emperor"), signal.SIGKILL)
                visitor.join()
                self.assertEqual([a.text for a in answers], ["up"])
                row = self.emperor.wait_state("starter", "ready")
                self.assertLessEqual(row["generation"], 2)
                world.remove("starter")
                self.emperor.wait_gone("starter")

    def test_a_word_that_nobody_heard(self):
        """It became ready while the emperor did not listen, and the emperor died before it could."""
        world = self.world
        gate = world.path("sockets/gate")
        app = f"import os, threading\nwhile not os.path.exists({gate!r}):\n    threading.Event().wait(0.01)\n" + HELLO.format(b"up")
        world.drop("mute", "mute.test", app=world.write("apps/mute.py", app), uid=CAROL)
        pid = until("it starts", lambda: (row := self.emperor.row("mute")) and row["pid"])
        emperor = self.emperor.pid_of("emperor")
        os.kill(emperor, signal.SIGSTOP)
        world.write(gate, "")
        until("it serves", lambda: world.get("mute.test").text == "up")
        os.kill(emperor, signal.SIGKILL)
        row = self.emperor.wait_state("mute", "ready")
        self.assertEqual((row["pid"], row["generation"]), (pid, 1))
        world.remove("mute")
        self.emperor.wait_gone("mute")

    def test_a_drain_goes_on(self):
        answers = []
        slow = threading.Thread(target=lambda: answers.append(http(self.world.front, "two.test", "/wait?seconds=1")))
        slow.start()
        until("it is taken", lambda: self.emperor.busy("two"))
        self.emperor.ctl("reload", "two")
        until("the old one drains", lambda: len(self.emperor.json("show", "two")["generations"]) == 2)
        os.kill(self.emperor.pid_of("emperor"), signal.SIGKILL)
        slow.join()
        self.assertEqual([a.status for a in answers], [200])
        until("the old one is gone", lambda: len(self.emperor.json("show", "two")["generations"]) == 1)
        self.pids["two"] = self.emperor.row("two")["pid"]

    def test_damaged_claims_are_left_out(self):
        path = os.path.join(self.world.run_dir, "claims.json")
        until("claims are saved", lambda: os.path.exists(path))
        self.world.write(path, '[{"host": 7, "vassal": "one"}, 3, {"host": "x.test"}, {"host": "y.test", "vassal": "gone", "since": "never"}]')
        before = self.emperor.pid_of("emperor")
        os.kill(before, signal.SIGKILL)
        self.is_there("emperor", before)
        self.all_as_before()
        self.assertEqual(self.world.get("one.test").status, 200)
        self.assertIn("what is no claim is left out", self.emperor.tail(60))


class Rules(SystemCase):
    """What the operator says about every vassal may have changed between two emperors."""

    @classmethod
    def set_up_world(cls, world):
        world.emperor.options["policy"] = world.write("policy.ini", "[uwsgi]\nenv = RULE=first\n")
        world.drop("one", "one.test", uid=ALICE)

    def test_only_what_changed_acts(self):
        emperor = self.world.emperor

        def another_emperor():
            before = emperor.pid_of("emperor")
            self.assertEqual(emperor.ctl("upgrade").returncode, 0, emperor.tail())
            until("another emperor is there", lambda: emperor.pid_of("emperor") not in (None, before))

        first = emperor.wait_state("one", "ready")["pid"]
        another_emperor()
        self.world.up("two", "two.test", uid=BOB)  # whatever was to be read has been read by then
        self.assertEqual(emperor.row("one")["pid"], first)
        self.world.write("policy.ini", "[uwsgi]\nenv = RULE=second\n")
        another_emperor()
        until("it has the new rules", lambda: (row := emperor.row("one"))["state"] == "ready" and row["pid"] != first)


class Unable(SystemCase):
    """The next keeper cannot start (somebody broke the emperor's own file): tried again, but not as fast as it goes."""

    WHOLE = "[emperor]\nrescan = 30\n"

    @classmethod
    def set_up_world(cls, world):
        world.emperor.options["config"] = world.write("emperor.ini", cls.WHOLE)
        world.drop("one", "one.test", uid=ALICE)

    def test_no_storm_of_keepers(self):
        emperor = self.world.emperor
        before = emperor.wait_state("one", "ready")["pid"]
        keeper = emperor.pid_of("keeper")
        self.world.write("emperor.ini", "[emperor]\nno-such-option = 1\n")
        os.kill(keeper, signal.SIGKILL)
        start = time.monotonic()
        until("it is tried again", lambda: emperor.tail(200).count("starts another keeper") >= 4)
        self.assertGreater(time.monotonic() - start, 0.6, "0.1, 0.2 and 0.4 s")
        self.assertEqual(emperor.row("one")["pid"], before)
        self.world.write("emperor.ini", self.WHOLE)
        until("a keeper is there", lambda: (pid := emperor.pid_of("keeper")) not in (None, keeper) and processes.alive(pid))
        self.assertEqual(emperor.row("one")["pid"], before)


class Spoiled(SystemCase):
    """A tenant that makes its own channel useless hurts itself for a moment, and gets a new one."""

    options = {"nginx": True}
    APP = """import os, socket
def application(environ, start_response):
    if environ['PATH_INFO'] == '/spoil':
        for fd in range(3, 20):
            try:
                with socket.socket(fileno=os.dup(fd)) as s:
                    if s.type == socket.SOCK_SEQPACKET:
                        s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
    start_response('200 OK', [])
    return [b'here']
"""

    def test_a_channel_that_was_shut_down_is_replaced(self):
        world = self.world
        before = world.up("vandal", "vandal.test", app=world.write("apps/vandal.py", self.APP), uid=ALICE)
        world.up("other", "other.test", uid=BOB)
        with Load(world.front, "other.test", threads=1, every=0.01) as other:
            world.get("vandal.test", "/spoil")
            until("it is reached again", lambda: world.get("vandal.test").text == "here")
            self.assertGreater(world.emperor.wait_state("vandal", "ready")["generation"], before["generation"])
            # The channel of now outlives the emperor like any other.
            pid = world.emperor.row("vandal")["pid"]
            os.kill(world.emperor.pid_of("emperor"), signal.SIGKILL)
            self.assertEqual(world.emperor.row("vandal")["pid"], pid)
            self.assertEqual(world.get("vandal.test").text, "here")
        self.assert_clean(other)


class BadBinaries(Frame):
    """A new emperor that crashes, hangs, or cannot go on: the old one stays."""

    options = {**Frame.options, "upgrade_timeout": "1"}

    @classmethod
    def set_up_world(cls, world):
        super().set_up_world(world)
        own = world.path("own")
        shutil.copytree(os.path.dirname(world.emperor.programs), own, symlinks=True)
        world.emperor.programs = os.path.join(own, os.path.basename(world.emperor.programs))

    def test_nothing_changes(self):
        program = os.path.join(self.emperor.programs, "emperor")
        kept = program + ".kept"
        os.rename(program, kept)
        shutil.copy(kept, program + ".copy")
        bad = {"crashes": "#!/bin/sh\nkill -SEGV $$\n", "hangs": "#!/bin/sh\nexec sleep 60\n", "ends": "#!/bin/sh\nexit 0\n",
               "is no program": "nonsense", "is not there": None,
               "promises and dies": "#!/usr/bin/python3\nimport socket, sys\n" + PROMISE}
        one, two = self.under_load()
        with one, two:
            for what, text in bad.items():
                with self.subTest(what):
                    before = {w: self.emperor.pid_of(w) for w in ("keeper", "emperor")}
                    if text is not None:
                        self.world.write(program, text, mode=0o755)
                    done = self.emperor.ctl("upgrade")
                    self.assertEqual(done.returncode, 1, done.stdout)
                    self.assertTrue(done.stderr)
                    if what != "promises and dies":
                        self.assertEqual({w: self.emperor.pid_of(w) for w in before}, before)
                    self.all_as_before()
                    if os.path.exists(program):
                        os.unlink(program)
            # The binary that ran is started again even now.
            before = self.emperor.pid_of("emperor")
            os.kill(before, signal.SIGKILL)
            self.is_there("emperor", before)
            self.emperor.ctl("ls")
            self.all_as_before()
            os.rename(kept, program)
            done = self.emperor.ctl("upgrade")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.all_as_before()
        self.assert_clean(one)
        self.assert_clean(two)


# Says that it can, and ends as soon as it is to go on.
PROMISE = '''
channel = socket.socket(fileno=int(sys.argv[1].split("=")[1].split(":")[0]))
def word(verb):
    body = len(b"verb").to_bytes(2, "little") + b"verb" + len(verb).to_bytes(2, "little") + verb
    return bytes([0]) + len(body).to_bytes(2, "little") + bytes([0]) + body
channel.setblocking(True)
channel.send(word(b"can"))
channel.recv(65536)
'''


class Restart(unittest.TestCase):
    """Started again from outside, by a service manager: it takes a dead keeper's place, and only then."""

    def test_a_new_one_takes_the_place_of_a_dead_keeper(self):
        world = World(nginx=True)
        self.addCleanup(leftovers.remove_cgroups, world.cgroup_root)
        self.addCleanup(world.destroy)
        world.start()
        before = world.up("one", "one.test", uid=ALICE)["pid"]
        with Load(world.front, "one.test", every=0.01) as load:
            for _ in range(3):
                keepers = world.emperor.pid_of("keeper")
                os.kill(keepers, signal.SIGKILL)
                world.emperor.process.wait()
                world.emperor.start(world.environment())
                until("it is the keeper", lambda: world.emperor.pid_of("keeper") == world.emperor.process.pid)
                until("the emperor is its child", lambda: processes.parent(world.emperor.pid_of("emperor")) == world.emperor.process.pid)
                self.assertEqual(world.emperor.wait_state("one", "ready")["pid"], before)
        self.assertEqual(load.failures, [])
        self.assertEqual(world.stop(), [])


if __name__ == "__main__":
    main()
