"""What a working process has in hand, in memory that it shares with its master.

Promises: the master can see at any moment how long ago the process moved on, which leased rows it holds and
which of them it is at, also when the process was killed between two instructions. No lock is involved, since
a lock dies with its holder and would stop the other side. What is read is a hint: the leases in the database
decide. With a Place it is noted in a file too, for the day on which the master itself is killed (work.held):
written, not mapped, as a full disk would then be a SIGBUS in the middle of the work. Fails never.

Times are seconds of the machine's monotonic clock, which all processes of one boot share.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray
from typing import Any

MOST = 32
_ROW = 3  # id, lease, attempt
_NOBODY = -1
_NOTE = struct.Struct(f"<32s{2 + _ROW * MOST}q")
SIZE = 1024  # of one place in the file; no less than a note


@dataclass(frozen=True, slots=True)
class Lease:
    """One leased row: its id, the fence, and which try it is."""

    id: int
    lease: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file a process notes what it holds, and as what."""

    file: str
    offset: int
    role: str


class Hand:
    """One process writes, its master reads. Make it in the master and give it to the process as argument."""

    def __init__(self, place: Place | None = None) -> None:
        self._times: Any = RawArray("d", 2)  # last sign of life, begin of the present step
        self._rows: Any = RawArray("q", 2 + _ROW * MOST)  # number of rows, index of the present one, rows
        self._rows[1] = _NOBODY
        self._place = place
        self._fd: int | None = None
        self.beat()

    # --- the process ---------------------------------------------------------------------------------------

    def beat(self) -> None:
        """A sign of life: something was finished, or there was nothing to do."""
        self._times[0] = time.monotonic()

    def hold(self, leases: Sequence[Lease]) -> None:
        """These rows were claimed. Their number is written last: a half-written list is no list."""
        self._rows[0], self._rows[1] = 0, _NOBODY
        for index, lease in enumerate(leases[:MOST]):
            at = 2 + index * _ROW
            self._rows[at : at + _ROW] = [lease.id, lease.lease, lease.attempt]
        self._rows[0] = min(len(leases), MOST)
        self._note()

    def begin(self, index: int) -> None:
        """The step at this row begins."""
        self._times[1] = time.monotonic()
        self._rows[1] = index
        self._note()
        self.beat()

    def done(self) -> None:
        """The step ended, however it did."""
        self._rows[1] = _NOBODY
        self.beat()

    def empty(self) -> None:
        """Nothing is held."""
        if self._rows[0]:
            self._rows[0], self._rows[1] = 0, _NOBODY
            self._note()

    def _note(self) -> None:
        """A file that cannot be written is no reason to stop the work."""
        if self._place is None:
            return
        with contextlib.suppress(OSError):
            if self._fd is None:
                self._fd = os.open(self._place.file, os.O_WRONLY | os.O_CLOEXEC)
            os.pwrite(self._fd, _NOTE.pack(self._place.role.encode()[:32], *self._rows), self._place.offset)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_fd": None}

    @classmethod
    def noted(cls, content: bytes) -> tuple[str, Hand]:
        """Role and hand of a process as it noted them. Raises struct.error, UnicodeDecodeError."""
        role, *rows = _NOTE.unpack_from(content)
        hand = cls()
        hand._rows[:] = rows
        return role.rstrip(b"\0").decode(), hand

    # --- the master ----------------------------------------------------------------------------------------

    def silent_s(self) -> float:
        """Seconds since the last sign of life."""
        return max(0.0, time.monotonic() - float(self._times[0]))

    def working_s(self) -> float:
        """Seconds that the present step has taken; 0 where none is under way."""
        return max(0.0, time.monotonic() - float(self._times[1])) if self._rows[1] >= 0 else 0.0

    def held(self) -> tuple[Lease, ...]:
        """The rows in hand, those already finished among them: their fence is closed."""
        count = min(max(int(self._rows[0]), 0), MOST)
        rows = (self._rows[2 + i * _ROW : 2 + (i + 1) * _ROW] for i in range(count))
        return tuple(Lease(*(int(value) for value in row)) for row in rows)

    def present(self) -> Lease | None:
        """The row that the process is at, or was at when it died."""
        index, held = int(self._rows[1]), self.held()
        return held[index] if 0 <= index < len(held) else None
