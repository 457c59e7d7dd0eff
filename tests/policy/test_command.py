"""What staff do with a case: each verb's effects, its record with author and reason, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailbridge.errors import NotFound, Permanent
from mailbridge.model.case import Case, Channel, DeadlineState, Status
from mailbridge.model.customer import Account, Entitled
from mailbridge.model.decision import AddEntry, Decision, Merge, OpenCase, Record, Send, SetTimer
from mailbridge.policy import command, command_open
from tests.policy.cases import HOUR, T0, after, case, events, facts, of, sent, timers, waiting

ANN = "ann@desk.example"
LATER = T0 + HOUR
Verb = Callable[[Case], Decision]


def closed(**values: Any) -> Case:
    quiet: dict[str, Any] = {"status": Status.CLOSED, "closed_at": T0, "auto_close_at": None}
    return waiting(**(quiet | values))


VERBS: dict[str, Verb] = {
    "reply": lambda c: command.reply(facts(), c, LATER, author=ANN, text="Try again."),
    "close": lambda c: command.close(facts(), c, LATER, author=ANN, reason="solved"),
    "hold": lambda c: command.hold(facts(), c, LATER, author=ANN, reason="asks the vendor"),
    "release": lambda c: command.release(facts(), c, LATER, author=ANN, reason="vendor answered"),
    "escalate": lambda c: command.escalate(facts(), c, LATER, author=ANN, reason="urgent"),
    "assign": lambda c: command.assign(facts(), c, LATER, author=ANN, address="bob@desk.example"),
    "merge": lambda c: command.merge(facts(), c, LATER, author=ANN, target=case(id=8, number=1043)),
}


@pytest.mark.parametrize("verb", VERBS)
def test_every_event_names_its_author(verb: str) -> None:
    records = of(VERBS[verb](waiting(held=verb == "release")), Record)
    assert records or verb == "reply"
    assert all(record.data["author"] == ANN for record in records)


@pytest.mark.parametrize("verb", VERBS)
def test_a_merged_case_sends_staff_to_its_target(verb: str) -> None:
    with pytest.raises(Permanent, match="merged into case 1001"):
        VERBS[verb](closed(duplicate_of=1001))


@pytest.mark.parametrize("verb", ["close", "hold", "release", "escalate", "assign"])
def test_a_closed_case_refuses(verb: str) -> None:
    with pytest.raises(Permanent, match="case 1042 is closed"):
        VERBS[verb](closed())


def test_an_answer_ends_the_deadline_and_waits_for_the_customer() -> None:
    decision = VERBS["reply"](case())
    told = after(decision, case())
    assert (told.status, told.deadline_state) == (Status.WAITING, DeadlineState.MET)
    assert "deadline_met" in events(decision)
    assert told.auto_close_at == LATER + 48 * HOUR
    (mail,) = of(decision, Send)
    assert (mail.kind, mail.to, mail.data) == (
        "staff_answer",
        ("kim@customer.example",),
        {"text": "Try again.", "author": ANN},
    )


def test_two_answers_have_two_keys() -> None:
    keys = {of(VERBS["reply"](case(version=version)), Send)[0].once for version in (3, 4)}
    assert len(keys) == 2


@pytest.mark.parametrize("text", ["", " \n\t", "x" * (command.MAX_TEXT + 1)])
def test_an_answer_has_a_text_of_bounded_length(text: str) -> None:
    with pytest.raises(Permanent):
        command.reply(facts(), case(), LATER, author=ANN, text=text)


def test_a_note_changes_nothing_and_adds_no_participant() -> None:
    decision = command.note(facts(), closed(), LATER, author=ANN, text="Called him.")
    (entry,) = decision.effects
    assert isinstance(entry, AddEntry)
    assert (entry.direction, entry.author, entry.participant) == ("note", ANN, False)


@pytest.mark.parametrize("notify", [True, False])
def test_closing_tells_the_customer_if_asked(notify: bool) -> None:
    decision = command.close(facts(), waiting(), LATER, author=ANN, reason="solved", notify=notify)
    assert after(decision, waiting()).status is Status.CLOSED
    assert sent(decision) == ["closed"] * notify
    assert of(decision, Record)[0].data == {"reason": "solved", "author": ANN}


def test_reopening_owes_an_answer_from_now() -> None:
    decision = command.reopen(facts(), closed(), LATER, author=ANN)
    open_ = after(decision, closed())
    assert (open_.status, open_.respond_by) == (Status.OPEN, LATER + 6 * HOUR)
    with pytest.raises(Permanent, match="not closed"):
        command.reopen(facts(), case(), LATER, author=ANN)


# --- hold


def test_a_hold_stops_the_silence_and_not_the_deadline() -> None:
    until = T0 + 240 * HOUR
    decision = command.hold(facts(), waiting(), LATER, author=ANN, until=until)
    held = after(decision, waiting())
    assert (held.held, held.hold_until, held.auto_close_at) == (True, until, None)
    assert timers(decision) == {"auto_close_warning": None, "auto_close": None, "release": until}
    owed = after(command.hold(facts(), case(), LATER, author=ANN), case())
    assert owed.deadline_state is DeadlineState.PENDING


def test_a_hold_ends_in_the_future() -> None:
    with pytest.raises(Permanent, match="future"):
        command.hold(facts(), waiting(), LATER, author=ANN, until=LATER)


def test_release_counts_the_silence_again() -> None:
    decision = command.release(facts(), waiting(held=True, auto_close_at=None), LATER, author=ANN)
    assert after(decision, waiting()).auto_close_at == T0 + 48 * HOUR
    with pytest.raises(Permanent, match="not on hold"):
        command.release(facts(), waiting(), LATER, author=ANN)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-03-10", datetime(2026, 3, 10, 13, tzinfo=UTC)),  # 6 AM Pacific, now on summer time
        ("2026-12-25", datetime(2026, 12, 28, 14, tzinfo=UTC)),  # Christmas, then a weekend
        ("2026-03-10T09:00:00-07:00", datetime(2026, 3, 10, 16, tzinfo=UTC)),
        ("2026-03-10T16:00:00Z", datetime(2026, 3, 10, 16, tzinfo=UTC)),
    ],
)
def test_a_date_means_the_first_opening(text: str, found: datetime) -> None:
    assert command.hold_until(facts().policy, text) == found


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "2026-02-30", "2026-03-10T09:00:00", "0001-01-01", "9999-12-31"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(Permanent):
        command.hold_until(facts().policy, text)


# --- promises (standard-enterprise has severities and plans)


def _enterprise(**values: Any) -> Case:
    return case(plan="enterprise", severity="low", respond_by=T0 + 24 * HOUR, **values)


def test_another_severity_counts_from_the_original_arrival() -> None:
    decision = command.severity(
        facts("standard-enterprise"), _enterprise(), LATER, author=ANN, severity="HIGH", reason="down"
    )
    fresh = command_open.open_by_staff(
        facts("standard-enterprise"),
        T0,
        author=ANN,
        subject="s",
        text="t",
        requester="kim@customer.example",
        severity="high",
        plan="enterprise",
    )
    changed = after(decision, _enterprise())
    assert changed.severity == "high"
    assert changed.respond_by == after(fresh, case(id=0)).respond_by
    assert of(decision, Record)[0].data["from"] == "low"


def test_a_promise_missed_before_is_not_missed_again_by_a_new_severity() -> None:
    missed = _enterprise(deadline_state=DeadlineState.MISSED)
    late = T0 + timedelta(days=30)
    decision = command.severity(facts("standard-enterprise"), missed, late, author=ANN, severity="high")
    assert after(decision, missed).deadline_state is DeadlineState.MISSED
    assert timers(decision)["deadline"] is None


def test_a_new_severity_brings_or_ends_status_updates() -> None:
    low = case(severity="low", deadline_state=DeadlineState.MET)
    up = command.severity(facts("tekstack"), low, LATER, author=ANN, severity="critical")
    assert timers(up)["status_update"] == T0 + 24 * HOUR
    down = command.severity(facts("tekstack"), after(up, low), LATER, author=ANN, severity="low")
    assert after(down, low).update_due_at is None
    assert timers(down)["status_update"] is None


def test_the_same_severity_changes_nothing_and_an_unknown_one_is_not_found() -> None:
    assert command.severity(facts(), case(), LATER, author=ANN, severity="minimal").effects == ()
    with pytest.raises(NotFound, match="minimal"):
        command.severity(facts(), case(), LATER, author=ANN, severity="severe")


def test_escalation_raises_one_level_and_leaves_the_severity() -> None:
    decision = VERBS["escalate"](case())
    assert after(decision, case()).escalation_level == 1
    assert after(decision, case()).severity == "minimal"
    assert sent(decision) == ["escalation"]


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1)])
def test_an_answer_after_the_deadline_meets_none_though_its_timer_did_not_ring(late: timedelta) -> None:
    """After an outage staff's mail is worked off before the timers: the promise was missed all the same."""
    decision = command.reply(facts(), case(), T0 + 6 * HOUR + late, author=ANN, text="Try again.")
    assert after(decision, case()).deadline_state is (DeadlineState.MISSED if late else DeadlineState.MET)
    assert ("deadline_missed" in events(decision), "deadline_met" in events(decision)) == (
        bool(late),
        not late,
    )
    assert sent(decision) == ["staff_answer"]


def test_only_staff_can_be_given_a_case() -> None:
    assert sent(VERBS["assign"](case())) == ["staff_notice"]
    assert sent(command.assign(facts(), case(), LATER, author=ANN, address=ANN)) == []
    with pytest.raises(Permanent, match="not of the staff"):
        command.assign(facts(), case(), LATER, author=ANN, address="eve@else.example")


# --- two cases


def test_merge_carries_the_threads_and_the_earlier_promise() -> None:
    target = waiting(id=8, number=1043)
    decision = command.merge(facts(), case(), LATER, author=ANN, target=target, reason="same thing")
    source, goal = after(decision, case()), after(decision, target)
    assert of(decision, Merge) == [Merge(7, 8)]
    assert (source.status, source.duplicate_of) == (Status.CLOSED, 1043)
    assert (goal.status, goal.awaiting_since, goal.respond_by) == (Status.OPEN, T0, T0 + 6 * HOUR)
    assert {entry.case for entry in of(decision, AddEntry)} == {7, 8}


def test_a_promise_missed_and_told_is_not_told_again_on_the_case_it_is_merged_into() -> None:
    missed, late = case(deadline_state=DeadlineState.MISSED), T0 + 9 * HOUR
    for target in (waiting(id=8, number=1043), case(id=8, number=1043, awaiting_since=T0 + HOUR)):
        target = replace(target, deadline_state=DeadlineState.MISSED)
        decision = command.merge(facts(), missed, late, author=ANN, target=target)
        goal = after(decision, target)
        assert (goal.awaiting_since, goal.respond_by) == (T0, T0 + 6 * HOUR)
        assert goal.deadline_state is DeadlineState.MISSED
        of_goal = [e for e in of(decision, SetTimer) if e.case == 8 and e.timer.value.startswith("deadline")]
        assert all(one.due_at is None for one in of_goal[-2:])


def test_a_persons_case_merged_into_a_robots_makes_the_person_who_is_written_to() -> None:
    """Found by the year: the reopened notice of such a case went to the robot."""
    robots = case(id=8, number=1043, requester="cron@machines.example")
    decision = command.merge(facts(), case(), LATER, author=ANN, target=robots, machine=True)
    assert after(decision, robots).requester == case().requester
    decision = command.merge(facts(), case(), LATER, author=ANN, target=robots)
    assert after(decision, robots).requester == "cron@machines.example"


def test_merge_into_an_older_promise_moves_nothing() -> None:
    target = case(id=8, number=1043, awaiting_since=T0 - HOUR, respond_by=T0 + 5 * HOUR)
    decision = command.merge(facts(), case(), LATER, author=ANN, target=target)
    assert after(decision, target).respond_by == T0 + 5 * HOUR


@pytest.mark.parametrize("target", [case(), closed(id=8, number=1043), case(id=8, duplicate_of=1)])
def test_merge_refuses_itself_the_closed_and_the_merged(target: Case) -> None:
    with pytest.raises(Permanent):
        command.merge(facts(), case(), LATER, author=ANN, target=target)


def test_a_split_case_keeps_the_arrival_and_threads_under_the_mail() -> None:
    mail = case(last_message_id="<m@customer.example>", references=("<m@customer.example>",))
    decision = command_open.split_off(facts(), mail, LATER, author=ANN, subject="Second", text="two")
    (opened,) = of(decision, OpenCase)
    new = after(decision, case(id=0))
    assert (opened.subject, opened.requester, opened.participants) == (
        "Second",
        mail.requester,
        mail.participants,
    )
    assert (new.respond_by, new.last_message_id) == (T0 + 6 * HOUR, "<m@customer.example>")
    assert sent(decision) == ["acknowledgement"]
    assert of(decision, Record)[0].data["split_from"] == 1042


# --- opening


def _open(policy: str = "gotomyerp", **values: Any) -> Decision:
    told: dict[str, Any] = {"subject": "Down", "text": "All is down", "requester": "Kim@customer.example"}
    more = values.pop("facts", {})
    return command_open.open_by_staff(replace(facts(policy), **more), T0, author=ANN, **(told | values))


def test_mail_and_calls_get_the_severity_of_mail_and_staff_may_set_another() -> None:
    assert of(_open(channel=Channel.EMAIL), OpenCase)[0].severity == "minimal"
    assert of(_open(channel=Channel.EMAIL, severity="critical"), OpenCase)[0].severity == "critical"


def test_the_plan_is_the_accounts() -> None:
    account = Account(1, "Customer Inc", plan="gold")
    known = {"account": account, "entitled": Entitled.KNOWN}
    assert of(_open(facts=known), OpenCase)[0].plan == "gold"
    assert of(_open(facts=known, plan="platinum"), OpenCase)[0].plan == "platinum"


def test_an_opened_case_tells_its_story_in_order() -> None:
    assert events(_open()) == ["case_created", "entitlement", "deadline_set", "ack_sent"]
    assert sent(_open()) == ["acknowledgement", "staff_notice"]
    assert of(_open(), OpenCase)[0].requester == "kim@customer.example"


def test_a_caller_without_an_address_gets_a_case_and_no_mail() -> None:
    decision = _open(requester="", channel=Channel.VOICEMAIL)
    assert "suppressed" in events(decision)
    assert sent(decision) == ["staff_notice"]


@pytest.mark.parametrize(
    "values",
    [
        {"subject": " \n "},
        {"requester": "kim"},
        {"requester": "a b@c.example"},
        {"requester": "a@b.example\r\nBcc: x@y.example"},
        {"requester": "a@b.example,c@d.example"},
        {"requester": f"{'x' * 320}@b.example"},
        {"severity": "worst"},
        {"plan": "free"},
    ],
)
def test_opening_refuses_what_it_cannot_mean(values: dict[str, str]) -> None:
    with pytest.raises(Permanent):
        _open(**values)
