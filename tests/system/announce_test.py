"""Vassals of ours that subscribe to routers of others: a real uWSGI's fastrouter, and ours that runs alone."""
import os
import signal
import socket
import subprocess
import threading
import unittest

from frame import ALICE, SystemCase
from imperium import case, client, processes, programs
from imperium.alone import KEY, Alone, AloneCase
from imperium.waiting import until

SUBSCRIPTIONS = "fastrouter-subscription-server = %d/subscribe.sock"


def command_name(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read()
    except OSError:
        return ""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ours(alone, name, address, server, *lines, sign=""):
    """`vassal --ini`, without any emperor, listening at ADDRESS."""
    ini = alone.write(f"{name}.ini", f"[uwsgi]\nsocket = {address}\nchmod-socket = 666\nwsgi-file = {alone.path('app.py')}\nenv = NODE={name}\n"
                      f"subscribe-freq = 1\nsubscribe-to = {server}:{KEY}{sign}\n" + "".join(f"{l}\n" for l in lines))
    return alone.run([os.path.join(programs.bin_directory(), "vassal"), "--ini", ini], name)


class ToARealFastrouter(unittest.TestCase):
    def setUp(self):
        self.alone = Alone()
        self.addCleanup(self.alone.stop)
        self.server = f"127.0.0.1:{free_port()}"
        self.front = self.alone.path("front.sock")
        ini = self.alone.write("front.ini", "[uwsgi]\nplugins = fastrouter\nmaster = true\n"
                               f"fastrouter = {self.front}\nchmod-socket = 666\nfastrouter-subscription-server = {self.server}\n")
        self.alone.run(["/usr/bin/uwsgi-core", "--ini", ini], "front")
        until("it is there", lambda: os.path.exists(self.front))

    def ask(self):
        return client.uwsgi(self.front, KEY, "/")

    def asked(self, times):
        count = {}
        for _ in range(times):
            answer = self.ask()
            name = answer.text.split()[0] if answer.status == 200 else f"{answer.status} {answer.error}"
            count[name] = count.get(name, 0) + 1
        return count

    def test_balanced_by_weight_killed_and_back(self):
        address = f"127.0.0.1:{free_port()}"
        mine = ours(self.alone, "ours", address, self.server, "weight = 3")
        self.alone.node("theirs", f"socket = 127.0.0.1:{free_port()}", server=self.server)
        until("both are known", lambda: set(self.asked(8)) == {"ours", "theirs"})
        count = self.asked(40)
        self.assertEqual(sum(count.values()), 40)
        self.assertGreaterEqual(count["ours"], 2 * count["theirs"], count)
        processes.kill_all(processes.children(mine.pid))
        self.assertEqual(self.asked(10), {"theirs": 10}, "no request is lost to the dead node")
        mine = ours(self.alone, "ours", address, self.server, "weight = 3")
        until("it is back", lambda: "ours" in self.asked(4))
        # One that ends on purpose says so.
        mine.send_signal(signal.SIGTERM)
        mine.wait(20)
        self.assertEqual(self.asked(5), {"theirs": 5})


class ToOurs(AloneCase):
    lines = (SUBSCRIPTIONS,)

    def test_python_and_command_come_and_go(self):
        native = ours(self.alone, "native", self.alone.path("native.sock"), self.alone.server, "weight = 3")
        self.alone.log_line("new node")
        self.assertEqual(self.alone.asked(4), {"native": 4})
        command = self.alone.write("command.ini", f"[uwsgi]\nsocket = {self.alone.path('command.sock')}\nchmod-socket = 666\n"
                                   f"command = /usr/bin/uwsgi-core --plugin python3 --wsgi-file {self.alone.path('app.py')} --env NODE=command --master\n"
                                   f"subscribe2 = server={self.alone.server},key={KEY},weight=1\n")
        theirs = self.alone.run([os.path.join(programs.bin_directory(), "vassal"), "--ini", command], "command")
        self.alone.log_line("new node", 2)
        self.assertEqual(self.alone.asked(8), {"native": 6, "command": 2})
        for process, left in ((native, 1), (theirs, 2)):
            process.send_signal(signal.SIGTERM)
            process.wait(20)
            self.alone.log_line("node left", left)

    def test_a_reload_is_no_leave(self):
        native = ours(self.alone, "native", self.alone.path("native.sock"), self.alone.server)
        self.alone.log_line("new node")
        before = set(processes.children(native.pid)) - {native.pid}
        native.send_signal(signal.SIGHUP)
        until("new workers", lambda: not before & set(processes.children(native.pid)) and self.alone.ask().status == 200)
        self.assertNotIn("node left", self.alone.log())


class Signed(AloneCase):
    lines = (SUBSCRIPTIONS, "subscriptions-sign-check = SHA256:%d/keys")

    def test_as_uwsgi_signs(self):
        os.mkdir(self.alone.path("keys"))
        private = self.alone.path("private.pem")
        subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", self.alone.path(f"keys/{KEY}.pem")],
                       check=True, capture_output=True)
        ours(self.alone, "wrong", self.alone.path("wrong.sock"), self.alone.server)
        self.alone.log_line("not signed")
        signer = ours(self.alone, "signer", self.alone.path("signer.sock"), self.alone.server, sign=f",0,SHA256:{private}")
        self.alone.log_line("new node")
        self.assertEqual(self.alone.asked(3), {"signer": 3})
        signer.send_signal(signal.SIGTERM)
        signer.wait(20)
        self.alone.log_line("node left")


class AtTheOnlyProcess(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        cls.server = world.path("run/subscribe.sock")
        world.emperor.options["router-subscriptions"] = cls.server
        world.emperor.options["subscription-tolerance"] = "600"  # a machine that has much to do
        cls.alone = Alone(SUBSCRIPTIONS)
        cls.addClassCleanup(cls.alone.stop)
        cls.alone.fixed("once")

    def routers(self):
        return [p for p in self.world.emperor.pids() if "fastrouter" in command_name(p)]

    def test_its_successor_knows_the_nodes(self):
        world = self.world
        keys = [f"key-{i}.test" for i in range(200)] + [KEY]
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:  # each is said once only
            for key in keys:
                s.sendto(client.packet([("key", key), ("address", self.alone.path("once.sock"))], 224), self.server)
        until("they are known", lambda: client.uwsgi(world.router, KEY, "/").status == 200)
        for _ in range(3):
            before = self.routers()
            self.assertEqual(len(before), 1)
            done = world.emperor.ctl("upgrade")
            self.assertEqual(done.returncode, 0, done.stderr + world.emperor.tail())
            until("another one alone", lambda: len(self.routers()) == 1 and self.routers() != before)
            self.assertEqual({client.uwsgi(world.router, key, "/").status for key in (KEY, keys[0], keys[100], keys[199])}, {200}, world.emperor.tail())
        self.assertNotIn("accepting without", world.emperor.tail(1000))

    def test_it_waits_for_one_that_has_much_to_do(self):
        world, answers = self.world, []
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(client.packet([("key", "busy.test"), ("address", self.alone.path("once.sock"))], 224), self.server)
        until("it is known", lambda: client.uwsgi(world.router, "busy.test", "/").status == 200)
        busy = self.routers()[0]
        os.kill(busy, signal.SIGSTOP)
        try:
            self.assertEqual(world.emperor.ctl("upgrade").returncode, 0)
            until("another one", lambda: len(self.routers()) == 2)
            asker = threading.Thread(target=lambda: answers.append(client.uwsgi(world.router, "busy.test", "/").status))
            asker.start()
            asker.join(1.5)
        finally:
            os.kill(busy, signal.SIGCONT)
        asker.join(20)
        self.assertEqual(answers, [200])
        until("it is alone", lambda: len(self.routers()) == 1 and busy not in self.routers())

    def test_the_emperor_dies_while_one_waits(self):
        """The next one lets the new one go on, once the old one, which is stuck for a while, has told it what it knows."""
        world = self.world
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(client.packet([("key", "stuck.test"), ("address", self.alone.path("once.sock"))], 224), self.server)
        until("it is known", lambda: client.uwsgi(world.router, "stuck.test", "/").status == 200)
        until("it is alone", lambda: len(self.routers()) == 1)
        old = self.routers()[0]
        os.kill(old, signal.SIGSTOP)
        try:
            self.assertEqual(world.emperor.ctl("upgrade").returncode, 0)
            until("another one", lambda: len(self.routers()) == 2)
            new = set(self.routers()) - {old}
            pid = world.emperor.pid_of("emperor")
            os.kill(pid, signal.SIGKILL)
            until("another emperor", lambda: world.emperor.pid_of("emperor") not in (None, pid) and world.emperor.ctl("ls").returncode == 0)
        finally:
            os.kill(old, signal.SIGCONT)
        until("the new one is alone", lambda: set(self.routers()) == new)
        self.assertEqual(client.uwsgi(world.router, "stuck.test", "/").status, 200)
        self.assertNotIn("accepting without", world.emperor.tail(1000))


class AtAnEmperorsRouter(SystemCase):
    """Two router processes under an emperor; the nodes are no vassals of it, but one that subscribes elsewhere is."""
    options = {"router_processes": "2"}

    @classmethod
    def set_up_world(cls, world):
        cls.server = world.path("run/subscribe.sock")
        world.emperor.options["router-subscriptions"] = cls.server
        cls.alone = Alone(SUBSCRIPTIONS)  # somebody else's router
        cls.addClassCleanup(cls.alone.stop)

    def ask(self, host=KEY):
        return client.uwsgi(self.world.router, host, "/")

    def routers(self):
        return sorted(p for p in self.world.emperor.pids() if "fastrouter" in command_name(p))

    def test_nodes_subscribe_and_processes_die(self):
        world = self.world
        self.alone.node("node", server=self.server)
        until("both know it", lambda: world.emperor.tail(400).count("new node") >= 2)
        self.assertEqual({self.ask().text for _ in range(20)}, {f"node {KEY}"})
        for _ in range(2):  # one after the other, so that what the second knows is by hearsay
            before = self.routers()
            self.assertEqual(len(before), 2)
            os.kill(before[0], signal.SIGKILL)
            until("another one", lambda: len(self.routers()) == 2 and before[0] not in self.routers())
            self.assertEqual({self.ask().status for _ in range(20)}, {200}, "it knows before it accepts")
        world.up("mine", None, uid=ALICE, lines=[f"subscribe-to = {self.server}:mine.test"])
        self.assertEqual(self.ask("mine.test").status, 200, "a subscription to the own router is a claim")

    def test_a_vassal_subscribes_elsewhere(self):
        world, theirs = self.world, self.alone
        os.chmod(theirs.server, 0o666)
        path = world.path("sockets/away.sock")
        lines = [f"socket = {path}", "chmod-socket = 666", "subscribe-freq = 1", f"subscribe-to = {theirs.server}:away.test"]
        world.up("away", None, uid=ALICE, lines=lines)
        theirs.log_line("new node key=away.test")
        self.assertEqual(theirs.ask("away.test").status, 200)
        self.assertEqual(self.ask("away.test").status, 404, "it is no claim here")
        first = world.emperor.row("away")["pid"]
        world.drop("away", None, uid=ALICE, lines=[*lines, "env = X=1"])
        until("the next generation", lambda: world.emperor.row("away")["pid"] not in (first, 0) and not processes.alive(first))
        self.assertNotIn("node left key=away.test", theirs.log(), "who is replaced takes nothing back")
        self.assertEqual(theirs.ask("away.test").status, 200)
        world.remove("away")
        theirs.log_line("node left key=away.test")


del AloneCase, SystemCase

if __name__ == "__main__":
    case.main()
