"""Random calendars against the counter that walks through time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailbridge.model.policy import Calendar, Plan, Policy, Severity, Target, TargetKind, Unit
from mailbridge.policy import calendars
from mailbridge.policy.targets import promise
from tests.policy.make import Hours, Walker, calendar

ZONES = (
    "Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Pacific/Auckland", "UTC", "Pacific/Chatham",
)  # fmt: skip
# Clock changes of the zones above, and days far from any; a leap day too.
ANCHORS = (
    date(2026, 3, 8), date(2026, 3, 29), date(2026, 11, 1), date(2026, 10, 25), date(2018, 11, 4),
    date(2018, 2, 18),
    date(2026, 4, 5), date(2026, 10, 4), date(2028, 2, 29), date(2026, 12, 31), date(2026, 7, 1),
)  # fmt: skip
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    """Hours of a day whose edges keep clear of 0:00 to 4:00, in which clocks change."""
    shape = draw(st.sampled_from(("none", "one", "two", "night", "all")))
    if shape == "none":
        return ()
    if shape == "all":
        return ((0, 1440),)
    edges = sorted(draw(st.lists(st.integers(240, 1380), min_size=4, max_size=4, unique=True)))
    if shape == "one":
        return ((edges[0], edges[3]),)
    if shape == "two":
        return (edges[0], edges[1]), (edges[2], edges[3])
    return ((edges[3], 1440 + draw(st.integers(240, 241))),)


@st.composite
def subjects(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """A calendar that opens within the week, and an instant near something odd."""
    anchor = draw(st.sampled_from(ANCHORS))
    weekly = {day: draw(hours()) for day in range(7)}
    weekly[draw(st.integers(0, 6))] = ((540, 1020),)
    near = st.integers(-3, 4).map(lambda days: anchor + timedelta(days=days))
    closures = draw(st.dictionaries(near, st.just("closed"), max_size=3))
    openings = draw(st.dictionaries(near, hours(), max_size=2))
    subject = calendar(draw(st.sampled_from(ZONES)), weekly, closures, openings)
    half_minutes = draw(st.integers(-3 * 2880, 3 * 2880))
    start = datetime(anchor.year, anchor.month, anchor.day, tzinfo=UTC) + timedelta(seconds=30 * half_minutes)
    return subject, start


def policy_of(subject: Calendar, target: Target, warn_before_s: int | None = None) -> Policy:
    return Policy(
        name="test",
        version="0",
        title="test",
        language="en",
        calendars={"test": subject},
        calendar="test",
        severities=(Severity("low", "Low"),),
        plans=(Plan("basic", "Basic"),),
        default_plan="basic",
        default_severity="low",
        mail_severity="low",
        targets={("basic", "low", TargetKind.FIRST): target},
        warn_before_s=warn_before_s,
    )


@FEW
@given(subjects(), st.integers(1, 1200))
def test_working_time(case: tuple[Calendar, datetime], half_minutes: int) -> None:
    subject, start = case
    made = promise(policy_of(subject, Target(Unit.WORKING, half_minutes * 30, "")), received_at=start)
    assert made.respond_by == Walker(subject, 30).add(start, half_minutes * 30)
    assert sum(row[2] for row in made.proof) == half_minutes * 30
    assert made.proof[0][0] == start
    assert made.proof[-1][1] == made.respond_by
    assert all(before[1] == after[0] for before, after in zip(made.proof, made.proof[1:], strict=False))


@FEW
@given(subjects(), st.integers(0, 5 * 2880))
def test_open_time_between(case: tuple[Calendar, datetime], half_minutes: int) -> None:
    subject, start = case
    end = start + timedelta(seconds=30 * half_minutes)
    assert calendars.working_seconds(subject, start, end) == Walker(subject, 30).count(start, end)


@FEW
@given(subjects())
def test_opening(case: tuple[Calendar, datetime]) -> None:
    subject, start = case
    walker = Walker(subject, 30)
    assert calendars.next_opening(subject, start) == walker.arrival(start)[0]
    assert calendars.is_open(subject, start) == (walker.business_day(start) is not None)


@FEW
@given(subjects())
def test_same_day(case: tuple[Calendar, datetime]) -> None:
    subject, start = case
    made = promise(policy_of(subject, Target(Unit.SAME_DAY, 0, "")), received_at=start)
    assert made.respond_by == Walker(subject, 30).same_day(start)


@FEW
@given(subjects())
def test_next_business_day(case: tuple[Calendar, datetime]) -> None:
    subject, start = case
    made = promise(policy_of(subject, Target(Unit.BUSINESS_DAY, 1, "")), received_at=start)
    assert made.respond_by == Walker(subject, 30).next_business_day(start)


@FEW
@given(subjects(), st.integers(1, 900), st.integers(1, 600))
def test_warning_leaves_what_it_says(case: tuple[Calendar, datetime], minutes: int, notice: int) -> None:
    """Between warning and deadline lies the notice, at most half the promise, and somebody is there."""
    subject, start = case
    target = Target(Unit.WORKING, minutes * 60, "")
    made = promise(policy_of(subject, target, warn_before_s=notice * 60), received_at=start)
    assert made.warn_at is not None
    assert made.opens_at <= made.warn_at < made.respond_by
    left = calendars.worked(subject, made.warn_at, made.respond_by).total_seconds()
    assert left == min(notice * 60, minutes * 30)
    assert calendars.is_open(subject, made.warn_at)


@FEW
@given(subjects(), st.integers(1, 600), st.integers(0, 2880), st.integers(1, 2880))
def test_pause_moves_the_deadline_by_the_open_time_in_it(
    case: tuple[Calendar, datetime], minutes: int, after: int, length: int
) -> None:
    subject, start = case
    target = Target(Unit.WORKING, minutes * 60, "")
    pause = (start + timedelta(minutes=after), start + timedelta(minutes=after + length))
    made = promise(policy_of(subject, target), received_at=start, paused=[pause])
    counted = calendars.working_seconds(subject, start, made.respond_by)
    if pause[0] < made.respond_by:
        counted -= calendars.working_seconds(subject, pause[0], min(pause[1], made.respond_by))
    assert counted == minutes * 60
    assert sum(row[2] for row in made.proof) == minutes * 60


@FEW
@given(subjects(), st.integers(0, 999_999), st.integers(1, 36000))
def test_microseconds_are_kept(case: tuple[Calendar, datetime], micro: int, seconds: int) -> None:
    """A count from a moment mid-second ends mid-second, and the proof still sums to the promise."""
    subject, start = case
    start += timedelta(microseconds=micro)
    made = promise(policy_of(subject, Target(Unit.WORKING, seconds, "")), received_at=start)
    assert calendars.worked(subject, start, made.respond_by) == timedelta(seconds=seconds)
    assert sum(row[2] for row in made.proof) == seconds
