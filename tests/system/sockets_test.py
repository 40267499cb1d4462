"""`socket =`: a vassal's own sockets, bound by the emperor, kept across generations; and a vassal alone."""
import json
import os
import signal
import stat
import subprocess

from frame import ALICE, Load, SystemCase, World, client, http, main, uwsgi
from imperium.nginx import Nginx
from imperium.waiting import until
from imperium.world import own_address


class Sockets(SystemCase):
    def test_unix_abstract_and_tcp(self):
        world = self.world
        path, name, port = world.path("sockets/site.sock"), f"@imperium-test-{os.getpid()}", own_address(9100)
        world.up("site", "site.test", uid=ALICE, lines=[f"socket = {path}", f"socket = {name}", "socket = %s:%d" % port,
                                                       "chmod-socket = 640", f"chown-socket = {ALICE}:www-data", "processes = 2"])
        found = os.stat(path)
        self.assertEqual((stat.S_IMODE(found.st_mode), found.st_uid), (0o640, ALICE))
        for address in (path, name, port):
            answer = uwsgi(address, "anything.test", "/whoami")
            self.assert_status(answer, 200, address)
            self.assertEqual(json.loads(answer.body)["uid"][0], ALICE)

    def test_nginx_without_a_router_and_an_edit_under_load(self):
        world = self.world
        path = world.path("sockets/direct.sock")
        lines = [f"socket = {path}", "chmod-socket = 666", "processes = 2"]
        world.up("direct", "direct.test", uid=ALICE, lines=lines)
        nginx = Nginx(world.path("nginx-direct"), own_address(8001), path)
        nginx.start()
        try:
            inode = os.stat(path).st_ino
            with Load(nginx.address, "direct.test", threads=3) as load:
                for i in range(3):
                    world.drop("direct", "direct.test", uid=ALICE, lines=[*lines, f"env = ROUND={i}"])
                    until("the new generation answers", lambda n=i: json.loads(
                        http(nginx.address, "direct.test", "/whoami").body)["env"].get("ROUND") == str(n))
            self.assert_clean(load)
            self.assertEqual(os.stat(path).st_ino, inode, "the socket is the same one")
        finally:
            nginx.stop()
        world.remove("direct")
        world.emperor.wait_gone("direct")
        self.assertFalse(os.path.exists(path), "a socket goes with its vassal")

    def test_a_backlog_for_a_crowd(self):
        world = self.world
        path = world.path("sockets/crowd.sock")
        world.up("crowd", "crowd.test", uid=ALICE, lines=[f"socket = {path}", "chmod-socket = 666", "processes = 1"])
        waiting_ones = []
        try:
            for _ in range(1000):
                s = client.connect(path)
                s.sendall(client.packet(client.request_variables("crowd.test")))
                waiting_ones.append(s)
            for s in waiting_ones:
                self.assertIn(b" 200 ", client.drain(s)[0][:20])
        finally:
            for s in waiting_ones:
                s.close()


class Alone(SystemCase):
    """`vassal --ini FILE` serves one file without an emperor."""

    @classmethod
    def setUpClass(cls):
        cls.world = World()
        cls.addClassCleanup(cls.world.destroy)

    def test_alone(self):
        world = self.world
        path = world.path("alone.sock")
        ini = world.write("alone.ini", f"[uwsgi]\nsocket = {path}\nchmod-socket = 666\nuid = {ALICE}\ngid = {ALICE}\nprocesses = 2\n"
                          f"wsgi-file = {world.app('probe.py')}\n")
        with open(world.path("alone.log"), "wb") as log:
            process = subprocess.Popen([os.path.join(world.emperor.programs, "vassal"), "--ini", ini], stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL)
        try:
            until("the socket is there", lambda: os.path.exists(path) or process.poll() is not None)
            answer = until("it answers", lambda: (a := uwsgi(path, "x.test", "/whoami")).status == 200 and a)
            self.assertEqual(json.loads(answer.body)["uid"][0], ALICE)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)
        finally:
            process.kill()
            process.wait()

    def test_alone_with_a_fault(self):
        ini = self.world.write("faulty.ini", "[uwsgi]\nsocket = /tmp/x.sock\nprocesses = many\nuid = no-such-user-here\n")
        done = subprocess.run([os.path.join(self.world.emperor.programs, "vassal"), "--ini", ini], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{ini}:3: ", done.stderr + done.stdout)
        self.assertIn(f"{ini}:4: ", done.stderr + done.stdout)


if __name__ == "__main__":
    main()
