"""A decision in the making: the case as it will be, and the effects that make it so.

Local to one decide function and never shared; what leaves is the frozen Decision.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from mailbridge.model.case import Case, DeadlineState, Status, Timer
from mailbridge.model.decision import (
    AddEntry,
    ChangeCase,
    Decision,
    Effect,
    Facts,
    OpenCase,
    Record,
    Send,
    SetTimer,
)
from mailbridge.model.policy import Policy, TargetKind
from mailbridge.policy.govern import address_refusal, over_limits, refusal
from mailbridge.policy.people import people_of, title_of
from mailbridge.policy.targets import fitted, has_target, promise, promise_data, silence_due
from mailbridge.policy.values import zone_of


class Draft:
    """Collects effects on one case; `case` always shows the state after them."""

    def __init__(self, case: Case, policy: Policy, now: datetime) -> None:
        self.case = case
        self.policy = policy
        self.now = now
        self.effects: list[Effect] = []
        self._fit()

    def _fit(self) -> None:
        """A case of another policy goes on under this one; the promise that was made stays as it is."""
        case = self.case
        plan, severity = fitted(self.policy, case.plan, case.severity)
        if (plan, severity) == (case.plan, case.severity):
            return
        self.change(plan=plan, severity=severity)
        self.record("policy_changed", policy=self.policy.name, plan_was=case.plan, severity_was=case.severity)

    # --- the small steps ---------------------------------------------------------------------------------

    def add(self, effect: Effect) -> None:
        self.effects.append(effect)

    def change(self, **changes: Any) -> None:
        self.case = replace(self.case, **changes)
        self.add(ChangeCase(self.case.id, changes))

    def record(self, event: str, **data: Any) -> None:
        self.add(Record(self.case.id, event, data))

    def timer(self, timer: Timer, due_at: datetime | None) -> None:
        self.add(SetTimer(self.case.id, timer, due_at))

    def entry(self, direction: str, author: str, text: str, **values: Any) -> None:
        self.add(AddEntry(self.case.id, direction, author, text, **values))

    def opened(self, opened: OpenCase) -> Draft:
        """This draft opens its case, before anything else is done to it."""
        self.effects.insert(0, opened)
        return self

    def add_message(self, author: str, text: str, values: dict[str, Any], *, kind: str) -> None:
        """A message of the customer, and what the case remembers of it for our answers' headers."""
        self.entry("in", author, text, kind=kind, **values)
        references = tuple(
            dict.fromkeys((*self.case.references, *values["references"], values["message_ref"]))
        )
        self.change(
            last_customer_at=self.now,
            last_message_id=values["message_ref"] or self.case.last_message_id,
            references=tuple(ref for ref in references if ref)[-30:],
        )

    def send(self, kind: str, to: tuple[str, ...], once: str, **values: Any) -> None:
        self.add(Send(self.case.id, kind, to, once, **values))

    def send_customer(
        self, facts: Facts, kind: str, once: str, event: str = "", to: str = "", **data: Any
    ) -> bool:
        """An automatic notice, to the requester if to nobody else, if the governor lets it; else the refusal
        is recorded."""
        to = to or self.case.requester
        if reason := refusal(facts, to):
            limit = {"limit": True} if reason == over_limits(facts, to) else {}
            self.record("suppressed", notice=kind, to=to, reason=reason, **limit)
            return False
        self.send(kind, (to,), once, data=_in_his_zone(facts, data), event=event)
        return True

    def send_timed(self, facts: Facts, kind: str, once: str, event: str, **data: Any) -> bool:
        """A notice that no message triggered: only the address can forbid it, or that a machine reads
        there.
        """
        machine = "" if facts.classification.may_answer else facts.classification.no_answer
        if reason := address_refusal(facts, self.case.requester) or machine:
            self.record("suppressed", notice=kind, to=self.case.requester, reason=reason)
            return False
        self.send(kind, (self.case.requester,), once, data=_in_his_zone(facts, data), event=event)
        return True

    def tell_staff(self, facts: Facts, kind: str, once: str, event: str = "", **data: Any) -> None:
        """A notice to the one assigned, else to all staff."""
        to = (self.case.assigned_to,) if self.case.assigned_to else facts.site.staff
        if to:
            self.send(kind, to, once, data=data, event=event)
        elif event:
            self.record(event, **data)

    def decision(self, outcome: str, reason: str, rules: tuple[str, ...] = ()) -> Decision:
        return Decision(outcome, reason, tuple(self.effects), self.case.id, rules)

    # --- what is owed --------------------------------------------------------------------------------------

    def owe_answer(self, kind: TargetKind, received_at: datetime, *, told: bool = True) -> None:
        """The deadline for the earliest unanswered message; a second message does not move it."""
        if self.case.awaiting_since is not None:
            return
        self.change(awaiting_since=received_at)
        self._set_promise(kind, received_at, told=told)

    def renew_promise(self) -> None:
        """Count the pending promise anew from the original arrival (another severity or plan)."""
        if self.case.awaiting_since is None or self.case.deadline_state is DeadlineState.MET:
            return
        kind = TargetKind(self.case.deadline_kind or TargetKind.FIRST)
        self._set_promise(kind, self.case.awaiting_since, told=True)

    def _set_promise(self, kind: TargetKind, received_at: datetime, *, told: bool) -> None:
        case = self.case
        if not has_target(self.policy, plan=case.plan, severity=case.severity, kind=kind):
            self._no_promise(kind)
            return
        made = promise(
            self.policy, plan=case.plan, severity=case.severity, kind=kind, received_at=received_at
        )
        self.change(
            deadline_kind=kind.value,
            deadline_state=DeadlineState.PENDING,
            respond_by=made.respond_by,
            warn_at=made.warn_at,
            policy=self.policy.name,
            policy_version=self.policy.version,
            proof=promise_data(made),
        )
        self.timer(Timer.DEADLINE_WARNING, made.warn_at)
        self.timer(Timer.DEADLINE, made.respond_by)
        if told:
            self.record(
                "deadline_set",
                kind=kind.value,
                respond_by=made.respond_by.isoformat(),
                warn_at=made.warn_at.isoformat() if made.warn_at else None,
                rule=made.rule,
            )

    def missed_before(self, before: DeadlineState) -> None:
        """What was missed, told and escalated once is on record with its new count, and not told again."""
        due = self.case.respond_by
        if before is DeadlineState.MISSED and due is not None and due <= self.now:
            self.change(deadline_state=DeadlineState.MISSED)
            self._stop_deadline_timers()

    def _no_promise(self, kind: TargetKind) -> None:
        # the kind stays: another severity later must not turn a further message into a first one
        self.change(
            deadline_kind=kind.value,
            deadline_state=DeadlineState.NONE,
            respond_by=None,
            warn_at=None,
            proof={},
        )
        self.timer(Timer.DEADLINE_WARNING, None)
        self.timer(Timer.DEADLINE, None)

    def acknowledged(self) -> None:
        """The acknowledgement went out; where the policy says so it is the first answer (tekstack)."""
        if self.policy.acknowledgement_counts and self.case.deadline_state is DeadlineState.PENDING:
            self.change(deadline_state=self._kept("acknowledgement"))
            self._stop_deadline_timers()
            self.owe_update(self.now)

    def _kept(self, by: str) -> DeadlineState:
        """Whether the pending promise was kept by an answer of now; on record either way.

        Its own timer may not have rung: after an outage messages are worked off first. Nobody is told of a
        deadline that is over and answered.
        """
        due = self.case.respond_by
        if due is not None and self.now > due:
            self.record("deadline_missed", respond_by=due.isoformat(), by=by)
            return DeadlineState.MISSED
        self.record("deadline_met", by=by)
        return DeadlineState.MET

    def owe_update(self, since: datetime) -> None:
        """The next status update, where the policy promises them."""
        case = self.case
        if not has_target(self.policy, plan=case.plan, severity=case.severity, kind=TargetKind.UPDATE):
            return
        made = promise(
            self.policy, plan=case.plan, severity=case.severity, kind=TargetKind.UPDATE, received_at=since
        )
        self.change(update_due_at=made.respond_by)
        self.timer(Timer.STATUS_UPDATE, made.respond_by)

    def answered(self) -> None:
        """A staff answer ends the deadline and starts the customer's silence."""
        state = self.case.deadline_state
        if state is DeadlineState.PENDING:
            state = self._kept("staff answer")
        missed = state is DeadlineState.MISSED
        self.change(
            awaiting_since=None,
            deadline_state=DeadlineState.MISSED if missed else DeadlineState.MET,
            respond_by=None,
            warn_at=None,
            last_staff_at=self.now,
            status=Status.WAITING,
        )
        self._stop_deadline_timers()
        self.owe_update(self.now)
        self.start_silence()

    def _stop_deadline_timers(self) -> None:
        self.timer(Timer.DEADLINE_WARNING, None)
        self.timer(Timer.DEADLINE, None)

    # --- silence -------------------------------------------------------------------------------------------

    def start_silence(self) -> None:
        """Count the customer's silence from the last staff message, unless held; the warning comes first.

        After a hold or an outage the moment of the warning may be past: then it goes out now and the close
        keeps its distance, so that nobody is closed without having been told.
        """
        case = self.case
        if self.policy.auto_close is None or case.status is not Status.WAITING or case.held:
            return
        if case.last_staff_at is None:
            return
        due = silence_due(self.policy, case.last_staff_at)
        if due is None:
            return
        warn_at, close_at = due
        if warn_at is not None and warn_at < self.now:
            close_at = max(close_at, self.now + (close_at - warn_at))
            warn_at = self.now
        self.change(auto_close_at=max(close_at, self.now), auto_close_warned_at=None, warning_key="")
        self.timer(Timer.AUTO_CLOSE_WARNING, warn_at)
        self.timer(Timer.AUTO_CLOSE, self.case.auto_close_at)

    def stop_silence(self) -> None:
        if self.case.auto_close_at is not None:
            self.change(auto_close_at=None, auto_close_warned_at=None, warning_key="")
        self.timer(Timer.AUTO_CLOSE_WARNING, None)
        self.timer(Timer.AUTO_CLOSE, None)

    def close(self, reason: str, event: str = "closed") -> None:
        """Close; every timer of the case ends."""
        self.change(
            status=Status.CLOSED,
            closed_at=self.now,
            close_reason=reason,
            awaiting_since=None,
            deadline_state=DeadlineState.NONE,
            respond_by=None,
            warn_at=None,
            update_due_at=None,
            held=False,
            hold_until=None,
        )
        self.stop_silence()
        for timer in (Timer.DEADLINE, Timer.DEADLINE_WARNING, Timer.STATUS_UPDATE, Timer.RELEASE):
            self.timer(timer, None)
        self.record(event, reason=reason)

    def reopen(self, why: str) -> None:
        self.change(status=Status.OPEN, closed_at=None, close_reason="")
        self.record("reopened", reason=why)
        self.owe_update(self.now)

    def hold_ends(self, why: str) -> None:
        self.change(held=False, hold_until=None, released_at=self.now)
        self.timer(Timer.RELEASE, None)
        self.record("released", reason=why)
        self.start_silence()

    def escalate(self, facts: Facts, why: str, once: str, **data: Any) -> None:
        """Raise by one level, to the policy's highest, and tell that level's people."""
        highest = max((level.number for level in self.policy.levels), default=1)
        level = min(self.case.escalation_level + 1, highest)
        self.change(escalation_level=level)
        title = title_of(self.policy, level)
        to, who = people_of(self.policy, level, facts.site.staff, facts.site.own.addresses)
        self.record("escalated", level=level, title=title, reason=why, told=who or "nobody")
        if to:
            self.send(
                "escalation",
                to,
                once,
                data={"escalation": {"level": level, "title": title, "reason": why}, **data},
            )


def _in_his_zone(facts: Facts, data: dict[str, Any]) -> dict[str, Any]:
    """The data of a notice, with the zone of the customer's account, in which it tells its moments too."""
    zone = zone_of(facts.account.zone) if facts.account else None
    return {"zone": zone.key, **data} if zone else data
