"""Apply a Decision in one transaction: the case, its thread, timers, outbox, and the job done, or nothing at
all.

Clash means that the world moved since the facts were loaded (another version of the case, a lost lease, a
unique key taken): the caller loads the facts again and decides again. No lock is held across thinking; only
rendering a notice happens inside, because its case number is known only here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from mailbridge.errors import Temporary
from mailbridge.model.case import Case, Timer
from mailbridge.model.decision import (
    NEW,
    AddEntry,
    ChangeCase,
    Decision,
    MakeContact,
    MarkAddress,
    Merge,
    OpenCase,
    Record,
    Send,
    SetTimer,
    Transcribe,
)
from mailbridge.policy.subjects import subject_key
from mailbridge.store import cases, customers, jobs
from mailbridge.store.engine import Store
from mailbridge.store.jobs import Job
from mailbridge.store.schema import case, counter, entry, event, message, outbox, participant, thread
from mailbridge.store.text import clean


class Clash(Temporary):
    """The facts are no longer true: load them again and decide again."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What compose made of a Send: ready bytes for one recipient or group."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    subject: str
    message_ref: str
    raw: bytes
    text: str
    from_: str
    automatic: bool
    attachments: tuple[Mapping[str, Any], ...] = ()


History = Callable[[], list[Mapping[str, Any]]]
"""The case's entries so far, read in the same transaction."""

Compose = Callable[[Case, Send, str, History], Mail]
"""(case after the decision, what to send to one group, outbox key, history) -> bytes. Must not block."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the worker learned of a message, to be written on its row."""

    message_id: int
    kind: str = ""
    rule: str = ""
    message_ref: str = ""
    content_digest: str = ""
    text_digest: str = ""
    author: str = ""
    subject: str = ""
    rules: tuple[Any, ...] = ()
    authentic: Mapping[str, Any] = field(default_factory=dict)


class Applier:
    """Carries out decisions. compose renders notices; it is given the case as it is after the decision."""

    def __init__(self, store: Store, compose: Compose) -> None:
        self._store = store
        self._compose = compose

    def apply(
        self,
        decision: Decision,
        now: datetime,
        *,
        job: Job | None = None,
        verdict: Verdict | None = None,
        versions: Mapping[int, int] | None = None,
        expect: Callable[[Connection], None] | None = None,
    ) -> int | None:
        """Write it all; returns the id of the case concerned. Raises Clash, StoreUnavailable, StoreFull.

        versions: id and version of each case the decision was made on. expect may raise Clash after a last
        look.
        """
        try:
            with self._store.write() as connection:
                if job is not None and not jobs.finish(connection, job):
                    raise Clash("the lease was lost")
                if expect is not None:
                    expect(connection)
                run = _Run(connection, now, self._compose, verdict.message_id if verdict else None)
                run.fence(versions or {})
                for effect in decision.effects:
                    run.carry_out(effect)
                run.flush()
                case_id = run.real(decision.case) if decision.case is not None else None
                if verdict is not None:
                    _settle(connection, verdict, decision, case_id, now)
        except IntegrityError as error:
            raise Clash(f"somebody was quicker: {error.orig}") from error
        return case_id


def _settle(
    connection: Connection, verdict: Verdict, decision: Decision, case_id: int | None, now: datetime
) -> None:
    """Write on the message what became of it. A second processing leaves a first outcome standing."""
    states = {"ignored": "ignored", "quarantined": "quarantined"}
    if decision.outcome == "ignored" and case_id is None:
        withheld = {"notice": "answer", "to": clean(verdict.author), "reason": clean(decision.reason)}
        values = {"case_id": None, "message_id": verdict.message_id, "at": now}
        connection.execute(insert(event).values(event="suppressed", data=withheld, **values))
    known = connection.execute(select(message.c.state).where(message.c.id == verdict.message_id)).scalar()
    if decision.outcome == "duplicate" and known == "filed":
        return
    connection.execute(
        update(message)
        .where(message.c.id == verdict.message_id)
        .values(
            state=states.get(decision.outcome, "filed"),
            outcome=decision.outcome,
            kind=verdict.kind,
            rule=verdict.rule[:80],
            reason=clean(decision.reason)[:500],
            case_id=case_id,
            message_ref=clean(verdict.message_ref)[:512],
            content_digest=verdict.content_digest,
            text_digest=verdict.text_digest,
            author=clean(verdict.author)[:320],
            subject=clean(verdict.subject)[:500],
            rules=[*verdict.rules, *decision.rules],
            authentic=dict(verdict.authentic),
            processed_at=now,
            error="",
        )
    )


# Made once: to build a statement anew for each row costs more than to run it.
_NEW_CASE, _NEW_ENTRY, _NEW_EVENT, _NEW_OUTGOING = insert(case), insert(entry), insert(event), insert(outbox)
_NEW_PERSON, _NEW_IN_THREAD = insert(participant), insert(thread)
_PEOPLE = select(participant.c.address).where(participant.c.case_id == bindparam("of"))
_IN_THREAD = select(thread.c.case_id).where(
    thread.c.message_ref == bindparam("ref"), thread.c.case_id == bindparam("of")
)
_OUTBOX_KEY = select(outbox.c.id).where(outbox.c.key == bindparam("key"))


def _timer_key(case_id: int, timer: Timer) -> str:
    return f"due:{case_id}:{timer.value}"


class _Run:
    """One decision under way in one transaction."""

    def __init__(
        self, connection: Connection, now: datetime, compose: Compose, message_id: int | None
    ) -> None:
        self.connection = connection
        self.now = now
        self.compose = compose
        self.message_id = message_id
        self.new_id: int | None = None
        self.changes: dict[int, dict[str, Any]] = {}
        self.sends: list[Send] = []
        self.contact_id: int | None = None
        self.events: list[dict[str, Any]] = []
        self.timers: dict[tuple[int, Timer], datetime | None] = {}

    def fence(self, versions: Mapping[int, int]) -> None:
        for case_id, version in versions.items():
            changed = self.connection.execute(
                update(case)
                .where(case.c.id == case_id, case.c.version == version)
                .values(version=version + 1)
            )
            if changed.rowcount == 0:
                raise Clash(f"case row {case_id} changed meanwhile")

    def real(self, case_id: int) -> int:
        if case_id != NEW:
            return case_id
        assert self.new_id is not None
        return self.new_id

    def carry_out(self, effect: object) -> None:
        handler = _HANDLERS[type(effect)]
        handler(self, effect)

    def open(self, effect: OpenCase) -> None:
        number = _next_number(self.connection)
        values = {
            "number": number,
            "version": 1,
            "subject": clean(effect.subject),
            "subject_key": clean(subject_key(effect.subject)),
            "status": "open",
            "channel": effect.channel.value,
            "severity": effect.severity,
            "plan": effect.plan,
            "requester": clean(effect.requester)[:320],
            "requester_name": clean(effect.requester_name),
            "created_at": effect.created_at or self.now,
            "account_id": effect.account_id,
            "account": effect.account,
            "contact_id": effect.contact_id if effect.contact_id is not None else self.contact_id,
            "entitled": effect.entitled.value,
            "language": effect.language,
            "follows": effect.follows,
            "deadline_state": "none",
        }
        key = self.connection.execute(_NEW_CASE, values).inserted_primary_key
        assert key is not None
        self.new_id = int(key[0])
        self._join(self.new_id, effect.participants)

    def _join(self, case_id: int, addresses: tuple[str, ...]) -> None:
        wanted = {clean(address).lower()[:320] for address in addresses if address}
        known = set(self.connection.execute(_PEOPLE, {"of": case_id}).scalars())
        if new := [{"case_id": case_id, "address": address} for address in sorted(wanted - known)]:
            self.connection.execute(_NEW_PERSON, new)

    def add_entry(self, effect: AddEntry, outbox_id: int | None = None) -> None:
        case_id = self.real(effect.case)
        incoming = effect.direction == "in"
        values = {
            "case_id": case_id,
            "at": self.now,
            "direction": effect.direction,
            "kind": effect.kind,
            "author": clean(effect.author),
            "from_": clean(effect.from_),
            "to": [clean(address) for address in effect.to],
            "subject": clean(effect.subject),
            "text": clean(effect.text),
            "html": clean(effect.html),
            "message_ref": clean(effect.message_ref),
            "message_id": self.message_id if effect.direction != "out" or effect.kind != "notice" else None,
            "outbox_id": outbox_id,
            "attachments": [dict(item) for item in effect.attachments],
        }
        self.connection.execute(_NEW_ENTRY, values)
        if effect.message_ref:
            self.know_thread(case_id, effect.message_ref)
        if incoming and effect.participant and effect.author and "@" in effect.author:
            self._join(case_id, (effect.author,))
        if effect.event:
            data = {"direction": effect.direction, "author": effect.author, "kind": effect.kind}
            self.record(Record(effect.case, effect.event, data))

    def know_thread(self, case_id: int, ref: str) -> None:
        ref = clean(ref)[:512]
        if self.connection.execute(_IN_THREAD, {"ref": ref, "of": case_id}).first() is None:
            self.connection.execute(_NEW_IN_THREAD, {"message_ref": ref, "case_id": case_id})

    def change(self, effect: ChangeCase) -> None:
        self.changes.setdefault(self.real(effect.case), {}).update(effect.changes)

    def record(self, effect: Record) -> None:
        self.events.append(
            {
                "case_id": self.real(effect.case),
                "message_id": self.message_id,
                "at": self.now,
                "event": effect.event,
                "data": _json(effect.data),
            }
        )

    def set_timer(self, effect: SetTimer) -> None:
        """Only remembered: of several moments for one timer the last is meant."""
        self.timers[(self.real(effect.case), effect.timer)] = effect.due_at

    def write_timers(self) -> None:
        gone = [(case_id, timer) for (case_id, timer), due_at in self.timers.items() if due_at is None]
        jobs.remove(self.connection, [_timer_key(*one) for one in gone if one[0] != self.new_id])
        for (case_id, timer), due_at in self.timers.items():
            if due_at is not None:
                payload = {"case": case_id, "timer": timer.value}
                jobs.add(self.connection, "due", _timer_key(case_id, timer), payload, due_at)

    def transcribe(self, effect: Transcribe) -> None:
        for part in effect.parts:
            payload = {"message": self.message_id, "case": self.real(effect.case), "part": part}
            jobs.add(self.connection, "transcribe", f"transcribe:{self.message_id}:{part}", payload, self.now)

    def mark(self, effect: MarkAddress) -> None:
        customers.mark_dead(self.connection, clean(effect.address), clean(effect.reason), self.now)

    def make_contact(self, effect: MakeContact) -> None:
        self.contact_id = customers.make_contact(self.connection, clean(effect.name), effect.phone)

    def merge(self, effect: Merge) -> None:
        source, target = self.real(effect.case), self.real(effect.target)
        refs = (
            self.connection.execute(select(thread.c.message_ref).where(thread.c.case_id == source))
            .scalars()
            .all()
        )
        for ref in refs:
            self.know_thread(target, ref)
        people = (
            self.connection.execute(select(participant.c.address).where(participant.c.case_id == source))
            .scalars()
            .all()
        )
        self._join(target, tuple(people))

    def later(self, effect: Send) -> None:
        self.sends.append(effect)

    def flush(self) -> None:
        """Write the collected columns, then the notices, which show the case as it is now."""
        for case_id, values in self.changes.items():
            columns = {key: _column(value) for key, value in values.items() if key in case.c}
            self.connection.execute(update(case).where(case.c.id == case_id).values(**columns))
        for effect in self.sends:
            snap = cases.by_id(self.connection, self.real(effect.case))
            assert snap is not None
            self._post(snap, effect)
        self.write_timers()
        if self.events:
            self.connection.execute(_NEW_EVENT, self.events)

    def _post(self, snap: Case, effect: Send) -> None:
        """One mail to a customer; to staff one each, since each carries a token of its own."""
        groups = [effect.to] if effect.kind in _TO_CUSTOMER else [(address,) for address in effect.to]
        for to in groups:
            key = f"{snap.id}:{effect.once}" + ("" if effect.kind in _TO_CUSTOMER else f":{to[0].lower()}")
            key = key if len(key) <= 160 else key[:95] + hashlib.sha256(key.encode()).hexdigest()
            if self.connection.execute(_OUTBOX_KEY, {"key": key}).first() is None:
                self._write_mail(snap, effect, to, key)
        if effect.event and effect.kind != "staff_answer":
            data = {"notice": effect.kind, "to": list(effect.to)} | dict(effect.data.get("event_data", {}))
            self.record(Record(snap.id, effect.event, data))

    def _write_mail(self, snap: Case, effect: Send, to: tuple[str, ...], key: str) -> None:
        only = Send(
            snap.id, effect.kind, to, effect.once, effect.data, effect.cc, effect.attachments, effect.event
        )
        mail = self.compose(snap, only, key, lambda: cases.entries(self.connection, snap.id))
        values = {
            "key": key,
            "case_id": snap.id,
            "kind": effect.kind,
            "automatic": mail.automatic,
            "state": "waiting",
            "mail_from": mail.mail_from,
            "rcpt_to": list(mail.rcpt_to),
            "to_address": to[0].lower()[:320],
            "to_domain": to[0].rpartition("@")[2].lower()[:255],
            "subject": clean(mail.subject),
            "message_ref": mail.message_ref,
            "created_at": self.now,
            "due_at": self.now,
            "raw": mail.raw,
        }
        made = self.connection.execute(_NEW_OUTGOING, values).inserted_primary_key
        assert made is not None
        self.know_thread(snap.id, mail.message_ref)
        if effect.kind in _TO_CUSTOMER:
            staff = effect.kind == "staff_answer"
            self.add_entry(
                AddEntry(
                    snap.id,
                    "out",
                    str(effect.data.get("author", "")) if staff else "mailbridge",
                    str(effect.data.get("text", "")) if staff else mail.text,
                    from_=mail.from_,
                    to=mail.rcpt_to,
                    subject=mail.subject,
                    message_ref=mail.message_ref,
                    attachments=mail.attachments,
                    kind=effect.kind,
                    event="staff_answered" if staff else "",
                ),
                made[0],
            )
        if effect.kind == "auto_close_warning":
            self.connection.execute(update(case).where(case.c.id == snap.id).values(warning_key=key))


_TO_CUSTOMER = frozenset(
    {
        "acknowledgement",
        "staff_answer",
        "escalation_acknowledgement",
        "auto_close_warning",
        "auto_close",
        "closed",
        "reopened",
        "attachment_refused",
    }
)

_HANDLERS: dict[type, Callable[[_Run, Any], None]] = {
    OpenCase: _Run.open,
    AddEntry: _Run.add_entry,
    ChangeCase: _Run.change,
    Record: _Run.record,
    SetTimer: _Run.set_timer,
    Send: _Run.later,
    Transcribe: _Run.transcribe,
    MarkAddress: _Run.mark,
    MakeContact: _Run.make_contact,
    Merge: _Run.merge,
}


def _next_number(connection: Connection) -> int:
    """The next case number, without gaps; the row lock of the counter orders concurrent openings."""
    raised = connection.execute(
        update(counter).where(counter.c.name == "case").values(value=counter.c.value + 1)
    )
    if raised.rowcount == 0:
        connection.execute(insert(counter).values(name="case", value=1))
        return 1
    return int(connection.execute(select(counter.c.value).where(counter.c.name == "case")).scalar_one())


def _column(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str):
        return clean(value)
    return _json(value) if isinstance(value, Mapping) else value


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return clean(value) if isinstance(value, str) else value
