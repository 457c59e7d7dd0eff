"""The outbox: mail with its exact bytes and Message-ID, written once, sent at least once.

A row is written in the transaction that decides it. A second sending after a crash is the same mail with the
same Message-ID. Counting rows over sliding windows is the governor's memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy import case as when

from mailbridge.store.engine import Store
from mailbridge.store.prepared import Prepared
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
    values = {
        "address": address.lower(),
        "domain": address.rpartition("@")[2].lower(),
        "hour": now - timedelta(hours=1),
        "day": now - timedelta(days=1),
    }
    last_hour, last_day, to_domain, overall = _COUNTS.first(connection, values)
    return int(last_hour), int(last_day), int(to_domain), int(overall)


CUSTOMER_KINDS = (
    "acknowledgement",
    "transcript",
    "escalation_acknowledgement",
    "reopened",
    "auto_close_warning",
    "auto_close",
    "closed",
    "attachment_refused",
)


def _words(words: Sequence[str]) -> list[ColumnElement[str]]:
    """Words of ours, written into the statement: a list of values is spelled out anew at each run."""
    return [literal_column(f"'{word}'") for word in words]


def _count_statement() -> Select[Any]:
    """All four counts in one row."""
    counted = outbox.c.state.in_(_words(COUNTED))
    base = (outbox.c.automatic, counted, outbox.c.kind.in_(_words(CUSTOMER_KINDS)))
    hour = outbox.c.created_at > bindparam("hour")
    to_one = (
        select(func.coalesce(func.sum(when((hour, 1), else_=0)), 0).label("hour"), func.count().label("day"))
        .where(*base, outbox.c.to_address == bindparam("address"), outbox.c.created_at > bindparam("day"))
        .subquery()
    )
    to_domain = select(func.count()).where(*base, outbox.c.to_domain == bindparam("domain"), hour)
    # no mail is due before it is made: the index on (state, due_at) spares a look at all mail ever sent
    overall = select(func.count()).where(*base, outbox.c.due_at > bindparam("hour"), hour)
    return select(to_one.c.hour, to_one.c.day, to_domain.scalar_subquery(), overall.scalar_subquery())


# Made once: to build a statement anew for each mail costs more than to run it.
_COUNTS = Prepared(_count_statement())
_CLAIMABLE = or_(
    # never tried: due at once, also where the clock was set back since it was written
    (outbox.c.state == "waiting") & ((outbox.c.due_at <= bindparam("now")) | (outbox.c.lease == 0)),
    (outbox.c.state == "sending") & (outbox.c.lease_until < bindparam("now")),
)
_LOOK = Prepared(select(outbox.c.id).where(_CLAIMABLE).limit(1))
_CLAIM = Prepared(
    select(outbox)
    .where(_CLAIMABLE)
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = Prepared(
    (
        update(outbox)
        .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
        .values(
            state="sending",
            lease_until=bindparam("until"),
            attempt=outbox.c.attempt + 1,
            lease=outbox.c.lease + 1,
        )
    ),
    lists=("ids",),
)
_MINE = (
    outbox.c.id == bindparam("this"),
    outbox.c.lease == bindparam("held"),
    outbox.c.state == "sending",
)
_SENT = Prepared(
    update(outbox)
    .where(*_MINE)
    .values(state="sent", sent_at=bindparam("at"), reply=bindparam("said"), lease_until=None)
)


@cache
def _finishing(names: frozenset[str]) -> Prepared:
    """End the lease with these columns set."""
    return Prepared(update(outbox).where(*_MINE), columns=names)


def _sent_values(held: Outbound, at: datetime, reply: str) -> dict[str, Any]:
    return {"this": held.id, "held": held.lease, "at": at, "said": clean(reply)[:1000]}


class Outbox:
    """Claim, report, show."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, now: datetime, lease_s: float, limit: int = 20) -> list[Outbound]:
        """Due mail, oldest first, leased for lease_s seconds."""
        with self._store.read() as connection:
            if _LOOK.first(connection, {"now": now}) is None:
                return []
        with self._store.write() as connection:
            rows = _CLAIM.rows(connection, {"now": now, "most": limit})
            if rows:
                values = {"ids": [row.id for row in rows], "until": now + timedelta(seconds=lease_s)}
                _TAKE.change(connection, values)
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
        with self._store.write() as connection:
            return bool(_SENT.change(connection, _sent_values(held, at, reply)))

    def sent_all(self, accepted: Sequence[tuple[Outbound, datetime, str]]) -> None:
        """sent() of several in one transaction; one whose lease was lost stays as it is."""
        if accepted:
            with self._store.write() as connection:
                _SENT.change_all(connection, [_sent_values(*one) for one in accepted])

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

    def drop(self, held: Outbound, why: str) -> bool:
        """Not to be sent any more."""
        return self._finish(held, state="dropped", reply=clean(why)[:1000], lease_until=None)

    def _finish(self, held: Outbound, **values: Any) -> bool:
        mine = {"this": held.id, "held": held.lease}
        with self._store.write() as connection:
            return bool(_finishing(frozenset(values)).change(connection, mine | values))

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

    def next_due(self) -> datetime | None:
        query = select(func.min(outbox.c.due_at)).where(outbox.c.state == "waiting")
        with self._store.read() as connection:
            return connection.execute(query).scalar()
