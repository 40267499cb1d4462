"""Vassals of ours that subscribe to routers of others: a real uWSGI's fastrouter, and ours that runs alone."""
import os
import signal
import socket
import subprocess
import unittest

import frame  # noqa: F401
from imperium import case, client, processes, programs
from imperium.alone import KEY, Alone, AloneCase
from imperium.waiting import until

SUBSCRIPTIONS = "fastrouter-subscription-server = %d/subscribe.sock"


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


del AloneCase

if __name__ == "__main__":
    case.main()
