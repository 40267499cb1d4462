"""A vassal that runs tests/system/apps/asgi_probe.py, and what is asked of it."""
import json
import os

from . import client
from .case import SystemCase
from .client import Connection
from .waiting import until


def log_of(world, name):
    with open(os.path.join(world.run_dir, "logs", f"{name}.log"), errors="replace") as f:
        return f.read()


class Probe(SystemCase):
    options = {"nginx": True}
    name, lines = "probe", ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host, cls.socket = f"{cls.name}.test", cls.world.path("sockets", f"{cls.name}.sock")
        cls.row = cls.drop()
        cls.doors = {"http": cls.world.http_address, "nginx": cls.world.nginx_address}

    @classmethod
    def drop(cls, *more):
        return cls.world.up(cls.name, cls.host, app="asgi_probe.py",
                            lines=[f"socket = {cls.socket}", "chmod-socket = 666", "websockets-max-size = 1025", *cls.lines, *more])

    def each_door(self):
        return self.doors.values()

    def get(self, path, address=None, **named):
        return client.http(address or self.doors["http"], self.host, path, **named)

    def text(self, path, **named):
        answer = self.get(path, **named)
        self.assert_status(answer, 200)
        return answer.text

    def seen(self):
        return json.loads(self.text("/seen"))

    def ask(self, path, address=None):
        """A request whose answer is still to be read."""
        c = Connection(address or self.doors["http"])
        self.addCleanup(c.socket.close)
        c.send(f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n")
        return c

    def wait_waiting(self, count):
        until(f"{count} wait", lambda: int(self.text("/waiting")) == count)

    def log(self):
        return log_of(self.world, self.name)

    def wait_log(self, words):
        until(lambda: f"{words!r} is in the log: {self.log()[-3000:]}", lambda: words in self.log())
