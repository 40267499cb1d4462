"""The fastrouter alone, with a uWSGI file, and nodes that subscribe: real uWSGI ones, and forged ones."""
import os
import signal
import socket
import subprocess
import time

import frame  # noqa: F401
from imperium import case, client, processes, programs
from imperium.alone import KEY, AloneCase
from imperium.waiting import until

def datagram(pairs, leave=False):
    return client.packet(pairs, 224, 1 if leave else 0)


class RealNodes(AloneCase):
    def test_balanced_by_weight_killed_and_back(self):
        heavy, light = self.alone.node("heavy", weight=3), self.alone.node("light", weight=1)
        self.alone.log_line("new node", 2)
        self.assertEqual(self.alone.asked(40), {"heavy": 30, "light": 10})
        # SIGKILL to all of it: no unsubscribe, and a socket that nobody listens on.
        processes.kill_all(processes.children(heavy.pid))
        self.assertEqual(self.alone.asked(10), {"light": 10}, "no request is lost to the dead node")
        self.alone.node("heavy", weight=3)
        self.alone.log_line("new node", 3)
        self.assertEqual(self.alone.asked(8), {"heavy": 6, "light": 2})
        # One that ends on purpose says so.
        light.send_signal(signal.SIGINT)
        light.wait(20)
        self.alone.log_line("node left")
        self.assertEqual(self.alone.asked(5), {"heavy": 5})

    def test_bodies_pass_both_ways(self):
        self.alone.node("one")
        self.alone.log_line("new node")
        body = os.urandom(3 << 20)
        answer = self.alone.ask(path="/echo", method="POST", body=body,
                                extra=[("CONTENT_LENGTH", str(len(body)))])
        self.assertEqual((answer.status, answer.body), (200, body))
        self.assertEqual(len(self.alone.ask(path="/large").body), 8 << 20)
        # The key has a port if the front sends one; without a node of its own the bare name serves.
        self.assertEqual(self.alone.ask(KEY + ":8080").text, f"one {KEY}:8080")

    def test_a_client_that_does_not_read_holds_up_itself(self):
        self.alone.node("one", "processes = 2")
        self.alone.log_line("new node")
        with client.connect(self.alone.socket) as slow:
            slow.sendall(client.packet(client.request_variables(KEY, "/large")))
            slow.recv(1)
            with open(f"/proc/{self.alone.router.pid}/status") as f:
                before = f.read()
            self.assertEqual(self.alone.asked(5), {"one": 5})
            resident = int(processes.status(self.alone.router.pid, "VmRSS").split()[0])
            self.assertLess(resident, 64 * 1024, before)

    def test_nobody_there_is_said(self):
        self.assertEqual(self.alone.ask().status, 404)
        self.alone.subscribe(datagram([("key", KEY), ("address", self.alone.path("nobody.sock"))]))
        self.alone.log_line("new node")
        self.assertEqual(self.alone.ask().status, 503)
        self.alone.log_line("unreachable")


class Packets(AloneCase):
    def test_only_the_senders_own_socket_is_told(self):
        """A line of the router's to any other would be a line of the sender's in another's name."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as others, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as nobodys, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            for s, path in ((others, self.alone.path("others")), (own, self.alone.path("own"))):
                s.bind(path)
                os.chmod(path, 0o666)
            os.chown(self.alone.path("others"), 61001, 61001)
            nobodys.bind("\0" + self.alone.path("nobodys"))
            os.symlink(self.alone.path("own"), self.alone.path("link"))
            for n, notify in enumerate((self.alone.path("others"), "@" + self.alone.path("nobodys"), self.alone.path("link"), self.alone.path("own"))):
                self.alone.subscribe(datagram([("key", f"k{n}.test"), ("address", "127.0.0.1:9"), ("notify", notify)]))
            self.alone.log_line("new node", 4)
            own.settimeout(10)
            self.assertEqual(own.recv(1000), b"[subscription ack] k3.test => new node: 127.0.0.1:9")
            for s in (others, nobodys, own):
                s.setblocking(False)
                with self.assertRaises(BlockingIOError):
                    s.recv(1000)

    def test_who_comes_and_goes_does_not_fill_the_log(self):
        began = time.monotonic()
        for _ in range(3000):
            for leave in (False, True):
                self.alone.subscribe(datagram([("key", KEY), ("address", "127.0.0.1:9")], leave))
        self.alone.subscribe(datagram([("key", "last.test"), ("address", "127.0.0.1:9")]))
        until("all is heard", lambda: self.alone.ask("last.test").status != 404)
        lines = self.alone.log().count("new node") + self.alone.log().count("node left")
        self.assertGreater(lines, 100)
        self.assertLessEqual(lines, 1000 * (1 + (time.monotonic() - began) // 10))

    def test_what_is_broken_changes_nothing(self):
        good = datagram([("key", KEY), ("address", "127.0.0.1:9"), ("weight", "2")])
        bad = [good[:n] for n in range(1, len(good))] + [good + b"x", b"x" * 5000, b"\xe0\xff\xff\x00",
               datagram([("key", KEY), ("address", "../etc")]), datagram([("key", KEY), ("address", "example.com:80")]),
               datagram([("key", ""), ("address", "127.0.0.1:9")]), datagram([("key", KEY), ("address", "127.0.0.1:9"), ("weight", "x")])]
        for data in bad:
            self.alone.subscribe(data)
        self.alone.log_line("refused", len(bad))
        self.assertEqual(self.alone.ask().status, 404)
        self.assertNotIn("new node", self.alone.log())
        self.alone.subscribe(good)
        self.alone.log_line("new node")


class Credentials(AloneCase):
    lines = ("fastrouter-subscription-server = %d/subscribe.sock", "subscriptions-credentials-check = %d/keys/")

    def as_user(self, uid, data, gid=None):
        code = "import socket,sys; s=socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto(bytes.fromhex(sys.argv[1]), sys.argv[2])"
        subprocess.run([programs.PYTHON, "-c", code, data.hex(), self.alone.server], user=uid, group=gid or uid, extra_groups=[], check=True)

    def test_nobody_names_the_socket_of_another(self):
        self.alone.fixed("roots")
        os.mkdir(self.alone.path("keys"))
        for key, uid in ((KEY, 61001), ("roots.example", 0)):
            with open(self.alone.path("keys/" + key), "w"):
                os.chown(self.alone.path("keys/" + key), uid, uid)
        self.as_user(61001, datagram([("key", KEY), ("address", self.alone.path("roots.sock"))]))
        self.alone.log_line("new node")
        self.assertNotEqual(self.alone.ask().status, 200)
        self.alone.log_line("the socket is of uid 0")
        self.alone.subscribe(datagram([("key", "roots.example"), ("address", self.alone.path("roots.sock"))]))
        self.alone.log_line("new node", 2)
        self.assertEqual(self.alone.ask("roots.example").status, 200)

    def test_only_the_owner_of_the_keys_file(self):
        os.mkdir(self.alone.path("keys"))
        with open(self.alone.path("keys/" + KEY), "w"):
            os.chown(self.alone.path("keys/" + KEY), 61001, 61001)
        packet = datagram([("key", KEY), ("address", "127.0.0.1:9")])

        as_user = self.as_user
        as_user(61002, packet)
        self.alone.log_line("does not own")
        as_user(61001, packet, gid=61002)
        self.alone.log_line("does not own", 2)
        as_user(61001, datagram([("key", "other.example.com"), ("address", "127.0.0.1:9")]))
        self.alone.log_line("no file stands for the key")
        as_user(61001, datagram([("key", "../keys/" + KEY), ("address", "127.0.0.1:9")]))
        self.alone.log_line("stands for no file")
        self.assertNotIn("new node", self.alone.log())
        as_user(61001, packet)
        self.alone.log_line("new node")
        as_user(61002, datagram([("key", KEY), ("address", "127.0.0.1:9")], leave=True))
        self.alone.log_line("does not own", 3)
        self.assertNotIn("node left", self.alone.log())


class Signed(AloneCase):
    lines = ("fastrouter-subscription-server = %d/subscribe.sock", "subscriptions-sign-check = SHA256:%d/keys")

    def setUp(self):
        super().setUp()
        os.mkdir(self.alone.path("keys"))
        self.private = self.alone.path("private.pem")
        subprocess.run(["openssl", "genrsa", "-out", self.private, "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", self.private, "-pubout", "-out", self.alone.path(f"keys/{KEY}.pem")],
                       check=True, capture_output=True)

    def signed(self, time_stamp, leave=False, key=KEY, private=None, spoil=False):
        pairs = [("key", key), ("address", "127.0.0.1:9"), ("unix", str(int(time_stamp)))]
        block = client.packet(pairs)[4:]
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", private or self.private], input=block, check=True, capture_output=True).stdout
        if spoil:
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        return datagram([*pairs, ("sign", signature)], leave)

    def test_a_real_node_signs(self):
        self.alone.node("signer", sign=f",0,SHA256:{self.private}")
        self.alone.log_line("new node")
        self.assertEqual(self.alone.ask().status, 200)

    def test_a_flood_of_wrong_signatures_is_not_looked_at(self):
        wrong = self.signed(time.time(), spoil=True)
        for _ in range(400):
            self.alone.subscribe(wrong)
        self.alone.log_line("too many wrong signatures in this second")
        self.assertGreaterEqual(self.alone.log().count("its signature is not by"), 100)

        def heard():
            self.alone.subscribe(self.signed(time.time()))
            return "new node" in self.alone.log()
        until("a good one counts", heard)

    def test_forged_expired_and_replayed_packets_change_nothing(self):
        now = time.time()
        stranger = self.alone.path("stranger.pem")
        subprocess.run(["openssl", "genrsa", "-out", stranger, "2048"], check=True, capture_output=True)
        for data, why in ((datagram([("key", KEY), ("address", "127.0.0.1:9")]), "not signed"),
                          (self.signed(now, spoil=True), "is not by"),
                          (self.signed(now, private=stranger), "is not by"),
                          (self.signed(now - 90000), "too old"),
                          (self.signed(now + 9000), "from the future"),
                          (self.signed(now, key="other.example.com"), "No such file")):
            self.alone.subscribe(data)
            self.alone.log_line(why)
        self.assertEqual(self.alone.ask().status, 404)
        first = self.signed(now)
        self.alone.subscribe(first)
        self.alone.log_line("new node")
        self.alone.subscribe(self.signed(now, leave=True))  # no newer than what was heard
        self.alone.subscribe(first)
        self.alone.log_line("a replay", 2)
        self.assertNotIn("node left", self.alone.log())
        leave = self.signed(now + 1, leave=True)
        self.alone.subscribe(leave)
        self.alone.log_line("node left")
        self.alone.subscribe(first)
        self.alone.log_line("a replay", 3)
        self.assertEqual(self.alone.log().count("new node"), 1)


del AloneCase

if __name__ == "__main__":
    case.main()
