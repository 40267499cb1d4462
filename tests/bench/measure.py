"""Measuring instruments: wrk, CPU time by schedstat, PSS, one uwsgi request."""
import os
import re
import subprocess
from dataclasses import dataclass

from imperium import processes


@dataclass
class Round:
    """What one run of wrk found, and the CPU that each group of processes used for it."""
    requests: int
    rate: float
    bad: int
    errors: str
    cpu: dict  # name of the group: microseconds per request
    p99: float = 0.0  # milliseconds


def cpu_ns(pids):
    """Nanoseconds on a CPU of all threads of these processes so far."""
    total = 0
    for pid in pids:
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def wrk(address, host, path, connections, seconds, groups, script=None):
    """One run of wrk. `groups` are {name: function that lists pids}; `script` is a Lua file."""
    before = {name: cpu_ns(pids()) for name, pids in groups.items()}
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-H", f"Host: {host}", "--timeout", "10s",
                          *(["-s", script] if script else []), "--latency", f"http://{address}{path}"], capture_output=True, text=True, check=True).stdout
    n = int(re.search(r"(\d+) requests in", out)[1])
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", out)[1])
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    errors = re.search(r"Socket errors: (.*)", out)
    cpu = {name: (cpu_ns(pids()) - before[name]) / 1e3 / max(n, 1) for name, pids in groups.items()}
    p99 = re.search(r"^\s+99%\s+([\d.]+)(us|ms|s)$", out, re.M)
    milliseconds = float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]] if p99 else 0.0
    return Round(n, rate, int(bad[1]) if bad else 0, errors[1] if errors else "", cpu, milliseconds)


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def pss_kib(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as f:
                total += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def tree(pid):
    return lambda: processes.children(pid)
