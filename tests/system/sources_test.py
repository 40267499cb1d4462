"""Where vassals come from: directories, globs, directories that are not there yet."""
import os
import shutil

from frame import ALICE, BOB, SystemCase, main


class Sources(SystemCase):
    @classmethod
    def setUpClass(cls):
        cls.options = {"sources": None}
        super().setUpClass()

    @classmethod
    def set_up_world(cls, world):
        for name in ("customers/alice", "customers/bob"):
            os.makedirs(world.path(name))
        world.emperor.sources = [world.vassals, world.path("customers/*/*.ini"), world.path("not/yet/there")]

    def test_equal_file_names_in_two_directories_are_two_vassals(self):
        world = self.world
        world.write("customers/alice/site.ini", world.ini("alice.test", uid=ALICE))
        world.write("customers/bob/site.ini", world.ini("bob.test", uid=BOB))
        alice = world.emperor.wait_state("alice/site", "ready")
        bob = world.emperor.wait_state("bob/site", "ready")
        self.assertEqual((alice["uid"], bob["uid"]), (ALICE, BOB))
        self.assertNotEqual(alice["cgroup"], bob["cgroup"])
        self.assertEqual(world.wait_answer("alice.test", "/whoami").status, 200)
        self.assertEqual(world.wait_answer("bob.test", "/whoami").status, 200)

    def test_a_new_directory_that_the_glob_reaches(self):
        world = self.world
        world.write("customers/carol/shop.ini", world.ini("carol.test"))
        world.emperor.wait_state("carol/shop", "ready")
        shutil.rmtree(world.path("customers/carol"))
        world.emperor.wait_gone("carol/shop")

    def test_a_directory_that_does_not_exist_is_watched_until_it_does(self):
        world = self.world
        world.write("not/yet/there/late.ini", world.ini("late.test"))
        world.emperor.wait_state("late", "ready")
        self.assertEqual(world.wait_answer("late.test").status, 200)
        shutil.rmtree(world.path("not"))
        world.emperor.wait_gone("late")


if __name__ == "__main__":
    main()
