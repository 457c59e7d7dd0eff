"""Inside one process of the daemon: what it is given, and the first and the last thing that it does.

Promises: signals to the group are left to the master, who decides when each process ends; a process whose
master is gone ends at once. Fails by what main raises: the process ends, and its master starts it again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from mailbridge import log
from mailbridge.work.bell import Bell, Line
from mailbridge.work.hand import Hand


@dataclass(frozen=True, slots=True)
class Start:
    """What each process is given by its master."""

    line: Line
    hand: Hand
    bells: Mapping[str, Bell]

    def ring(self, role: str) -> Callable[[], None]:
        """The function that wakes the processes of this role."""
        bell = self.bells.get(role)
        return bell.ring if bell else _nothing

    def ready(self) -> None:
        """The process is at work from now on."""
        self.hand.beat()
        self.line.say("ready")


Main = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Spec:
    """One role: main(start, *args) runs in count processes.

    silent_s: the longest between two signs of life; step_s: the longest that one step may take, 0 for the
    same.
    """

    role: str
    main: Main
    args: tuple[Any, ...] = ()
    count: int = 1
    silent_s: float = 60.0
    step_s: float = 0.0
    log_level: str = "info"


def run(start: Start, spec: Spec) -> None:
    """The first thing in each process. Its master decides when it ends: signals to the group are for him."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_master, name="lifeline", daemon=True).start()
    log.setup(spec.log_level)
    spec.main(start, *spec.args)


def _end_with_master() -> None:
    """kill -9 of the master ends everything: a second one must find ports and mailboxes free."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)


def _nothing() -> None:
    pass
