"""Rows 27 and 28: connections that only wait, and what each costs the router. uWSGI's routers have no such figures of their own."""
import asyncio
import os
import resource
import socket
import sys

from imperium import client
from imperium.lone_router import LoneRouter, LoneVassal
from imperium.subscriber import Subscriber
from imperium.waiting import until

import stacks
import websocket
from measure import median
from rows import Row

IDLE, SOCKETS = 10_000, 1_000

ASK = f"GET / HTTP/1.1\r\nHost: {stacks.HOST}\r\n\r\n".encode()


def raise_limit():
    """As many descriptors as this process may have; the routers inherit that."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def ask(s):
    """One answer of the benchmark's application on a kept connection."""
    s.sendall(ASK)
    data = b""
    while not data.endswith(b"hello world\n"):
        chunk = s.recv(4096)
        if not chunk:
            raise ConnectionError(f"closed after {data!r}")
        data += chunk


def keep_alive(place, say):
    raise_limit()
    vassal = LoneVassal(place.directory, "idlers", place.app)
    router = LoneRouter(place.directory, "idle-router", "--http-timeout=600")
    held = []
    try:
        router.vassal(1, vassal.channel)
        router.say("route", host=stacks.HOST, id=1)
        router.go()
        warm = [socket.create_connection(router.http, 20) for _ in range(100)]
        for s in warm:
            ask(s)
        before = router.rss()
        for _ in range(IDLE):
            held.append(socket.create_connection(router.http, 20))
            ask(held[-1])
        used = (router.rss() - before) / IDLE
        for s in held[:: IDLE // 100]:
            ask(s)  # they are all still served
    finally:
        for s in held:
            s.close()
        router.end()
        vassal.end()
    say(f"row 27: {used:.0f} bytes of router memory for each of {IDLE}")
    return Row(27, f"router memory per idle kept connection, {IDLE:,} of them", "-", f"{used / 1024:.2f} KiB", "-", "<= 10 KiB", used <= 10 * 1024)


def web_sockets(place, rounds, say):
    node = "127.0.0.1:8090"
    place.start(sys.executable, os.path.join(stacks.HERE, "websocket.py"), node)
    server = place.path("subscribe.sock")
    router = LoneRouter(place.directory, "ws-router", "--http-timeout=600")
    try:
        router.hear_subscriptions(server)
        router.go()
        with Subscriber(server, stacks.HOST, node, proto="http"):
            until("the node is there", lambda: client.http(router.http, stacks.HOST).status == 200, 20)
            before = router.rss()
            used, took = asyncio.run(websocket.hold(router.http, stacks.HOST, SOCKETS, lambda: (router.rss() - before) / SOCKETS, rounds))
    finally:
        router.end()
        place.stop_all()
    p50, p99 = median(took) * 1000, sorted(took)[int(len(took) * 0.99)] * 1000
    say(f"row 28: {used:.0f} bytes of router memory for each of {SOCKETS}, echo median {p50:.2f} ms, p99 {p99:.2f} ms")
    return Row(28, f"router memory per WebSocket, {SOCKETS:,} of them held; echo round trip meanwhile", "-",
               f"{used / 1024:.2f} KiB; median {p50:.2f} ms, p99 {p99:.2f} ms", "-", "<= 10 KiB", used <= 10 * 1024)


def measure(place, wanted, rounds, say):
    return ([keep_alive(place, say)] if 27 in wanted else []) + ([web_sockets(place, rounds, say)] if 28 in wanted else [])
