"""Schema migrations by Alembic: a fresh database is made at the newest revision, an older one is brought up.

`upgrade` is safe to call from several processes at once: SQLite serialises by its write lock, PostgreSQL by
an advisory lock held for the transaction.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from mailbridge.errors import SchemaUnknown
from mailbridge.store.engine import Store

FOLDER = Path(__file__).parent / "migrations"
ADVISORY_KEY = 0x6D61696C


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def newest() -> str:
    """The revision that this code wants."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def current(store: Store) -> str | None:
    """The revision of the database, None for an empty one."""
    with store.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


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
    with store.write() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_KEY})
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return True
