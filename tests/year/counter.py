"""A second opinion on every deadline: hours, holidays and targets of the five policies written anew from
their texts, minutes counted hour by hour.

It shares nothing with the code under test, not even the holiday library or the policy files. All the opening
hours and offsets from UTC of these policies are whole hours, so that an hour is open or closed as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.year.people import DEFAULT_PLANS

MINUTE = timedelta(minutes=1)
HALF_MINUTE = timedelta(seconds=30)


@dataclass(frozen=True)
class Target:
    """What is promised: one of open minutes, elapsed minutes, business days, or the same day. warned: open
    minutes after the arrival; 0: an hour before the deadline, at most half of the promise. always: counted
    day and night.
    """

    working: int = 0
    elapsed: int = 0
    days: int = 0
    same_day: bool = False
    warned: int = 0
    always: bool = False


@dataclass(frozen=True)
class Text:
    """What the text of a policy says. hours: from, to of Monday to Thursday; friday."""

    name: str
    zone: str
    hours: tuple[int, int]
    friday: tuple[int, int]
    first: dict[tuple[str, str], Target] = field(hash=False)
    holidays: str = ""
    mail_severity: str = "minimal"
    update: dict[str, Target] = field(default_factory=dict, hash=False)  # by severity
    further: bool = False  # a further message has the same promise
    acknowledged: bool = False  # the acknowledgement is the answer
    closes: bool = False  # after 48 hours of silence, told 24 hours before
    reviews: bool = False  # an escalation of a case in work is no new promise
    resolved: bool = False  # the customer's word closes
    highest: int = 1  # level of escalation
    missed_escalates: bool = False

    def plan(self, plan: str) -> str:
        return plan if any(known == plan for known, _ in self.first) else DEFAULT_PLANS[self.base]

    def severity(self, severity: str) -> str:
        return severity if any(known == severity for _, known in self.first) else self.mail_severity

    @property
    def base(self) -> str:
        return self.name.removesuffix(" tight")

    def target(self, kind: str, plan: str, severity: str) -> Target | None:
        if kind == "update":
            return self.update.get(severity)
        return self.first[plan, severity] if kind == "first" or self.further else None


def _gotomyerp() -> dict[tuple[str, str], Target]:
    half, hour, night = Target(elapsed=30), Target(elapsed=60), Target(elapsed=240, always=True)
    day = Target(days=1)
    rows = {
        "starter": (
            *(Target(same_day=True), Target(same_day=True)),
            *(Target(working=48 * 60, warned=24 * 60), Target(working=72 * 60, warned=48 * 60)),
        ),
        "silver": (hour, Target(working=240), Target(working=360), day),
        "gold": (hour, Target(working=120), Target(working=240), day),
        "platinum": (half, half, hour, night),
    }
    found = {(plan, "emergency"): half for plan in rows}
    for plan, cells in rows.items():
        found |= {
            (plan, severity): cell
            for severity, cell in zip(("critical", "significant", "minimal", "nominal"), cells, strict=True)
        }
    return found


TEXTS = {
    "mekorma": Text(
        "mekorma",
        "America/Los_Angeles",
        (6, 17),
        (6, 16),
        {("subscription", "minimal"): Target(working=360)},
        "mekorma",
        further=True,
        closes=True,
        reviews=True,
    ),
    "memsource": Text(
        "memsource", "UTC", (0, 24), (0, 24), {("subscription", "minimal"): Target(elapsed=720)}
    ),
    "gotomyerp": Text("gotomyerp", "America/New_York", (7, 21), (7, 21), _gotomyerp(), resolved=True),
    "standard-enterprise": Text(
        "standard-enterprise",
        "America/Chicago",
        (8, 17),
        (8, 17),
        {("standard", severity): Target(days=1) for severity in ("high", "medium", "low")}
        | {("enterprise", severity): Target(elapsed=30) for severity in ("high", "medium", "low")},
        "federal",
        mail_severity="low",
        highest=3,
    ),
    "tekstack": Text(
        "tekstack",
        "America/New_York",
        (9, 18),
        (9, 18),
        {
            ("subscription", "critical"): Target(working=60),
            ("subscription", "normal"): Target(working=240),
            ("subscription", "low"): Target(days=1),
        },
        mail_severity="normal",
        update={"critical": Target(days=1), "normal": Target(days=5)},
        acknowledged=True,
    ),
}


def _halved(target: Target) -> Target:
    return replace(
        target, working=target.working // 2, elapsed=target.elapsed // 2, warned=target.warned // 2
    )


for _text in list(TEXTS.values()):
    TEXTS[f"{_text.name} tight"] = replace(
        _text,
        name=f"{_text.name} tight",
        first={cell: _halved(target) for cell, target in _text.first.items()},
        update={severity: _halved(target) for severity, target in _text.update.items()},
        missed_escalates=True,
    )


# --- open or closed ----------------------------------------------------------------------------------------


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
def _open_hour(base: str, hour: int) -> bool:
    """Whether the hour that is this many after the epoch is open."""
    text = TEXTS[base]
    if text.hours == (0, 24):
        return True
    local = datetime.fromtimestamp(hour * 3600, ZoneInfo(text.zone))
    if local.weekday() > 4 or local.date() in _holidays(local.year, text.holidays):
        return False
    first, last = text.friday if local.weekday() == 4 else text.hours
    return first <= local.hour < last


def is_open(text: Text, at: datetime, *, always: bool = False) -> bool:
    """Whether the minute that begins at this instant counts."""
    return always or _open_hour(text.base, int(at.timestamp()) // 3600)


# --- counting ----------------------------------------------------------------------------------------------


def _left(at: datetime) -> int:
    """How many of the minutes from here on begin in this hour, and so count all or none."""
    return 60 - at.minute


def _count(text: Text, at: datetime, minutes: int) -> datetime:
    while minutes:
        step = min(_left(at), minutes) if is_open(text, at) else _left(at)
        minutes -= step * is_open(text, at)
        at += MINUTE * step
    return at


def _opening(text: Text, at: datetime) -> datetime:
    while not is_open(text, at):
        at = at.replace(second=0) + MINUTE * _left(at)
    return at


def _closing(text: Text, at: datetime) -> datetime:
    while is_open(text, at):
        at += MINUTE
    return at


def _same_time(text: Text, at: datetime, days: int) -> datetime:
    """The same time of day, this many days further that have an open minute then."""
    zone = ZoneInfo(text.zone)
    wall = at.astimezone(zone).replace(tzinfo=None)
    while days:
        wall += timedelta(days=1)
        found = wall.replace(tzinfo=zone).astimezone(UTC)
        days -= is_open(text, found)
    return found


@dataclass(frozen=True)
class Due:
    """A promise as counted."""

    until: datetime
    warned: datetime


_KNOWN: dict[tuple[str, Target, datetime], Due] = {}


def due(text: Text, target: Target, arrived: datetime) -> Due:
    """When the answer to what arrived then is due, and when staff are warned."""
    at = arrived.astimezone(UTC)
    key = (text.base, target, at)
    if key not in _KNOWN:
        until = _until(text, target, at)
        _KNOWN[key] = Due(until, _warned(text, target, at, until))
    return _KNOWN[key]


def _until(text: Text, target: Target, at: datetime) -> datetime:
    if target.elapsed:
        return at + MINUTE * target.elapsed
    if target.days:
        return _same_time(text, _opening(text, at), target.days)
    if target.same_day:
        return _closing(text, _opening(text, at))
    return _count(text, at, target.working)


def _warned(text: Text, target: Target, at: datetime, until: datetime) -> datetime:
    if target.warned:
        return _count(text, at, target.warned)
    if target.elapsed:
        return until - MINUTE * min(60, target.elapsed / 2)
    room, minute = 0, at
    while minute < until and room < 120:
        step = 1 if is_open(text, minute) else _left(minute)
        room += is_open(text, minute)
        minute += MINUTE * step
    return _before(text, until, min(120, room))


def _before(text: Text, at: datetime, halves: int) -> datetime:
    """This many half minutes of open time earlier."""
    while halves:
        at -= HALF_MINUTE
        if is_open(text, at):
            halves -= 1
        else:
            at -= HALF_MINUTE * ((at.minute * 60 + at.second) // 30)  # to the first of this hour
    return at
