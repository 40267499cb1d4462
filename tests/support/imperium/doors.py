"""A router alone with both doors, an nginx before the first, and nodes of every protocol that are subscribed once."""
import os
import signal
import socket
import subprocess
import unittest

from . import client
from .alone import Alone
from .nginx import Nginx
from .odd_node import Node
from .subscriber import subscription
from .waiting import until
from .world import own_address

PHP_FPM = next((path for path in sorted(os.listdir("/usr/sbin")) if path.startswith("php-fpm")), None)


class Doors(Alone):
    """Hosts are what host() was told; `http` and `nginx` are the addresses of the two doors, `tcp` that of a third for uwsgi."""

    def __init__(self, *lines, nginx_replace=()):
        self.http, self.nginx_address, self.tcp = own_address(8080), own_address(8000), own_address(8081)
        super().__init__("fastrouter-subscription-server = %d/subscribe.sock", "subscription-tolerance = 600", "router-http = %s:%d" % self.http,
                         "fastrouter = %s:%d" % self.tcp, *lines)
        os.makedirs(self.path("root"))
        self.nodes, self.fronts, self.hosts = [], [], 0
        self.nginx = self.front("nginx", self.nginx_address, nginx_replace)

    def front(self, name, address, replace=()):
        """One more nginx."""
        front = Nginx(self.path(name), address, self.socket, [("server_name _;", f"server_name _;\n    root {self.path('root')};"), *replace])
        self.fronts.append(front.start())
        return front

    @property
    def doors(self):
        return {"http": self.http, "nginx": self.nginx_address}

    def host(self, name, address, protocol="http", **fields):
        """Somebody at that address says once that he serves it."""
        self.subscribe(subscription(name, address, proto=protocol, **fields))
        self.hosts += 1
        self.log_line("new node", self.hosts)
        return name

    def odd(self, host, **named):
        node = Node(**named)
        self.nodes.append(node)
        self.host(host, node.address)
        return node

    def rss(self):
        """Bytes of the router's memory that are there."""
        with open(f"/proc/{self.router.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def uwsgi(self, name, app, *lines):
        """A real uWSGI that listens by every protocol on a unix and a TCP socket: hosts PROTOCOL-unix.NAME and PROTOCOL-tcp.NAME."""
        ports, hosts = {}, []
        for protocol in ("http", "uwsgi", "fastcgi", "scgi"):
            with socket.socket() as s:
                s.bind(("127.0.0.1", 0))
                ports[protocol] = s.getsockname()[1]
        sockets = []
        for protocol, port in ports.items():
            option = {"uwsgi": "socket"}.get(protocol, f"{protocol}-socket")
            sockets += [f"{option} = {self.path(f'{name}-{protocol}.sock')}", f"{option} = 127.0.0.1:{port}"]
        ini = self.write(f"{name}.ini", "\n".join(["[uwsgi]", "plugin = python3", "master = true", "need-app = true", "chmod-socket = 666", *sockets,
                                                   f"wsgi-file = {self.write(name + '.py', app)}", *lines, ""]))
        self.run(["/usr/bin/uwsgi-core", "--ini", ini], name)
        until(lambda: "uWSGI listens", lambda: all(os.path.exists(self.path(f"{name}-{p}.sock")) for p in ports))
        for protocol, port in ports.items():
            hosts.append(self.host(f"{protocol}-unix.{name}", self.path(f"{name}-{protocol}.sock"), protocol))
            hosts.append(self.host(f"{protocol}-tcp.{name}", f"127.0.0.1:{port}", protocol))
        return hosts

    def php(self, name, listen, *lines):
        """A real php-fpm."""
        conf = self.write(f"{name}.conf", "\n".join(["[global]", f"error_log = {self.path(name + '.log')}", "daemonize = no", f"[{name}]", f"listen = {listen}",
                                                     "listen.mode = 0666", "user = www-data", "pm = static", "pm.max_children = 3", *lines, ""]))
        process = subprocess.Popen(["/usr/sbin/" + PHP_FPM, "-F", "-y", conf], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.started.append(process)
        self.log_of(name, "ready to handle connections")

    def log_of(self, name, text):
        def there():
            try:
                with open(self.path(name + ".log")) as f:
                    return text in f.read()
            except FileNotFoundError:
                return False
        until(f"{name} says {text!r}", there)

    def drain(self):
        self.router.send_signal(signal.SIGTERM)

    def stop(self):
        for front in self.fronts:
            front.stop()
        for node in self.nodes:
            node.close()
        super().stop()


def everywhere(test):
    """Runs a test for each door and each host: test(self, door, address, host)."""
    def run(self):
        for door, address in self.doors.doors.items():
            for host in self.hosts:
                with self.subTest(door=door, host=host):
                    test(self, door, address, host)
    return run


class DoorsCase(unittest.TestCase):
    """Doors with a router and its nodes, once per class; `hosts` are those that everywhere() asks."""

    lines, hosts = (), ()

    @classmethod
    def setUpClass(cls):
        cls.doors = Doors(*cls.lines)
        cls.addClassCleanup(cls.doors.stop)
        cls.set_up(cls.doors)

    @classmethod
    def set_up(cls, doors):
        """Its nodes."""

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before and hasattr(self, "doors"):
            print(self.doors.log()[-2000:])

    def ok(self, answer, status=200):
        self.assertEqual((answer.status, answer.error), (status, ""), f"{answer.headers} {answer.body[:300]!r}")
        return answer

    def get(self, address, host, path="/", *arguments, timeout=20, **named):
        return client.http(address, host, path, *arguments, timeout=timeout, **named)
