"""Crash loops: each vassal waits longer and longer, alone; how its last generations ended is
shown; a change, the operator and a healthy time make it forgotten; exit 0 is no crash."""
import os
import signal
import threading

from frame import ALICE, BOB, CAROL, DAVE, Load, SystemCase, main, until

BROKEN = "import sys\nprint('line before the end', flush=True)\nraise RuntimeError('broken on purpose')\n"
GOOD = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


class CrashLoops(SystemCase):
    def show(self, name):
        return self.world.emperor.json("show", name)

    def deaths(self, name, at_least=1, seconds=15):
        until(f"{name} is known", lambda: self.world.emperor.ctl("show", name).returncode == 0)
        return until(lambda: f"{name} has {at_least} deaths: {self.show(name)['deaths']}",
                     lambda: len(d := self.show(name)["deaths"]) >= at_least and d, seconds, every=0.05)

    def test_a_broken_site_waits_longer_and_longer_beside_a_busy_neighbour(self):
        world, emperor = self.world, self.world.emperor
        world.up("neighbour", "neighbour.test", uid=BOB)
        app = world.write("apps/broken.py", BROKEN)
        with Load(world.front, "neighbour.test", every=0.01) as neighbour:
            world.drop("broken", "broken.test", app=app)
            deaths = self.deaths("broken", 3)
        self.assert_clean(neighbour)
        self.assertEqual({d["kind"] for d in deaths}, {"application"})
        self.assertIn("broken on purpose", deaths[-1]["reason"])
        until("its last words are shown", lambda: "line before the end" in " ".join(self.show("broken")["deaths"][0]["log"]))
        self.assertEqual([d["generation"] for d in deaths[:3]], [1, 2, 3])
        row = self.show("broken")
        self.assertEqual((row["state"], row["restarts"], row["failures_in_a_row"]), ("backoff", 3, 3))
        self.assertGreater(row["next_try_seconds"], 0.5)  # the third wait is 2 s, less a quarter
        answer = world.get("broken.test")
        self.assertEqual(answer.status, 503)
        self.assertGreaterEqual(int(answer.header("retry-after")), 1)

        text = emperor.ctl("show", "broken").stdout
        self.assertIn("application: ", text)
        self.assertIn("| line before the end", text)

        world.drop("broken", "broken.test", app=world.write("apps/repaired.py", GOOD))
        emperor.wait_state("broken", "ready", 1.5)
        row = self.show("broken")
        self.assertEqual((row["last_error"], row["failures_in_a_row"]), ("", 0))
        self.assertGreaterEqual(len(row["deaths"]), 3, "what happened stays to be seen")

    def test_the_operator_ends_a_wait(self):
        world, emperor = self.world, self.world.emperor
        app = world.write("apps/fixed_outside.py", BROKEN)
        world.drop("outside", "outside.test", uid=CAROL, app=app)
        self.deaths("outside", 4)
        world.write(app, GOOD)  # the vassal's file is the same as before
        self.assertEqual(emperor.ctl("start", "outside").returncode, 0)
        emperor.wait_state("outside", "ready", 2)

    def test_signals_and_exit_codes(self):
        world, emperor = self.world, self.world.emperor
        row = world.up("killed", "killed.test", uid=DAVE)
        os.kill(row["pid"], signal.SIGKILL)
        death = self.deaths("killed")[-1]
        self.assertEqual((death["kind"], death["generation"]), ("signal", row["generation"]))
        self.assertIn("signal 9", death["reason"])
        until("it is back at once", lambda: (r := emperor.row("killed"))["state"] == "ready" and r["pid"] != row["pid"], 3)
        self.assert_status(world.get("killed.test"), 200)

        app = world.write("apps/exits.py", "import os\nos._exit(3)\n")
        world.drop("exits", "exits.test", uid=DAVE, app=app)
        death = self.deaths("exits")[-1]
        self.assertEqual(death["kind"], "exit")
        self.assertIn("exit 3", death["reason"])

    def test_a_start_that_takes_too_long(self):
        world = self.world
        world.drop("slow", "slow.test", app="asleep.py", lines=["start-timeout = 1"])
        death = self.deaths("slow")[-1]
        self.assertEqual(death["kind"], "start-timeout")
        world.remove("slow")

    def test_an_end_of_its_own_will_is_no_crash(self):
        world, emperor = self.world, self.world.emperor
        row = world.up("leaves", "leaves.test", uid=BOB)
        os.kill(row["pid"], signal.SIGTERM)  # it finishes what it has and exits with 0
        emperor.wait_state("leaves", "asleep")
        shown = self.show("leaves")
        self.assertEqual((shown["restarts"], shown["last_error"]), (0, ""))
        self.assertEqual(shown["deaths"][-1]["kind"], "on-purpose")
        self.assert_status(world.get("leaves.test"), 200)  # whoever wants it wakes it

    def test_the_next_emperor_remembers(self):
        world, emperor = self.world, self.world.emperor
        app = world.write("apps/remembered.py", BROKEN)
        world.drop("remembered", "remembered.test", uid=CAROL, app=app)
        self.deaths("remembered", 3)
        before = emperor.pid_of("emperor")
        os.kill(before, signal.SIGKILL)
        until("another emperor", lambda: emperor.pid_of("emperor") not in (None, before))
        until("it answers", lambda: emperor.ctl("ls").returncode == 0)
        shown = self.show("remembered")
        self.assertGreaterEqual(len(shown["deaths"]), 3)
        self.assertGreaterEqual(shown["failures_in_a_row"], 3)
        self.assertIn("line before the end", " ".join(shown["deaths"][0]["log"]))


if __name__ == "__main__":
    main()
