"""Leased rows whose holder died: given back at once, where the master knows that it did.

Without this a lease that ran out gives its row back as well, only later: this is haste, not correctness. Each
statement is fenced by the number of the lease, so that a row which somebody else holds by now stays with him.
Fails with StoreUnavailable, StoreFull: then the leases run out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from mailbridge.store.engine import Store
from mailbridge.store.schema import job, outbox
from mailbridge.store.text import clean

DIED = "processing died"
"""How the error of a job begins whose holder was killed or crashed while it was at it."""


def give_back_job(
    store: Store, job_id: int, lease: int, due_at: datetime, *, died: str = "", innocent: bool = True
) -> bool:
    """Make the job ready again at due_at. innocent: its turn had not come, so the attempt does not count.

    died: what became of the process that was at it.
    """
    values: dict[str, Any] = {"state": "ready", "lease_until": None, "due_at": due_at}
    if innocent:
        values["attempt"] = job.c.attempt - 1
    if died:
        values["error"] = f"{DIED}: {clean(died)}"[:500]
    mine = (job.c.id == job_id, job.c.lease == lease, job.c.state == "running")
    with store.write() as connection:
        return bool(connection.execute(update(job).where(*mine).values(**values)).rowcount)


def give_back_mail(store: Store, outbox_id: int, lease: int, due_at: datetime) -> bool:
    """Let the mail be tried again at due_at: the same bytes, the same Message-ID."""
    mine = (outbox.c.id == outbox_id, outbox.c.lease == lease, outbox.c.state == "sending")
    values = {"state": "waiting", "lease_until": None, "due_at": due_at}
    with store.write() as connection:
        return bool(connection.execute(update(outbox).where(*mine).values(**values)).rowcount)


def error_of(store: Store, job_id: int) -> str:
    """What the job's last try left behind; "" where that try said nothing, because it died."""
    with store.read() as connection:
        return str(connection.execute(select(job.c.error).where(job.c.id == job_id)).scalar() or "")
