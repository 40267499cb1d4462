"""An HTTP/1.1 server of the tests' own, by threads: it answers in every odd way that a node may, and counts.

A path names the answer; `Node.answers[name]` is a function of (connection, request). The request has its body
unless the name is in `Node.unread`: those read it themselves, or never do.
"""
import hashlib
import json
import os
import socket
import struct
import threading

from .client import Connection


class Request:
    def __init__(self, line, fields):
        self.method, self.target, self.version = line.split(" ")
        self.fields, self.body, self.trailers = fields, b"", []

    def field(self, name):
        return next((v for n, v in self.fields if n.lower() == name), None)

    @property
    def words(self):
        return self.target.split("?")[0].strip("/").split("/")


class Visit(Connection):
    """One accepted connection."""

    def __init__(self, accepted, timeout):
        self.socket, self.buffer = accepted, b""
        accepted.settimeout(timeout)

    def head(self):
        """The next request without its body; None at the end."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        line, *lines = head.decode("latin-1").split("\r\n")
        return Request(line, [(n, v.strip()) for n, _, v in (l.partition(":") for l in lines)])

    def read_body(self, request):
        if request.field("expect"):
            self.send("HTTP/1.1 100 Continue\r\n\r\n")
        if request.field("transfer-encoding"):
            parts = []
            while size := int(self._line(request), 16):
                parts.append(self._exactly(size, request))
                self._exactly(2, request)
            while line := self._line(request):
                request.trailers.append(line.decode())
            request.body = b"".join(parts)
        else:
            request.body = self._exactly(int(request.field("content-length") or 0), request)

    def answer(self, status, body=b"", *lines):
        self.send(f"HTTP/1.1 {status}\r\n" + "".join(f"{l}\r\n" for l in lines) + f"Content-Length: {len(body)}\r\n\r\n")
        self.send(body)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def pattern(size):
    """Bytes that repeat with no power of two, so that a lost piece shows."""
    piece = bytes(range(251)) * 4
    return (piece * (size // len(piece) + 1))[:size]


def chunks(data, size=100000):
    """A body as a client sends it that does not know its length."""
    return b"".join(b"%x\r\n%s\r\n" % (len(data[i:i + size]), data[i:i + size]) for i in range(0, len(data), size)) + b"0\r\n\r\n"


def facts(visit, request):
    visit.answer("200 OK", json.dumps(dict(method=request.method, target=request.target, version=request.version, fields=request.fields,
                                           size=len(request.body), sha=hashlib.sha256(request.body).hexdigest(), trailers=request.trailers)).encode())


def length(visit, request):
    size = int(request.words[1])
    visit.answer("200 OK", b"" if request.method == "HEAD" else pattern(size), *([f"X-Size: {size}"]))


def chunked(visit, request):
    data, at = pattern(int(request.words[1])), 0
    visit.send("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n")
    for size in iter(lambda: 7 + (at * 31) % 60000, None):
        piece = data[at:at + size]
        visit.send(b"%x;ext=1\r\n%s\r\n" % (len(piece), piece) if piece else b"0\r\nX-Sum: 1\r\n\r\n")
        at += len(piece)
        if not piece:
            return


def until_close(visit, request):
    visit.send("HTTP/1.1 200 OK\r\n\r\n")
    visit.send(pattern(int(request.words[1])))
    visit.socket.close()


def status(visit, request):
    """/status/304: no body, whatever the head says."""
    code = request.words[1]
    visit.send(f"HTTP/1.1 {code} Odd\r\nETag: \"a\"\r\n" + ("Content-Length: 5\r\n" if code == "304" else "") + "\r\n")


def head_like(visit, request):
    visit.send("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")


def interim(visit, request):
    visit.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    visit.answer("200 OK", b"after the hints")


def hop(visit, request):
    visit.answer("200 OK", b"hop", "Connection: keep-alive, X-Private", "Keep-Alive: timeout=5", "X-Private: secret",
                 "Upgrade: h2c", "Set-Cookie: a=1", "Set-Cookie: b=2", "X-Kept: yes")


def dies_length(visit, request):
    visit.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + "x" * 500)
    visit.socket.close()


def dies_chunked(visit, request):
    visit.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    visit.socket.close()


def dies_reset(visit, request):
    """Its end would look like that of a whole answer, were it not for the reset."""
    visit.send("HTTP/1.1 200 OK\r\n\r\nhalf")
    if visit.socket.family == socket.AF_INET:
        threading.Event().wait(0.1)
    visit.reset()


def dies_head(visit, request):
    visit.send("HTTP/1.1 200 O")
    visit.socket.close()


def silent_end(visit, request):
    visit.socket.close()


def garbage(visit, request):
    visit.send("SSH-2.0-OpenSSH_9\r\n\r\n")
    visit.socket.close()


def two_lengths(visit, request):
    visit.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")


def unasked(visit, request):
    visit.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")


def excess(visit, request):
    """Bytes behind the answer, as if they were one of the next request."""
    visit.answer("200 OK", b"one")
    visit.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")


def once(visit, request):
    """Promises to stay, and leaves."""
    visit.answer("200 OK", b"once")
    visit.socket.close()


def early(visit, request):
    """Answers before the body, then reads on."""
    visit.answer("413 Enough", b"too much")
    while visit.more():
        visit.buffer = b""


def early_close(visit, request):
    visit.answer("413 Enough", b"too much", "Connection: close")
    visit.socket.close()


def echo_live(visit, request):
    """Answers each chunk as it comes."""
    visit.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while size := int(visit._line(request), 16):
        piece = visit._exactly(size, request)
        visit._exactly(2, request)
        visit.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    visit._line(request)
    visit.send("0\r\n\r\n")


def slow(visit, request):
    threading.Event().wait(float(request.words[1]))
    visit.answer("200 OK", b"slow")


class Node:
    answers = {f.__name__: f for f in (facts, length, chunked, until_close, status, head_like, interim, hop, dies_length, dies_chunked, dies_reset,
                                       dies_head, silent_end, garbage, two_lengths, unasked, excess, once, early, early_close, echo_live, slow)}
    unread = {"early", "early_close", "echo_live"}

    def __init__(self, address=("127.0.0.1", 0), timeout=20):
        """`address`: (host, port) or a path. It serves at once, until close()."""
        self.listener = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        if not isinstance(address, str):
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        if isinstance(address, str):
            os.chmod(address, 0o666)
        self.listener.listen(512)
        name = self.listener.getsockname()
        self.address = name if isinstance(name, str) else "%s:%d" % name
        self.timeout, self.accepted, self.served, self.open, self.lock = timeout, 0, 0, set(), threading.Lock()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.accepted += 1
                self.open.add(accepted)
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    @classmethod
    def serve(cls, accepted, timeout=20, served=lambda: None):
        """One connection to its end."""
        visit = Visit(accepted, timeout)
        try:
            while accepted.fileno() >= 0 and (request := visit.head()):
                name = request.words[0] or "facts"
                if name not in cls.unread:
                    request.error = ""
                    visit.read_body(request)
                cls.answers[name](visit, request)
                served()
        except (OSError, ValueError):
            pass  # the peer left
        finally:
            accepted.close()

    def _serve(self, accepted):
        self.serve(accepted, self.timeout, self._note)
        with self.lock:
            self.open.discard(accepted)

    def _note(self):
        with self.lock:
            self.served += 1

    def hang_up(self):
        """Ends every connection as a server does whose patience with idle ones is over."""
        with self.lock:
            for accepted in self.open:
                try:
                    accepted.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        self.hang_up()
