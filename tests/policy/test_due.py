"""Due moments: each timer rechecks its case, and nothing is told too late, twice or too soon."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailbridge.model.case import Case, DeadlineState, Status, Timer
from mailbridge.model.decision import Decision, Facts, Send
from mailbridge.policy.due import FOR_STAFF, decide_due
from tests.policy.cases import HOUR, T0, after, case, events, facts, of, sent, timers, waiting

CLOSE = T0 + 48 * HOUR
WARN = T0 + 24 * HOUR


def due(timer: Timer, subject: Case, now: datetime, **more: Any) -> Decision:
    return decide_due(replace(facts(), **more), subject, timer, now)


@pytest.mark.parametrize("timer", list(Timer))
def test_every_timer_of_a_closed_case_is_stale(timer: Timer) -> None:
    closed = waiting(status=Status.CLOSED, held=True, hold_until=T0, update_due_at=T0, respond_by=T0)
    decision = due(timer, closed, CLOSE)
    assert (decision.outcome, decision.effects) == ("stale", ())


@pytest.mark.parametrize("timer", list(Timer))
def test_a_timer_that_rings_too_soon_tells_nobody_and_rings_again(timer: Timer) -> None:
    owed = timer in (Timer.DEADLINE, Timer.DEADLINE_WARNING)
    subject = case() if owed else waiting(update_due_at=CLOSE)
    if timer is Timer.RELEASE:
        subject = replace(subject, held=True, hold_until=CLOSE)
    decision = due(timer, subject, T0)
    assert decision.outcome == "postponed"
    again = timers(decision)[timer.value]
    assert again is not None
    assert again > T0
    assert sent(decision) == []


@pytest.mark.parametrize("missed_escalates", [False, True])
@pytest.mark.parametrize("timer", sorted(FOR_STAFF))
def test_what_rings_for_staff_asks_nothing_of_the_customer(timer: Timer, missed_escalates: bool) -> None:
    known = replace(facts(), policy=replace(facts().policy, escalate_when_missed=missed_escalates))
    machine = replace(known.classification, may_answer=False, no_answer="a machine wrote it")
    known = replace(known, dead_addresses=(case().requester,), unread_mail=True, classification=machine)
    bare = Facts(known.site, known.policy, facts().classification)
    owed = replace(case(), update_due_at=T0)
    held = waiting(held=True, hold_until=T0, update_due_at=T0)
    for subject in (owed, held, replace(owed, status=Status.CLOSED)):
        for now in (T0, T0 + 5 * HOUR, T0 + 7 * HOUR, CLOSE):
            assert decide_due(bare, subject, timer, now) == decide_due(known, subject, timer, now)


# --- the deadline


def test_staff_are_warned_before_the_deadline() -> None:
    decision = due(Timer.DEADLINE_WARNING, case(), T0 + 5 * HOUR)
    (notice,) = of(decision, Send)
    assert (notice.kind, notice.to) == ("deadline_warning", ("ann@desk.example", "bob@desk.example"))
    assert notice.event == "deadline_warning"
    assert notice.once == "deadline_warning:2026-03-02T23:00:00+00:00"


def test_no_warning_about_a_deadline_that_has_passed() -> None:
    assert due(Timer.DEADLINE_WARNING, case(), T0 + 6 * HOUR).outcome == "stale"


@pytest.mark.parametrize("timer", [Timer.DEADLINE, Timer.DEADLINE_WARNING])
def test_an_answered_case_has_no_deadline(timer: Timer) -> None:
    answered = case(deadline_state=DeadlineState.MET)
    assert due(timer, answered, T0 + 7 * HOUR).outcome == "stale"


def test_a_missed_deadline_is_recorded_and_told_and_leaves_the_severity() -> None:
    decision = due(Timer.DEADLINE, case(assigned_to="bob@desk.example"), T0 + 6 * HOUR)
    assert after(decision, case()).deadline_state is DeadlineState.MISSED
    assert after(decision, case()).severity == "minimal"
    assert of(decision, Send)[0].to == ("bob@desk.example",)
    assert events(decision)[0] == "deadline_missed"


@pytest.mark.parametrize("escalates", [True, False])
def test_a_missed_deadline_escalates_where_the_policy_says_so(escalates: bool) -> None:
    policy = replace(facts().policy, escalate_when_missed=escalates)
    decision = due(Timer.DEADLINE, case(), T0 + 6 * HOUR, policy=policy)
    assert ("escalated" in events(decision)) is escalates
    assert after(decision, case()).escalation_level == int(escalates)


def test_a_missed_deadline_is_not_missed_twice() -> None:
    first = due(Timer.DEADLINE, case(), T0 + 6 * HOUR)
    assert due(Timer.DEADLINE, after(first, case()), T0 + 7 * HOUR).outcome == "stale"


def test_a_missed_deadline_without_staff_is_still_recorded() -> None:
    site = replace(facts().site, staff=())
    assert "deadline_missed" in events(due(Timer.DEADLINE, case(), T0 + 6 * HOUR, site=site))


# --- status updates (tekstack: daily for critical)


def _critical(**values: Any) -> Case:
    return case(severity="critical", update_due_at=T0 + 24 * HOUR, **values)


def test_a_status_update_is_due_and_the_next_one_is_set() -> None:
    decision = decide_due(facts("tekstack"), _critical(), Timer.STATUS_UPDATE, T0 + 24 * HOUR)
    assert events(decision) == ["status_update_due"]
    assert timers(decision) == {"status_update": T0 + 48 * HOUR}


def test_after_days_of_outage_one_status_update_is_due_not_five() -> None:
    late = T0 + timedelta(days=3)
    decision = decide_due(facts("tekstack"), _critical(), Timer.STATUS_UPDATE, late)
    assert events(decision) == ["status_update_due"]
    assert after(decision, _critical()).update_due_at == late + timedelta(days=1)


def test_no_update_is_owed_while_the_customer_owes_the_answer() -> None:
    decision = decide_due(
        facts("tekstack"), _critical(status=Status.WAITING), Timer.STATUS_UPDATE, T0 + 24 * HOUR
    )
    assert events(decision) == []
    assert timers(decision) == {"status_update": T0 + 48 * HOUR}


# --- silence


def test_the_customer_is_warned_before_the_close() -> None:
    decision = due(Timer.AUTO_CLOSE_WARNING, waiting(), WARN)
    assert sent(decision) == ["auto_close_warning"]
    assert events(decision) == ["auto_close_warning"]
    warned = after(decision, waiting())
    assert (warned.auto_close_warned_at, warned.auto_close_at) == (WARN, CLOSE)


def test_a_warning_some_seconds_late_leaves_the_promised_close() -> None:
    decision = due(Timer.AUTO_CLOSE_WARNING, waiting(), WARN + timedelta(seconds=40))
    assert after(decision, waiting()).auto_close_at == CLOSE


def test_a_warning_after_an_outage_keeps_its_whole_notice() -> None:
    late = CLOSE + 5 * HOUR
    for timer in (Timer.AUTO_CLOSE_WARNING, Timer.AUTO_CLOSE):
        decision = due(timer, waiting(), late)
        assert sent(decision) == ["auto_close_warning"]
        assert timers(decision)["auto_close"] == late + 24 * HOUR


def test_working_hours_count_in_the_notice_as_they_do_in_the_silence() -> None:
    policy = facts().policy
    assert policy.auto_close is not None
    rule = replace(policy.auto_close, after_s=16 * 3600, working=True, warn_before_s=8 * 3600)
    policy = replace(policy, auto_close=rule)
    close_at = T0 + 29 * HOUR  # eight hours of Monday from 9 AM, eight of Tuesday from 6 AM
    decision = due(Timer.AUTO_CLOSE_WARNING, waiting(auto_close_at=close_at), T0 + 72 * HOUR, policy=policy)
    moved = timers(decision)["auto_close"]
    assert moved == T0 + 80 * HOUR  # Thursday 9 AM and eight open hours: its closing at 5 PM


def test_the_warning_is_given_once() -> None:
    first = due(Timer.AUTO_CLOSE_WARNING, waiting(), WARN)
    assert due(Timer.AUTO_CLOSE_WARNING, after(first, waiting()), WARN + HOUR).outcome == "stale"


@pytest.mark.parametrize("timer", [Timer.AUTO_CLOSE, Timer.AUTO_CLOSE_WARNING])
def test_intake_comes_first(timer: Timer) -> None:
    subject = waiting(auto_close_warned_at=WARN if timer is Timer.AUTO_CLOSE else None)
    decision = due(timer, subject, CLOSE, unread_mail=True)
    assert decision.outcome == "postponed"
    assert timers(decision) == {timer.value: CLOSE + timedelta(minutes=5)}
    assert events(decision) == []


def _warned(state: str = "sent", **values: Any) -> Case:
    return waiting(auto_close_warned_at=WARN, warning_key="7:w", warning_state=state, **values)


def test_a_warned_case_closes_at_its_moment_and_the_customer_is_told() -> None:
    decision = due(Timer.AUTO_CLOSE, _warned(), CLOSE)
    closed = after(decision, _warned())
    assert (closed.status, closed.closed_at) == (Status.CLOSED, CLOSE)
    assert closed.close_reason == "no answer for 48 hours"
    assert events(decision) == ["auto_closed"]
    assert sent(decision) == ["auto_close"]
    assert all(at is None for at in timers(decision).values())


@pytest.mark.parametrize("state", ["waiting", "sending"])
def test_nobody_is_closed_while_the_warning_is_on_its_way(state: str) -> None:
    decision = due(Timer.AUTO_CLOSE, _warned(state), CLOSE)
    assert timers(decision) == {"auto_close": CLOSE + HOUR}
    assert events(decision) == []


def test_a_warning_that_leaves_late_still_gives_its_whole_notice() -> None:
    """The relay was away over the close: each look moves it on, and the customer has a day from the last."""
    late = CLOSE + 5 * HOUR
    moved = after(due(Timer.AUTO_CLOSE, _warned("waiting"), late), _warned("waiting"))
    assert moved.auto_close_at == late + 24 * HOUR
    delivered = replace(moved, warning_state="sent")
    decision = due(Timer.AUTO_CLOSE, delivered, late + HOUR)
    assert (decision.outcome, timers(decision)) == ("postponed", {"auto_close": late + 24 * HOUR})
    assert events(due(Timer.AUTO_CLOSE, delivered, late + 24 * HOUR)) == ["auto_closed"]


def test_a_short_notice_never_closes_before_it_has_left() -> None:
    short = _warned("waiting")
    short = replace(short, auto_close_warned_at=CLOSE - timedelta(minutes=2))
    assert due(Timer.AUTO_CLOSE, short, CLOSE).outcome == "postponed"


@pytest.mark.parametrize("state", ["dead", "dropped"])
def test_nobody_is_closed_whose_warning_was_not_delivered(state: str) -> None:
    decision = due(Timer.AUTO_CLOSE, _warned(state), CLOSE)
    after_ = after(decision, _warned(state))
    assert (after_.status, after_.auto_close_at) == (Status.WAITING, None)
    assert events(decision) == ["auto_close_stopped"]
    assert sent(decision) == ["staff_notice"]


@pytest.mark.parametrize("more", [{}, {"dead_addresses": ("kim@customer.example",)}])
def test_nobody_is_closed_who_cannot_be_warned(more: dict[str, Any]) -> None:
    subject = waiting(requester="kim@customer.example" if more else "")
    decision = due(Timer.AUTO_CLOSE_WARNING, subject, WARN, **more)
    assert events(decision) == ["suppressed", "auto_close_stopped"]
    assert due(Timer.AUTO_CLOSE, after(decision, subject), CLOSE, **more).outcome == "stale"


@pytest.mark.parametrize("values", [{"held": True}, {"status": Status.OPEN}, {"auto_close_at": None}])
@pytest.mark.parametrize("timer", [Timer.AUTO_CLOSE, Timer.AUTO_CLOSE_WARNING])
def test_never_while_held_nor_while_support_owes_the_answer(timer: Timer, values: dict[str, Any]) -> None:
    assert due(timer, waiting(**values), CLOSE).outcome == "stale"


def test_a_policy_without_warnings_closes_without_one() -> None:
    policy = facts().policy
    assert policy.auto_close is not None
    policy = replace(policy, auto_close=replace(policy.auto_close, warn_before_s=None))
    assert events(due(Timer.AUTO_CLOSE, waiting(), CLOSE, policy=policy)) == ["auto_closed"]


def test_a_policy_that_closes_nothing_any_more_closes_nothing() -> None:
    policy = replace(facts().policy, auto_close=None)
    decision = due(Timer.AUTO_CLOSE, _warned(), CLOSE, policy=policy)
    assert after(decision, _warned()).auto_close_at is None
    assert events(decision) == []


# --- hold


def test_a_hold_ends_at_its_date_and_the_silence_counts_again() -> None:
    held = waiting(held=True, hold_until=CLOSE, auto_close_at=None)
    decision = due(Timer.RELEASE, held, CLOSE)
    free = after(decision, held)
    assert (free.held, free.released_at) == (False, CLOSE)
    assert events(decision) == ["released"]
    assert timers(decision)["auto_close_warning"] == CLOSE  # at once, and the close a day later
    assert timers(decision)["auto_close"] == CLOSE + 24 * HOUR


def test_a_hold_without_a_date_does_not_end_by_itself() -> None:
    assert due(Timer.RELEASE, waiting(held=True), CLOSE).outcome == "stale"
