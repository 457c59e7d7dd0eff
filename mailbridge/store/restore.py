"""A backup takes the place of the SQLite database, so that it can be worked with, not only opened.

Promises: the backup itself is never changed; it is checked, brought to this version's schema and made ready
beside the database before it takes its name; what was there before is kept under another name, -wal and -shm
with it, as a -wal of the old file would be read into the new one. Case numbers go on behind a gap: the number
of a case that came after the backup, which its customer quotes, must not be given to another one's case.
Nobody may work on the database meanwhile: the caller sees to that.
Fails with Permanent (no backup of ours), SchemaUnknown, CannotWrite, Unavailable for PostgreSQL.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, insert, select, update

from mailbridge.errors import CannotWrite, Permanent, Unavailable
from mailbridge.store.engine import Store
from mailbridge.store.migrate import upgrade
from mailbridge.store.schema import case, counter, message, outbox

_TAILS = ("", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What is there now. kept: where the database before lies, None for none. waiting: outgoing mail in the
    backup, of which some may have left after it was made."""

    kept: Path | None
    cases: int
    newest: datetime | None
    waiting: int
    next_number: int


def restore(source: Path, store: Store, gap: int) -> Restored:
    """Put the backup in the place of the store's file. gap: how many case numbers are left out."""
    target = store.path
    if target is None:
        raise Unavailable("the database is PostgreSQL: stop mailbridge and use pg_restore")
    _check(source)
    part = target.with_name(f".{target.name}.{os.getpid()}.restore")
    try:
        shutil.copyfile(source, part)
        part.chmod(0o600)
        _own(part, target.parent)
        found = _make_ready(part, gap)
        kept = _put_aside(target)
        part.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise CannotWrite(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        for tail in _TAILS:
            part.with_name(part.name + tail).unlink(missing_ok=True)
    return Restored(kept, *found)


def _check(source: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            sound = sound and copy.execute("SELECT count(*) FROM alembic_version").fetchone()[0] == 1
    except sqlite3.Error as error:
        raise Permanent(f"{source}: is no backup of mailbridge: {error}") from error
    if not sound:
        raise Permanent(f"{source}: is broken, or no backup of mailbridge; nothing was changed")


def _make_ready(part: Path, gap: int) -> tuple[int, datetime | None, int, int]:
    store = Store(f"sqlite:///{part}")
    try:
        upgrade(store)
        with store.write() as connection:
            here = counter.c.name == "case"
            if not connection.execute(
                update(counter).where(here).values(value=counter.c.value + gap)
            ).rowcount:
                connection.execute(insert(counter).values(name="case", value=gap))
            last = connection.execute(select(counter.c.value).where(here)).scalar_one()
            waits = outbox.c.state.in_(("waiting", "sending"))
            counted = (
                connection.execute(select(func.count()).select_from(case)).scalar_one(),
                connection.execute(select(func.max(message.c.received_at))).scalar(),
                connection.execute(select(func.count()).select_from(outbox).where(waits)).scalar_one(),
                last + 1,
            )
    finally:
        store.close()
    with contextlib.closing(sqlite3.connect(part)) as whole:
        whole.execute("PRAGMA journal_mode=DELETE")  # all of it in the one file that is renamed
    _sync(part)
    return counted


def _put_aside(target: Path) -> Path | None:
    """A -wal alone is put aside too: a restore that was killed in here has left it."""
    there = [tail for tail in _TAILS if target.with_name(target.name + tail).exists()]
    number = 1
    while _any_there(kept := target.with_name(f"{target.name}.before-restore-{number}")):
        number += 1
    for tail in there:
        target.with_name(target.name + tail).rename(kept.with_name(kept.name + tail))
    return kept if "" in there else None


def _any_there(path: Path) -> bool:
    return any(path.with_name(path.name + tail).exists() for tail in _TAILS)


def _own(part: Path, folder: Path) -> None:
    """An admin restores as root; the file must be the service's own."""
    about = folder.stat()
    with contextlib.suppress(PermissionError):
        os.chown(part, about.st_uid, about.st_gid)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
