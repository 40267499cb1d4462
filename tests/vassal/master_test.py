"""The life of a vassal and its workers: what it says to the emperor, what it survives, how it ends."""
import json
import os
import signal
import threading
import time
import unittest

from frame import Vassal, pass_time, until


class Life(unittest.TestCase):
    def start(self, lines, app="probe.py", ready=True, **named):
        vassal = Vassal(lines, app, **named)
        self.addCleanup(vassal.end)
        if ready:
            vassal.wait_for("ready")
        return vassal

    def ask(self, vassal, path):
        answer = vassal.ask(path)
        self.assertEqual((answer.status, answer.error), (200, ""), vassal.log()[-2000:])
        return json.loads(answer.body)

    # -- starting

    def test_hello_then_ready(self):
        vassal = self.start([], ready=False)
        hello = vassal.heard()
        self.assertEqual((hello["verb"], hello["pid"]), ("hello", str(vassal.process.pid)))
        self.assertEqual(vassal.heard()["verb"], "ready")

    def failed(self, text, lines=()):
        vassal = self.start(["wsgi-file = broken.py", *lines], app=None, ready=False, files=[("broken.py", text)])
        reason = vassal.wait_for("failed")["reason"]
        self.assertEqual(vassal.process.wait(10), 22)
        return reason, vassal.log()

    def test_a_syntax_error_names_file_and_line(self):
        reason, log = self.failed("import os\n\nif = 3\n")
        self.assertEqual(reason, "SyntaxError: invalid syntax (broken.py, line 3)")
        self.assertIn("if = 3", log)

    def test_an_exception_at_import_names_its_place(self):
        reason, log = self.failed("def f():\n    raise ValueError('no\\nway')\nf()\n")
        self.assertEqual(reason, "ValueError: no (broken.py, line 2)")
        self.assertIn("Traceback (most recent call last)", log)

    def test_what_else_may_be_wrong_with_an_application(self):
        for text, wanted in (("import none_such\n", "ModuleNotFoundError: No module named 'none_such' (broken.py, line 1)"),
                             ("x = 1\n", "AttributeError: module 'uwsgi_file_broken_py' has no attribute 'application'"),
                             ("application = 3\n", "TypeError: 'application' is not callable"),
                             ("import sys\nsys.exit(7)\n", "SystemExit: 7 (broken.py, line 2)"),
                             ("a\0b", "ImportError: broken.py holds null bytes: it is not a Python source")):
            with self.subTest(text):
                self.assertEqual(self.failed(text)[0], wanted)

    def test_with_lazy_apps_the_worker_tells(self):
        self.assertEqual(self.failed("if = 3\n", ["lazy-apps = true"])[0], "SyntaxError: invalid syntax (broken.py, line 1)")

    def test_an_application_that_is_not_there(self):
        vassal = self.start(["wsgi-file = none.py"], app=None, ready=False)
        self.assertIn("none.py: No such file or directory", vassal.wait_for("failed")["reason"])
        vassal = self.start(["module = none_such.wsgi"], app=None, ready=False)
        self.assertEqual(vassal.wait_for("failed")["reason"], "ModuleNotFoundError: No module named 'none_such'")

    # -- workers

    def test_workers_share_the_load_and_the_memory(self):
        vassal = self.start(["processes = 3"])
        self.assertEqual(len(vassal.workers()), 3)
        pids, lock = set(), threading.Lock()

        def ask():
            pid = self.ask(vassal, "/wait?seconds=0.2")
            with lock:
                pids.add(pid)
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(pids, set(vassal.workers()))

    def until_stopped(self, pid):
        """Until then a worker still waits in its epoll, and a request could wake it instead of the other."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                if f.read().rpartition(")")[2].split()[0] == "T":
                    return
            os.sched_yield()
        self.fail(f"pid {pid} did not stop")

    def test_random_numbers_differ_between_workers(self):
        vassal = self.start(["processes = 2"], "forked.py")
        first, said = self.ask(vassal, "/")
        os.kill(first, signal.SIGSTOP)
        self.until_stopped(first)
        second, said_too = self.ask(vassal, "/")
        os.kill(first, signal.SIGCONT)
        values = {first: said, second: said_too}
        self.assertEqual(len({v[0] for v in values.values()}), 2, "random was seeded again after the fork")
        self.assertTrue(all(v[1] for v in values.values()), "os.register_at_fork was called")

    def test_lazy_apps_load_in_each_worker(self):
        vassal = self.start(["processes = 2", "lazy-apps = true"], "forked.py")
        pid, (_, forked, loaded) = self.ask(vassal, "/")
        self.assertEqual((loaded, forked), (pid, False))

    def test_a_dead_worker_is_replaced_and_told(self):
        vassal = self.start(["processes = 2"])
        for _ in range(3):
            victim = vassal.workers()[0]
            os.kill(victim, signal.SIGKILL)
            told = vassal.wait_for("worker-died")
            self.assertEqual(told["reason"], "signal 9 (Killed)")
            until(lambda: len(vassal.workers()) == 2 and victim not in vassal.workers())
            self.ask(vassal, "/whoami")

    def test_a_request_waits_for_the_worker_that_replaces_the_only_one(self):
        vassal = self.start(["processes = 1"])
        self.assertEqual(vassal.ask("/die").status, 0)
        self.ask(vassal, "/whoami")

    def test_harakiri(self):
        vassal = self.start(["processes = 1", "harakiri = 1"])
        begun = time.monotonic()
        self.assertEqual(vassal.ask("/wait?seconds=30").status, 0)
        self.assertLess(time.monotonic() - begun, 3)
        self.assertEqual(vassal.wait_for("worker-died")["reason"], "harakiri")
        self.assertIn("harakiri: a request took longer than 1 s", vassal.log())
        self.ask(vassal, "/whoami")
        self.assertEqual(vassal.ask("/wait?seconds=30").status, 0, "and again")

    def test_harakiri_spares_those_in_time(self):
        vassal = self.start(["processes = 1", "harakiri = 2"])
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            self.ask(vassal, "/wait?seconds=0.3")
        self.assertNotIn("harakiri", vassal.log().replace("harakiri = ", ""))

    def test_max_requests(self):
        vassal = self.start(["processes = 1", "max-requests = 5", "disable-logging = true"])
        pids = [self.ask(vassal, "/") for _ in range(20)]
        self.assertEqual(len(set(pids)), 4)
        self.assertNotIn("died", vassal.log())

    def test_threads(self):
        vassal = self.start(["processes = 1", "threads = 4"])
        begun = time.monotonic()
        threads = [threading.Thread(target=self.ask, args=(vassal, "/wait?seconds=0.5")) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertLess(time.monotonic() - begun, 1.5)
        vassal.say("drain")
        self.assertEqual(vassal.process.wait(10), 0)

    def test_orphans_of_the_application_are_reaped(self):
        vassal = self.start(["processes = 1"], "orphans.py")
        orphan = self.ask(vassal, "/")
        until(lambda: not os.path.exists(f"/proc/{orphan}"))

    def test_signals_are_as_an_application_expects(self):
        said = self.ask(self.start([]), "/whoami")
        self.assertEqual(int(said["blocked"], 16), 0)
        self.assertEqual(int(said["ignored"], 16) & ~(1 << 31), 1 << (signal.SIGPIPE - 1), "and SIGXFSZ as python has it"
                         if int(said["ignored"], 16) >> 24 & 1 else "")

    def test_nothing_of_the_server_is_open_but_what_it_needs(self):
        said = self.ask(self.start(["processes = 1"]), "/whoami")
        self.assertLess(len(said["fds"]), 14, said["fds"])

    # -- ends

    def test_drain_serves_what_came_and_ends(self):
        for how in (lambda v: v.say("drain"), lambda v: v.process.send_signal(signal.SIGTERM)):
            vassal = self.start(["processes = 2"])
            answers = []
            thread = threading.Thread(target=lambda: answers.append(vassal.ask("/wait?seconds=0.5")))
            thread.start()
            until(lambda: self.is_busy(vassal))
            how(vassal)
            vassal.wait_for("draining")
            thread.join()
            self.assertEqual(answers[0].status, 200)
            self.assertEqual(vassal.process.wait(10), 0)

    def is_busy(self, vassal):
        """One of the workers sits in the application's wait, not in epoll."""
        for pid in vassal.workers():
            with open(f"/proc/{pid}/wchan") as f:
                if "futex" in f.read():
                    return True
        return False

    def test_drain_has_an_end(self):
        vassal = self.start(["processes = 1", "worker-reload-mercy = 1"])
        thread = threading.Thread(target=lambda: vassal.ask("/wait?seconds=30"))
        thread.start()
        until(lambda: self.is_busy(vassal))
        begun = time.monotonic()
        vassal.say("drain")
        self.assertEqual(vassal.process.wait(10), 0)
        self.assertLess(time.monotonic() - begun, 5)
        thread.join()

    def test_stop_is_at_once(self):
        for how in (lambda v: v.say("stop"), lambda v: v.process.send_signal(signal.SIGINT)):
            vassal = self.start(["processes = 2"])
            workers = vassal.workers()
            how(vassal)
            self.assertEqual(vassal.process.wait(5), 0)
            self.assertFalse([pid for pid in workers if os.path.exists(f"/proc/{pid}")])

    def test_it_goes_on_without_an_emperor(self):
        vassal = self.start(["processes = 1"])
        vassal.lifeline.close()
        os.kill(vassal.workers()[0], signal.SIGKILL)
        self.ask(vassal, "/whoami")
        before = vassal.process.pid, self.ticks(vassal.process.pid)
        pass_time(0.3)
        self.assertLess(self.ticks(vassal.process.pid) - before[1], 10_000_000, "it does not spin on the dead line")

    def test_workers_do_not_outlive_their_master(self):
        vassal = self.start(["processes = 2"])
        workers = vassal.workers()
        vassal.process.kill()
        vassal.process.wait()
        until(lambda: not [pid for pid in workers if os.path.exists(f"/proc/{pid}") and self.state(pid) != "Z"])

    def state(self, pid):
        try:
            with open(f"/proc/{pid}/stat") as f:
                return f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            return "Z"

    def ticks(self, pid, threads=False):
        """CPU time of a process's first thread, or of all its threads."""
        total = 0
        for task in os.listdir(f"/proc/{pid}/task") if threads else [str(pid)]:
            with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                total += int(f.read().split()[0])
        return total

    def test_idle_costs_nothing(self):
        vassal = self.start(["processes = 2", "harakiri = 1"])
        self.ask(vassal, "/whoami")
        pass_time(1.5)  # the last look of the master after the request
        pids = [vassal.process.pid, *vassal.workers()]
        before = [self.ticks(pid) for pid in pids]
        pass_time(1)
        self.assertEqual([self.ticks(pid) for pid in pids], before)

    @unittest.skipIf("TSAN_OPTIONS" in os.environ, "the thread sanitizer has a thread of its own, which works")
    def test_threads_of_the_application_do_not_disturb_the_master(self):
        vassal = self.start(["processes = 1"], "threaded.py")
        victim = vassal.workers()[0]
        os.kill(victim, signal.SIGKILL)
        vassal.wait_for("worker-died", 5)
        until(lambda: vassal.workers() not in ([], [victim]))
        self.ask(vassal, "/")
        pass_time(0.3)
        before = self.ticks(vassal.process.pid, threads=True)
        pass_time(1)
        self.assertEqual(self.ticks(vassal.process.pid, threads=True), before)
        vassal.process.send_signal(signal.SIGTERM)
        self.assertEqual(vassal.process.wait(10), 0)

    def test_exit_handlers_run(self):
        vassal = self.start(["processes = 1"], "orphans.py")
        self.ask(vassal, "/")
        vassal.say("drain")
        self.assertEqual(vassal.process.wait(10), 0)
        self.assertIn("the exit handler of the application", vassal.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
