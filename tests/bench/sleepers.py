"""Rows 14 and 15: sites that sleep. uWSGI's router knows no sleeper, so there is nothing to compare with."""
import os
import re
import time
from datetime import datetime

from imperium.waiting import until

import stacks
from measure import median, pss_kib
from rows import Row

ROUNDS = 20
LINE = re.compile(r"^(\S+) info \[emperor\] vassal site: (wakes|spawned)", re.M)


def own_parts(log):
    """Milliseconds that the emperor took from each knock until the process was there."""
    with open(log) as f:
        marks = [(datetime.fromisoformat(at), what) for at, what in LINE.findall(f.read())]
    return [(b[0] - a[0]).total_seconds() * 1000 for a, b in zip(marks, marks[1:]) if (a[1], b[1]) == ("wakes", "spawned")]


def wake(place, say):
    """A hello application that is put to sleep after each request."""
    os.makedirs(place.path("sleepers"))
    place.write("sleepers/site.ini", f"[uwsgi]\ndomain = site.test\nuid = nobody\ngid = nogroup\nwsgi-file = {place.app}\n"
                "disable-logging = true\nstart = lazy\nidle = 1\n")
    imperium = stacks.Imperium(place, place.path("sleepers")).start()
    try:
        found = []
        for _ in range(ROUNDS):
            until("it sleeps", lambda: (r := imperium.emperor.row("site")) and r["state"] == "asleep" and r["pid"] is None, 20)
            until("nothing of it runs", lambda: not imperium.emperor.json("show", "site")["generations"], 20)
            start = time.monotonic()
            assert stacks.answers(imperium.router_socket, "site.test")
            found.append((time.monotonic() - start) * 1000)
        own = own_parts(imperium.emperor.log)
    finally:
        imperium.stop()
    say(f"row 14 first requests {[round(ms) for ms in found]} ms, the emperor's part {own} ms")
    return Row(14, "first request to a sleeping hello application", "-",
               f"median {median(found):.0f} ms, worst of {ROUNDS} {max(found):.0f} ms; the emperor's part {median(own):.0f} ms",
               "-", "<= 80 ms, the emperor's part <= 5 ms", max(found) <= 80 and median(own) <= 5)


def lazy(place, say, count=5000):
    """A directory of lazy sites."""
    os.makedirs(place.path("lazy"))
    for i in range(count):
        place.write(f"lazy/v{i}.ini", f"[uwsgi]\ndomain = v{i}.test\nuid = nobody\ngid = nogroup\nwsgi-file = {place.app}\nstart = lazy\n")
    imperium = stacks.Imperium(place, place.path("lazy"))
    start = time.monotonic()
    imperium.start()
    try:
        until("everyone is routed", lambda: len(imperium.emperor.routes()) == count, 60, every=0.05)
        up = time.monotonic() - start
        memory = pss_kib([imperium.emperor.pid_of("emperor"), *imperium.router_pids()]) / 1024
        answered = all(stacks.answers(imperium.router_socket, f"v{i}.test") for i in (0, count // 2, count - 1))
    finally:
        imperium.stop()
    say(f"row 15 {count} lazy: {up:.2f} s, {memory:.0f} MiB, answered {answered}")
    return Row(15, f"{count} lazy vassals: known and routed; emperor and router together", "-", f"{up:.2f} s; {memory:.0f} MiB", "-",
               "<= 3 s, <= 100 MiB", up <= 3 and memory <= 100 and answered)


def measure(place, wanted, say):
    return ([wake(place, say)] if 14 in wanted else []) + ([lazy(place, say)] if 15 in wanted else [])
