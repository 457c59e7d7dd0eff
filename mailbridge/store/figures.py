"""How full everything is: counts of all tables of work, for `status` and its probe.

Promises: one snapshot; reads only. Fails with StoreUnavailable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from mailbridge.store.engine import Store
from mailbridge.store.schema import case, job, message, outbox


@dataclass(frozen=True, slots=True)
class Figures:
    """How full everything is. missed: open cases whose deadline has passed."""

    messages: dict[str, int]
    oldest_received: datetime | None
    jobs: dict[str, dict[str, int]]
    outbox: dict[str, int]
    oldest_outgoing: datetime | None
    cases: dict[str, int]
    missed: int
    size_bytes: int


def figures(store: Store) -> Figures:
    """Counts of all tables of work."""
    with store.read() as connection:
        steps: dict[str, dict[str, int]] = {}
        counted = select(job.c.kind, job.c.state, func.count()).group_by(job.c.kind, job.c.state)
        for kind, state, number in connection.execute(counted):
            steps.setdefault(kind, {})[state] = number
        first = select(func.min(message.c.received_at)).where(message.c.state == "received")
        waits = outbox.c.state.in_(("waiting", "sending"))
        missed = (case.c.status == "open", case.c.deadline_state == "missed")
        return Figures(
            messages=_counts(connection, message),
            oldest_received=connection.execute(first).scalar(),
            jobs=steps,
            outbox=_counts(connection, outbox),
            oldest_outgoing=connection.execute(select(func.min(outbox.c.created_at)).where(waits)).scalar(),
            cases=_counts(connection, case, "status"),
            missed=connection.execute(select(func.count()).select_from(case).where(*missed)).scalar_one(),
            size_bytes=store.path.stat().st_size if store.path else 0,
        )


def _counts(connection: Connection, table: Table, column: str = "state") -> dict[str, int]:
    query = select(table.c[column], func.count()).group_by(table.c[column])
    return {row[0]: row[1] for row in connection.execute(query)}
