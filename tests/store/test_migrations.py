"""The migrations make exactly what store/schema.py believes, and may be run by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from mailbridge.store.engine import Store
from mailbridge.store.migrate import FOLDER, current, newest, upgrade
from mailbridge.store.schema import metadata
from tests.store.make import ONLY_SQLITE


def test_the_migrated_schema_is_the_one_the_code_believes_in(store: Store) -> None:
    with store.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []


@ONLY_SQLITE
def test_sqlite_never_gives_an_id_twice(store: Store) -> None:
    with store.read() as connection:
        made = dict(
            connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")).all()
        )
    for table in ("job", "message", "outbox"):
        assert "AUTOINCREMENT" in made[table], table


def test_a_second_upgrade_does_nothing(store: Store) -> None:
    assert current(store) == newest()
    assert upgrade(store) is False


def test_upgrades_at_once_make_one_schema(empty_store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: upgrade(empty_store), range(4)))
    assert any(done)
    assert current(empty_store) == newest()


def test_the_newest_revision_is_the_head_of_the_scripts() -> None:
    """It stands in the code, since to ask Alembic would double the time of a command."""
    assert ScriptDirectory(str(FOLDER)).get_current_head() == newest()
