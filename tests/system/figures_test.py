"""What the router tells: access log, figures for uWSGI's tools and for Prometheus, pages and answers to failures."""
import json
import os
import re
import signal
import socket
import threading
import time
import unittest

from frame import ALICE, BOB, SystemCase, client, http, main, processes, until
from imperium.alone import KEY, AloneCase
from imperium.world import own_address

UGLY = 'probe "\\ \x1b[31m\te\xe9'


def sample(page, name, **labels):
    """The one sample of that name with those labels, 0 if there is none."""
    wanted = ",".join(f'{k}="{v}"' for k, v in labels.items())
    found = re.findall(rf"^{name}{{{re.escape(wanted)}}} (\S+)$", page, re.M)
    return float(found[0]) if found else 0.0


class Told(SystemCase):
    """Two router processes under an emperor, behind nginx and before visitors of their own."""
    metrics, stats = own_address(9102), own_address(9103)

    @classmethod
    def setUpClass(cls):
        cls.options = {"nginx": True, "router_processes": 2, "metrics": "%s:%d" % cls.metrics, "access_log_format": "json",
                       "fastrouter_stats": "%s:%d" % cls.stats}
        super().setUpClass()

    @classmethod
    def set_up_world(cls, world):
        world._folder("logs", 0o1777)
        world.write("pages/404.html", "<p>nobody here</p>")
        world.write("pages/one.test/503.html", "<p>one is away</p>")
        world.write("pages/*.wild.test/404.html", "<p>wild</p>")
        world.emperor.options.update({"access-log": world.path("logs/access.log"), "error-pages": world.path("pages")})
        world.drop("one", "one.test", uid=ALICE)
        world.drop("two", "two.test", uid=BOB, lines=["limit-post = 10"])

    def setUp(self):
        self.world.emperor.wait_state("one", "ready")
        self.world.emperor.wait_state("two", "ready")

    def lines(self, **wanted):
        """Those of the access log that have these members."""
        rows = []
        for name in ("access.log", "access.log.1"):  # one process may take a second to see that it was moved
            if os.path.exists(self.world.path("logs", name)):
                with open(self.world.path("logs", name)) as f:
                    rows += [json.loads(line) for line in f]
        return [r for r in rows if all(r.get(k) == v for k, v in wanted.items())]

    def line(self, **wanted):
        until(f"a line with {wanted}", lambda: self.lines(**wanted))
        return self.lines(**wanted)[-1]

    def page(self):
        answer = http(self.metrics, "m", "/metrics")
        self.assert_status(answer, 200)
        return answer.text

    def test_one_line_of_json_per_request(self):
        http(self.world.nginx_address, "one.test", "/plain?through=nginx", headers=[("User-Agent", "a\tb"), ("Referer", "http://x/\"")])
        line = self.line(target="/plain?through=nginx")
        self.assertEqual((line["door"], line["host"], line["method"], line["how"]), ("uwsgi", "one.test", "GET", "handed over"))
        self.assertEqual((line["user_agent"], line["referer"]), ("a\tb", 'http://x/"'))
        http(self.world.http_address, "one.test", "/plain?by=http", headers=[("User-Agent", UGLY.replace("\x1b", ""))])
        line = self.line(target="/plain?by=http")
        self.assertEqual((line["door"], line["status"], line["how"], line["protocol"]), ("http", 200, "relayed", "HTTP/1.1"))
        self.assertEqual(line["user_agent"], UGLY.replace("\x1b", ""))
        self.assertGreater(line["sent"], 0)
        self.assertTrue(0 < line["first_byte_ms"] <= line["total_ms"], line)

    def test_a_line_cannot_be_forged(self):
        evil = '/x" 200\n{"forged":1}'
        client.uwsgi(self.world.router, "one.test", evil, extra=[("HTTP_USER_AGENT", UGLY + '\n{"forged": 2}')])
        line = self.line(target=evil)
        self.assertEqual(line["user_agent"], UGLY + '\n{"forged": 2}')
        self.assertFalse(self.lines(forged=1) + self.lines(forged=2))

    def test_a_log_that_was_moved_away_is_begun_anew(self):
        path = self.world.path("logs/access.log")
        os.rename(path, path + ".1")

        def there():
            http(self.world.http_address, "one.test", "/plain?moved")
            return os.path.exists(path) and os.path.getsize(path)

        until("the new file has a line", there)

    def test_a_refusal_names_hop_and_limit(self):
        answer = http(self.world.http_address, "two.test", "/plain", "POST", body=b"x" * 100)
        self.assert_status(answer, 413)
        self.assertIn("limit-post", answer.text)
        line = self.line(host="two.test", status=413)
        self.assertEqual((line["hop"], line["limit"], line["cause"]), ("client", "limit-post", "limit_post"))
        self.assertIn('site two.test: refused status=413 hop="client" limit=limit-post', self.world.emperor.tail(200))

    def test_pages_of_the_operators_and_of_a_domain(self):
        self.assertEqual(self.world.get("nobody.test").text, "<p>nobody here</p>")
        self.assertEqual(self.world.get("a.b.wild.test").text, "<p>wild</p>")
        self.assertEqual(http(self.world.http_address, "x.wild.test").text, "<p>wild</p>")
        for host in ("..", "one.test/../pages", "%2e%2e"):
            self.assertEqual(http(self.world.http_address, host).status, 400)
        self.world.write("pages/nobody.test/404.html", "<p>its own</p>")
        until("the new page is there", lambda: self.world.get("nobody.test").text == "<p>its own</p>")
        os.unlink(self.world.path("pages/nobody.test/404.html"))
        until("it is gone", lambda: self.world.get("nobody.test").text == "<p>nobody here</p>")
        os.symlink("/etc/hostname", self.world.path("pages/nobody.test/404.html"))
        self.world.write("pages/two.test/404.html", "")
        until("a link was looked at", lambda: "not read" in self.world.emperor.tail(300))
        self.assertEqual(self.world.get("nobody.test").text, "<p>nobody here</p>")

    def test_a_stopped_site_has_its_page(self):
        self.world.emperor.ctl("stop", "one")
        self.world.emperor.wait_state("one", "stopped")
        try:
            for address in (self.world.nginx_address, self.world.http_address):
                answer = http(address, "one.test")
                self.assertEqual((answer.status, answer.text), (503, "<p>one is away</p>"))
            self.assertTrue(http(self.world.http_address, "one.test").header("retry-after"))
        finally:
            self.world.emperor.ctl("start", "one")
            self.world.emperor.wait_state("one", "ready")

    def test_the_sums_of_two_processes_are_right(self):
        before = self.page()
        for i in range(30):
            self.assert_status(http(self.world.http_address, "two.test", "/plain"), 200)
            self.assert_status(http(self.world.nginx_address, "two.test", "/plain"), 200)
        before_them = sample(before, "imperium_router_host_requests_total", host="two.test")
        until("all are counted", lambda: sample(self.page(), "imperium_router_host_requests_total", host="two.test") >= before_them + 60)
        after = self.page()
        for label in ({"host": "two.test"}, {"vassal": "two"}):
            kind = next(iter(label))
            grown = {n: sample(after, f"imperium_router_{kind}_{n}", **label) - sample(before, f"imperium_router_{kind}_{n}", **label)
                     for n in ("requests_total", "handed_over_total", "relayed_total", "total_seconds_count")}
            self.assertEqual(grown, {"requests_total": 60, "handed_over_total": 30, "relayed_total": 30, "total_seconds_count": 30})
        self.assertEqual(sample(after, "imperium_router_host_responses_total", host="two.test", **{"class": "2xx"})
                         - sample(before, "imperium_router_host_responses_total", host="two.test", **{"class": "2xx"}), 30)
        for _ in range(4):  # whichever process answers
            stats = json.loads(bare(self.stats))
            self.assertEqual(stats["hosts"]["two.test"]["requests"], sample(after, "imperium_router_host_requests_total", host="two.test"))
            self.assertEqual(set(stats["fastrouter"]), {self.world.router, "%s:%d" % self.world.http_address})
        routers = [p for p in processes.children(self.world.emperor.process.pid) if processes.name(p) == "fastrouter"]
        self.assertEqual(len(routers), 2)
        os.kill(routers[0], signal.SIGKILL)
        until("another one is there", lambda: http(self.world.http_address, "two.test", "/plain").status == 200)
        self.assertGreaterEqual(sample(self.page(), "imperium_router_host_requests_total", host="two.test"),
                                sample(after, "imperium_router_host_requests_total", host="two.test"))

    def test_names_that_nobody_serves_get_no_label(self):
        for i in range(20):
            http(self.world.http_address, f"invented-{i}.test")
        page = self.page()
        self.assertNotIn("invented", page)
        self.assertGreaterEqual(sample(page, "imperium_router_host_refused_total", host="(other)", cause="no_route"), 20)
        for line in page.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) imperium_\w+ .+|imperium_\w+({(\w+="[^"]*",?)+})? [0-9.e+-]+)$')


class Kept(SystemCase):
    """What was counted stays, also after a second upgrade, when nobody is left of who counted, and the emperor's death."""
    metrics = own_address(9104)

    @classmethod
    def setUpClass(cls):
        cls.options = {"router_processes": 2, "metrics": "%s:%d" % cls.metrics}
        super().setUpClass()

    @classmethod
    def set_up_world(cls, world):
        world.drop("two", "two.test", uid=BOB)

    def test_an_upgrade_loses_no_figure(self):
        def count():  # a new emperor binds the address once the one before it has let it go
            answer = http(self.metrics, "m", "/metrics")
            return sample(answer.text, "imperium_router_host_requests_total", host="two.test") if answer.status else None

        def routers():
            return {p for p in processes.children(emperor.process.pid) if processes.name(p) == "fastrouter"}

        emperor, expected = self.world.emperor, 0
        emperor.wait_state("two", "ready")
        for _ in range(2):
            for _ in range(15):
                self.assert_status(http(self.world.http_address, "two.test", "/plain"), 200)
            expected += 15
            before = routers()
            done = emperor.ctl("upgrade")
            self.assertEqual(done.returncode, 0, done.stderr)
            until("others serve", lambda: len(routers()) == 2 and not before & routers())
            until(lambda: f"{expected} are counted, not {count()}", lambda: count() == expected)
        pid = emperor.pid_of("emperor")
        os.kill(pid, signal.SIGKILL)
        until("another emperor", lambda: emperor.pid_of("emperor") not in (None, pid) and emperor.ctl("ls").returncode == 0)
        until("it has asked", lambda: count() == expected)
        for _ in range(10):
            self.assert_status(http(self.world.http_address, "two.test", "/plain"), 200)
        until(lambda: f"all are counted, not {count()}", lambda: count() == expected + 10)


class Fair(SystemCase):
    """Limits of one vassal on what goes through the router."""

    @classmethod
    def set_up_world(cls, world):
        world.drop("slow", "slow.test", lines=["processes = 4", "concurrency-max = 1", "queue-max = 1"])
        world.drop("wide", "wide.test", uid=BOB, lines=["bandwidth-max = 4M"])

    def test_so_many_at_once_and_so_many_in_line(self):
        self.world.emperor.wait_state("slow", "ready")
        answers = []

        def ask():
            answers.append(http(self.world.http_address, "slow.test", "/wait?seconds=0.5"))

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for a in askers:
            a.start()
        for a in askers:
            a.join(20)
        self.assertEqual(sorted(a.status for a in answers), [200, 200, 503, 503])
        refused = next(a for a in answers if a.status == 503)
        self.assertIn("concurrency-max", refused.text)
        self.assertTrue(refused.header("retry-after"))

    def test_so_many_bytes_a_second(self):
        self.world.emperor.wait_state("wide", "ready")
        began = time.monotonic()
        answer = http(self.world.http_address, "wide.test", "/big?mib=6", timeout=30)
        took = time.monotonic() - began
        self.assertEqual((answer.status, answer.error, len(answer.body)), (200, "", 6 << 20))
        self.assertTrue(1.0 < took < 6, took)


class Silent(SystemCase):
    """errors = close: nginx gets nothing, and asks the next upstream."""

    @classmethod
    def setUpClass(cls):
        cls.spare = own_address(8001)
        cls.options = {"nginx": True, "errors": "close",
                       "nginx_replace": [("  upstream imperium {", "  upstream imperium {\n    server %s:%d backup;" % cls.spare),
                                         ("uwsgi_next_upstream off;", "uwsgi_next_upstream error;")]}
        super().setUpClass()

    @classmethod
    def set_up_world(cls, world):
        world.drop("one", "one.test", lines=["limit-post = 10"])
        server = socket.create_server(cls.spare)
        cls.addClassCleanup(server.close)
        threading.Thread(target=cls.serve, args=(server,), daemon=True).start()

    @staticmethod
    def serve(server):
        while True:
            try:
                s, _ = server.accept()
            except OSError:
                return
            with s:
                s.recv(1 << 16)
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nspare")
                s.shutdown(socket.SHUT_WR)
                client.drain(s)  # a close with a body unread would cost the answer

    def test_the_next_upstream_answers(self):
        self.world.emperor.wait_state("one", "ready")
        self.assert_status(self.world.get("one.test", "/plain"), 200)
        self.assertNotEqual(self.world.get("one.test", "/plain").text, "spare")
        self.assertEqual(self.world.get("nobody.test").text, "spare")
        self.assertEqual(self.world.get("nobody.test", method="PUT", body=b"x" * 1_000_000).text, "spare")
        with client.connect(self.world.router) as s:
            s.sendall(client.packet(client.request_variables("nobody.test")))
            self.assertEqual(client.drain(s), (b"", ""))
        self.assert_status(http(self.world.http_address, "nobody.test"), 404)  # a browser has no next upstream


def fields(value, path=""):
    """The names of all members, by where they stand."""
    if isinstance(value, list):
        return set().union(*[fields(v, path + "[]") for v in value]) if value else set()
    if isinstance(value, dict):
        return set().union(*[{f"{path}.{k}"} | fields(v, f"{path}.{k}") for k, v in value.items()])
    return set()


def bare(address):
    with client.connect(address) as s:
        return client.drain(s)[0].decode()


class Alone(AloneCase):
    lines = ("fastrouter-subscription-server = %d/subscribe.sock", "fastrouter-stats = %d/stats.sock", "access-log = %d/access.log",
             "metrics = %d/metrics.sock", "fastrouter-to = %d/fixed.sock")

    def stats(self):
        return json.loads(bare(self.alone.path("stats.sock")))

    def wait_for_node(self):
        self.alone.node("one")
        self.alone.log_line("new node")

    def test_every_field_of_uwsgis_own_router_is_there(self):
        self.wait_for_node()
        theirs = self.alone.path("theirs")
        self.alone.run(["/usr/bin/uwsgi-core", "--plugin", "fastrouter", "--master", "--fastrouter", theirs + ".sock",
                        "--fastrouter-subscription-server", theirs + ".sub", "--fastrouter-stats", theirs + ".stats"], "theirs")
        until("uWSGI's router is there", lambda: os.path.exists(theirs + ".stats"))
        self.alone.node("two", server=theirs + ".sub")
        # One that is told to end while it starts does not.
        until("the node answers", lambda: client.uwsgi(self.alone.path("two.sock"), KEY, "/").status == 200)
        until("it has a node", lambda: '"nodes"' in bare(theirs + ".stats") and json.loads(bare(theirs + ".stats"))["subscriptions"][0]["nodes"])
        wanted, has = fields(json.loads(bare(theirs + ".stats"))), fields(self.stats())
        self.assertFalse(wanted - has)
        ours, uwsgis = self.stats()["subscriptions"][0], json.loads(bare(theirs + ".stats"))["subscriptions"][0]
        self.assertEqual((ours["key"], ours["hash"]), (uwsgis["key"], uwsgis["hash"]))

    def test_the_figures_follow_the_requests(self):
        self.wait_for_node()
        for _ in range(5):
            self.assertEqual(self.alone.ask().status, 200)
        self.assertEqual(self.alone.ask("nobody.test").status, 404)

        def there():
            stats = self.stats()
            return stats["active_sessions"] == 0 and stats

        stats = until("nothing is under way", there)
        pool = stats["subscriptions"][0]
        node = pool["nodes"][0]
        self.assertEqual((pool["key"], pool["hits"], node["requests"], node["ref"], node["failcnt"]), (KEY, 5, 5, 0, 0))
        self.assertEqual(node["name"], self.alone.path("one.sock"))
        self.assertGreater(node["tx"], 0)
        self.assertEqual(stats["static_nodes"], [{"name": self.alone.directory + "//fixed.sock", "hits": 0, "grace": 0}])
        host = stats["hosts"][KEY]
        self.assertEqual((host["requests"], host["relayed"], host["status"]["2xx"], host["total"]["count"]), (5, 5, 5, 5))
        self.assertEqual(stats["hosts"]["(other)"]["causes"], {"no_route": 1})
        over_http = http(self.alone.path("stats.sock"), "m", "/")
        self.assertEqual((over_http.status, over_http.header("content-type")), (200, "application/json"))
        self.assertEqual(json.loads(over_http.text)["subscriptions"][0]["hits"], 5)
        page = http(self.alone.path("metrics.sock"), "m", "/").text
        self.assertEqual(sample(page, "imperium_router_host_relayed_total", host=KEY), 5)
        self.assertEqual(bare_after_silence(self.alone.path("metrics.sock")), "")

    def test_the_combined_form_and_the_signal_of_log_rotation(self):
        self.wait_for_node()
        path = self.alone.path("access.log")
        self.alone.ask(path="/a?b", extra=[("HTTP_USER_AGENT", UGLY), ("HTTP_REFERER", "http://x/")])
        until("a line", lambda: os.path.getsize(path))
        with open(path) as f:
            self.assertRegex(f.read(), r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET /a\?b HTTP/1\.1" 200 \d+ '
                             r'"http://x/" "probe \\x22\\x5c \\x1b\[31m\\x09e\\xe9"\n$')
        os.rename(path, path + ".1")
        self.alone.router.send_signal(signal.SIGUSR1)
        until("the file is there again", lambda: os.path.exists(path))

    def test_a_node_that_fails_is_named_with_its_limit(self):
        self.wait_for_node()
        one = [p for p in self.alone.started if p is not self.alone.router][0]
        processes.kill_all(processes.children(one.pid))
        self.assertEqual(self.alone.ask().status, 503)
        self.alone.log_line(f'site {KEY}: refused status=503 hop="')
        self.assertIn("limit=connect cause=connect", self.alone.log())


class Several(AloneCase):
    lines = ("fastrouter-subscription-server = %d/subscribe.sock", "fastrouter-stats = %d/stats.sock", "fastrouter-processes = 2",
             "metrics = %d/metrics.sock")

    def test_whichever_process_is_asked_knows_the_sums(self):
        self.alone.node("one")
        self.alone.log_line("new node")
        until("every process knows the node", lambda: self.alone.asked(10) == {"one": 10})
        before = json.loads(bare(self.alone.path("stats.sock")))["hosts"][KEY]["requests"]
        self.assertEqual(self.alone.asked(20), {"one": 20})
        for _ in range(6):
            stats = json.loads(bare(self.alone.path("stats.sock")))
            self.assertEqual(stats["hosts"][KEY]["requests"], before + 20)
            self.assertEqual(stats["subscriptions"][0]["nodes"][0]["requests"], stats["subscriptions"][0]["hits"])
            page = http(self.alone.path("metrics.sock"), "m", "/").text
            self.assertEqual(sample(page, "imperium_router_host_requests_total", host=KEY), before + 20)


def bare_after_silence(address):
    """What somebody gets who says goodbye without a word."""
    with client.connect(address) as s:
        s.shutdown(socket.SHUT_WR)
        return client.drain(s)[0].decode()


del AloneCase

if __name__ == "__main__":
    main()
