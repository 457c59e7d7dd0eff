"""Cases and facts for tests of due moments and commands: a site with two of staff, the shipped policies."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from mailbridge.model.case import Case, Channel, DeadlineState, Status
from mailbridge.model.decision import ChangeCase, Decision, Facts, Record, Send, SetTimer, Site
from mailbridge.model.message import Classification, Kind
from mailbridge.model.own import Own
from mailbridge.policy.library import load_policy

T0 = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # a Monday, 9 AM Pacific
HOUR = timedelta(hours=1)
_E = TypeVar("_E")


def facts(policy: str = "mekorma", **values: Any) -> Facts:
    own = Own(
        addresses=frozenset({"support@desk.example", "up@desk.example"}),
        escalation=frozenset({"up@desk.example"}),
        staff=frozenset({"ann@desk.example", "bob@desk.example"}),
    )
    staff = ("ann@desk.example", "bob@desk.example")
    site = Site(own, "Desk", "support@desk.example", "up@desk.example", staff)
    known = Facts(site, load_policy(policy), Classification(Kind.HUMAN, "none", "no message"))
    return replace(known, **values)


def case(**values: Any) -> Case:
    """An open case whose first answer is due at 3 PM Pacific on the day it came."""
    plain = Case(
        id=7,
        number=1042,
        version=3,
        subject="Checks do not print",
        status=Status.OPEN,
        channel=Channel.EMAIL,
        severity="minimal",
        plan="subscription",
        requester="kim@customer.example",
        requester_name="Kim",
        created_at=T0,
        participants=("kim@customer.example",),
        awaiting_since=T0,
        deadline_kind="first",
        deadline_state=DeadlineState.PENDING,
        respond_by=T0 + 6 * HOUR,
        warn_at=T0 + 5 * HOUR,
    )
    return replace(plain, **values)


def waiting(**values: Any) -> Case:
    """Staff answered at T0: mekorma closes 48 hours later and warns 24 hours before."""
    quiet: dict[str, Any] = {
        "status": Status.WAITING,
        "awaiting_since": None,
        "deadline_state": DeadlineState.MET,
        "respond_by": None,
        "warn_at": None,
        "last_staff_at": T0,
        "auto_close_at": T0 + 48 * HOUR,
    }
    return case(**(quiet | values))


def of(decision: Decision, kind: type[_E]) -> list[_E]:
    return [effect for effect in decision.effects if isinstance(effect, kind)]


def sent(decision: Decision) -> list[str]:
    return [effect.kind for effect in of(decision, Send)]


def events(decision: Decision) -> list[str]:
    """Events recorded by themselves or with a notice, in order."""
    names = [e.event for e in decision.effects if isinstance(e, (Record, Send))]
    return [name for name in names if name]


def after(decision: Decision, before: Case) -> Case:
    """The case with the decision's changes."""
    for effect in of(decision, ChangeCase):
        if effect.case == before.id:
            before = replace(before, **effect.changes)
    return before


def timers(decision: Decision) -> dict[str, datetime | None]:
    return {effect.timer.value: effect.due_at for effect in of(decision, SetTimer)}
