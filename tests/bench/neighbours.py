"""Rows 29 and 30: a tenant that never answers while 5,000 clients wait for it, and what its neighbour notices."""
import socket

from imperium import client
from imperium.lone_router import LoneRouter, LoneVassal, channel
from imperium.waiting import pause

import stacks
from idlers import raise_limit
from measure import median, wrk
from rows import Row

WAITING, CONNECTIONS = 5_000, 8
DEAD = "dead.example.com"
PORT = 8087


def nginx(place, router):
    """For the uwsgi door: wrk speaks HTTP."""
    temporary = "".join(f" {kind}_temp_path {place.path('t-' + kind)};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    conf = place.write("neighbour.conf", f"worker_processes 1; daemon off; pid {place.path('nginx.pid')}; error_log {place.path('nginx.err')};\n"
                       f"events {{ worker_connections 4096; }}\nhttp {{ access_log off; keepalive_requests 1000000;{temporary}\n"
                       f"  server {{ listen 127.0.0.1:{PORT}; location / {{ include /etc/nginx/uwsgi_params; uwsgi_param HTTP_HOST $http_host;"
                       f" uwsgi_pass unix:{router.uwsgi}; }} }} }}\n")
    return place.start("/usr/sbin/nginx", "-c", conf)


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


def door(place, which, number, seconds, rounds, say):
    raise_limit()
    vassal, dead = LoneVassal(place.directory, "neighbour", place.app), channel()
    router = LoneRouter(place.directory, f"neighbour-{which}")
    front = None
    found = {"alone": [], "beside": []}
    kept = []
    try:
        router.vassal(1, vassal.channel)
        router.vassal(2, dead, queue_max=2 * WAITING, queue_timeout=300)
        router.say("route", host=stacks.HOST, id=1)
        router.say("route", host=DEAD, id=2)
        router.go()
        front = nginx(place, router) if which == "uwsgi" else None
        address = f"127.0.0.1:{PORT}" if front else "%s:%d" % router.http
        stacks.wait_for(int(address.rsplit(":", 1)[1]))
        groups = {"router": lambda: [router.pid]}
        for _ in range(rounds):
            for how in found:
                waiting = wait_for_nothing(router, which) if how == "beside" else []
                pause(0.5)
                found[how].append(wrk(address, stacks.HOST, "/", CONNECTIONS, seconds, groups))
                if waiting:
                    kept.append(still_waiting(waiting))
                say(f"row {number} {which} {how} {kept[-1:]} {found[how][-1]}")
                for s in waiting:
                    s.close()
                if waiting:  # what was taken back is gone before the next round
                    router.say("remove", id=2)
                    router.vassal(2, dead, queue_max=2 * WAITING, queue_timeout=300)
                    router.say("route", host=DEAD, id=2)
                    router.settled()
                    pause(0.5)
    finally:
        router.end()
        vassal.end()
        if front:
            place.stop(front)
    alone, beside = (median([r.p99 for r in found[how]]) for how in ("alone", "beside"))
    rate = {how: median([r.rate for r in found[how]]) for how in found}
    return Row(number, f"p99 of a neighbour, {CONNECTIONS} connections, beside {WAITING:,} clients of a tenant that never answers, {which} door",
               f"{alone:.2f} ms alone, {rate['alone']:.0f} req/s", f"{beside:.2f} ms, {rate['beside']:.0f} req/s, {min(kept)} still waited",
               f"{beside / alone:.2f} x", "<= 1.2 x", beside <= 1.2 * alone and min(kept) == WAITING)


def measure(place, wanted, seconds, rounds, say):
    return [door(place, which, number, seconds, rounds, say) for number, which in ((29, "uwsgi"), (30, "http")) if number in wanted]
