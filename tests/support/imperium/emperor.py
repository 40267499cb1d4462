"""One emperor that is started, asked and ended like an operator would."""
import json
import os
import signal
import subprocess

from . import processes
from .waiting import TooLate, pause, until


class Emperor:
    """Options are the keys of the command line, '_' for '-': router_http="127.0.0.1:8080"."""

    def __init__(self, programs, run_dir, log, sources, **options):
        self.programs, self.run_dir, self.log = programs, run_dir, log
        self.control = os.path.join(run_dir, "control.sock")
        self.sources = list(sources)
        self.options = {"run-dir": run_dir, **{k.replace("_", "-"): v for k, v in options.items()}}
        self.process = None

    def command(self):
        keys = [f"--{key}" if value is True else f"--{key}={value}" for key, value in self.options.items()]
        return [os.path.join(self.programs, "emperor"), *keys, *self.sources]

    def start(self, environment=None, wrapper=(), **how):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*wrapper, *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=environment, start_new_session=True, **how)
        until(lambda: f"the emperor answers emperorctl\n{self.tail()}", self._answers, 20, every=0.02)
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise TooLate(f"the emperor ended with {self.process.returncode}\n{self.tail()}")
        return os.path.exists(self.control) and self.ctl("ls", "--json").returncode == 0

    def ctl(self, *arguments, timeout=30):
        """emperorctl ARGUMENTS: the completed process, output as text."""
        return subprocess.run([os.path.join(self.programs, "emperorctl"), "--control", self.control, *arguments],
                              capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)

    def json(self, *arguments):
        done = self.ctl(*arguments, "--json")
        if done.returncode != 0:
            raise AssertionError(f"emperorctl {' '.join(arguments)}: exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)

    def ls(self):
        """{name: row}"""
        return {row["name"]: row for row in self.json("ls")}

    def routes(self):
        """{host: row}"""
        return {row["host"]: row for row in self.json("routes")}

    def row(self, name):
        return self.ls().get(name)

    def wait_state(self, name, state, seconds=15):
        """The row of vassal `name` once it is in `state`."""
        seen = {}

        def there():
            seen["row"] = self.row(name)
            return seen["row"] and seen["row"]["state"] == state and seen["row"]

        return until(lambda: f"vassal {name} is {state}; it is {seen['row']}\n{self.tail()}", there, seconds, every=0.02)

    def busy(self, name):
        """How many workers of a vassal have a request in their hands, those of old generations included."""
        return sum(generation["busy"] for generation in self.json("show", name)["generations"])

    def wait_gone(self, name, seconds=15):
        until(lambda: f"vassal {name} is gone; it is {self.row(name)}", lambda: self.row(name) is None, seconds, every=0.02)

    def pid_of(self, which):
        """The pid in <run-dir>/WHICH.pid ("keeper", "emperor"), or None."""
        try:
            with open(os.path.join(self.run_dir, f"{which}.pid")) as f:
                return int(f.read().strip() or 0) or None
        except FileNotFoundError:
            return None

    def keeper(self):
        """The keeper that is there now: the process that was started, or one that took its place."""
        if self.process and self.process.poll() is None:
            return self.process.pid
        pid = self.pid_of("keeper")
        return pid if pid and processes.alive(pid) and self.run_dir in processes.command(pid) else None

    def running(self):
        return self.keeper() is not None

    def pids(self):
        """All processes of this emperor, those included that a killed keeper left to others."""
        roots = {self.keeper(), self.pid_of("emperor")} - {None}
        found = [pid for root in roots if processes.alive(root) for pid in processes.children(root)]
        sockets = [path for key in ("router-uwsgi", "router-http") if (path := self.options.get(key))]
        found += processes.in_cgroup(self.options.get("cgroup-root")) + processes.listening(sockets, "fastrouter")
        return sorted(set(found))

    def shutdown(self, seconds=30):
        """`emperorctl shutdown`, and waits for the end; the exit code of the emperor."""
        if self.process is None:
            return 0
        keeper = self.keeper()
        self.ctl("shutdown", timeout=seconds)
        return self.wait_end(seconds, keeper)

    def terminate(self, seconds=30):
        keeper = self.keeper()
        os.kill(keeper, signal.SIGTERM)
        return self.wait_end(seconds, keeper)

    def wait_end(self, seconds=30, keeper=None):
        """The exit code; 0 if it is that of a keeper that is not our child."""
        if keeper and keeper != self.process.pid:
            until(lambda: f"the keeper ends\n{self.tail()}", lambda: not processes.alive(keeper), seconds)
            return 0
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TooLate(f"the emperor did not end within {seconds} s\n{self.tail()}") from None

    def destroy(self):
        """Ends whatever is left after a failure. Stopped first, so that nothing is restarted meanwhile."""
        if self.process is None:
            return
        left = self.pids()
        if not left and self.process.poll() is not None:
            return
        for which in ("keeper", "emperor"):
            pid = self.pid_of(which)
            if pid in left:
                os.kill(pid, signal.SIGSTOP)
        pause(0.01)
        left = self.pids() + left
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        processes.kill_all(left)

    def tail(self, lines=25):
        try:
            with open(self.log, errors="replace") as f:
                return "--- emperor's log\n" + "".join(f.readlines()[-lines:])
        except FileNotFoundError:
            return "--- no log"
