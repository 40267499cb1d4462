"""Every way in which a WSGI application may answer, right or wrong: /NAME calls the function NAME."""
import io
import json
import os
import sys
import tempfile

PLAIN = [("Content-Type", "text/plain")]
closed = []  # names of the iterables whose close() was called


class Closing:
    """An iterable that remembers that it was closed, also when it fails in the middle."""

    def __init__(self, name, chunks, fail=False):
        self.name, self.chunks, self.fail = name, list(chunks), fail

    def __iter__(self):
        yield from self.chunks
        if self.fail:
            raise RuntimeError(f"{self.name} fails in the middle")

    def close(self):
        closed.append(self.name)


def plain(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"one ", b"two ", b"", b"three\n"]


def closing(environ, start_response):
    start_response("200 OK", PLAIN)
    return Closing("closing", [b"closed later\n"])


def closed_names(environ, start_response):
    start_response("200 OK", PLAIN)
    return [json.dumps(closed).encode()]


def close_fails(environ, start_response):
    class Bad(Closing):
        def close(self):
            raise RuntimeError("close() fails")
    start_response("200 OK", PLAIN)
    return Bad("close_fails", [b"whole\n"])


def raise_before(environ, start_response):
    raise RuntimeError("before start_response")


def raise_after_start(environ, start_response):
    start_response("200 OK", PLAIN)
    raise RuntimeError("after start_response")


def raise_at_first_chunk(environ, start_response):
    start_response("200 OK", PLAIN)
    return Closing("raise_at_first_chunk", [], fail=True)


def raise_after_first_byte(environ, start_response):
    start_response("200 OK", PLAIN)
    return Closing("raise_after_first_byte", [b"first "], fail=True)


def raise_after_first_byte_sized(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "1000")])
    return Closing("raise_after_first_byte_sized", [b"first "], fail=True)


def system_exit(environ, start_response):
    sys.exit(3)


def never_started(environ, start_response):
    return [b"no start_response"]


def second_start(environ, start_response):
    start_response("200 OK", PLAIN)
    start_response("201 Created", PLAIN)
    return [b"never seen"]


def exc_info_before(environ, start_response):
    start_response("200 OK", PLAIN)
    try:
        raise RuntimeError("replaced")
    except RuntimeError:
        start_response("503 Replaced", PLAIN + [("X-Replaced", "yes")], sys.exc_info())
    return [b"replacement\n"]


def exc_info_after(environ, start_response):
    def chunks():
        start_response("200 OK", PLAIN)
        yield b"first "
        try:
            raise RuntimeError("too late to replace")
        except RuntimeError:
            start_response("500 Too Late", PLAIN, sys.exc_info())
        yield b"never seen"
    return chunks()


def started_late(environ, start_response):
    def chunks():
        start_response("202 Accepted", PLAIN)
        yield b"started at the first chunk\n"
    return chunks()


def write(environ, start_response):
    w = start_response("200 OK", PLAIN)
    w(b"written ")
    w(b"twice ")
    return [b"and returned\n"]


def bare_bytes(environ, start_response):
    start_response("200 OK", PLAIN)
    return b"a bytes object itself\n"


def no_reason(environ, start_response):
    start_response("404", PLAIN)
    return [b"a status without a reason\n"]


def text_chunk(environ, start_response):
    start_response("200 OK", PLAIN)
    return ["not bytes"]


def not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"e"')])
    return []


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return [b"must not be sent"]


def sized(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "12")])
    return [b"twelve bytes"]


def short(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "100")])
    return [b"only this"]


def long(environ, start_response):
    start_response("200 OK", PLAIN + [("Content-Length", "4")])
    return [b"fourand more"]


def crlf_value(environ, start_response):
    start_response("200 OK", PLAIN + [("X-Evil", "a\r\nSet-Cookie: stolen=1")])
    return [b"x"]


def lf_name(environ, start_response):
    start_response("200 OK", PLAIN + [("X-Evil\nSet-Cookie", "stolen=1")])
    return [b"x"]


def crlf_status(environ, start_response):
    start_response("200 OK\r\nSet-Cookie: stolen=1", PLAIN)
    return [b"x"]


def repeated(environ, start_response):
    start_response("200 OK", PLAIN + [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
    return [b"two cookies\n"]


def latin1(environ, start_response):
    start_response("200 Tr\u00e8s bien", PLAIN + [("X-Name", "caf\u00e9")])
    return [json.dumps([environ["PATH_INFO"], environ.get("HTTP_X_NAME")]).encode()]


def hop_by_hop(environ, start_response):
    start_response("200 OK", PLAIN + [("Connection", "close"), ("Transfer-Encoding", "chunked"), ("Keep-Alive", "timeout=5")])
    return [b"framed by the server\n"]


def wrapped(environ, start_response):
    """A real file, from where it stands: after its first ten bytes."""
    f = tempfile.TemporaryFile()
    f.write(b"0123456789abcdefghij")
    f.flush()
    f.seek(10)
    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](f, 4)


def wrapped_sized(environ, start_response):
    f = tempfile.TemporaryFile()
    f.write(b"0123456789abcdefghij")
    f.seek(2)
    start_response("200 OK", PLAIN + [("Content-Length", "5")])
    return environ["wsgi.file_wrapper"](f)


def wrapped_large(environ, start_response):
    f = tempfile.TemporaryFile()
    for _ in range(64):
        f.write(b"y" * (1 << 20))
    f.seek(0)
    start_response("200 OK", PLAIN + [("Content-Length", str(64 << 20))])
    return environ["wsgi.file_wrapper"](f)


def wrapped_memory(environ, start_response):
    start_response("200 OK", PLAIN)
    return environ["wsgi.file_wrapper"](io.BytesIO(b"not a real file\n"))


def input_calls(environ, start_response):
    """What the methods of wsgi.input say about the body that came."""
    body = environ["wsgi.input"]
    said = [body.read(0), body.readline(3), body.readline(), body.read(2), body.readlines(), body.read(), body.read(5), body.readline()]
    start_response("200 OK", PLAIN)
    return [json.dumps([s.decode() if isinstance(s, bytes) else [x.decode() for x in s] for s in said]).encode()]


def input_iterated(environ, start_response):
    lines = [line.decode() for line in environ["wsgi.input"]]
    start_response("200 OK", PLAIN)
    return [json.dumps(lines).encode()]


def unread(environ, start_response):
    start_response("200 OK", PLAIN)
    return [b"did not look at the body\n"]


def content_length(environ, start_response):
    start_response("200 OK", PLAIN)
    return [json.dumps([int(environ.get("CONTENT_LENGTH", 0)), environ.get("CONTENT_TYPE", "absent")]).encode()]


def variables(environ, start_response):
    start_response("200 OK", PLAIN)
    return [json.dumps({k: v for k, v in environ.items() if isinstance(v, (str, bool, int))}).encode()]


def errors(environ, start_response):
    environ["wsgi.errors"].write("a line for the log: \u2014\n")
    environ["wsgi.errors"].flush()
    start_response("200 OK", PLAIN)
    return [str(os.getpid()).encode()]


def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/").split("/")[0] or "plain"
    function = globals().get(name)
    if not callable(function) or name == "application":
        start_response("404 Not Found", PLAIN)
        return [b"no such answer\n"]
    return function(environ, start_response)
