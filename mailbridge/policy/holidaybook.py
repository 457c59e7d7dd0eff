"""Which days of a year are holidays, asked of the `holidays` library by country and name.

Promises: the same answer for the same source and year, remembered; a name that customers are told may differ
from the library's ("Washington's Birthday" is "President's Day" in one policy). A day on which two holidays
meet carries both names. Names are compared without regard to case or the kind of apostrophe.

Fails: `known_names` raises ValueError, in a sentence for an admin, for a country or subdivision that the
library does not have. Years of which the library knows nothing have no holidays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType

from mailbridge.model.policy import HolidaySource

# A name must occur in one of these years to be known; the span holds every weekday for every date.
_SAMPLE_YEARS = range(2019, 2031)


def folded(name: str) -> str:
    """The name as compared."""
    return " ".join(name.replace("\u2019", "'").split()).casefold()


@lru_cache(maxsize=256)
def _library_year(country: str, subdivision: str, year: int, observed: bool) -> tuple[tuple[date, str], ...]:
    import holidays  # a tenth of a second: where a policy is read, not where one is spoken of

    book = holidays.country_holidays(country, subdiv=subdivision or None, years=year, observed=observed)
    labels = [getattr(book, f"{label}_label", None) for label in ("observed", "estimated")]
    marks = [
        re.compile(re.escape(label).replace("%s", "(.*)")) for label in labels if label and "%s" in label
    ]
    found: list[tuple[date, str]] = []
    for day, names in sorted(book.items()):
        found += [(day, _unmarked(name, marks)) for name in names.split("; ")]
    return tuple(found)


def _unmarked(name: str, marks: list[re.Pattern[str]]) -> str:
    """The holiday's own name: the library says "Independence Day (observed)" of the Friday before."""
    for mark in marks:
        match = mark.fullmatch(name)
        name = match[1] if match else name
    return name


@lru_cache(maxsize=32)
def known_names(country: str, subdivision: str = "") -> Mapping[str, str]:
    """Folded name -> name in the library. Raises ValueError for an unknown country or subdivision."""
    import holidays

    countries = holidays.list_supported_countries()
    if country not in countries:
        raise ValueError(
            f"the holiday library knows no country {country!r}; it wants a code such as US, GB, DE"
        )
    if subdivision and subdivision not in countries[country]:
        accepted = ", ".join(countries[country][:60]) or "none"
        raise ValueError(f"{country} has no subdivision {subdivision!r}; there are: {accepted}")
    years = [_library_year(country, subdivision, year, False) for year in _SAMPLE_YEARS]
    return MappingProxyType({folded(name): name for year in years for _, name in year})


@lru_cache(maxsize=512)
def holidays_of(source: HolidaySource, year: int) -> Mapping[date, str]:
    """The closed days of a year with the names that customers are told, "A and B" where two meet."""
    told: dict[date, list[str]] = {}
    for day, name in [*_named(source, year), *_relative(source, year), *_yearly(source, year)]:
        names = told.setdefault(day, [])
        if name not in names:
            names.append(name)
    return MappingProxyType({day: " and ".join(names) for day, names in told.items()})


def _named(source: HolidaySource, year: int) -> list[tuple[date, str]]:
    if not source.country:
        return []
    wanted = {folded(name): told for name, told in source.names}
    days = _library_year(source.country, source.subdivision, year, source.observed)
    return [
        (day, wanted.get(folded(name), name)) for day, name in days if not wanted or folded(name) in wanted
    ]


def _relative(source: HolidaySource, year: int) -> list[tuple[date, str]]:
    """Days that hang on a holiday's true date; neighbouring years count, as Christmas + 8 is in January."""
    found: list[tuple[date, str]] = []
    for rule in source.relative:
        for near in (year - 1, year, year + 1):
            days = _library_year(source.country, source.subdivision, near, False)
            hung = [
                day + timedelta(days=rule.days) for day, name in days if folded(name) == folded(rule.anchor)
            ]
            found += [(day, rule.name) for day in hung if day.year == year]
    return found


def _yearly(source: HolidaySource, year: int) -> list[tuple[date, str]]:
    found: list[tuple[date, str]] = []
    for month, day, name in source.yearly:
        leap_only = (month, day) == (2, 29)
        if not leap_only or (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
            found.append((date(year, month, day), name))
    return found
