"""Whose turn it is at SQLite's one write lock, which knows no order: who looks at the right moment has it.

SQLite's own waiting sleeps longer and longer between two looks, up to a tenth of a second, while the lock is
free or taken by others; here it is looked for often. An intake, whose sender waits, comes first: it says that
it waits by a shared flock on the folder of the database; everybody else looks for that before he takes the
lock, and for a while lets it pass. The kernel takes the sign back when its process dies. The folder, not a
file: there is nothing to create, to own or to back up; and never the database itself, since closing any
descriptor of that file would drop the locks that SQLite has on it.
How it fails: OperationalError where the lock is not free in timeout_s. Where the folder cannot be locked (a
network's file system), all wait alike.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from mailbridge.store.prepared import driven

BEGIN = "BEGIN IMMEDIATE"
COURTESY_S = 0.2  # then nobody lets others pass any longer: a flood of mail must not stop all work
_LOOK_S, _LATER_S = 0.0005, 0.005
_SIGNS = 20


class Turn:
    """Takes the write lock of the database in this folder. urgent: for an intake."""

    def __init__(
        self, folder: Path, timeout_s: float, *, urgent: bool, courtesy_s: float = COURTESY_S
    ) -> None:
        self._folder = folder
        self._timeout_s = timeout_s
        self._courtesy_s = courtesy_s
        self._urgent = urgent

    def take(self, connection: Connection) -> None:
        """Begin a transaction that writes. Raises OperationalError."""
        driven(connection, "PRAGMA busy_timeout=0")
        try:
            if not self._try(connection, 0.0):
                with in_front(self._folder) if self._urgent else nullcontext():
                    self._wait(connection)
        finally:  # who reads may meet a lock too, while the log is recovered: then SQLite shall wait
            driven(connection, f"PRAGMA busy_timeout={round(self._timeout_s * 1000)}")

    def _wait(self, connection: Connection) -> None:
        since_s = time.monotonic()
        waited_s = 0.0
        while not self._try(connection, waited_s):
            time.sleep(pause_s(waited_s))
            waited_s = time.monotonic() - since_s

    def _try(self, connection: Connection, waited_s: float) -> bool:
        """False where it is another one's turn and there is time left."""
        if not self._urgent and waited_s < self._courtesy_s and somebody_in_front(self._folder):
            return False
        try:
            driven(connection, BEGIN)
        except OperationalError as error:
            if not _is_busy(error) or waited_s >= self._timeout_s:
                raise
            return False
        return True


def pause_s(waited_s: float) -> float:
    """Until the next look: mail waits for what takes milliseconds; a restore or a migration takes longer."""
    return _LOOK_S if waited_s < 1.0 else _LATER_S


@contextmanager
def in_front(folder: Path) -> Iterator[None]:
    """Within this block others see that an intake waits."""
    with _opened(folder) as fd:
        if fd is not None:
            with suppress(OSError):
                _sign(fd)
        yield


def _sign(fd: int) -> None:
    """Whoever looks for a sign holds the lock for an instant: then once more."""
    for _ in range(_SIGNS):
        with suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return
        time.sleep(_LOOK_S / 10)


def somebody_in_front(folder: Path) -> bool:
    """Whether an intake waits for the lock just now."""
    with _opened(folder) as fd:
        if fd is None:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    """A descriptor of its own each time: flock counts these, not threads. Closing it takes the lock back."""
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def _is_busy(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY
