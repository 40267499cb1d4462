"""What a vassal's file and its operator have done around starts and ends: as whom, in which order,
and what a failure means. Nobody else waits for it."""
import os
import subprocess
import tempfile
import unittest

from frame import ALICE, BOB, SystemCase, main, processes, until
from imperium import client, programs

NOTE = """
import os
with open(os.path.join(os.path.dirname(__file__), "{name}.notes"), "a") as f:
    f.write("loaded\\n")
def application(environ, start_response):
    start_response("200 OK", [])
    return [os.environ.get("COLOUR", "none").encode()]
"""


class Hooks(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        world._folder("root", 0o755)
        world._folder("notes", 0o1777)
        world.emperor.options["policy"] = world.write("policy.ini", f"""[uwsgi]
if-exists = {world.directory}
hook-timeout = 1
endif =
exec-as-root = if [ -e {world.path("root")}/fail-$UWSGI_VASSAL ]; then exit 5; fi
exec-as-root = if [ -e {world.path("root")}/hang-$UWSGI_VASSAL ]; then sleep 1000; fi
exec-as-root = echo root $UWSGI_VASSAL `id -u` $UWSGI_VASSAL_UID >> {world.path("root")}/log
exec-as-vassal = echo vassal $UWSGI_VASSAL `id -u` >> {world.path("notes")}/$UWSGI_VASSAL.vassal
""")
        world.emperor.options["exec-as-emperor"] = f"echo emperor $UWSGI_VASSAL $UWSGI_VASSAL_PID >> {world.path('root')}/log"
        world.emperor.options["vassals-stop-hook"] = world.write("stop.sh", f"#!/bin/sh\necho stop $1 >> {world.path('root')}/log\n", 0o755)

    def notes(self, name, kind="notes"):
        try:
            with open(self.world.path("notes", f"{name}.{kind}")) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def root_log(self, name):
        with open(self.world.path("root", "log")) as f:
            return [line.split() for line in f if line.split()[1].split("/")[-1] == name]

    def drop(self, name, lines, uid=ALICE):
        app = self.world.write(f"notes/{name}.py", NOTE.format(name=name))
        return self.world.drop(name, f"{name}.test", app=app, uid=uid, lines=lines)

    def note(self, name, what):
        return f"echo {what} `id -u` >> {self.world.path('notes', name)}.notes"

    def test_phases_as_the_tenant_in_their_order(self):
        world = self.world
        n = lambda what: self.note("order", what)
        self.drop("order", [f"exec-as-user-atexit = {n('atexit')}", f"exec-post-app = {n('post-app')}", f"exec-pre-app = {n('pre-app')}",
                            f"exec-asap = {n('asap')}", f"hook-asap = exec:{n('hook-asap')}", "hook-pre-app = putenv:COLOUR=blue"])
        row = world.emperor.wait_state("order", "ready")
        self.assertEqual(self.notes("order"), [f"hook-asap {ALICE}", f"asap {ALICE}", f"pre-app {ALICE}", "loaded", f"post-app {ALICE}"])
        self.assertEqual(world.get("order.test").body, b"blue")
        self.assertEqual(self.notes("order", "vassal"), [f"vassal order {ALICE}"])
        until("the emperor's own has run", lambda: len(self.root_log("order")) == 2)
        self.assertEqual(self.root_log("order"), [["root", "order", "0", str(ALICE)], ["emperor", "order", str(row["pid"])]])
        world.remove("order")
        world.emperor.wait_gone("order")
        self.assertEqual(self.notes("order")[-1], f"atexit {ALICE}")
        until("the hook of its end has run", lambda: ["stop", "order"] in self.root_log("order"))

    def test_actions(self):
        world = self.world
        folder = world.path("notes", "made")
        self.drop("actions", [f"hook-asap = mkdir:{folder}", f"hook-asap = chmod:{folder} 750", f"hook-asap = chdir:{folder}",
                              "hook-asap = write:file one", "hook-asap = append:file  two", "hook-asap = create:gone", "hook-asap = unlink:gone",
                              f"hook-asap = wait_for_file:{folder}/file", f"hook-asap = wait_for_dir:{folder}", "hook-asap = safeexec:exit 3",
                              "hook-asap = print:said by a hook"], uid=BOB)
        world.emperor.wait_state("actions", "ready")
        with open(os.path.join(folder, "file")) as f:
            self.assertEqual(f.read(), "one two")
        self.assertEqual((os.listdir(folder), os.stat(folder).st_mode & 0o777, os.stat(folder).st_uid), (["file"], 0o750, BOB))
        log = lambda: world.emperor.ctl("logs", "actions").stdout
        until("the log has it", lambda: "said by a hook" in log() and "hook-asap = safeexec:exit 3: exit 3" in log())

    def failed(self, name):
        return until("its failure is shown", lambda: (r := self.world.emperor.row(name)) and r["last_error"])

    def test_a_hook_that_fails_fails_the_start(self):
        for name, lines, said in (("fails", ["exec-pre-app = exit 3"], "exec-pre-app = exit 3: exit 3"),
                                  ("late", ["exec-post-app = false"], "exec-post-app = false: exit 1"),
                                  ("hangs", ["exec-asap = sleep 1000 & sleep 1000"], "exec-asap = sleep 1000 & sleep 1000: not done within hook-timeout"),
                                  ("waits", ["hook-asap = wait_for_socket:/no/where"], "hook-asap = wait_for_socket:/no/where: not there within hook-timeout")):
            with self.subTest(name):
                self.drop(name, lines)
                self.assertEqual(self.failed(name), said)
                self.world.remove(name)
                self.world.emperor.wait_gone(name)
        until("what the hooks started is gone", lambda: "sleep" not in map(processes.name, processes.of_uids([ALICE])))

    def test_the_operators_hook_fails_the_start_and_holds_nobody(self):
        world = self.world
        for name in ("fail-refused", "hang-slow"):
            world.write(f"root/{name}", "")
        self.drop("refused", [])
        self.assertRegex(self.failed("refused"), r"^exec-as-root = if .*: exit 5$")
        self.drop("slow", [])
        self.drop("quick", [], uid=BOB)
        world.emperor.wait_state("quick", "ready")
        self.assertEqual(world.emperor.row("slow")["state"], "starting")
        self.assertRegex(self.failed("slow"), "not done within hook-timeout$")
        for name in ("refused", "slow"):
            os.unlink(world.path("root", {"refused": "fail-refused", "slow": "hang-slow"}[name]))
            world.emperor.ctl("start", name)
            world.emperor.wait_state(name, "ready")

    def test_a_file_cannot_have_anything_run_as_root(self):
        world = self.world
        self.drop("climber", [f"exec-as-root = touch {world.path('root')}/owned", f"hook-as-emperor = exec:touch {world.path('root')}/owned"])
        world.emperor.wait_state("climber", "ready")
        until("all of its hooks have run", lambda: len(self.root_log("climber")) == 2)
        self.assertFalse(os.path.exists(world.path("root/owned")))
        said = world.emperor.ctl("check", os.path.join(world.vassals, "climber.ini")).stdout
        self.assertIn("exec-as-root is not run: only the operator's defaults and policy may run something as root", said)

    def test_hooks_around_a_command(self):
        world, path = self.world, self.world.path("sockets/command.sock")
        world.drop("command", None, app=None, lines=[
            f"command = /usr/bin/python3 {world.app('listener.py')}", f"socket = {path}", "chmod-socket = 666", "hook-asap = putenv:MARK=hooked",
            f"exec-as-user-atexit = {self.note('command', 'atexit')}"])
        world.emperor.wait_state("command", "ready")
        self.assertEqual(client.http(path, "command.test").body, b"hooked")
        world.remove("command")
        world.emperor.wait_gone("command")
        self.assertEqual(self.notes("command"), [f"atexit {ALICE}"])

    def test_what_is_no_hook(self):
        wrong = self.world.write("wrong.ini", self.world.ini(None, lines=["hook-asap = mount:none /x", "hook-pre-app = exec:"]))
        shown = self.world.emperor.ctl("check", wrong)
        self.assertIn(f"{wrong}:5: hook-asap: the action 'mount' is not available", shown.stdout + shown.stderr)
        self.assertIn(f"{wrong}:6: hook-pre-app: 'hook-pre-app = exec:' says nothing to do", shown.stdout + shown.stderr)


class Injection(unittest.TestCase):
    """What a tenant chose, the name of his file among it, never reaches a shell of root's."""

    def test_nothing_is_filled_into_what_root_runs(self):
        for layer in ("defaults", "policy"):
            for value in ("touch /tmp/%N", "touch %(customer)"):
                with self.subTest(layer=layer, value=value), tempfile.TemporaryDirectory() as directory:
                    path = os.path.join(directory, "layer.ini")
                    with open(path, "w") as f:
                        f.write(f"[uwsgi]\nexec-as-root = {value}\n")
                    done = subprocess.run([os.path.join(programs.bin_directory(), "emperor"), f"--{layer}={path}", f"--run-dir={directory}/run",
                                           "--cgroups=off", directory], capture_output=True, text=True, timeout=20)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(f"{path}:2: exec-as-root: nothing is filled into what root runs", done.stderr)


if __name__ == "__main__":
    main()
