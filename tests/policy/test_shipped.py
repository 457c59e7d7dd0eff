"""Every cell of the five shipped policies, by instants reckoned by hand, and the files against the texts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest

from mailbridge.errors import NotFound
from mailbridge.model.policy import TargetKind
from mailbridge.policy import library
from mailbridge.policy.calendars import windows_on
from mailbridge.policy.targets import calendar_of, has_target, promise, silence_due, update_due
from tests.needs import need_shared

FRIDAY = "2026-11-27T20:00:00-05:00"  # an hour before gotomyerp closes
NIGHT = "2026-12-25T23:45:00-06:00"
SATURDAY = "2026-11-28T10:00:00-05:00"

# policy, plan, severity, received, due, warning of a range
CELLS = [
    # gotomyerp, 7 to 21 Eastern on weekdays; Friday evening
    ("gotomyerp", "starter", "emergency", FRIDAY, "2026-11-27T20:30:00-05:00", ""),
    ("gotomyerp", "silver", "emergency", FRIDAY, "2026-11-27T20:30:00-05:00", ""),
    ("gotomyerp", "gold", "emergency", FRIDAY, "2026-11-27T20:30:00-05:00", ""),
    ("gotomyerp", "platinum", "emergency", FRIDAY, "2026-11-27T20:30:00-05:00", ""),
    ("gotomyerp", "starter", "critical", FRIDAY, "2026-11-27T21:00:00-05:00", ""),
    ("gotomyerp", "silver", "critical", FRIDAY, "2026-11-27T21:00:00-05:00", ""),
    ("gotomyerp", "gold", "critical", FRIDAY, "2026-11-27T21:00:00-05:00", ""),
    ("gotomyerp", "platinum", "critical", FRIDAY, "2026-11-27T20:30:00-05:00", ""),
    ("gotomyerp", "starter", "significant", FRIDAY, "2026-11-27T21:00:00-05:00", ""),
    ("gotomyerp", "silver", "significant", FRIDAY, "2026-11-30T10:00:00-05:00", ""),
    ("gotomyerp", "gold", "significant", FRIDAY, "2026-11-30T08:00:00-05:00", ""),
    ("gotomyerp", "platinum", "significant", FRIDAY, "2026-11-27T20:30:00-05:00", ""),
    ("gotomyerp", "starter", "minimal", FRIDAY, "2026-12-03T12:00:00-05:00", "2026-12-01T16:00:00-05:00"),
    ("gotomyerp", "silver", "minimal", FRIDAY, "2026-11-30T12:00:00-05:00", ""),
    ("gotomyerp", "gold", "minimal", FRIDAY, "2026-11-30T10:00:00-05:00", ""),
    ("gotomyerp", "platinum", "minimal", FRIDAY, "2026-11-27T21:00:00-05:00", ""),
    ("gotomyerp", "starter", "nominal", FRIDAY, "2026-12-07T08:00:00-05:00", "2026-12-03T12:00:00-05:00"),
    ("gotomyerp", "silver", "nominal", FRIDAY, "2026-11-30T20:00:00-05:00", ""),
    ("gotomyerp", "gold", "nominal", FRIDAY, "2026-11-30T20:00:00-05:00", ""),
    ("gotomyerp", "platinum", "nominal", FRIDAY, "2026-11-28T00:00:00-05:00", ""),
    # Saturday, closed
    ("gotomyerp", "silver", "emergency", SATURDAY, "2026-11-28T10:30:00-05:00", ""),
    ("gotomyerp", "starter", "critical", SATURDAY, "2026-11-30T21:00:00-05:00", ""),
    ("gotomyerp", "silver", "critical", SATURDAY, "2026-11-28T11:00:00-05:00", ""),
    ("gotomyerp", "platinum", "critical", SATURDAY, "2026-11-28T10:30:00-05:00", ""),
    ("gotomyerp", "starter", "significant", SATURDAY, "2026-11-30T21:00:00-05:00", ""),
    ("gotomyerp", "silver", "significant", SATURDAY, "2026-11-30T11:00:00-05:00", ""),
    ("gotomyerp", "gold", "significant", SATURDAY, "2026-11-30T09:00:00-05:00", ""),
    ("gotomyerp", "starter", "minimal", SATURDAY, "2026-12-03T13:00:00-05:00", "2026-12-01T17:00:00-05:00"),
    ("gotomyerp", "starter", "nominal", SATURDAY, "2026-12-07T09:00:00-05:00", "2026-12-03T13:00:00-05:00"),
    ("gotomyerp", "gold", "nominal", SATURDAY, "2026-12-01T07:00:00-05:00", ""),
    ("gotomyerp", "platinum", "nominal", SATURDAY, "2026-11-28T14:00:00-05:00", ""),
    # mekorma: an ordinary day, over Friday's earlier closing, exactly at closing, Thanksgiving, clock changes
    ("mekorma", None, None, "2026-11-24T06:30:00-08:00", "2026-11-24T12:30:00-08:00", ""),
    ("mekorma", None, None, "2026-11-20T13:00:00-08:00", "2026-11-23T09:00:00-08:00", ""),
    ("mekorma", None, None, "2026-11-20T10:00:00-08:00", "2026-11-20T16:00:00-08:00", ""),
    ("mekorma", None, None, "2026-11-20T16:00:00-08:00", "2026-11-23T12:00:00-08:00", ""),
    ("mekorma", None, None, "2026-11-25T13:30:00-08:00", "2026-11-30T08:30:00-08:00", ""),
    ("mekorma", None, None, "2026-11-26T10:00:00-08:00", "2026-11-30T12:00:00-08:00", ""),
    ("mekorma", None, None, "2026-12-31T16:00:45-08:00", "2027-01-04T11:00:45-08:00", ""),
    ("mekorma", None, None, "2026-03-06T15:00:00-08:00", "2026-03-09T11:00:00-07:00", ""),
    ("mekorma", None, None, "2026-10-30T15:00:00-07:00", "2026-11-02T11:00:00-08:00", ""),
    ("mekorma", None, None, "2026-02-13T15:00:00-08:00", "2026-02-17T11:00:00-08:00", ""),  # President's Day
    ("mekorma", None, None, "2026-07-02T15:00:00-07:00", "2026-07-03T10:00:00-07:00", ""),  # not observed
    # memsource: 12 hours, day and night, over both clock changes of its readers
    ("memsource", None, None, "2026-12-25T18:00:00+00:00", "2026-12-26T06:00:00+00:00", ""),
    ("memsource", "subscription", "minimal", "2026-03-28T20:00:00+01:00", "2026-03-29T09:00:00+02:00", ""),
    # standard-enterprise
    *[
        ("standard-enterprise", "standard", severity, received, due, "")
        for severity in ("high", "medium", "low")
        for received, due in (
            ("2026-11-23T10:15:00-06:00", "2026-11-24T10:15:00-06:00"),
            ("2026-11-23T19:00:00-06:00", "2026-11-25T08:00:00-06:00"),
            ("2026-11-25T16:30:00-06:00", "2026-11-27T16:30:00-06:00"),  # Thanksgiving between
            ("2026-12-24T09:00:00-06:00", "2026-12-28T09:00:00-06:00"),
            ("2026-03-06T09:00:00-06:00", "2026-03-09T09:00:00-05:00"),  # the wall clock is kept
        )
    ],
    *[
        ("standard-enterprise", "enterprise", severity, NIGHT, "2026-12-26T00:15:00-06:00", "")
        for severity in ("high", "medium", "low")
    ],
    # tekstack, 9 to 18 Eastern on weekdays
    ("tekstack", None, "critical", "2026-11-23T10:00:00-05:00", "2026-11-23T11:00:00-05:00", ""),
    ("tekstack", None, "critical", "2026-11-27T17:30:00-05:00", "2026-11-30T09:30:00-05:00", ""),
    ("tekstack", None, "normal", "2026-11-27T16:00:00-05:00", "2026-11-30T11:00:00-05:00", ""),
    ("tekstack", None, "low", "2026-11-27T16:00:00-05:00", "2026-11-30T16:00:00-05:00", ""),
    ("tekstack", None, "low", "2026-11-27T18:00:00-05:00", "2026-12-01T09:00:00-05:00", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "plan", "severity", "received", "due", "warned"), CELLS)
def test_cell(
    name: str, plan: str | None, severity: str | None, received: str, due: str, warned: str
) -> None:
    policy = library.load_policy(name)
    made = promise(policy, plan=plan, severity=severity, received_at=datetime.fromisoformat(received))
    assert made.respond_by == datetime.fromisoformat(due)
    if warned:
        assert made.warn_at == datetime.fromisoformat(warned)
    assert made.warn_at is not None
    assert made.received_at <= made.opens_at <= made.warn_at < made.respond_by


# The very opening and closing, a second before and after, holidays kept or not, clock changes, the leap day.
# Worked out from the texts by hand, apart from the files.
BOUNDARIES = [
    ("mekorma", None, None, "2026-11-16T06:00:00-08:00", "2026-11-16T12:00:00-08:00"),
    ("mekorma", None, None, "2026-11-16T17:00:00-08:00", "2026-11-17T12:00:00-08:00"),
    ("mekorma", None, None, "2026-11-16T16:59:59-08:00", "2026-11-17T11:59:59-08:00"),
    ("mekorma", None, None, "2026-11-16T11:00:00-08:00", "2026-11-16T17:00:00-08:00"),
    ("mekorma", None, None, "2026-11-20T10:00:00-08:00", "2026-11-20T16:00:00-08:00"),
    ("mekorma", None, None, "2026-11-20T10:00:01-08:00", "2026-11-23T06:00:01-08:00"),
    ("mekorma", None, None, "2026-11-20T16:00:00-08:00", "2026-11-23T12:00:00-08:00"),
    ("mekorma", None, None, "2026-11-25T17:00:00-08:00", "2026-11-30T12:00:00-08:00"),
    ("mekorma", None, None, "2026-07-02T16:00:00-07:00", "2026-07-03T11:00:00-07:00"),
    ("mekorma", None, None, "2027-07-04T10:00:00-07:00", "2027-07-05T12:00:00-07:00"),
    ("mekorma", None, None, "2026-12-24T16:00:00-08:00", "2026-12-28T11:00:00-08:00"),
    ("mekorma", None, None, "2028-02-29T12:00:00-08:00", "2028-03-01T07:00:00-08:00"),
    ("mekorma", None, None, "2026-03-06T15:00:00-08:00", "2026-03-09T11:00:00-07:00"),
    ("mekorma", None, None, "2026-02-13T15:30:00-08:00", "2026-02-17T11:30:00-08:00"),
    ("mekorma", None, None, "2026-12-31T16:00:00-08:00", "2027-01-04T11:00:00-08:00"),
    ("mekorma", None, None, "2026-06-19T09:00:00-07:00", "2026-06-19T15:00:00-07:00"),
    ("mekorma", None, None, "2026-10-12T09:00:00-07:00", "2026-10-12T15:00:00-07:00"),
    ("mekorma", None, None, "2026-11-11T09:00:00-08:00", "2026-11-11T15:00:00-08:00"),
    ("gotomyerp", "silver", "minimal", "2026-11-20T17:00:00-05:00", "2026-11-23T09:00:00-05:00"),
    ("gotomyerp", "silver", "nominal", "2026-11-21T17:00:00-05:00", "2026-11-24T07:00:00-05:00"),
    ("gotomyerp", "silver", "nominal", "2026-11-20T21:00:00-05:00", "2026-11-24T07:00:00-05:00"),
    ("gotomyerp", "gold", "critical", "2026-11-21T23:00:00-05:00", "2026-11-22T00:00:00-05:00"),
    ("gotomyerp", "platinum", "nominal", "2026-11-01T00:30:00-04:00", "2026-11-01T03:30:00-05:00"),
    ("gotomyerp", "starter", "critical", "2026-11-21T23:00:00-05:00", "2026-11-23T21:00:00-05:00"),
    ("gotomyerp", "starter", "critical", "2026-11-23T21:00:00-05:00", "2026-11-24T21:00:00-05:00"),
    ("gotomyerp", "starter", "minimal", "2026-11-16T07:00:00-05:00", "2026-11-19T13:00:00-05:00"),
    ("gotomyerp", "starter", "nominal", "2026-11-16T07:00:00-05:00", "2026-11-23T09:00:00-05:00"),
    ("gotomyerp", "starter", "emergency", "2026-11-22T03:00:00-05:00", "2026-11-22T03:30:00-05:00"),
    ("standard-enterprise", "standard", "low", "2026-11-20T16:30:00-06:00", "2026-11-23T16:30:00-06:00"),
    ("standard-enterprise", "standard", "high", "2026-11-20T17:00:00-06:00", "2026-11-24T08:00:00-06:00"),
    ("standard-enterprise", "enterprise", "low", "2026-12-25T03:00:00-06:00", "2026-12-25T03:30:00-06:00"),
    ("standard-enterprise", "standard", "low", "2026-12-24T16:59:59-06:00", "2026-12-28T16:59:59-06:00"),
    ("tekstack", None, "critical", "2026-11-20T17:59:59-05:00", "2026-11-23T09:59:59-05:00"),
    ("tekstack", None, "critical", "2026-11-20T18:00:00-05:00", "2026-11-23T10:00:00-05:00"),
    ("tekstack", None, "low", "2026-11-20T18:00:00-05:00", "2026-11-24T09:00:00-05:00"),
    ("tekstack", None, "normal", "2026-11-20T14:00:00-05:00", "2026-11-20T18:00:00-05:00"),
    ("memsource", None, None, "2026-03-29T00:00:00+00:00", "2026-03-29T12:00:00+00:00"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "plan", "severity", "received", "due"), BOUNDARIES)
def test_boundary(name: str, plan: str | None, severity: str | None, received: str, due: str) -> None:
    made = promise(
        library.load_policy(name),
        plan=plan,
        severity=severity,
        received_at=datetime.fromisoformat(received),
    )
    assert made.respond_by.isoformat() == due


def test_every_cell_is_here() -> None:
    """The table above leaves out no plan and severity of any policy."""
    shown = set()
    for name, plan, severity, *_ in CELLS:
        policy = library.load_policy(name)
        shown.add((name, plan or policy.default_plan, severity or policy.mail_severity))
    for name in library.shipped():
        policy = library.load_policy(name)
        assert {(name, *at[:2]) for at in policy.targets} <= shown


def test_times_carry_their_own_offset() -> None:
    """Two datetimes of one ZoneInfo are subtracted by their wall clocks; ours must not be."""
    made = promise(
        library.load_policy("mekorma"), received_at=datetime.fromisoformat("2026-03-06T15:00:00-08:00")
    )
    assert made.respond_by.isoformat() == "2026-03-09T11:00:00-07:00"
    assert made.respond_by - made.received_at == timedelta(hours=67)


def test_plans_and_severities() -> None:
    """The names of the contract."""
    named = {
        name: ([plan.name for plan in policy.plans], [severity.name for severity in policy.severities])
        for name in library.shipped()
        for policy in [library.load_policy(name)]
    }
    assert named == {
        "mekorma": (["subscription"], ["minimal"]),
        "memsource": (["subscription"], ["minimal"]),
        "gotomyerp": (
            ["starter", "silver", "gold", "platinum"],
            ["emergency", "critical", "significant", "minimal", "nominal"],
        ),
        "standard-enterprise": (["standard", "enterprise"], ["high", "medium", "low"]),
        "tekstack": (["subscription"], ["critical", "normal", "low"]),
    }
    mailed = {name: library.load_policy(name).mail_severity for name in library.shipped()}
    assert mailed == {
        "mekorma": "minimal", "memsource": "minimal", "gotomyerp": "minimal", "standard-enterprise": "low",
        "tekstack": "normal",
    }  # fmt: skip
    assert library.load_policy("gotomyerp").default_plan == "starter"
    assert library.load_policy("standard-enterprise").default_plan == "standard"


def test_calendars_of_cells() -> None:
    """Severity 1 is 24x7 on every plan but starter's same day; platinum is 24x7 for all."""
    policy = library.load_policy("gotomyerp")
    always = {
        (plan.name, severity.name)
        for plan in policy.plans
        for severity in policy.severities
        if calendar_of(policy, plan.name, severity.name).always
    }
    emergencies = {(plan.name, "emergency") for plan in policy.plans}
    platinum = {("platinum", severity.name) for severity in policy.severities}
    assert always == emergencies | platinum | {("silver", "critical"), ("gold", "critical")}


def test_mekorma_answers_a_further_message_as_it_does_a_first() -> None:
    policy = library.load_policy("mekorma")
    received = datetime.fromisoformat("2026-11-25T13:30:00-08:00")
    made = promise(policy, kind=TargetKind.NEXT, received_at=received)
    assert made.respond_by == datetime.fromisoformat("2026-11-30T08:30:00-08:00")


@pytest.mark.parametrize("name", ["memsource", "gotomyerp", "standard-enterprise", "tekstack"])
def test_no_promise_of_a_further_answer_where_the_text_has_none(name: str) -> None:
    policy = library.load_policy(name)
    with pytest.raises(NotFound, match=r"promises no next answer.*it promises first"):
        promise(policy, kind=TargetKind.NEXT, received_at=datetime(2026, 11, 23, tzinfo=UTC))


def test_mekorma_holidays() -> None:
    """Exactly the days of the agreement in 2026; 4 July is a Saturday and not observed on the Friday."""
    calendar = library.load_policy("mekorma").calendars["support"]
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    closed = [day.isoformat()[5:] for day in days if day.weekday() < 5 and not windows_on(calendar, day)]
    assert closed == ["01-01", "01-19", "02-16", "05-25", "09-07", "11-26", "11-27", "12-25"]


def test_mekorma_closes_after_48_hours_of_silence() -> None:
    policy = library.load_policy("mekorma")
    staff = datetime.fromisoformat("2026-03-06T15:00:00-08:00")  # elapsed time, over the clock change
    assert silence_due(policy, staff) == (staff + timedelta(hours=24), staff + timedelta(hours=48))


@pytest.mark.parametrize("name", ["memsource", "gotomyerp", "standard-enterprise", "tekstack"])
def test_no_auto_close_where_the_text_has_none(name: str) -> None:
    policy = library.load_policy(name)
    assert policy.auto_close is None
    with pytest.raises(NotFound, match="closes no case"):
        silence_due(policy, datetime(2026, 11, 23, tzinfo=UTC))


def test_tekstack_status_updates() -> None:
    policy = library.load_policy("tekstack")
    friday = datetime.fromisoformat("2026-11-27T10:20:00-05:00")
    assert update_due(policy, "subscription", "critical", friday) == datetime.fromisoformat(
        "2026-11-30T10:20:00-05:00"
    )
    assert update_due(policy, "subscription", "normal", friday) == datetime.fromisoformat(
        "2026-12-04T10:20:00-05:00"
    )
    assert update_due(policy, "subscription", "low", friday) is None
    assert not has_target(policy, "subscription", "low", TargetKind.UPDATE)
    assert policy.acknowledgement_counts
    assert policy.resolution["subscription", "critical"] == "A patch released as soon as possible"


def test_only_tekstack_counts_the_acknowledgement() -> None:
    counting = [name for name in library.shipped() if library.load_policy(name).acknowledgement_counts]
    assert counting == ["tekstack"]


def test_escalation_levels() -> None:
    titles = {name: [level.title for level in library.load_policy(name).levels] for name in library.shipped()}
    assert titles["mekorma"] == ["Support leadership"]
    assert titles["standard-enterprise"] == [
        "Support team lead",
        "Department manager",
        "Executive management",
    ]
    assert all(titles.values())


def test_resolved_words_only_where_the_text_asks_for_them() -> None:
    told = [name for name in library.shipped() if library.load_policy(name).resolved_words]
    assert told == ["gotomyerp"]
    assert "resolved" in library.load_policy("gotomyerp").resolved_words


def _plain(text: str) -> str:
    """Letters, digits and signs alone, as the texts break lines and dash as they like."""
    text = text.translate({0x2013: "-", 0x2019: "'", 0x201C: "'", 0x201D: "'"}).replace("\u2011", "-")
    return re.sub(r"[\s'\"•-]+", "", text).casefold()


@pytest.mark.parametrize("name", library.shipped())
def test_quotations_stand_in_the_text(name: str) -> None:
    """What a file quotes as a promise, the policy's text really says."""
    source = _plain(need_shared("policies", f"{name}.txt").read_text(encoding="utf-8"))
    comments = [
        line[1:].strip() if line.startswith("#") else "|" for line in library.shipped_text(name).split("\n")
    ]
    quoted = [found for found in re.findall(r'"([^"|]*)"', " ".join(comments)) if len(found) > 3]
    assert len(quoted) > 5
    for quotation in quoted:
        for part in quotation.split("[...]"):
            assert _plain(part.strip(" ;,.")) in source, part
