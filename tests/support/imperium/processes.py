"""Processes by their place in /proc: children, cgroups, what they used."""
import os
import signal

from .waiting import until


def alive(pid):
    """Running, or at least not yet collected and not a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid):
    """`pid` and all its descendants."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as f:
                for child in f.read().split():
                    found += children(int(child))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def all_pids():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def of_uids(uids):
    """Every process whose real uid is one of `uids`."""
    found = []
    for pid in all_pids():
        try:
            if os.stat(f"/proc/{pid}").st_uid in uids or status(pid, "Uid").split()[0] in map(str, uids):
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return [pid for pid in found if alive(pid)]


def status(pid, key):
    """A line of /proc/PID/status, without its key."""
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return line.split(":", 1)[1].strip()
    raise KeyError(key)


def cgroups_of(pid):
    """{controller list or "": path} from /proc/PID/cgroup."""
    with open(f"/proc/{pid}/cgroup") as f:
        rows = (line.rstrip("\n").split(":", 2) for line in f)
        return {controllers: path for _, controllers, path in rows}


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def kill_all(pids):
    """SIGKILL to each, and waits until all are gone; for cleaning up after a failure."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    until("killed processes gone", lambda: not any(map(alive, pids)), 10)
