"""Waiting for something that becomes true, with a deadline and a reason."""
import threading
import time

_never = threading.Event()


class TooLate(AssertionError):
    """What was waited for did not come."""


def pause(seconds):
    """Lets other processes run for a moment."""
    _never.wait(seconds)


def until(what, probe, seconds=10.0, every=0.005):
    """The first true value of probe(); TooLate with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise TooLate(f"after {seconds} s still not: {what() if callable(what) else what}")
        pause(every)
