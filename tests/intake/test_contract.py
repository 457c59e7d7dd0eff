"""What an intake may rely on, of the store in memory and of the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from mailbridge.intake.ports import Cursor, Inbox, Writer
from mailbridge.model.envelope import Envelope, Way
from mailbridge.store import migrate
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox as RealInbox
from mailbridge.store.writer import Writer as RealWriter
from tests.intake.fakes import MemoryStore

NOW = datetime(2024, 3, 5, 12, tzinfo=UTC)


class Ends(NamedTuple):
    writer: Writer
    inbox: Inbox
    count: Callable[[], int]


@pytest.fixture(params=["memory", "real"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ends]:
    if request.param == "memory":
        memory = MemoryStore()
        yield Ends(memory, memory, lambda: len(memory.items))
        return
    store = Store(f"sqlite:///{tmp_path}/mail.db")
    migrate.upgrade(store)
    inbox, writer = RealInbox(store), RealWriter(store)
    yield Ends(writer, inbox, inbox.waiting)
    writer.close()
    store.close()


def envelope(way: Way = Way.IMAP) -> Envelope:
    return Envelope(way, None, ("support@desk.example",), NOW, source="test")


def test_the_same_bytes_are_one_message(ends: Ends) -> None:
    first = ends.writer.submit(envelope(Way.SMTP), b"x").result(10)
    second = ends.inbox.put_batch([(envelope(), b"x"), (envelope(), b"y")])
    assert (first.duplicate, [one.duplicate for one in second]) == (False, [True, False])
    assert first.message_id == second[0].message_id
    assert first.digest == second[0].digest != second[1].digest
    assert ends.count() == 2


def test_cursors(ends: Ends) -> None:
    assert ends.inbox.cursor("support") is None
    ends.inbox.put_batch([], Cursor("support", 7, 0))
    ends.inbox.put_batch([(envelope(), b"x")], Cursor("support", 7, 12))
    ends.inbox.note_poll("support", NOW)
    ends.inbox.put_batch([], Cursor("support#done", 7, 5))
    assert ends.inbox.cursor("support") == Cursor("support", 7, 12, NOW)
    ends.inbox.put_batch([], Cursor("support", 8, 0))
    assert ends.inbox.cursor("support") == Cursor("support", 8, 0, NOW)
    assert ends.inbox.cursor("support#done") == Cursor("support#done", 7, 5)
