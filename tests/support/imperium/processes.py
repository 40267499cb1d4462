"""Processes by their place in /proc: children, cgroups, what they used."""
import glob
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


def command(pid):
    """The command line, or ''."""
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return f.read().replace("\0", " ").strip()
    except OSError:
        return ""


def name(pid):
    """The short name of the program, or ''."""
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except OSError:
        return ""


def parent(pid):
    """The pid of its parent, or None if it is gone."""
    try:
        return int(status(pid, "PPid"))
    except (FileNotFoundError, ProcessLookupError):
        return None


def in_cgroup(root):
    """Every process in the group `root` or below, in any hierarchy."""
    found = set()
    for top in glob.glob(f"/sys/fs/cgroup/*{root}") + glob.glob(f"/sys/fs/cgroup{root}") if root else []:
        for folder, _, _ in os.walk(top):
            try:
                with open(os.path.join(folder, "cgroup.procs")) as f:
                    found.update(int(pid) for pid in f.read().split())
            except OSError:
                pass
    return sorted(found)


def listening(addresses, program):
    """Every process of that name that has one of these sockets (paths, HOST:PORT) open."""
    inodes = set()
    for address in addresses:
        if address.startswith("/"):
            with open("/proc/net/unix") as f:
                inodes.update(line.split()[6] for line in f if line.rstrip().endswith(" " + address))
            continue
        host, port = address.rsplit(":", 1)
        wanted = "%s:%04X" % ("".join(f"{int(part):02X}" for part in reversed(host.split("."))), int(port))
        with open("/proc/net/tcp") as f:
            inodes.update(row[9] for row in map(str.split, f) if row[1] == wanted and row[3] == "0A")
    targets = {f"socket:[{inode}]" for inode in inodes}
    return [pid for pid in all_pids() if name(pid) == program and targets & set(open_targets(pid))]


def open_targets(pid):
    """What the descriptors of a process point to."""
    try:
        fds = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for fd in fds:
        try:
            yield os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            pass


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


def cpu_ns(pid):
    """Nanoseconds on a CPU so far."""
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0])


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
