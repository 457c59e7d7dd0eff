"""Statements run by the driver itself give what SQLAlchemy would give: rows, types, errors, transactions."""

from __future__ import annotations

import pytest
from sqlalchemy import TextClause, bindparam, event, select, text, update
from sqlalchemy.exc import IntegrityError

from mailbridge.errors import StoreUnavailable
from mailbridge.store.engine import Store
from mailbridge.store.prepared import Prepared, new_row, new_row_id
from mailbridge.store.schema import entry, job, message, thread
from tests.store.make import NOW, ONLY_POSTGRESQL

JOB = {"kind": "process", "payload": {"a": ["ü", None]}, "due_at": NOW, "state": "ready"}
BY_KEYS = Prepared(
    select(job).where(job.c.key.in_(bindparam("keys", expanding=True))).order_by(job.c.key), lists=("keys",)
)


def test_rows_and_types_are_those_that_sqlalchemy_gives(store: Store) -> None:
    with store.write() as connection:
        new_row(job).change_all(connection, [JOB | {"key": key} for key in ("b", "a")])
    with store.read() as connection:
        (first, second) = BY_KEYS.rows(connection, {"keys": ["a", "b", "nobody"]})
        plain = connection.execute(select(job).where(job.c.key == "a")).one()
        assert first._asdict() == dict(plain._mapping)
        assert (first.payload, first.due_at, first.attempt, second.key) == (JOB["payload"], NOW, 0, "b")
        assert BY_KEYS.scalars(connection, {"keys": ["b"]}) == [second.id]
        assert BY_KEYS.rows(connection, {"keys": []}) == []
        assert BY_KEYS.first(connection, {"keys": ["nobody"]}) is None


def test_what_is_not_given_is_the_default_of_its_column(store: Store) -> None:
    with store.write() as connection:
        given = {"digest": "d", "received_at": NOW, "size_bytes": 1, "state": "received", "answer": True}
        number = new_row_id(message).scalar(connection, given | {"raw": b"\x00\xff"})
    with store.read() as connection:
        row = connection.execute(select(message).where(message.c.id == number)).one()
        empty = connection.execute(select(message.c.id).where(message.c.rules.is_(None))).scalar()
    assert (row.raw, row.answer, row.outcome, row.case_id, row.rules) == (b"\x00\xff", True, "", None, None)
    assert empty == number  # NULL, not the JSON null


def test_a_value_that_is_not_given_and_has_no_default_is_an_error(store: Store) -> None:
    with pytest.raises(KeyError, match="keys"), store.read() as connection:
        BY_KEYS.rows(connection)


def test_a_key_that_is_taken_is_an_integrity_error_and_undoes_the_transaction(store: Store) -> None:
    with pytest.raises(IntegrityError), store.write() as connection:
        new_row(job).change_all(connection, [JOB | {"key": "a"}, JOB | {"key": "a"}])
    with pytest.raises(IntegrityError), store.write() as connection:
        new_row(thread).change(connection, {"message_ref": "<a@b>", "case_id": 4711})  # there is no such case
    with store.read() as connection:
        assert BY_KEYS.rows(connection, {"keys": ["a"]}) == []


def test_a_change_says_how_many_rows_it_changed_and_is_committed(store: Store) -> None:
    with store.write() as connection:
        new_row(job).change_all(connection, [JOB | {"key": key} for key in "abc"])
    bury = Prepared(update(job).where(job.c.key < bindparam("below")), columns=("state",))
    with store.write() as connection:
        assert bury.change(connection, {"below": "c", "state": "dead"}) == 2
    with store.read() as connection:
        assert [row.state for row in BY_KEYS.rows(connection, {"keys": ["a", "b", "c"]})] == [
            *("dead", "dead", "ready")
        ]


def test_who_listens_to_statements_hears_of_them(store: Store) -> None:
    heard: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: heard.append(args[2]))
    with store.read() as connection:
        BY_KEYS.rows(connection, {"keys": ["a"]})
    assert any("FROM job" in one for one in heard)


def test_a_broken_statement_is_an_operational_error_by_both_ways(store: Store) -> None:
    """Also the driver's own words: the table is away, as in a database of somebody else."""
    with store.write() as connection:
        connection.execute(text("DROP TABLE transcript"))
        connection.execute(text("ALTER TABLE entry RENAME TO entry_"))
    gone = Prepared(select(entry.c.id))
    with pytest.raises(Exception) as told, store.read() as connection:
        gone.rows(connection)
    with pytest.raises(Exception) as plain, store.read() as connection:
        connection.execute(select(entry.c.id))
    assert type(told.value) is type(plain.value)
    assert str(told.value).splitlines()[0] == str(plain.value).splitlines()[0]


def _look_again(store: Store, kill: TextClause) -> None:
    """As if the server went away between two statements of one snapshot."""
    other = Store(store.url)
    with store.read() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with other.write() as elsewhere:
            elsewhere.execute(kill, {"pid": pid})
        other.close()
        BY_KEYS.rows(connection, {"keys": ["a"]})


@ONLY_POSTGRESQL
def test_a_connection_that_is_gone_is_not_used_again(store: Store) -> None:
    kill = text("SELECT pg_terminate_backend(:pid)")
    with pytest.raises(StoreUnavailable):
        _look_again(store, kill)
    with store.read() as connection:
        assert BY_KEYS.rows(connection, {"keys": ["a"]}) == []
