"""Malformed requests: each is refused by the HTTP port, and none brings a second request in with it,
through nginx neither."""
import socket
import unittest

import malformed
from frame import Connection, SystemCase, client, http, main, until


class Smuggling(SystemCase):
    options = {"nginx": True}
    maxDiff = None

    @classmethod
    def set_up_world(cls, world):
        world.drop("one", "one.test", lines=["processes = 2", f"logto = {world.path('sockets/one.log')}"])

    def setUp(self):
        self.world.ready("one") if hasattr(self.world, "ready") else self.world.emperor.wait_state("one", "ready")

    def send(self, address, request):
        """Statuses of all answers, in order, until the connection ends or is silent."""
        found = []
        with Connection(address, timeout=10) as c:
            try:
                c.send(request)
                c.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # refused before it was read to its end
            while True:
                answer = c.read()
                if answer.error:
                    return found
                found.append(answer.status)

    def paths_asked(self):
        with open(self.world.path("sockets/one.log")) as f:
            return f.read()

    def test_the_table_is_long_enough_and_names_are_unique(self):
        names = [name for name, _, _ in malformed.rows()]
        self.assertGreaterEqual(len(names), 150)
        self.assertEqual(len(names), len(set(names)))

    def test_by_our_http_port(self):
        wrong = []
        for name, request, statuses in malformed.rows():
            found = self.send(self.world.http_address, request)
            if len(found) != 1 or found[0] not in statuses:
                wrong.append(f"{name}: {found}, not one of {statuses}")
        self.assertEqual(wrong, [])
        self.assertEqual(http(self.world.http_address, "one.test", "/plain").status, 200)
        self.assertNotIn("/smuggled", self.paths_asked())

    def test_through_nginx(self):
        """nginx repairs or refuses many of them itself; what must not happen is a request that nobody sent."""
        for name, request, _ in malformed.rows():
            body = request.replace(malformed.SMUGGLED.encode(), b"")
            with Connection(self.world.nginx_address, timeout=10) as c:
                try:
                    c.send(body)
                    c.socket.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                while not c.read().error:
                    pass
        self.assertEqual(http(self.world.nginx_address, "one.test", "/plain").status, 200)
        self.assertNotIn("/smuggled", self.paths_asked())


if __name__ == "__main__":
    main()
