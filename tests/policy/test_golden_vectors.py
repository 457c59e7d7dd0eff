"""Thirteen counts that other desks get wrong, each reckoned by stepping through time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from mailbridge.model.policy import Calendar
from mailbridge.policy.calendars import add_working, working_seconds
from tests.policy.make import Walker, at, calendar

OFFICE = dict.fromkeys(range(5), ((540, 1020),))
ALWAYS = dict.fromkeys(range(7), ((0, 1440),))
BERLIN = "Europe/Berlin"
NEW_YORK = "America/New_York"
NIGHT = ((1320, 1800),)

VECTORS = [
    ("1 spring over the weekend", calendar(BERLIN, OFFICE), "2026-03-27 16:00", 8 * 60, "2026-03-30T14:00Z"),
    ("2 spring gap", calendar(BERLIN, ALWAYS), "2026-03-28 23:00", 240, "2026-03-29T02:00Z"),
    ("3 autumn fold", calendar(BERLIN, ALWAYS), "2026-10-24 23:00", 240, "2026-10-25T01:00Z"),
    (
        "4 nights",
        calendar(NEW_YORK, dict.fromkeys(range(5), NIGHT)),
        "2026-03-06 23:00",
        480,
        "2026-03-10T03:00Z",
    ),
    (
        "5 lunch, seconds",
        calendar(BERLIN, dict.fromkeys(range(5), ((540, 720), (810, 1020)))),
        "2026-05-04 11:45:30",
        60,
        "2026-05-04T12:15:30Z",
    ),
    (
        "6 holidays",
        calendar(BERLIN, OFFICE, {date(2026, 12, 24): "Heiligabend", date(2026, 12, 25): "Weihnachten"}),
        "2026-12-23 16:30",
        60,
        "2026-12-28T08:30Z",
    ),
    ("7 at closing", calendar(BERLIN, OFFICE), "2026-05-08 17:00", 60, "2026-05-11T08:00Z"),
    ("8 no midnight", calendar("America/Sao_Paulo", ALWAYS), "2018-11-03 23:00", 120, "2018-11-04T04:00Z"),
    (
        "9 quarter hours",
        calendar("Asia/Kathmandu", dict.fromkeys(range(7), ((540, 1020),))),
        "2026-05-04 09:05",
        30,
        "2026-05-04T03:50Z",
    ),
    (
        "10 24:00",
        calendar(BERLIN, dict.fromkeys(range(5), ((0, 1440),))),
        "2026-05-08 23:30",
        60,
        "2026-05-10T22:30Z",
    ),
    (
        "11 half-hour change",
        calendar("Australia/Lord_Howe", ALWAYS),
        "2026-04-05 01:00",
        120,
        "2026-04-04T16:00Z",
    ),
    (
        "12 night of seven hours",
        calendar(NEW_YORK, dict.fromkeys(range(7), NIGHT)),
        "2026-03-07 23:00",
        480,
        "2026-03-09T04:00Z",
    ),
    (
        "13 night of nine hours",
        calendar(NEW_YORK, dict.fromkeys(range(7), NIGHT)),
        "2026-10-31 23:00",
        480,
        "2026-11-01T11:00Z",
    ),
]


@pytest.mark.parametrize(
    ("subject", "start", "minutes", "due"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS]
)
def test_golden(subject: Calendar, start: str, minutes: int, due: str) -> None:
    begin = at(subject.zone.key, start)
    assert add_working(subject, begin, minutes * 60) == datetime.fromisoformat(due)
    assert Walker(subject, 15).add(begin, minutes * 60) == datetime.fromisoformat(due)


def test_closing_stays_at_closing() -> None:
    subject = calendar(BERLIN, OFFICE)
    friday = at(BERLIN, "2026-05-08 16:00")
    assert add_working(subject, friday, 3600) == at(BERLIN, "2026-05-08 17:00")
    assert add_working(subject, friday, 3601) == at(BERLIN, "2026-05-11 09:00:01")


def test_leap_day_is_a_day() -> None:
    subject = calendar(BERLIN, dict.fromkeys(range(7), ((540, 1020),)))
    assert add_working(subject, at(BERLIN, "2028-02-28 16:00"), 2 * 3600) == at(BERLIN, "2028-02-29 10:00")
    shut = calendar(BERLIN, OFFICE, {date(2028, 2, 29): "closed"})
    assert add_working(shut, at(BERLIN, "2028-02-28 16:00"), 2 * 3600) == at(BERLIN, "2028-03-01 10:00")


def test_opening_in_the_gap_moves_forward() -> None:
    """RFC 5545 3.3.5: 2:30 of the night without a 2:30 is read with the offset before, 3:30."""
    subject = calendar(NEW_YORK, {6: ((150, 360),)})
    assert add_working(subject, at(NEW_YORK, "2026-03-08 00:00"), 60) == at(NEW_YORK, "2026-03-08 03:31")


def test_fold_opens_at_the_first_and_closes_at_the_second() -> None:
    subject = calendar(NEW_YORK, {6: ((90, 100),)})
    opens = at(NEW_YORK, "2026-11-01 01:30", fold=0)
    assert add_working(subject, opens, 70 * 60) == at(NEW_YORK, "2026-11-01 01:40", fold=1)


def test_a_day_that_never_was() -> None:
    """Samoa skipped 30 December 2011 whole: its hours fall on the 31st and count once."""
    subject = calendar("Pacific/Apia", dict.fromkeys(range(7), ((540, 1020),)))
    start = at("Pacific/Apia", "2011-12-29 16:00")
    assert add_working(subject, start, 2 * 3600) == start + timedelta(hours=18)
    assert add_working(subject, start, 9 * 3600) == at("Pacific/Apia", "2011-12-31 17:00")


def test_all_instants_are_utc() -> None:
    assert add_working(calendar(BERLIN, OFFICE), at(BERLIN, "2026-05-08 16:00"), 60).tzinfo is UTC


def test_a_night_that_runs_into_an_extra_opening_counts_once() -> None:
    """Found by the random calendars: the overlap was subtracted where the count ended inside it."""
    subject = calendar(BERLIN, {5: ((243, 1680),)}, openings={date(2026, 3, 8): ((0, 1440),)})
    start = at(BERLIN, "2026-03-08 01:00")
    assert working_seconds(subject, start, start + timedelta(minutes=2)) == 120
