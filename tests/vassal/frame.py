"""One vassal under test: the real program with an ini of its own, and the other ends of its descriptors."""
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from imperium.client import packet, parse_head, request_variables, uwsgi  # noqa: E402
from imperium.messages import fields_of, message  # noqa: E402
from imperium.programs import bin_directory  # noqa: E402

APPS = os.path.join(HERE, "..", "apps")
SYSTEM_APPS = os.path.join(HERE, "..", "system", "apps")
NGINX, HTTP_PAIR = 1, 2


def now_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Vassal:
    def __init__(self, lines, app="answers.py", files=(), channel=False):
        self.directory = tempfile.mkdtemp(prefix="vassal-test-")
        self.socket = os.path.join(self.directory, "app.socket")
        for name, text in files:
            with open(os.path.join(self.directory, name), "w") as f:
                f.write(text)
        if app:
            source = next(d for d in (APPS, SYSTEM_APPS) if os.path.exists(os.path.join(d, app)))
            lines = [f"wsgi-file = {os.path.join(source, app)}", *lines]
        self.ini = os.path.join(self.directory, "site.ini")
        with open(self.ini, "w") as f:
            f.write("\n".join(["[uwsgi]", f"socket = {self.socket}", f"chdir = {self.directory}", *lines, ""]))
        self.log_path = os.path.join(self.directory, "log")
        self.lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.handoff, handoff = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        arguments = [os.path.join(bin_directory(), "vassal"), "--ini", self.ini, f"--lifeline-fd={theirs.fileno()}"]
        passed = [theirs.fileno()]
        if channel:
            arguments.append(f"--handoff-fd={handoff.fileno()}")
            passed.append(handoff.fileno())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log, stdin=subprocess.DEVNULL, pass_fds=passed)
        theirs.close()
        handoff.close()

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def say(self, verb):
        self.lifeline.send(message(verb))

    def heard(self, timeout=10.0):
        """The next message of the lifeline, None at its end."""
        ready, _, _ = select.select([self.lifeline], [], [], timeout)
        if not ready:
            raise AssertionError(f"the vassal says nothing; its log:\n{self.log()}")
        data = self.lifeline.recv(70000)
        return fields_of(data) if data else None

    def wait_for(self, verb, timeout=20.0):
        while (heard := self.heard(timeout)) is not None:
            if verb in heard.values():
                return heard
        raise AssertionError(f"the lifeline ended before '{verb}'; its log:\n{self.log()}")

    def ask(self, path="/", method="GET", extra=(), body=b"", **named):
        if body:
            extra = (("CONTENT_LENGTH", str(len(body))), *extra)
        return uwsgi(self.socket, "test", path, method, extra, body, **named)

    def raw(self, data, half_close=False):
        """Sends bytes, returns everything that comes back."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(self.socket)
            try:
                s.sendall(data)
                if half_close:
                    s.shutdown(socket.SHUT_WR)
                parts = []
                while part := s.recv(1 << 16):
                    parts.append(part)
                return b"".join(parts)
            except ConnectionError:
                return b""

    def hand_over(self, kind, payload, deadline=None, arrived=None):
        """Gives the vassal one end of a pair as the router does; returns the other end."""
        ours, theirs = socket.socketpair()
        ours.settimeout(20)
        header = struct.pack("=BB6xQQ", 1, kind, arrived or now_ns(), deadline or (1 << 64) - 1)
        socket.send_fds(self.handoff, [header + payload], [theirs.fileno()])
        theirs.close()
        return ours

    def workers(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return [int(pid) for pid in f.read().split()]

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.lifeline.close()
        self.handoff.close()
        shutil.rmtree(self.directory)


class VassalCase(unittest.TestCase):
    """One vassal per class, started with `lines`."""

    lines, app, files, channel = [], "answers.py", (), False

    @classmethod
    def setUpClass(cls):
        cls.vassal = Vassal(cls.lines, cls.app, cls.files, cls.channel)
        cls.addClassCleanup(cls.vassal.end)
        cls.vassal.wait_for("ready")

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(f"\n{self.id()} failed; the log:\n{self.vassal.log()[-3000:]}", file=sys.stderr)


def until(condition, seconds=10.0):
    """Waits for a condition that some other process brings about."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        select.select([], [], [], 0.01)


def pass_time(seconds):
    """For tests whose subject is what happens in a span of time when nothing happens."""
    select.select([], [], [], seconds)


def read_all(s):
    parts = []
    while part := s.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def unchunk(data):
    """(body, whether the last chunk came) of a chunked body."""
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        n = int(size, 16)
        if n == 0:
            return body, True
        body, data = body + data[:n], data[n + 2:]
    return body, False


__all__ = ["Vassal", "VassalCase", "until", "pass_time", "read_all", "unchunk", "packet", "parse_head", "request_variables", "uwsgi", "NGINX", "HTTP_PAIR",
           "now_ns", "APPS", "SYSTEM_APPS"]
