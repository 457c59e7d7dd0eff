"""Hints between processes, and the word to stop: pipes, which a kill cannot leave locked.

A bell only shortens the wait: who missed it looks by himself after his poll time. multiprocessing's Event and
Queue hold a lock while they work, and a process killed in that moment would stop all others for ever.
Fails never: a full, empty or broken pipe is nothing.
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe
from typing import Protocol


class Stop(Protocol):
    """What a serving loop asks."""

    @property
    def stopped(self) -> bool:
        """Whether to end after the step under way."""
        ...

    def wait(self, timeout_s: float) -> None:
        """Until there may be work, the word to stop, or timeout_s have passed."""
        ...


class Bell:
    """Anybody rings, one of those who wait wakes up. Passed to processes as an argument."""

    def __init__(self) -> None:
        self._hears, self._rings = Pipe(duplex=False)

    def ring(self) -> None:
        """There may be work."""
        with contextlib.suppress(OSError):
            os.set_blocking(self._rings.fileno(), False)
            os.write(self._rings.fileno(), b"!")

    def fileno(self) -> int:
        return self._hears.fileno()

    def hush(self) -> None:
        """Take the rings that are waiting."""
        with contextlib.suppress(OSError):
            os.set_blocking(self._hears.fileno(), False)
            os.read(self._hears.fileno(), 4096)


class Line:
    """A process's line to its master: "stop" and "reload" come down, "ready" goes up.

    A line that is cut means that the master is gone: stop.
    """

    def __init__(self, connection: Connection, bell: Bell | None = None) -> None:
        self._connection = connection
        self._bell = bell
        self._words: list[str] = []
        self._stopped = False

    @property
    def stopped(self) -> bool:
        self._listen(0)
        return self._stopped

    def wait(self, timeout_s: float) -> None:
        """Until the bell rings, the master speaks, or timeout_s have passed."""
        if self._stopped:
            return
        watched: Sequence[Bell | Connection] = [self._connection, *([self._bell] if self._bell else [])]
        ready, _, _ = select.select(watched, [], [], timeout_s)
        if self._bell in ready:
            assert self._bell is not None
            self._bell.hush()
        self._listen(0)

    def heard(self) -> str:
        """The next word that is not stop, or ""."""
        self._listen(0)
        return self._words.pop(0) if self._words else ""

    def say(self, word: str) -> None:
        """Tell the master."""
        with contextlib.suppress(OSError, ValueError):
            self._connection.send(word)

    def fileno(self) -> int:
        return self._connection.fileno()

    def _listen(self, timeout_s: float) -> None:
        try:
            while self._connection.poll(timeout_s):
                word = self._connection.recv()
                if word == "stop":
                    self._stopped = True
                else:
                    self._words.append(str(word))
        except (OSError, EOFError):
            self._stopped = True


class Flag:
    """The word to stop within one process, for threads and tests."""

    def __init__(self) -> None:
        self._bell = Bell()
        self._stopped = False

    @property
    def stopped(self) -> bool:
        return self._stopped

    def stop(self) -> None:
        """From any thread."""
        self._stopped = True
        self._bell.ring()

    def wait(self, timeout_s: float) -> None:
        if not self._stopped:
            select.select([self._bell], [], [], timeout_s)
