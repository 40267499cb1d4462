"""The demo starts the very files of configs/, asks all three sites, and leaves nothing behind."""
import os
import subprocess
import unittest

from frame import leftovers, main, programs


class Demo(unittest.TestCase):
    def run_demo(self, *arguments):
        environment = dict(os.environ, IMPERIUM_BIN=programs.bin_directory())
        done = subprocess.run([os.path.join(programs.ROOT, "script/demo"), "--check", "--port", "0", *arguments], capture_output=True, text=True,
                              timeout=240, stdin=subprocess.DEVNULL, env=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for word in ("hello.localhost", "flask.localhost", "django.localhost", "ready"):
            self.assertIn(word, done.stdout)
        where = next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith("directory"))
        self.assertFalse(os.path.exists(where), "the directory of the demo is gone")
        with open("/etc/passwd") as f:
            self.assertNotIn("imperium-hello:", f.read())
        self.assertEqual(leftovers.cgroup_directories("/imperium-demo"), [])

    def test_through_the_routers_own_http(self):
        self.run_demo()

    def test_through_nginx(self):
        self.run_demo("--nginx")


if __name__ == "__main__":
    main()
