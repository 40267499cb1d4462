"""Commands behind their domains: a tenant's own HTTP server and php-fpm through nginx and through the router's HTTP port."""
import json
import os
import unittest

from frame import BOB, Load, SystemCase, http, main, until
from imperium.doors import PHP_FPM

PHP = """<?php
if (isset($_GET["log"])) error_log("noted by php");
header("Content-Type: application/json");
echo json_encode(["uid" => posix_getuid(), "mark" => "%s", "script" => $_SERVER["SCRIPT_NAME"], "info" => $_SERVER["PATH_INFO"] ?? "", "body" => file_get_contents("php://input")]);
"""


class Commands(SystemCase):
    options = {"nginx": True}

    @property
    def doors(self):
        return self.world.http_address, self.world.nginx_address

    def echo(self, name, host, mark="", lines=(), socket="http-socket"):
        path = self.world.path("sockets", f"{name}.sock")
        self.world.drop(name, host, app=None, lines=[f"command = /usr/bin/python3 {self.world.app('websocket_echo.py')}", "command-type = notify",
                                                     f"{socket} = {path}", f"env = MARK={mark or name}", *lines])

    def expect(self, host, status, text=None):
        for address in self.doors:
            seen = {}

            def there(address=address):
                seen["answer"] = http(address, host)
                return seen["answer"].status == status and (text is None or seen["answer"].text == text)

            until(lambda: f"{host} answers {status} {text}; it says {seen['answer']}\n{self.world.emperor.tail(20)}", there)

    def test_a_server_of_its_own(self):
        self.echo("own", "own.test")
        self.world.emperor.wait_state("own", "ready")
        self.expect("own.test", 200, "own")
        for address in self.doors:
            fields = http(address, "own.test", "/headers", "POST", [("X-Forwarded-Proto", "https")], b"abc").text.lower().split("\r\n")
            self.assertIn("host: own.test", fields)
            self.assertIn("content-length: 3", fields)
            self.assertIn("x-forwarded-for: 127.0.0.1", fields)
            self.assertIn("x-forwarded-proto: http", fields)

    def test_an_address_of_every_kind(self):
        for name, listen in (("abstract", "@imperium-%d" % os.getpid()), ("tcp", "%s:9200" % self.world.http_address[0])):
            self.world.drop(name, f"{name}.test", app=None, lines=[f"command = /usr/bin/python3 {self.world.app('websocket_echo.py')}", "command-type = notify",
                                                                   f"http-socket = {listen}", f"env = MARK={name}"])
            self.world.emperor.wait_state(name, "ready")
            self.expect(f"{name}.test", 200, name)

    def test_stopped_started_and_gone(self):
        emperor = self.world.emperor
        self.echo("states", "states.test")
        emperor.wait_state("states", "ready")
        self.expect("states.test", 200, "states")
        self.assertEqual(emperor.ctl("stop", "states").returncode, 0)
        emperor.wait_state("states", "stopped")
        self.expect("states.test", 503)
        self.assertEqual(emperor.ctl("start", "states").returncode, 0)
        self.expect("states.test", 200, "states")
        self.world.remove("states")
        emperor.wait_gone("states")
        self.expect("states.test", 404)

    def test_one_that_does_not_start(self):
        path = self.world.path("sockets", "never.sock")
        self.world.drop("never", "never.test", app=None, lines=["command = /bin/false", f"http-socket = {path}", "queue-timeout = 1"])
        self.world.emperor.wait_state("never", "backoff")
        until("it is turned away at once", lambda: http(self.world.http_address, "never.test").status == 503, 20)
        self.world.remove("never")
        self.world.emperor.wait_gone("never")

    def test_the_first_request_starts_it(self):
        self.echo("lazy", "lazy.test", lines=["start = lazy"])
        self.world.emperor.wait_state("lazy", "asleep")
        self.expect("lazy.test", 200, "lazy")
        self.world.emperor.wait_state("lazy", "ready")

    def test_a_reload_costs_no_request(self):
        self.echo("again", "again.test", "first")
        self.world.emperor.wait_state("again", "ready")
        self.expect("again.test", 200, "first")
        loads = [Load(address, "again.test", path, every=0.005) for address in self.doors for path in ("/", "/slow/0.05")]
        for load in loads:
            load.__enter__()
        try:
            for mark in ("second", "third"):
                self.echo("again", "again.test", mark)
                self.expect("again.test", 200, mark)
            self.assertEqual(self.world.emperor.ctl("reload", "again").returncode, 0)
            until("it is one generation again", lambda: len(self.world.emperor.json("show", "again")["generations"]) == 1)
        finally:
            for load in loads:
                load.__exit__()
        for load in loads:
            self.assert_clean(load)

    @unittest.skipUnless(PHP_FPM, "php-fpm is not installed")
    def test_php(self):
        world, listen = self.world, self.world.path("sockets", "php.sock")
        world.write("site/index.php", PHP % "first", owner=BOB)
        world.write("site/deep/page.php", PHP % "deep", owner=BOB)
        conf = world.write("php.conf", f"[global]\nerror_log = /proc/self/fd/2\nprocess_control_timeout = 10\n[site]\nlisten = /kept\npm = static\npm.max_children = 2\n"
                           "catch_workers_output = yes\nphp_admin_flag[log_errors] = on\n")
        # php-fpm removes the file that it thinks it listens at when it ends: it is told a name that is none.
        lines = [f"command = /usr/sbin/{PHP_FPM} -F -y {conf}", f"fastcgi-socket = {listen}", "env = FPM_SOCKETS=/kept=3", "stop-signal = QUIT", "startsecs = 0",
                 f"node-param = DOCUMENT_ROOT={world.path('site')}"]
        world.drop("php", "php.test", app=None, uid=BOB, lines=lines)
        world.emperor.wait_state("php", "ready")
        for address in self.doors:
            until("php answers", lambda a=address: http(a, "php.test").status == 200)
            seen = json.loads(http(address, "php.test", "/?log=1", "POST", body=b"abc").body)
            self.assertEqual(seen, {"uid": BOB, "mark": "first", "script": "/index.php", "info": "", "body": "abc"})
            seen = json.loads(http(address, "php.test", "/deep/page.php/x/y").body)
            self.assertEqual((seen["mark"], seen["info"]), ("deep", "/x/y"))
            self.assertEqual(http(address, "php.test", "/none.php").status, 404)
        with Load(world.http_address, "php.test", every=0.005) as load:
            self.assertEqual(world.emperor.ctl("reload", "php").returncode, 0)
            until("it is one generation again", lambda: (g := world.emperor.json("show", "php")["generations"]) and len(g) == 1 and load.answered > 20)
        self.assert_clean(load)


if __name__ == "__main__":
    main()
