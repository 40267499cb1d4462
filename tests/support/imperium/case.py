"""The frame of a system test: a world per class, checked for leftovers at its end."""
import glob
import os
import sys
import unittest

from . import leftovers, programs
from .world import World

SKIPPED = 77


class SystemCase(unittest.TestCase):
    """Subclasses set `options` (arguments of World) and use self.world, started once per class.
    set_up_world() is called before the emperor starts."""

    options = {}
    world = None

    @classmethod
    def setUpClass(cls):
        cls.world = World(**cls.options)
        cls.addClassCleanup(cls._end)
        cls.set_up_world(cls.world)
        cls.world.start()

    @classmethod
    def set_up_world(cls, world):
        """Files that are there before the emperor."""

    @classmethod
    def _end(cls):
        world, left = cls.world, ["the world did not come to its end"]
        try:
            if not world.emperor.running():
                world.nginx and world.nginx.stop()
                left = world.leftovers()
            else:
                left = world.stop()
        finally:
            world.destroy()
            leftovers.remove_cgroups(world.cgroup_root)
        if left:
            raise AssertionError("left behind:\n" + "\n".join(left))

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before and self.world:
            print(f"\n{self.id()} failed.\n{self.world.emperor.tail(60)}", file=sys.stderr)
            for path in glob.glob(self.world.path("*/nginx-error.log")):
                with open(path, errors="replace") as f:
                    print(f"--- {path}\n{f.read()[-2000:]}", file=sys.stderr)

    def assert_clean(self, load, most=0):
        """No visitor of `load` saw a failure (or at most that many)."""
        self.assertLessEqual(len(load.failures), most, f"{load.host}: {len(load.failures)} failures, first {load.failures[:3]}")
        self.assertGreater(load.answered, 0, f"{load.host}: nothing was answered")

    def assert_status(self, answer, status, message=None):
        self.assertEqual((answer.status, answer.error), (status, ""), message or f"{answer.headers} {answer.body[:300]!r}")


def main():
    """Runs the tests of the calling file; exits with 77 if they cannot run here, and says why."""
    if os.geteuid() != 0:
        print("skipped: needs root, to run tenants under uids of their own")
        sys.exit(SKIPPED)
    if programs.missing():
        print(f"programs are not built in {programs.bin_directory()}: {', '.join(programs.missing())}")
        sys.exit(1)
    program = unittest.main(exit=False, verbosity=2)
    run = program.result
    if run.wasSuccessful() and run.testsRun == len(run.skipped) and run.skipped:
        for test, reason in run.skipped:
            print(f"skipped {test}: {reason}")
        sys.exit(SKIPPED)
    sys.exit(0 if run.wasSuccessful() else 1)
