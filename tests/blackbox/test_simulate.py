"""`simulate`: time lines whose events were worked out by hand from the contract and the five texts."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.blackbox.judge import INSTANT, Said, command

EVENTS = {
    "case_created", "message_added", "ack_sent", "deadline_set", "deadline_warning", "deadline_missed",
    "escalated", "status_update_due", "auto_close_warning", "auto_closed", "reopened", "closed", "suppressed",
}  # fmt: skip
MONDAY = "2026-11-23T09:00:00-08:00"
Step = dict[str, Any]


def play(policy: str, steps: list[Step]) -> Said:
    text = "\n".join(json.dumps(step) for step in steps)
    return command("simulate", "--policy", policy, "-", stdin=text.encode())


def told(policy: str, *steps: Step) -> list[tuple[str, str, int]]:
    """(local time without year and offset, event, case), but for what every message has."""
    said = play(policy, list(steps))
    assert (said.code, said.err) == (0, ""), said.err
    rows = said.lines()
    for row in rows:
        assert row["event"] in EVENTS, row
        assert INSTANT.fullmatch(row["at"]), row
    times = [datetime.fromisoformat(row["at"]) for row in rows]
    assert times == sorted(times)
    return [(row["at"][5:16], row["event"], row["case"]) for row in rows if row["event"] != "message_added"]


def customer(at: str = MONDAY, **more: Any) -> Step:
    return {
        "at": at, "do": "customer", "from": "jo@customer.example", "subject": "Printer", "text": "It burns.",
    } | more  # fmt: skip


def reply(at: str, text: str = "Still so.", case: int = 1, **more: Any) -> Step:
    return {"at": at, "do": "customer", "reply_to_case": case, "text": text} | more


def staff(at: str, case: int = 1) -> Step:
    return {"at": at, "do": "staff", "case": case, "text": "Please try again."}


def run(at: str) -> Step:
    return {"at": at, "do": "run"}


NEW = [("11-23T09:00", "case_created", 1), ("11-23T09:00", "deadline_set", 1), ("11-23T09:00", "ack_sent", 1)]


def test_an_unanswered_case_is_warned_of_then_missed() -> None:
    assert told("mekorma", customer(), run("+2d")) == [
        *NEW, ("11-23T14:00", "deadline_warning", 1), ("11-23T15:00", "deadline_missed", 1)
    ]  # fmt: skip


def test_an_answer_at_the_very_moment_that_was_promised_is_in_time() -> None:
    assert told("mekorma", customer(), staff("+6h"), run("+1h")) == [
        *NEW,
        ("11-23T14:00", "deadline_warning", 1),
    ]


def test_an_answer_a_second_late_is_late() -> None:
    events = told("mekorma", customer(), staff("+6h1s"), run("+1h"))
    assert ("11-23T15:00", "deadline_missed", 1) in events


def test_a_customer_who_answers_at_the_end_of_the_48_hours_is_not_closed() -> None:
    events = told("mekorma", customer(), staff("+1h"), reply("+48h"), run("+1h"))
    assert [event for _, event, _ in events[3:]] == ["auto_close_warning", "deadline_set"]


def test_48_hours_of_silence_close_warned_of_half_way() -> None:
    assert told("mekorma", customer(), staff("+1h"), run("+10d"))[3:] == [
        ("11-24T10:00", "auto_close_warning", 1), ("11-25T10:00", "auto_closed", 1)
    ]  # fmt: skip


def test_only_staff_messages_to_the_customer_start_the_48_hours() -> None:
    note = {"at": "+20h", "do": "note", "case": 1, "text": "asked engineering"}
    assert told("mekorma", customer(), staff("+1h"), note, staff("+10h"), run("+10d"))[3:] == [
        ("11-24T10:00", "auto_close_warning", 1), ("11-25T16:00", "auto_close_warning", 1),
        ("11-26T16:00", "auto_closed", 1),
    ]  # fmt: skip


def test_a_robot_that_answers_does_not_break_the_silence() -> None:
    away = reply("+10h", "I am away.", headers={"Auto-Submitted": "auto-replied"})
    assert told("mekorma", customer(), staff("+1h"), away, run("+10d"))[3:] == [
        ("11-23T20:00", "suppressed", 1), ("11-24T10:00", "auto_close_warning", 1),
        ("11-25T10:00", "auto_closed", 1),
    ]  # fmt: skip


def test_never_closed_while_on_hold() -> None:
    hold = {"at": "+1h", "do": "hold", "case": 1}
    assert told("mekorma", customer(), staff("+1h"), hold, run("+60d")) == NEW


def test_released_early_the_48_hours_are_those_of_the_staff_message() -> None:
    hold, release = ({"at": "+1h", "do": do, "case": 1} for do in ("hold", "release"))
    assert told("mekorma", customer(), staff("+1h"), hold, release, run("+10d"))[3:] == [
        ("11-24T10:00", "auto_close_warning", 1), ("11-25T10:00", "auto_closed", 1)
    ]  # fmt: skip


def test_a_hold_until_a_date_ends_then_and_the_customer_is_told_before_the_close() -> None:
    hold = {"at": "+1h", "do": "hold", "case": 1, "until": "2026-12-10T12:00:00-08:00"}
    assert told("mekorma", customer(), staff("+1h"), hold, run("2026-12-31T00:00:00Z"))[3:] == [
        ("12-10T12:00", "auto_close_warning", 1), ("12-11T12:00", "auto_closed", 1)
    ]  # fmt: skip


def test_a_second_message_does_not_move_the_deadline() -> None:
    events = told("mekorma", customer(), reply("+2h"), reply("+2h"), run("+1d"))
    assert [row for row in events if row[1].startswith("deadline")] == [
        ("11-23T09:00", "deadline_set", 1), ("11-23T14:00", "deadline_warning", 1),
        ("11-23T15:00", "deadline_missed", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("after", "events", "follows"),
    [("+14d", ["reopened", "deadline_set"], None), ("+15d", ["case_created", "deadline_set", "ack_sent"], 1)],
)
def test_a_closed_case_is_reopened_within_the_window_and_followed_after_it(
    after: str, events: list[str], follows: int | None
) -> None:
    steps = [customer(), {"at": "+1h", "do": "close", "case": 1}, reply(after)]
    assert [event for _, event, _ in told("mekorma", *steps)[4:]] == events
    named = [row["follows"] for row in play("mekorma", steps).lines() if "follows" in row]
    assert named == ([follows] if follows else [])


def test_each_escalation_raises_the_level_by_one_to_the_highest() -> None:
    steps = [
        customer(at="2026-11-23T09:00:00-06:00"),
        *(reply("+1h", f"more {n}", to="escalation") for n in range(4)),
    ]
    rows = play("standard-enterprise", steps).lines()
    assert [row["level"] for row in rows if row["event"] == "escalated"] == [1, 2, 3, 3]
    assert len([row for row in rows if row["event"] == "ack_sent"]) == 5
    assert len([row for row in rows if row["event"] == "deadline_set"]) == 1  # the severity is left alone


@pytest.mark.parametrize("policy", ["mekorma", "memsource", "gotomyerp", "standard-enterprise", "tekstack"])
def test_an_escalation_without_a_case_makes_one_escalated(policy: str) -> None:
    events = [event for _, event, _ in told(policy, customer(to="escalation"))]
    assert sorted(events) == ["ack_sent", "case_created", "deadline_set", "escalated"]


@pytest.mark.parametrize(
    ("policy", "missed"),
    [
        ("mekorma", True),
        ("memsource", True),
        ("gotomyerp", True),
        ("standard-enterprise", True),
        ("tekstack", False),
    ],
)
def test_only_with_tekstack_the_acknowledgement_is_the_answer(policy: str, missed: bool) -> None:
    events = [event for _, event, _ in told(policy, customer(), run("+14d"))]
    assert ("deadline_missed" in events) is missed
    assert ("deadline_warning" in events) is missed


def test_tekstack_owes_an_answer_where_nothing_was_acknowledged() -> None:
    machine = customer(headers={"Auto-Submitted": "auto-generated"})
    events = [event for _, event, _ in told("tekstack", machine, run("+7d"))]
    assert events == ["case_created", "deadline_set", "suppressed", "deadline_warning", "deadline_missed"]


def test_a_severity_by_staff_counts_from_the_arrival() -> None:
    steps = [
        customer(at="2026-11-23T12:00:00-05:00"),
        {"at": "+5m", "do": "severity", "case": 1, "severity": "emergency"},
    ]
    rows = [row for row in play("gotomyerp", steps).lines() if row["event"] == "deadline_set"]
    assert [row["respond_by"] for row in rows] == ["2026-11-26T18:00:00-05:00", "2026-11-23T12:30:00-05:00"]


def test_a_flood_of_one_sender_is_acknowledged_ten_times_at_most() -> None:
    steps = [
        customer(at=MONDAY if n == 0 else "+1m", subject=f"{'abcdefghijklmn'[n] * 5}", text=f"{n}")
        for n in range(14)
    ]
    events = [event for _, event, _ in told("memsource", *steps)]
    assert (events.count("case_created"), events.count("ack_sent"), events.count("suppressed")) == (14, 10, 4)


def test_without_a_rule_of_silence_a_year_closes_nothing() -> None:
    for policy in ("memsource", "gotomyerp", "standard-enterprise"):
        events = [event for _, event, _ in told(policy, customer(), staff("+1m"), run("+365d"))]
        assert "auto_closed" not in events


def test_every_instant_of_a_line_is_on_the_same_clock() -> None:
    steps = [customer(), run("+2d"), staff("+1h"), run("+3d")]
    rows = play("mekorma", steps).lines()
    assert {row["event"] for row in rows} >= {"deadline_warning", "deadline_missed", "auto_close_warning"}
    for row in rows:
        for value in row.values():
            assert not (isinstance(value, str) and value.endswith("+00:00")), row


def test_a_voicemail_is_a_case_with_the_same_promise_and_nobody_is_answered() -> None:
    call = {"at": MONDAY, "do": "voicemail", "caller": "+15035550100", "transcript": "Please call me back."}
    assert sorted(event for _, event, _ in told("mekorma", call)) == [
        "case_created",
        "deadline_set",
        "suppressed",
    ]


def test_cases_are_numbered_from_one_in_the_order_of_time() -> None:
    people = [
        customer(at=MONDAY if n == 0 else "+1m", **{"from": f"p{n}@customer.example"}) for n in range(5)
    ]
    created = [case for _, event, case in told("mekorma", *people) if event == "case_created"]
    assert created == [1, 2, 3, 4, 5]


def test_comments_blank_lines_marks_and_line_separators_are_no_events(tmp_path: Path) -> None:
    line = json.dumps(customer(text="one\u2028two\x85three"), ensure_ascii=False)
    path = tmp_path / "scenario.jsonl"
    path.write_bytes(b"\xef\xbb\xbf# a comment\r\n\r\n" + line.encode() + b"\r\n")
    said = command("simulate", "--policy", "mekorma", str(path))
    assert (said.code, len(said.lines())) == (0, 4)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", "JSON"),
        ("[1]", "object"),
        ('{"at": "x", "do": "run"}', "'x'"),
        ('{"at": "2026-11-23T09:00:00", "do": "run"}', "offset"),
        ('{"at": "+", "do": "run"}', "+2h30m"),
        ('{"at": "+1x", "do": "run"}', "+1x"),
        ('{"at": 5, "do": "run"}', "5"),
        ('{"at": "+99999999999w", "do": "run"}', "calendar"),
        ('{"at": "9999-12-31T23:59:59Z", "do": "customer", "from": "a@b.example"}', "calendar"),
        ('{"at": "+1s", "do": "fly"}', "customer, voicemail"),
        ('{"at": "+1s"}', "do"),
        ('{"at": "+1s", "do": "customer", "text": "x"}', "from"),
        ('{"at": "+1s", "do": "customer", "from": "a@b.example", "headers": ["x"]}', "headers"),
        ('{"at": "+1s", "do": "customer", "from": "a@b.example", "headers": {"X": "a\\nb"}}', ""),
        ('{"at": "+1s", "do": "customer", "from": "a@b.example", "text": "\\ud800"}', "surrogate"),
        ('{"at": "+1s", "do": "customer", "from": "a@b.example", "reply_to_case": 9}', "case 9"),
        ('{"at": "+1s", "do": "staff", "case": 9, "text": "x"}', "case 9"),
        ('{"at": "+1s", "do": "staff", "case": "one", "text": "x"}', "'one'"),
        ('{"at": "+1s", "do": "staff", "text": "x"}', "'case'"),
        ('{"at": "+1s", "do": "staff", "case": 1}', "'text'"),
        ('{"at": "+1s", "do": "hold", "case": 1, "until": "soon"}', "'soon'"),
        ('{"at": "+1s", "do": "severity", "case": 1, "severity": "dire"}', "minimal"),
        ('{"at": "+1s", "do": "release", "case": 1}', "not on hold"),
        ('{"at": "2020-01-01T00:00:00Z", "do": "run"}', "before"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_played_is_named(line: str, words: str) -> None:
    first = json.dumps(customer()) if '"case": 1' in line or "2020" in line else "# a comment"
    said = command("simulate", "--policy", "mekorma", "-", stdin=f"{first}\n{line}".encode())
    said.refused(65, "line 2:", words)
    assert len(said.err.splitlines()) == 1


def test_a_scenario_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    command("simulate", "--policy", "mekorma", str(tmp_path / "none.jsonl")).refused(
        65, "none.jsonl", "No such file"
    )
    command("simulate", "--policy", "mekorma", str(tmp_path)).refused(65, "directory")
    command("simulate", "--policy", "mekorma", "-", stdin=b"\xff\xfe\x00{").refused(65, "UTF-8")
    command("simulate", "--policy", "nosuch", "-").refused(65, "nosuch")
    command("simulate").refused(64, "SCENARIO")
