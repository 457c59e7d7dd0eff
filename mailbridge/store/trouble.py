"""What was set aside and waits for an admin, and which of it admins were told of.

Promises: `tell` writes the mail and the memory of it in one transaction, and only where nobody on another
node was quicker, so that the same trouble is told once. A mail to admins that died is no trouble here:
telling of it would never end. Fails with StoreUnavailable, StoreFull.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from mailbridge.store.engine import Store
from mailbridge.store.schema import job, message, outbox, setting
from mailbridge.store.text import clean
from mailbridge.store.upkeep import last_line

KIND = "admin_notice"
MOST = 1000  # of each sort, the oldest first: more need no names
_NAME = "admins_told"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One row that needs a person. id is that of `queue list`; what says in a few words what it is."""

    id: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """The last mail to admins: when, and what was in trouble then and still is. raw: as it is stored."""

    at: datetime | None = None
    ids: frozenset[str] = frozenset()
    raw: str = ""


@dataclass(frozen=True, slots=True)
class AdminMail:
    """The mail to be sent: null sender, exact bytes."""

    to: tuple[str, ...]
    subject: str
    message_ref: str
    raw: bytes


def look(store: Store) -> tuple[list[Trouble], Told]:
    """What is in trouble now, and what was told of it."""
    with store.read() as connection:
        value = connection.execute(select(setting.c.value).where(setting.c.name == _NAME)).scalar()
        return [*_quarantined(connection), *_dead_jobs(connection), *_dead_mail(connection)], _read(value)


def remember(store: Store, old: Told, at: datetime | None, ids: Sequence[str]) -> bool:
    """Note what was told; False where another node has written since old was read."""
    try:
        with store.write() as connection:
            return _remember(connection, old, at, ids)
    except IntegrityError:
        return False


def tell(store: Store, old: Told, ids: Sequence[str], mail: AdminMail, now: datetime) -> bool:
    """Put the mail into the outbox and note what it tells; False where another node was quicker."""
    values = {
        "key": f"{KIND}:{mail.message_ref}"[:160],
        "case_id": None,
        "kind": KIND,
        "automatic": True,
        "state": "waiting",
        "mail_from": "",
        "rcpt_to": list(mail.to),
        "to_address": mail.to[0].lower()[:320],
        "to_domain": mail.to[0].rpartition("@")[2].lower()[:255],
        "subject": clean(mail.subject),
        "message_ref": mail.message_ref,
        "created_at": now,
        "due_at": now,
        "raw": mail.raw,
    }
    try:
        with store.write() as connection:
            if not _remember(connection, old, now, ids):
                return False
            connection.execute(insert(outbox).values(**values))
    except IntegrityError:
        return False
    return True


def _remember(connection: Connection, old: Told, at: datetime | None, ids: Sequence[str]) -> bool:
    value = json.dumps({"at": at.isoformat() if at else None, "ids": sorted(ids)})
    if not old.raw:
        connection.execute(insert(setting).values(name=_NAME, value=value))
        return True
    here = (setting.c.name == _NAME, setting.c.value == old.raw)
    return bool(connection.execute(update(setting).where(*here).values(value=value)).rowcount)


def _read(value: str | None) -> Told:
    if not value:
        return Told()
    known = json.loads(value)
    at = datetime.fromisoformat(known["at"]) if known["at"] else None
    return Told(at, frozenset(known["ids"]), value)


def _quarantined(connection: Connection) -> Iterator[Trouble]:
    columns = (message.c.id, message.c.reason, message.c.author)
    query = select(*columns).where(message.c.state == "quarantined").order_by(message.c.id).limit(MOST)
    for row in connection.execute(query):
        sender = f" from {row.author}" if row.author else ""
        yield Trouble(f"in-{row.id}", f"message{sender}, quarantined", row.reason)


def _dead_jobs(connection: Connection) -> Iterator[Trouble]:
    """Those of quarantined messages were told with their messages."""
    query = select(job).where(job.c.state == "dead").order_by(job.c.id).limit(MOST)
    for row in connection.execute(query):
        if row.kind != "process":
            what = str(row.payload.get("timer", "") or row.kind).replace("_", " ")
            yield Trouble(f"job-{row.id}", f"step ({what}), given up", last_line(row.error))


def _dead_mail(connection: Connection) -> Iterator[Trouble]:
    columns = (outbox.c.id, outbox.c.kind, outbox.c.rcpt_to, outbox.c.reply)
    mine = (outbox.c.state == "dead", outbox.c.kind != KIND)
    for row in connection.execute(select(*columns).where(*mine).order_by(outbox.c.id).limit(MOST)):
        what = f"mail ({row.kind.replace('_', ' ')}) to {', '.join(row.rcpt_to)[:200]}, not delivered"
        yield Trouble(f"out-{row.id}", what, last_line(row.reply))
