"""Carry out the effects of one decision in its transaction: rows of the case, its thread, timers, outbox.

Promises: rows of a kind are written together, and what is looked for before is asked in one question; the
order of entries, events and mails is that of the effects. Fails: Clash where the world moved, IntegrityError
where a unique key is taken; both undo the transaction (store.apply).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from mailbridge.errors import Temporary
from mailbridge.model.case import Case, Timer
from mailbridge.model.decision import (
    NEW,
    AddEntry,
    ChangeCase,
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
from mailbridge.store.jobs import NewJob
from mailbridge.store.prepared import Prepared, new_row, new_row_id
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


# Made once: to build a statement anew for each row costs more than to run it.
_NEW_CASE, _NEW_OUTGOING = new_row_id(case), new_row_id(outbox)
_NEW_ENTRY, _NEW_EVENT, _NEW_OUTGOING_ALL = new_row(entry), new_row(event), new_row(outbox)
_NEW_PERSON, _NEW_IN_THREAD = new_row(participant), new_row(thread)
_PEOPLE = Prepared(select(participant.c.address).where(participant.c.case_id == bindparam("of")))
_REFS_OF = Prepared(select(thread.c.message_ref).where(thread.c.case_id == bindparam("of")))
_IN_THREADS = Prepared(
    select(thread).where(thread.c.message_ref.in_(bindparam("refs", expanding=True))), lists=("refs",)
)
_OUTBOX_KEYS = Prepared(
    select(outbox.c.key).where(outbox.c.key.in_(bindparam("keys", expanding=True))), lists=("keys",)
)
_CHANGE = update(case).where(case.c.id == bindparam("this"))
_WARNED = Prepared(_CHANGE, columns=("warning_key",))
_RAISE = Prepared(update(counter).where(counter.c.name == "case").values(value=counter.c.value + 1))
_RAISED = Prepared(select(counter.c.value).where(counter.c.name == "case"))


@lru_cache(maxsize=256)
def _fence(names: frozenset[str]) -> Prepared:
    """Raise the version of a case that is still as it was, and change these columns with it."""
    values: dict[str, Any] = {name: bindparam(name) for name in names}
    unchanged = case.c.version == bindparam("known")
    return Prepared(_CHANGE.where(unchanged).values(version=case.c.version + 1, **values))


@lru_cache(maxsize=256)
def _change(names: frozenset[str]) -> Prepared:
    return Prepared(_CHANGE, columns=names)


def _pieces(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """In pieces of this size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _timer_key(case_id: int, timer: Timer) -> str:
    return f"due:{case_id}:{timer.value}"


class Run:
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
        self.people: dict[int, set[str]] = {}
        # collected, and written in one go at the end
        self.entries: list[dict[str, Any]] = []
        self.outgoing: list[dict[str, Any]] = []
        self.refs: dict[tuple[int, str], None] = {}
        self.events: list[dict[str, Any]] = []
        self.timers: dict[tuple[int, Timer], datetime | None] = {}

    def gather(self, effects: Iterable[object]) -> None:
        """Collect the columns to change beforehand: they are written with the fence, or the new case."""
        for effect in effects:
            if isinstance(effect, ChangeCase):
                values = {key: _column(value) for key, value in effect.changes.items() if key in case.c}
                self.changes.setdefault(effect.case, {}).update(values)

    def fence(self, versions: Mapping[int, int]) -> None:
        for case_id, version in versions.items():
            values = self.changes.pop(case_id, {})
            found = _fence(frozenset(values)).change(
                self.connection, {"this": case_id, "known": version, **values}
            )
            if found == 0:
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
        values |= self.changes.pop(NEW, {})
        self.new_id = int(_NEW_CASE.scalar(self.connection, values))
        self.people[self.new_id] = set()
        self._join(self.new_id, effect.participants)

    def _join(self, case_id: int, addresses: tuple[str, ...]) -> None:
        wanted = {clean(address).lower()[:320] for address in addresses if address}
        if not wanted:
            return
        if (known := self.people.get(case_id)) is None:
            known = self.people[case_id] = set(_PEOPLE.scalars(self.connection, {"of": case_id}))
        if new := [{"case_id": case_id, "address": address} for address in sorted(wanted - known)]:
            _NEW_PERSON.change_all(self.connection, new)
            known |= wanted

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
        self.entries.append(values)
        if effect.message_ref:
            self.know_thread(case_id, effect.message_ref)
        if effect.thread_key:
            self.know_thread(case_id, effect.thread_key)
        if incoming and effect.participant and effect.author and "@" in effect.author:
            self._join(case_id, (effect.author,))
        if effect.event:
            data = {"direction": effect.direction, "author": effect.author, "kind": effect.kind}
            self.record(Record(effect.case, effect.event, data))

    def know_thread(self, case_id: int, ref: str) -> None:
        self.refs[(case_id, clean(ref)[:512])] = None

    def gathered(self, effect: ChangeCase) -> None:
        """Done by gather() before."""

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
        gone = [
            _timer_key(case_id, timer)
            for (case_id, timer), due_at in self.timers.items()
            if due_at is None and case_id != self.new_id
        ]
        wanted = [
            NewJob("due", _timer_key(case_id, timer), {"case": case_id, "timer": timer.value}, due_at)
            for (case_id, timer), due_at in self.timers.items()
            if due_at is not None
        ]
        jobs.change(self.connection, gone, wanted)

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
        for ref in _REFS_OF.scalars(self.connection, {"of": source}):
            self.know_thread(target, ref)
        self._join(target, tuple(_PEOPLE.scalars(self.connection, {"of": source})))
        if effect.message is not None:
            moved = (entry.c.case_id == source, entry.c.message_id == effect.message)
            self.connection.execute(update(entry).where(*moved).values(case_id=target))
            mine = update(message).where(message.c.id == effect.message)
            self.connection.execute(mine.values(case_id=target))

    def later(self, effect: Send) -> None:
        self.sends.append(effect)

    def flush(self) -> None:
        """Write the collected columns, then the notices, which show the case as it is now, then the rest."""
        for case_id, values in self.changes.items():
            if values:
                _change(frozenset(values)).change(self.connection, {"this": self.real(case_id), **values})
        self._post_all()
        self.write_timers()
        self._write_entries()
        self._write_outgoing()
        self._write_threads()
        _NEW_EVENT.change_all(self.connection, self.events)

    def _post_all(self) -> None:
        """Every notice that was not written before."""
        groups = [
            (effect, to, _mail_key(self.real(effect.case), effect, to))
            for effect in self.sends
            for to in _groups(effect)
        ]
        keys = [key for _, _, key in groups]
        known = set(_OUTBOX_KEYS.scalars(self.connection, {"keys": keys})) if keys else set()
        snaps: dict[int, Case] = {}
        for effect in self.sends:
            case_id = self.real(effect.case)
            if case_id not in snaps:
                snap = cases.by_id(self.connection, case_id)
                assert snap is not None
                snaps[case_id] = snap
            self._post(snaps[case_id], effect, known)

    def _history(self, case_id: int) -> list[Mapping[str, Any]]:
        self._write_entries()
        return cases.entries(self.connection, case_id)

    def _write_entries(self) -> None:
        _NEW_ENTRY.change_all(self.connection, self.entries)
        self.entries = []

    def _write_outgoing(self) -> None:
        _NEW_OUTGOING_ALL.change_all(self.connection, self.outgoing)
        self.outgoing = []

    def _write_threads(self) -> None:
        old = sorted({ref for case_id, ref in self.refs if case_id != self.new_id})
        known: set[tuple[int, str]] = set()
        for refs in _pieces(old, cases.MOST_ASKED):
            rows = _IN_THREADS.rows(self.connection, {"refs": refs})
            known |= {(row.case_id, row.message_ref) for row in rows}
        new = [{"case_id": of, "message_ref": ref} for of, ref in self.refs if (of, ref) not in known]
        _NEW_IN_THREAD.change_all(self.connection, new)

    def _post(self, snap: Case, effect: Send, known: set[str]) -> None:
        """One mail to a customer; to staff one each, since each carries a token of its own."""
        for to in _groups(effect):
            key = _mail_key(snap.id, effect, to)
            if key not in known:
                known.add(key)
                self._write_mail(snap, effect, to, key)
        if effect.event and effect.kind != "staff_answer":
            data = {"notice": effect.kind, "to": list(effect.to)} | dict(effect.data.get("event_data", {}))
            self.record(Record(snap.id, effect.event, data))

    def _write_mail(self, snap: Case, effect: Send, to: tuple[str, ...], key: str) -> None:
        only = Send(
            snap.id, effect.kind, to, effect.once, effect.data, effect.cc, effect.attachments, effect.event
        )
        mail = self.compose(snap, only, key, lambda: self._history(snap.id))
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
        self.know_thread(snap.id, mail.message_ref)
        if effect.kind not in _TO_CUSTOMER:
            self.outgoing.append(values)
        else:
            self._write_outgoing()  # in their order
            made = int(_NEW_OUTGOING.scalar(self.connection, values))
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
                made,
            )
        if effect.kind == "auto_close_warning":
            _WARNED.change(self.connection, {"this": snap.id, "warning_key": key})


_TO_CUSTOMER = frozenset(
    {
        "acknowledgement",
        "transcript",
        "staff_answer",
        "escalation_acknowledgement",
        "auto_close_warning",
        "auto_close",
        "closed",
        "reopened",
        "attachment_refused",
    }
)


def _groups(effect: Send) -> list[tuple[str, ...]]:
    return [effect.to] if effect.kind in _TO_CUSTOMER else [(address,) for address in effect.to]


def _mail_key(case_id: int, effect: Send, to: tuple[str, ...]) -> str:
    key = f"{case_id}:{effect.once}" + ("" if effect.kind in _TO_CUSTOMER else f":{to[0].lower()}")
    return key if len(key) <= 160 else key[:95] + hashlib.sha256(key.encode()).hexdigest()


_HANDLERS: dict[type, Callable[[Run, Any], None]] = {
    OpenCase: Run.open,
    AddEntry: Run.add_entry,
    ChangeCase: Run.gathered,
    Record: Run.record,
    SetTimer: Run.set_timer,
    Send: Run.later,
    Transcribe: Run.transcribe,
    MarkAddress: Run.mark,
    MakeContact: Run.make_contact,
    Merge: Run.merge,
}


def _next_number(connection: Connection) -> int:
    """The next case number, without gaps; the row lock of the counter orders concurrent openings."""
    if _RAISE.change(connection) == 0:
        connection.execute(insert(counter).values(name="case", value=1))
        return 1
    return int(_RAISED.scalar(connection))


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
