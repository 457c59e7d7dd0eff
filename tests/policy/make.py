"""Calendars for tests, and a counter that walks through time instead of reckoning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from mailbridge.model.policy import Calendar, Window

Hours = tuple[tuple[int, int], ...]  # minutes after midnight; the end may pass 1440


def calendar(
    zone: str,
    weekly: Mapping[int, Hours],
    closures: Mapping[date, str] | None = None,
    openings: Mapping[date, Hours] | None = None,
) -> Calendar:
    """weekly: weekday (0 is Monday) -> hours."""
    return Calendar(
        "test",
        ZoneInfo(zone),
        tuple(windows(weekly.get(day, ())) for day in range(7)),
        closures=closures or {},
        openings={day: windows(hours) for day, hours in (openings or {}).items()},
    )


def windows(hours: Hours) -> tuple[Window, ...]:
    return tuple(Window(start * 60, end * 60) for start, end in hours)


def at(zone: str, text: str, fold: int = 0) -> datetime:
    """The UTC instant of a wall-clock time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


class Walker:
    """The brute-force counter: looks at the wall clock every step and knows nothing of spans and edges.

    Good where no opening or closing falls into an hour that a clock change skips or repeats.
    """

    def __init__(self, subject: Calendar, step_s: int = 60) -> None:
        self.calendar = subject
        self.step = timedelta(seconds=step_s)

    def business_day(self, instant: datetime) -> date | None:
        """The business day that is open at the instant, else None."""
        wall = instant.astimezone(self.calendar.zone).replace(tzinfo=None)
        second = wall.hour * 3600 + wall.minute * 60 + wall.second
        for back in (1, 0):
            day = wall.date() - timedelta(days=back)
            if any(each.start_s <= second + back * 86400 < each.end_s for each in self._windows(day)):
                return day
        return None

    def _windows(self, day: date) -> tuple[Window, ...]:
        if day in self.calendar.openings:
            return self.calendar.openings[day]
        return () if day in self.calendar.closures else self.calendar.weekly[day.weekday()]

    def steps(self, start: datetime) -> Iterator[tuple[datetime, date | None]]:
        while True:
            yield start, self.business_day(start)
            start += self.step

    def add(self, start: datetime, seconds: int) -> datetime:
        left = timedelta(seconds=seconds)
        for instant, day in self.steps(start):
            if day is not None:
                left -= self.step
                if left <= timedelta():
                    return instant + self.step
        raise AssertionError

    def count(self, start: datetime, end: datetime) -> int:
        total = 0
        for instant, day in self.steps(start):
            if instant >= end:
                return total
            total += int(self.step.total_seconds()) if day is not None else 0
        raise AssertionError

    def arrival(self, start: datetime) -> tuple[datetime, date]:
        return next((instant, day) for instant, day in self.steps(start) if day is not None)

    def closing(self, start: datetime, day: date) -> datetime:
        """The end of the last open step of the business day; start is not later than it."""
        last = start
        for instant, belongs in self.steps(start):
            if belongs == day:
                last = instant + self.step
            if instant > last + timedelta(days=2):
                return last
        raise AssertionError

    def same_day(self, received: datetime) -> datetime:
        return self.closing(*self.arrival(received))

    def next_business_day(self, received: datetime) -> datetime:
        start, day = self.arrival(received)
        wall = start.astimezone(self.calendar.zone).replace(tzinfo=None)
        later_start, later = next((i, d) for i, d in self.steps(start) if d is not None and d > day)
        same_time = (wall + (later - day)).replace(tzinfo=self.calendar.zone).astimezone(UTC)
        return min(same_time, self.closing(later_start, later))
