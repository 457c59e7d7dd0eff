"""A store in memory that keeps the contract of intake.ports; test_contract.py holds it to the real one."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime

from mailbridge.intake.ports import Cursor, Stored
from mailbridge.model.envelope import Envelope


class MemoryStore:
    """Writer and Inbox at once. fail: raised by the next stores. held: commits wait until `go` is called."""

    def __init__(self) -> None:
        self.items: list[tuple[Envelope, bytes]] = []
        self.cursors: dict[str, Cursor] = {}
        self.fail: Exception | None = None
        self.batches: list[int] = []
        self.submitted = 0
        self._ids: dict[str, int] = {}
        self._lock = threading.Lock()
        self._held: list[tuple[Envelope, bytes, Future[Stored]]] | None = None

    def hold(self) -> None:
        """From now on commits wait."""
        self._held = []

    def go(self) -> None:
        """Commit what waits, and no longer wait."""
        held, self._held = self._held or [], None
        for envelope, raw, future in held:
            self._settle(envelope, raw, future)

    def submit(self, envelope: Envelope, raw: bytes) -> Future[Stored]:
        future: Future[Stored] = Future()
        self.submitted += 1
        if self._held is not None:
            self._held.append((envelope, raw, future))
        else:
            self._settle(envelope, raw, future)
        return future

    def put_batch(
        self, items: Sequence[tuple[Envelope, bytes]], cursor: Cursor | None = None, /
    ) -> list[Stored]:
        with self._lock:
            if self.fail is not None:
                raise self.fail
            self.batches.append(len(items))
            if cursor is not None:
                known = self.cursors.get(cursor.mailbox)
                self.cursors[cursor.mailbox] = replace(cursor, polled_at=known.polled_at if known else None)
            return [self._put(envelope, raw) for envelope, raw in items]

    def cursor(self, mailbox: str) -> Cursor | None:
        return self.cursors.get(mailbox)

    def note_poll(self, mailbox: str, at: datetime) -> None:
        if mailbox in self.cursors:
            self.cursors[mailbox] = replace(self.cursors[mailbox], polled_at=at)

    def _settle(self, envelope: Envelope, raw: bytes, future: Future[Stored]) -> None:
        try:
            future.set_result(self.put_batch([(envelope, raw)])[0])
        except Exception as error:
            future.set_exception(error)

    def _put(self, envelope: Envelope, raw: bytes) -> Stored:
        digest = hashlib.sha256(raw).hexdigest()
        duplicate = digest in self._ids
        if not duplicate:
            self._ids[digest] = len(self._ids) + 1
            self.items.append((envelope, raw))
        return Stored(self._ids[digest], digest, duplicate)
