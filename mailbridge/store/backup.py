"""A consistent copy of the database while the daemon runs.

Promises: SQLite is copied in one read transaction by its online backup, which no writer waits for; the copy
is checked and reaches the disk before it takes its name, so that FILE is a whole backup or what it was
before. PostgreSQL is copied by pg_dump (custom format). Fails with Unavailable, CannotWrite,
StoreUnavailable.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from mailbridge.errors import CannotWrite, StoreUnavailable, Unavailable
from mailbridge.store.engine import Store


def backup(store: Store, target: Path) -> int:
    """Write the copy with mode 0600; returns its size in bytes."""
    target = target.absolute()
    if target.is_dir() or not target.parent.is_dir():
        raise CannotWrite(f"{target}: wanted: the path of a file in a folder that exists")
    if store.path is not None and target.exists() and target.samefile(store.path):
        raise CannotWrite(f"{target} is the database itself; name another file")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        if store.dialect == "sqlite":
            _copy_sqlite(store, part)
        else:
            _dump(store, part)
        _settle(part, target)
    except OSError as error:
        raise CannotWrite(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return target.stat().st_size


def _settle(part: Path, target: Path) -> None:
    """To the disk, then under its name, then the name to the disk."""
    for path, flags in ((part, os.O_RDWR), (target.parent, os.O_RDONLY)):
        if path != part:
            part.replace(target)
        handle = os.open(path, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _copy_sqlite(store: Store, part: Path) -> None:
    if store.path is None:
        raise Unavailable("a database in memory has nothing to back up")
    try:
        with (
            contextlib.closing(
                sqlite3.connect(f"{store.path.absolute().as_uri()}?mode=ro", uri=True)
            ) as source,
            contextlib.closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without -wal and -shm beside it
            found = copy.execute("PRAGMA quick_check").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "full" in str(error):
            raise CannotWrite(f"{part.parent}: the disk is full; nothing was kept of the backup") from error
        raise StoreUnavailable(f"the database cannot be copied now: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(f"the database {store.path} is broken: {error}") from error
    if found != "ok":
        raise StoreUnavailable(f"the copy is broken, as the database is: {found}; see: mailbridge db check")


def _dump(store: Store, part: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise Unavailable("the database is PostgreSQL: back it up with pg_dump, which is not on this machine")
    url = store.engine.url
    # through the environment: a password among the arguments could be read by every user of the machine
    given = {
        "PGHOST": url.host or str(url.query.get("host", "")),
        "PGPORT": str(url.port or url.query.get("port", "")),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": url.database or "",
    }
    done = subprocess.run(  # noqa: S603 - a program found on PATH, no word of a stranger among its arguments
        [program, "--format=custom", "--no-password", f"--file={part}"],
        env=os.environ | {name: value for name, value in given.items() if value},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unavailable(f"pg_dump failed: {' '.join(done.stderr.split())[:400] or done.returncode}")
