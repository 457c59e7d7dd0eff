"""The only place that reads the time. Everything else takes the time as a parameter.

Instants are aware UTC. A VirtualClock stands still until it is moved, so that a year of support passes in
seconds through the same code.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the shell needs of time."""

    def now(self) -> datetime:
        """The present instant, aware UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class VirtualClock:
    """A clock turned by hand; it never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Go forward to instant; an instant in the past leaves the clock where it is."""
        self._now = max(self._now, instant.astimezone(UTC))

    def advance(self, delta: timedelta) -> None:
        self.move_to(self._now + delta)
