"""HTTPS at the router: which certificate a client gets, new ones without a restart, who may say by the
PROXY protocol whom it connects for, and how many connections one client may have."""
import hashlib
import json
import os
import select
import signal
import socket
import ssl
import struct
import subprocess

from frame import ALICE, BOB, Connection, SystemCase, main, processes, until
from imperium.client import http
from imperium.world import own_address

HTTPS = own_address(8443)
BALANCER, STRANGER = own_address(0)[0], "127.0.0.1"
HEAD = "GET /environ HTTP/1.1\r\nHost: one.test\r\n\r\n"


def make(directory, certificate, key, *names, common_name="made in a test"):
    """A self-signed pair; both appear under their names at once."""
    alternatives = ",".join(f"DNS:{n}" for n in names)
    new = [os.path.join(directory, f".{i}.new") for i in range(2)]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", f"/CN={common_name}", *(["-addext", f"subjectAltName={alternatives}"] if names else []),
                    "-out", new[0], "-keyout", new[1]], check=True, capture_output=True)
    for at, name in zip(new, (certificate, key)):
        os.makedirs(os.path.dirname(os.path.join(directory, name)), exist_ok=True)
        os.rename(at, os.path.join(directory, name))


def common_name(pem):
    """CN of a certificate in DER or None."""
    shown = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "multiline"], input=pem, capture_output=True, check=True)
    return shown.stdout.decode().rpartition("= ")[2].strip()


class Secure(Connection):
    """The same under TLS, after `before` was sent."""

    def __init__(self, name="one.test", address=HTTPS, before=b"", source=None, alpn=None):
        plain = socket.create_connection(address, 10, source_address=(source, 0) if source else None)
        plain.sendall(before)
        context = ssl._create_unverified_context()
        if alpn:
            context.set_alpn_protocols(alpn)
        try:
            self.socket = context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise
        self.buffer = b""

    def shown(self):
        return common_name(self.socket.getpeercert(True))

    def get(self, path="/environ", host="one.test"):
        self.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
        return self.read()


class Plain(Connection):
    """A connection from an address of one's own choice."""

    def __init__(self, address, source):
        self.socket = socket.create_connection(address, 10, source_address=(source, 0))
        self.buffer = b""


def shown(name):
    """Whose certificate a client sees that asks for `name`; or the error."""
    try:
        with Secure(name) as c:
            return c.shown()
    except (ssl.SSLError, OSError) as e:
        return f"{e.__class__.__name__} {getattr(e, 'reason', e)}"


def proxy2(source, port, to=("10.9.8.7", 443)):
    """A version 2 header with a TLV that nobody knows."""
    block = socket.inet_aton(source) + socket.inet_aton(to[0]) + struct.pack(">HH", port, to[1]) + b"\xee\x00\x03abc"
    return b"\r\n\r\n\x00\r\nQUIT\n\x21\x11" + struct.pack(">H", len(block)) + block


class Https(SystemCase):
    @classmethod
    def setUpClass(cls):
        # The world's directory is made by its constructor, after the options.
        cls.options = {"router_https": "%s:%d" % HTTPS, "certificates": f"/tmp/imperium-tls-{os.getpid()}", "proxy_protocol_from": BALANCER,
                       "log_level": "debug"}
        cls.certificates = cls.options["certificates"]
        os.mkdir(cls.certificates, 0o700)
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.certificates], check=True)
        make(cls.certificates, "one.crt", "one.key", "one.test", "www.one.test", common_name="one")
        make(cls.certificates, "wild/fullchain.pem", "wild/privkey.pem", "*.one.test", common_name="wild")
        make(cls.certificates, "_default.crt", "_default.key", common_name="default")
        super().setUpClass()

    @classmethod
    def set_up_world(cls, world):
        world.drop("one", "one.test", uid=ALICE, lines=["processes = 2"])
        world.drop("two", "*.one.test", uid=BOB, app="answers.py", lines=["processes = 1"])

    def setUp(self):
        self.world.emperor.wait_state("one", "ready")
        self.world.emperor.wait_state("two", "ready")

    def log_since(self, mark):
        with open(self.world.emperor.log, errors="replace") as f:
            return f.read()[mark:]

    def mark(self):
        return len(self.log_since(0))

    # -- certificates

    def test_the_name_picks_the_certificate(self):
        for name, expected in {"one.test": "one", "WWW.One.Test": "one", "x.one.test": "wild", "a.b.one.test": "default",
                               "other.test": "default", "one.crt": "default", None: "default"}.items():
            with self.subTest(name):
                self.assertEqual(shown(name), expected)

    def test_the_application_is_told(self):
        with Secure() as c:
            environ = json.loads(c.get().body)
        self.assertEqual((environ["wsgi.url_scheme"], environ["HTTPS"], environ["SERVER_PORT"]), ("https", "on", "8443"))
        self.assertEqual(environ["REMOTE_ADDR"], STRANGER)
        plain = json.loads(http(self.world.http_address, "one.test", "/environ", headers=[("X-Forwarded-Proto", "https"), ("HTTPS", "on")]).body)
        self.assertEqual(plain["wsgi.url_scheme"], "http")
        self.assertNotIn("HTTPS", plain)

    def test_the_keys_belong_to_root_alone_and_the_router_does_not(self):
        self.assertEqual(os.stat(self.certificates).st_mode & 0o777, 0o700)
        for pid in self.world.emperor.pids():
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if b"fastrouter" not in f.read():
                    continue
            with open(f"/proc/{pid}/status") as f:
                self.assertNotIn("\nUid:\t0\t", f.read())
            return
        self.fail("there is no router")

    def test_new_certificates_come_without_touching_connections(self):
        with Secure() as held:
            self.assert_status(held.get(), 200)
            make(self.certificates, "fresh.crt", "fresh.key", "fresh.test", common_name="fresh")
            until(lambda: f"fresh.test has its certificate, not {shown('fresh.test')}", lambda: shown("fresh.test") == "fresh")
            make(self.certificates, "fresh.crt", "fresh.key", "fresh.test", common_name="renewed")
            until(lambda: f"the new one is shown, not {shown('fresh.test')}", lambda: shown("fresh.test") == "renewed")
            make(self.certificates, "acme/fullchain.pem", "acme/privkey.pem", "acme.test", common_name="acme")
            until(lambda: "a new directory is seen", lambda: shown("acme.test") == "acme")
            make(self.certificates, "acme/fullchain.pem", "acme/privkey.pem", "acme.test", common_name="acme again")
            until(lambda: "a change in it, too", lambda: shown("acme.test") == "acme again")
            os.unlink(os.path.join(self.certificates, "fresh.crt"))
            until(lambda: "without its file it is gone", lambda: shown("fresh.test") == "default")
            os.unlink(os.path.join(self.certificates, "fresh.key"))
            self.assert_status(held.get(), 200)

    def test_a_broken_pair_keeps_the_one_before(self):
        make(self.certificates, "fragile.crt", "fragile.key", "fragile.test", common_name="fragile")
        until(lambda: "it is there", lambda: shown("fragile.test") == "fragile")
        for broken, reason in ((b"-----BEGIN CERTIFICATE-----\nnonsense\n", "no readable certificate"), (b"", "no readable certificate")):
            mark = self.mark()
            with open(os.path.join(self.certificates, "fragile.crt"), "wb") as f:
                f.write(broken)
            until(lambda: f"the log says why\n{self.log_since(mark)}", lambda: "file=fragile.crt stays what it was" in self.log_since(mark) and reason in self.log_since(mark))
            self.assertEqual(shown("fragile.test"), "fragile")
        mark = self.mark()
        make(self.certificates, "fragile.crt", ".other.key", "fragile.test", common_name="mended")
        until(lambda: f"a foreign key is said\n{self.log_since(mark)}", lambda: "cannot be used together" in self.log_since(mark))
        self.assertEqual(shown("fragile.test"), "fragile")
        os.chmod(os.path.join(self.certificates, ".other.key"), 0o644)
        mark = self.mark()
        os.rename(os.path.join(self.certificates, ".other.key"), os.path.join(self.certificates, "fragile.key"))
        until(lambda: f"mended\n{self.log_since(mark)}", lambda: shown("fragile.test") == "mended")
        self.assertIn("fragile.key: everybody can read this private key", self.log_since(mark))

    # -- the protocol

    def test_curl_speaks_to_it(self):
        done = subprocess.run(["curl", "-sS", "--cacert", f"{self.certificates}/one.crt", "--resolve", f"one.test:8443:{HTTPS[0]}",
                               "-w", "%{http_version} %{ssl_verify_result}", "-o", "/dev/null", "https://one.test:8443/environ"], capture_output=True, text=True, timeout=30)
        self.assertEqual((done.returncode, done.stdout), (0, "1.1 0"), done.stderr)

    def s_client(self, *arguments):
        return subprocess.run(["openssl", "s_client", "-connect", "%s:%d" % HTTPS, "-servername", "one.test", *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, errors="replace")

    def test_versions_and_protocols(self):
        for version in ("-tls1_2", "-tls1_3"):
            done = self.s_client(version, "-alpn", "h2,http/1.1")
            self.assertIn("ALPN protocol: http/1.1", done.stdout)
        self.assertIn("alert", self.s_client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0").stderr)
        self.assertIn("no application protocol", self.s_client("-alpn", "h2").stderr)

    def test_sessions_are_resumed(self):
        context = ssl._create_unverified_context()
        session = None
        for resumed in (False, True):
            with socket.create_connection(HTTPS, 10) as plain, context.wrap_socket(plain, server_hostname="one.test", session=session) as s:
                s.sendall(HEAD.encode())
                self.assertTrue(s.recv(1))  # tickets come with the first bytes
                self.assertEqual(s.session_reused, resumed)
                session = s.session

    def test_many_requests_and_large_bodies(self):
        body = os.urandom(5 << 20)
        with Secure() as c:
            for _ in range(20):
                self.assert_status(c.get(), 200)
            c.send(f"POST /echo HTTP/1.1\r\nHost: one.test\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = c.read()
            self.assert_status(answer, 200)
            self.assertEqual(hashlib.sha256(answer.body).digest(), hashlib.sha256(body).digest())
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[:100], body[100:200_000], body[200_000:])) + b"0\r\n\r\n"
            c.send(b"POST /count HTTP/1.1\r\nHost: one.test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
            self.assertEqual(json.loads(c.read().body), [len(body), sum(body) & 0xffffffff])
            self.assertEqual(len(c.get("/big?mib=32").body), 32 << 20)
            c.send("GET /environ HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n")
            self.assert_status(c.read(), 200)
            self.assertEqual(c.socket.recv(1), b"", "the end is said, not cut off")

    def test_what_is_no_tls_is_refused(self):
        answer = http(HTTPS, "one.test", "/environ")
        self.assert_status(answer, 400)
        self.assertIn("https", answer.text)
        with Connection(HTTPS) as c:
            c.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xff" * 600)
            while c.more():
                pass
        self.assertEqual(shown("one.test"), "one")

    # -- the PROXY protocol

    def test_a_balancer_says_for_whom_it_connects(self):
        for header, address, port in ((b"PROXY TCP4 192.0.2.66 10.9.8.7 4711 443\r\n", "192.0.2.66", "4711"),
                                      (b"PROXY TCP6 2001:db8::9 2001:db8::1 4712 443\r\n", "2001:db8::9", "4712"),
                                      (proxy2("198.51.100.3", 4713), "198.51.100.3", "4713"),
                                      (b"PROXY UNKNOWN\r\n", BALANCER, None),
                                      (b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00", BALANCER, None)):
            with self.subTest(header):
                with Plain(self.world.http_address, BALANCER) as c:
                    c.send(header + HEAD.encode())
                    environ = json.loads(c.read().body)
                self.assertEqual(environ["REMOTE_ADDR"], address)
                if port:
                    self.assertEqual((environ["REMOTE_PORT"], environ["SERVER_PORT"]), (port, "443"))
                with Secure(before=header, source=BALANCER) as c:
                    environ = json.loads(c.get().body)
                self.assertEqual((environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]), (address, "https"))

    def test_its_header_may_come_in_any_pieces(self):
        header = proxy2("198.51.100.4", 4714)
        with Plain(self.world.http_address, BALANCER) as c:
            c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in header + HEAD.encode()[:30]:
                c.send(bytes([byte]))
            c.send(HEAD[30:])
            self.assertEqual(json.loads(c.read().body)["REMOTE_ADDR"], "198.51.100.4")

    def test_a_balancer_must_say_it(self):
        for nothing in (HEAD.encode(), b"PROXY TCP4 192.0.2.66 10.9.8.7 4711\r\n" + HEAD.encode()):
            with Plain(self.world.http_address, BALANCER) as c:
                c.send(nothing)
                self.assertTrue(c.at_end())
        with self.assertRaises(OSError):
            Secure(source=BALANCER).shown()

    def test_nobody_else_may(self):
        with Plain(self.world.http_address, STRANGER) as c:
            c.send(b"PROXY TCP4 192.0.2.66 10.9.8.7 4711 443\r\n" + HEAD.encode())
            self.assertEqual(c.read().status, 400)
        with self.assertRaises(OSError):
            Secure(before=b"PROXY TCP4 192.0.2.66 10.9.8.7 4711 443\r\n").shown()

    def test_the_router_dies_and_the_next_one_has_all_certificates(self):
        context = ssl._create_unverified_context()
        with socket.create_connection(HTTPS, 10) as plain, context.wrap_socket(plain, server_hostname="one.test") as s:
            s.sendall(HEAD.encode())
            s.recv(1)
            session = s.session
        for pid in self.world.emperor.pids():
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if b"fastrouter" in f.read():
                    os.kill(pid, 9)
        until(lambda: f"served again: {shown('one.test')}", lambda: shown("one.test") == "one")
        with Secure() as c:
            self.assert_status(c.get(), 200)
        with socket.create_connection(HTTPS, 10) as plain, context.wrap_socket(plain, server_hostname="one.test", session=session) as s:
            self.assertTrue(s.session_reused, "tickets are good at every router")


class Alone(SystemCase):
    """The router without an emperor; the emperor of this class only brings the site's socket."""

    options = {}

    def test_tickets_are_good_at_every_process(self):
        directory = self.world.path("pairs")
        os.mkdir(directory, 0o700)
        make(directory, "one.crt", "one.key", "one.test", common_name="one")
        program, context, session = os.path.join(self.world.emperor.programs, "fastrouter"), ssl._create_unverified_context(), None
        log = self.world.path("routers.log")
        with open(log, "wb") as out:
            router = subprocess.Popen([program, "--router-https", "%s:%d" % HTTPS, "--certificates", directory, "--fastrouter-processes=4"], stderr=out)
        try:
            until(lambda: f"all accept\n{open(log).read()}", lambda: open(log).read().count("accepting") == 4)
            resumed = []
            for round in range(3):
                with socket.create_connection(HTTPS, 10) as plain, context.wrap_socket(plain, server_hostname="one.test", session=session) as s:
                    s.sendall(HEAD.encode())
                    self.assertTrue(s.recv(1))
                    resumed.append(s.session_reused)
                    session = s.session
                for pid in set(processes.children(router.pid)) - {router.pid}:  # whoever gave it
                    os.kill(pid, signal.SIGKILL)
                until("others accept", lambda: open(log).read().count("accepting") == 4 * (round + 2))
            self.assertEqual(resumed, [False, True, True])
        finally:
            router.terminate()
            self.assertEqual(router.wait(10), 0)

    def test_refused_names(self):
        directory = self.world.path("certificates")
        os.mkdir(directory, 0o700)
        make(directory, "one.crt", "one.key", "one.test", common_name="one")
        with open(os.path.join(directory, "one.key")) as key, open(os.path.join(directory, "one.crt")) as certificate:
            both = certificate.read() + key.read()
        self.world.write("certificates/both.pem", both, 0o600)
        log = self.world.path("router.log")
        program = os.path.join(self.world.emperor.programs, "fastrouter")
        with open(log, "wb") as out:
            router = subprocess.Popen([program, "--router-https", "%s:%d" % HTTPS, "--certificates", directory, "--strict-sni", "--header-timeout=2"], stderr=out)
        try:
            until(lambda: f"it accepts\n{open(log).read()}", lambda: "accepting" in open(log).read())
            self.assertEqual(shown("one.test"), "one")
            for name in ("other.test", None):
                self.assertIn("UNRECOGNIZED_NAME", shown(name))
            with Secure() as c:
                self.assertEqual(c.get().status, 404)
            make(directory, "later.crt", "later.key", "later.test", common_name="later")
            until(lambda: f"seen\n{open(log).read()}", lambda: shown("later.test") == "later")
            with Connection(HTTPS) as silent:  # no word at all: the handshake has its time
                self.assertTrue(silent.at_end())
        finally:
            router.terminate()
            self.assertEqual(router.wait(20), 0)
        done = subprocess.run([program, "--router-https", "%s:%d" % HTTPS], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--certificates", done.stderr)


class Limits(SystemCase):
    options = {"connections_per_peer": "8", "proxy_protocol_from": BALANCER, "trusted_proxy": "127.0.0.8", "header_timeout": "60",
               "router_https": "%s:%d" % HTTPS, "certificates": f"/tmp/imperium-tls-{os.getpid()}"}

    @classmethod
    def setUpClass(cls):
        os.mkdir(cls.options["certificates"], 0o700)
        cls.addClassCleanup(subprocess.run, ["rm", "-rf", cls.options["certificates"]], check=True)
        make(cls.options["certificates"], "one.crt", "one.key", "one.test", common_name="one")
        super().setUpClass()

    @classmethod
    def set_up_world(cls, world):
        world.drop("one", "one.test", uid=ALICE, lines=["processes = 2"])

    def test_one_client_gets_so_many_and_no_more(self):
        self.world.emperor.wait_state("one", "ready")
        held = [Plain(self.world.http_address, "127.0.0.9") for _ in range(8)]
        try:
            for c in held:
                c.send("GET / HTTP/1.1\r\nHo")
            for _ in range(20):
                with Plain(self.world.http_address, "127.0.0.9") as c:
                    c.send(HEAD)
                    answer = c.read()
                    self.assertIn(answer.status, (0, 503), "the ninth is turned away")
            with self.assertRaises(OSError):
                Secure(source="127.0.0.9").shown()
            with Plain(self.world.http_address, STRANGER) as c:
                c.send(HEAD)
                self.assert_status(c.read(), 200, "somebody else does not notice")
            held.pop().socket.close()
            until(lambda: "a place is free when one leaves", self.served_from("127.0.0.9"))
        finally:
            for c in held:
                c.socket.close()

    def served_from(self, source):
        def served():
            with Plain(self.world.http_address, source) as c:
                c.send(HEAD)
                return c.read().status == 200
        return served

    def test_a_proxy_is_many_clients(self):
        self.world.emperor.wait_state("one", "ready")
        held = [Plain(self.world.http_address, "127.0.0.8") for _ in range(20)]
        held += [Plain(self.world.http_address, BALANCER) for _ in range(20)]
        try:
            for c in held[:20]:
                c.send(HEAD)
                self.assert_status(c.read(), 200)
            for i, c in enumerate(held[20:]):
                c.send(f"PROXY TCP4 192.0.2.{i} 10.9.8.7 4711 443\r\n{HEAD}")
                self.assert_status(c.read(), 200)
        finally:
            for c in held:
                c.socket.close()

    def test_whom_it_names_is_counted(self):
        self.world.emperor.wait_state("one", "ready")
        line = f"PROXY TCP4 198.51.100.77 10.9.8.7 4711 443\r\n{HEAD}"
        held = []
        try:
            for _ in range(8):
                held.append(Plain(self.world.http_address, BALANCER))
                held[-1].send(line)
                self.assert_status(held[-1].read(), 200)
            with Plain(self.world.http_address, BALANCER) as c:
                c.send(line)
                self.assertIn(c.read().status, (0, 503))
        finally:
            for c in held:
                c.socket.close()


if __name__ == "__main__":
    main()
