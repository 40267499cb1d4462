"""A node that announces itself: subscription packets every second (base/wire/subscription.h), by a thread."""
import socket
import threading
import time

from . import client

MODIFIER = 224


def subscription(key, address, leave=False, **fields):
    """One datagram; `fields` by their names on the wire (proto, weight, backup, ...)."""
    pairs = {"key": key, "address": address, "modifier1": "0", "modifier2": "0", "cores": "1", "load": "0", "weight": "1",
             "unix": str(int(time.time()) + leave), **{name: str(value) for name, value in fields.items()}}
    return client.packet(pairs.items(), MODIFIER, 1 if leave else 0)


class Subscriber:
    """`with Subscriber(server, key, address, proto="http"):` says so until the block ends, then leaves."""

    def __init__(self, server, key, address, every=1.0, **fields):
        self.server, self.key, self.address, self.every, self.fields = server, key, address, every, fields
        family = socket.AF_UNIX if isinstance(server, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def say(self, leave=False):
        self.socket.sendto(subscription(self.key, self.address, leave, **self.fields), self.server)

    def _run(self):
        while not self.stop.wait(self.every):
            try:
                self.say()
            except OSError:
                pass  # a router that restarts

    def __enter__(self):
        self.say()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        try:
            self.say(leave=True)
        except OSError:
            pass
        self.socket.close()
