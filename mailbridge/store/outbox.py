"""The outbox: mail with its exact bytes and Message-ID, written once, sent at least once.

A row is written in the transaction that decides it. A second sending after a crash is the same mail with the
same Message-ID. Counting rows over sliding windows is the governor's memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, or_, select, update
from sqlalchemy import case as when

from mailbridge.store.engine import Store
from mailbridge.store.schema import outbox
from mailbridge.store.text import clean

COUNTED = ("waiting", "sending", "sent", "dead")


@dataclass(frozen=True, slots=True)
class Outbound:
    """One claimed mail. mail_from "" is the null sender."""

    id: int
    key: str
    case_id: int | None
    kind: str
    automatic: bool
    mail_from: str
    rcpt_to: tuple[str, ...]
    raw: bytes
    attempt: int
    created_at: datetime
    message_ref: str
    subject: str
    lease: int = 0


def counts(connection: Connection, address: str, now: datetime) -> tuple[int, int, int, int]:
    """Automatic mail: last hour and last day to the address, last hour to its domain, last hour in all."""
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    base = (outbox.c.automatic, outbox.c.state.in_(COUNTED), outbox.c.kind.in_(CUSTOMER_KINDS))
    domain = address.rpartition("@")[2].lower()
    in_hour = func.sum(when((outbox.c.created_at > hour, 1), else_=0))
    to_one = select(in_hour, func.count()).where(
        *base, outbox.c.to_address == address.lower(), outbox.c.created_at > day
    )
    last_hour, last_day = connection.execute(to_one).one()
    to_domain = select(func.count()).where(*base, outbox.c.to_domain == domain, outbox.c.created_at > hour)
    # no mail is due before it is made: the index on (state, due_at) spares a look at all mail ever sent
    fresh = (outbox.c.due_at > hour, outbox.c.created_at > hour)
    overall = select(func.count()).select_from(outbox).where(*base, *fresh)
    return (
        int(last_hour or 0),
        int(last_day or 0),
        connection.execute(to_domain).scalar_one(),
        connection.execute(overall).scalar_one(),
    )


CUSTOMER_KINDS = (
    "acknowledgement",
    "escalation_acknowledgement",
    "reopened",
    "auto_close_warning",
    "auto_close",
    "closed",
    "attachment_refused",
)


class Outbox:
    """Claim, report, show."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, now: datetime, lease_s: float, limit: int = 20) -> list[Outbound]:
        """Due mail, oldest first, leased for lease_s seconds."""
        ready = or_(
            (outbox.c.state == "waiting") & (outbox.c.due_at <= now),
            (outbox.c.state == "sending") & (outbox.c.lease_until < now),
        )
        with self._store.read() as connection:
            if connection.execute(select(outbox.c.id).where(ready).limit(1)).first() is None:
                return []
        query = select(outbox).where(ready).order_by(outbox.c.due_at, outbox.c.id).limit(limit)
        with self._store.write() as connection:
            rows = connection.execute(query.with_for_update(skip_locked=True)).all()
            lease = now + timedelta(seconds=lease_s)
            ids = [row.id for row in rows]
            values = {"state": "sending", "attempt": outbox.c.attempt + 1, "lease": outbox.c.lease + 1}
            connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(lease_until=lease, **values))
        return [
            Outbound(
                row.id,
                row.key,
                row.case_id,
                row.kind,
                row.automatic,
                row.mail_from,
                tuple(row.rcpt_to),
                row.raw,
                row.attempt + 1,
                row.created_at,
                row.message_ref,
                row.subject,
                row.lease + 1,
            )
            for row in rows
        ]

    def sent(self, held: Outbound, at: datetime, reply: str) -> bool:
        return self._finish(held, state="sent", sent_at=at, reply=clean(reply)[:1000], lease_until=None)

    def retry(
        self, held: Outbound, due_at: datetime, reply: str, rcpt_to: Sequence[str] | None = None
    ) -> bool:
        """Try again at due_at, for the recipients that are left."""
        left = list(rcpt_to) if rcpt_to is not None else list(held.rcpt_to)
        return self._finish(
            held, state="waiting", due_at=due_at, reply=clean(reply)[:1000], lease_until=None, rcpt_to=left
        )

    def dead(self, held: Outbound, reply: str) -> bool:
        return self._finish(held, state="dead", reply=clean(reply)[:1000], lease_until=None)

    def _finish(self, held: Outbound, **values: Any) -> bool:
        mine = (outbox.c.id == held.id, outbox.c.lease == held.lease, outbox.c.state == "sending")
        with self._store.write() as connection:
            return bool(connection.execute(update(outbox).where(*mine).values(**values)).rowcount)

    def set_state(self, outbox_id: int, state: str, now: datetime) -> bool:
        """An admin's retry or drop; a mail that is being sent right now is left alone."""
        values: dict[str, Any] = {"state": state}
        if state == "waiting":
            values |= {"due_at": now, "attempt": 0}
        movable = outbox.c.state.in_(("waiting", "dead", "dropped"))
        with self._store.write() as connection:
            changed = connection.execute(
                update(outbox).where(outbox.c.id == outbox_id, movable).values(**values)
            )
            return bool(changed.rowcount)

    def listing(self, states: Sequence[str]) -> list[Mapping[str, Any]]:
        columns = [column for column in outbox.c if column.name != "raw"]
        query = select(*columns).where(outbox.c.state.in_(states)).order_by(outbox.c.id)
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def get(self, outbox_id: int) -> Mapping[str, Any] | None:
        with self._store.read() as connection:
            row = connection.execute(select(outbox).where(outbox.c.id == outbox_id)).first()
        return None if row is None else dict(row._mapping)

    def count(self, state: str) -> int:
        query = select(func.count()).select_from(outbox).where(outbox.c.state == state)
        with self._store.read() as connection:
            return connection.execute(query).scalar_one()

    def oldest_waiting(self) -> datetime | None:
        query = select(func.min(outbox.c.created_at)).where(outbox.c.state == "waiting")
        with self._store.read() as connection:
            return connection.execute(query).scalar()

    def next_due(self) -> datetime | None:
        query = select(func.min(outbox.c.due_at)).where(outbox.c.state == "waiting")
        with self._store.read() as connection:
            return connection.execute(query).scalar()
