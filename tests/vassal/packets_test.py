"""Packets that are wrong: an end for that peer, one line in the log, nothing else."""
import socket
import unittest

from frame import VassalCase, packet, request_variables, until

GOOD = packet(request_variables("test", "/sized"))


class Packets(VassalCase):
    lines = ["processes = 1", "socket-timeout = 1", "buffer-size = 8192", "disable-logging = true"]

    def refused(self, data, reason, **named):
        lines = self.vassal.log().count("refused: ")
        self.assertEqual(self.vassal.raw(data, **named), b"")
        until(lambda: self.vassal.log().count("refused: ") == lines + 1)
        last = self.vassal.log().splitlines()[-1]
        self.assertRegex(last, r"request from pid \d+ uid \d+ refused: .*" + reason)
        self.assertEqual(self.vassal.ask("/sized").body, b"twelve bytes", "everybody else is served")

    def test_every_truncation(self):
        for size in range(len(GOOD)):
            answer = self.vassal.raw(GOOD[:size], half_close=True)
            self.assertEqual(answer, b"", size)
        self.assertEqual(self.vassal.ask("/sized").body, b"twelve bytes")
        self.assertEqual(self.vassal.log().count("ends before the packet"), len(GOOD))

    def test_byte_by_byte(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(self.vassal.socket)
            for i in range(len(GOOD)):
                s.sendall(GOOD[i:i + 1])
            data = b""
            while part := s.recv(4096):
                data += part
            self.assertTrue(data.endswith(b"twelve bytes"))

    def test_a_peer_that_stops_is_let_go(self):
        self.refused(GOOD[:-1], "does not come")

    def test_larger_than_buffer_size(self):
        self.refused(packet(request_variables("test", "/" + "x" * 9000)), "buffer-size")

    def test_just_as_large_as_buffer_size(self):
        size = len(packet(request_variables("test", "/sized", extra=[("HTTP_X", "")]))) - 4
        exact = packet(request_variables("test", "/sized", extra=[("HTTP_X", "x" * (8192 - size))]))
        self.assertTrue(self.vassal.raw(exact).endswith(b"twelve bytes"))

    def test_garbage(self):
        for data, reason in ((b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "."), (b"\x00\x00\x00\x00", "empty packet"), (b"\xff" * 5000, "."),
                             (b"\x05" + GOOD[1:], "modifier"), (b"\x00\x04\x00\x00\x00\x00\x00\x00", "empty key"),
                             (b"\x00\x05\x00\x00\xff\xffabc", "key runs past"), (b"\x00\x06\x00\x00\x01\x00k\x09\x00v", "value runs past")):
            with self.subTest(data[:12]):
                self.refused(data, reason, half_close=True)

    def test_too_many_variables(self):
        self.refused(packet([(f"V{i}", "") for i in range(600)]), "too many")

    def test_a_content_length_that_is_none(self):
        for text in ("-1", "abc", "1e3", "41, 42", "99999999999999999999999"):
            with self.subTest(text):
                self.refused(packet(request_variables("test", "/sized", extra=[("CONTENT_LENGTH", text)])), "CONTENT_LENGTH")


if __name__ == "__main__":
    unittest.main(verbosity=2)
