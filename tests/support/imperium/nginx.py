"""The nginx of configs/nginx/imperium.conf, with the three local things replaced."""
import os
import signal
import socket
import subprocess

from .programs import ROOT
from .waiting import until

CONF = os.path.join(ROOT, "configs/nginx/imperium.conf")


def conf(directory, listen, router, replace=()):
    """The text of the configuration. Each of `replace` is (old, new); every old must be there."""
    with open(CONF) as f:
        text = f.read()
    private = "".join(f"\n  {kind}_temp_path {directory}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    pairs = [("pid /run/imperium-nginx.pid", f"pid {directory}/nginx.pid"),
             ("error_log /var/log/nginx/imperium-error.log", f"error_log {directory}/nginx-error.log"),
             ("listen 80 default_server", f"listen {listen} default_server"),
             ("unix:/run/imperium/router.sock", f"unix:{router}"), ("http {", "http {" + private), *replace]
    if os.geteuid() != 0:
        pairs.append(("user www-data;", ""))
    for old, new in pairs:
        if old not in text:
            raise ValueError(f"{CONF} has no {old!r}")
        text = text.replace(old, new)
    return text


class Nginx:
    def __init__(self, directory, address, router, replace=(), executable="/usr/sbin/nginx"):
        self.address, self.directory = address, directory
        os.makedirs(directory, exist_ok=True)
        self.conf = os.path.join(directory, "nginx.conf")
        self.command = [executable, "-c", self.conf, "-g", "daemon off;"]
        with open(self.conf, "w") as f:
            f.write(conf(directory, f"{address[0]}:{address[1]}", router, replace))
        self.process = None

    def start(self):
        with open(os.path.join(self.directory, "nginx.log"), "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(lambda: f"nginx listens\n{self.log()}", self._listens, 10)
        return self

    def _listens(self):
        try:
            socket.create_connection(self.address, 1).close()
            return True
        except OSError:
            if self.process.poll() is not None:
                raise AssertionError(f"nginx ended with {self.process.returncode}\n{self.log()}") from None
            return False

    def log(self):
        with open(os.path.join(self.directory, "nginx.log"), errors="replace") as f:
            return f.read()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
