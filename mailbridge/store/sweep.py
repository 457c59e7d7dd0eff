"""What is looked for from time to time: messages without their job, mail that may be removed.

Promises: a message that is received and not decided always has a job, whatever went wrong; only ignored mail
older than asked is removed, whole, and raw mail of cases closed for longer than asked is emptied, while the
case, its texts and the digest stay (so that a late duplicate is still known). Small transactions, so that
mail never waits for upkeep. Fails with StoreUnavailable, StoreFull.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, or_, select, update

from mailbridge.store import jobs
from mailbridge.store.engine import Store
from mailbridge.store.schema import case, entry, job, message

BATCH = 200
REMOVED = b""


def orphans(store: Store, before: datetime) -> list[int]:
    """Give each message received before then, and without a job of its own, a new one; their ids."""
    key = "process:" + func.cast(message.c.id, job.c.key.type)
    mine = select(job.c.id).where(or_(job.c.key == key, job.c.key.startswith(key + ":")))
    lost = select(message.c.id).where(
        message.c.state == "received", message.c.received_at < before, ~mine.exists()
    )
    with store.read() as connection:
        if connection.execute(lost.limit(1)).first() is None:
            return []
    with store.write() as connection:
        found = list(connection.execute(lost.limit(BATCH)).scalars())
        for message_id in found:
            jobs.add(connection, "process", f"process:{message_id}", {"message": message_id}, before)
    return found


def remove_ignored(store: Store, before: datetime) -> int:
    """Remove mail that was ignored before then; how many."""
    old = select(message.c.id).where(message.c.state == "ignored", message.c.processed_at < before)
    removed = 0
    while True:
        with store.write() as connection:
            ids = list(connection.execute(old.limit(BATCH)).scalars())
            connection.execute(delete(message).where(message.c.id.in_(ids)))
        removed += len(ids)
        if len(ids) < BATCH:
            return removed


def empty_closed(store: Store, before: datetime, *, voicemail_only: bool = False) -> int:
    """Remove the raw bytes of messages whose case was closed before then; how many.

    Their entries' attachments are then no longer to be had; texts stay.
    """
    closed = select(case.c.id).where(case.c.status == "closed", case.c.closed_at < before)
    mail = select(entry.c.message_id).where(entry.c.case_id.in_(closed), entry.c.message_id.is_not(None))
    full = select(message.c.id).where(message.c.id.in_(mail), message.c.raw != REMOVED)
    if voicemail_only:
        full = full.where(message.c.kind == "voicemail")
    emptied = 0
    while True:
        with store.write() as connection:
            ids = list(connection.execute(full.limit(BATCH)).scalars())
            connection.execute(update(message).where(message.c.id.in_(ids)).values(raw=REMOVED))
        emptied += len(ids)
        if len(ids) < BATCH:
            return emptied
