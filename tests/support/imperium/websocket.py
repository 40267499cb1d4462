"""A WebSocket client (RFC 6455), as small as it can be; no extensions, whole messages in one frame."""
import base64
import hashlib
import os

from .client import Connection

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def frame(kind, data=b"", mask=None):
    """The bytes of one frame; clients have to mask theirs."""
    bit, size = (0x80 if mask else 0), len(data)
    head = bytes([0x80 | kind]) + (bytes([bit | size]) if size < 126 else bytes([bit | 126]) + size.to_bytes(2, "big") if size < 1 << 16
                                   else bytes([bit | 127]) + size.to_bytes(8, "big"))
    if not mask:
        return head + data
    pad = (mask * (size // 4 + 1))[:size]
    return head + mask + (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(size, "big")


class WebSocket(Connection):
    """Connected, and asked: `answer` is what came, with status 101 if all went well. `early` goes with the request."""

    def __init__(self, address, host, path="/ws", timeout=10, early=b"", headers=""):
        super().__init__(address, timeout)
        self.key = base64.b64encode(os.urandom(16)).decode()
        self.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
                  f"Sec-WebSocket-Key: {self.key}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n".encode() + early)
        self.answer = self.read(head_only=True)

    def say(self, data, kind=TEXT):
        self.send(frame(kind, data, os.urandom(4)))

    def hear(self):
        """(kind, data) of the next frame; None at the end."""
        while (found := self._frame()) is None:
            if not self.more():
                return None
        return found

    def _frame(self):
        b = self.buffer
        if len(b) < 2:
            return None
        size, at = b[1] & 127, 2
        if size > 125:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(b[2:2 + width], "big"), 2 + width
        if len(b) < at + size:
            return None
        self.buffer = b[at + size:]
        return b[0] & 15, b[at:at + size]

    def echo(self, data):
        self.say(data)
        return self.hear() == (TEXT, data)
