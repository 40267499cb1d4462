"""Connections that a router hands over: both kinds, what came too late, and who is gone."""
import json
import os
import signal
import socket
import unittest

from frame import HTTP_PAIR, NGINX, Vassal, VassalCase, now_ns, packet, parse_head, read_all, request_variables, unchunk, until


class HandedOver(VassalCase):
    channel = True
    lines = ["processes = 2", "socket-timeout = 5"]

    def pair(self, path, method="GET", extra=(), body=b"", end=True, kind=HTTP_PAIR):
        """(head, everything behind it) of a request over a pair; `end`: our half is closed after the body."""
        s = self.vassal.hand_over(kind, packet(request_variables("test", path, method, extra)))
        if body:
            s.sendall(body)
        if end:
            s.shutdown(socket.SHUT_WR)
        with s:
            return parse_head(read_all(s))

    def test_nginx_kind_is_not_framed(self):
        head, rest = self.pair("/plain", kind=NGINX, end=False)
        self.assertEqual((head.status, head.headers, rest), (200, [("content-type", "text/plain")], b"one two three\n"))

    def test_bytes_beside_the_packet_begin_the_body(self):
        s = self.vassal.hand_over(NGINX, packet(request_variables("test", "/input_iterated", "POST", [("CONTENT_LENGTH", "6")])) + b"a\nb")
        s.sendall(b"\nc\n")
        self.assertEqual(json.loads(parse_head(read_all(s))[1]), ["a\n", "b\n", "c\n"])

    def test_a_packet_in_two_parts(self):
        data = packet(request_variables("test", "/plain"))
        s = self.vassal.hand_over(NGINX, data[:10])
        s.sendall(data[10:])
        self.assertTrue(read_all(s).endswith(b"one two three\n"))

    def test_chunks_where_the_length_is_not_known(self):
        head, rest = self.pair("/plain")
        self.assertEqual((head.status, head.header("transfer-encoding")), (200, "chunked"))
        self.assertEqual(unchunk(rest), (b"one two three\n", True))

    def test_one_item_gets_a_length(self):
        head, rest = self.pair("/no_reason")
        self.assertEqual((head.header("content-length"), rest), (str(len(rest)), b"a status without a reason\n"))

    def test_a_given_length_is_kept(self):
        head, rest = self.pair("/sized")
        self.assertEqual((head.header("content-length"), head.header("transfer-encoding"), rest), ("12", None, b"twelve bytes"))

    def test_files_get_their_length(self):
        head, rest = self.pair("/wrapped")
        self.assertEqual((head.header("content-length"), rest), ("10", b"abcdefghij"))

    def test_hop_by_hop_headers_are_dropped(self):
        head, rest = self.pair("/hop_by_hop")
        self.assertEqual([n for n, _ in head.headers], ["content-type", "content-length"])

    def test_no_body_where_there_must_be_none(self):
        for path, method, status in (("/sized", "HEAD", 200), ("/plain", "HEAD", 200), ("/not_modified", "GET", 304), ("/no_content", "GET", 204)):
            head, rest = self.pair(path, method)
            self.assertEqual((head.status, rest, head.header("transfer-encoding")), (status, b"", None))

    def test_a_failure_in_the_middle_has_no_last_chunk(self):
        head, rest = self.pair("/raise_after_first_byte")
        self.assertEqual(unchunk(rest), (b"first ", False))

    def test_a_failure_before_the_first_byte_is_a_whole_500(self):
        head, rest = self.pair("/raise_at_first_chunk")
        self.assertEqual((head.status, len(rest)), (500, int(head.header("content-length"))))

    def test_a_body_without_length_ends_with_the_stream(self):
        head, rest = self.pair("/input_calls", "POST", body=b"first line\nsecond\n")
        self.assertEqual(json.loads(rest)[:4], ["", "fir", "st line\n", "se"])

    def test_a_large_body_that_nobody_reads(self):
        s = self.vassal.hand_over(HTTP_PAIR, packet(request_variables("test", "/unread", "POST", [("CONTENT_LENGTH", str(4 << 20))])))
        s.sendall(b"x" * (4 << 20))
        self.assertTrue(read_all(s).endswith(b"did not look at the body\n"))

    def test_too_late_is_a_503(self):
        s = self.vassal.hand_over(NGINX, packet(request_variables("test", "/plain")), deadline=now_ns() - 1)
        head, rest = parse_head(read_all(s))
        self.assertEqual((head.status, head.header("retry-after")), (503, "1"))

    def test_messages_that_make_no_sense_are_dropped(self):
        self.vassal.handoff.send(b"x")
        self.vassal.handoff.send(b"\x09" + b"\0" * 40)
        ours, theirs = socket.socketpair()
        socket.send_fds(self.vassal.handoff, [b"\x01\x07" + b"\0" * 40], [theirs.fileno()])
        theirs.close()
        with ours:
            self.assertEqual(read_all(ours), b"", "the descriptor is closed")
        self.assertEqual(self.pair("/sized")[1], b"twelve bytes")


class Asgi(VassalCase):
    app, channel = "asgi_probe.py", True
    lines = ["limit-post = 1000"]

    def size(self, body):
        with self.vassal.hand_over(HTTP_PAIR, packet(request_variables("test", "/size", "POST"))) as s:
            s.sendall(body)
            s.shutdown(socket.SHUT_WR)
            return parse_head(read_all(s))

    def test_a_body_without_length_may_turn_out_to_be_too_large(self):
        self.assertEqual(self.size(b"x" * 999)[1], b"999")
        self.assertEqual(self.size(b"x" * 1001)[0].status, 413)


class HungUp(VassalCase):
    channel = True
    lines = ["processes = 2"]

    def test_who_hung_up_is_not_served(self):
        workers = self.vassal.workers()
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        self.vassal.hand_over(NGINX, packet(request_variables("test", "/started_late")), arrived=now_ns() - 10**9).close()
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        for _ in range(4):
            read_all(self.vassal.hand_over(NGINX, packet(request_variables("test", "/plain"))))
        self.vassal.say("drain")  # lines are written at the latest when a worker leaves
        self.assertEqual(self.vassal.process.wait(10), 0)
        self.assertNotIn("/started_late", self.vassal.log())


class Waiting(unittest.TestCase):
    def test_requests_wait_for_a_vassal_that_starts(self):
        vassal = Vassal(["processes = 1"], "slow_start.py", channel=True)
        self.addCleanup(vassal.end)
        waiting = [vassal.hand_over(NGINX, packet(request_variables("test"))) for _ in range(20)]
        for s in waiting:
            self.assertTrue(read_all(s).endswith(b"started"))
            s.close()

    def test_nothing_is_lost_when_a_vassal_leaves(self):
        vassal = Vassal(["processes = 2"], "probe.py", channel=True)
        self.addCleanup(vassal.end)
        vassal.wait_for("ready")
        busy = [vassal.hand_over(NGINX, packet(request_variables("test", "/wait?seconds=0.3"))) for _ in range(2)]
        until(lambda: self.all_busy(vassal))
        vassal.say("drain")
        vassal.wait_for("draining")
        for s in busy:
            self.assertIn(b"200 OK", read_all(s))
            s.close()
        self.assertEqual(vassal.process.wait(10), 0)

    def all_busy(self, vassal):
        """Both workers have taken what was on the channel: it is empty for anybody else."""
        import fcntl
        import struct
        import termios
        waiting = struct.unpack("i", fcntl.ioctl(vassal.handoff, termios.TIOCOUTQ, b"\0" * 4))[0]
        return waiting == 0


if __name__ == "__main__":
    unittest.main(verbosity=2)
