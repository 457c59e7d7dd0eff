"""Jobs and outbox: claimed once, fenced, given back, set aside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from mailbridge.errors import Permanent
from mailbridge.store import jobs
from mailbridge.store.apply import Applier
from mailbridge.store.engine import Store
from mailbridge.store.jobs import Jobs
from mailbridge.store.outbox import Outbox
from mailbridge.store.upkeep import Upkeep
from tests.store.make import MINUTE, NOW, compose, opening


def add(store: Store, key: str, due_at=NOW, kind: str = "process") -> None:
    with store.write() as connection:
        jobs.add(connection, kind, key, {"message": 1}, due_at)


def test_every_job_goes_to_one_worker(store: Store) -> None:
    for number in range(30):
        add(store, f"k{number}")

    def work(_: int) -> list[int]:
        found: list[int] = []
        while claimed := Jobs(store).claim(["process"], NOW, 60, limit=3):
            found += [job.id for job in claimed]
        return found

    with ThreadPoolExecutor(4) as pool:
        ids = [one for part in pool.map(work, range(4)) for one in part]
    assert len(ids) == len(set(ids)) == 30


def test_a_timer_is_not_claimed_before_its_time(store: Store) -> None:
    add(store, "later", NOW + MINUTE, "due")
    assert Jobs(store).claim(["due"], NOW, 60) == []
    assert Jobs(store).next_due(["due"]) == NOW + MINUTE
    assert [job.key for job in Jobs(store).claim(["due"], NOW + MINUTE, 60)] == ["later"]


def test_mail_does_not_wait_for_a_clock_that_was_set_back(store: Store) -> None:
    """Found by the year: what was stored at noon lay there until it was noon again."""
    add(store, "mail", NOW + 900 * MINUTE)
    (held,) = Jobs(store).claim(["process"], NOW, 60)
    Jobs(store).retry(held, NOW + MINUTE)  # tried once: from now on its moments are those of the new clock
    assert Jobs(store).claim(["process"], NOW, 60) == []
    assert Jobs(store).claim(["process"], NOW + MINUTE, 60)


def test_outgoing_mail_does_not_wait_for_a_clock_that_was_set_back(store: Store) -> None:
    Applier(store, compose).apply(opening(), NOW)
    outbox = Outbox(store)
    before = NOW - 900 * MINUTE
    (held, *_) = outbox.claim(before, 60, 5)
    outbox.retry(held, before + MINUTE, "later")
    assert held.id not in [one.id for one in outbox.claim(before, 60, 5)]


def test_who_lost_the_lease_cannot_finish(store: Store) -> None:
    add(store, "k")
    (old,) = Jobs(store).claim(["process"], NOW, 60)
    assert Jobs(store).claim(["process"], NOW + MINUTE, 60) == []
    (new,) = Jobs(store).claim(["process"], NOW + 2 * MINUTE, 60)
    assert new.id == old.id
    assert new.attempt == 2
    assert Jobs(store).finish(old) is False
    assert Jobs(store).finish(new) is True


def test_an_old_holder_cannot_finish_a_job_that_was_made_ready_anew(store: Store) -> None:
    """jobs.add sets the attempt back; the fence must not go back with it."""
    add(store, "k")
    (old,) = Jobs(store).claim(["process"], NOW, 60)
    Jobs(store).retry(old, NOW, "again")
    add(store, "k")
    (new,) = Jobs(store).claim(["process"], NOW, 60)
    assert old.attempt == new.attempt == 1
    assert Jobs(store).finish(old) is False
    assert Jobs(store).holds(new)


def test_an_old_holder_cannot_finish_the_job_after_the_deleted_one(store: Store) -> None:
    add(store, "first")
    (old,) = Jobs(store).claim(["process"], NOW, 60)
    assert Jobs(store).finish(old)
    add(store, "second")
    (new,) = Jobs(store).claim(["process"], NOW, 60)
    assert Jobs(store).finish(old) is False
    assert Jobs(store).finish(new)


def test_news_for_a_running_job_becomes_one_more_run(store: Store) -> None:
    add(store, "k")
    (held,) = Jobs(store).claim(["process"], NOW, 60)
    add(store, "k")
    assert Jobs(store).finish(held)
    assert [job.key for job in Jobs(store).claim(["process"], NOW, 60)] == ["k+"]


def test_a_dead_job_keeps_the_end_of_its_error_and_comes_back(store: Store) -> None:
    add(store, "k")
    (held,) = Jobs(store).claim(["process"], NOW, 60)
    Jobs(store).bury(held, "x" * 9000 + "\x00\udc80 the reason")
    (row,) = Jobs(store).listing()
    assert row["state"] == "dead"
    assert row["error"].endswith("the reason")
    assert Jobs(store).revive(held.id, NOW)
    assert len(Jobs(store).claim(["process"], NOW, 60)) == 1


def test_a_tick_is_given_once(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(lambda _: Jobs(store).tick("sweep", NOW), range(8)))
    assert given.count(True) == 1


def test_read_then_write_loses_no_update(store: Store) -> None:
    """With the driver's default transactions SQLite keeps 50 of 200, without an error."""
    with store.write() as connection:
        connection.execute(text("INSERT INTO counter (name, value) VALUES ('n', 0)"))

    def raise_it(_: int) -> None:
        with store.write() as connection:
            lock = " FOR UPDATE" if store.dialect == "postgresql" else ""
            seen = connection.execute(text(f"SELECT value FROM counter WHERE name = 'n'{lock}")).scalar_one()
            connection.execute(text("UPDATE counter SET value = :v WHERE name = 'n'"), {"v": seen + 1})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(raise_it, range(60)))
    with store.read() as connection:
        assert connection.execute(text("SELECT value FROM counter WHERE name = 'n'")).scalar_one() == 60


def test_outgoing_mail_is_leased_retried_and_sent_by_its_holder_alone(store: Store) -> None:
    Applier(store, compose).apply(opening(), NOW)
    outbox = Outbox(store)
    (old,) = outbox.claim(NOW, 60)
    assert outbox.claim(NOW, 60) == []
    (new,) = outbox.claim(NOW + 2 * MINUTE, 60)
    assert new.raw == old.raw
    assert new.message_ref == old.message_ref
    assert outbox.sent(old, NOW, "250") is False
    assert outbox.retry(new, NOW + 9 * MINUTE, "451 later\x00")
    assert outbox.claim(NOW + 8 * MINUTE, 60) == []
    (last,) = outbox.claim(NOW + 9 * MINUTE, 60)
    assert outbox.sent(last, NOW + 9 * MINUTE, "250 ok")
    assert outbox.count("sent") == 1
    with pytest.raises(Permanent, match="is sent; there is nothing to be done"):
        Upkeep(store).drop(f"out-{last.id}", NOW)
