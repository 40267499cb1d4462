"""A service manager as systemd is one, as far as a service can see: a notify socket, a store of
descriptors, and a start that hands them back."""
import array
import ctypes
import fcntl
import os
import socket
import threading

from .waiting import until


def same_file(one, other):
    """Whether two descriptors are of one open file (kcmp(2))."""
    number = {"x86_64": 312, "aarch64": 272}[os.uname().machine]
    return ctypes.CDLL(None).syscall(number, os.getpid(), os.getpid(), 0, one, other) == 0


class Manager:
    """Use as a context. `states` are the lines it was told; `store` is {FDNAME: descriptor}."""

    def __init__(self, path):
        self.path = path
        self.states, self.store = [], {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._hear, daemon=True)

    def __enter__(self):
        self._socket.bind(self.path)
        self._thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as us:
            us.sendto(b"END=1", self.path)
        self._thread.join()
        self._socket.close()
        for fd in self.store.values():
            os.close(fd)

    def _hear(self):
        while True:
            data, ancillary, _, _ = self._socket.recvmsg(65536, socket.CMSG_SPACE(16 * 4), socket.MSG_CMSG_CLOEXEC)
            fds = array.array("i")
            for _, _, part in ancillary:
                fds.frombytes(part[:len(part) - len(part) % fds.itemsize])
            lines = data.decode().splitlines()
            if lines == ["END=1"]:
                return
            self._take(lines, list(fds))

    def _take(self, lines, fds):
        fields = dict(line.split("=", 1) for line in lines)
        with self._lock:
            self.states += [line for line in lines if not line.startswith("FD")]
            name = fields.get("FDNAME")
            if fields.get("FDSTOREREMOVE") == "1" and name in self.store:
                os.close(self.store.pop(name))
            if fields.get("FDSTORE") == "1":
                assert len(fds) == 1 and name not in self.store, (lines, fds)
                if any(same_file(fds[0], kept) for kept in self.store.values()):
                    os.close(fds[0])  # as systemd does: one open file, one name
                    return
                assert len(name) <= 255 and name.isascii() and name.isprintable() and ":" not in name, name
                self.store[name] = fds[0]

    def told(self, line):
        with self._lock:
            return self.states.count(line)

    def wait_told(self, line, times=1):
        until(lambda: f"the manager is told {line}; it was told {self.states}", lambda: self.told(line) >= times)

    def names(self):
        with self._lock:
            return sorted(self.store)

    def lose(self, name):
        """How many descriptors of that name it had, and has no more."""
        with self._lock:
            fds = [self.store.pop(stored) for stored in list(self.store) if stored == name]
        for fd in fds:
            os.close(fd)
        return len(fds)

    def start(self, emperor, environment, **more):
        """Starts the emperor as a service, with what the store has."""
        with self._lock:
            names, fds = list(self.store), [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 500) for fd in self.store.values()]
        environment = dict(environment, NOTIFY_SOCKET=self.path, LISTEN_FDS=str(len(fds)), LISTEN_FDNAMES=":".join(names), **more)

        def put_in_place():
            for place, fd in enumerate(fds, 3):
                os.dup2(fd, place)

        try:
            emperor.start(environment, wrapper=["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"], preexec_fn=put_in_place, close_fds=False)
        finally:
            for fd in fds:
                os.close(fd)
