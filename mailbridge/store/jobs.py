"""Durable background steps: claimed under a lease, fenced by its number, set aside when they keep failing.

A timer is a job with due_at in the future. Waking somebody is only a hint; asking for what is due is enough.
A job that is finished is deleted; one that fails too often is `dead`, whole, with its error, and can be
retried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from mailbridge.store.engine import Store
from mailbridge.store.schema import job, tick
from mailbridge.store.text import clean

MAX_ERROR = 4000


@dataclass(frozen=True, slots=True)
class Job:
    """A claimed step. Only the holder of this very lease may finish it.

    attempt: which try it is, counted since it was last made ready anew. lease: the fence, never set back.
    """

    id: int
    kind: str
    key: str
    payload: Mapping[str, Any]
    due_at: datetime
    attempt: int
    lease: int = 0


# Made once: to build a statement anew for each job costs more than to run it.
_BY_KEY = select(job.c.id).where(job.c.key == bindparam("key"))
_NEW = insert(job)
_REMOVE = delete(job).where(job.c.key.in_(bindparam("keys", expanding=True)), job.c.state != "running")


def add(connection: Connection, kind: str, key: str, payload: Mapping[str, Any], due_at: datetime) -> None:
    """Add a job, or make the one with this key ready again at due_at."""
    values = {"due_at": due_at, "state": "ready", "attempt": 0, "lease_until": None, "error": ""}
    again = update(job).where(job.c.key == key, job.c.state != "running")
    if _known(connection, key) and (  # most are new: look before writing
        connection.execute(again.values(payload=dict(payload), **values)).rowcount
    ):
        return
    if _known(connection, key):  # its holder works on older news: one more run under a key of its own
        add(connection, kind, key + "+", payload, due_at)
        return
    connection.execute(_NEW, {"kind": kind, "key": key, "payload": dict(payload), **values})


def _known(connection: Connection, key: str) -> bool:
    return connection.execute(_BY_KEY, {"key": key}).first() is not None


def remove(connection: Connection, keys: Sequence[str]) -> None:
    """Take timers away, unless one is being worked on: its handler will see that it is stale."""
    if keys:
        connection.execute(_REMOVE, {"keys": list(keys)})


class Jobs:
    """Claim, finish, fail."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, kinds: Sequence[str], now: datetime, lease_s: float, limit: int = 1) -> list[Job]:
        """Take up to limit due jobs of the first of these kinds that has any, for lease_s seconds.

        A lease that ran out gives its job back first: its holder died, or will find its fence closed.
        """
        lost = select(job.c.id).where(*_lost(now)).limit(1)
        with self._store.read() as connection:  # look first: an idle worker must not take the write lock
            kind = next((kind for kind in kinds if connection.execute(_due(kind, now, 1)).first()), None)
            if kind is None and connection.execute(lost).first() is None:
                return []
        with self._store.write() as connection:
            connection.execute(update(job).where(*_lost(now)).values(state="ready", lease_until=None))
            rows = connection.execute(
                _due(kind or kinds[0], now, limit).with_for_update(skip_locked=True)
            ).all()
            values = {"state": "running", "lease_until": now + timedelta(seconds=lease_s)}
            ids = [row.id for row in rows]
            connection.execute(
                update(job)
                .where(job.c.id.in_(ids))
                .values(attempt=job.c.attempt + 1, lease=job.c.lease + 1, **values)
            )
        return [Job(r.id, r.kind, r.key, r.payload, r.due_at, r.attempt + 1, r.lease + 1) for r in rows]

    def claim_key(self, key: str, now: datetime, lease_s: float) -> Job | None:
        """Take this very job if it is ready, whatever its turn."""
        here = (job.c.key == key, job.c.state == "ready")
        with self._store.write() as connection:
            row = connection.execute(select(job).where(*here).with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            until = now + timedelta(seconds=lease_s)
            values = {"attempt": row.attempt + 1, "lease": row.lease + 1, "lease_until": until}
            connection.execute(update(job).where(job.c.id == row.id).values(state="running", **values))
        return Job(row.id, row.kind, row.key, row.payload, row.due_at, row.attempt + 1, row.lease + 1)

    def holds(self, held: Job) -> bool:
        """Whether the lease is still ours."""
        mine = (job.c.id == held.id, job.c.lease == held.lease, job.c.state == "running")
        with self._store.read() as connection:
            return connection.execute(select(job.c.id).where(*mine)).first() is not None

    def extend(self, held: Job, until: datetime) -> bool:
        """Hold the lease longer; False where it was lost."""
        with self._store.write() as connection:
            return bool(connection.execute(_fenced(update(job), held).values(lease_until=until)).rowcount)

    def finish(self, held: Job) -> bool:
        """Delete the job if it is still ours."""
        with self._store.write() as connection:
            return finish(connection, held)

    def retry(self, held: Job, due_at: datetime, error: str = "") -> None:
        """Give the job back, to be tried again at due_at."""
        values = {"state": "ready", "due_at": due_at, "lease_until": None, "error": _tail(error)}
        with self._store.write() as connection:
            connection.execute(_fenced(update(job), held).values(**values))

    def postpone(self, held: Job, due_at: datetime) -> None:
        """Give the job back without counting the attempt: it was not its turn."""
        values = {"state": "ready", "due_at": due_at, "lease_until": None, "attempt": held.attempt - 1}
        with self._store.write() as connection:
            connection.execute(_fenced(update(job), held).values(**values))

    def bury(self, held: Job, error: str) -> None:
        """Set the job aside as dead, with its error."""
        with self._store.write() as connection:
            bury(connection, held, error)

    def revive(self, job_id: int, now: datetime) -> bool:
        """Make a dead job ready again."""
        values = {"state": "ready", "due_at": now, "attempt": 0, "error": ""}
        with self._store.write() as connection:
            return bool(connection.execute(update(job).where(job.c.id == job_id).values(**values)).rowcount)

    def next_due(self, kinds: Sequence[str]) -> datetime | None:
        """When the next job of these kinds becomes due, for the bell and the virtual clock."""
        query = select(func.min(job.c.due_at)).where(job.c.kind.in_(kinds), job.c.state == "ready")
        with self._store.read() as connection:
            return connection.execute(query).scalar()

    def count(self, kind: str, state: str = "ready") -> int:
        query = select(func.count()).select_from(job).where(job.c.kind == kind, job.c.state == state)
        with self._store.read() as connection:
            return connection.execute(query).scalar_one()

    def listing(self) -> list[dict[str, Any]]:
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(select(job).order_by(job.c.id))]

    def tick(self, name: str, at: datetime) -> bool:
        """True for the one caller on any node who gets to do the periodic thing of this moment."""
        here = (tick.c.name == name, tick.c.at == at)
        try:
            with self._store.write() as connection:
                if connection.execute(select(tick.c.at).where(*here)).first() is not None:
                    return False
                old = (tick.c.name == name, tick.c.at < at - timedelta(days=7))
                connection.execute(delete(tick).where(*old))
                connection.execute(insert(tick).values(name=name, at=at))
        except IntegrityError:
            return False  # another node was quicker by less than a transaction
        return True


def _due(kind: str, now: datetime, limit: int) -> Select[Any]:
    wanted = select(job).where(job.c.state == "ready", job.c.kind == kind, job.c.due_at <= now)
    return wanted.order_by(job.c.due_at, job.c.id).limit(limit)


def _lost(now: datetime) -> tuple[ColumnElement[bool], ...]:
    # plain conditions, no subquery: PostgreSQL asks them again after waiting for a row's lock
    return (job.c.state == "running", job.c.lease_until < now)


def _fenced(statement: Any, held: Job) -> Any:
    return statement.where(job.c.id == held.id, job.c.lease == held.lease, job.c.state == "running")


def _tail(error: str) -> str:
    """The end of a traceback says what went wrong."""
    return clean(error)[-MAX_ERROR:]


def finish(connection: Connection, held: Job) -> bool:
    """Delete the job in the caller's transaction; False where the lease was lost: then roll back."""
    return bool(connection.execute(_fenced(delete(job), held)).rowcount)


def bury(connection: Connection, held: Job, error: str) -> bool:
    """Set the job aside as dead in the caller's transaction; False where the lease was lost."""
    values = {"state": "dead", "lease_until": None, "error": _tail(error)}
    return bool(connection.execute(_fenced(update(job), held).values(**values)).rowcount)
