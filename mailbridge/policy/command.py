"""What staff do with a case, as decisions: answer, note, close, reopen, hold, release, severity, escalate,
merge, assign.

Pure, one function a verb: `(facts, case, now, *, author, ...) -> Decision`. author is the address of the
staff member and stands, with the reason, on every event of the decision. Opening and splitting are in
policy.command_open.

Keys of notices end in the case's version: a decision that is made again after a clash makes a new key, and
one that was applied has raised the version, so that no notice is written twice and none is swallowed.

A case in the wrong state raises Permanent: one sentence that says what would be right.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

from mailbridge.errors import Permanent
from mailbridge.model.case import Case, DeadlineState, Status, Timer
from mailbridge.model.decision import Decision, Facts, Merge, Record
from mailbridge.model.policy import Policy, TargetKind
from mailbridge.policy.calendars import checked, next_opening
from mailbridge.policy.decide import staff_answer
from mailbridge.policy.draft import Draft
from mailbridge.policy.targets import cell, fitted, has_target

MAX_TEXT = 200_000
"""Characters of an answer or note; more is a file, not a text."""


# --- words -------------------------------------------------------------------------------------------------


def reply(facts: Facts, case: Case, now: datetime, *, author: str, text: str) -> Decision:
    """Send staff's answer to the customer, end the deadline, wait for the customer.

    A closed case opens again by it; facts.attachments go along.
    """
    _not_merged(case)
    draft = Draft(case, facts.policy, now)
    text = _text(text, "answer")
    staff_answer(draft, facts, author, text, once=f"staff_answer:shell:v{case.version}")
    return signed(draft.decision("answered", "staff answered"), author)


def note(facts: Facts, case: Case, now: datetime, *, author: str, text: str) -> Decision:
    """A note that only staff see. Changes nothing else; any case takes one."""
    draft = Draft(case, facts.policy, now)
    draft.entry("note", author, _text(text, "note"), kind="staff", event="note_added", participant=False)
    return draft.decision("noted", "a note of staff")


# --- states ------------------------------------------------------------------------------------------------


def close(
    facts: Facts, case: Case, now: datetime, *, author: str, reason: str = "", notify: bool = False
) -> Decision:
    """Close; notify tells the customer."""
    _not_merged(case)
    if case.status is Status.CLOSED:
        raise Permanent(f"case {case.number} is closed already")
    draft = Draft(case, facts.policy, now)
    draft.close(reason or "closed by staff")
    if notify:
        draft.send_timed(facts, "closed", f"closed:v{case.version}", "", note=reason)
    return signed(draft.decision("closed", reason or "closed by staff"), author)


def reopen(facts: Facts, case: Case, now: datetime, *, author: str, reason: str = "") -> Decision:
    """Open a closed case again: support owes an answer, counted from now."""
    _not_merged(case)
    if case.status is not Status.CLOSED:
        raise Permanent(f"case {case.number} is {case.status.value}, not closed: there is nothing to reopen")
    draft = Draft(case, facts.policy, now)
    draft.reopen(reason or "reopened by staff")
    draft.owe_answer(TargetKind.NEXT if case.last_staff_at else TargetKind.FIRST, now)
    return signed(draft.decision("reopened", reason or "reopened by staff"), author)


def hold(
    facts: Facts,
    case: Case,
    now: datetime,
    *,
    author: str,
    until: datetime | None = None,
    reason: str = "",
) -> Decision:
    """Keep the case from closing by silence, until an instant or until it is released.

    The deadline of an answer that is owed runs on: a hold is no way out of a promise.
    """
    _alive(case)
    if until is not None and until <= now:
        raise Permanent(f"{until.isoformat()} has passed: a hold ends in the future")
    draft = Draft(case, facts.policy, now)
    draft.change(held=True, hold_until=until)
    draft.stop_silence()
    draft.timer(Timer.RELEASE, until)
    draft.record("held", until=until.astimezone(UTC).isoformat() if until else None, reason=reason)
    return signed(draft.decision("held", reason or "held by staff"), author)


def release(facts: Facts, case: Case, now: datetime, *, author: str, reason: str = "") -> Decision:
    """End a hold; the customer's silence counts again from the last staff message."""
    _alive(case)
    if not case.held:
        raise Permanent(f"case {case.number} is not on hold")
    draft = Draft(case, facts.policy, now)
    draft.hold_ends(reason or "released by staff")
    return signed(draft.decision("released", reason or "released by staff"), author)


# --- promises ----------------------------------------------------------------------------------------------


def severity(
    facts: Facts,
    case: Case,
    now: datetime,
    *,
    author: str,
    severity: str = "",
    plan: str = "",
    reason: str = "",
) -> Decision:
    """Another severity, or plan, or both; the deadline is counted anew from the original arrival.

    Raises NotFound for a name that the policy does not know, saying which it knows.
    """
    _alive(case)
    old_plan, old_severity = fitted(facts.policy, case.plan, case.severity)
    new_plan, new_severity = cell(facts.policy, plan or old_plan, severity or old_severity)
    if (new_plan, new_severity) == (case.plan, case.severity):
        return Decision("unchanged", f"it is {new_severity} on plan {new_plan} already", (), case.id)
    draft = Draft(case, facts.policy, now)
    draft.change(plan=new_plan, severity=new_severity)
    draft.record(
        "severity_changed",
        **{"from": case.severity, "to": new_severity, "plan_from": case.plan, "plan_to": new_plan},
        reason=reason,
    )
    _renew(draft)
    return signed(draft.decision("changed", f"{new_severity} on plan {new_plan}"), author)


def _renew(draft: Draft) -> None:
    before = draft.case.deadline_state
    draft.renew_promise()
    draft.missed_before(before)
    case = draft.case
    if not has_target(draft.policy, case.plan, case.severity, TargetKind.UPDATE):
        draft.change(update_due_at=None)
        draft.timer(Timer.STATUS_UPDATE, None)
    elif case.last_staff_at is not None or case.deadline_state is DeadlineState.MET:
        draft.owe_update(case.last_staff_at or case.created_at)


def escalate(facts: Facts, case: Case, now: datetime, *, author: str, reason: str = "") -> Decision:
    """Raise by one level, to the policy's highest, and tell that level's people with the history."""
    _alive(case)
    draft = Draft(case, facts.policy, now)
    draft.escalate(facts, reason or f"escalated by {author}", f"escalation:shell:v{case.version}")
    return signed(draft.decision("escalated", reason or "escalated by staff"), author)


def assign(facts: Facts, case: Case, now: datetime, *, author: str, address: str) -> Decision:
    """Give the case to one of the staff, or with "" to nobody. He is told, unless he took it himself."""
    _alive(case)
    address = address.strip().lower()
    if address and address not in facts.site.own.staff:
        known = ", ".join(sorted(facts.site.own.staff)) or "none"
        raise Permanent(f"{address} is not of the staff; [site] staff names {known}")
    draft = Draft(case, facts.policy, now)
    draft.change(assigned_to=address)
    draft.record("assigned", **{"from": case.assigned_to, "to": address})
    if address and address != author.lower():
        draft.send(
            "staff_notice",
            (address,),
            f"assigned:v{case.version}",
            data={"why": f"{author} gave this case to you"},
        )
    return signed(draft.decision("assigned", address or "nobody"), author)


# --- two cases ---------------------------------------------------------------------------------------------


def merge(
    facts: Facts,
    case: Case,
    now: datetime,
    *,
    author: str,
    target: Case,
    reason: str = "",
    message: int | None = None,
    machine: bool = False,
) -> Decision:
    """case becomes part of target: its threads, people and number answer for target from now on.

    What support owes on case it now owes on target: the earliest unanswered message keeps its deadline.
    message: one that moves along. machine: only machines wrote on target,
    so that a person's case brings its requester along.
    """
    _mergeable(case, target)
    source, goal = Draft(case, facts.policy, now), Draft(target, facts.policy, now)
    why = f": {reason}" if reason else ""
    _say(source, author, f"Merged into case {target.number}{why}")
    _say(goal, author, f"Case {case.number} ({case.subject}) was merged into this one{why}")
    _carry_promise(case, goal)
    goal.record("merged_from", number=case.number, reason=reason)
    if case.escalation_level > target.escalation_level:
        goal.change(escalation_level=case.escalation_level)
    if machine and facts.classification.may_answer:
        goal.change(requester=case.requester, requester_name=case.requester_name)
    source.change(duplicate_of=target.number)
    source.close(f"merged into case {target.number}", event="merged")
    effects = (Merge(case.id, target.id, message), *source.effects, *goal.effects)
    decision = Decision(
        "merged", f"into case {target.number}", effects, case.id, versions={target.id: target.version}
    )
    return signed(decision, author)


def _say(draft: Draft, author: str, text: str) -> None:
    draft.entry("note", author, text, kind="merge", event="note_added", participant=False)


def _mergeable(case: Case, target: Case) -> None:
    _not_merged(case)
    _not_merged(target)
    if case.id == target.id:
        raise Permanent(f"case {case.number} cannot be merged into itself")
    if target.status is Status.CLOSED and case.status is not Status.CLOSED:
        raise Permanent(f"case {target.number} is closed: reopen it first, or merge it into {case.number}")


def _carry_promise(case: Case, goal: Draft) -> None:
    since = case.awaiting_since
    if case.status is not Status.OPEN or since is None:
        return
    goal.stop_silence()
    goal.change(status=Status.OPEN)
    if goal.case.awaiting_since is None:
        # from the arrival at the source case: moving a message to another case buys no time
        goal.owe_answer(TargetKind.NEXT if goal.case.last_staff_at else TargetKind.FIRST, since)
        goal.missed_before(case.deadline_state)
    elif since < goal.case.awaiting_since:
        before = goal.case.deadline_state
        goal.change(awaiting_since=since)
        goal.renew_promise()
        goal.missed_before(before)


# --- shared ------------------------------------------------------------------------------------------------


def signed(decision: Decision, author: str) -> Decision:
    """The decision with its author on every event."""
    effects = tuple(
        replace(effect, data={**effect.data, "author": author}) if isinstance(effect, Record) else effect
        for effect in decision.effects
    )
    return replace(decision, effects=effects)


def _not_merged(case: Case) -> None:
    if case.duplicate_of is not None:
        raise Permanent(f"case {case.number} was merged into case {case.duplicate_of}: work on that one")


def _alive(case: Case) -> None:
    _not_merged(case)
    if case.status is Status.CLOSED:
        raise Permanent(f"case {case.number} is closed: reopen it first")


def _text(text: str, what: str) -> str:
    if not text.strip():
        raise Permanent(f"the {what} has no text")
    if len(text) > MAX_TEXT:
        raise Permanent(f"the {what} has {len(text)} characters; at most {MAX_TEXT} are taken")
    return text.strip("\r\n")


def hold_until(policy: Policy, text: str) -> datetime:
    """The end of a hold as staff write it: an instant with offset, or a date.

    A date means the first opening of the policy's calendar on that day or after it: a case held until a
    holiday comes back when somebody is there. Raises Permanent for anything else.
    """
    calendar = policy.calendars[policy.calendar]
    try:
        if len(text.strip()) == 10:
            day = date.fromisoformat(text.strip())
            return next_opening(calendar, datetime.combine(day, time(), calendar.zone).astimezone(UTC))
        found = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise Permanent(f"{text[:40]!r} is no date; write 2026-12-01 or 2026-12-01T09:00:00-08:00") from None
    if found.tzinfo is None:
        raise Permanent(f"{text!r} has no offset from UTC; write it like 2026-12-01T09:00:00-08:00")
    return checked(found)
