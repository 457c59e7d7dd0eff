"""Who writes or calls: contacts, their accounts, and whether a plan is running."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Entitled(StrEnum):
    """Whether the sender has a running plan. Unknown and lapsed senders still get a case, marked."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Account:
    """A customer organisation. ends_on is the last day of the subscription, None for open end."""

    id: int
    name: str
    plan: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    zone: str = ""

    def entitled(self, today: date) -> Entitled:
        """KNOWN while the subscription runs."""
        started = self.starts_on is None or self.starts_on <= today
        running = self.ends_on is None or today <= self.ends_on
        return Entitled.KNOWN if started and running else Entitled.LAPSED


@dataclass(frozen=True, slots=True)
class Contact:
    """A person with addresses and telephone numbers (E.164); provisional until staff confirm it."""

    id: int
    name: str
    addresses: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    account: Account | None = None
    provisional: bool = False
