"""The ends: shutdown, SIGTERM, a second emperor, a killed emperor. What is finished, what stays, and
that nothing is left."""
import os
import signal
import subprocess
import threading
import unittest

from frame import ALICE, BOB, Load, SystemCase, World, http, leftovers, main, processes, until


class Shutdown(unittest.TestCase):
    def setUp(self):
        self.world = World(nginx=True)
        self.addCleanup(leftovers.remove_cgroups, self.world.cgroup_root)
        self.addCleanup(self.world.destroy)
        self.world.drop("one", "one.test", uid=ALICE, lines=["processes = 2", "memory-max = 128M", f"socket = {self.world.path('sockets/one.sock')}"])
        self.world.drop("two", "two.test", uid=BOB, lines=["processes = 2"])
        self.world.start()
        for name in ("one", "two"):
            self.world.emperor.wait_state(name, "ready")

    def ends_clean(self, end):
        answers = []
        slow = threading.Thread(target=lambda: answers.append(http(self.world.front, "two.test", "/wait?seconds=1")))
        slow.start()
        until("the slow request is taken", lambda: self.world.emperor.row("two")["requests"] >= 1)
        before = self.world.emperor.pids()
        self.assertGreaterEqual(len(before), 8, "keeper, emperor, router, two vassals with two workers")
        code = end()
        slow.join()
        self.assertEqual(code, 0)
        self.assertEqual([a.status for a in answers], [200], "what was taken is finished")
        self.assertEqual(self.world.leftovers(before), [])
        self.assertEqual([p for p in processes.of_uids({ALICE, BOB}) if p in before], [])

    def test_emperorctl_shutdown_leaves_nothing(self):
        self.ends_clean(self.world.emperor.shutdown)

    def test_sigterm_leaves_nothing(self):
        self.ends_clean(self.world.emperor.terminate)

    def test_an_emperor_that_dies_meanwhile_brings_nobody_back(self):
        emperor = self.world.emperor

        def end():
            os.kill(emperor.pid_of("emperor"), signal.SIGTERM)  # the keeper hears of it from the emperor
            until("it shuts down", lambda: "emperor: shuts down" in emperor.tail())
            os.kill(emperor.pid_of("emperor"), signal.SIGKILL)
            return emperor.wait_end()

        self.ends_clean(end)
        self.assertEqual(emperor.tail(400).count("emperor: shuts down"), 2)

    def test_it_starts_again_in_the_same_run_directory(self):
        self.world.emperor.shutdown()
        self.world.emperor.start()
        self.world.emperor.wait_state("one", "ready")
        self.assertEqual(self.world.stop(), [])

    def test_a_second_emperor_is_kept_out(self):
        second = subprocess.run(self.world.emperor.command(), capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(self.world.run_dir, second.stderr + second.stdout)
        self.assertEqual(http(self.world.front, "one.test").status, 200)
        self.assertEqual(self.world.stop(), [])


FREEZER = "/sys/fs/cgroup/freezer"


class Unkillable(unittest.TestCase):
    """A process that does not end, whatever the emperor does: SIGKILL has to wait for the freezer of cgroup v1."""

    @unittest.skipUnless(os.path.isdir(FREEZER), "no cgroup v1 freezer here")
    def test_it_is_named_and_left_behind(self):
        world = World(kill_patience="1", shutdown_mercy="1")
        self.addCleanup(leftovers.remove_cgroups, world.cgroup_root)
        self.addCleanup(world.destroy)
        world.start()
        frozen = world.up("undead", "undead.test", uid=ALICE)["pid"]
        world.up("mortal", "mortal.test", uid=BOB)
        group = f"{FREEZER}/imperium-frozen-{os.getpid()}"
        os.mkdir(group)
        self.addCleanup(os.rmdir, group)
        for file, text in (("cgroup.procs", str(frozen)), ("freezer.state", "FROZEN")):
            with open(os.path.join(group, file), "w") as f:
                f.write(text)
        try:
            self.assertEqual(world.emperor.shutdown(), 0)
            self.assertTrue(processes.alive(frozen))
        finally:
            with open(os.path.join(group, "freezer.state"), "w") as f:
                f.write("THAWED")
            until("it ends at last", lambda: not os.path.exists(f"/proc/{frozen}"))
        self.assertIn("vassal undead: cannot be killed, left behind", world.emperor.tail(60))
        self.assertNotIn("mortal: cannot", world.emperor.tail(60))


class Mercy(SystemCase):
    """How long it may take to finish is the tenant's for a reload, and the operator's for a removal."""

    options = {"mercy_max": "1"}

    def test_a_removed_vassal_does_not_stay_for_ever(self):
        world = self.world
        world.up("clinger", "clinger.test", uid=ALICE, lines=["reload-mercy = 100", "worker-reload-mercy = 100"])
        visitor = threading.Thread(target=lambda: http(world.front, "clinger.test", "/wait?seconds=30"))
        visitor.start()
        until("it is taken", lambda: world.emperor.busy("clinger"))
        world.remove("clinger")
        world.emperor.wait_gone("clinger", 8)
        visitor.join()


class Killed(SystemCase):
    """The emperor may die: the vassals serve on, and the one that the keeper starts adopts them."""

    def setUp(self):
        self.before = self.world.up("one", "one.test", uid=ALICE)

    def killed(self, which):
        """Kills it while visitors come; the answers of `one` before, meanwhile and after."""
        world = self.world
        first = world.emperor.pid_of(which)
        self.assertTrue(first)
        with Load(world.front, "one.test", every=0.005) as load:
            until("requests come", lambda: load.answered > 10)
            os.kill(first, signal.SIGKILL)
            until(f"there is another {which}", lambda: (p := world.emperor.pid_of(which)) not in (None, first) and processes.alive(p))
            until("it answers again", lambda: world.emperor.ctl("ls", "--json").returncode == 0)
            world.emperor.wait_state("one", "ready")
            asked = load.answered
            until("requests still come", lambda: load.answered > asked + 10)
        self.assert_clean(load)
        self.assertEqual(world.emperor.row("one")["pid"], self.before["pid"], "it was adopted, not started again")

    def test_the_emperor_is_killed(self):
        self.killed("emperor")
        self.world.up("two", "two.test", uid=BOB)
        self.world.remove("two")
        self.world.emperor.wait_gone("two")


if __name__ == "__main__":
    main()
