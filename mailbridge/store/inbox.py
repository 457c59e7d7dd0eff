"""The inbox: received messages as raw bytes, each with the job that will process it.

`put_batch` is the promise: rows, jobs and (for IMAP) the cursor in one transaction. The same bytes a second
time are the same message; a second arrival is recorded, and when it names a recipient that the first did not
(mail to support@ and supportescalation@ at once) the message is processed again with the union of its
recipients.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from mailbridge.model.envelope import Envelope, Way
from mailbridge.store import jobs
from mailbridge.store.engine import Store
from mailbridge.store.prepared import Prepared, new_row, new_row_id
from mailbridge.store.schema import arrival, case, cursor, message
from mailbridge.store.text import clean

__all__ = ["Cursor", "Inbox", "Received", "Stored", "clean", "load", "put"]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of one put: the row, its digest (SHA-256 hex of the raw bytes), known before or not."""

    message_id: int
    digest: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a mailbox has been read; UIDs mean something only within their uidvalidity (RFC 3501
    2.3.1.1)."""

    mailbox: str
    uidvalidity: int
    last_uid: int
    polled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A stored message with all its arrivals, as a worker takes it up."""

    id: int
    raw: bytes
    received_at: datetime
    state: str
    answer: bool
    envelopes: tuple[Envelope, ...]
    case_id: int | None = None
    kind: str = ""
    outcome: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """State and outcome of a message; case_id and number: of its case, None without one."""

    state: str
    outcome: str
    kind: str
    reason: str
    case_id: int | None
    number: int | None


# Made once: to build a statement anew for each message costs more than to run it.
_KNOWN = Prepared(select(message.c.id).where(message.c.digest == bindparam("digest")))
_NEW, _NEW_ARRIVAL = new_row_id(message), new_row(arrival)
_LOAD = Prepared(
    select(
        *(message.c[name] for name in ("id", "raw", "received_at", "state", "answer")),
        *(message.c[name] for name in ("case_id", "kind", "outcome", "reason")),
    ).where(message.c.id == bindparam("id"))
)
_ARRIVALS = Prepared(select(arrival).where(arrival.c.message_id == bindparam("id")).order_by(arrival.c.id))


_POLLED = Prepared(
    update(cursor).where(cursor.c.mailbox == bindparam("this")).values(polled_at=bindparam("at"))
)
_SETTLED = Prepared(
    select(*(message.c[name] for name in ("state", "outcome", "kind", "reason", "case_id")), case.c.number)
    .join(case, case.c.id == message.c.case_id, isouter=True)
    .where(message.c.id == bindparam("id"))
)


def put(connection: Connection, envelope: Envelope, raw: bytes) -> Stored:
    """Store one message and its job in the caller's transaction."""
    digest = hashlib.sha256(raw).hexdigest()
    known = _KNOWN.scalar(connection, {"digest": digest})
    if known is not None:
        return _again(connection, known, digest, envelope)
    values = {
        "digest": digest,
        "received_at": envelope.received_at,
        "size_bytes": len(raw),
        "state": "received",
        "answer": envelope.answer,
        "raw": raw,
    }
    message_id = int(_NEW.scalar(connection, values))
    _arrive(connection, message_id, envelope)
    # the id of a message is never used twice, so nobody has this key
    job = jobs.NewJob("process", f"process:{message_id}", {"message": message_id}, envelope.received_at)
    jobs.insert_new(connection, [job])
    return Stored(message_id, digest, duplicate=False)


def _arrive(connection: Connection, message_id: int, envelope: Envelope) -> None:
    values = {
        "message_id": message_id,
        "at": envelope.received_at,
        "way": envelope.way.value,
        "source": clean(envelope.source),
        "peer": clean(envelope.peer),
        "login": clean(envelope.login),
        "mail_from": None if envelope.mail_from is None else clean(envelope.mail_from),
        "rcpt_to": [clean(address) for address in envelope.rcpt_to],
    }
    _NEW_ARRIVAL.change(connection, values)


def _again(connection: Connection, message_id: int, digest: str, envelope: Envelope) -> Stored:
    rows = connection.execute(select(arrival.c.rcpt_to).where(arrival.c.message_id == message_id))
    before = {address.lower() for row in rows for address in row.rcpt_to}
    if {address.lower() for address in envelope.rcpt_to} - before:
        _arrive(connection, message_id, envelope)
        payload = {"message": message_id, "again": True}
        jobs.add(connection, "process", f"process:{message_id}:again", payload, envelope.received_at)
    return Stored(message_id, digest, duplicate=True)


class Inbox:
    """Received messages and IMAP cursors."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put_batch(
        self, items: Sequence[tuple[Envelope, bytes]], cursor_: Cursor | None = None
    ) -> list[Stored]:
        """Store all items and the cursor in one transaction; durable when it returns.

        Raises StoreUnavailable, StoreFull; then nothing of the batch is stored and the cursor is unmoved.
        """
        try:
            return self._put_batch(items, cursor_)
        except IntegrityError:
            # PostgreSQL: two nodes took the same bytes at once. The other one's row is there now: look again.
            return self._put_batch(items, cursor_)

    def _put_batch(self, items: Sequence[tuple[Envelope, bytes]], cursor_: Cursor | None) -> list[Stored]:
        with self._store.write() as connection:
            stored = [put(connection, envelope, raw) for envelope, raw in items]
            if cursor_ is not None:
                self._set_cursor(connection, cursor_)
        return stored

    def cursor(self, mailbox: str) -> Cursor | None:
        with self._store.read() as connection:
            row = connection.execute(select(cursor).where(cursor.c.mailbox == mailbox)).first()
        return None if row is None else Cursor(row.mailbox, row.uidvalidity, row.last_uid, row.polled_at)

    def cursors(self) -> list[Cursor]:
        with self._store.read() as connection:
            helpers = cursor.c.mailbox.contains("#")  # NAME#first, NAME#done: how an intake got on
            rows = connection.execute(select(cursor).where(~helpers).order_by(cursor.c.mailbox)).all()
        return [Cursor(row.mailbox, row.uidvalidity, row.last_uid, row.polled_at) for row in rows]

    def note_poll(self, mailbox: str, at: datetime) -> None:
        """Remember that the mailbox was read to its end at this instant."""
        with self._store.write() as connection:
            _POLLED.change(connection, {"this": mailbox, "at": at})

    @staticmethod
    def _set_cursor(connection: Connection, new: Cursor) -> None:
        values = {"uidvalidity": new.uidvalidity, "last_uid": new.last_uid}
        changed = connection.execute(update(cursor).where(cursor.c.mailbox == new.mailbox).values(**values))
        if changed.rowcount == 0:
            connection.execute(insert(cursor).values(mailbox=new.mailbox, polled_at=new.polled_at, **values))

    def load(self, message_id: int) -> Received | None:
        """The message with its raw bytes, or None."""
        with self._store.read() as connection:
            return load(connection, message_id)

    def settled(self, message_id: int) -> Settled | None:
        """What became of a message so far, without its bytes."""
        with self._store.read() as connection:
            row = _SETTLED.first(connection, {"id": message_id})
        return (
            None
            if row is None
            else Settled(row.state, row.outcome, row.kind, row.reason, row.case_id, row.number)
        )

    def raw(self, message_id: int) -> bytes | None:
        with self._store.read() as connection:
            return connection.execute(select(message.c.raw).where(message.c.id == message_id)).scalar()

    def rules(self, message_id: int) -> list[str]:
        """The recorded rule table of a message."""
        with self._store.read() as connection:
            found = connection.execute(select(message.c.rules).where(message.c.id == message_id)).scalar()
        return list(found or ())

    def waiting(self) -> int:
        """How many messages are received and not yet decided."""
        with self._store.read() as connection:
            count = select(func.count()).select_from(message).where(message.c.state == "received")
            return connection.execute(count).scalar_one()

    def quarantine(self, message_id: int, error: str, at: datetime, held: jobs.Job | None = None) -> bool:
        """Set a message aside whole, with the error that it caused, and its job with it.

        One transaction: a crash between the two would leave a job that runs a message set aside. Nothing
        happens, and False is returned, where the lease of held was lost: its new holder decides.
        """
        values = {"state": "quarantined", "outcome": "quarantined", "error": clean(error)[-4000:]}
        reason = clean(error).strip().splitlines()[-1][:500] if error.strip() else "unknown"
        with self._store.write() as connection:
            if held is not None and not jobs.bury(connection, held, error):
                return False
            connection.execute(
                update(message)
                .where(message.c.id == message_id)
                .values(reason=reason, processed_at=at, **values)
            )
        return True

    def listing(self, states: Sequence[str]) -> list[dict[str, Any]]:
        """Rows of the inbox in these states, oldest first, without their bytes."""
        columns = [column for column in message.c if column.name not in ("raw", "rules")]
        query = select(*columns).where(message.c.state.in_(states)).order_by(message.c.id)
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]


def load(connection: Connection, message_id: int) -> Received | None:
    row = _LOAD.first(connection, {"id": message_id})
    if row is None:
        return None
    rows = _ARRIVALS.rows(connection, {"id": message_id})
    envelopes = tuple(
        Envelope(
            way=Way(a.way),
            mail_from=a.mail_from,
            rcpt_to=tuple(a.rcpt_to),
            received_at=a.at,
            peer=a.peer,
            source=a.source,
            login=a.login,
            answer=row.answer,
        )
        for a in rows
    )
    return Received(
        id=row.id,
        raw=row.raw,
        received_at=row.received_at,
        state=row.state,
        answer=row.answer,
        envelopes=envelopes,
        case_id=row.case_id,
        kind=row.kind,
        outcome=row.outcome,
        reason=row.reason,
    )
