"""The application of most system tests: each path does one thing that a test wants to see."""
import json
import mmap
import os
import threading
import time

MIB = b"x" * (1 << 20)
calls = {"closed": 0}


def query(environ):
    from urllib.parse import parse_qs
    return {k: v[-1] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()}


def whoami(environ):
    """Ids, groups, capabilities and cgroups, as the kernel tells them to the worker itself."""
    with open("/proc/self/status") as f:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
    with open("/proc/self/cgroup") as f:
        groups = f.read()
    return {"pid": os.getpid(), "ppid": os.getppid(), "uid": os.getresuid(), "gid": os.getresgid(), "groups": os.getgroups(),
            "capabilities": status["CapEff"], "bounding": status["CapBnd"], "no_new_privs": status.get("NoNewPrivs"),
            "cgroup": groups, "env": dict(os.environ), "fds": sorted(os.listdir("/proc/self/fd")), "cwd": os.getcwd(),
            "threads": status["Threads"], "ignored": status["SigIgn"], "blocked": status["SigBlk"]}


def try_to(action):
    """"done" or the name of the error."""
    try:
        action()
        return "done"
    except OSError as e:
        return e.__class__.__name__


def fork_bomb():
    """Forks until it may not; the children wait to be counted. How many there were at most."""
    children = []
    try:
        while len(children) < 500:
            pid = os.fork()
            if pid == 0:
                threading.Event().wait(20)
                os._exit(0)
            children.append(pid)
    except OSError:
        pass
    for pid in children:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    return len(children)


def answers(environ):
    q = query(environ)
    path = environ["PATH_INFO"]
    if path == "/whoami":
        return whoami(environ)
    if path == "/environ":
        return {k: v for k, v in environ.items() if isinstance(v, (str, int, bool, tuple))}
    if path == "/read":
        return try_to(lambda: os.listdir(q["path"]))
    if path == "/open":
        return try_to(lambda: open(q["path"]).close())
    if path == "/signal":
        return try_to(lambda: os.kill(int(q["pid"]), int(q.get("signal", 0))))
    if path == "/setuid":
        return try_to(lambda: os.setuid(int(q["uid"])))
    if path == "/fork":
        return fork_bomb()
    if path == "/wait":
        threading.Event().wait(float(q["seconds"]))
        return os.getpid()
    if path == "/burn":
        clock = time.process_time if "cpu" in q else time.monotonic
        end = clock() + float(q.get("cpu") or q["seconds"])
        while clock() < end:
            pass
        return os.getpid()
    if path == "/allocate":
        size = int(q["mib"]) << 20
        block = mmap.mmap(-1, size)
        for at in range(0, size, 4096):
            block[at] = 1
        return size
    if path == "/die":
        os.kill(os.getpid(), int(q.get("signal", 9)))
    if path == "/calls":
        return calls
    return os.getpid()


def echo(environ, start_response):
    """The body back, its length known only where the request told it."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
    return [body]


def count(environ, start_response):
    """How many bytes came and their sum, read in pieces: for bodies too large to keep."""
    size = check = 0
    while chunk := environ["wsgi.input"].read(1 << 16):
        size, check = size + len(chunk), (check + sum(chunk)) & 0xffffffff
    return reply(start_response, [size, check])


def big(environ, start_response):
    mib = int(query(environ).get("mib", 64))
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(mib << 20))])
    return (MIB for _ in range(mib))


def reply(start_response, value):
    body = json.dumps(value).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def application(environ, start_response):
    special = {"/echo": echo, "/count": count, "/big": big}.get(environ["PATH_INFO"])
    return special(environ, start_response) if special else reply(start_response, answers(environ))
