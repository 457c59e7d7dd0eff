"""Schema migrations by Alembic: a fresh database is made at the newest revision, an older one is brought up.

`upgrade` is safe to call from several processes at once: SQLite serialises by its write lock, PostgreSQL by
an advisory lock held for the transaction.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from mailbridge.errors import SchemaUnknown
from mailbridge.store.engine import Store

if TYPE_CHECKING:  # imported where it is needed: a command on a database that is up to date is twice as fast
    from alembic.config import Config

NEWEST = "0002"
"""The revision that this code wants: the head of the scripts, as a test holds it to."""
FOLDER = Path(__file__).parent / "migrations"
ADVISORY_KEY = 0x6D61696C


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def newest() -> str:
    """The revision that this code wants."""
    return NEWEST


def current(store: Store) -> str | None:
    """The revision of the database, None for an empty one."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def mismatch(revision: str | None) -> str:
    """What is wrong with a database of this revision, and what to do; "" where it is the newest."""
    if revision == newest():
        return ""
    if revision is None or _known(revision):
        return f"the database has schema {revision or 'none'}, not {newest()}; run: mailbridge db upgrade"
    return (
        f"the database has schema {revision}, and this mailbridge knows no later one than {newest()}: "
        "install the version that made it, or restore a backup"
    )


def _known(revision: str) -> bool:
    from alembic.script import ScriptDirectory

    return any(one.revision == revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def upgrade(store: Store) -> bool:
    """Bring the database to the newest revision; True if anything was done.

    Raises StoreUnavailable, and SchemaUnknown where a newer mailbridge has been at work.
    """
    before = current(store)
    if before == newest():
        return False
    if before is not None and not _known(before):
        raise SchemaUnknown(mismatch(before))
    from alembic import command

    with store.write() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_KEY})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
