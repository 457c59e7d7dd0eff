"""Targets on calendars of one's own: the corners that no shipped policy has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from mailbridge.errors import NotFound, Permanent
from mailbridge.model.policy import Calendar, Target, TargetKind, Unit
from mailbridge.policy import calendars, library
from mailbridge.policy.targets import cell, promise, promise_data
from tests.policy.make import at, calendar
from tests.policy.test_properties import policy_of

NY = "America/New_York"
OFFICE = dict.fromkeys(range(4), ((540, 1020),)) | {4: ((540, 900),)}  # Friday until 15:00


def due(subject: Calendar, target: Target, received: str) -> datetime:
    return promise(policy_of(subject, target), received_at=at(NY, received)).respond_by


def days(count: int) -> Target:
    return Target(Unit.BUSINESS_DAY, count, f"{count} business days")


SAME_DAY = Target(Unit.SAME_DAY, 0, "same day")


def test_business_day_is_cut_at_an_earlier_closing() -> None:
    assert due(calendar(NY, OFFICE), days(1), "2026-05-07 16:30") == at(NY, "2026-05-08 15:00")
    assert due(calendar(NY, OFFICE), days(1), "2026-05-07 15:00") == at(NY, "2026-05-08 15:00")


def test_business_day_keeps_the_wall_clock_in_a_lunch_break() -> None:
    """The contract says the same wall-clock time; only past closing is it moved."""
    lunch = calendar(NY, {0: ((540, 1020),), 1: ((540, 720), (780, 1020))})
    assert due(lunch, days(1), "2026-05-04 12:30") == at(NY, "2026-05-05 12:30")


def test_business_day_of_a_night_shift() -> None:
    """2:00 on Saturday belongs to Friday's night; a business day later is 2:00 after Monday's evening."""
    nights = calendar(NY, dict.fromkeys(range(5), ((1320, 1800),)))
    assert due(nights, days(1), "2026-05-09 02:00") == at(NY, "2026-05-12 02:00")
    assert due(nights, SAME_DAY, "2026-05-09 02:00") == at(NY, "2026-05-09 06:00")


def test_several_business_days() -> None:
    assert due(calendar(NY, OFFICE), days(5), "2026-05-04 10:00") == at(NY, "2026-05-11 10:00")


def test_business_day_at_a_time_that_the_clock_change_skips() -> None:
    always = calendar(NY, dict.fromkeys(range(7), ((0, 1440),)))
    assert due(always, days(1), "2026-03-07 02:30") == at(NY, "2026-03-08 03:30")


def test_same_day_in_a_break_is_still_that_day() -> None:
    lunch = calendar(NY, dict.fromkeys(range(7), ((540, 720), (780, 1020))))
    assert due(lunch, SAME_DAY, "2026-05-04 12:30") == at(NY, "2026-05-04 17:00")
    assert due(lunch, SAME_DAY, "2026-05-04 17:00") == at(NY, "2026-05-05 17:00")


def test_extra_opening_wins_over_a_closure_and_counts_as_a_business_day() -> None:
    saturday = date(2026, 5, 9)
    subject = calendar(NY, OFFICE, {saturday: "stocktaking"}, {saturday: ((600, 720),)})
    assert due(subject, days(1), "2026-05-08 11:00") == at(NY, "2026-05-09 11:00")
    assert due(subject, Target(Unit.WORKING, 7200, ""), "2026-05-08 14:00") == at(NY, "2026-05-09 11:00")


def test_elapsed_proof_is_one_row() -> None:
    made = promise(library.load_policy("memsource"), received_at=datetime(2026, 3, 29, tzinfo=UTC))
    assert [(row[2], row[3]) for row in made.proof] == [(43200, "elapsed, day and night")]


def test_proof_names_what_is_skipped() -> None:
    received = datetime.fromisoformat("2026-11-25T13:30:00-08:00")
    made = promise(library.load_policy("mekorma"), received_at=received)
    skipped = (
        "Thanksgiving Day (2026-11-26), the Friday following Thanksgiving Day (2026-11-27), Saturday, Sunday"
    )
    assert [(row[2], row[3]) for row in made.proof] == [
        (12600, "open, Wednesday"),
        (0, f"closed: {skipped}"),
        (9000, "open, Monday"),
    ]
    assert all(before[1] == after[0] for before, after in pairwise(made.proof))


def test_proof_of_a_business_day_names_what_is_skipped() -> None:
    received = datetime.fromisoformat("2026-12-24T19:00:00-06:00")
    made = promise(library.load_policy("standard-enterprise"), plan="standard", received_at=received)
    assert [row[3] for row in made.proof] == [
        "closed: Christmas Day (2026-12-25), Saturday, Sunday",
        "same time 1 business day later, Tuesday, 2026-12-29",
    ]


def test_pause_in_elapsed_time() -> None:
    received = datetime(2026, 5, 4, 8, tzinfo=UTC)
    pauses = [
        (received + timedelta(hours=5), received + timedelta(hours=6)),
        (received + timedelta(hours=1), received + timedelta(hours=3)),
        (received + timedelta(hours=2), received + timedelta(hours=4)),  # overlaps: counted once
    ]
    made = promise(library.load_policy("memsource"), received_at=received, paused=pauses)
    assert made.respond_by == received + timedelta(hours=12 + 4)
    assert [row[3] for row in made.proof].count("paused") == 3


def test_a_promise_counted_before_is_counted_anew_where_anything_differs() -> None:
    """Counts are kept; calendars are told apart by more than their name, instants not by their zone."""
    received = at(NY, "2026-05-04 16:00")
    hour = Target(Unit.WORKING, 7200, "2 working hours")
    pause = (at(NY, "2026-05-04 16:00"), at(NY, "2026-05-04 16:30"))
    changed = calendar(NY, OFFICE, closures={date(2026, 5, 5): "a move"})
    for _ in range(2):
        assert due(calendar(NY, OFFICE), hour, "2026-05-04 16:00") == at(NY, "2026-05-05 10:00")
        assert due(changed, hour, "2026-05-04 16:00") == at(NY, "2026-05-06 10:00")
        policy = policy_of(calendar(NY, OFFICE), hour, warn_before_s=600)
        made = promise(policy, received_at=received, paused=[pause])
        assert made.respond_by == at(NY, "2026-05-05 10:30")
        assert made.warn_at == made.respond_by - timedelta(minutes=10)
        there = promise(policy, received_at=received.astimezone(ZoneInfo("Asia/Tokyo")), paused=[pause])
        assert there == made
        assert there.received_at.utcoffset() == timedelta(hours=-4)
        assert promise(policy_of(calendar(NY, OFFICE), hour), received_at=received).warn_at is None


def test_pause_moves_a_business_day_by_its_open_time() -> None:
    policy = policy_of(calendar(NY, OFFICE), days(1))
    pause = (at(NY, "2026-05-04 16:00"), at(NY, "2026-05-05 09:30"))
    made = promise(policy, received_at=at(NY, "2026-05-04 10:00"), paused=[pause])
    assert made.respond_by == at(NY, "2026-05-05 11:30")


def test_unknown_names_are_told_with_those_that_exist() -> None:
    policy = library.load_policy("gotomyerp")
    now = datetime(2026, 5, 4, tzinfo=UTC)
    with pytest.raises(NotFound, match=r"no plan 'bronze'; it has starter, silver, gold, platinum"):
        promise(policy, plan="bronze", received_at=now)
    with pytest.raises(NotFound, match=r"no severity 'hot'; it has emergency, critical"):
        promise(policy, severity="hot", received_at=now)
    assert cell(policy, " Gold ", "CRITICAL") == ("gold", "critical")


def test_time_without_offset_is_refused() -> None:
    naive = datetime(2026, 5, 4)  # noqa: DTZ001
    with pytest.raises(Permanent, match="no offset"):
        promise(library.load_policy("mekorma"), received_at=naive)


@pytest.mark.parametrize("year", [1, 1900, 9801, 9999])
def test_years_out_of_reach_are_refused(year: int) -> None:
    with pytest.raises(Permanent, match="outside 1902 to 9800"):
        promise(library.load_policy("mekorma"), received_at=datetime(year, 6, 1, tzinfo=UTC))


def test_calendar_that_never_opens_again() -> None:
    once = calendar(NY, {}, openings={date(2026, 5, 4): ((540, 1020),)})
    target = Target(Unit.WORKING, 9 * 3600, "")
    with pytest.raises(Permanent, match="no opening within ten years after 2026-05-04"):
        promise(policy_of(once, target), received_at=at(NY, "2026-05-04 09:00"))
    with pytest.raises(Permanent, match="no opening within ten years"):
        promise(policy_of(once, days(1)), received_at=at(NY, "2026-05-04 09:00"))


def test_long_closure_does_not_end_the_count() -> None:
    """Other desks look ahead 72 hours or 25 days and then give a wrong deadline, or none."""
    closed = {date(2026, 1, 1) + timedelta(days=number): "renovation" for number in range(400)}
    subject = calendar(NY, OFFICE, closed)
    assert due(subject, Target(Unit.WORKING, 1800, ""), "2026-01-05 10:00") == at(NY, "2027-02-05 09:30")


def test_short_promise_is_warned_of_half_way() -> None:
    policy = library.load_policy("gotomyerp")
    made = promise(policy, severity="emergency", received_at=datetime(2026, 5, 4, tzinfo=UTC))
    assert made.warn_at == made.received_at + timedelta(minutes=15)


def test_warning_comes_when_somebody_is_there() -> None:
    """An hour of open time before 7:00 is 6:00, not yesterday's closing."""
    received = datetime.fromisoformat("2026-11-23T12:00:00-08:00")
    made = promise(library.load_policy("mekorma"), received_at=received)
    assert made.respond_by.isoformat() == "2026-11-24T07:00:00-08:00"
    assert made.warn_at is not None
    assert made.warn_at.isoformat() == "2026-11-24T06:00:00-08:00"


def test_plain_data() -> None:
    made = promise(library.load_policy("mekorma"), received_at=datetime(2026, 11, 23, 20, tzinfo=UTC))
    data = promise_data(made)
    assert data["respond_by"] == "2026-11-24T07:00:00-08:00"
    assert data["proof"] == [
        {"from": f"2026-11-{low}:00-08:00", "to": f"2026-11-{high}:00-08:00", "seconds": counted, "why": why}
        for low, high, counted, why in (
            ("23T12:00", "23T17:00", 18000, "open, Monday"),
            ("23T17:00", "24T06:00", 0, "closed: outside the hours"),
            ("24T06:00", "24T07:00", 3600, "open, Tuesday"),
        )
    ]
    assert TargetKind(str(data["kind"])) is TargetKind.FIRST


def test_subtracting_never_goes_before_the_start() -> None:
    subject = calendar(NY, OFFICE)
    start, end = at(NY, "2026-05-04 10:00"), at(NY, "2026-05-04 11:00")
    assert calendars.subtract_working(subject, end, 7200, start) == start
