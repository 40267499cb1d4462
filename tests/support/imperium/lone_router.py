"""Router processes without an emperor: the test speaks their control channels itself (base/wire/router_control.h)."""
import os
import select
import socket
import subprocess
import tempfile

from . import client, processes, programs
from .messages import fields_of, message


class LoneRouter:
    """One fastrouter process with listeners of its own: `uwsgi` is a path, `http` an address."""

    def __init__(self, directory, name, *arguments):
        self.uwsgi = os.path.join(directory, f"{name}.sock")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.control = ours
        self.control.settimeout(20)

        with open(os.path.join(directory, f"{name}.log"), "ab") as log:
            self.process = subprocess.Popen([os.path.join(programs.bin_directory(), "fastrouter"), f"--control-fd={theirs.fileno()}", *arguments],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[theirs.fileno()])
        theirs.close()
        self.pid = self.process.pid
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.uwsgi)
            os.chmod(self.uwsgi, 0o666)
            listener.listen(8192)
            self.say("listen", [listener.fileno()], kind="uwsgi")
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", 0))
            listener.listen(8192)
            self.http = listener.getsockname()
            self.say("listen", [listener.fileno()], kind="http")

    def hear_subscriptions(self, address):
        """At a path, or at "ip:port"."""
        family = socket.AF_UNIX if address.startswith("/") else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as heard:
            host, _, port = address.rpartition(":")
            heard.bind(address if family == socket.AF_UNIX else (host, int(port)))
            if family == socket.AF_UNIX:
                heard.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            self.say("listen", [heard.fileno()], kind="subscriptions")

    def say(self, verb, fds=(), **fields):
        socket.send_fds(self.control, [message(verb, **fields)], list(fds)) if fds else self.control.send(message(verb, **fields))

    def vassal(self, number, channel, **fields):
        """A vassal with a handoff channel: (sending end, receiving end)."""
        self.say("vassal", [end.fileno() for end in channel], id=number, **fields)

    def go(self):
        """Ends the picture; returns once the router accepts and has taken all that was said."""
        self.say("synced")
        self.wait_for("up")
        return self

    def wait_for(self, verb):
        while True:
            said = fields_of(self.control.recv(70000))
            if said.get("verb") == verb:
                return said

    def settled(self):
        """Returns when everything said so far has been read: figures are answered in order."""
        self.say("ask-figures")
        self.wait_for("figures")

    def heard(self):
        """Whether something lies on the control channel."""
        return bool(select.select([self.control], [], [], 0)[0])

    def rss(self):
        """Bytes of memory that are there."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_ns(self):
        return processes.cpu_ns(self.pid)

    def ask(self, host, path="/"):
        """Status of one request at the uwsgi door."""
        return client.uwsgi(self.uwsgi, host, path).status

    def end(self):
        self.process.kill()
        self.process.wait()
        self.control.close()


def channel():
    """A handoff channel: (the routers' sending end, the workers' receiving end)."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class LoneVassal:
    """A vassal program that serves a handoff channel and nothing else."""

    def __init__(self, directory, name, app, workers=2, lines=()):
        self.channel = channel()
        self.lifeline, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.lifeline.settimeout(30)
        ini = os.path.join(directory, f"{name}.ini")
        with open(ini, "w") as f:
            f.write("\n".join(["[uwsgi]", f"wsgi-file = {app}", f"processes = {workers}", f"chdir = {directory}", "disable-logging = true", *lines, ""]))
        passed = [self.channel[1].fileno(), theirs.fileno()]
        with open(os.path.join(directory, f"{name}.log"), "ab") as log:
            self.process = subprocess.Popen([os.path.join(programs.bin_directory(), "vassal"), "--ini", ini, f"--handoff-fd={passed[0]}",
                                             f"--lifeline-fd={passed[1]}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=passed)
        theirs.close()
        self.pid = self.process.pid
        while fields_of(self.lifeline.recv(70000)).get("verb") != "ready":
            pass

    def end(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            processes.kill_all(processes.children(self.pid))
            self.process.wait()
        self.lifeline.close()
        for end in self.channel:
            end.close()


def directory():
    """A short-lived directory for sockets and logs."""
    return tempfile.TemporaryDirectory(prefix="imperium-router-", dir="/tmp")
