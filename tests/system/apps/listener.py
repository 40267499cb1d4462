"""A server of a tenant's own: answers HTTP on the sockets it was started with (LISTEN_FDS, else
standard input). Arguments: how it says that it is ready, and how it ends.

  notify      READY=1 to NOTIFY_SOCKET once it serves (after DELAY seconds)
  naive       accepts from standard input as inetd's children do, without any poll
"""
import json
import os
import signal
import socket
import sys
import threading

MARK = os.environ.get("MARK", "")


def notify(text):
    address = os.environ["NOTIFY_SOCKET"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto(text.encode(), "\0" + address[1:] if address.startswith("@") else address)


def inherited():
    if "naive" in sys.argv or int(os.environ.get("LISTEN_PID", 0)) != os.getpid():
        return socket.socket(fileno=0)
    return socket.socket(fileno=3)


def facts():
    keys = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "MARK", "HOME", "UWSGI_EMPEROR_FD")
    return {"pid": os.getpid(), "ppid": os.getppid(), "uid": os.getuid(), "cwd": os.getcwd(), "stdin_is_socket": os.path.islink("/proc/self/fd/0")
            and os.readlink("/proc/self/fd/0").startswith("socket:"), "fds": sorted(map(int, os.listdir("/proc/self/fd"))),
            "blocked": open("/proc/self/status").read().split("SigBlk:\t")[1].split()[0], "env": {k: os.environ.get(k) for k in keys}}


def answer(connection):
    path = connection.recv(65536).split(b" ")[1].decode()
    if path.startswith("/slow"):
        threading.Event().wait(float(path[5:]))
    if path == "/exit":
        os._exit(7)
    body = (json.dumps(facts()) if path == "/facts" else MARK).encode()
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)


def main():
    ending = []
    listener = inherited()
    if "naive" not in sys.argv:  # that one ends at once, as the kernel does it
        signal.signal(signal.SIGTERM, lambda *_: ending.append(1))
        listener.settimeout(0.05)
    threading.Event().wait(float(os.environ.get("DELAY", 0)))
    if "notify" in sys.argv:
        notify("READY=1\nSTATUS=serving")
    print("serving", MARK, flush=True)
    while not ending:
        try:
            connection, _ = listener.accept()
        except socket.timeout:
            continue
        with connection:
            connection.settimeout(10)
            answer(connection)
    print("finished", MARK, flush=True)


main()
