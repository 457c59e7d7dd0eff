"""The migrations make exactly what store/schema.py believes, and may be run by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.migrate import FOLDER, _config, current, newest, upgrade
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


def test_what_was_stored_at_the_first_schema_is_worked_on_at_the_newest(empty_store: Store) -> None:
    """An admin may skip every release in between: mail that waited then is decided now."""
    with empty_store.write() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO message (digest, received_at, size_bytes, state, answer, outcome, kind, rule,"
                " reason, message_ref, content_digest, text_digest, author, subject, error, raw) VALUES"
                " (:digest, :at, 5, 'received', :yes, '', '', '', '', '', '', '', '', '', '', :raw)"
            ),
            {"digest": "0" * 64, "at": "2026-01-05T18:00:00.000000Z", "yes": True, "raw": b"a: b\n"},
        )
    upgrade(empty_store)
    assert current(empty_store) == newest()
    received = Inbox(empty_store).load(1)
    assert received is not None
    assert (received.raw, received.received_at.isoformat()) == (b"a: b\n", "2026-01-05T18:00:00+00:00")
