"""What an intake needs of the store, as protocols: a writer that commits in groups, an inbox with cursors.

Promises nothing itself; the promise is the store's: a future of `Writer.submit` and a return of
`Inbox.put_batch` mean that a COMMIT has reached the disk. Fails as the store fails: errors.StoreUnavailable,
errors.StoreFull, errors.Busy, or something unforeseen, and an intake treats all of them as temporary.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Protocol

from mailbridge.model.envelope import Envelope
from mailbridge.store.inbox import Cursor, Stored

__all__ = ["Cursor", "Inbox", "Stored", "Writer"]


class Writer(Protocol):
    """Stores one message at a time, several of them in one commit."""

    def submit(self, envelope: Envelope, raw: bytes) -> Future[Stored]:
        """Hand over one message; the future resolves after the commit, or carries the store's error."""
        ...


class Inbox(Protocol):
    """Stores a batch of messages and the cursor in one transaction."""

    def put_batch(
        self, items: Sequence[tuple[Envelope, bytes]], cursor: Cursor | None = None, /
    ) -> Sequence[Stored]: ...

    def cursor(self, mailbox: str) -> Cursor | None: ...

    def note_poll(self, mailbox: str, at: datetime) -> None: ...
