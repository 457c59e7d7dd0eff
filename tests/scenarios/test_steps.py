"""What the lines of a scenario can do, and in which order things happen at one moment."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mailbridge.errors import Permanent
from mailbridge.ops.simulate import Simulation
from mailbridge.policy.library import load_policy

MONDAY = "2026-11-16T09:00:00-08:00"
JO = {"do": "customer", "from": "Jo <jo@customer.example>", "subject": "Help", "text": "It does not work."}


def play(policy: str, *steps: dict[str, Any], every: bool = False) -> list[dict[str, Any]]:
    lines = [json.dumps({"at": "+0s", **step}) for step in steps]
    return list(Simulation(load_policy(policy), all_events=every).run(lines))


def named(events: list[dict[str, Any]], *names: str) -> list[tuple[str, str, int]]:
    """(event, local time, case) of these events."""
    return [(e["event"], e["at"][11:16], e["case"]) for e in events if e["event"] in names]


def test_an_answer_at_the_very_second_of_the_deadline_is_in_time() -> None:
    events = play("mekorma", {"at": MONDAY, **JO}, {"at": "+6h", "do": "staff", "case": 1, "text": "Done."})
    assert named(events, "deadline_missed", "deadline_warning") == [("deadline_warning", "14:00", 1)]


def test_a_customers_answer_at_the_very_second_of_the_close_keeps_the_case_open() -> None:
    answer = {"do": "customer", "reply_to_case": 1, "text": "Here is the file."}
    staff = {"at": "+1h", "do": "staff", "case": 1, "text": "Please send the file."}
    events = play("mekorma", {"at": MONDAY, **JO}, staff, {"at": "+48h", **answer})
    assert named(events, "auto_closed", "auto_close_warning") == [("auto_close_warning", "10:00", 1)]


def test_run_lets_time_pass_up_to_and_with_its_moment() -> None:
    events = play("mekorma", {"at": MONDAY, **JO}, {"at": "+6h", "do": "run"})
    assert named(events, "deadline_missed") == [("deadline_missed", "15:00", 1)]


def test_only_the_portal_sets_another_severity_and_a_contact_has_a_plan() -> None:
    account = {"at": MONDAY, "do": "contact", "account": "Acme", "plan": "gold", "domains": ["acme.example"]}
    mail = {"do": "customer", "from": "al@acme.example", "subject": "CRITICAL", "text": "All is down."}
    portal = {"do": "open", "from": "al@acme.example", "subject": "Down", "text": "x", "severity": "critical"}
    events = play("gotomyerp", account, mail, portal)
    rules = [e["rule"] for e in events if e["event"] == "deadline_set"]
    assert rules == ["4 working hours", "1 hour"]


def test_a_plan_that_the_policy_does_not_have_is_told_with_its_line() -> None:
    with pytest.raises(Permanent, match=r"line 1: the policy mekorma has no plan 'gold'"):
        play("mekorma", {"at": MONDAY, "do": "contact", "account": "Acme", "plan": "gold"})


def test_issues_of_one_mail_get_numbers_and_a_merged_one_answers_for_its_target() -> None:
    parts = [{"subject": "Export", "text": "Export fails."}, {"subject": "Search"}]
    events = play(
        "memsource",
        {"at": MONDAY, **JO},
        {"do": "split", "case": 1, "into": parts},
        {"at": "+5m", "do": "merge", "case": 3, "into": 2, "text": "the same cause"},
        {"at": "+5m", "do": "customer", "reply_to_case": 3, "text": "Search fails still."},
    )
    assert named(events, "case_created", "ack_sent") == [
        (event, "17:00", number) for number in (1, 2, 3) for event in ("case_created", "ack_sent")
    ]
    assert named(events, "message_added")[-1] == ("message_added", "17:10", 2)


def test_staff_escalate_assign_reopen_and_tell_of_a_close() -> None:
    events = play(
        "standard-enterprise",
        {"at": MONDAY, **JO},
        {"do": "assign", "case": 1, "to": "staff@desk.example"},
        {"do": "escalate", "case": 1, "text": "a big customer"},
        {"do": "close", "case": 1, "notify": True},
        {"do": "reopen", "case": 1, "text": "too early"},
        every=True,
    )
    names = [e["event"] for e in events]
    assert [n for n in names if n in ("assigned", "escalated", "closed", "reopened")] == [
        "assigned", "escalated", "closed", "reopened",
    ]  # fmt: skip


def test_no_close_where_the_warning_bounced() -> None:
    events = play(
        "mekorma",
        {"at": MONDAY, **JO},
        {"at": "+1h", "do": "staff", "case": 1, "text": "Please try again."},
        {"at": "+25h", "do": "bounce", "case": 1},
        {"at": "+9d", "do": "run"},
        every=True,
    )
    assert named(events, "auto_close_warning", "auto_close_stopped", "auto_closed") == [
        ("auto_close_warning", "10:00", 1),
        ("auto_close_stopped", "11:00", 1),
    ]


def test_after_an_outage_the_inbox_is_read_first_and_what_is_due_is_told_once() -> None:
    """Down over both deadlines, a warning and a close: the answer that lay unread keeps its case open."""
    events = play(
        "mekorma",
        {"at": MONDAY, **JO},
        {**JO, "from": "kim@partner.example", "subject": "Other"},
        {"at": "+1h", "do": "staff", "case": 1, "text": "Please try again."},
        {"at": "+1h", "do": "stop"},
        {"at": "+30h", "do": "customer", "reply_to_case": 1, "text": "It is the same."},
        {"at": "+30h", "do": "start"},
        {"at": "+1h", "do": "run"},
    )
    after = [e for e in events if e["at"] > "2026-11-18T22"]
    assert named(after, *{e["event"] for e in after}) == [
        ("message_added", "23:00", 1),
        ("deadline_set", "23:00", 1),
        ("deadline_missed", "23:00", 2),
        ("deadline_missed", "23:00", 1),
    ]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"do": "dance"}, "do is 'dance'; it can be customer, voicemail, "),
        ({"do": "hold", "case": 1}, "there is no case 1"),
        ({"do": "staff", "case": 1}, "the key 'text' is missing"),
        ({"at": "+", "do": "run"}, "'\\+' is neither a time"),
        ({"at": "+99999999999w", "do": "run"}, ""),
        ({"do": "split", "case": 1, "into": [1]}, ""),
        ({"do": "contact", "account": "A", "starts_on": "soon"}, "'soon'"),
        ({"do": "contact", "account": "A", "zone": "Mars"}, "there is no time zone 'Mars'"),
        ({"do": "severity", "case": 1}, "severity needs a severity or a plan"),
    ],
)
def test_a_line_that_cannot_be_done_is_named(step: dict[str, Any], said: str) -> None:
    with pytest.raises(Permanent, match=rf"line 2: .*{said}"):
        play("mekorma", {"at": MONDAY, "do": "run"}, step)
