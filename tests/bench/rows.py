"""The rows of the table: what each compares, what it has to reach, and how it is measured."""
import os
import time
from dataclasses import dataclass

from imperium.waiting import pause, until

import stacks
from measure import cpu_ns, median, pss_kib, tree, wrk


@dataclass
class Row:
    number: int
    work: str
    uwsgi: str
    imperium: str
    ratio: str
    target: str
    met: object  # True, False, or None for what is not measured

    def cells(self):
        verdict = {True: "met", False: "NOT met", None: "-"}[self.met]
        return [str(self.number), self.work, self.uwsgi, self.imperium, self.ratio, self.target, verdict]


# row: path, connections, least ratio to direct, least ratio to uWSGI's fastrouter
REQUEST_ROWS = {1: ("/", 32, 0.80, 1.7), 2: ("/64k", 16, 0.95, 2.5), 3: ("/big", 2, 0.97, 2.5)}


def requests(place, wanted, seconds, rounds, say):
    """Rows 1 to 5: both sides stand behind one nginx and are asked in turn; 16 to 19: beside them, two router processes."""
    stacks.nginx(place)
    router, app = stacks.uwsgi_stack(place)
    imperium = stacks.imperium_stack(place)
    two = stacks.imperium_stack(place, "two", router_processes=2) if wanted & {16, 17, 18, 19} else None
    ports = {key: port for key, port in stacks.PORTS.items() if two or key[0] != "two"}
    groups = {"uwsgi": {"router": tree(router.pid), "workers": tree(app.pid)},
              "imperium": {"router": imperium.router_pids, "workers": tree(imperium.emperor.row("app")["pid"])}}
    if two:
        groups["two"] = {"router": two.router_pids, "workers": tree(two.emperor.row("app")["pid"])}
    try:
        for port in ports.values():
            stacks.wait_for(port)
        rows, small = [], None
        for number, (path, connections, least, times) in REQUEST_ROWS.items():
            if wanted & {number, number + 15} or (number == 1 and wanted & {4, 5, 19}):
                found = {key: [] for key in ports}
                for _ in range(rounds):
                    for (side, way), port in ports.items():
                        found[side, way].append(wrk(f"127.0.0.1:{port}", stacks.HOST, path, connections, seconds, groups[side]))
                        say(f"row {number} {side:8} {way:6} {found[side, way][-1]}")
                small = small or found
                rows.append(throughput_row(number, path, connections, found, least, times))
                if two:
                    rows.append(throughput_row(number + 15, path, connections, found, least, times, "two"))
        rows = [row for row in rows if row.number in wanted]
        if small and 4 in wanted:
            rows.append(cpu_row(4, "router CPU per small request", small, "router", "router", lambda u, i: i <= 15, "<= 15 us"))
        if small and 5 in wanted:
            rows.append(cpu_row(5, "worker CPU per small WSGI request, direct", small, "direct", "workers",
                                lambda u, i: i <= 0.8 * u, "<= 0.80 x"))
        if small and 19 in wanted:
            rows.append(two_row(small))
        return rows
    finally:
        imperium.stop()
        if two:
            two.stop()
        place.stop_all()


def two_row(found):
    one, two = (median([r.cpu["router"] for r in found[side, "router"]]) for side in ("imperium", "two"))
    return Row(19, "router CPU per small request, router-processes 2 against 1", f"{one:.1f} us (1 process)", f"{two:.1f} us", f"{two / one:.2f}",
               "<= 1.2 x", two <= 1.2 * one)


def throughput_row(number, path, connections, found, least, times, side="imperium"):
    rate = {key: median([r.rate for r in rounds]) for key, rounds in found.items()}
    bad = sum(r.bad for r in found[side, "router"] + found["imperium", "direct"])
    uwsgi, imperium = rate["uwsgi", "router"] / rate["uwsgi", "direct"], rate[side, "router"] / rate["imperium", "direct"]
    factor = rate[side, "router"] / rate["uwsgi", "router"]
    title = "nginx -> 2 router processes" if side == "two" else "nginx -> router"
    return Row(number, f"{title} -> app, {path}, {connections} connections, to direct",
               f"{uwsgi:.2f} ({rate['uwsgi', 'router']:.0f} of {rate['uwsgi', 'direct']:.0f} req/s)",
               f"{imperium:.2f} ({rate[side, 'router']:.0f} of {rate['imperium', 'direct']:.0f} req/s)" + (f", {bad} bad" if bad else ""),
               f"{factor:.2f} x uWSGI's", f">= {least}, >= {times} x", imperium >= least and factor >= times and bad == 0)


def cpu_row(number, work, found, way, group, good, target):
    uwsgi, imperium = (median([r.cpu[group] for r in found[side, way]]) for side in ("uwsgi", "imperium"))
    return Row(number, work, f"{uwsgi:.1f} us", f"{imperium:.1f} us", f"{imperium / uwsgi:.2f}", target, good(uwsgi, imperium))


class Crowd:
    """Many vassals of one worker each, under one of the two emperors."""

    def __init__(self, place, side, count):
        self.place, self.side, self.count, self.imperium = place, side, count, None
        self.folder = f"{side}-crowd"
        os.makedirs(place.path(self.folder), exist_ok=True)
        for i in range(count):
            self.add(i)

    def add(self, i):
        own = (f"plugin = python3\nmaster = true\nsocket = {self.place.path(f'v{i}.sock')}\n" if self.side == "uwsgi" else f"domain = v{i}.test\n")
        self.place.write(f"{self.folder}/c{i}.ini", f"[uwsgi]\n{own}processes = 1\nuid = nobody\ngid = nogroup\n"
                         f"wsgi-file = {self.place.app}\ndisable-logging = true\n")

    def answers(self, i):
        if self.side == "uwsgi":
            return stacks.answers(self.place.path(f"v{i}.sock"), f"v{i}.test")
        return stacks.answers(self.imperium.router_socket, f"v{i}.test")

    def start(self):
        """Seconds until all answer."""
        start = time.monotonic()
        if self.side == "uwsgi":
            self.process = self.place.start("uwsgi-core", "--emperor", self.place.path(self.folder), "--disable-logging")
            self.pids = tree(self.process.pid)
        else:
            self.imperium = stacks.Imperium(self.place, self.place.path(self.folder)).start()
            self.pids = self.imperium.emperor.pids
        left = set(range(self.count))
        while left:
            left = {i for i in left if not self.answers(i)}
            if time.monotonic() - start > 300:
                raise AssertionError(f"{len(left)} vassals of {self.side} never answered")
            pause(0.02 if left else 0)
        return time.monotonic() - start

    def delays(self, count, gap):
        """Seconds from a new file to its first answer, one after the other."""
        found = []
        for k in range(count):
            pause(gap(k))
            start = time.monotonic()
            self.add(self.count + k)
            until("the new vassal answers", lambda n=self.count + k: self.answers(n), 30, every=0.001)
            found.append(time.monotonic() - start)
        return found

    def stop(self):
        if self.imperium:
            self.imperium.stop()
        elif self.side == "uwsgi":
            self.place.stop(self.process)


def crowd(place, wanted, count, idle_seconds, say):
    """Rows 8 to 11: one emperor of each side after the other."""
    figures = {}
    for side in ("uwsgi", "imperium"):
        own = Crowd(place, side, count)
        try:
            up = own.start()
            pause(2)
            pids = own.pids()
            memory = pss_kib(pids) / 1024 / count
            delays = own.delays(6, lambda k: 0.7 * k) if side == "uwsgi" else own.delays(20, lambda k: 0.3)
            pause(2)
            before = cpu_ns(own.pids())
            if 11 in wanted:
                pause(idle_seconds)
            idle = (cpu_ns(own.pids()) - before) / 1e7 / idle_seconds
            figures[side] = (up, memory, len(pids), delays, idle)
            say(f"{side}: {count} up in {up:.2f} s, {len(pids)} processes, {memory:.2f} MiB each, idle {idle:.3f} %, "
                f"delays {[round(d * 1000) for d in delays]} ms")
        finally:
            own.stop()
    return [row for row in crowd_rows(count, *figures["uwsgi"], *figures["imperium"]) if row.number in wanted]


def crowd_rows(count, u_up, u_memory, u_processes, u_delays, u_idle, i_up, i_memory, i_processes, i_delays, i_idle):
    u_drop, i_drop, worst = median(u_delays), median(i_delays), max(i_delays)
    yield Row(8, "new ini dropped -> first 200", f"median {u_drop * 1000:.0f} ms, worst {max(u_delays) * 1000:.0f} ms",
              f"median {i_drop * 1000:.0f} ms, worst of {len(i_delays)} {worst * 1000:.0f} ms", f"{i_drop / u_drop:.3f}",
              "<= 30 ms, worst <= 60 ms", i_drop <= 0.030 and worst <= 0.060)
    yield Row(9, f"{count} vassals, from emperor start to all answering", f"{u_up:.2f} s", f"{i_up:.2f} s", f"{i_up / u_up:.2f}",
              "<= 0.4 x", i_up <= 0.4 * u_up)
    yield Row(10, "memory per such vassal (PSS of everything / vassals)", f"{u_memory:.2f} MiB, {u_processes} processes",
              f"{i_memory:.2f} MiB, {i_processes} processes", f"{i_memory / u_memory:.2f}", "<= 5 MiB", i_memory <= 5)
    yield Row(11, "CPU of everything when nobody asks", f"{u_idle:.2f} %", f"{i_idle:.3f} %", f"{i_idle / max(u_idle, 1e-9):.3f}",
              "<= 0.1 %", i_idle <= 0.1)
