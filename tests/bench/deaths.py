"""Rows 6, 7, 12 and 13: what visitors notice of deaths and reloads. uWSGI's side of 6, 7 and 13 is measured in the
same run, before or after; its emperor takes every vassal with it, which needs no measuring."""
import os
import signal
import time

from imperium import processes
from imperium.load import Load
from imperium.waiting import pause, until

import stacks
from rows import Row


def front(side):
    return "127.0.0.1", stacks.PORTS[side, "router"]


def p99(latencies):
    ordered = sorted(latencies)
    return ordered[int(len(ordered) * 0.99)] if ordered else float("nan")


def measure(place, wanted, short, say):
    stacks.nginx(place)
    found = []
    if wanted & {6, 13}:
        router, app = stacks.uwsgi_stack(place)
        stacks.wait_for(stacks.PORTS["uwsgi", "router"])
        uwsgi = router_killed("uwsgi", lambda: processes.children(router.pid)[1:], 1)
        place.stop(app)
        place.stop(router)
        say(f"rows 6, 13 uwsgi {uwsgi}")
    imperium = stacks.imperium_stack(place)
    stacks.wait_for(stacks.PORTS["imperium", "router"])
    try:
        if wanted & {6, 13}:
            ours = router_killed("imperium", imperium.router_pids, 3 if short else 10)
            say(f"rows 6, 13 imperium {ours}")
            found += router_rows(uwsgi, ours)
        if 7 in wanted:
            found.append(reload_row(place, imperium, 10 if short else 30, say))
        if 12 in wanted:
            found.append(death_row(imperium, 3 if short else 10, say))
    finally:
        imperium.stop()
    return [row for row in sorted(found, key=lambda row: row.number) if row.number in wanted]


# -- 6 and 13: the router

def router_killed(side, pids, rounds):
    """A request every 10 ms through nginx; (deaths, failed requests, seconds until the next answer after each)."""
    gaps = []
    with Load(front(side), stacks.HOST, threads=1, every=0.01) as load:
        for _ in range(rounds):
            pause(0.5)
            killed = pids()
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            start, asked = time.monotonic(), load.answered
            # One that was under way may still be answered: the second answer is the new router's.
            until("it is answered again", lambda: load.answered > asked + 1, 30, every=0.001)
            gaps.append(time.monotonic() - start)
            until("another router is there", lambda: set(pids()) - set(killed), 30)
    return rounds, len(load.failures), gaps


def router_rows(uwsgi, imperium):
    (u_rounds, u_failed, u_gaps), (rounds, failed, gaps) = uwsgi, imperium
    middle = sorted(gaps)[len(gaps) // 2]
    yield Row(6, "router killed, a request every 10 ms: failed requests a death", f"{u_failed / u_rounds:.1f}", f"{failed / rounds:.1f} ({rounds} deaths)",
              "-", "<= 1", failed <= rounds)
    yield Row(13, "answers back after a router was killed", f"{max(u_gaps) * 1000:.0f} ms", f"median {middle * 1000:.0f} ms, worst {max(gaps) * 1000:.0f} ms",
              f"{middle / max(u_gaps):.3f}", "<= 50 ms", middle <= 0.050)


# -- 7: reloads

def seconds_of(load, start, marks):
    """p99 of the requests that ended in the second after any of `marks`, and of the others since `start`."""
    after, quiet = [], []
    for end, took in load.answers:
        if end >= start:
            (after if any(mark <= end < mark + 1 for mark in marks) else quiet).append(took)
    return p99(after), p99(quiet)


class TimedLoad(Load):
    """Keeps when each answer came."""

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.answers = []
        ask = self.ask

        def asked():
            start = time.monotonic()
            answer = ask()
            end = time.monotonic()
            if self.good(answer):
                self.answers.append((end, end - start))
            return answer
        self.ask = asked


def reloads(port, touch, seconds):
    """(failed, answered, p99 of the second after a reload, p99 otherwise) with 16 visitors and a reload every 5 s."""
    marks = []
    with TimedLoad(("127.0.0.1", port), stacks.HOST, threads=16) as load:
        pause(1)
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            pause(4)
            marks.append(time.monotonic())
            touch()
            pause(1)
    after, quiet = seconds_of(load, start, marks)
    return len(load.failures), len(load.answers), after, quiet


def reload_row(place, imperium, seconds, say):
    parts, met = [], True
    for processes_wanted in (1, 2):
        stacks.imperium_vassal(place, processes_wanted)
        until("the change is up", lambda n=processes_wanted: imperium.emperor.wait_state("app", "ready")["workers"] == n)
        failed, answered, after, quiet = reloads(stacks.PORTS["imperium", "router"], lambda: imperium.emperor.ctl("reload", "app"), seconds)
        say(f"row 7 processes {processes_wanted}: {failed} failed of {answered}, p99 {after * 1000:.1f} ms, without {quiet * 1000:.1f} ms")
        parts.append(f"processes {processes_wanted}: {failed} failed of {answered}, p99 {after * 1000:.0f} ms after, {quiet * 1000:.0f} ms without")
        met = met and failed == 0 and after <= 3 * quiet
    return Row(7, f"a reload every 5 s for {seconds} s, 16 visitors", "0 failed, p99 about 1 s (each reload stalls)", "; ".join(parts), "-",
               "0 failed, p99 <= 3 x", met)


# -- 12: emperor and keeper

def death_row(imperium, rounds, say):
    emperor = imperium.emperor
    vassal, took, failed, answered = emperor.row("app")["pid"], {"emperor": [], "keeper": []}, 0, 0
    for which, times in took.items():
        with Load(front("imperium"), stacks.HOST, threads=4, every=0.002) as load:
            for _ in range(rounds):
                pause(0.3)
                before = emperor.pid_of(which)
                start = time.monotonic()
                os.kill(before, signal.SIGKILL)
                until(f"another {which}", lambda: emperor.pid_of(which) not in (None, before) and emperor.ctl("ls").returncode == 0, every=0.002)
                times.append(time.monotonic() - start)
                assert emperor.row("app")["pid"] == vassal, "not adopted"
        failed, answered = failed + len(load.failures), answered + load.answered
    worst = {which: max(times) for which, times in took.items()}
    say(f"row 12: {took}, {failed} failed of {answered}")
    return Row(12, f"emperor and keeper killed, {rounds} times each, under load", "every vassal dies",
               f"{failed} failed of {answered}, adopted within {worst['emperor'] * 1000:.0f} ms (emperor), {worst['keeper'] * 1000:.0f} ms (keeper)", "-",
               "0 failed, <= 1 s", failed == 0 and max(worst.values()) <= 1)

