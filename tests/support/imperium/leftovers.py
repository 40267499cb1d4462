"""What an emperor left behind: processes, sockets, pid files, temporary files, cgroups, and the
reports of sanitizers, which are no less unwelcome."""
import glob
import os
import stat

from . import processes


def cgroup_directories(root):
    """Every directory of `root` in all mounted hierarchies."""
    patterns = (f"/sys/fs/cgroup{root}", f"/sys/fs/cgroup/*{root}")
    return sorted(d for pattern in patterns for d in glob.glob(pattern) if os.path.isdir(d))


def remove_cgroups(root):
    """Removes empty groups below `root`, deepest first; for cleaning up after a failure."""
    for top in cgroup_directories(root):
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass


def found(world, before):
    sentences = [f"process {pid} is still alive: {command(pid)}" for pid in before if processes.alive(pid)]
    for top in (world.run_dir, world.path("sockets")):
        for folder, _, names in os.walk(top):
            for path in (os.path.join(folder, name) for name in names):
                if stat.S_ISSOCK(os.lstat(path).st_mode) or path.endswith((".pid", ".tmp", ".new")):
                    sentences.append(f"file left: {os.path.relpath(path, world.directory)}")
    sentences += [f"cgroup left: {d}" for d in cgroup_directories(world.cgroup_root)]
    return sentences + sanitizer_reports(world)


def sanitizer_reports(world):
    sentences = []
    for path in glob.glob(os.path.join(world.sanitizer, "*")) + [world.emperor.log]:
        if not os.path.exists(path):
            continue
        with open(path, errors="replace") as f:
            text = f.read()
        at = min((i for i in (text.find("ERROR: AddressSanitizer"), text.find("ERROR: LeakSanitizer"),
                              text.find("runtime error:"), text.find("WARNING: ThreadSanitizer")) if i >= 0), default=-1)
        if at >= 0:
            sentences.append(f"sanitizer report in {os.path.basename(path)}:\n{text[at:at + 4000]}")
    return sentences


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as f:
            return f.read().replace("\0", " ").strip()
    except OSError:
        return "?"
