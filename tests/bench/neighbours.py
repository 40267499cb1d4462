"""Rows 29 and 30: a tenant that never answers while 5,000 clients wait for it, and what its neighbour notices."""
import socket
import time

from imperium import client
from imperium.lone_router import LoneRouter, LoneVassal, channel
from imperium.waiting import pause

import stacks
from idlers import ask, raise_limit
from measure import median
from rows import Row

WAITING = 5_000
DEAD = "dead.example.com"
EVERY = 0.001  # seconds between the neighbour's requests


def wait_for_nothing(router, door):
    """WAITING clients with a request each at the door."""
    waiting = []
    for _ in range(WAITING):
        if door == "uwsgi":
            waiting.append(client.connect(router.uwsgi, 20))
            waiting[-1].sendall(client.packet(client.request_variables(DEAD)))
        else:
            waiting.append(socket.create_connection(router.http, 20))
            waiting[-1].sendall(f"GET / HTTP/1.1\r\nHost: {DEAD}\r\n\r\n".encode())
    return waiting


def still_waiting(clients):
    count = 0
    for s in clients:
        s.setblocking(False)
        try:
            s.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            count += 1
    return count


def visitor(router, which):
    """A function that asks the neighbour once: on a connection of its own as nginx does, or on a kept one as a browser."""
    if which == "uwsgi":
        packet = client.packet(client.request_variables(stacks.HOST))

        def ask_uwsgi():
            with client.connect(router.uwsgi, 20) as s:
                s.sendall(packet)
                return client.drain(s)[0]
        return ask_uwsgi
    kept = socket.create_connection(router.http, 20)

    def ask_http():
        ask(kept)
        return b" 200 "
    return ask_http


def paced(ask_once, seconds):
    """Milliseconds that 99 of 100 requests took at most, one every EVERY seconds."""
    took, due, end = [], time.monotonic(), time.monotonic() + seconds
    while due < end:
        pause(max(0, due - time.monotonic()))
        start = time.monotonic()
        assert b" 200 " in ask_once()
        took.append((time.monotonic() - start) * 1000)
        due = max(due + EVERY, start)
    return sorted(took)[int(len(took) * 0.99)]


def door(place, which, number, seconds, rounds, say):
    raise_limit()
    vassal, dead = LoneVassal(place.directory, "neighbour", place.app), channel()
    router = LoneRouter(place.directory, f"neighbour-{which}")
    found, kept = {"alone": [], "beside": []}, []
    try:
        router.vassal(1, vassal.channel)
        router.say("route", host=stacks.HOST, id=1)
        router.go()
        ask_once = visitor(router, which)
        paced(ask_once, 1)
        for _ in range(rounds):
            for how in found:
                router.vassal(2, dead, queue_max=2 * WAITING, queue_timeout=300)
                router.say("route", host=DEAD, id=2)
                router.settled()
                waiting = wait_for_nothing(router, which) if how == "beside" else []
                pause(0.5)
                found[how].append(paced(ask_once, seconds))
                kept += [still_waiting(waiting)] if waiting else []
                say(f"row {number} {which} {how} p99 {found[how][-1]:.3f} ms {kept[-1:]}")
                for s in waiting:
                    s.close()
                router.say("remove", id=2)
                router.settled()
                pause(0.5)
    finally:
        router.end()
        vassal.end()
    alone, beside = median(found["alone"]), median(found["beside"])
    return Row(number, f"p99 of a tenant asked {1 / EVERY:.0f} times a second, beside {WAITING:,} clients of one that never answers, {which} door",
               f"{alone:.2f} ms alone", f"{beside:.2f} ms, {min(kept)} still waited", f"{beside / alone:.2f} x", "<= 1.2 x",
               beside <= 1.2 * alone and min(kept) == WAITING)


def measure(place, wanted, seconds, rounds, say):
    return [door(place, which, number, seconds, rounds, say) for number, which in ((29, "uwsgi"), (30, "http")) if number in wanted]
