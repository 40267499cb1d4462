"""Requests that are wrong in ways by which servers in a chain disagree about where a request ends
(RFC 9110, RFC 9112), each with the status that our HTTP port owes it. Every one carries a second
request, for /smuggled, where a wrong reading would find one."""

GOOD = "GET /plain HTTP/1.1\r\nHost: one.test\r\n\r\n"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: one.test\r\n\r\n"
# Separators and controls that no field name may hold (RFC 9110, 5.6.2).
NOT_TOKENS = ['"', "(", ")", ",", "/", ";", "<", "=", ">", "?", "@", "[", "\\", "]", "{", "}", " ", "\t",
              "\x00", "\x01", "\x08", "\x0b", "\x0c", "\x1f", "\x7f", "\x80", "\xff"]
CONTROLS = ["\x00", "\x01", "\x07", "\x08", "\x0b", "\x0c", "\x0e", "\x1b", "\x1f", "\x7f"]


def post(headers, body="", version="1.1"):
    return f"POST /echo HTTP/{version}\r\nHost: one.test\r\n{headers}\r\n{body}{SMUGGLED}"


def chunked(body):
    return f"POST /echo HTTP/1.1\r\nHost: one.test\r\nTransfer-Encoding: chunked\r\n\r\n{body}{SMUGGLED}"


def get(line="GET /plain HTTP/1.1", headers="Host: one.test\r\n"):
    return f"{line}\r\n{headers}\r\n{SMUGGLED}"


def lengths():
    for value in ("", "+5", "-5", "0x5", "5 5", "5,5", "5, 6", "5;", "5.0", "1e1", "five", "5\t5", '"5"', "٥".encode().decode("latin-1"),
                  "18446744073709551616", "99999999999999999999999", "5\x00", "5\x0b", "\x0b5", "5\r6", "_5", "0b11", "5abc"):
        yield f"length {value!r}", post(f"Content-Length: {value}\r\n", "hello"), 400
    yield "length twice, the same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400
    yield "length twice, different", post("Content-Length: 5\r\nContent-Length: 0\r\n", "hello"), 400
    yield "length twice, one empty", post("Content-Length:\r\nContent-Length: 5\r\n", "hello"), 400
    yield "length folded", post("Content-Length:\r\n 5\r\n", "hello"), 400
    yield "length folded behind", post("Content-Length: 5\r\n 6\r\n", "hello"), 400
    yield "length with a space before its colon", post("Content-Length : 5\r\n", "hello"), 400
    yield "length behind a space", post(" Content-Length: 5\r\n", "hello"), 400
    yield "length without a colon", post("Content-Length 5\r\n", "hello"), 400


def encodings():
    for value in ("", "chunked, chunked", "chunked,", ",chunked", "xchunked", "chunkedx", "chunked;q=1", "identity", "identity, chunked", "chunked, identity",
                  "gzip", "gzip, chunked", "cow", "\x0bchunked", "chunked\x0b", "chunked\x00", "\x00chunked", "chun ked", '"chunked"', "chunked chunked", "[chunked]"):
        yield f"encoding {value!r}", post(f"Transfer-Encoding: {value}\r\n", "5\r\nhello\r\n0\r\n\r\n"), (400, 501)
    both = "5\r\nhello\r\n0\r\n\r\n"
    yield "encoding and length", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", both), 400
    yield "length and encoding", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", both), 400
    yield "encoding and a length of nothing", post("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", both), 400
    yield "encoding twice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", both), 400
    yield "encoding twice, one unknown", post("Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n", both), 400
    yield "encoding twice, one identity", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", both), 400
    yield "encoding folded", post("Transfer-Encoding:\r\n chunked\r\n", both), 400
    yield "encoding folded with a tab", post("Transfer-Encoding:\r\n\tchunked\r\n", both), 400
    yield "encoding with a space before its colon", post("Transfer-Encoding : chunked\r\n", both), 400
    yield "encoding with a tab before its colon", post("Transfer-Encoding\t: chunked\r\n", both), 400
    yield "encoding behind a space", post(" Transfer-Encoding: chunked\r\n", both), 400
    yield "encoding behind a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n", both), 400
    yield "encoding behind a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n", both), 400
    yield "encoding in HTTP/1.0", post("Transfer-Encoding: chunked\r\n", both, "1.0"), 400
    yield "encoding and length in HTTP/1.0", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", both, "1.0"), 400


def chunks():
    for size in ("", " ", "x", "g", "-5", "+5", "0x5", "5.0", " 5", "\t5", "5 ", "5\t", "5\x0b", "5\x00", "\x005", "5_", "٥".encode().decode("latin-1"),
                 "fffffffffffffffff", "10000000000000000", "ffffffffffffffff", "7fffffffffffffff1", ";", ";a=b"):
        yield f"chunk size {size!r}", chunked(f"{size}\r\nhello\r\n0\r\n\r\n"), 400
    yield "chunk size ended by a bare LF", chunked("5\nhello\r\n0\r\n\r\n"), 400
    yield "chunk size ended by a bare CR", chunked("5\rhello\r\n0\r\n\r\n"), 400
    yield "chunk longer than its size", chunked("4\r\nhello\r\n0\r\n\r\n"), 400
    yield "chunk shorter than its size", chunked("7\r\nhello\r\n0\r\n\r\n"), 400
    yield "chunk data ended by a bare LF", chunked("5\r\nhello\n0\r\n\r\n"), 400
    yield "chunk data ended by a bare CR", chunked("5\r\nhello\r0\r\n\r\n"), 400
    yield "chunk data ended by nothing", chunked("5\r\nhello0\r\n\r\n"), 400
    yield "chunk extension with a bare LF", chunked("5;a=\nb\r\nhello\r\n0\r\n\r\n"), 400
    yield "chunk extension with a bare CR", chunked("5;a=\rb\r\nhello\r\n0\r\n\r\n"), 400
    yield "chunk extension with a NUL", chunked("5;a=\x00\r\nhello\r\n0\r\n\r\n"), 400
    yield "last chunk ended by a bare LF", chunked("5\r\nhello\r\n0\n\n"), 400
    yield "trailer without a colon", chunked("5\r\nhello\r\n0\r\ntrailer\r\n\r\n"), 400
    yield "trailer with a space in its name", chunked("5\r\nhello\r\n0\r\na b: c\r\n\r\n"), 400
    yield "trailer folded", chunked("5\r\nhello\r\n0\r\na: b\r\n c\r\n\r\n"), 400


def fields():
    for char in NOT_TOKENS:
        yield f"name with {char!r}", get(headers=f"Host: one.test\r\nX{char}Y: z\r\n"), 400
    for char in CONTROLS:
        yield f"value with {char!r}", get(headers=f"Host: one.test\r\nX: a{char}b\r\n"), 400
    yield "no name", get(headers="Host: one.test\r\n: z\r\n"), 400
    yield "no colon", get(headers="Host: one.test\r\nX\r\n"), 400
    yield "folded value", get(headers="Host: one.test\r\nX: a\r\n b\r\n"), 400
    yield "first field folded", get(headers=" X: a\r\nHost: one.test\r\n"), 400
    yield "bare LF between fields", get(headers="Host: one.test\nX: y\r\n"), 400
    yield "bare CR between fields", get(headers="Host: one.test\rX: y\r\n"), 400
    yield "bare CR in a value", get(headers="Host: one.test\r\nX: a\rb\r\n"), 400
    yield "CR CR LF", get(headers="Host: one.test\r\r\nX: y\r\n"), 400
    yield "only bare LFs", f"GET /plain HTTP/1.1\nHost: one.test\n\n{SMUGGLED}", 400
    yield "a head ended by a bare LF", f"GET /plain HTTP/1.1\r\nHost: one.test\r\n\n{SMUGGLED}", 400
    yield "a field of 70,000 bytes", get(headers=f"Host: one.test\r\nX: {'y' * 70000}\r\n"), 431
    yield "5,000 fields", get(headers="Host: one.test\r\n" + "".join(f"X{i}: y\r\n" for i in range(5000))), 431
    yield "an expectation that is unknown", get(headers="Host: one.test\r\nExpect: a-pony\r\n"), 417


def hosts():
    yield "no host", get(headers="X: y\r\n"), 400
    yield "two hosts", get(headers="Host: one.test\r\nHost: two.test\r\n"), 400
    yield "the same host twice", get(headers="Host: one.test\r\nHost: one.test\r\n"), 400
    yield "a host folded", get(headers="Host:\r\n one.test\r\n"), 400
    yield "a host with a space before its colon", get(headers="Host : one.test\r\n"), 400
    for host in ("", "one.test, two.test", "one.test two.test", "user@one.test", "one.test/path", "one.test?x", "one.test#x", "one..test", ".one.test",
                 "one.test:80:80", "one.test:port", "[::1", "::1]", "one.test\x00", "one.test\\x", "http://one.test", "a" * 300, "<script>", "one.test%00", "../one"):
        yield f"host {host[:20]!r}", get(headers=f"Host: {host}\r\n"), 400


def lines():
    yield "two spaces", get("GET  /plain HTTP/1.1"), 400
    yield "two spaces before the version", get("GET /plain  HTTP/1.1"), 400
    yield "a tab for a space", get("GET\t/plain HTTP/1.1"), 400
    yield "a space at the end", get("GET /plain HTTP/1.1 "), 400
    yield "a space in the target", get("GET /pl ain HTTP/1.1"), 400
    yield "no target", get("GET HTTP/1.1"), 400
    yield "no version", get("GET /plain"), 400
    yield "nothing but a method", get("GET"), 400
    yield "a space in front", " " + get(), 400
    yield "a bare LF in the line", get("GET /plain\nHTTP/1.1"), 400
    yield "a bare CR in the line", get("GET /plain\rHTTP/1.1"), 400
    for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/1.10", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/11", "HTTP/2.0", "HTTP/3.0", "http/1.1", "HTP/1.1", "HTTP1.1", "HTTP/1.1x", "HTTP/-1.1", "HTTP/1,1"):
        yield f"version {version}", get(f"GET /plain {version}"), (400, 505)
    for method in ("G ET", "GET:", "GET\x00", "G(ET", "<GET>", "GÉT".encode("latin-1").decode("latin-1"), "CONNECT", "get"):
        yield f"method {method!r}", get(f"{method} /plain HTTP/1.1"), (400, 405, 501)
    for target in ("plain", "*", "/pl\x00ain", "/pl\x0bain", "/pl\x7fain", "\\plain", "http://", "http:///plain", "http://one.test:x/", "http://a b/", "ftp//one.test/"):
        yield f"target {target!r}", get(f"GET {target} HTTP/1.1"), 400


def rows():
    """(name, request, status or statuses), all of them."""
    for part in (lengths, encodings, chunks, fields, hosts, lines):
        for name, request, status in part():
            yield name, request.encode("latin-1"), status if isinstance(status, tuple) else (status,)
