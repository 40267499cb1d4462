"""Nodes of every protocol behind both doors of the router: real uWSGI and real php-fpm."""
import hashlib
import json
import os
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import frame  # noqa: F401
from imperium import case, client
from imperium.doors import PHP_FPM, DoorsCase, everywhere
from imperium.odd_node import chunks, pattern
from imperium.world import own_address

APP = """
import hashlib, json
PIECE = bytes(range(251)) * 4
def pieces(size):
    whole, rest = divmod(size, len(PIECE) * 64)
    for _ in range(whole):
        yield PIECE * 64
    yield (PIECE * 64)[:rest]
def application(environ, start_response):
    name, _, number = environ["PATH_INFO"].strip("/").partition("/")
    headers = [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    if name == "sha":
        sha, left = hashlib.sha256(), int(environ.get("CONTENT_LENGTH") or 0)
        while left and (piece := environ["wsgi.input"].read(min(left, 1 << 16))):
            sha.update(piece)
            left -= len(piece)
        body = sha.hexdigest().encode()
    elif name == "size":
        start_response("200 OK", headers + [("Content-Length", number)])
        return pieces(int(number))
    elif name == "open":
        start_response("200 OK", headers)
        return pieces(int(number))
    elif name in ("204", "304"):
        start_response(name + " Odd", headers)
        return []
    else:
        body = json.dumps({k: v for k, v in environ.items() if isinstance(v, str)}).encode()
    start_response("200 OK", headers + [("Content-Length", str(len(body)))])
    return [body]
"""
PHP = """<?php
if (isset($_GET["log"])) error_log("to the error stream");
if (isset($_GET["status"])) http_response_code((int)$_GET["status"]);
if (isset($_GET["size"])) { $p = implode("", array_map("chr", range(0, 250))); for ($i = 0; $i < (int)$_GET["size"]; $i++) { echo $p; if ($i == 3) error_log("amid"); } exit; }
if (isset($_GET["fatal"])) { echo "half"; flush(); nothing_of_this_name(); }
$h = hash_init("sha256"); $in = fopen("php://input", "r"); $n = hash_update_stream($h, $in);
header("Content-Type: application/json");
echo json_encode(["size" => $n, "sha" => hash_final($h), "server" => $_SERVER, "post" => $_POST]);
"""
LARGE_UP, LARGE_DOWN = pattern(20 << 20), pattern(50 << 20)
SHA_UP, SHA_DOWN = (hashlib.sha256(data).hexdigest() for data in (LARGE_UP, LARGE_DOWN))


class Uwsgi(DoorsCase):
    """uWSGI on http-socket, socket, fastcgi-socket and scgi-socket."""

    @classmethod
    def set_up(cls, doors):
        cls.hosts = doors.uwsgi("app", APP, "threads = 4")

    @everywhere
    def test_what_the_application_sees(self, door, address, host):
        environ = json.loads(self.ok(self.get(address, host, "/a%20b/c?x=1&y=%2F", headers=[
            ("X-One", "1"), ("Proxy", "http://evil"), ("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-Proto", "https"), ("Connection", "X-One")])).body)
        self.assertEqual((environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"]), ("GET", "/a b/c", "x=1&y=%2F"))
        self.assertEqual(environ["HTTP_HOST"], host)
        self.assertEqual(environ["SERVER_PROTOCOL"], "HTTP/1.1")
        if door == "http":
            self.assertNotIn("https", environ.get("HTTP_X_FORWARDED_PROTO", ""))
            self.assertNotIn("6.6.6.6", environ.get("HTTP_X_FORWARDED_FOR", ""))
        if host.startswith("http"):
            self.assertEqual(environ["HTTP_X_FORWARDED_FOR"].split(", ")[-1], "127.0.0.1")
            self.assertEqual(environ["HTTP_X_FORWARDED_PROTO"], "http", "nobody can claim a scheme")
            self.assertNotIn("HTTP_PROXY", environ)
        else:
            self.assertEqual(environ["REMOTE_ADDR"], "127.0.0.1")
        if host.startswith(("fastcgi", "scgi")):
            self.assertNotIn("HTTP_PROXY", environ)

    @everywhere
    def test_bodies_that_are_none(self, door, address, host):
        head = self.ok(self.get(address, host, "/size/1000", "HEAD"))
        self.assertEqual((head.header("content-length"), head.body), ("1000", b""))
        for status in (204, 304):
            answer = self.ok(self.get(address, host, f"/{status}"), status)
            self.assertEqual([v for n, v in answer.headers if n == "set-cookie"], ["a=1", "b=2"])
        self.ok(self.get(address, host, "/sha", "POST"))

    @everywhere
    def test_small_bodies_on_one_connection(self, door, address, host):
        with client.Connection(address, 20) as c:
            for i in range(3):
                body = pattern(i * 1000)
                c.send(f"POST /sha HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                self.assertEqual(self.ok(c.read()).text, hashlib.sha256(body).hexdigest())
                c.send(f"GET /open/{i * 70000} HTTP/1.1\r\nHost: {host}\r\n\r\n")
                answer = self.ok(c.read())
                self.assertEqual(answer.header("transfer-encoding"), "chunked", "no length is known")
                self.assertTrue(answer.body == pattern(i * 70000))

    @everywhere
    def test_a_client_that_knows_no_chunks(self, door, address, host):
        with client.Connection(address, 20) as c:
            c.send(f"GET /open/200000 HTTP/1.0\r\nHost: {host}\r\n\r\n")
            answer = self.ok(c.read())
            self.assertIsNone(answer.header("transfer-encoding"))
            self.assertTrue(answer.body == pattern(200000))

    @everywhere
    def test_large_bodies(self, door, address, host):
        if (door == "http") == ("tcp" in host):
            return  # each protocol by each door, and each kind of socket, once
        answer = self.ok(self.get(address, host, "/sha", "POST", body=LARGE_UP))
        self.assertEqual(answer.text, SHA_UP)
        answer = self.ok(self.get(address, host, f"/size/{len(LARGE_DOWN)}"))
        self.assertEqual(hashlib.sha256(answer.body).hexdigest(), SHA_DOWN)

    @everywhere
    def test_a_body_whose_length_is_not_known(self, door, address, host):
        for body in (b"", b"abc", LARGE_UP[:3 << 20]):
            answer = self.ok(self.get(address, host, "/sha", "POST", [("Transfer-Encoding", "chunked")], chunks(body)))
            # uWSGI's HTTP reads chunks only for an application that asks for them.
            if not host.startswith("http") or door == "nginx":
                self.assertEqual(answer.text, hashlib.sha256(body).hexdigest())

    def test_no_variable_becomes_another_request(self):
        """What a client says through nginx, raw at the router's uwsgi port."""
        for host in self.hosts:
            with self.subTest(host):
                for name, value in (("REQUEST_URI", "/x HTTP/1.1\r\nHost: other\r\n\r\nGET /y"), ("HTTP_X", "a\r\nX-Forged: 1"), ("REQUEST_METHOD", "GET /x HTTP/1.1\r\n"),
                                    ("HTTP_X\r\nX-FORGED", "1"), ("HTTP_CONTENT_LENGTH", "7"), ("HTTP_TRANSFER_ENCODING", "chunked"), ("CONTENT_TYPE", "a\r\nX-Forged: 1")):
                    answer = client.uwsgi(self.doors.socket, host, "/", extra=[(name, value)])
                    self.assertEqual(answer.error, "")
                    if answer.status == 200:
                        environ = json.loads(answer.body)
                        self.assertNotIn("HTTP_X_FORGED", environ)
                        self.assertNotIn(environ.get("HTTP_TRANSFER_ENCODING", "") if not host.startswith("uwsgi") else "", ("chunked",))
                        self.assertIn(environ.get("CONTENT_LENGTH", ""), ("", "0"))
                    else:
                        self.assertIn(answer.status, (400, 405))


@unittest.skipUnless(PHP_FPM, "php-fpm is not installed")
class Php(DoorsCase):
    lines = ("node-param = DOCUMENT_ROOT=%d/root",)

    @classmethod
    def set_up(cls, doors):
        doors.write("root/index.php", PHP)
        os.makedirs(doors.path("root/sub"))
        doors.write("root/sub/page.php", PHP)
        limits = ("php_admin_value[post_max_size] = 64M", "php_admin_flag[log_errors] = on", "php_admin_flag[display_errors] = off")
        doors.php("unix", doors.path("php.sock"), *limits)
        port = own_address(9000)
        doors.php("tcp", "%s:%d" % port, *limits)
        cls.hosts = [doors.host("unix.php", doors.path("php.sock"), "fastcgi"), doors.host("tcp.php", "%s:%d" % port, "fastcgi")]

    @everywhere
    def test_scripts(self, door, address, host):
        seen = json.loads(self.ok(self.get(address, host, "/?a=1", headers=[("Proxy", "evil")])).body)["server"]
        self.assertEqual((seen["SCRIPT_NAME"], seen["REQUEST_URI"], seen["HTTP_HOST"], seen["REMOTE_ADDR"]), ("/index.php", "/?a=1", host, "127.0.0.1"))
        self.assertNotIn("HTTP_PROXY", seen)
        seen = json.loads(self.ok(self.get(address, host, "/sub/page.php/more")).body)["server"]
        self.assertEqual((seen["SCRIPT_NAME"], seen["PATH_INFO"]), ("/sub/page.php", "/more"))
        self.ok(self.get(address, host, "/none.php"), 404)
        self.ok(self.get(address, host, "/?status=503"), 503)
        self.assertEqual(self.ok(self.get(address, host, "/", "HEAD")).body, b"")
        form = json.loads(self.ok(self.get(address, host, "/", "POST", [("Content-Type", "application/x-www-form-urlencoded")], b"k=v")).body)
        self.assertEqual(form["post"], {"k": "v"})

    @everywhere
    def test_large_bodies(self, door, address, host):
        seen = json.loads(self.ok(self.get(address, host, "/", "POST", body=LARGE_UP)).body)
        self.assertEqual((seen["size"], seen["sha"]), (len(LARGE_UP), SHA_UP))
        seen = json.loads(self.ok(self.get(address, host, "/", "POST", [("Transfer-Encoding", "chunked")], chunks(LARGE_UP))).body)
        self.assertEqual((seen["size"], seen["sha"]), (len(LARGE_UP), SHA_UP))
        self.assertTrue(self.ok(self.get(address, host, "/?size=60000")).body == bytes(range(251)) * 60000)

    @everywhere
    def test_its_errors_are_no_part_of_the_answer(self, door, address, host):
        answer = self.ok(self.get(address, host, "/?log=1"))
        self.assertNotIn("error stream", answer.text)
        self.assertTrue(self.ok(self.get(address, host, "/?size=100&log=1")).body == bytes(range(251)) * 100)
        self.assertIn(self.get(address, host, "/?fatal=1").status, (200, 500))

    def test_nobody_holds_its_processes(self):
        """Each of them serves one connection: those that were used must not be in the way of others."""
        for host in self.hosts:
            with ThreadPoolExecutor(6) as pool:
                for answer in pool.map(lambda _: self.get(self.doors.http, host), range(30)):
                    self.ok(answer)
            began = time.monotonic()
            self.ok(self.get(self.doors.http, host, "/", "POST", body=b"x"))
            self.assertLess(time.monotonic() - began, 3)


if __name__ == "__main__":
    case.main()
