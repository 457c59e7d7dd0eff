"""One store suite, both databases: each test runs on SQLite in a file and on PostgreSQL, emptied."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from mailbridge.store.engine import Store
from mailbridge.store.migrate import upgrade


def empty_postgresql(url: str) -> Store:
    """The server's database, emptied."""
    store = Store(url)
    with store.write() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A database without any table."""
    if request.param == "sqlite":
        made = Store(f"sqlite:///{tmp_path / 'mailbridge.db'}")
    else:
        made = empty_postgresql(request.getfixturevalue("postgresql_url"))
    yield made
    made.close()


@pytest.fixture
def store(empty_store: Store) -> Store:
    """A database at the newest schema."""
    upgrade(empty_store)
    return empty_store
