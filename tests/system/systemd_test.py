"""As a service of systemd: what it is told, what it keeps, and that even the death of both processes of the emperor
is nothing that a visitor notices."""
import os
import signal
import unittest

from frame import ALICE, BOB, Connection, Load, Manager, World, leftovers, main, processes, until


class Service(unittest.TestCase):
    def setUp(self):
        self.world = World(nginx=True)
        self.addCleanup(leftovers.remove_cgroups, self.world.cgroup_root)
        self.addCleanup(self.world.destroy)
        self.manager = self.enterContext(Manager(self.world.path("notify")))
        self.emperor = self.world.emperor

    def start(self, **environment):
        self.manager.start(self.emperor, self.world.environment(), **environment)

    def up(self, **environment):
        """Started, with two vassals; {name: pid}."""
        self.start(**environment)
        self.world.nginx.start()
        self.world.drop("two", "two.test", uid=BOB, lines=[f"socket = {self.world.path('sockets/two.sock')}"])
        self.world.up("one", "one.test", uid=ALICE)
        self.emperor.wait_state("two", "ready")
        return self.pids()

    def pids(self):
        return {name: row["pid"] for name, row in self.emperor.ls().items()}

    def end(self):
        self.assertEqual(self.world.stop(), [])
        self.manager.wait_told("STOPPING=1")

    def test_it_says_that_it_is_ready_and_that_it_stops(self):
        self.up()
        self.manager.wait_told("READY=1")
        self.assertEqual(self.manager.told(f"MAINPID={self.emperor.process.pid}"), 1)
        self.assertEqual(self.manager.told("WATCHDOG=1"), 0)
        self.end()

    def test_the_watchdog_is_fed_and_watches_the_emperor(self):
        pids = self.up(WATCHDOG_USEC="2000000")
        self.manager.wait_told("WATCHDOG=1", 3)
        before = self.emperor.pid_of("emperor")
        os.kill(before, signal.SIGSTOP)  # it hangs
        until("another emperor is there", lambda: self.emperor.pid_of("emperor") not in (None, before))
        self.assertEqual(self.pids(), pids)
        self.manager.wait_told("WATCHDOG=1", self.manager.told("WATCHDOG=1") + 2)
        self.end()

    def test_the_store_has_what_is_held(self):
        self.up()
        until("all of `two` is there", lambda: sum("two" in name for name in self.manager.names()) >= 6)
        kept = {name.split("%0a")[0] for name in self.manager.names() if "%0atwo" in name}
        self.assertLessEqual({"imperium.vassal", "imperium.channel", "imperium.lifeline", "imperium.pidfd", "imperium.scoreboard", "imperium.socket"}, kept)
        self.world.remove("two")
        self.emperor.wait_gone("two")
        until("nothing of `two` is left", lambda: not any("%0atwo" in name for name in self.manager.names()))
        self.end()

    def kill_both(self):
        both = self.emperor.pid_of("keeper"), self.emperor.pid_of("emperor")
        for pid in both:
            os.kill(pid, signal.SIGSTOP)
        for pid in both:
            os.kill(pid, signal.SIGKILL)
        self.emperor.process.wait()
        until("both are gone", lambda: not any(map(processes.alive, both)))

    def helpers(self):
        return {pid for pid in self.emperor.pids() if processes.name(pid) in ("fastrouter", "logger")}

    def test_stopped_and_started_again(self):
        """Nothing of before is taken for what it was."""
        self.up()
        until("its listeners are stored", lambda: any("listener/router" in name for name in self.manager.names()))
        self.emperor.shutdown()
        until("they are not any more", lambda: not any("listener/router" in name for name in self.manager.names()))
        self.start()
        self.assertEqual(self.world.wait_answer("one.test").status, 200)
        self.end()

    def test_a_socket_that_is_gone_is_bound_anew(self):
        self.up()
        os.unlink(self.world.router)
        self.kill_both()
        self.start()
        self.assertEqual(self.world.wait_answer("one.test").status, 200)
        self.end()

    def test_a_channel_that_was_lost_is_replaced_on_both_ends(self):
        pids = self.up()
        until("all of it is stored", lambda: len(self.manager.names()) >= 14)
        self.kill_both()
        self.assertEqual(self.manager.lose("imperium.channel%0aone%0asend"), 1)
        self.start()
        self.assertEqual(self.world.wait_answer("one.test").status, 200)
        self.assertNotEqual(self.emperor.wait_state("one", "ready")["pid"], pids["one"])
        self.assertEqual(self.pids()["two"], pids["two"])
        self.end()

    def test_both_are_killed_while_routers_leave(self):
        """A router that drains keeps its place in the store."""
        self.up()
        with Connection(self.world.http_address) as visitor:
            visitor.send(b"GET /wait?seconds=3 HTTP/1.1\r\nHost: one.test\r\n\r\n")
            until("it is taken", lambda: self.emperor.busy("one"))
            self.assertEqual(self.emperor.ctl("upgrade").returncode, 0)
            until("the old one leaves", lambda: any("router-leaving" in name for name in self.manager.names()))
            self.kill_both()
            self.start()
            self.assertEqual(visitor.read().status, 200)
        until("the old one is gone", lambda: not any("router-leaving" in name for name in self.manager.names()))
        self.end()

    def test_both_are_killed(self):
        pids = self.up()
        until("all of it is stored", lambda: len(self.manager.names()) >= 14)
        helpers = self.helpers()
        with Load(self.world.front, "one.test", every=0.01) as one, Load(self.world.front, "two.test", every=0.01) as two:
            for _ in range(3):
                self.kill_both()
                asked = two.answered
                until("requests go on without them", lambda: two.answered > asked + 3)
                self.start()
                self.assertEqual(self.pids(), pids)
                self.assertEqual([pid for pid in helpers if not processes.alive(pid)], [], "adopted, not started again")
        self.assertEqual(one.failures + two.failures, [])
        self.emperor.ctl("reload", "two")
        until("it can be reloaded", lambda: self.emperor.wait_state("two", "ready")["pid"] != pids["two"])
        self.end()

    def test_the_keeper_is_killed_and_started_again(self):
        pids = self.up()
        with Load(self.world.front, "one.test", every=0.01) as one:
            emperor = self.emperor.pid_of("emperor")
            os.kill(self.emperor.pid_of("keeper"), signal.SIGKILL)
            self.emperor.process.wait()
            self.start()
            until("it has an emperor of its own", lambda: self.emperor.pid_of("emperor") != emperor)
            self.assertEqual(self.pids(), pids)
            self.assertEqual(self.emperor.pid_of("keeper"), self.emperor.process.pid)
            self.world.remove("two")
            self.emperor.wait_gone("two")
            until("nothing of `two` is left", lambda: not any("%0atwo" in name for name in self.manager.names()))
        self.assertEqual(one.failures, [])
        self.end()


if __name__ == "__main__":
    main()
