"""Visitors: threads that ask one site again and again and remember everything that went wrong."""
import threading
import time

from .client import http


class Load:
    """`with Load(ask) as load:` runs until the block ends; ask() returns an Answer.

    Keeps (time, latency, answer) of failures and the latencies of what succeeded."""

    def __init__(self, address, host, path="/", threads=2, every=0.0, good=lambda a: a.status == 200 and not a.error):
        self.ask = lambda: http(address, host, path, timeout=20)
        self.host, self.every, self.good = host, every, good
        self.latencies, self.failures = [], []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        while not self._stop.is_set():
            start = time.monotonic()
            answer = self.ask()
            took = time.monotonic() - start
            with self._lock:
                if self.good(answer):
                    self.latencies.append(took)
                else:
                    self.failures.append((start, took, answer.status, answer.error or answer.text[:120]))
            self._stop.wait(self.every)

    @property
    def answered(self):
        return len(self.latencies)

    def percentile(self, fraction):
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * fraction))] if ordered else float("inf")
