"""Is the database sound, and does it say one thing only?

Promises: looks in one snapshot and changes nothing; each finding is a sentence with what to do or which rows.
What is true only for a moment while the daemon works is true inside its transactions, so no snapshot shows
it. Fails with StoreUnavailable where the database cannot be read at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    exists,
    func,
    select,
)
from sqlalchemy import text as sql

from mailbridge.store.engine import Store
from mailbridge.store.migrate import current, mismatch
from mailbridge.store.schema import case, counter, entry, job, message, metadata, outbox

SHOWN = 5
MESSAGE_STATES = ("received", "filed", "ignored", "quarantined")
OUTBOX_STATES = ("waiting", "sending", "sent", "dead", "dropped")


def check(store: Store) -> list[str]:
    """Everything that is wrong, one sentence each; empty when all is well."""
    if wrong := mismatch(current(store)):
        return [wrong]
    with store.read() as connection:
        return [*_sound(connection, store), *_forgotten(connection), *_invariants(connection)]


def _sound(connection: Connection, store: Store) -> Iterator[str]:
    if store.dialect == "sqlite":
        for row in connection.execute(sql("PRAGMA integrity_check(20)")):
            if row[0] != "ok":
                yield f"integrity: {row[0]}; restore a backup or use sqlite3 .recover"
    for table in metadata.sorted_tables:
        for constraint in table.foreign_key_constraints:
            here, there = constraint.elements[0].parent, constraint.elements[0].column
            orphan = and_(here.is_not(None), ~exists().where(there == here))
            yield from _rows(connection, table, orphan, f"{here.name} names no {there.table.name}")


def _invariants(connection: Connection) -> Iterator[str]:
    filed = and_(message.c.state == "filed", message.c.outcome.in_(("created", "threaded")))
    case_gone = ~exists().where(case.c.id == message.c.case_id)
    rules: list[tuple[Table, ColumnElement[bool], str]] = [
        (message, message.c.state.not_in(MESSAGE_STATES), "is in no known state"),
        (message, and_(filed, message.c.case_id.is_(None)), "is filed, but to no case"),
        (message, and_(message.c.case_id.is_not(None), case_gone), "is filed to a case that is not there"),
        (message, and_(message.c.state == "ignored", message.c.reason == ""), "is ignored without a reason"),
        (message, func.length(message.c.raw) != message.c.size_bytes, "has not the size that it came with"),
        (outbox, outbox.c.state.not_in(OUTBOX_STATES), "is in no known state"),
        (outbox, and_(outbox.c.state == "sent", outbox.c.sent_at.is_(None)), "is sent at no time"),
        (outbox, func.length(outbox.c.raw) == 0, "has no bytes"),
        (job, job.c.state.not_in(("ready", "running", "dead")), "is in no known state"),
        (job, and_(job.c.state == "running", job.c.lease_until.is_(None)), "runs without a lease"),
        (case, case.c.status.not_in(("open", "waiting", "closed")), "is in no known state"),
        (case, and_(case.c.status == "closed", case.c.closed_at.is_(None)), "is closed at no time"),
        (case, and_(case.c.status != "closed", case.c.closed_at.is_not(None)), "is open, but closed once"),
        (case, ~exists().where(entry.c.case_id == case.c.id), "holds no message"),
    ]
    for table, wrong, words in rules:
        yield from _rows(connection, table, wrong, words)
    highest = connection.execute(select(func.max(case.c.number))).scalar() or 0
    counted = connection.execute(select(counter.c.value).where(counter.c.name == "case")).scalar() or 0
    if counted < highest:
        yield f"the counter of case numbers stands at {counted}, but case {highest} exists"


def _forgotten(connection: Connection) -> Iterator[str]:
    """Received messages that no job will process: sets of numbers, as a join over keys would be quadratic."""
    steps = connection.execute(select(job.c.payload).where(job.c.kind == "process")).scalars()
    known = {int(payload.get("message", 0)) for payload in steps}
    received = select(message.c.id).where(message.c.state == "received").order_by(message.c.id)
    lost = [found for found in connection.execute(received).scalars() if found not in known]
    if lost:
        yield _sentence(message, len(lost), lost[:SHOWN], "is received, but has no job")


def _rows(connection: Connection, table: Table, wrong: ColumnElement[bool], words: str) -> Iterator[str]:
    """One sentence for all rows of which wrong is true."""
    count = connection.execute(select(func.count()).select_from(table).where(wrong)).scalar_one()
    if not count:
        return
    key = next(iter(table.primary_key.columns), None)
    found = [] if key is None else connection.execute(select(key).where(wrong).limit(SHOWN)).scalars().all()
    yield _sentence(table, count, found, words)


def _sentence(table: Table, count: int, some: Sequence[object], words: str) -> str:
    shown = ", ".join(str(value) for value in some) + (", ..." if count > len(some) else "")
    return f"{count} in {table.name.rstrip('_')} ({shown}): {words}"
