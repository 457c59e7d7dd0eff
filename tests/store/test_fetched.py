"""Recordings from links: once each, with their mail or not at all, on both databases."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select, update

from mailbridge.store.check import check
from mailbridge.store.engine import Store
from mailbridge.store.fetched import Fetched, FetchedRow
from mailbridge.store.inbox import Inbox
from mailbridge.store.schema import message, recording
from mailbridge.store.sweep import remove_ignored
from tests.store.make import NOW, envelope, raw

SOUND = b"RIFF\x00\xff" * 1000
URL = "https://voice.example/a.wav"


def row_of(store: Store) -> FetchedRow:
    stored = Inbox(store).put_batch([(envelope(), raw())])[0]
    return FetchedRow(stored.message_id, "link", URL, "a.wav", "audio/x-wav", SOUND)


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.execute(select(func.count()).select_from(recording)).scalar_one()


def test_it_is_given_back_byte_for_byte(store: Store) -> None:
    row, fetched = row_of(store), Fetched(store)
    assert fetched.put(row, NOW)
    assert fetched.get(row.message_id, "link") == fetched.by_digest(row.message_id, row.sha256) == row
    assert fetched.get(row.message_id, "2") is fetched.by_digest(row.message_id, "0" * 64) is None
    assert check(store) == []


def test_twice_is_once_and_the_later_counts(store: Store) -> None:
    row, fetched = row_of(store), Fetched(store)
    assert fetched.put(row, NOW)
    later = replace(row, data=b"other")
    assert fetched.put(later, NOW)
    assert (fetched.get(row.message_id, "link"), count(store)) == (later, 1)


def test_nothing_is_kept_of_a_mail_that_was_removed(store: Store) -> None:
    row, fetched = row_of(store), Fetched(store)
    with store.write() as connection:
        connection.execute(update(message).values(raw=b""))
    assert not fetched.put(row, NOW)
    assert not fetched.put(replace(row, message_id=99), NOW)
    assert count(store) == 0


def test_it_goes_with_the_row_of_its_mail(store: Store) -> None:
    row, fetched = row_of(store), Fetched(store)
    fetched.put(row, NOW)
    with store.write() as connection:
        connection.execute(update(message).values(state="ignored", processed_at=NOW))
    assert remove_ignored(store, NOW.replace(year=NOW.year + 1)) == 1
    assert count(store) == 0
