"""Waiting for facts."""
import time

DEADLINE = 20           # seconds; generous: only a failing test waits so long


def until(fact, what, seconds=DEADLINE):
    """The first true value of fact(). After so many seconds without one the test fails, saying what it waited for."""
    end, pause = time.monotonic() + seconds, 0.0002
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("waited %g s in vain for: %s" % (seconds, what() if callable(what) else what))
        time.sleep(pause)
        pause = min(pause * 2, 0.01)


def never_within(fact, seconds, what):
    """Watch for so long that fact() stays false. Only for promises about something that must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert not fact(), what
        time.sleep(0.005)
