"""Nodes that prove with the tenant's SSH key which hosts they may serve: real ssh-keygen, real ssh-agent, and everything
that a stranger, another tenant or an eavesdropper could send instead."""
import base64
import os
import signal
import socket
import struct
import subprocess
import time

import frame  # noqa: F401
from imperium import case, client, programs
from imperium.alone import KEY, AloneCase
from imperium.waiting import until

NODE = "127.0.0.1:9"


def string(data):
    return struct.pack(">I", len(data)) + data


class Keys:
    """Keys of ssh-keygen in a directory, and an ssh-agent that has them."""

    def __init__(self, directory):
        self.directory = directory
        self.environment = {**os.environ, "SSH_AUTH_SOCK": self.path("agent.sock")}
        self.start()

    def start(self):
        out = subprocess.run(["ssh-agent", "-s", "-a", self.path("agent.sock")], capture_output=True, text=True, check=True).stdout
        self.agent = int(out.split("SSH_AGENT_PID=")[1].split(";")[0])

    def path(self, name):
        return os.path.join(self.directory, name)

    def make(self, name, kind="ed25519", passphrase="", hold=True):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", name, "-f", self.path(name)], check=True)
        if hold:
            self.hold(name)
        return self.public(name)

    def hold(self, name):
        subprocess.run(["ssh-add", "-q", self.path(name)], env=self.environment, check=True, capture_output=True)

    def public(self, name):
        with open(self.path(name + ".pub")) as f:
            return f.read()

    def fingerprint(self, name):
        return subprocess.run(["ssh-keygen", "-lf", self.path(name + ".pub")], capture_output=True, text=True, check=True).stdout.split()[1]

    def sign(self, name, text, flags=0):
        """What the agent says, by its protocol."""
        blob = base64.b64decode(self.public(name).split()[1])
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.environment["SSH_AUTH_SOCK"])
            s.sendall(string(b"\x0d" + string(blob) + string(text) + struct.pack(">I", flags)))
            answer = s.makefile("rb")
            body = answer.read(struct.unpack(">I", answer.read(4))[0])
        assert body[0] == 14, body[:1]
        return body[5:]

    def stop(self):
        os.kill(self.agent, signal.SIGTERM)


class SshCase(AloneCase):
    lines = ("fastrouter-subscription-server = %d/subscribe.sock", "subscriptions-ssh-keys = %d/tenants")

    def setUp(self):
        super().setUp()
        for name in ("tenants", "private"):
            os.mkdir(self.alone.path(name))
        self.keys = Keys(self.alone.path("private"))
        self.addCleanup(self.keys.stop)

    def tenant(self, name, text):
        return self.alone.write(f"tenants/{name}", text)

    def ctl(self, *arguments, host=KEY, node=NODE, router=None):
        return subprocess.run([os.path.join(programs.bin_directory(), "emperorctl"), "subscribe", router or self.alone.server, host, node, *arguments],
                              env=self.keys.environment, capture_output=True, text=True, timeout=30)

    def packet(self, key, moment, host=KEY, node=NODE, leave=False, user="", part=None, flags=0, signs=None):
        """As the documentation says it: everything in front of the last pair is signed, and whether it leaves."""
        pairs = [("key", host), ("address", node), ("unix", str(int(moment))), ("ssh-key", self.keys.fingerprint(key))]
        if user:
            pairs.append(("ssh-user", user))
        text = b"imperium-subscription\0" + (b"1" if leave else b"0") + (part or client.packet(pairs)[4:])
        return client.packet([*pairs, ("ssh-sign", self.keys.sign(signs or key, text, flags))], 224, 1 if leave else 0)

    def refused(self, data, why):
        before = self.alone.log().count(why)
        self.alone.subscribe(data)
        self.alone.log_line(why, before + 1)


class Client(SshCase):
    def test_keys_of_every_kind_by_file_and_by_agent(self):
        self.tenant(KEY, "".join(self.keys.make(n, k) for n, k in (("ed", "ed25519"), ("rsa", "rsa"))))
        self.keys.make("pem", "rsa", hold=False)
        subprocess.run(["ssh-keygen", "-q", "-p", "-m", "PKCS8", "-N", "", "-f", self.keys.path("pem")], check=True, capture_output=True)
        self.tenant("other.example.com", self.keys.public("pem"))
        ways = [("--key", self.keys.path("ed")), ("--key", self.keys.path("rsa")), ("--agent",),
                ("--agent", "--key", self.keys.path("ed.pub")), ("--agent", "--key", self.keys.path("rsa.pub"))]
        for number, way in enumerate(ways, 1):
            done = self.ctl(*way, node=f"127.0.0.1:{number}")
            self.assertEqual((done.returncode, done.stderr), (0, ""), way)
            self.alone.log_line("new node", number)
        self.assertEqual(self.ctl("--key", self.keys.path("pem"), host="other.example.com").returncode, 0)
        self.alone.log_line("new node", len(ways) + 1)
        self.assertNotIn("refused", self.alone.log())

    def test_what_the_client_cannot_do_it_says(self):
        self.keys.make("locked", passphrase="secret", hold=False)
        self.keys.make("ec", "ecdsa", hold=False)
        for arguments, why in ((("--key", self.keys.path("locked")), "has a passphrase: add it to an ssh-agent and use --agent"),
                               (("--key", self.keys.path("ec")), "keys of type ecdsa-sha2-nistp256 are not taken"),
                               (("--key", self.keys.path("none")), "No such file"),
                               (("--key", self.keys.path("locked.pub")), "it is no private key"),
                               (("--agent",), "the ssh-agent has no ed25519 or RSA key"),
                               (("--agent", "--key", self.keys.path("locked")), "there is no public key in it")):
            if why.startswith("there is no"):
                self.keys.make("held")
            done = self.ctl(*arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn(why, done.stderr)
        done = self.ctl("--agent", "--key", self.keys.path("locked.pub"))
        self.assertIn("the ssh-agent has not got the key", done.stderr)
        done = self.ctl("--agent", router=self.alone.path("nobody.sock"))
        self.assertIn("no fastrouter hears at", done.stderr)
        self.assertNotIn("new node", self.alone.log())

    def test_a_node_stays_while_its_client_runs(self):
        self.tenant(KEY, self.keys.make("ed"))
        self.alone.node("one", server="127.0.0.1:1")  # nobody hears it there
        until("it listens", lambda: os.path.exists(self.alone.path("one.sock")))
        client_ = subprocess.Popen([os.path.join(programs.bin_directory(), "emperorctl"), "subscribe", self.alone.server, KEY, self.alone.path("one.sock"),
                                    "--key", self.keys.path("ed"), "--every", "1"])
        self.alone.started.append(client_)
        self.alone.log_line("new node")
        self.assertEqual(self.alone.ask().text, f"one {KEY}")
        client_.send_signal(signal.SIGTERM)
        self.assertEqual(client_.wait(10), 0)
        self.alone.log_line("node left")
        self.assertNotIn("refused", self.alone.log())
        self.assertNotEqual(self.alone.ask().status, 200)

    def test_an_agent_that_is_started_again_is_asked_again(self):
        self.tenant(KEY, self.keys.make("ed"))
        with open(self.alone.path("client.log"), "wb") as log:
            client_ = subprocess.Popen([os.path.join(programs.bin_directory(), "emperorctl"), "subscribe", self.alone.server, KEY, NODE,
                                        "--agent", "--every", "1"], env=self.keys.environment, stderr=log)
        self.alone.started.append(client_)
        self.alone.log_line("new node")
        self.keys.stop()

        def said():
            with open(self.alone.path("client.log")) as log:
                return log.read()
        until(said, lambda: "no ssh-agent answers" in said())
        self.assertIsNone(client_.poll(), said())
        self.keys.start()
        self.keys.hold("ed")
        client_.send_signal(signal.SIGTERM)
        self.assertEqual(client_.wait(10), 0, said())
        self.alone.log_line("node left")


class OverUdp(SshCase):
    lines = ("fastrouter-subscription-server = 127.77.41.3:4999", "subscriptions-ssh-keys = %d/tenants")

    def test_the_client_speaks_udp(self):
        self.tenant(KEY, self.keys.make("ed"))
        self.assertEqual(self.ctl("--key", self.keys.path("ed"), router="127.77.41.3:4999").returncode, 0)
        self.alone.log_line("new node")


class Hostile(SshCase):
    def setUp(self):
        super().setUp()
        self.tenant(KEY, self.keys.make("alice"))
        self.tenant("bob", f'hosts="*.bob.example,{KEY}" ' + self.keys.make("bob", "rsa"))

    def test_forged_replayed_expired_and_foreign_packets_change_nothing(self):
        now = time.time()
        good = self.packet("alice", now)
        bare = client.packet([("key", KEY), ("address", NODE)], 224)
        turned = good[:3] + b"\x01" + good[4:]
        stranger = self.packet("alice", now, host="shop.bob.example")
        self.refused(bare, "it is not signed with an SSH key")
        self.refused(turned, "its signature is wrong")
        self.refused(good[:-1] + bytes([good[-1] ^ 1]), "its signature is wrong")
        self.refused(self.packet("alice", now, part=b"something else"), "its signature is wrong")
        self.refused(self.packet("alice", now, signs="bob", flags=4), "not of this key's kind")
        self.refused(self.packet("bob", now, user="bob", flags=0), "made with SHA-1")
        self.refused(self.packet("alice", now - 70), "it is too old")
        self.refused(self.packet("alice", now + 70), "it comes from the future")
        self.refused(stranger, "No such file")
        self.refused(self.packet("bob", now, host="other.example", user="bob", flags=4), "does not speak for this host")
        self.refused(self.packet("bob", now, flags=4), "none of this tenant's")
        self.refused(self.packet("bob", now, user="../tenants/bob", flags=4), "can have this name")
        self.assertEqual(self.alone.ask().status, 404)
        self.assertNotIn("new node", self.alone.log())
        # The good one counts, once; and nobody else joins or leaves.
        self.alone.subscribe(good)
        self.alone.log_line("new node")
        self.refused(good, "a replay?")
        self.refused(self.packet("alice", now - 1, leave=True), "a replay?")
        self.refused(self.packet("bob", now, user="bob", flags=4, node="127.0.0.1:10"), f"held by the SSH keys of {KEY}")
        self.refused(self.packet("bob", now, user="bob", flags=4, leave=True), f"held by the SSH keys of {KEY}")
        self.refused(client.packet([("key", KEY), ("address", NODE)], 224, 1), "it is not signed with an SSH key")
        self.assertNotIn("node left", self.alone.log())
        self.alone.subscribe(self.packet("alice", time.time(), leave=True))
        self.alone.log_line("node left")
        self.refused(good, "a replay?")
        self.assertEqual(self.alone.log().count("new node"), 1)

    def test_a_packet_cut_at_any_byte_or_too_long(self):
        good = self.packet("alice", time.time())
        bad = [good[:n] for n in range(1, len(good))] + [good + b"x", good + b"x" * 5000]
        # A whole packet around a part of the pairs: the header says the right size.
        block = good[4:]
        bad += [bytes([224]) + struct.pack("<H", n) + b"\0" + block[:n] for n in range(1, len(block))]
        for data in bad:
            self.alone.subscribe(data)
        self.alone.log_line("refused", min(len(bad), 1000))
        self.assertEqual(self.alone.ask().status, 404)
        self.assertNotIn("new node", self.alone.log())
        self.alone.subscribe(good)
        self.alone.log_line("new node")

    def test_files_of_keys_may_change_and_hold_nonsense(self):
        self.tenant(KEY, "nonsense\n" + self.keys.public("bob"))
        self.refused(self.packet("alice", time.time()), "none of this tenant's")
        self.alone.log_line(f"keys of {KEY}, line 1: ")
        os.remove(self.alone.path(f"tenants/{KEY}"))
        os.symlink(self.keys.path("alice.pub"), self.alone.path(f"tenants/{KEY}"))
        self.refused(self.packet("alice", time.time()), "Too many levels of symbolic links")
        os.remove(self.alone.path(f"tenants/{KEY}"))
        os.mkfifo(self.alone.path(f"tenants/{KEY}"))
        self.refused(self.packet("alice", time.time()), "is not a regular file")
        os.remove(self.alone.path(f"tenants/{KEY}"))
        with open(self.tenant(KEY, ""), "w") as f:
            f.write("x" * 300_000)
        self.refused(self.packet("alice", time.time()), "File too large")
        # Who may write it may only speak for its name.
        os.chmod(self.tenant(KEY, f'hosts="{KEY}" ' + self.keys.public("alice")), 0o666)
        self.refused(self.packet("alice", time.time()), "none of this tenant's")
        self.alone.log_line("hosts are only taken from files that nobody but root can write")
        self.tenant(KEY, self.keys.public("alice"))
        self.alone.subscribe(self.packet("alice", time.time()))
        self.alone.log_line("new node")


class BothKinds(SshCase):
    lines = (*SshCase.lines, "subscriptions-sign-check = SHA256:%d/pem")

    def test_packets_of_uwsgi_are_verified_too(self):
        os.mkdir(self.alone.path("pem"))
        private = self.alone.path("private.pem")
        subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", self.alone.path(f"pem/{KEY}.pem")], check=True, capture_output=True)
        self.tenant(KEY, self.keys.make("ed"))
        self.alone.node("signer", sign=f",0,SHA256:{private}")
        self.alone.log_line("new node")
        self.assertEqual(self.alone.ask().status, 200)
        # It has the host now.
        self.refused(self.packet("ed", time.time()), "held by its PEM key")
        self.refused(client.packet([("key", KEY), ("address", NODE)], 224), "it is not signed")


del AloneCase, SshCase

if __name__ == "__main__":
    case.main()
