"""What is looked for from time to time: messages without their job, ignored mail that may be removed.

Promises: a message that is received and not decided always has a job, whatever went wrong; only ignored mail
older than asked is removed, whole (what stands on cases: removal). Small transactions, so that mail never
waits for upkeep. Fails with StoreUnavailable, StoreFull.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, or_, select

from mailbridge.store import jobs
from mailbridge.store.engine import Store
from mailbridge.store.schema import job, message

BATCH = 200


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
