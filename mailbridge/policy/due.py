"""A moment of a case has come: what it means now.

`decide_due(facts, case, timer, now)` is pure. Every branch looks at the case again, since a timer may be
stale: the customer answered, the promise was counted anew, the daemon was down over the moment. What is due
after an outage is caught up once and calmly: no warning about a moment that has passed, no close of a case
whose customer's answer may lie unread, none without the warning that the policy promises.

The outcome is "done" (something was told or changed), "postponed" (the same timer rings again later) or
"stale" (nothing to do). Raises nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from mailbridge.model.case import Case, DeadlineState, Status, Timer
from mailbridge.model.decision import Decision, Facts
from mailbridge.model.policy import AutoClose, Policy
from mailbridge.policy.calendars import add_working, subtract_working
from mailbridge.policy.draft import Draft
from mailbridge.policy.words import silence_in_words

FOR_STAFF = frozenset((Timer.DEADLINE_WARNING, Timer.DEADLINE, Timer.STATUS_UPDATE, Timer.RELEASE))
"""What these mean depends on site, policy and case alone: at most staff are told."""
UNREAD_AGAIN = timedelta(minutes=5)
"""Intake first: how soon a close is looked at again while mail waits unread."""
UNDELIVERED_AGAIN = timedelta(hours=1)
"""How soon a close is looked at again while its warning is still in the outbox."""
LATE = timedelta(minutes=10)
"""A warning later than this was held up (an outage, unread mail); the close then moves on, so that its notice
is whole. A daemon that rings some seconds late must not move a promised moment."""


def decide_due(facts: Facts, case: Case, timer: Timer, now: datetime) -> Decision:
    """What the timer means for the case as it is now."""
    return _BRANCHES[timer](facts, Draft(case, facts.policy, now))


def _stale(draft: Draft, why: str) -> Decision:
    return Decision("stale", why, (), draft.case.id)


def _postponed(draft: Draft, timer: Timer, until: datetime, why: str) -> Decision:
    draft.timer(timer, until)
    return draft.decision("postponed", why)


def _key(instant: datetime | None) -> str:
    """An instant as part of a key: the same whatever its offset."""
    return instant.astimezone(UTC).isoformat() if instant else ""


# --- the answer that we owe -------------------------------------------------------------------------------


def _owed(case: Case) -> bool:
    return case.status is not Status.CLOSED and case.deadline_state is DeadlineState.PENDING


def _deadline_warning(facts: Facts, draft: Draft) -> Decision:
    case, now = draft.case, draft.now
    if not _owed(case) or case.respond_by is None or case.warn_at is None:
        return _stale(draft, "no answer is owed")
    if now >= case.respond_by:
        return _stale(draft, "the deadline itself has passed: a warning would come too late")
    if now < case.warn_at:
        return _postponed(draft, Timer.DEADLINE_WARNING, case.warn_at, "the warning is due later")
    data = {"respond_by": case.respond_by.isoformat()}
    draft.tell_staff(
        facts,
        "deadline_warning",
        f"deadline_warning:{_key(case.respond_by)}",
        event="deadline_warning",
        event_data=data,
    )
    return draft.decision("done", "an answer is due soon")


def _deadline(facts: Facts, draft: Draft) -> Decision:
    case, now = draft.case, draft.now
    if not _owed(case) or case.respond_by is None:
        return _stale(draft, "no answer is owed")
    if now < case.respond_by:
        return _postponed(draft, Timer.DEADLINE, case.respond_by, "the deadline is later")
    due = _key(case.respond_by)
    draft.change(deadline_state=DeadlineState.MISSED)
    draft.timer(Timer.DEADLINE_WARNING, None)
    data = {"respond_by": case.respond_by.isoformat()}
    draft.tell_staff(
        facts, "deadline_missed", f"deadline_missed:{due}", event="deadline_missed", event_data=data
    )
    if facts.policy.escalate_when_missed:
        draft.escalate(facts, "the deadline was missed", f"escalation:deadline:{due}")
    return draft.decision("done", "the deadline was missed")


def _status_update(facts: Facts, draft: Draft) -> Decision:
    case, now = draft.case, draft.now
    if case.status is Status.CLOSED or case.update_due_at is None:
        return _stale(draft, "no status update is owed")
    if now < case.update_due_at:
        return _postponed(draft, Timer.STATUS_UPDATE, case.update_due_at, "the status update is due later")
    due = case.update_due_at
    draft.change(update_due_at=None)  # where the policy promises none any more, nothing is owed
    draft.owe_update(now)
    if case.status is Status.WAITING:
        return draft.decision("postponed", "the case waits on the customer: no update is owed meanwhile")
    draft.tell_staff(
        facts,
        "status_update_due",
        f"status_update_due:{_key(due)}",
        event="status_update_due",
        event_data={"due_at": due.isoformat()},
    )
    return draft.decision("done", "the customer is owed word of how it stands")


# --- silence ----------------------------------------------------------------------------------------------


def _silent(case: Case) -> bool:
    return case.status is Status.WAITING and not case.held and case.auto_close_at is not None


def _auto_close_warning(facts: Facts, draft: Draft) -> Decision:
    case, rule = draft.case, facts.policy.auto_close
    if not _silent(case) or case.auto_close_warned_at is not None:
        return _stale(draft, "no warning is owed: nothing is about to be closed, or it was given")
    if rule is None or rule.warn_before_s is None:
        return _stale(draft, "the policy warns of no close")
    warn_at = _warn_moment(facts.policy, rule, case)
    if draft.now < warn_at:
        return _postponed(draft, Timer.AUTO_CLOSE_WARNING, warn_at, "the warning is due later")
    return _warn(facts, draft, rule, Timer.AUTO_CLOSE_WARNING)


def _warn(facts: Facts, draft: Draft, rule: AutoClose, timer: Timer) -> Decision:
    """Tell the customer, with the whole notice before the close, however late we are."""
    if facts.unread_mail:
        return _postponed(draft, timer, draft.now + UNREAD_AGAIN, "mail is waiting that was not read yet")
    close_at = _close_moment(facts.policy, rule, draft)
    draft.change(auto_close_at=close_at, auto_close_warned_at=draft.now)
    case = draft.case
    once = f"auto_close_warning:{_key(case.last_staff_at)}:{_key(case.released_at)}"
    data = {"auto_close_at": close_at.isoformat()}
    if not draft.send_timed(facts, "auto_close_warning", once, "auto_close_warning", event_data=data):
        return _do_not_close(facts, draft, "the customer cannot be warned")
    draft.timer(Timer.AUTO_CLOSE_WARNING, None)
    draft.timer(Timer.AUTO_CLOSE, close_at)
    return draft.decision("done", "the customer is told that the case will close")


def _warn_moment(policy: Policy, rule: AutoClose, case: Case) -> datetime:
    """When the warning of this case's close is due, counted back from the close as it was promised."""
    assert case.auto_close_at is not None
    assert rule.warn_before_s is not None
    if not rule.working:
        return case.auto_close_at - timedelta(seconds=rule.warn_before_s)
    since = case.last_staff_at or case.created_at
    return subtract_working(policy.calendars[policy.calendar], case.auto_close_at, rule.warn_before_s, since)


def _close_moment(policy: Policy, rule: AutoClose, draft: Draft) -> datetime:
    """The promised close; later where the warning comes so late that its notice would be cut short."""
    promised = draft.case.auto_close_at
    assert promised is not None
    assert rule.warn_before_s is not None
    if draft.now <= _warn_moment(policy, rule, draft.case) + LATE:
        return promised
    return max(promised, _notice_from(policy, rule, draft.now))


def _notice_from(policy: Policy, rule: AutoClose, at: datetime) -> datetime:
    """The end of a whole notice that begins at this moment."""
    notice_s = rule.warn_before_s or 0
    if not rule.working:
        return at + timedelta(seconds=notice_s)
    return add_working(policy.calendars[policy.calendar], at, notice_s)


def _auto_close(facts: Facts, draft: Draft) -> Decision:
    case, now, rule = draft.case, draft.now, facts.policy.auto_close
    if not _silent(case) or case.auto_close_at is None:
        return _stale(draft, "the case does not wait on the customer, or is held")
    if rule is not None and rule.warn_before_s is not None and _not_told(case, now):
        return _wait_for_warning(draft, rule)
    if now < case.auto_close_at:
        return _postponed(draft, Timer.AUTO_CLOSE, case.auto_close_at, "the close is due later")
    if rule is None:
        draft.stop_silence()
        return draft.decision("stale", "the policy closes no case by silence any more")
    if facts.unread_mail:
        why = "mail is waiting that was not read yet"
        return _postponed(draft, Timer.AUTO_CLOSE, now + UNREAD_AGAIN, why)
    if rule.warn_before_s is not None:
        if case.auto_close_warned_at is None:
            return _warn(facts, draft, rule, Timer.AUTO_CLOSE)
        if case.warning_state in ("dead", "dropped"):
            return _do_not_close(facts, draft, "the warning could not be delivered")
    return _close(facts, draft, rule)


def _not_told(case: Case, now: datetime) -> bool:
    """Whether the warning is still in the outbox when its case should close, or when it should have left."""
    warned, due = case.auto_close_warned_at, case.auto_close_at
    if warned is None or due is None or case.warning_state not in ("waiting", "sending"):
        return False
    return now >= due or now > warned + LATE


def _wait_for_warning(draft: Draft, rule: AutoClose) -> Decision:
    """The close moves on with each look, so that the notice is whole once the warning has left."""
    promised = draft.case.auto_close_at
    assert promised is not None
    draft.change(auto_close_at=max(promised, _notice_from(draft.policy, rule, draft.now)))
    why = "the warning has not left the outbox: the customer was not told yet"
    return _postponed(draft, Timer.AUTO_CLOSE, draft.now + UNDELIVERED_AGAIN, why)


def _close(facts: Facts, draft: Draft, rule: AutoClose) -> Decision:
    once = f"auto_close:{_key(draft.case.auto_close_at)}"
    reason = f"no answer for {silence_in_words(rule)}"
    draft.close(reason, event="auto_closed")
    draft.send_timed(facts, "auto_close", once, "")
    return draft.decision("done", reason)


def _do_not_close(facts: Facts, draft: Draft, why: str) -> Decision:
    """Nobody is closed who could not be told: staff decide. Once, as the silence is no longer counted."""
    due = _key(draft.case.auto_close_at)
    draft.stop_silence()
    draft.record("auto_close_stopped", reason=why)
    draft.tell_staff(facts, "staff_notice", f"auto_close_stopped:{due}", why=f"not closed by silence: {why}")
    return draft.decision("done", f"not closed: {why}")


# --- hold -------------------------------------------------------------------------------------------------


def _release(_facts: Facts, draft: Draft) -> Decision:
    case, now = draft.case, draft.now
    if not case.held or case.hold_until is None or case.status is Status.CLOSED:
        return _stale(draft, "the case is not held until a date")
    if now < case.hold_until:
        return _postponed(draft, Timer.RELEASE, case.hold_until, "the hold ends later")
    draft.hold_ends("the date has come")
    return draft.decision("done", "the hold is over")


_BRANCHES: dict[Timer, Callable[[Facts, Draft], Decision]] = {
    Timer.DEADLINE_WARNING: _deadline_warning,
    Timer.DEADLINE: _deadline,
    Timer.STATUS_UPDATE: _status_update,
    Timer.AUTO_CLOSE_WARNING: _auto_close_warning,
    Timer.AUTO_CLOSE: _auto_close,
    Timer.RELEASE: _release,
}
