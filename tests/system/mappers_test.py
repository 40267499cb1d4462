"""The fastrouter alone, with uWSGI's other ways to find a node of a host: real uWSGI nodes behind each."""
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import frame  # noqa: F401
from imperium import case, client, processes, programs
from imperium.alone import KEY, Alone, AloneCase
from imperium.load import Load
from imperium.waiting import until

SUBSCRIPTIONS = "fastrouter-subscription-server = %d/subscribe.sock"


class Base(AloneCase):
    lines = ("fastrouter-use-base = %d/sites/",)

    def test_a_socket_named_as_its_host(self):
        os.mkdir(self.alone.path("sites"))
        self.alone.fixed(self.alone.path("sites/" + KEY))
        self.assertEqual(self.alone.ask().text, f"{KEY} {KEY}")
        self.assertEqual(self.alone.ask(KEY + ":8080").text, f"{KEY} {KEY}:8080", "the bare name serves any port")
        self.assertEqual(self.alone.ask("nobody.example.com").status, 503)
        for bad in ("../router.sock", "a/../" + KEY, ".."):
            self.assertEqual(self.alone.ask(bad).status, 400)
        self.alone.fixed("port")
        os.rename(self.alone.path("port.sock"), self.alone.path(f"sites/{KEY}:8080"))  # uWSGI takes what has a ':' for TCP
        self.assertEqual(self.alone.ask(KEY + ":8080").text, f"port {KEY}:8080", "its own port comes first")


class Pattern(AloneCase):
    lines = ("fastrouter-use-pattern = %d/%%s.sock", "fastrouter-to = 127.0.0.1:9")

    def test_a_pattern_comes_before_all_else(self):
        self.alone.log_line("fastrouter-to has no effect beside fastrouter-use-pattern")
        self.alone.fixed(KEY)
        self.assertEqual(self.alone.ask().text, f"{KEY} {KEY}")


class Fixed(AloneCase):
    lines = ("fastrouter-to = %d/one.sock", "fastrouter-to = uwsgi:%d/two.sock", "fastrouter-gracetime = 1")

    def test_in_turn_and_without_the_dead_one(self):
        one = self.alone.fixed("one")
        self.alone.fixed("two")
        self.assertEqual(self.alone.asked(8), {"one": 4, "two": 4})
        processes.kill_all(processes.children(one.pid))
        self.assertEqual(self.alone.asked(8), {"two": 8}, "no request is lost to the dead node")
        self.assertEqual(self.alone.log().count("unreachable"), 1, "it is left alone for a while")
        self.alone.fixed("one")
        until("the node is asked again", lambda: self.alone.ask().text.startswith("one"))


class Fallback(AloneCase):
    lines = (SUBSCRIPTIONS, "fastrouter-fallback = %d/gone.sock", "fastrouter-fallback = %d/spare.sock")

    def test_after_the_failure_of_all_others(self):
        self.alone.fixed("spare")
        node = self.alone.node("one")
        self.alone.log_line("new node")
        self.assertEqual(self.alone.asked(3), {"one": 3})
        self.assertEqual(self.alone.ask("nobody.example.com").status, 404)
        processes.kill_all(processes.children(node.pid))
        self.assertEqual(self.alone.asked(3), {"spare": 3}, "the first fallback is not there, the second is")


class FallbackOnNoKey(AloneCase):
    lines = (SUBSCRIPTIONS, "fastrouter-fallback = %d/spare.sock", "fastrouter-fallback-on-no-key = true",
             "fastrouter-subscription-fallback-key = rest.example.com")

    def test_for_hosts_that_nobody_knows(self):
        self.alone.fixed("spare")
        self.assertEqual(self.alone.ask("nobody.example.com").text, "spare nobody.example.com")
        self.alone.subscribe(client.packet([("key", "rest.example.com"), ("address", self.alone.path("spare.sock"))], 224))
        self.alone.log_line("new node")
        self.assertEqual(self.alone.ask("nobody.example.com").text, "spare nobody.example.com")


class Cheap(AloneCase):
    lines = (SUBSCRIPTIONS, "fastrouter-cheap = true")

    def test_who_comes_early_waits_in_the_backlog(self):
        answers = []
        early = threading.Thread(target=lambda: answers.append(self.alone.ask()))
        early.start()
        self.alone.node("one")
        early.join(20)
        self.assertEqual([a.text for a in answers], [f"one {KEY}"])


class HttpFile(unittest.TestCase):
    def test_a_file_of_uwsgis_http_router_and_what_has_no_meaning(self):
        alone = Alone("http = 127.0.0.1:0", "http-to = %d/one.sock", "http-keepalive = 1", "fastrouter-zerg = /tmp/zerg",
                      "fastrouter-use-code-string = 0:x:y", "nonsense = 1")
        self.addCleanup(alone.stop)
        for text in ("http-keepalive is ignored: always so", "fastrouter-zerg is ignored: the router binds", "nonsense is ignored"):
            alone.log_line(text)
        alone.fixed("one")
        self.assertEqual(alone.ask().text, f"one {KEY}")


class Processes(AloneCase):
    lines = (SUBSCRIPTIONS, "fastrouter-processes = 2")

    def members(self):
        return sorted(set(processes.children(self.alone.router.pid)) - {self.alone.router.pid})

    def test_all_know_all_nodes_and_one_may_die(self):
        until("two processes", lambda: len(self.members()) == 2)
        before = self.members()
        self.alone.node("one")
        self.alone.node("two")
        self.alone.log_line("new node", 4)  # each tells of each
        self.assertEqual(sum(self.alone.asked(40).values()), 40)
        load = Load(self.alone.socket, KEY, threads=3)
        load.ask = self.alone.ask
        with load:
            until("there is load", lambda: load.answered > 50)
            os.kill(before[0], signal.SIGKILL)
            until("there is load", lambda: load.answered > 200)
        self.assertLessEqual(len(load.failures), 3, f"only what the dead one held is lost: {load.failures}")
        self.assertEqual(set(self.alone.asked(20)), {"one", "two"}, "the others go on")
        until("another process", lambda: len(self.members()) == 2 and before[0] not in self.members())
        self.alone.log_line("new node", 6)  # by its sibling's word
        # The old one alone knows nothing that the new one does not: it goes, and nobody subscribes meanwhile.
        os.kill(before[1], signal.SIGKILL)
        self.assertEqual(set(self.alone.asked(20)), {"one", "two"})

    def test_an_unsubscribe_reaches_all(self):
        packet = [("key", KEY), ("address", self.alone.path("nobody.sock"))]
        self.alone.subscribe(client.packet(packet, 224))
        self.alone.log_line("new node", 2)
        self.alone.subscribe(client.packet(packet, 224, 1))
        self.alone.log_line("node left", 2)

    def test_sigterm_ends_all(self):
        until("two processes", lambda: len(self.members()) == 2)
        self.alone.router.send_signal(signal.SIGTERM)
        self.assertEqual(self.alone.router.wait(10), 0)


class SignedProcesses(AloneCase):
    lines = (SUBSCRIPTIONS, "fastrouter-processes = 2", "subscriptions-sign-check = SHA256:%d/keys")

    def test_each_verifies_by_itself(self):
        os.mkdir(self.alone.path("keys"))
        private = self.alone.path("private.pem")
        subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", private, "-pubout", "-out", self.alone.path(f"keys/{KEY}.pem")],
                       check=True, capture_output=True)
        self.alone.node("signer", sign=f",0,SHA256:{private}")
        self.alone.log_line("new node", 2)
        self.alone.subscribe(client.packet([("key", KEY), ("address", "127.0.0.1:9")], 224))
        self.alone.log_line("not signed")
        self.assertEqual(self.alone.asked(20), {"signer": 20})


class Resubscribed(AloneCase):
    lines = (SUBSCRIPTIONS, "fastrouter-resubscribe = %d/upstream.sock")

    def setUp(self):
        super().setUp()
        # A real uWSGI's fastrouter upstream.
        ini = self.alone.write("upstream.ini", "[uwsgi]\nplugins = fastrouter\nmaster = true\n"
                               f"fastrouter = {self.alone.path('front.sock')}\nchmod-socket = 666\n"
                               f"fastrouter-subscription-server = {self.alone.path('upstream.sock')}\n")
        self.upstream = self.alone.run(["/usr/bin/uwsgi-core", "--ini", ini], "upstream")
        until("it is there", lambda: os.path.exists(self.alone.path("upstream.sock")))

    def test_a_router_upstream_sends_requests_here(self):
        self.alone.node("one")
        self.alone.log_line("new node")
        front = self.alone.path("front.sock")
        until("a request comes through both", lambda: client.uwsgi(front, KEY, "/").text == f"one {KEY}")


class Circles(unittest.TestCase):
    def router(self, *lines):
        alone = Alone(SUBSCRIPTIONS, *lines)
        self.addCleanup(alone.stop)
        return alone

    def test_who_tells_itself_does_not_believe_it(self):
        alone = self.router("fastrouter-resubscribe = %d/subscribe.sock")
        alone.subscribe(client.packet([("key", KEY), ("address", alone.path("nobody.sock"))], 224))
        alone.log_line("told upstream and come round")
        self.assertEqual(alone.log().count("new node"), 1)

    def test_two_that_tell_each_other_do_so_once_a_second(self):
        pair = [self.router("fastrouter-resubscribe = %d/other") for _ in range(2)]
        for alone, other in (pair, reversed(pair)):
            os.symlink(other.server, alone.path("other"))
        cpu = sum(processes.cpu_ns(alone.router.pid) for alone in pair)
        began = time.monotonic()
        pair[0].subscribe(client.packet([("key", KEY), ("address", pair[0].path("nobody.sock"))], 224))
        for alone in pair:
            alone.log_line("new node")
        until("that time is over", lambda: time.monotonic() > began + 1)
        self.assertLess(sum(processes.cpu_ns(alone.router.pid) for alone in pair) - cpu, 0.3e9)

    def test_an_address_that_means_another_machine_upstream_is_not_told(self):
        for ours, upstream, told in ((":0", "192.0.2.1:9", False), ("0.0.0.0:0", "192.0.2.1:9", False),
                                     ("127.0.0.1:0", "192.0.2.1:9", False), ("127.0.0.1:0", "127.0.0.1:9", True)):
            router = subprocess.Popen([os.path.join(programs.bin_directory(), "fastrouter"), "--fastrouter", ours, "--fastrouter-resubscribe", upstream],
                                      stderr=subprocess.PIPE, text=True)
            lines = []
            while not lines or lines[-1] and "accepting" not in lines[-1]:
                lines.append(router.stderr.readline())
            router.terminate()
            router.stderr.close()
            router.wait(10)
            self.assertEqual("it is told nothing" in "".join(lines), not told, (ours, upstream, lines))


class User(AloneCase):
    lines = ("fastrouter-to = %d/one.sock", "fastrouter-uid = 61001", "fastrouter-gid = 61002")

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_it_becomes_who_it_is_told_to(self):
        self.assertEqual(processes.status(self.alone.router.pid, "Uid").split(), ["61001"] * 4)
        self.assertEqual(processes.status(self.alone.router.pid, "Gid").split(), ["61002"] * 4)
        self.assertEqual(processes.status(self.alone.router.pid, "Groups").split(), ["61002"])


class Faults(unittest.TestCase):
    def test_a_node_that_is_none_is_an_error_at_start(self):
        for option in ("--fastrouter-to=nonsense", "--fastrouter-use-pattern=/run/x", "--fastrouter-use-base=sites/",
                       "--fastrouter-fallback=smtp:/x", "--fastrouter-uid=no-such-user"):
            run = subprocess.run([os.path.join(programs.bin_directory(), "fastrouter"), "--fastrouter", "127.0.0.1:0", option],
                                 capture_output=True, text=True, timeout=10)
            self.assertEqual(run.returncode, 2, (option, run.stderr))

    def test_a_file_in_the_way_of_a_socket_stays(self):
        with tempfile.NamedTemporaryFile() as kept:
            for options in (("--fastrouter", kept.name), ("--fastrouter", "127.0.0.1:0", "--fastrouter-subscription-server", kept.name)):
                run = subprocess.run([os.path.join(programs.bin_directory(), "fastrouter"), *options],
                                     capture_output=True, text=True, timeout=10)
                self.assertEqual(run.returncode, 2, (options, run.stderr))
                self.assertIn("exists and is no socket", run.stderr)
                self.assertTrue(os.path.exists(kept.name))


del AloneCase

if __name__ == "__main__":
    case.main()
