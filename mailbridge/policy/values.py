"""The forms in which a policy file writes hours, durations, targets and names.

Promises: pure functions from text to value; each raises ValueError whose text is a sentence for an admin that
says what would be accepted. Bounded: no accepted value can make a count run for ever.
"""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale, UnknownLocaleError

from mailbridge.model.policy import Target, Unit, Window

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_S = 86400
MOST_SECONDS = 400 * DAY_S
_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": DAY_S, "week": 7 * DAY_S}
_SIZES = {"b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_AMOUNT = r"(\d{1,6}(?:\.\d{1,3})?)"
_PART = re.compile(rf"{_AMOUNT}\s*(second|minute|hour|day|week)s?")
_TARGET = re.compile(
    rf"{_AMOUNT}(?:\s*[-\u2013]\s*{_AMOUNT})?\s+(working |business )?(second|minute|hour|day)s?"
)
_HOURS = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?\s*[-\u2013]\s*(\d{1,2}):(\d\d)(?::(\d\d))?")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ADDRESS = re.compile(r"[^\s@<>(),;:\"\\]{1,64}@[^\W_](?:[\w.-]{0,250}[^\W_])?")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,2}")
_LINK = re.compile(r"https?://[^\s<>\"]{1,500}")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:\s*\.\.\s*(\d{4}-\d\d-\d\d))?(?:\s+(.*))?")
_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)\s+(\S.*)")


def parse_name(text: str) -> str:
    """A plan, severity or calendar by name: lower case, hyphens for blanks."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is no name; write lower-case letters, digits and hyphens, at most 40")
    return text


def parse_flag(text: str) -> bool:
    answers = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
    if text.lower() not in answers:
        raise ValueError(f"{text!r} is neither yes nor no")
    return answers[text.lower()]


def parse_count(text: str) -> int:
    """A whole number from 1 to a million."""
    if not re.fullmatch(r"\d{1,7}", text) or not 1 <= int(text) <= 1_000_000:
        raise ValueError(f"{text!r} is not a whole number from 1 to 1000000")
    return int(text)


def parse_size(text: str) -> int:
    """Bytes, of "25 MB" or "512 KiB"."""
    match = re.fullmatch(r"(\d{1,9})\s*([kmg]?i?b)", text.lower())
    if match is None or match[2] not in _SIZES or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a size; write it like 25 MB")
    return int(match[1]) * _SIZES[match[2]]


def parse_zone(text: str) -> ZoneInfo:
    """A zone of the IANA data base. The pattern keeps a file's path out of the look-up."""
    try:
        if _ZONE.fullmatch(text):
            return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass  # OSError: "America" is a folder of the data base
    raise ValueError(f"there is no time zone {text!r}; write it like America/Los_Angeles")


def zone_of(text: str) -> ZoneInfo | None:
    """The zone of a stored name; None for "", and for one that the zone database of today does not know."""
    try:
        return parse_zone(text) if text else None
    except ValueError:
        return None


def parse_language(text: str) -> str:
    try:
        return str(Locale.parse(text.replace("-", "_")))
    except (UnknownLocaleError, ValueError, TypeError):
        raise ValueError(f"{text!r} is not a language; write it like en or en_GB") from None


def parse_address(text: str) -> str:
    if not _ADDRESS.fullmatch(text) or ".." in text.partition("@")[2]:
        raise ValueError(f"{text!r} is not a mail address")
    return text


def parse_link(text: str) -> str:
    if not _LINK.fullmatch(text):
        raise ValueError(f"{text!r} is not a link; it begins with https:// and has no blank")
    return text


def _whole(amount: str, unit_s: int, text: str) -> int:
    seconds = Fraction(amount) * unit_s
    if seconds.denominator != 1 or not 0 < seconds <= MOST_SECONDS:
        raise ValueError(f"{text!r} must be whole seconds, more than nought and at most 400 days")
    return int(seconds)


def parse_duration(text: str) -> int:
    """Seconds, of "48 hours" or "1 hour 30 minutes"."""
    lowered = " ".join(text.lower().split())
    parts = _PART.findall(lowered)
    if not parts or _PART.sub("", lowered).strip():
        raise ValueError(f"{text!r} is not a duration; write it like 48 hours or 1 hour 30 minutes")
    seconds = sum(_whole(amount, _UNITS[unit], text) for amount, unit in parts)
    if seconds > MOST_SECONDS:
        raise ValueError(f"{text!r} is longer than 400 days")
    return seconds


def parse_counted(text: str) -> tuple[int, bool]:
    """(seconds, whether working time) of "48 hours" or "16 working hours"."""
    bare = re.sub(r"\bworking\s+", "", text, count=1)
    return parse_duration(bare), bare != text


def parse_target(text: str) -> Target:
    """One of the forms of a target (policy.targets)."""
    lowered = " ".join(text.lower().split())
    if lowered == "same day":
        return Target(Unit.SAME_DAY, 0, lowered)
    match = _TARGET.fullmatch(lowered)
    if match is None:
        raise ValueError(
            f"{text!r} is not a target; write 6 working hours, 12 hours, 30 minutes, 24-48 hours, "
            "1 business day, same day, or none"
        )
    first, second, counting, noun = match.groups()
    unit, unit_s = _unit(counting, noun, text)
    limit = _amount(second or first, unit, unit_s, text)
    warn = _amount(first, unit, unit_s, text) if second else None
    if warn is not None and warn >= limit:
        raise ValueError(f"{text!r}: the first figure of a range is the smaller one")
    return Target(unit, limit, lowered, warn)


def _unit(counting: str | None, noun: str, text: str) -> tuple[Unit, int]:
    if counting == "business " and noun == "day":
        return Unit.BUSINESS_DAY, 1
    if counting == "business " or (counting == "working " and noun == "day"):
        raise ValueError(f"{text!r}: hours are working hours, days are business days")
    return (Unit.WORKING if counting else Unit.ELAPSED), _UNITS[noun]


def _amount(figure: str, unit: Unit, unit_s: int, text: str) -> int:
    if unit is not Unit.BUSINESS_DAY:
        return _whole(figure, unit_s, text)
    if not figure.isdecimal() or not 1 <= int(figure) <= 250:
        raise ValueError(f"{text!r}: business days are whole, from 1 to 250")
    return int(figure)


def parse_windows(text: str) -> tuple[Window, ...]:
    """Opening times of a day: "9:00-12:00, 13:30-17:00", "22:00-06:00" (a night), "always", "closed"."""
    bare = text.strip().lower()
    if bare == "closed":
        return ()
    if bare == "always":
        return (Window(0, DAY_S),)
    found = sorted((_window(part.strip()) for part in bare.split(",")), key=lambda window: window.start_s)
    for before, after in pairwise(found):
        if after.start_s < before.end_s:
            raise ValueError(f"the hours {text!r} overlap")
    return tuple(found)


def _window(text: str) -> Window:
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f"the hours {text!r} are not understood; write 06:00-17:00, closed or always")
    start, end = (_clock(match[first], match[first + 1], match[first + 2], text) for first in (1, 4))
    if start in (DAY_S, end):
        raise ValueError(f"the hours {text!r} are impossible; a whole day is 00:00-24:00 or always")
    if end in (DAY_S - 60, DAY_S - 1):
        raise ValueError(f"the hours {text!r} leave out the last minute; the end of the day is 24:00")
    return Window(start, end if end > start else end + DAY_S)


def _clock(hour: str, minute: str, second: str | None, text: str) -> int:
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second or 0)
    if int(minute) > 59 or int(second or 0) > 59 or seconds > DAY_S:
        raise ValueError(f"the hours {text!r} are impossible; a day goes from 00:00 to 24:00")
    return seconds


def parse_weekdays(key: str) -> tuple[int, ...]:
    """Indexes of the weekdays that a key names: "friday", "monday-thursday", "daily"; () for none."""
    if key == "daily":
        return tuple(range(7))
    first, _, last = (part.strip() for part in key.partition("-"))
    if first not in WEEKDAYS or (last or first) not in WEEKDAYS:
        return ()
    low, high = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    return tuple(range(low, high + 1)) if low <= high else (*range(low, 7), *range(high + 1))


def parse_dates(text: str) -> tuple[tuple[date, ...], str]:
    """The days and the rest of "2026-12-24 Christmas Eve" or "2026-12-24..2026-12-31 company holiday"."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} does not begin with a date; write 2026-12-24 and the reason")
    try:
        first = date.fromisoformat(match[1])
        last = date.fromisoformat(match[2] or match[1])
    except ValueError:
        raise ValueError(f"{text!r} names a day that does not exist") from None
    if not 0 <= (last - first).days <= 366:
        raise ValueError(f"{text!r}: the first day comes before the last, at most a year apart")
    days = tuple(date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
    return days, match[3] or ""


def parse_yearly(text: str) -> tuple[int, int, str]:
    """(month, day, name) of "12-24 Christmas Eve"."""
    match = _MONTH_DAY.fullmatch(text)
    try:
        if match is not None:
            day = date(2000, int(match[1]), int(match[2]))  # a leap year, so that 02-29 exists
            return day.month, day.day, match[3]
    except ValueError:
        pass
    raise ValueError(f"{text!r} is not a day of every year; write 12-24 and its name")


def split_list(text: str) -> tuple[str, ...]:
    """The items of a value, parted by commas or lines."""
    return tuple(item.strip() for item in re.split(r"[,\n]", text) if item.strip())


def split_lines(text: str) -> tuple[str, ...]:
    """The lines of a value."""
    return tuple(line.strip() for line in text.split("\n") if line.strip())
