"""A second opinion on every deadline: hours and holidays of the five policies written anew, minutes counted
one by one.

It shares nothing with the code under test, not even the holiday library or the policy files. All the opening
hours and offsets from UTC of these policies are whole hours, so that an hour is open or closed as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Promised:
    """What the text of a policy says of mail, in minutes. hours: from, to of Monday to Thursday; friday."""

    zone: str
    hours: tuple[int, int]
    friday: tuple[int, int]
    holidays: str = ""
    always: bool = False
    working: int = 0  # open minutes until the first answer
    elapsed: int = 0
    next_day: bool = False
    warn_at: int = 0  # open minutes after the arrival; 0: an hour before the deadline
    further: bool = False  # a further message has the same promise
    acknowledged: bool = False  # the acknowledgement is the answer
    closes: bool = False  # after 48 hours of silence, told 24 hours before
    reviews: bool = False  # an escalation of a case in work is no new promise
    resolved: bool = False  # the customer's word closes


TEXTS = {
    "mekorma": Promised(
        "America/Los_Angeles",
        (6, 17),
        (6, 16),
        "mekorma",
        working=360,
        further=True,
        closes=True,
        reviews=True,
    ),
    "memsource": Promised("UTC", (0, 24), (0, 24), always=True, elapsed=720),
    "gotomyerp": Promised(
        "America/New_York", (7, 21), (7, 21), working=48 * 60, warn_at=24 * 60, resolved=True
    ),
    "standard-enterprise": Promised("America/Chicago", (8, 17), (8, 17), "federal", next_day=True),
    "tekstack": Promised("America/New_York", (9, 18), (9, 18), next_day=True, acknowledged=True),
}


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    days = [date(year, month, day) for day in range(1, 29)] if n > 0 else _month(year, month)
    return [day for day in days if day.weekday() == weekday][n - 1 if n > 0 else n]


def _month(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [day for day in (first + timedelta(days=n) for n in range(31)) if day.month == month]


@cache
def _holidays(year: int, which: str) -> frozenset[date]:
    thanks = _nth(year, 11, 3, 4)
    both = {
        *(date(year, 1, 1), date(year, 7, 4), date(year, 12, 25), thanks),
        *(_nth(year, 1, 0, 3), _nth(year, 2, 0, 3), _nth(year, 5, 0, -1), _nth(year, 9, 0, 1)),
    }
    if which == "mekorma":
        return frozenset(both | {thanks + timedelta(days=1)})
    if which == "federal":
        return frozenset(both | {date(year, 6, 19), date(year, 11, 11), _nth(year, 10, 0, 2)})
    return frozenset()


@cache
def _open_hour(text: Promised, hour: int) -> bool:
    """Whether the hour that is this many after the epoch is open."""
    if text.always:
        return True
    local = datetime.fromtimestamp(hour * 3600, ZoneInfo(text.zone))
    if local.weekday() > 4 or local.date() in _holidays(local.year, text.holidays):
        return False
    first, last = text.friday if local.weekday() == 4 else text.hours
    return first <= local.hour < last


def is_open(text: Promised, at: datetime) -> bool:
    """Whether the minute that begins at this instant counts."""
    return _open_hour(text, int(at.timestamp()) // 3600)


def _count(text: Promised, at: datetime, minutes: int) -> datetime:
    while minutes:
        minutes -= is_open(text, at)
        at += MINUTE
    return at


def _opening(text: Promised, at: datetime) -> datetime:
    while not is_open(text, at):
        at += MINUTE
    return at


def due(text: Promised, arrived: datetime) -> datetime:
    """When the answer to what arrived then is due."""
    at = arrived.astimezone(UTC)
    if text.elapsed:
        return at + MINUTE * text.elapsed
    if text.next_day:
        return _next_day(text, _opening(text, at))
    return _count(text, at, text.working)


def _next_day(text: Promised, at: datetime) -> datetime:
    """The same time of day on the next day that has an open minute then or before."""
    zone = ZoneInfo(text.zone)
    wall = at.astimezone(zone).replace(tzinfo=None)
    while True:
        wall += timedelta(days=1)
        found = wall.replace(tzinfo=zone).astimezone(UTC)
        if is_open(text, found):
            return found


def warning(text: Promised, arrived: datetime) -> datetime:
    """When staff are warned: an hour before, counted as the promise is; of a range at its first figure."""
    if text.warn_at:
        return _count(text, arrived.astimezone(UTC), text.warn_at)
    at, left = due(text, arrived), 60
    while left:
        at -= MINUTE
        left -= is_open(text, at)
    return at
