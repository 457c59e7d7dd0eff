"""Working time: when a calendar is open, how much of a stretch counts, and when a count runs out.

Promises: arithmetic on UTC instants, exact to the microsecond; the zone is asked only where a day's opening
and closing are turned into instants. Opening times are half-open [open, close). A local time that a clock
change skips moves forward by the length of the gap (RFC 5545 section 3.3.5); of one that comes twice, an
opening takes the first and a closing the second, so that the repeated hour is open. Windows that run into
each other over midnight count once. A night belongs to the day on which it begins.

Fails: Permanent where a calendar does not open within ten years, a count is not reached within a hundred, or
an instant is naive or outside the years 1902 to 9800; never by looking ahead too short and returning a wrong
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from mailbridge.errors import Permanent
from mailbridge.model.policy import Calendar, Window
from mailbridge.policy.holidaybook import holidays_of

HORIZON_DAYS = 3653  # ten years without an opening is a mistake, not a calendar
LONGEST_DAYS = 36525
_REMEMBERED_DAYS = 5000
# A window may end 48 h after its day's midnight, and Apia skipped a whole day: look two days back.
_LOOK_BACK = timedelta(days=2)
_ONE_DAY = timedelta(days=1)
_ZERO = timedelta()


@dataclass(frozen=True, slots=True)
class Span:
    """An open stretch [start, end) in UTC, and the business day to which it belongs."""

    start: datetime
    end: datetime
    day: date


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day without opening. name is the holiday or the reason, "" for a day never open (a weekend)."""

    day: date
    name: str


class _Hours:
    """A calendar with its days remembered: turning a day into instants is what costs."""

    __slots__ = ("_calendar", "_days")

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._days: dict[date, tuple[Span, ...]] = {}

    def spans(self, day: date) -> tuple[Span, ...]:
        known = self._days.get(day)
        if known is None:
            if len(self._days) >= _REMEMBERED_DAYS:
                self._days.clear()
            known = self._days[day] = _spans(self._calendar, day)
        return known


@lru_cache(maxsize=64)
def _hours(calendar: Calendar) -> _Hours:
    return _Hours(calendar)


def instant_of(zone: ZoneInfo, day: date, seconds: float, *, closing: bool = False) -> datetime:
    """The UTC instant of a wall-clock time, in seconds after the midnight of day (may pass 86400).

    Of a skipped time fold 0 is the later instant, of a doubled one the earlier; so a closing is the later of
    both.
    """
    wall = datetime.combine(day, time()) + timedelta(seconds=seconds)
    first = wall.replace(tzinfo=zone).astimezone(UTC)
    return max(first, wall.replace(tzinfo=zone, fold=1).astimezone(UTC)) if closing else first


def local(instant: datetime, zone: ZoneInfo) -> datetime:
    """The instant on the zone's clock, with a fixed offset.

    With the ZoneInfo itself, Python would subtract and compare two such times by their wall clocks.
    """
    there = instant.astimezone(zone)
    return there.replace(tzinfo=timezone(there.utcoffset() or _ZERO), fold=0)


def windows_on(calendar: Calendar, day: date) -> tuple[Window, ...]:
    """The opening times of a day: a dated opening, else none on a closed day, else the weekday's."""
    if day in calendar.openings:
        return calendar.openings[day]
    if closed_by(calendar, day) is not None:
        return ()
    return calendar.weekly[day.weekday()]


def closed_by(calendar: Calendar, day: date) -> str | None:
    """The holiday or dated closure that closes the day, whatever its weekday; None where nothing does."""
    if day in calendar.openings:
        return None
    if day in calendar.closures:
        return calendar.closures[day] or "closed"
    if calendar.holiday_source is None:
        return None
    return holidays_of(calendar.holiday_source, day.year).get(day)


def _spans(calendar: Calendar, day: date) -> tuple[Span, ...]:
    found: list[Span] = []
    for window in windows_on(calendar, day):
        start = instant_of(calendar.zone, day, window.start_s)
        end = instant_of(calendar.zone, day, window.end_s, closing=True)
        if start < end:  # a window inside the skipped hour is empty
            found.append(Span(start, end, day))
    return tuple(found)


def spans_of(calendar: Calendar, day: date) -> tuple[Span, ...]:
    """The open stretches that begin on the day, in order."""
    return _hours(calendar).spans(day)


def checked(instant: datetime) -> datetime:
    """The instant in UTC. Raises Permanent where it is naive or the zone rules could not be asked."""
    if instant.tzinfo is None:
        raise Permanent(
            f"the time {instant.isoformat()} has no offset; write it like 2026-11-30T09:30:00-08:00"
        )
    if not 1902 <= instant.year <= 9800:
        raise Permanent(f"the year {instant.year} is outside 1902 to 9800")
    return instant.astimezone(UTC)


def open_spans(calendar: Calendar, start: datetime) -> Iterator[Span]:
    """Open stretches from start on, each once, the first cut at start. Ends only by raising Permanent."""
    cursor = checked(start)
    hours = _hours(calendar)
    day = cursor.astimezone(calendar.zone).date() - _LOOK_BACK
    last_open = day
    for _ in range(LONGEST_DAYS):
        for span in hours.spans(day):
            if span.end > cursor:
                yield span if span.start >= cursor else Span(cursor, span.end, span.day)
                cursor, last_open = span.end, day
        day += _ONE_DAY
        if (day - last_open).days > HORIZON_DAYS or day.year > 9900:
            raise Permanent(f"the calendar {calendar.name} has no opening within ten years after {last_open}")
    raise Permanent(f"the count does not end within a hundred years on the calendar {calendar.name}")


def opening(calendar: Calendar, instant: datetime) -> Span:
    """The open stretch that holds the instant, cut there, else the next one."""
    return next(open_spans(calendar, instant))


def next_opening(calendar: Calendar, instant: datetime) -> datetime:
    """The instant itself where the calendar is open (closing time is not), else the next opening; UTC."""
    return opening(calendar, instant).start


def is_open(calendar: Calendar, instant: datetime) -> bool:
    """Whether the calendar is open; the closing instant is outside."""
    return next_opening(calendar, instant) == instant


def next_business_day(calendar: Calendar, day: date, count: int = 1) -> date:
    """The count-th day after day on which the calendar opens at all."""
    for _ in range(count):
        start = day
        while True:
            day += _ONE_DAY
            if spans_of(calendar, day):
                break
            if (day - start).days > HORIZON_DAYS or day.year > 9900:
                raise Permanent(f"the calendar {calendar.name} has no opening within ten years after {start}")
    return day


def add_working(calendar: Calendar, start: datetime, seconds: float) -> datetime:
    """The instant (UTC) at which that many seconds of open time have passed since start.

    A count that ends exactly at closing time is over at that closing, not at the next opening. Nought seconds
    end at the next opening.
    """
    left = timedelta(seconds=seconds)
    for span in open_spans(calendar, start):
        if left <= span.end - span.start:
            return span.start + left
        left -= span.end - span.start
    raise AssertionError("open_spans never ends")


def worked(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Open time in [start, end); nought where end is not later."""
    finish, total = checked(end), _ZERO
    if finish <= checked(start):
        return total
    for span in _spans_until(calendar, start, finish):
        total += min(span.end, finish) - span.start
    return total


def _spans_until(calendar: Calendar, start: datetime, finish: datetime) -> Iterator[Span]:
    """As open_spans, ending at finish: a stretch that holds no opening at all is an answer here, no error."""
    cursor = checked(start)
    hours = _hours(calendar)
    day = cursor.astimezone(calendar.zone).date() - _LOOK_BACK
    last = finish.astimezone(calendar.zone).date() + _LOOK_BACK
    while day <= last:
        for span in hours.spans(day):
            if span.end > cursor and max(span.start, cursor) < finish:
                yield span if span.start >= cursor else Span(cursor, span.end, span.day)
                cursor = span.end
        day += _ONE_DAY


def working_seconds(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Whole seconds of open time in [start, end)."""
    return int(worked(calendar, start, end).total_seconds())


def subtract_working(calendar: Calendar, end: datetime, seconds: float, not_before: datetime) -> datetime:
    """The latest open instant with that many seconds of open time left until end, never before not_before.

    A warning so computed comes when somebody is there: one hour before a deadline of 7:00 on a calendar that
    opens at 6:00 is 6:00, not yesterday's closing.
    """
    room = worked(calendar, not_before, end) - timedelta(seconds=seconds)
    if room <= _ZERO:
        return checked(not_before)
    found = add_working(calendar, not_before, room.total_seconds())
    return min(next_opening(calendar, found), checked(end))


def closed_days(calendar: Calendar, start: datetime, end: datetime) -> tuple[ClosedDay, ...]:
    """The days of [start, end] on the zone's clock that do not open, with the reason; at most 366 of them."""
    day = checked(start).astimezone(calendar.zone).date()
    last = checked(end).astimezone(calendar.zone).date()
    found: list[ClosedDay] = []
    while day <= last and len(found) < 366:
        if not windows_on(calendar, day):
            found.append(ClosedDay(day, closed_by(calendar, day) or ""))
        day += _ONE_DAY
    return tuple(found)
