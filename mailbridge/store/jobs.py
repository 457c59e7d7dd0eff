"""Durable background steps: claimed under a lease, fenced by its number, set aside when they keep failing.

A timer is a job with due_at in the future. Waking somebody is only a hint; asking for what is due is enough.
A job that is finished is deleted; one that fails too often is `dead`, whole, with its error, and can be
retried.
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
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from mailbridge.store.engine import Store
from mailbridge.store.prepared import Prepared, new_row
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


@dataclass(frozen=True, slots=True)
class NewJob:
    """A step to be done at due_at, once for its key."""

    kind: str
    key: str
    payload: Mapping[str, Any]
    due_at: datetime


# Made once: to build a statement anew for each job costs more than to run it.
_READY: dict[str, Any] = {"state": "ready", "attempt": 0, "lease_until": None, "error": ""}
_KNOWN = Prepared(select(job.c.key).where(job.c.key.in_(bindparam("keys", expanding=True))), lists=("keys",))
_NEW = new_row(job)
_REMOVE = Prepared(
    delete(job).where(job.c.key.in_(bindparam("keys", expanding=True)), job.c.state != "running"),
    lists=("keys",),
)
_AGAIN = Prepared(
    update(job)
    .where(job.c.key == bindparam("this"), job.c.state != "running")
    .values(payload=bindparam("news"), due_at=bindparam("moment"), **_READY)
)


def add(connection: Connection, kind: str, key: str, payload: Mapping[str, Any], due_at: datetime) -> None:
    """Add a job, or make the one with this key ready again at due_at."""
    change(connection, (), [NewJob(kind, key, payload, due_at)])


def insert_new(connection: Connection, new: Sequence[NewJob]) -> None:
    """Add jobs whose keys nobody can have had before."""
    rows = [
        {"kind": one.kind, "key": one.key, "payload": dict(one.payload), "due_at": one.due_at, **_READY}
        for one in new
    ]
    _NEW.change_all(connection, rows)


def change(connection: Connection, gone: Sequence[str], wanted: Sequence[NewJob]) -> None:
    """Take the jobs with the keys gone away, and add the wanted ones, or make them ready again.

    A job that is being worked on stays: its handler will see that it is stale. What is wanted anew of one
    runs once more under a key of its own, since its holder works on older news.
    """
    keys = [*gone, *(one.key for one in wanted)]
    if not keys:
        return
    known = set(_KNOWN.scalars(connection, {"keys": keys}))  # most are new: look before writing
    if there := [key for key in gone if key in known]:
        _REMOVE.change(connection, {"keys": there})
    insert_new(connection, [one for one in wanted if one.key not in known])
    for one in wanted:
        if one.key in known:
            _again(connection, one)


def _again(connection: Connection, one: NewJob) -> None:
    values = {"this": one.key, "news": dict(one.payload), "moment": one.due_at}
    if not _AGAIN.change(connection, values):
        add(connection, one.kind, one.key + "+", one.payload, one.due_at)


class Jobs:
    """Claim, finish, fail."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, kinds: Sequence[str], now: datetime, lease_s: float, limit: int = 1) -> list[Job]:
        """Take up to limit due jobs of the first of these kinds that has any, for lease_s seconds.

        A lease that ran out gives its job back first: its holder died, or will find its fence closed.
        """
        with self._store.read() as connection:  # look first: an idle worker must not take the write lock
            lost, *ready = _look(tuple(kinds)).first(connection, {"now": now})
        if not lost and not any(ready):
            return []
        kind = kinds[ready.index(True)] if any(ready) else kinds[0]
        with self._store.write() as connection:
            if lost:
                _GIVE_BACK.change(connection, {"now": now})
            rows = _DUE.rows(connection, {"kind": kind, "now": now, "most": limit})
            if rows:
                values = {"ids": [row.id for row in rows], "until": now + timedelta(seconds=lease_s)}
                _TAKE.change(connection, values)
        return [Job(r.id, r.kind, r.key, r.payload, r.due_at, r.attempt + 1, r.lease + 1) for r in rows]

    def claim_key(self, key: str, now: datetime, lease_s: float) -> Job | None:
        """Take this very job if it is ready, whatever its turn."""
        with self._store.write() as connection:
            row = _READY_ONE.first(connection, {"key": key})
            if row is None:
                return None
            _TAKE.change(connection, {"ids": [row.id], "until": now + timedelta(seconds=lease_s)})
        return Job(row.id, row.kind, row.key, row.payload, row.due_at, row.attempt + 1, row.lease + 1)

    def state(self, key: str) -> str | None:
        """How far the job with this key is; None where it is done, or never was."""
        with self._store.read() as connection:
            return connection.execute(select(job.c.state).where(job.c.key == key)).scalar()

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
        with self._store.read() as connection:
            found = _next(tuple(kinds)).first(connection)
        return min((due for due in found if due is not None), default=None)

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


# plain conditions, no subquery: PostgreSQL asks them again after waiting for a row's lock
_LOST = (job.c.state == "running", job.c.lease_until < bindparam("now"))
_GIVE_BACK = Prepared(update(job).where(*_LOST).values(state="ready", lease_until=None))


def _ready(kind: ColumnElement[str] | str) -> tuple[ColumnElement[bool], ...]:
    # What nobody took yet is due at once, unless it is a timer: its moment lies ahead where a clock was set
    # back, and mail must not wait for the clock to come there again.
    due = or_(job.c.due_at <= bindparam("now"), and_(job.c.lease == 0, job.c.kind != "due"))
    return (job.c.state == "ready", job.c.kind == kind, due)


_DUE = Prepared(
    select(job)
    .where(*_ready(bindparam("kind")))
    .order_by(job.c.due_at, job.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = Prepared(
    (
        update(job)
        .where(job.c.id.in_(bindparam("ids", expanding=True)))
        .values(
            state="running",
            lease_until=bindparam("until"),
            attempt=job.c.attempt + 1,
            lease=job.c.lease + 1,
        )
    ),
    lists=("ids",),
)


_READY_ONE = Prepared(
    select(job).where(job.c.key == bindparam("key"), job.c.state == "ready").with_for_update(skip_locked=True)
)


@cache
def _look(kinds: tuple[str, ...]) -> Prepared:
    """Whether a lease ran out, and for each kind whether one is due: one row."""
    tests = (_LOST, *(_ready(kind) for kind in kinds))
    columns: list[Any] = [exists(select(literal_column("1")).where(*test)) for test in tests]
    return Prepared(select(*columns))


@cache
def _next(kinds: tuple[str, ...]) -> Prepared:
    """The first moment of each kind: one look into the index each, where a list of kinds reads all timers."""
    mine = (select(func.min(job.c.due_at)).where(job.c.state == "ready", job.c.kind == k) for k in kinds)
    return Prepared(select(*(one.scalar_subquery() for one in mine)))


def _fenced(statement: Any, held: Job) -> Any:
    return statement.where(job.c.id == held.id, job.c.lease == held.lease, job.c.state == "running")


_FINISH = Prepared(
    delete(job).where(
        job.c.id == bindparam("this"), job.c.lease == bindparam("held"), job.c.state == "running"
    )
)


def _tail(error: str) -> str:
    """The end of a traceback says what went wrong."""
    return clean(error)[-MAX_ERROR:]


def finish(connection: Connection, held: Job) -> bool:
    """Delete the job in the caller's transaction; False where the lease was lost: then roll back."""
    return bool(_FINISH.change(connection, {"this": held.id, "held": held.lease}))


def bury(connection: Connection, held: Job, error: str) -> bool:
    """Set the job aside as dead in the caller's transaction; False where the lease was lost."""
    values = {"state": "dead", "lease_until": None, "error": _tail(error)}
    return bool(connection.execute(_fenced(update(job), held).values(**values)).rowcount)
