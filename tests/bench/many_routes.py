"""Rows 24 to 27: 100,000 routes. uWSGI keeps nothing comparable (every key is a subscription): no other side."""
import os
import socket
import threading
import time

from imperium import client
from imperium.lone_router import LoneRouter, LoneVassal
from imperium.messages import message
from imperium.waiting import pause, until

import stacks
from measure import median, wrk
from rows import Row

MANY, FEW = 100_000, 10
VASSALS = 100  # that share the routes


def host(i):
    return f"www.customer-{i:06d}.example.com"


def load_routes(router, numbers, vassal=None):
    for i in numbers:
        router.say("route", host=host(i), id=vassal or 1 + i % VASSALS)


def memory(place, say):
    """Bytes per route, names of 31 bytes included; and what it takes while it grows."""
    router = LoneRouter(place.directory, "memory")
    try:
        for n in range(1, VASSALS + 1):
            router.say("vassal", id=n, name=f"v{n}")
        load_routes(router, range(FEW))
        router.go().settled()
        before = router.rss()
        start = time.monotonic()
        load_routes(router, range(FEW, MANY))
        router.settled()
        took, used = time.monotonic() - start, (router.rss() - before) / (MANY - FEW)
    finally:
        router.end()
    say(f"row 25: {used:.0f} bytes a route, loaded in {took:.2f} s")
    return Row(25, f"router memory per route, {MANY:,} of them, names of {len(host(0))} bytes", "-", f"{used:.0f} bytes; told in {took:.2f} s", "-",
               "<= 200 bytes", used <= 200)


LUA = """
local hosts, n = %d, 0
math.randomseed(7)
request = function()
  n = math.random(0, hosts - 1)
  wrk.headers["Host"] = string.format("www.customer-%%06d.example.com", n)
  return wrk.format("GET", "/")
end
"""


def speed(place, seconds, rounds, say):
    """Requests over HTTP to hosts drawn by lot, with ten routes and with very many: two routers, asked in turn."""
    vassal = LoneVassal(place.directory, "speed", place.app)
    routers = {count: LoneRouter(place.directory, f"speed-{count}") for count in (FEW, MANY)}
    found = {count: [] for count in routers}
    try:
        for count, router in routers.items():
            router.vassal(1, vassal.channel)
            load_routes(router, range(count), vassal=1)
            router.go().settled()
            place.write(f"{count}.lua", LUA % count)
        for _ in range(rounds):
            for count, router in routers.items():
                groups = {"router": lambda pid=router.pid: [pid]}
                found[count].append(wrk("%s:%d" % router.http, stacks.HOST, "/", 32, seconds, groups, place.path(f"{count}.lua")))
                say(f"row 24 {count} routes {found[count][-1]}")
    finally:
        for router in routers.values():
            router.end()
        vassal.end()
    rate = {count: median([r.rate for r in rounds]) for count, rounds in found.items()}
    cpu = {count: median([r.cpu["router"] for r in rounds]) for count, rounds in found.items()}
    bad = sum(r.bad for rounds in found.values() for r in rounds)
    return Row(24, f"HTTP requests to hosts by lot, {MANY:,} routes against {FEW}", f"{rate[FEW]:.0f} req/s, {cpu[FEW]:.1f} us CPU ({FEW} routes)",
               f"{rate[MANY]:.0f} req/s, {cpu[MANY]:.1f} us CPU" + (f", {bad} bad" if bad else ""), f"{rate[MANY] / rate[FEW]:.3f} x", ">= 0.95 x",
               rate[MANY] >= 0.95 * rate[FEW] and bad == 0)


def change(place, rounds, say):
    """From the message that adds or removes a route until both of two processes with 100,000 of them answer by it."""
    routers = [LoneRouter(place.directory, f"change-{n}") for n in (0, 1)]
    took = {"route": [], "unroute": []}
    try:
        for router in routers:
            for n in range(1, VASSALS + 1):
                router.say("vassal", id=n, name=f"v{n}")
                router.say("state", id=n, state="stopped")  # whoever asks is told 503 at once
            load_routes(router, range(MANY))
            router.go().settled()
        for i in range(rounds):
            for verb, fields, wanted in (("route", {"id": 1}, 503), ("unroute", {}, 404)):
                told, start = message(verb, host=f"new-{i}.test", **fields), time.monotonic()
                for router in routers:
                    router.control.send(told)
                for router in routers:
                    until("it answers by the new table", lambda r=router: r.ask(f"new-{i}.test") == wanted, every=0.0001)
                took[verb].append((time.monotonic() - start) * 1000)
    finally:
        for router in routers:
            router.end()
    return {verb: (median(times), max(times)) for verb, times in took.items()}


class Probes:
    """A request every half millisecond, each on a connection of its own, none waited for; then who was told 404, and when."""

    def __init__(self, path, name):
        self.path, self.packet, self.sent, self.stop = path, client.packet(client.request_variables(name)), [], threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stop.is_set():
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(20)
            now = time.monotonic()
            s.connect(self.path)
            s.sendall(self.packet)
            self.sent.append((now, s))
            self.stop.wait(0.0005)

    def last_404(self):
        self.stop.set()
        self.thread.join()
        times, others = [0.0], 0
        for at, s in self.sent:
            with s:
                status = s.recv(64)
            if b" 404 " in status:
                times.append(at)
            else:
                others += 1
        return max(times), others


def file_to_route(place, rounds, say):
    """From the rename of a lazy vassal's file to the last 404 of any of two routers."""
    os.makedirs(place.path("arrivals"))
    imperium = stacks.Imperium(place, place.path("arrivals"), router_processes=2).start()
    took = []
    try:
        until("two routers", lambda: len(imperium.router_pids()) == 2)
        for i in range(rounds):
            text = f"[uwsgi]\ndomain = new{i}.test\nuid = nobody\ngid = nogroup\nwsgi-file = {place.app}\nstart = lazy\n"
            place.write(f"pending{i}.ini", text)
            probes = Probes(imperium.router_socket, f"new{i}.test")
            pause(0.01)
            start = time.monotonic()
            os.rename(place.path(f"pending{i}.ini"), place.path(f"arrivals/new{i}.ini"))
            pause(0.1)
            last, others = probes.last_404()
            assert others > 0, "nobody was ever routed"
            took.append((last - start) * 1000)
            pause(0.1)
    finally:
        imperium.stop()
    say(f"row 26 from the file {[round(t, 1) for t in took]} ms")
    return median(took), max(took)


def measure(place, wanted, seconds, rounds, say):
    found = []
    if 24 in wanted:
        found.append(speed(place, seconds, rounds, say))
    if 25 in wanted:
        found.append(memory(place, say))
    if 26 in wanted:
        seen = change(place, 20 * rounds, say)
        middle, worst = file_to_route(place, 3 * rounds, say)
        text = "; ".join(f"{verb}: median {m:.1f} ms, worst {w:.1f} ms" for verb, (m, w) in seen.items())
        found.append(Row(26, "a route is told: until both of two routers answer by it", "-", f"{text}; from the file: median {middle:.1f} ms, worst {worst:.1f} ms",
                         "-", "<= 10 ms", all(w <= 10 for _, w in seen.values()) and middle <= 10))
    return found
