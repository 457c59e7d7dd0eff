"""Promises in words for people: hours, deadlines, durations, and why an answer comes later than usual.

Promises: pure; the same facts in the zones that the policy tells. Dates, times and names of zones come from
Babel by locale; the few words between them stand in one table a language. A deadline is told to the minute,
rounded down, so that the words never promise less than the deadline. No words are invented: where there is
nothing to say, "".

Fails: never; a language without a table is told in English words with its own dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_name

from mailbridge.model.policy import AutoClose, Calendar, Policy, Promise, Target, Unit, Window
from mailbridge.policy import calendars

_DAY_S = 86400
_MOST_NAMED = 5
_ENGLISH: Mapping[str, str] = {
    "by": "by {when} {zone}",
    "other zone": "{first} ({others})",
    "same elsewhere": "{when} {zone}",
    "moment": "{day}, {clock}",
    "day": "EEEE, MMMM d",
    "day with year": "EEEE, MMMM d, y",
    "clock": "h:mm a",
    "full hour": "h a",
    # nobody knows for sure which of them 12:00 AM is, nor which midnight "midnight" is
    "at noon": "12 noon",
    "at midnight": "12 midnight (start of the day)",
    "time of": "{place} Time",
    "from to": "{start} to {end}",
    "noon": "noon",
    "midnight": "midnight",
    "always": "24 hours a day, 7 days a week, including holidays",
    "always short": "around the clock",
    "and": "{first} and {last}",
    "days": "{first} to {last}",
    "closed on": "We are closed on {days}.",
    "closed on weekend": "We are closed at the weekend.",
    "closed now": "Your message reached us outside our hours.",
    "more": "{count} more days",
    "working": "{count} working {unit}",
    "elapsed": "{count} {unit}",
    "business_day": "{count} {unit}",
    "same_day": "the same business day",
    "range": "{first}-{rest}",
    "unit business day": "business day|business days",
    "unit day": "day|days",
    "unit hour": "hour|hours",
    "unit minute": "minute|minutes",
    "unit second": "second|seconds",
    "link portal": "Support portal",
    "link help": "Help form",
    "link knowledge-base": "Knowledge base",
    "link user-guide": "User guide",
    "link downloads": "Downloads",
    "link website": "Website",
    "link phone": "Telephone",
}
_GERMAN: Mapping[str, str] = {
    "by": "bis {when} ({zone})",
    "other zone": "{first}, {others}",
    "same elsewhere": "{when} ({zone})",
    "moment": "{day}, {clock}",
    "day": "EEEE, d. MMMM",
    "day with year": "EEEE, d. MMMM y",
    "clock": "H:mm 'Uhr'",
    "full hour": "H 'Uhr'",
    "at noon": "12:00 Uhr",
    "at midnight": "0:00 Uhr",
    "time of": "Zeit von {place}",
    "from to": "{start} bis {end}",
    "noon": "12 Uhr",
    "midnight": "24 Uhr",
    "always": "rund um die Uhr, an allen Tagen, auch an Feiertagen",
    "always short": "rund um die Uhr",
    "and": "{first} und {last}",
    "days": "{first} bis {last}",
    "closed on": "Geschlossen ist: {days}.",
    "closed on weekend": "Am Wochenende ist geschlossen.",
    "closed now": "Ihre Nachricht kam außerhalb unserer Zeiten an.",
    "more": "{count} weitere Tage",
    "working": "{count} {unit} unserer Arbeitszeit",
    "elapsed": "{count} {unit}",
    "business_day": "{count} {unit}",
    "same_day": "am selben Arbeitstag",
    "range": "{first}-{rest}",
    "unit business day": "Arbeitstag|Arbeitstage",
    "unit day": "Tag|Tage",
    "unit hour": "Stunde|Stunden",
    "unit minute": "Minute|Minuten",
    "unit second": "Sekunde|Sekunden",
    "link portal": "Portal",
    "link help": "Hilfeformular",
    "link knowledge-base": "Wissensdatenbank",
    "link user-guide": "Handbuch",
    "link downloads": "Downloads",
    "link website": "Website",
    "link phone": "Telefon",
}
# A further language is one more table with the same keys; a test compares the keys.
_TABLES: Mapping[str, Mapping[str, str]] = {"en": _ENGLISH, "de": _GERMAN}
_UNIT_NAMES = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class WhyLater:
    """Why the answer is later than the promise alone would say.

    cause is "holiday", "weekend", "closed" (arrived outside the hours) or "". names are the holidays or dated
    closures before the deadline, days their dates. text is the sentence for the customer, "" where there is
    nothing to explain.
    """

    cause: str = ""
    names: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    text: str = ""


@lru_cache(maxsize=64)
def _table(language: str) -> Mapping[str, str]:
    return _TABLES.get(language.partition("_")[0].lower(), _ENGLISH)


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError, TypeError):
        return Locale("en")


@lru_cache(maxsize=256)
def zone_name(zone: str, language: str = "en", *, short: bool = False) -> str:
    """ "Pacific Time" of America/Los_Angeles, short "Pacific"; a zone without a name is told by its city."""
    if zone in ("UTC", "Etc/UTC", "GMT"):
        return "UTC"
    name = get_timezone_name(ZoneInfo(zone), zone_variant="generic", locale=_locale(language))
    if "(" in name or "GMT" in name:
        name = _table(language)["time of"].format(place=zone.rpartition("/")[2].replace("_", " "))
    return name.removesuffix(" Time") if short else name


def moment_in_words(instant: datetime, zone: str, language: str = "en", *, year: bool = False) -> str:
    """ "Monday, November 30, 9:30 AM Pacific Time"."""
    told = _bare_moment(instant.astimezone(ZoneInfo(zone)), language, year=year)
    return _table(language)["same elsewhere"].format(when=told, zone=zone_name(zone, language))


def deadline_in_words(policy: Policy, promise: Promise, *, bare: bool = False) -> str:
    """ "by Monday, November 30, 9:30 AM Pacific Time (11:30 AM Central Time)"; bare without its "by".

    In the calendar's zone and the further ones that the policy tells. The year is said where it is not that
    of arrival.
    """
    zone = policy.calendars[promise.calendar].zone.key
    year = promise.respond_by.year != promise.received_at.year
    return instant_in_words(policy, promise.respond_by, zone, year=year, bare=bare)


def instant_in_words(
    policy: Policy, instant: datetime, zone: str = "", *, year: bool = False, bare: bool = False
) -> str:
    """An instant as deadline_in_words says it; zone "" is the zone of the policy's calendar."""
    table, language = _table(policy.language), policy.language
    home = zone or policy.calendars[policy.calendar].zone.key
    here = instant.astimezone(ZoneInfo(home))
    first = table["same elsewhere" if bare else "by"].format(
        when=_bare_moment(here, language, year=year), zone=zone_name(home, language)
    )
    others = [_elsewhere(here, other, language) for other in policy.second_zones if other != home]
    return table["other zone"].format(first=first, others=", ".join(others)) if others else first


def _bare_moment(there: datetime, language: str, *, year: bool = False) -> str:
    table = _table(language)
    day = _date(there.date(), table["day with year" if year else "day"], language)
    return table["moment"].format(day=day, clock=_time(there, language))


def _time(there: datetime, language: str) -> str:
    """ "9:30 AM", "12 noon": the time of day of a moment, as its own zone has it."""
    table = _table(language)
    if there.minute == 0 and there.hour in (0, 12):
        return table["at noon" if there.hour else "at midnight"]
    return _clock_time(there.hour, there.minute, table["clock"], language)


@lru_cache(maxsize=1024)
def _date(day: date, pattern: str, language: str) -> str:
    """The notices of a year tell the same days and times again and again; Babel takes 0.1 ms for each."""
    return str(format_date(day, pattern, locale=_locale(language)))


@lru_cache(maxsize=2048)
def _clock_time(hour: int, minute: int, pattern: str, language: str) -> str:
    return str(format_time(time(hour, minute), pattern, locale=_locale(language)))


def _elsewhere(here: datetime, other: str, language: str) -> str:
    """The clock in another zone, with the date where it is another day there."""
    there = here.astimezone(ZoneInfo(other))
    told = (_time if there.date() == here.date() else _bare_moment)(there, language)
    return _table(language)["same elsewhere"].format(when=told, zone=zone_name(other, language))


def hours_in_words(
    calendar: Calendar, on: date, second_zones: Sequence[str] = (), language: str = "en"
) -> str:
    """ "Monday to Thursday 6 AM to 5 PM, Friday 6 AM to 4 PM (Pacific); ... 8 AM to 7 PM, ... (Central)".

    on is a day of the week for which the second zone is reckoned, as the distance between two zones may
    change with the season. Holidays and dated exceptions are not part of the weekly hours.
    """
    if calendar.always:
        return _table(language)["always"]
    zones = [calendar.zone.key, *(zone for zone in second_zones if zone != calendar.zone.key)]
    weeks = ((zone, _week(calendar, on, zone, language)) for zone in zones)
    return "; ".join(f"{week} ({zone_name(zone, language, short=True)})" for zone, week in weeks)


def _week(calendar: Calendar, on: date, zone: str, language: str) -> str:
    """The week in a zone, runs of equal days together; a window is told on the day when it opens there."""
    monday = on - timedelta(days=on.weekday())
    days: list[list[str]] = [[] for _ in range(7)]
    for index, windows in enumerate(calendar.weekly):
        for window in windows:
            opens = calendars.instant_of(calendar.zone, monday + timedelta(days=index), window.start_s)
            told = _window(calendar, monday + timedelta(days=index), window, zone, language)
            days[opens.astimezone(ZoneInfo(zone)).weekday()].append(told)
    return ", ".join(_runs([", ".join(told) for told in days], language))


def _runs(days: Sequence[str], language: str) -> list[str]:
    """Days with the same hours in a row as one: "Monday to Thursday 6 AM to 5 PM"."""
    runs: list[tuple[int, int, str]] = []
    for index, text in enumerate(days):
        if runs and runs[-1][1:] == (index - 1, text):
            runs[-1] = (runs[-1][0], index, text)
        elif text:
            runs.append((index, index, text))
    return [f"{_days(first, last, language)} {text}" for first, last, text in runs]


def _days(first: int, last: int, language: str) -> str:
    names = _locale(language).days["format"]["wide"]
    if first == last:
        return str(names[first])
    pattern = _table(language)["and" if last == first + 1 else "days"]
    return pattern.format(first=names[first], last=names[last])


def _window(calendar: Calendar, day: date, window: Window, zone: str, language: str) -> str:
    if (window.start_s, window.end_s) == (0, _DAY_S) and zone == calendar.zone.key:
        return _table(language)["always short"]
    edges = (
        calendars.instant_of(calendar.zone, day, window.start_s),
        calendars.instant_of(calendar.zone, day, window.end_s, closing=True),
    )
    start, end = (_clock(edge, zone, language) for edge in edges)
    return _table(language)["from to"].format(start=start, end=end)


def _clock(instant: datetime, zone: str, language: str) -> str:
    """ "6 AM", "1:30 PM", "noon", "midnight"."""
    table = _table(language)
    there = instant.astimezone(ZoneInfo(zone)).time()
    if there in (time(0), time(12)):
        return table["noon" if there.hour else "midnight"]
    return _clock_time(there.hour, there.minute, table["clock" if there.minute else "full hour"], language)


def day_in_words(day: date, language: str = "en") -> str:
    """ "Thursday, November 26"."""
    return _date(day, _table(language)["day"], language)


def why_later(policy: Policy, promise: Promise) -> WhyLater:
    """Which holidays, weekend or closing hours lie between arrival and deadline.

    Holidays come first, as they are what a customer may not expect; a weekend only explains a message that
    came on it or a count that ran over it; a message outside the hours is told so. Elapsed promises need no
    word.
    """
    target = _unit_of(policy, promise)
    calendar = policy.calendars[promise.calendar]
    if target is None or target is Unit.ELAPSED or calendar.always:
        return WhyLater()
    table = _table(policy.language)
    closed = calendars.closed_days(calendar, promise.received_at, promise.respond_by)
    named = tuple(day for day in closed if day.name)
    if named:
        told = [f"{day.name} ({day_in_words(day.day, policy.language)})" for day in named]
        text = table["closed on"].format(days=listed(_bounded(told, table), policy.language))
        return WhyLater("holiday", tuple(day.name for day in named), tuple(day.day for day in named), text)
    if closed:
        return WhyLater("weekend", (), tuple(day.day for day in closed), _weekend(closed, policy.language))
    if promise.opens_at > promise.received_at:
        return WhyLater("closed", (), (), table["closed now"])
    return WhyLater()


def _unit_of(policy: Policy, promise: Promise) -> Unit | None:
    target = policy.targets.get((promise.plan, promise.severity, promise.kind))
    return target.unit if target else None


def _bounded(told: list[str], table: Mapping[str, str]) -> list[str]:
    if len(told) <= _MOST_NAMED:
        return told
    return [*told[:_MOST_NAMED], table["more"].format(count=len(told) - _MOST_NAMED)]


def _weekend(closed: Sequence[calendars.ClosedDay], language: str) -> str:
    """ "at the weekend" only of a Saturday and a Sunday; else the days by name."""
    weekdays = sorted({day.day.weekday() for day in closed})
    table = _table(language)
    if set(weekdays) <= {5, 6}:
        return table["closed on weekend"]
    names = _locale(language).days["format"]["wide"]
    return table["closed on"].format(days=listed([str(names[day]) for day in weekdays], language))


def listed(items: Iterable[str], language: str = "en") -> str:
    """ "a", "a and b", "a, b and c"."""
    all_items = list(items)
    if len(all_items) < 2:
        return "".join(all_items)
    return _table(language)["and"].format(first=", ".join(all_items[:-1]), last=all_items[-1])


def duration_in_words(seconds: int, language: str = "en") -> str:
    """ "48 hours", "1 hour 30 minutes"; days only from four days on, as promises of two say 48 hours."""
    parts: list[str] = []
    left = seconds
    for name, unit_s in _UNIT_NAMES:
        count, rest = divmod(left, unit_s)
        if not count or (name == "day" and (count < 4 or rest)):
            continue
        parts.append(f"{count} {_unit(name, count, language)}")
        left = rest
    return " ".join(parts) or f"0 {_unit('second', 0, language)}"


def target_in_words(target: Target, language: str = "en") -> str:
    """ "6 working hours", "24-48 hours", "1 business day", "the same business day"."""
    table = _table(language)
    if target.unit is Unit.SAME_DAY:
        return table["same_day"]
    unit, unit_s = _figure(target)
    count = target.amount // unit_s
    told = table[target.unit.value].format(count=count, unit=_unit(unit, count, language))
    if target.warn_amount is None:
        return told
    return table["range"].format(first=f"{target.warn_amount / unit_s:g}", rest=told)


def _figure(target: Target) -> tuple[str, int]:
    """The unit in which the amount goes whole, at most hours, and its length."""
    if target.unit is Unit.BUSINESS_DAY:
        return "business day", 1
    return next((name, unit_s) for name, unit_s in _UNIT_NAMES[1:] if target.amount % unit_s == 0)


def _unit(name: str, count: int, language: str) -> str:
    one, _, many = _table(language)[f"unit {name}"].partition("|")
    return one if count == 1 else many


def silence_in_words(rule: AutoClose, language: str = "en") -> str:
    """ "48 hours" or "16 working hours": after how much silence a case closes."""
    unit = Unit.WORKING if rule.working else Unit.ELAPSED
    return target_in_words(Target(unit, rule.after_s, ""), language)


def speaks(language: str) -> bool:
    """Whether there are words for this language."""
    return language.partition("_")[0].lower() in _TABLES


def links_in_words(links: Mapping[str, str], language: str = "en") -> tuple[str, ...]:
    """ "Support portal: https://...", one a place: what lies in the same place stands on one line."""
    places: dict[str, list[str]] = {}
    for key, where in links.items():
        if where:
            places.setdefault(where, []).append(_table(language)[f"link {key}"])
    return tuple(f"{', '.join(names)}: {where}" for where, names in places.items())
