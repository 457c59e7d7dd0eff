"""`deadline`, against a calculator of the tests' own: every cell of every policy at awkward moments."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.blackbox.calculator import FIRST, MEKORMA, TEKSTACK, WARNED, days, working
from tests.blackbox.judge import INSTANT, command

ZONES = {
    "mekorma": "America/Los_Angeles",
    "memsource": "UTC",
    "gotomyerp": "America/New_York",
    "standard-enterprise": "America/Chicago",
    "tekstack": "America/New_York",
}
# local moments: openings and closings of all calendars to the second, weekends, holidays, clock changes, leap
# day, turns of the year
AWKWARD = """
2026-11-23T05:59:59 2026-11-23T06:00:00 2026-11-23T07:00:00 2026-11-23T08:00:00 2026-11-23T09:00:00
2026-11-23T12:34:56 2026-11-23T11:00:00 2026-11-23T11:00:01 2026-11-23T16:59:59 2026-11-23T17:00:00
2026-11-23T18:00:00 2026-11-23T21:00:00 2026-11-20T10:00:00 2026-11-20T15:59:59 2026-11-20T16:00:00
2026-11-20T17:30:00 2026-11-20T20:59:59 2026-11-20T23:59:59 2026-11-21T00:00:00 2026-11-22T23:59:59
2026-11-25T16:30:00 2026-11-26T09:00:00 2026-11-27T09:00:00 2026-12-24T15:00:00 2026-12-25T08:00:00
2026-12-31T16:00:00 2027-01-01T00:00:00 2026-01-16T12:00:00 2026-02-13T15:30:00 2026-05-22T15:59:00
2026-07-02T16:00:00 2026-07-03T12:00:00 2026-09-04T15:00:00 2026-06-18T16:00:00 2026-10-09T16:45:00
2026-11-10T13:00:00 2026-03-07T23:30:00 2026-03-08T01:59:59 2026-03-08T03:00:00 2026-03-06T15:30:00
2026-10-31T23:30:00 2026-11-01T00:59:59 2026-10-30T15:30:00 2028-02-28T16:30:00 2028-02-29T16:30:00
2027-02-28T16:30:00 2027-12-31T12:00:00 2028-12-29T15:45:00
"""
SEED = 20261123


def moments(zone: str) -> list[datetime]:
    """The awkward ones on that zone's clock, and some by chance."""
    chance = random.Random(SEED)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    seconds = [chance.randrange(3 * 365 * 86400) for _ in range(5)]
    local = [datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)) for text in AWKWARD.split()]
    return local + [start + timedelta(seconds=count) for count in seconds]


def ask(policy: str, received: datetime | str, *more: str) -> dict[str, Any]:
    text = received if isinstance(received, str) else received.isoformat()
    found = command("deadline", "--json", "--policy", policy, "--received", text, *more).json()
    assert isinstance(found, dict)
    return found


def instant(text: str) -> datetime:
    assert INSTANT.fullmatch(text), text
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("cell", FIRST, ids="-".join)
def test_every_cell_at_awkward_moments(cell: tuple[str, str, str]) -> None:
    policy, plan, severity = cell
    hours, rule = FIRST[cell]
    for received in moments(ZONES[policy]):
        answer = ask(policy, received, "--plan", plan, "--severity", severity)
        arrived = received.astimezone(UTC)
        assert instant(answer["respond_by"]) == rule(arrived), (received, answer)
        assert instant(answer["opens_at"]) == (hours.opens(arrived) if hours else arrived), (received, answer)
        warned = instant(answer["warn_at"])
        if cell in WARNED:
            assert warned == WARNED[cell](arrived), (received, answer)
        else:
            assert instant(answer["opens_at"]) <= warned < instant(answer["respond_by"]), (received, answer)
            assert hours is None or hours.opens(warned) == warned, (received, answer)


@pytest.mark.parametrize(
    ("policy", "plan", "severity"),
    [
        ("mekorma", "subscription", "minimal"),
        ("memsource", "subscription", "minimal"),
        ("gotomyerp", "starter", "minimal"),
        ("tekstack", "subscription", ""),
        ("standard-enterprise", "standard", ""),
    ],
)
def test_nothing_named_is_the_severity_of_mail(policy: str, plan: str, severity: str) -> None:
    answer = ask(policy, "2026-11-23T12:00:00Z")
    assert answer["plan"] == plan
    assert severity in ("", answer["severity"])
    assert (policy, plan, answer["severity"]) in FIRST


@pytest.mark.parametrize("plan", ["starter", "silver", "gold", "platinum"])
def test_mail_to_gotomyerp_has_the_time_of_its_own_plan(plan: str) -> None:
    received = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    answer = ask("gotomyerp", received, "--plan", plan)
    assert answer["severity"] == "minimal"
    assert instant(answer["respond_by"]) == FIRST["gotomyerp", plan, "minimal"][1](received)


def test_mekorma_answers_a_further_message_within_the_same_time() -> None:
    for received in moments("America/Los_Angeles"):
        answer = ask("mekorma", received, "--kind", "next")
        assert instant(answer["respond_by"]) == working(MEKORMA, 6)(received.astimezone(UTC)), received


@pytest.mark.parametrize(("severity", "count"), [("critical", 1), ("normal", 5)])
def test_tekstack_tells_the_state_daily_or_weekly(severity: str, count: int) -> None:
    for received in moments("America/New_York"):
        answer = ask("tekstack", received, "--kind", "update", "--severity", severity)
        assert instant(answer["respond_by"]) == days(TEKSTACK, count)(received.astimezone(UTC)), received


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-11-23T11:00:00-08:00", "2026-11-23T17:00:00-08:00"),  # ends at closing: due then
        ("2026-11-23T11:00:01-08:00", "2026-11-24T06:00:01-08:00"),
        ("2026-11-20T10:00:00-08:00", "2026-11-20T16:00:00-08:00"),  # Friday closes at four
        ("2026-11-20T15:00:00-08:00", "2026-11-23T11:00:00-08:00"),
        ("2026-11-25T16:59:00-08:00", "2026-11-30T11:59:00-08:00"),  # two holidays and a weekend
        ("2026-11-26T10:00:00-08:00", "2026-11-30T12:00:00-08:00"),
        ("2026-12-24T12:00:00-08:00", "2026-12-28T07:00:00-08:00"),
        ("2026-12-31T16:00:00-08:00", "2027-01-04T11:00:00-08:00"),
        ("2026-03-06T15:00:00-08:00", "2026-03-09T11:00:00-07:00"),  # over the change of clocks
        ("2026-10-30T15:00:00-07:00", "2026-11-02T11:00:00-08:00"),
        ("2028-02-28T16:00:00-08:00", "2028-02-29T11:00:00-08:00"),
        ("2026-11-23T19:00:00Z", "2026-11-23T17:00:00-08:00"),
        ("2026-11-24T03:00:00+09:00", "2026-11-23T16:00:00-08:00"),
        ("2026-07-02T16:00:00-07:00", "2026-07-03T11:00:00-07:00"),  # no observed day is named
    ],
)
def test_mekorma_by_hand(received: str, due: str) -> None:
    assert ask("mekorma", received)["respond_by"] == due


POLICY = """[policy]
name = own
title = Own
calendar = {calendar}
[calendar berlin]
zone = Europe/Berlin
monday-friday = 09:00-17:00
[calendar lunch]
zone = Europe/Berlin
monday-friday = 09:00-12:00, 13:30-17:00
[calendar christmas]
zone = Europe/Berlin
monday-friday = 09:00-17:00
closed =
    2026-12-24 Eve
    2026-12-25 Day
[calendar round]
zone = Europe/Berlin
monday-friday = 00:00-24:00
[calendar nights]
zone = America/New_York
monday-friday = 22:00-06:00
[calendar everynight]
zone = America/New_York
daily = 22:00-06:00
[calendar kathmandu]
zone = Asia/Kathmandu
daily = 09:00-17:00
[calendar lordhowe]
zone = Australia/Lord_Howe
hours = always
[calendar saopaulo]
zone = America/Sao_Paulo
hours = always
[calendar berlinalways]
zone = Europe/Berlin
hours = always
[calendar shortfriday]
zone = America/New_York
monday-thursday = 08:00-18:00
friday = 08:00-12:00
[calendar extra]
zone = America/New_York
monday-friday = 09:00-17:00
closed = 2026-12-01 moving
open = 2026-11-28 10:00-12:00 a Saturday
[plan all]
title = All
[severity one]
title = One
[target all one]
first = {first}
"""


@pytest.mark.parametrize(
    ("calendar", "received", "first", "due"),
    [
        ("berlin", "2026-03-27T16:00:00+01:00", "8 working hours", "2026-03-30T16:00:00+02:00"),
        ("berlinalways", "2026-03-28T23:00:00+01:00", "4 hours", "2026-03-29T04:00:00+02:00"),
        ("berlinalways", "2026-10-24T23:00:00+02:00", "4 hours", "2026-10-25T02:00:00+01:00"),
        ("berlinalways", "2026-10-24T23:00:00+02:00", "4 working hours", "2026-10-25T02:00:00+01:00"),
        ("nights", "2026-03-06T23:00:00-05:00", "8 working hours", "2026-03-09T23:00:00-04:00"),
        ("lunch", "2026-05-04T11:45:30+02:00", "60 working minutes", "2026-05-04T14:15:30+02:00"),
        ("lunch", "2026-05-04T11:30:00+02:00", "30 working minutes", "2026-05-04T12:00:00+02:00"),
        ("lunch", "2026-05-04T12:30:00+02:00", "30 working minutes", "2026-05-04T14:00:00+02:00"),
        ("lunch", "2026-05-04T11:45:00+02:00", "same day", "2026-05-04T17:00:00+02:00"),
        ("christmas", "2026-12-23T16:30:00+01:00", "60 working minutes", "2026-12-28T09:30:00+01:00"),
        ("berlin", "2026-05-08T17:00:00+02:00", "60 working minutes", "2026-05-11T10:00:00+02:00"),
        ("saopaulo", "2018-11-03T23:00:00-03:00", "2 hours", "2018-11-04T02:00:00-02:00"),
        ("kathmandu", "2026-05-04T03:20:00Z", "30 working minutes", "2026-05-04T09:35:00+05:45"),
        ("round", "2026-05-08T23:30:00+02:00", "60 working minutes", "2026-05-11T00:30:00+02:00"),
        ("lordhowe", "2026-04-05T01:00:00+11:00", "2 hours", "2026-04-05T02:30:00+10:30"),
        ("everynight", "2026-03-07T23:00:00-05:00", "8 working hours", "2026-03-09T00:00:00-04:00"),
        ("everynight", "2026-10-31T23:00:00-04:00", "8 working hours", "2026-11-01T06:00:00-05:00"),
        ("everynight", "2026-05-04T03:00:00-04:00", "4 working hours", "2026-05-04T23:00:00-04:00"),
        ("nights", "2026-05-09T03:00:00-04:00", "4 working hours", "2026-05-11T23:00:00-04:00"),
        ("nights", "2026-05-09T06:00:00-04:00", "1 working hour", "2026-05-11T23:00:00-04:00"),
        ("shortfriday", "2026-05-07T16:30:00-04:00", "1 business day", "2026-05-08T12:00:00-04:00"),
        ("shortfriday", "2026-05-08T11:00:00-04:00", "1 business day", "2026-05-11T11:00:00-04:00"),
        ("shortfriday", "2026-05-08T13:00:00-04:00", "1 business day", "2026-05-12T08:00:00-04:00"),
        ("shortfriday", "2026-05-08T11:00:00-04:00", "same day", "2026-05-08T12:00:00-04:00"),
        ("shortfriday", "2026-05-08T12:00:00-04:00", "same day", "2026-05-11T18:00:00-04:00"),
        ("extra", "2026-11-27T16:30:00-05:00", "1 working hour", "2026-11-28T10:30:00-05:00"),
        ("extra", "2026-11-30T16:30:00-05:00", "1 working hour", "2026-12-02T09:30:00-05:00"),
        ("extra", "2026-11-30T16:30:00-05:00", "1 business day", "2026-12-02T16:30:00-05:00"),
        ("extra", "2026-12-01T12:00:00-05:00", "same day", "2026-12-02T17:00:00-05:00"),
        ("berlin", "2026-05-08T16:00:00+02:00", "24-48 hours", "2026-05-10T16:00:00+02:00"),
        ("berlin", "2026-05-08T18:00:00+02:00", "12 hours", "2026-05-09T06:00:00+02:00"),
        ("berlin", "2026-05-08T23:59:59+02:00", "30 minutes", "2026-05-09T00:29:59+02:00"),
    ],
)  # fmt: skip
def test_calendars_of_ones_own(tmp_path: Path, calendar: str, received: str, first: str, due: str) -> None:
    path = tmp_path / "own.ini"
    path.write_text(POLICY.format(calendar=calendar, first=first))
    answer = ask(str(path), received)
    assert (answer["respond_by"], answer["calendar"], answer["rule"]) == (due, calendar, first)


def test_the_document_has_its_five_keys_and_no_time_without_offset() -> None:
    answer = ask("gotomyerp", "2026-11-23T12:00:00Z")
    assert {"respond_by", "warn_at", "opens_at", "calendar", "rule"} <= set(answer)
    for key in ("respond_by", "warn_at", "opens_at"):
        assert INSTANT.fullmatch(answer[key])


def test_without_json_it_tells_a_person() -> None:
    said = command("deadline", "--policy", "mekorma", "--received", "2026-11-23T09:00:00-08:00")
    assert said.code == 0
    with pytest.raises(json.JSONDecodeError):
        json.loads(said.out)
    assert "15:00" in said.out or "3:00 PM" in said.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("", 64, "--received"),
        ("--received yesterday", 65, "yesterday"),
        ("--received 2026-02-30T09:00:00Z", 65, "2026-02-30"),
        ("--received 2026-11-23T09:00:00", 65, "offset"),
        ("--received 2026-11-23T25:00:00Z", 65, "25:00"),
        ("--received 9999-12-31T23:59:59Z", 65, "9999"),
        ("--received 0001-01-01T00:00:00+14:00", 65, ""),
        ("--received 2026-11-23T09:00:00Z --plan gold", 65, "gold"),
        ("--received 2026-11-23T09:00:00Z --severity dire", 65, "dire"),
        ("--received 2026-11-23T09:00:00Z --kind last", 64, "--kind"),
        ("--received 2026-11-23T09:00:00Z --kind update", 65, "status update"),
        ("--received 2026-11-23T09:00:00Z --nonsense", 64, "--nonsense"),
        ("--received 2026-11-23T09:00:00Z surplus", 64, "surplus"),
    ],
)
def test_what_deadline_refuses(words: str, code: int, told: str) -> None:
    said = command("deadline", "--json", "--policy", "mekorma", *words.split())
    said.refused(code, told)
    assert said.out == ""


def test_an_unknown_policy_is_named_with_those_that_there_are() -> None:
    said = command("deadline", "--policy", "nosuch", "--received", "2026-11-23T09:00:00Z")
    said.refused(said.code, "nosuch", "mekorma", "memsource", "gotomyerp", "standard-enterprise", "tekstack")
    assert said.code in (65, 78)


def test_no_configuration_is_a_bad_configuration(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.ini")
    command("-c", missing, "deadline", "--received", "2026-11-23T09:00:00Z").refused(78, missing)
