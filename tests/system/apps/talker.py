"""Says in its log what a test wants to read there."""
import json
import os
import sys
import time
from urllib.parse import parse_qs


def say(q):
    print(q["text"], flush=True)


def raw(q):
    os.write(1, bytes.fromhex(q["hex"]))


def flood(q):
    """LINES numbered lines of SIZE bytes; how many seconds the writing took."""
    lines, size, word = int(q["lines"]), int(q.get("size", 100)), q.get("word", "flood")
    begin = time.monotonic()
    for first in range(0, lines, 100):
        text = "".join(f"{word} {i} ".ljust(size - 1, ".") + "\n" for i in range(first, min(first + 100, lines)))
        sys.stdout.write(text)
        sys.stdout.flush()
    return time.monotonic() - begin


def open_stderr(q):
    with open("/dev/stderr", "w") as f:
        f.write(q["text"] + "\n")


WAYS = {"/say": say, "/raw": raw, "/flood": flood, "/stderr": open_stderr}


def application(environ, start_response):
    q = {k: v[-1] for k, v in parse_qs(environ["QUERY_STRING"]).items()}
    way = WAYS.get(environ["PATH_INFO"])
    body = json.dumps(way(q) if way else os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
