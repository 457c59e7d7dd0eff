"""What an admin sees and steers: everything that waits, failed or was set aside, inbound and outbound.

Promises: one listing over inbox, jobs and outbox, each row with an id that is unique over all ("in-12" a
message, "job-5" a background step, "out-7" an outgoing mail); what is worked on at this moment is left alone.
Fails with NotFound for an id that is nowhere, Busy for one that is in work, Permanent for one that is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, LargeBinary, Row, delete, func, or_, select, update
from sqlalchemy import case as when

from mailbridge.errors import Busy, NotFound, Permanent
from mailbridge.store import jobs
from mailbridge.store.engine import Store
from mailbridge.store.schema import arrival, case, job, message, outbox

HEAD_BYTES = 32_768
BATCH = 500
WAITING_OUT = ("waiting", "sending", "dead")
ALL_OUT = (*WAITING_OUT, "sent", "dropped")
# columns that a row of the listing tells, under the names of the listing
_LISTED = (
    *("id", "state", "kind", "case_id", "author", "mail_from", "rcpt_to", "to_address", "to_domain"),
    *("subject", "reason", "due_at", "attempt"),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the listing. case is a number. head: the first bytes of a message not yet understood, else
    b"".

    state: received, processing, quarantined, dead (in); waiting, sending, sent, dead, dropped (out).
    since: when it came or was written. due_at: when it will be tried next, None where it will not.
    """

    id: str
    direction: str
    state: str
    kind: str
    case: int | None
    from_: str
    to: tuple[str, ...]
    subject: str
    reason: str
    due_at: datetime | None
    attempts: int
    since: datetime
    head: bytes = b""


class Upkeep:
    """The admin's view of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def listing(self, *, everything: bool = False) -> list[Waiting]:
        """All that is not done, inbound first, oldest first; everything: also what was sent or dropped."""
        with self._store.read() as connection:
            steps = _steps(connection)
            states = ALL_OUT if everything else WAITING_OUT
            mails = _mails(connection, outbox.c.state.in_(states))
            return [*_inbound(connection, steps), *_dead_steps(connection, steps.get(-1, [])), *mails]

    def raw(self, item_id: str) -> bytes:
        """The exact bytes of a message or an outgoing mail. Raises NotFound."""
        where, number = split_id(item_id)
        table = {"in": message, "out": outbox}.get(where)
        if table is None:
            raise NotFound(f"{item_id} is a background step and has no bytes of its own")
        with self._store.read() as connection:
            found = connection.execute(select(table.c.raw).where(table.c.id == number)).scalar()
        if found is None:
            raise NotFound(f"there is no {item_id} in the queue; see: mailbridge queue list --all")
        return bytes(found)

    def details(self, item_id: str) -> tuple[Waiting, dict[str, Any]]:
        """The row as in the listing, and what else is known: of a message also its arrivals and jobs.

        Raises NotFound.
        """
        where, number = split_id(item_id)
        table = {"in": message, "out": outbox, "job": job}[where]
        columns = [column for column in table.c if column.name not in ("raw", *_LISTED)]
        with self._store.read() as connection:
            row = connection.execute(select(*columns).where(table.c.id == number)).first()
            if row is None:
                raise NotFound(f"there is no {item_id} in the queue; see: mailbridge queue list --all")
            found = dict(row._mapping)
            if where == "in":
                mine = select(arrival).where(arrival.c.message_id == number).order_by(arrival.c.id)
                found["arrivals"] = [dict(arrived._mapping) for arrived in connection.execute(mine)]
                found["jobs"] = [dict(step._mapping) for step in _jobs_of(connection, number)]
            return _item(connection, where, number), found

    def retry(self, item_id: str, now: datetime) -> None:
        """Make it ready to be tried again now. Raises NotFound, Busy, Permanent."""
        where, number = split_id(item_id)
        with self._store.write() as connection:
            if where == "in":
                _again(connection, number, now)
            elif where == "job":
                _revive(connection, number, now)
            else:
                values = {"state": "waiting", "due_at": now, "attempt": 0}
                _move_mail(connection, number, values, ("waiting", "dead", "dropped"))

    def drop(self, item_id: str, now: datetime) -> None:
        """Give it up: a message is kept, as ignored; an outgoing mail is kept, as dropped; a step is deleted.

        Raises NotFound, Busy, Permanent.
        """
        where, number = split_id(item_id)
        with self._store.write() as connection:
            if where == "in":
                _ignore(connection, number, now)
            elif where == "job":
                _free_step(connection, number)
                connection.execute(delete(job).where(job.c.id == number))
            else:
                _move_mail(connection, number, {"state": "dropped"}, ("waiting", "dead"))


def split_id(item_id: str) -> tuple[str, int]:
    """("in", 12) of "in-12"; a bare number means a message. Raises NotFound."""
    where, dash, number = item_id.strip().lower().rpartition("-")
    where = where if dash else "in"
    if where in ("in", "out", "job") and number.isascii() and number.isdigit() and len(number) < 19:
        return where, int(number)
    raise NotFound(f"{item_id!r} is no id of the queue; ids look like in-12, out-7, job-5")


# --- listing ----------------------------------------------------------------------------------------------


def _steps(connection: Connection) -> dict[int, list[Row[Any]]]:
    """The process jobs by message, and under -1 all other dead jobs."""
    found: dict[int, list[Row[Any]]] = {}
    wanted = or_(job.c.kind == "process", job.c.state == "dead")
    for row in connection.execute(select(job).where(wanted).order_by(job.c.id)):
        key = int(row.payload.get("message", -1)) if row.kind == "process" else -1
        found.setdefault(key, []).append(row)
    return found


def _inbound(connection: Connection, steps: dict[int, list[Row[Any]]]) -> list[Waiting]:
    open_state = message.c.state.in_(("received", "quarantined"))
    dead = [key for key, rows in steps.items() if key > 0 and any(row.state == "dead" for row in rows)]
    ids = set(connection.execute(select(message.c.id).where(open_state)).scalars()) | set(dead)
    out: list[Waiting] = []
    ordered = sorted(ids)
    for start in range(0, len(ordered), BATCH):
        out += _some_inbound(connection, ordered[start : start + BATCH], steps)
    return out


def _some_inbound(
    connection: Connection, ids: Sequence[int], steps: dict[int, list[Row[Any]]]
) -> list[Waiting]:
    arrived: dict[int, list[Row[Any]]] = {}
    ways = select(arrival).where(arrival.c.message_id.in_(ids)).order_by(arrival.c.id)
    for row in connection.execute(ways):
        arrived.setdefault(row.message_id, []).append(row)
    start = func.substr(message.c.raw, 1, HEAD_BYTES, type_=LargeBinary)
    head = when((message.c.author == "", start), else_=None).label("head")
    number = (
        select(case.c.number).where(case.c.id == message.c.case_id).scalar_subquery().label("case_number")
    )
    columns = [column for column in message.c if column.name not in ("raw", "rules", "authentic")]
    rows = connection.execute(
        select(*columns, head, number).where(message.c.id.in_(ids)).order_by(message.c.id)
    )
    return [_incoming(row, arrived.get(row.id, []), steps.get(row.id, [])) for row in rows]


def _incoming(row: Any, arrived: Sequence[Row[Any]], steps: Sequence[Row[Any]]) -> Waiting:
    live = [step for step in steps if step.state != "dead"]
    step = next(iter(live or steps), None)
    state = row.state
    if any(s.state == "running" for s in live):
        state = "processing"
    elif not live and steps and state != "quarantined":
        state = "dead"
    senders = [one.mail_from for one in arrived if one.mail_from]
    return Waiting(
        id=f"in-{row.id}",
        direction="in",
        state=state,
        kind=row.kind,
        case=row.case_number,
        from_=row.author or next(iter(senders), ""),
        to=tuple(dict.fromkeys(address for one in arrived for address in one.rcpt_to)),
        subject=row.subject,
        reason=row.reason or last_line(row.error or (step.error if step else "")),
        due_at=step.due_at if step and live else None,
        attempts=step.attempt if step else 0,
        since=row.received_at,
        head=bytes(row.head or b""),
    )


def _item(connection: Connection, where: str, number: int) -> Waiting:
    """One row of the listing, also where it waits no more."""
    if where == "in":
        found = _some_inbound(connection, [number], {number: _jobs_of(connection, number)})
    elif where == "job":
        found = _dead_steps(connection, connection.execute(select(job).where(job.c.id == number)).all())
    else:
        found = _mails(connection, outbox.c.id == number)
    return found[0]


def _dead_steps(connection: Connection, rows: Sequence[Row[Any]]) -> list[Waiting]:
    ids = [row.payload["case"] for row in rows if row.payload.get("case")]
    numbers: dict[int, int] = {}
    for start in range(0, len(ids), BATCH):
        query = select(case.c.id, case.c.number).where(case.c.id.in_(ids[start : start + BATCH]))
        numbers |= {row.id: row.number for row in connection.execute(query)}
    return [_step(row, numbers.get(row.payload.get("case", 0))) for row in rows]


def _step(row: Row[Any], number: int | None) -> Waiting:
    timer = row.payload.get("timer", "")
    return Waiting(
        id=f"job-{row.id}",
        direction="in",
        state=row.state,
        kind=str(timer or row.kind),
        case=number,
        from_="",
        to=(),
        subject="",
        reason=last_line(row.error),
        due_at=None,
        attempts=row.attempt,
        since=row.due_at,
    )


def _mails(connection: Connection, test: ColumnElement[bool]) -> list[Waiting]:
    numbers = select(case.c.number).where(case.c.id == outbox.c.case_id).scalar_subquery()
    columns = [column for column in outbox.c if column.name != "raw"]
    query = select(*columns, numbers.label("case_number")).where(test).order_by(outbox.c.id)
    return [_outgoing(row) for row in connection.execute(query)]


def _outgoing(row: Any) -> Waiting:
    return Waiting(
        id=f"out-{row.id}",
        direction="out",
        state=row.state,
        kind=row.kind,
        case=row.case_number,
        from_=row.mail_from,
        to=tuple(row.rcpt_to),
        subject=row.subject,
        reason=last_line(row.reply),
        due_at=row.due_at if row.state in ("waiting", "sending") else None,
        attempts=row.attempt,
        since=row.created_at,
    )


def last_line(error: str) -> str:
    """The line of a traceback or reply that says what is wrong."""
    lines = error.strip().splitlines()
    return lines[-1][:500] if lines else ""


# --- steering ---------------------------------------------------------------------------------------------


def _jobs_of(connection: Connection, message_id: int) -> list[Row[Any]]:
    base = f"process:{message_id}"
    known = or_(job.c.key == base, job.c.key.startswith(f"{base}:"), job.c.key.startswith(f"{base}+"))
    return list(connection.execute(select(job).where(known).order_by(job.c.id)).all())


def _state_of(connection: Connection, message_id: int) -> tuple[str, int | None]:
    query = select(message.c.state, message.c.case_id).where(message.c.id == message_id).with_for_update()
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"there is no message in-{message_id}; see: mailbridge queue list")
    return row.state, row.case_id


def _again(connection: Connection, message_id: int, now: datetime) -> None:
    """Received again, with one fresh process job. What was filed stays: a second run would answer twice."""
    state, case_id = _state_of(connection, message_id)
    steps = _jobs_of(connection, message_id)
    if any(step.state == "running" for step in steps):
        raise Busy(f"in-{message_id} is being processed at this moment; try again in a minute")
    if state == "filed" and not steps:
        number = connection.execute(select(case.c.number).where(case.c.id == case_id)).scalar()
        raise Permanent(
            f"in-{message_id} is filed{f' to case {number}' if number else ''}; nothing is to be done"
        )
    connection.execute(delete(job).where(job.c.id.in_([step.id for step in steps])))
    jobs.add(connection, "process", f"process:{message_id}", {"message": message_id}, now)
    if state != "filed":
        values = {"state": "received", "outcome": "", "reason": "", "error": "", "processed_at": None}
        connection.execute(update(message).where(message.c.id == message_id).values(**values))


def _ignore(connection: Connection, message_id: int, now: datetime) -> None:
    state, _ = _state_of(connection, message_id)
    steps = _jobs_of(connection, message_id)
    if any(step.state == "running" for step in steps):
        raise Busy(f"in-{message_id} is being processed at this moment; try again in a minute")
    if state not in ("received", "quarantined") and not steps:
        raise Permanent(f"in-{message_id} is {state} and does not wait; there is nothing to drop")
    connection.execute(delete(job).where(job.c.id.in_([step.id for step in steps])))
    if state != "filed":
        values = {
            "state": "ignored",
            "outcome": "ignored",
            "reason": "dropped by an admin",
            "processed_at": now,
        }
        connection.execute(update(message).where(message.c.id == message_id).values(**values))


def _free_step(connection: Connection, job_id: int) -> None:
    state = connection.execute(select(job.c.state).where(job.c.id == job_id).with_for_update()).scalar()
    if state is None:
        raise NotFound(f"there is no job-{job_id}; see: mailbridge queue list")
    if state == "running":
        raise Busy(f"job-{job_id} is being worked on at this moment; try again in a minute")


def _revive(connection: Connection, job_id: int, now: datetime) -> None:
    _free_step(connection, job_id)
    values = {"state": "ready", "due_at": now, "attempt": 0, "error": ""}
    connection.execute(update(job).where(job.c.id == job_id).values(**values))


def _move_mail(
    connection: Connection, outbox_id: int, values: dict[str, Any], movable: Sequence[str]
) -> None:
    here = outbox.c.id == outbox_id
    if connection.execute(update(outbox).where(here, outbox.c.state.in_(movable)).values(**values)).rowcount:
        return
    state = connection.execute(select(outbox.c.state).where(here)).scalar()
    if state is None:
        raise NotFound(f"there is no mail out-{outbox_id}; see: mailbridge queue list --all")
    if state == "sending":
        raise Busy(f"out-{outbox_id} is being sent at this moment; try again in a minute")
    raise Permanent(f"out-{outbox_id} is {state}; there is nothing to be done")
