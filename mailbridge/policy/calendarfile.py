"""The section `[calendar NAME]` of a policy file.

Promises: a calendar that opens at some time, or problems noted in the reader: hours that overlap, also from
one day into the next, days said twice, holidays that the library does not have, dates that do not exist.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from types import MappingProxyType
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from mailbridge.model.policy import Calendar, HolidaySource, RelativeDay, Window
from mailbridge.policy import values
from mailbridge.policy.holidaybook import folded, known_names

T = TypeVar("T")
CALENDAR_KEYS = (
    "zone", "hours", "monday", "monday-friday", "daily",
    "holidays", "observed", "relative", "yearly", "closed", "open",
)  # fmt: skip
# What takes the place of a bad value, once its problem is noted.
_OPEN: tuple[Window, ...] = (Window(0, values.DAY_S),)
_NO_DATES: tuple[tuple[date, ...], str] = ((), "")
_NO_OPENING: tuple[tuple[date, ...], tuple[Window, ...]] = ((), ())
_NO_HOLIDAYS: tuple[str, str, tuple[tuple[str, str], ...]] = ("", "", ())
_RELATIVE = re.compile(r"(.+?)\s*([+-])\s*(\d{1,3})\s*:\s*(\S.*)")
_COUNTRY = re.compile(r"([A-Za-z]{2,3})(?:-(\w{1,10}))?\s*(?::\s*(.*))?", re.DOTALL)
_AS = re.compile(r"(.+?)\s+as\s+(\S.*)")
_HOURS_THEN_REASON = re.compile(r"(always|closed|[\d:,\s\u2013-]+[\d])(?:\s+.*)?", re.IGNORECASE)


class Noting(Protocol):
    """What is needed of the file's reader."""

    sections: dict[str, dict[str, str]]

    def complain(self, section: str, key: str, message: str) -> None: ...
    def get(self, section: str, key: str) -> str: ...
    def read(self, section: str, key: str, parse: Callable[[str], T], default: T) -> T: ...
    def tried(self, section: str, key: str, text: str, parse: Callable[[str], T], default: T) -> T: ...


def always(zone: ZoneInfo | None) -> Calendar:
    """The calendar that every policy has: 24x7."""
    return Calendar("always", zone or ZoneInfo("UTC"), (_OPEN,) * 7, always=True)


class CalendarSection:
    """One section while it is read."""

    def __init__(self, reader: Noting, section: str, name: str) -> None:
        self.reader = reader
        self.section = section
        self.name = name

    def calendar(self) -> Calendar:
        if not self.reader.get(self.section, "zone"):
            self.reader.complain(self.section, "zone", "missing; write it like America/Los_Angeles")
        weekly = self._weekly()
        closures = self._closures()
        openings = self._openings()
        source = self._holiday_source()
        if not any(weekly) and not openings:
            self.reader.complain(
                self.section, "", "the calendar never opens; write monday-friday = 09:00-17:00"
            )
        return Calendar(
            name=self.name,
            zone=self.reader.read(self.section, "zone", values.parse_zone, ZoneInfo("UTC")),
            weekly=weekly,
            holiday_source=source,
            closures=MappingProxyType(closures),
            openings=MappingProxyType(openings),
            always=weekly == (_OPEN,) * 7 and not (closures or openings or source),
        )

    def _weekly(self) -> tuple[tuple[Window, ...], ...]:
        """Hours from Monday to Sunday; days not said are closed."""
        days: list[tuple[Window, ...]] = [()] * 7
        said: dict[int, str] = {}
        for key in self.reader.sections[self.section]:
            indexes = tuple(range(7)) if key == "hours" else values.parse_weekdays(key)
            # A key that is no weekday has its own problem; bad hours count as open, so as to add no other.
            windows = self.reader.read(self.section, key, values.parse_windows, _OPEN) if indexes else ()
            for index in indexes:
                if index in said:
                    day = values.WEEKDAYS[index]
                    self.reader.complain(self.section, key, f"{day} has its hours already by {said[index]!r}")
                said[index] = key
                days[index] = windows
        self._check_nights(days)
        return tuple(days)

    def _check_nights(self, days: list[tuple[Window, ...]]) -> None:
        """A night may not run into the next day's hours."""
        for index, windows in enumerate(days):
            following = days[(index + 1) % 7]
            if windows and following and windows[-1].end_s - values.DAY_S > following[0].start_s:
                names = values.WEEKDAYS[index], values.WEEKDAYS[(index + 1) % 7]
                self.reader.complain(self.section, names[0], f"the hours run into those of {names[1]}")

    def _closures(self) -> dict[date, str]:
        found: dict[date, str] = {}
        for line in values.split_lines(self.reader.get(self.section, "closed")):
            days, reason = self.reader.tried(self.section, "closed", line, values.parse_dates, _NO_DATES)
            found.update(dict.fromkeys(days, reason))
        return found

    def _openings(self) -> dict[date, tuple[Window, ...]]:
        found: dict[date, tuple[Window, ...]] = {}
        for line in values.split_lines(self.reader.get(self.section, "open")):
            days, windows = self.reader.tried(self.section, "open", line, _parse_opening, _NO_OPENING)
            found.update(dict.fromkeys(days, windows))
        return found

    def _holiday_source(self) -> HolidaySource | None:
        country, subdivision, names = self.reader.read(
            self.section, "holidays", _parse_holidays, _NO_HOLIDAYS
        )
        observed = self.reader.read(self.section, "observed", values.parse_flag, False)
        lines = values.split_lines(self.reader.get(self.section, "yearly"))
        tried = [self.reader.tried(self.section, "yearly", line, values.parse_yearly, None) for line in lines]
        yearly = tuple(day for day in tried if day is not None)
        relative = self._relative(country, subdivision)
        if not country and not yearly:
            return None
        return HolidaySource(country, subdivision, names, observed, relative, yearly)

    def _relative(self, country: str, subdivision: str) -> tuple[RelativeDay, ...]:
        lines = values.split_lines(self.reader.get(self.section, "relative"))
        if lines and not country:
            if "holidays" not in self.reader.sections[self.section]:
                self.reader.complain(
                    self.section, "relative", "wants the key holidays, which says whose holidays"
                )
            return ()

        def parse(line: str) -> RelativeDay | None:
            return _parse_relative(line, country, subdivision)

        tried = [self.reader.tried(self.section, "relative", line, parse, None) for line in lines]
        return tuple(rule for rule in tried if rule is not None)


def _library_name(name: str, country: str, subdivision: str) -> str:
    known = known_names(country, subdivision)
    if folded(name) not in known:
        raise ValueError(f"{country} has no holiday {name!r}; there are {', '.join(sorted(known.values()))}")
    return known[folded(name)]


def _parse_holidays(text: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """ "US", "DE-BY", or "US: New Year's Day, Washington's Birthday as President's Day"."""
    match = _COUNTRY.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text[:60]!r} is not understood; write US, DE-BY, or US: New Year's Day, Labor Day"
        )
    country, subdivision = match[1].upper(), (match[2] or "").upper()
    known_names(country, subdivision)
    items = values.split_list(match[3] or "")
    if match[3] is not None and not items:
        raise ValueError("no holiday is named after the colon; leave the colon out for all public holidays")
    unknown: list[str] = []
    names: list[tuple[str, str]] = []
    for item in items:
        wanted = _AS.fullmatch(item)
        name, told = (wanted[1], wanted[2]) if wanted else (item, "")
        try:
            library = _library_name(name, country, subdivision)
            names.append((library, told or library))
        except ValueError as error:
            unknown.append(str(error))
    if unknown:
        raise ValueError("; ".join(unknown))
    return country, subdivision, tuple(names)


def _parse_relative(line: str, country: str, subdivision: str) -> RelativeDay:
    """ "Thanksgiving Day + 1: Friday after Thanksgiving"."""
    match = _RELATIVE.fullmatch(line)
    if match is None or not 1 <= int(match[3]) <= 366:
        raise ValueError(f"{line!r} is not understood; write Thanksgiving Day + 1: Friday after Thanksgiving")
    days = int(match[3]) if match[2] == "+" else -int(match[3])
    return RelativeDay(_library_name(match[1], country, subdivision), days, match[4])


def _parse_opening(line: str) -> tuple[tuple[date, ...], tuple[Window, ...]]:
    """ "2026-12-24 09:00-12:00 half a day"; what follows the hours is for the reader of the file."""
    days, rest = values.parse_dates(line)
    match = _HOURS_THEN_REASON.fullmatch(rest)
    if match is None:
        raise ValueError(f"{line!r} says no hours; write 2026-12-24 09:00-12:00 and the reason")
    return days, values.parse_windows(match[1])
