"""What the processes of a daemon have in hand, in a file that outlives them: the next daemon gives it back.

kill -9 of the master takes its processes along, and nobody is left who knows which rows they had leased;
the rows would wait until the lease runs out. So each process notes what it holds in its place of one file,
and the master holds a lock on that file: the kernel drops the lock with the master, whatever killed it, which
proves to the next daemon on this machine that nobody works on these rows any more.

Promises: only rows of a daemon that is dead are told; a row that somebody else has claimed meanwhile is kept
from harm by its fence. Fails never: without a file, or with a broken one, the leases run out as they would.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailbridge.work.hand import SIZE, Hand, Lease, Place

PREFIX = "held-"
TRIES = 5  # a file system without locks must not hold up the start


@dataclass(frozen=True, slots=True)
class Left:
    """What one process of a dead daemon had in hand. step: the row that it was at."""

    role: str
    step: Lease | None
    held: tuple[Lease, ...]


class HeldFile:
    """The file of a living daemon. Its name is never used twice: O_EXCL, and it is removed under its lock."""

    def __init__(self, folder: Path) -> None:
        self._path: Path | None = None
        self._fd = -1
        with contextlib.suppress(OSError):
            for _ in range(TRIES):
                if self._make(folder):
                    break

    def _make(self, folder: Path) -> bool:
        fd, name = tempfile.mkstemp(prefix=PREFIX, dir=folder)
        if _locked(fd) and os.fstat(fd).st_nlink:
            self._fd, self._path = fd, Path(name)
            return True
        os.close(fd)  # another daemon that starts at this moment took it for one of the dead
        Path(name).unlink(missing_ok=True)
        return False

    def place(self, role: str, number: int) -> Place | None:
        """Where the process of this number notes what it holds."""
        return Place(str(self._path), number * SIZE, role) if self._path else None

    def close(self) -> None:
        """The daemon ends in order: nothing is held."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
                os.close(self._fd)
            self._path = None


def is_held(folder: Path) -> bool:
    """Whether a daemon that keeps its state in folder is alive."""
    for path in folder.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if not _locked(file.fileno()):
                return True
    return False


@contextlib.contextmanager
def left_behind(folder: Path) -> Iterator[tuple[Left, ...]]:
    """What dead daemons of this machine left; their files are removed where the block ends well."""
    found: list[Left] = []
    with contextlib.ExitStack() as stack:
        files = []
        for path in sorted(folder.glob(f"{PREFIX}*")):
            with contextlib.suppress(OSError):
                file = stack.enter_context(path.open("rb"))
                if _locked(file.fileno()):
                    files.append(path)
                    found += _read(file.read())
        yield tuple(found)
        for path in files:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _locked(fd: int) -> bool:
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _read(content: bytes) -> Iterator[Left]:
    for start in range(0, len(content), SIZE):
        with contextlib.suppress(struct.error, UnicodeDecodeError):
            role, hand = Hand.noted(content[start : start + SIZE])
            if hand.held():
                yield Left(role, hand.present(), hand.held())
