"""The uwsgi protocol from a hostile or broken peer, at the router and at a vassal's own socket: an
error for that peer, and nothing else."""
import random
import socket
import threading

from frame import ALICE, Load, SystemCase, client, http, main, packet, request_variables, uwsgi


class Packets(SystemCase):
    @classmethod
    def set_up_world(cls, world):
        cls.own_socket = world.path("sockets/own.sock")
        world.drop("site", "site.test", uid=ALICE, lines=["processes = 2", "socket-timeout = 1", f"socket = {cls.own_socket}", "chmod-socket = 666"])

    def setUp(self):
        self.world.emperor.wait_state("site", "ready")

    def doors(self):
        return {"router": self.world.router, "vassal": self.own_socket}

    def said(self, door, data, end=True):
        """What comes back for raw bytes after which the peer says no more."""
        with client.connect(door) as s:
            try:
                s.sendall(data)
                if end:
                    s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return client.drain(s)[0]

    def still_serves(self):
        for name, door in self.doors().items():
            self.assert_status(uwsgi(door, "site.test"), 200, name)

    def test_a_good_packet_is_answered_at_both_doors(self):
        for door in self.doors().values():
            answer = uwsgi(door, "site.test", "/echo", "POST", [("CONTENT_LENGTH", "5")], b"hello")
            self.assert_status(answer, 200)
            self.assertEqual(answer.body, b"hello")

    def test_every_truncation(self):
        whole = packet(request_variables("site.test"))
        with Load(self.world.http_address, "site.test", every=0.005) as visitors:
            for name, door in self.doors().items():
                for length in range(len(whole)):
                    said = self.said(door, whole[:length])
                    self.assertNotIn(b" 200 ", said[:20], f"{name}: {length} of {len(whole)} bytes")
        self.assert_clean(visitors)
        self.still_serves()

    def test_a_packet_in_pieces_is_taken(self):
        whole = packet(request_variables("site.test"))
        for door in self.doors().values():
            with client.connect(door) as s:
                for at in range(0, len(whole), 7):
                    s.sendall(whole[at:at + 7])
                self.assertIn(b" 200 ", client.drain(s)[0][:20])

    def test_the_largest_block_and_beyond(self):
        filler = 65535 - len(packet(request_variables("site.test"))) + 4 - 4 - len("HTTP_X")
        for door in self.doors().values():
            self.assert_status(uwsgi(door, "site.test", extra=[("HTTP_X", "x" * filler)]), 200)
        many = [(f"HTTP_X{i}", "") for i in range(2000)]
        for name, door in self.doors().items():
            self.assertNotIn(b" 200 ", self.said(door, packet(request_variables("site.test", extra=many)))[:20], name)
        self.still_serves()

    def test_a_body_shorter_than_promised(self):
        whole = packet(request_variables("site.test", "/echo", "POST", [("CONTENT_LENGTH", "100")]))
        for door in self.doors().values():
            said = self.said(door, whole + b"short")
            self.assertNotIn(b" 200 ", said[:20])
        self.still_serves()

    def test_lengths_that_point_outside(self):
        pair = b"\x04\x00NAME\xff\xffvalue"
        key = b"\xff\x7fNAME"
        for block in (pair, key, b"\x01", b"\x04\x00NAME\x05", b"\x00\x00\x01\x00x"):
            data = b"\0" + len(block).to_bytes(2, "little") + b"\0" + block
            for name, door in self.doors().items():
                self.assertNotIn(b" 200 ", self.said(door, data)[:20], f"{name} {block!r}")
        self.still_serves()

    def test_garbage(self):
        chance = random.Random(7)
        for door in self.doors().values():
            for size in (1, 3, 4, 5, 64, 1000, 70000):
                self.said(door, bytes(chance.randrange(256) for _ in range(size)))
            self.said(door, b"GET / HTTP/1.1\r\nHost: site.test\r\n\r\n")
            self.said(door, b"")
            self.said(door, b"\0\0\0\0")
        self.still_serves()

    def test_other_modifiers(self):
        for modifier in (1, 5, 17, 22, 72, 173, 224, 255):
            for door in self.doors().values():
                said = self.said(door, packet(request_variables("site.test"), modifier))
                self.assertNotIn(b" 200 ", said[:20], modifier)
        self.still_serves()

    def test_a_wrong_host_in_a_packet(self):
        for host in ("", "../../etc/passwd", "a b", "x" * 300, "\xff\xfe", "site.test/x"):
            answer = uwsgi(self.world.router, host, extra=[])
            self.assertIn(answer.status, (400, 404), host)

    def test_who_says_nothing_holds_nobody(self):
        # A worker that accepts from its own socket waits for the packet, `socket-timeout` at most; the
        # router holds any number.
        silent = [client.connect(self.world.router) for _ in range(200)] + [client.connect(self.own_socket) for _ in range(2)]
        try:
            with Load(self.world.http_address, "site.test", every=0.005) as visitors:
                answers = []
                threads = [threading.Thread(target=lambda: answers.append(http(self.world.http_address, "site.test").status)) for _ in range(10)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            self.assertEqual(answers, [200] * 10)
            self.assert_clean(visitors)
            for s in silent:
                s.settimeout(30)
                self.assertNotIn(b" 200 ", client.drain(s)[0][:20])
        finally:
            for s in silent:
                s.close()

    def test_variables_that_a_client_could_abuse_are_dropped(self):
        import json
        abuse = [("UWSGI_SETENV", "EVIL=1"), ("UWSGI_FILE", "/etc/passwd"), ("UWSGI_POSTFILE", "/etc/passwd"), ("UWSGI_SCRIPT", "os"),
                 ("UWSGI_CHDIR", "/"), ("HTTP_PROXY", "http://evil")]
        for door in self.doors().values():
            environ = json.loads(uwsgi(door, "site.test", "/environ", extra=abuse).body)
            self.assertFalse([k for k in environ if k.startswith("UWSGI_") or k == "HTTP_PROXY"])
            self.assertNotIn("EVIL", json.loads(uwsgi(door, "site.test", "/whoami", extra=abuse).body)["env"])


if __name__ == "__main__":
    main()
