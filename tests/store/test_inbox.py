"""The inbox: once, exactly, with its job and the cursor, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, func, select, text

from mailbridge.errors import StoreFull, StoreUnavailable
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Cursor, Inbox
from mailbridge.store.jobs import Jobs
from mailbridge.store.schema import arrival, message
from mailbridge.store.writer import Writer
from tests.store.make import ONLY_POSTGRESQL, ONLY_SQLITE, envelope, raw


def test_bytes_are_kept_exactly(store: Store) -> None:
    odd = b"\xff\x00Subject: \x80\n\r\n" + bytes(range(256))
    stored = Inbox(store).put_batch([(envelope(), odd)])[0]
    assert Inbox(store).raw(stored.message_id) == odd
    assert Jobs(store).count("process") == 1


def test_the_same_bytes_are_one_message_also_within_a_batch(store: Store) -> None:
    first, again = Inbox(store).put_batch([(envelope(), raw()), (envelope(), raw())])
    assert (first.duplicate, again.duplicate) == (False, True)
    assert first.message_id == again.message_id
    assert Jobs(store).count("process") == 1


def test_a_new_recipient_of_known_bytes_is_processed_again(store: Store) -> None:
    inbox = Inbox(store)
    inbox.put_batch([(envelope("support@desk.example"), raw())])
    inbox.put_batch([(envelope("Support@desk.example"), raw())])
    assert Jobs(store).count("process") == 1
    stored = inbox.put_batch([(envelope("escalation@desk.example"), raw())])[0]
    assert Jobs(store).count("process") == 2
    received = inbox.load(stored.message_id)
    assert received is not None
    assert [e.rcpt_to[0] for e in received.envelopes] == ["support@desk.example", "escalation@desk.example"]


def test_the_cursor_moves_with_the_messages_or_not_at_all(store: Store) -> None:
    inbox = Inbox(store)
    inbox.put_batch([(envelope(), raw(1))], Cursor("support", 7, 41))
    bad: list = [(envelope(), raw(2)), (envelope(), None)]
    with pytest.raises(Exception):  # noqa: B017 - whatever it is, nothing of the batch may stay
        inbox.put_batch(bad, Cursor("support", 7, 43))
    found = inbox.cursor("support")
    assert found is not None
    assert found.last_uid == 41
    assert inbox.waiting() == 1


def test_nodes_that_take_the_same_bytes_at_once_store_one_message(store: Store) -> None:
    def put(number: int) -> int:
        return Inbox(store).put_batch([(envelope(), raw(number % 3))])[0].message_id

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(put, range(24)))
    assert len(ids) == 3
    with store.read() as connection:
        assert connection.execute(select(func.count()).select_from(message)).scalar_one() == 3
        assert connection.execute(select(func.count()).select_from(arrival)).scalar_one() == 3


@ONLY_POSTGRESQL
def test_a_put_that_lost_a_race_looks_again(store: Store) -> None:
    """Between the look and the insert another node commits the same bytes: the answer is "duplicate"."""
    raced: list[bool] = []

    def quicker(conn, cursor, statement, parameters, context, executemany):
        if statement.startswith("INSERT INTO message") and not raced:
            raced.append(True)
            other = Store(store.url)
            Inbox(other).put_batch([(envelope(), raw())])
            other.close()

    event.listen(store.engine, "before_cursor_execute", quicker)
    stored = Inbox(store).put_batch([(envelope(), raw())])[0]
    assert raced
    assert stored.duplicate


def test_the_writer_commits_many_at_once_and_each_future_tells_its_own(store: Store) -> None:
    commits: list[object] = []
    writer = Writer(store, on_stored=lambda: commits.append(1))
    futures = [writer.submit(envelope(), raw(number % 50)) for number in range(100)]
    stored = [future.result(30) for future in futures]
    writer.close()
    assert len({one.message_id for one in stored}) == 50
    assert sum(one.duplicate for one in stored) == 50
    assert len(commits) < 100
    with pytest.raises(StoreUnavailable):
        writer.submit(envelope(), raw())


@ONLY_SQLITE
def test_a_full_disk_is_temporary_and_leaves_nothing_behind(store: Store) -> None:
    inbox = Inbox(store)
    inbox.put_batch([(envelope(), raw())])

    def limit(connection, record) -> None:
        connection.execute("PRAGMA max_page_count=70")

    store.close()
    event.listen(store.engine, "connect", limit)
    with pytest.raises(StoreFull):
        inbox.put_batch([(envelope(), raw(2)), (envelope(), b"x" * 2_000_000)])
    assert inbox.waiting() == 1
    event.remove(store.engine, "connect", limit)
    store.close()
    assert inbox.put_batch([(envelope(), raw(2))])[0].duplicate is False


def test_a_database_that_is_away_is_temporary(tmp_path, postgresql_url: str) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database " * 100)
    urls = [f"sqlite:///{tmp_path}/none/x.db", f"sqlite:///{broken}", "postgresql+psycopg://a@127.0.0.1:1/x"]
    for url in urls:
        away = Store(url)
        with pytest.raises(StoreUnavailable):
            Inbox(away).put_batch([(envelope(), raw())])
        away.close()


@ONLY_POSTGRESQL
def test_a_connection_that_the_server_ends_is_temporary_and_comes_back(store: Store) -> None:
    other = Store(store.url)
    others = "pid <> pg_backend_pid() AND backend_type = 'client backend'"
    end = text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")

    def work() -> None:
        with store.write() as connection:
            connection.execute(text("SELECT 1"))
            with other.write() as killer:
                killer.execute(end)
            connection.execute(text("SELECT 1"))

    with pytest.raises(StoreUnavailable):
        work()
    assert Inbox(store).put_batch([(envelope(), raw())])[0].duplicate is False
    other.close()
