"""Promises: a policy's target applied to the moment a message came, with the proof of the count.

Promises: what docs/policies.md says of targets, to the second. `6 working hours` counts open time from
arrival or the next opening, and a count that ends at closing stays there; `12 hours` is elapsed; `1 business
day` is the same wall-clock time on the next business day, at most its closing; `same day` is the closing of
the business day of arrival; of a range the first figure warns and the second is the limit. Pure: equal
arguments, equal promise.

Fails: NotFound, naming what there is, for a plan, a severity or a target that the policy does not have;
Permanent for a naive time or a calendar that never opens again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain

from mailbridge.errors import NotFound
from mailbridge.model.policy import Calendar, Policy, Promise, Target, TargetKind, Unit
from mailbridge.policy import calendars

ProofRow = tuple[datetime, datetime, int, str]
Pause = tuple[datetime, datetime]
_ZERO = timedelta()
_FAR = datetime(9990, 1, 1, tzinfo=UTC)
_MOST_NAMED = 10
_KIND_NAMES = {
    TargetKind.FIRST: "first answer",
    TargetKind.NEXT: "next answer",
    TargetKind.UPDATE: "status update",
}


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A piece of time that is counted, or not, and why. UTC."""

    start: datetime
    end: datetime
    counted: bool
    why: str


@dataclass(frozen=True, slots=True)
class _Due:
    opens_at: datetime
    respond_by: datetime
    proof: tuple[_Stretch, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """A _Due on the zone's clock."""

    opens_at: datetime
    respond_by: datetime
    proof: tuple[ProofRow, ...]


def cell(policy: Policy, plan: str | None = None, severity: str | None = None) -> tuple[str, str]:
    """(plan, severity) by name in any case, None for the policy's default plan and its e-mail severity.

    Raises NotFound, naming the plans or severities that there are.
    """
    plans = [known.name for known in policy.plans]
    severities = [known.name for known in policy.severities]
    wanted_plan = (plan or policy.default_plan).strip().lower()
    wanted_severity = (severity or policy.mail_severity).strip().lower()
    if wanted_plan not in plans:
        raise NotFound(f"the policy {policy.name} has no plan {plan!r}; it has {', '.join(plans)}")
    if wanted_severity not in severities:
        raise NotFound(
            f"the policy {policy.name} has no severity {severity!r}; it has {', '.join(severities)}"
        )
    return wanted_plan, wanted_severity


def fitted(policy: Policy, plan: str, severity: str) -> tuple[str, str]:
    """(plan, severity) as this policy knows them: the unknown becomes its default plan and e-mail severity.

    For cases opened under another policy or an older version of it; people who name one are told instead.
    """
    known_plan = any(known.name == plan for known in policy.plans)
    known_severity = any(known.name == severity for known in policy.severities)
    return plan if known_plan else policy.default_plan, severity if known_severity else policy.mail_severity


def has_target(policy: Policy, plan: str | None, severity: str | None, kind: TargetKind) -> bool:
    """Whether the policy promises anything of this kind for the cell."""
    return (*cell(policy, plan, severity), kind) in policy.targets


def target_of(policy: Policy, plan: str | None, severity: str | None, kind: TargetKind) -> Target:
    """The promised duration of a cell. Raises NotFound where nothing is promised, saying what is."""
    at = cell(policy, plan, severity)
    found = policy.targets.get((*at, kind))
    if found is None:
        there = [str(other) for other in TargetKind if (*at, other) in policy.targets]
        raise NotFound(
            f"the policy {policy.name} promises no {_KIND_NAMES[kind]} for plan {at[0]}, severity {at[1]}; "
            f"it promises {', '.join(there) or 'nothing'}"
        )
    return found


def calendar_of(policy: Policy, plan: str | None = None, severity: str | None = None) -> Calendar:
    """The calendar on which a cell counts: its own, else the severity's, the plan's, the policy's."""
    at = cell(policy, plan, severity)
    of_plan = next(known.calendar for known in policy.plans if known.name == at[0])
    of_severity = next(known.calendar for known in policy.severities if known.name == at[1])
    return policy.calendars[policy.cell_calendars.get(at) or of_severity or of_plan or policy.calendar]


def promise(
    policy: Policy,
    *,
    plan: str | None = None,
    severity: str | None = None,
    kind: TargetKind = TargetKind.FIRST,
    received_at: datetime,
    paused: Sequence[Pause] = (),
) -> Promise:
    """The deadline of a message that came at received_at, with its warning and its proof.

    plan and severity None mean the default plan and the severity of e-mail. paused are stretches that do not
    count: for working and elapsed targets their time is left out, for the other two the deadline moves on by
    the open time in them.
    """
    at = cell(policy, plan, severity)
    target = target_of(policy, *at, kind)
    calendar = calendar_of(policy, *at)
    received = calendars.checked(received_at)
    due, warn_at = _counted(calendar, target, policy.warn_before_s, received, tuple(paused))
    return Promise(
        kind=kind,
        received_at=calendars.local(received, calendar.zone),
        opens_at=due.opens_at,
        respond_by=due.respond_by,
        warn_at=warn_at,
        calendar=calendar.name,
        rule=target.text,
        plan=at[0],
        severity=at[1],
        policy=policy.name,
        policy_version=policy.version,
        proof=due.proof,
    )


@lru_cache(maxsize=1024)
def _counted(
    calendar: Calendar,
    target: Target,
    warn_before_s: int | None,
    received: datetime,
    paused: tuple[Pause, ...],
) -> tuple[_Told, datetime | None]:
    """The count on the zone's clock. Kept: what decides on a message and each notice about it count alike."""
    due = _due(calendar, target, target.amount, received, paused)
    warn_at = _warn_at(warn_before_s, calendar, target, received, due, paused)

    def there(instant: datetime) -> datetime:
        return calendars.local(instant, calendar.zone)

    proof = tuple((there(start), there(end), counted, why) for start, end, counted, why in _rows(due.proof))
    told = _Told(there(due.opens_at), there(due.respond_by), proof)
    return told, None if warn_at is None else there(warn_at)


def update_due(policy: Policy, plan: str, severity: str, last_update_at: datetime) -> datetime | None:
    """When the next status update is due, counted from the last one; None where the policy promises none."""
    if not has_target(policy, plan, severity, TargetKind.UPDATE):
        return None
    return promise(
        policy, plan=plan, severity=severity, kind=TargetKind.UPDATE, received_at=last_update_at
    ).respond_by


def silence_due(policy: Policy, last_staff_at: datetime) -> tuple[datetime | None, datetime]:
    """(warning or None, closing) of a case that waits on the customer since last_staff_at, in UTC.

    Elapsed time, or open time of the policy's calendar where it says working hours; the warning never comes
    before the staff message. Raises NotFound where the policy closes nothing by itself (auto_close is None).
    """
    rule = policy.auto_close
    if rule is None:
        raise NotFound(f"the policy {policy.name} closes no case by silence")
    since = calendars.checked(last_staff_at)
    if not rule.working:
        close_at = since + timedelta(seconds=rule.after_s)
        notice = rule.warn_before_s
        return None if notice is None else max(since, close_at - timedelta(seconds=notice)), close_at
    calendar = policy.calendars[policy.calendar]
    close_at = calendars.add_working(calendar, since, rule.after_s)
    if rule.warn_before_s is None:
        return None, close_at
    return calendars.subtract_working(calendar, close_at, rule.warn_before_s, since), close_at


def promise_data(made: Promise) -> dict[str, object]:
    """The promise as plain data, to keep with the case and to print: times in ISO 8601 with offset."""
    return {
        "respond_by": made.respond_by.isoformat(),
        "warn_at": made.warn_at.isoformat() if made.warn_at else None,
        "opens_at": made.opens_at.isoformat(),
        "calendar": made.calendar,
        "rule": made.rule,
        "kind": made.kind.value,
        "received_at": made.received_at.isoformat(),
        "plan": made.plan,
        "severity": made.severity,
        "policy": made.policy,
        "policy_version": made.policy_version,
        "proof": [
            {"from": start.isoformat(), "to": end.isoformat(), "seconds": counted, "why": why}
            for start, end, counted, why in made.proof
        ],
    }


def _due(
    calendar: Calendar, target: Target, amount: int, received: datetime, paused: Sequence[Pause]
) -> _Due:
    if target.unit is Unit.ELAPSED:
        return _count(_elapsed(received), amount, paused)
    if target.unit is Unit.WORKING:
        return _count(_working(calendar, received), amount, paused)
    return _moved(calendar, _by_day(calendar, target, amount, received), paused)


def _elapsed(received: datetime) -> Iterator[_Stretch]:
    yield _Stretch(received, _FAR, True, "elapsed, day and night")


def _working(calendar: Calendar, received: datetime) -> Iterator[_Stretch]:
    """Open and closed stretches in turn, for ever."""
    cursor = received
    for span in calendars.open_spans(calendar, received):
        if span.start > cursor:
            yield _Stretch(cursor, span.start, False, closed_why(calendar, cursor, span.start))
        yield _Stretch(span.start, span.end, True, f"open, {span.day:%A}")
        cursor = span.end


def _count(stretches: Iterable[_Stretch], amount: int, paused: Sequence[Pause]) -> _Due:
    """Walk until amount seconds are counted. Ending exactly at the end of a stretch stays there."""
    left = timedelta(seconds=amount)
    proof: list[_Stretch] = []
    opens_at: datetime | None = None
    pieces = chain.from_iterable(_without(stretch, paused) for stretch in stretches)
    for piece in pieces:
        if not piece.counted:
            proof.append(piece)
            continue
        opens_at = opens_at or piece.start
        if left <= piece.end - piece.start:
            end = piece.start + left
            proof.append(_Stretch(piece.start, end, True, piece.why))
            return _Due(opens_at, end, tuple(proof))
        left -= piece.end - piece.start
        proof.append(piece)
    raise AssertionError("the stretches never end")


def _without(stretch: _Stretch, paused: Sequence[Pause]) -> Iterator[_Stretch]:
    """The stretch cut where it is paused; a closed one stays as it is."""
    cursor = stretch.start
    for start, end in _sorted(paused) if stretch.counted else ():
        low, high = max(start, cursor), min(end, stretch.end)
        if low >= high:
            continue
        if cursor < low:
            yield _Stretch(cursor, low, True, stretch.why)
        yield _Stretch(low, high, False, "paused")
        cursor = high
    if cursor < stretch.end:
        yield _Stretch(cursor, stretch.end, stretch.counted, stretch.why)


def _sorted(paused: Sequence[Pause]) -> list[Pause]:
    return sorted((calendars.checked(start), calendars.checked(end)) for start, end in paused)


def _by_day(calendar: Calendar, target: Target, amount: int, received: datetime) -> _Due:
    """`same day` and `n business days`, which follow the clock on the wall."""
    arrival = calendars.opening(calendar, received)
    before = _waiting(calendar, received, arrival.start)
    if target.unit is Unit.SAME_DAY:
        closing = calendars.spans_of(calendar, arrival.day)[-1].end
        row = _Stretch(arrival.start, closing, False, f"until the closing of {arrival.day:%A, %Y-%m-%d}")
        return _Due(arrival.start, closing, (*before, row))
    return _business_days(calendar, amount, arrival, before)


def _business_days(
    calendar: Calendar, days: int, arrival: calendars.Span, before: tuple[_Stretch, ...]
) -> _Due:
    day = calendars.next_business_day(calendar, arrival.day, days)
    # Seconds on the wall clock, not real ones: 9:30 stays 9:30 across a clock change.
    wall = arrival.start.astimezone(calendar.zone).replace(tzinfo=None, fold=0)
    since_midnight = (wall - datetime.combine(arrival.day, datetime.min.time())).total_seconds()
    same_time = calendars.instant_of(calendar.zone, day, since_midnight)
    closing = calendars.spans_of(calendar, day)[-1].end
    skipped = closed_why(calendar, arrival.start, same_time, nothing="")
    told = "same time" if same_time <= closing else "closing, before the same time,"
    why = f"{told} {days} business day{'s' * (days != 1)} later, {day:%A, %Y-%m-%d}"
    row = _Stretch(
        arrival.start, min(same_time, closing), False, f"{why}; skipped: {skipped}" if skipped else why
    )
    return _Due(arrival.start, row.end, (*before, row))


def _waiting(calendar: Calendar, received: datetime, opens: datetime) -> tuple[_Stretch, ...]:
    if opens <= received:
        return ()
    return (_Stretch(received, opens, False, closed_why(calendar, received, opens)),)


def _moved(calendar: Calendar, due: _Due, paused: Sequence[Pause]) -> _Due:
    """The deadline of a by-day target moved on by the open time that was paused before it."""
    for start, end in _sorted(paused):
        if start >= due.respond_by or end <= due.opens_at:
            continue
        lost = calendars.worked(calendar, max(start, due.opens_at), end)
        if lost > _ZERO:
            later = calendars.add_working(calendar, due.respond_by, lost.total_seconds())
            row = _Stretch(due.respond_by, later, False, f"makes good {lost} of open time paused")
            due = _Due(due.opens_at, later, (*due.proof, row))
    return due


def _warn_at(
    warn_before_s: int | None,
    calendar: Calendar,
    target: Target,
    received: datetime,
    due: _Due,
    paused: Sequence[Pause],
) -> datetime | None:
    """The first figure of a range; else the policy's notice before the deadline, counted as the target is.

    The notice is never more than half of what is promised: an hour before the end of thirty minutes would
    warn before anybody could have answered.
    """
    if target.warn_amount is not None:
        return _due(calendar, target, target.warn_amount, received, paused).respond_by
    if warn_before_s is None:
        return None
    if target.unit is Unit.ELAPSED:
        notice = min(warn_before_s, target.amount / 2)
        return max(received, due.respond_by - timedelta(seconds=notice))
    room = calendars.worked(calendar, due.opens_at, due.respond_by).total_seconds()
    notice = min(warn_before_s, room / 2)
    return calendars.subtract_working(calendar, due.respond_by, notice, due.opens_at)


def _rows(stretches: Iterable[_Stretch]) -> Iterator[ProofRow]:
    """Proof rows with whole seconds whose sum is the whole count, though arrival may be mid-second."""
    total = _ZERO
    for stretch in stretches:
        before = int(total.total_seconds())
        total += stretch.end - stretch.start if stretch.counted else _ZERO
        yield stretch.start, stretch.end, int(total.total_seconds()) - before, stretch.why


def closed_why(
    calendar: Calendar, start: datetime, end: datetime, nothing: str = "closed: outside the hours"
) -> str:
    """Why [start, end) is closed, day by day: "closed: Thanksgiving Day (2026-11-26), Saturday, Sunday".

    nothing is what to say where every day of the stretch opens at some time.
    """
    days = calendars.closed_days(calendar, start, end - timedelta(microseconds=1))
    names = [f"{day.name} ({day.day.isoformat()})" if day.name else f"{day.day:%A}" for day in days]
    if not names:
        return nothing
    more = f" and {len(names) - _MOST_NAMED} more days" if len(names) > _MOST_NAMED else ""
    return f"{'closed: ' if nothing else ''}{', '.join(names[:_MOST_NAMED])}{more}"
