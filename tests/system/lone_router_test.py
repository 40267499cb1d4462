"""Router processes alone, told by the test what an emperor would tell them: many routes, idle connections, a tenant that never answers."""
import os
import socket
import unittest

from frame import Connection, client, main, programs, until
from imperium.lone_router import LoneRouter, LoneVassal, channel, directory
from imperium.world import APPS

PROBE = os.path.join(APPS, "probe.py")
HOST = "site.test"
MANY = 20_000


def receive(s):
    s.settimeout(20)
    return s.recv(4096)


def silent(s):
    """Whether nothing came, not even the end."""
    s.setblocking(False)
    try:
        s.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    return False


class LoneRouters(unittest.TestCase):
    def setUp(self):
        folder = directory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.chmod(self.folder, 0o755)

    def router(self, name="router", *arguments):
        router = LoneRouter(self.folder, name, *arguments)
        self.addCleanup(router.end)
        return router

    def site(self, *routers, workers=1):
        vassal = LoneVassal(self.folder, "site", PROBE, workers)
        self.addCleanup(vassal.end)
        for router in routers:
            router.vassal(1, vassal.channel)
            router.say("route", host=HOST, id=1)
        return vassal

    def never_answers(self, router, host, number=2, **fields):
        """A vassal whose channel nobody reads; the channel."""
        ends = channel()
        for end in ends:
            self.addCleanup(end.close)
        router.vassal(number, ends, **fields)
        router.say("route", host=host, id=number)
        return ends

    def test_two_processes_with_many_routes_answer_by_the_latest(self):
        routers = [self.router("one"), self.router("two")]
        for router in routers:
            router.say("vassal", id=1, name="v")
            router.say("state", id=1, state="stopped")  # whoever asks is told 503
            for i in range(MANY):
                router.say("route", host=f"www.customer-{i}.test", id=1)
            router.go()
        for router in routers:
            for host, status in (("www.customer-0.test", 503), (f"www.customer-{MANY - 1}.test", 503), (f"www.customer-{MANY}.test", 404)):
                self.assertEqual(router.ask(host), status, host)
        for verb, fields, status in (("route", {"id": 1}, 503), ("unroute", {}, 404)):
            for router in routers:
                router.say(verb, host="new.test", **fields)
            for router in routers:
                # What was sent before the request is read before it, or a turn later.
                until(f"{verb} counts", lambda r=router, s=status: r.ask("new.test") == s, 1, every=0.001)
        routers[0].say("remove", id=1)
        routers[0].settled()
        self.assertEqual(routers[0].ask("www.customer-7.test"), 404)
        self.assertEqual(routers[1].ask("www.customer-7.test"), 503)

    @unittest.skipIf(programs.sanitized(), "a sanitizer's memory is its own")
    def test_many_routes_take_little_memory(self):
        router = self.router()
        router.say("vassal", id=1, name="v")
        router.say("route", host="first.test", id=1)
        router.go().settled()
        before = router.rss()
        for i in range(MANY):
            router.say("route", host=f"www.customer-{i:06d}.example.com", id=1)
        router.settled()
        self.assertLess((router.rss() - before) / MANY, 300)

    @unittest.skipIf(programs.sanitized(), "a sanitizer's memory is its own")
    def test_idle_connections_take_little_memory_and_are_still_served(self):
        router = self.router("router", "--http-timeout=120")
        self.site(router)
        router.go()

        def connections(count):
            opened = []
            for _ in range(count):
                connection = Connection(router.http)
                self.addCleanup(connection.socket.close)
                connection.send(f"GET /whoami HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
                self.assertEqual(connection.read().status, 200)
                opened.append(connection)
            return opened

        connections(50)
        before = router.rss()
        held = connections(500)
        self.assertLess((router.rss() - before) / len(held), 32 * 1024)
        for connection in held[::50]:
            connection.send(f"GET /whoami HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
            self.assertEqual(connection.read().status, 200)

    def test_a_tenant_that_never_answers_costs_its_neighbour_nothing(self):
        router = self.router()
        self.site(router)
        self.never_answers(router, "dead.test", queue_max=1000, queue_timeout=120)
        router.go()
        waiting = []
        for i in range(400):
            over_http = i % 2
            s = client.connect(router.http if over_http else router.uwsgi, 20)
            self.addCleanup(s.close)
            s.sendall(b"GET / HTTP/1.1\r\nHost: dead.test\r\n\r\n" if over_http else client.packet(client.request_variables("dead.test")))
            waiting.append(s)
        for _ in range(50):
            self.assertEqual(client.http(router.http, HOST, "/whoami").status, 200)
            self.assertEqual(client.uwsgi(router.uwsgi, HOST, "/whoami").status, 200)
        self.assertEqual([s for s in waiting if not silent(s)], [])
        router.say("remove", id=2)
        self.assertEqual({receive(s)[9:12] for s in waiting}, {b"503"})

    def test_a_tenant_with_a_full_queue_is_told_early_and_leaves_room_for_others(self):
        router = self.router()
        self.site(router)
        self.never_answers(router, "full.test", queue_max=5, queue_timeout=120)
        router.go()
        statuses = []
        for _ in range(100):
            s = client.connect(router.uwsgi, 20)
            self.addCleanup(s.close)
            s.sendall(client.packet(client.request_variables("full.test")))
            statuses.append(s)
        self.assertEqual(client.http(router.http, HOST, "/whoami").status, 200)
        for s in until("some are refused", lambda: [s for s in statuses if not silent(s)]):
            answer = receive(s)
            self.assertIn(b" 503 ", answer)
            self.assertIn(b"Retry-After", answer)

    def test_a_worker_that_dies_with_a_request_in_its_hands_is_a_502_at_once(self):
        router = self.router()
        vassal = self.site(router)
        router.go()
        connection = Connection(router.http)
        self.addCleanup(connection.socket.close)
        before = set(workers(vassal))
        connection.send(f"GET /die HTTP/1.1\r\nHost: {HOST}\r\n\r\n")
        self.assertEqual(connection.read().status, 502)
        until("another worker serves", lambda: set(workers(vassal)) - before, 20)
        self.assertEqual(client.http(router.http, HOST, "/whoami").status, 200)


def workers(vassal):
    with open(f"/proc/{vassal.pid}/task/{vassal.pid}/children") as f:
        return f.read().split()


if __name__ == "__main__":
    main()
