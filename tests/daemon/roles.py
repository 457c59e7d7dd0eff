"""Mains of tiny roles for the supervisor's tests; spawned processes import them by name."""

from __future__ import annotations

import os
import signal
import time

from mailbridge.work.hand import Lease
from mailbridge.work.process import Start


def steady(start: Start) -> None:
    """Works until it is told to stop."""
    start.ready()
    while not start.line.stopped:
        start.hand.beat()
        start.line.wait(0.1)


def stubborn(start: Start) -> None:
    """Is told to stop and does not."""
    start.ready()
    while True:
        start.hand.beat()
        time.sleep(0.1)


def hanging(start: Start) -> None:
    """Takes up two rows and never ends the second."""
    start.ready()
    start.hand.hold([Lease(7, 1, 1), Lease(8, 3, 2)])
    start.hand.begin(1)
    while True:
        time.sleep(1)


def dying(start: Start) -> None:
    """Dies by a signal at its work."""
    start.ready()
    start.hand.hold([Lease(5, 2, 1)])
    start.hand.begin(0)
    os.kill(os.getpid(), signal.SIGSEGV)
