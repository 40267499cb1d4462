"""Clients: one HTTP request, raw bytes, one uwsgi packet. None of them ever retries."""
import socket
from dataclasses import dataclass, field


@dataclass
class Answer:
    status: int = 0
    reason: str = ""
    headers: list = field(default_factory=list)  # (name, value) in order, names lower-cased
    body: bytes = b""
    error: str = ""                              # why there is no answer, or why it is not whole

    def header(self, name, default=None):
        return next((v for n, v in self.headers if n == name.lower()), default)

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


def connect(address, timeout=10.0):
    """`address` is (host, port), or the path of a unix socket ('@' first: abstract)."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(timeout)
    try:
        s.connect("\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        s.close()
        raise
    return s


def drain(s):
    """Everything until the other side closes; the bytes and what went wrong, if anything."""
    data = bytearray()
    try:
        while chunk := s.recv(1 << 16):
            data += chunk
        return bytes(data), ""
    except OSError as e:
        return bytes(data), f"{type(e).__name__}: {e}"


def parse_head(data):
    """(Answer without a body, rest), or None while the head is not whole."""
    head, separator, rest = data.partition(b"\r\n\r\n")
    if not separator:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdigit():
        return Answer(error=f"not an HTTP answer: {first!r}"), rest
    pairs = [(name.strip().lower(), value.strip()) for name, _, value in (l.partition(":") for l in lines)]
    return Answer(int(status[:3]), status[4:], pairs), rest


class Connection:
    """An HTTP/1.1 connection that shows exactly what comes back."""

    def __init__(self, address, timeout=10.0):
        self.socket = connect(address, timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def more(self):
        chunk = self.socket.recv(1 << 18)
        self.buffer += chunk
        return bool(chunk)

    def at_end(self):
        """Whether the peer closes without another byte."""
        try:
            return not self.buffer and not self.more()
        except ConnectionResetError:
            return True

    def read(self, head_only=False):
        """The next answer, its body by Content-Length, chunked or the end of the connection."""
        try:
            while (parsed := parse_head(self.buffer)) is None:
                if not self.more():
                    return Answer(error="closed before the end of the head" if self.buffer else "closed without an answer")
        except OSError as e:
            return Answer(error=f"{type(e).__name__}: {e}")
        answer, self.buffer = parsed
        if answer.error or head_only or answer.status in (204, 304):
            return answer
        if 100 <= answer.status < 200:
            return self.read(head_only)
        try:
            self._body(answer)
        except OSError as e:
            answer.error = f"{type(e).__name__}: {e}"
        return answer

    def _body(self, answer):
        if "chunked" in (answer.header("transfer-encoding") or ""):
            parts = []
            while (size := int(self._line(answer).split(b";")[0] or b"-1", 16)) > 0:
                parts.append(self._exactly(size, answer))
                self._exactly(2, answer)
                if answer.error:
                    break
            if size == 0:
                self._line(answer)
            answer.body = b"".join(parts)
        elif (length := answer.header("content-length")) is not None:
            answer.body = self._exactly(int(length), answer)
        else:
            while self.more():
                pass
            answer.body, self.buffer = self.buffer, b""

    def _line(self, answer):
        while b"\r\n" not in self.buffer:
            if not self.more():
                answer.error = "closed inside the body"
                return b""
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def _exactly(self, size, answer):
        parts, left = [self.buffer[:size]], size - min(size, len(self.buffer))
        self.buffer = self.buffer[size:]
        while left:
            chunk = self.socket.recv(min(left, 1 << 18))
            if not chunk:
                answer.error = "closed inside the body"
                break
            parts.append(chunk)
            left -= len(chunk)
        return b"".join(parts)


def http(address, host, path="/", method="GET", headers=(), body=b"", timeout=10.0, close=True):
    """One request on a connection of its own. Errors are in the answer, never raised."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if (body or method in ("POST", "PUT")) and not any(n.lower() in ("content-length", "transfer-encoding") for n, _ in headers):
        lines.append(f"Content-Length: {len(body)}")
    if close:
        lines.append("Connection: close")
    try:
        with Connection(address, timeout) as c:
            try:
                c.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
            except OSError as e:
                early = c.read(method == "HEAD")  # an answer may have come before the body was taken
                return early if early.status else Answer(error=f"{type(e).__name__}: {e}")
            return c.read(method == "HEAD")
    except OSError as e:
        return Answer(error=f"{type(e).__name__}: {e}")


def packet(variables, modifier1=0, modifier2=0):
    """A uwsgi packet of (key, value) pairs."""
    block = b""
    for pair in variables:
        for text in pair:
            data = text if isinstance(text, bytes) else text.encode("latin-1")
            block += len(data).to_bytes(2, "little") + data
    return bytes([modifier1]) + len(block).to_bytes(2, "little") + bytes([modifier2]) + block


def request_variables(host, path="/", method="GET", extra=()):
    """What nginx sends for a simple request."""
    target, _, query = path.partition("?")
    return [("QUERY_STRING", query), ("REQUEST_METHOD", method), ("CONTENT_TYPE", ""), ("CONTENT_LENGTH", ""),
            ("REQUEST_URI", path), ("PATH_INFO", target), ("SERVER_PROTOCOL", "HTTP/1.1"), ("REQUEST_SCHEME", "http"),
            ("REMOTE_ADDR", "127.0.0.1"), ("REMOTE_PORT", "4711"), ("SERVER_PORT", "80"), ("SERVER_NAME", "_"),
            ("HTTP_HOST", host), *extra]


def uwsgi(address, host, path="/", method="GET", extra=(), body=b"", timeout=10.0):
    """One request in the uwsgi protocol; an Answer whose body ends with the connection."""
    try:
        with connect(address, timeout) as s:
            s.sendall(packet(request_variables(host, path, method, extra)) + body)
            data, error = drain(s)
    except OSError as e:
        return Answer(error=f"{type(e).__name__}: {e}")
    parsed = parse_head(data)
    if parsed is None:
        return Answer(error=error or f"no head in {data[:80]!r}")
    answer, answer.body = parsed[0], parsed[1]
    answer.error = answer.error or error
    return answer
