"""The fastrouter alone, by a uWSGI router file, in a directory of its own, and nodes for it."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from . import client, programs
from .waiting import until

KEY = "shop.example.com"
NODE = """
import os
def application(environ, start_response):
    if environ["PATH_INFO"] == "/echo":
        body = environ["wsgi.input"].read()
    elif environ["PATH_INFO"] == "/large":
        body = b"x" * (8 << 20)
    else:
        body = (os.environ["NODE"] + " " + environ["HTTP_HOST"]).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


class Alone:
    """A directory, a router in it, and the nodes that were started."""

    def __init__(self, *lines):
        self.directory = tempfile.mkdtemp(prefix="imperium-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.started, self.log_path = [], self.path("router.log")
        self.socket, self.server = self.path("router.sock"), self.path("subscribe.sock")
        self.write("app.py", NODE)
        self.write("router.ini", "[uwsgi]\nmaster = true\nfastrouter = %d/router.sock\nchmod-socket = 666\n"
                   + "".join(f"{l}\n" for l in lines))
        with open(self.log_path, "wb") as log:
            self.router = subprocess.Popen([os.path.join(programs.bin_directory(), "fastrouter"), "--ini", self.path("router.ini")], stderr=log)
        self.started.append(self.router)
        self.log_line("accepting")

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def log(self):
        with open(self.log_path) as f:
            return f.read()

    def log_line(self, text, count=1):
        until(lambda: f"{text!r} x {count} in\n{self.log()}", lambda: self.log().count(text) >= count)

    def node(self, name, *lines, weight=1, server=None, sign=""):
        """A real uWSGI instance that subscribes KEY."""
        ini = self.write(f"{name}.ini", "[uwsgi]\nplugin = python3\nmaster = true\nneed-app = true\n"
                         f"socket = {self.path(name)}.sock\nchmod-socket = 666\nwsgi-file = {self.path('app.py')}\nenv = NODE={name}\n"
                         f"weight = {weight}\nsubscribe-freq = 1\nsubscribe-to = {server or self.server}:{KEY}{sign}\n"
                         + "".join(f"{l}\n" for l in lines))
        return self.run(["/usr/bin/uwsgi-core", "--ini", ini], name)

    def subscribe(self, data):
        """Sends a datagram as this process, by a socket that names its credentials."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(data, self.server)

    def ask(self, host=KEY, path="/", **more):
        return client.uwsgi(self.socket, host, path, **more)

    def asked(self, times):
        """{node: how often} of so many requests."""
        count = {}
        for _ in range(times):
            answer = self.ask()
            name = answer.text.split()[0] if answer.status == 200 else f"{answer.status} {answer.error}"
            count[name] = count.get(name, 0) + 1
        return count

    def fixed(self, name, *lines):
        """A real uWSGI instance that subscribes nowhere, at the unix socket NAME.sock (or PATH)."""
        path = name if name.startswith("/") else f"{self.path(name)}.sock"
        name = os.path.basename(name)
        ini = self.write(f"{name}.ini", "[uwsgi]\nplugin = python3\nmaster = true\nneed-app = true\n"
                         f"socket = {path}\nchmod-socket = 666\nwsgi-file = {self.path('app.py')}\nenv = NODE={name}\n"
                         + "".join(f"{l}\n" for l in lines))
        process = self.run(["/usr/bin/uwsgi-core", "--ini", ini], name)
        until(f"{path} answers", lambda: client.uwsgi(path, KEY, "/").status == 200)
        return process

    def run(self, command, name):
        with open(self.path(name + ".log"), "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.started.append(process)
        return process

    def stop(self):
        for process in self.started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM if process is self.router else signal.SIGINT)
        for process in self.started:
            process.wait(20)
        shutil.rmtree(self.directory)


class AloneCase(unittest.TestCase):
    lines = ("fastrouter-subscription-server = %d/subscribe.sock",)

    def setUp(self):
        self.alone = Alone(*self.lines)
        self.addCleanup(self.alone.stop)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        self._tail = ""
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self._tail)

    def tearDown(self):
        self._tail = self.alone.log()[-3000:]
