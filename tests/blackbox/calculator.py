"""A second opinion on deadlines: written from the texts of the policies and the contract alone.

Nothing of mailbridge is imported. Hours and holidays are typed in anew; time is counted in UTC, day by day.
Promises to be slow and plain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """The nth weekday (Monday is 0) of a month; -1 is the last."""
    days = [date(year, month, 1) + DAY * i for i in range(31)]
    found = [day for day in days if day.month == month and day.weekday() == weekday]
    return found[n - 1 if n > 0 else n]


def mekorma_holidays(year: int) -> set[date]:
    """The nine days that the agreement names."""
    thanksgiving = nth(year, 11, 3, 4)
    return {
        date(year, 1, 1),
        nth(year, 1, 0, 3),
        nth(year, 2, 0, 3),
        nth(year, 5, 0, -1),
        date(year, 7, 4),
        nth(year, 9, 0, 1),
        thanksgiving,
        thanksgiving + DAY,
        date(year, 12, 25),
    }


def federal_holidays(year: int) -> set[date]:
    """The federal holidays of the United States, on the days that they fall on."""
    named = mekorma_holidays(year) - {nth(year, 11, 3, 4) + DAY}
    return named | {date(year, 6, 19), nth(year, 10, 0, 2), date(year, 11, 11)}


@dataclass(frozen=True, slots=True)
class Hours:
    """One window a day, by weekday; holidays by year."""

    zone: ZoneInfo
    windows: dict[int, tuple[time, time]]
    holidays: Callable[[int], set[date]] = lambda _year: set()

    def day(self, day: date) -> tuple[datetime, datetime] | None:
        """The window of a day, in UTC."""
        window = self.windows.get(day.weekday())
        if window is None or day in self.holidays(day.year):
            return None
        start, end = (datetime.combine(day, at, self.zone).astimezone(UTC) for at in window)
        return start, end

    def ahead(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Open windows that end after an instant, cut at it."""
        day = at.astimezone(self.zone).date()
        while True:
            window = self.day(day)
            if window and window[1] > at:
                yield max(window[0], at), window[1]
            day += DAY

    def opens(self, at: datetime) -> datetime:
        """The instant itself where open, else the next opening."""
        return next(self.ahead(at))[0]

    def working(self, at: datetime, length: timedelta) -> datetime:
        """So much open time after an instant; a count that ends with a window ends there."""
        for start, end in self.ahead(at):
            if end - start >= length:
                return start + length
            length -= end - start
        raise AssertionError

    def same_day(self, at: datetime) -> datetime:
        """The closing of the day it arrived in, or of the next."""
        return next(self.ahead(at))[1]

    def business_days(self, at: datetime, days: int) -> datetime:
        """The same wall-clock time so many business days later, at most its closing."""
        start = self.opens(at).astimezone(self.zone)
        day = start.date()
        while days:
            day += DAY
            days -= self.day(day) is not None
        window = self.day(day)
        assert window is not None
        wall = datetime.combine(day, start.time(), self.zone).astimezone(UTC)
        return min(wall, window[1])


def _week(start: int, end: int, friday_end: int | None = None) -> dict[int, tuple[time, time]]:
    week = dict.fromkeys(range(5), (time(start), time(end)))
    return week | {4: (time(start), time(friday_end or end))}


MEKORMA = Hours(ZoneInfo("America/Los_Angeles"), _week(6, 17, 16), mekorma_holidays)
GOTOMYERP = Hours(ZoneInfo("America/New_York"), _week(7, 21))
STANDARD = Hours(ZoneInfo("America/Chicago"), _week(8, 17), federal_holidays)
TEKSTACK = Hours(ZoneInfo("America/New_York"), _week(9, 18))
Rule = Callable[[datetime], datetime]


def elapsed(**length: float) -> Rule:
    """So long after, day and night."""
    return lambda at: at + timedelta(**length)


def working(hours: Hours, count: float) -> Rule:
    """So many open hours after."""
    return lambda at: hours.working(at, timedelta(hours=count))


def days(hours: Hours, count: int) -> Rule:
    """So many business days after."""
    return lambda at: hours.business_days(at, count)


# what each text promises for a first answer: (policy, plan, severity) -> (calendar or None for 24x7, rule)
FIRST: dict[tuple[str, str, str], tuple[Hours | None, Rule]] = {
    ("mekorma", "subscription", "minimal"): (MEKORMA, working(MEKORMA, 6)),
    ("memsource", "subscription", "minimal"): (None, elapsed(hours=12)),
    ("gotomyerp", "starter", "critical"): (GOTOMYERP, GOTOMYERP.same_day),
    ("gotomyerp", "starter", "significant"): (GOTOMYERP, GOTOMYERP.same_day),
    ("gotomyerp", "starter", "minimal"): (GOTOMYERP, working(GOTOMYERP, 48)),
    ("gotomyerp", "starter", "nominal"): (GOTOMYERP, working(GOTOMYERP, 72)),
    ("gotomyerp", "silver", "critical"): (None, elapsed(hours=1)),
    ("gotomyerp", "silver", "significant"): (GOTOMYERP, working(GOTOMYERP, 4)),
    ("gotomyerp", "silver", "minimal"): (GOTOMYERP, working(GOTOMYERP, 6)),
    ("gotomyerp", "silver", "nominal"): (GOTOMYERP, days(GOTOMYERP, 1)),
    ("gotomyerp", "gold", "critical"): (None, elapsed(hours=1)),
    ("gotomyerp", "gold", "significant"): (GOTOMYERP, working(GOTOMYERP, 2)),
    ("gotomyerp", "gold", "minimal"): (GOTOMYERP, working(GOTOMYERP, 4)),
    ("gotomyerp", "gold", "nominal"): (GOTOMYERP, days(GOTOMYERP, 1)),
    ("gotomyerp", "platinum", "critical"): (None, elapsed(minutes=30)),
    ("gotomyerp", "platinum", "significant"): (None, elapsed(minutes=30)),
    ("gotomyerp", "platinum", "minimal"): (None, elapsed(hours=1)),
    ("gotomyerp", "platinum", "nominal"): (None, elapsed(hours=4)),
    **{
        ("gotomyerp", plan, "emergency"): (None, elapsed(minutes=30))
        for plan in ("starter", "silver", "gold", "platinum")
    },
    **{
        ("standard-enterprise", "standard", severity): (STANDARD, days(STANDARD, 1))
        for severity in ("high", "medium", "low")
    },
    **{
        ("standard-enterprise", "enterprise", severity): (None, elapsed(minutes=30))
        for severity in ("high", "medium", "low")
    },
    ("tekstack", "subscription", "critical"): (TEKSTACK, working(TEKSTACK, 1)),
    ("tekstack", "subscription", "normal"): (TEKSTACK, working(TEKSTACK, 4)),
    ("tekstack", "subscription", "low"): (TEKSTACK, days(TEKSTACK, 1)),
}
# ranges: the first figure, at which a warning is due
WARNED: dict[tuple[str, str, str], Rule] = {
    ("gotomyerp", "starter", "minimal"): working(GOTOMYERP, 24),
    ("gotomyerp", "starter", "nominal"): working(GOTOMYERP, 48),
}
