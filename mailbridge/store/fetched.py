"""Recordings that were fetched from a link: kept like those that came in a mail, and listed on their entry.

Promises: a recording is there once for a message and part, however often it is put; nothing is kept of a
message whose bytes were removed meanwhile. Removed with the mail's bytes (removal), and with its row.
Fails with StoreUnavailable, StoreFull.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from mailbridge.store.engine import Store
from mailbridge.store.schema import entry, message, recording
from mailbridge.store.text import clean


@dataclass(frozen=True, slots=True)
class FetchedRow:
    """One recording: whose part it stands for, where it was, what its server calls it."""

    message_id: int
    part: str
    url: str
    filename: str
    content_type: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Fetched:
    """Put and read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, row: FetchedRow, at: datetime) -> bool:
        """Keep it, and list it among the files of the message's entry; False where the mail was removed."""
        mine = (recording.c.message_id == row.message_id, recording.c.part == row.part)
        with self._store.write() as connection:
            there = select(func.length(message.c.raw)).where(message.c.id == row.message_id)
            if not connection.execute(there).scalar():
                return False
            connection.execute(delete(recording).where(*mine))
            connection.execute(
                insert(recording).values(
                    message_id=row.message_id,
                    part=row.part,
                    at=at,
                    url=clean(row.url),
                    filename=clean(row.filename),
                    content_type=clean(row.content_type),
                    sha256=row.sha256,
                    raw=row.data,
                )
            )
            _list(connection, row)
        return True

    def get(self, message_id: int, part: str) -> FetchedRow | None:
        """The recording of this part."""
        return self._one(recording.c.message_id == message_id, recording.c.part == part)

    def by_digest(self, message_id: int, sha256: str) -> FetchedRow | None:
        """The message's recording of these bytes."""
        return self._one(recording.c.message_id == message_id, recording.c.sha256 == sha256)

    def _one(self, *which: ColumnElement[bool]) -> FetchedRow | None:
        with self._store.read() as connection:
            row = connection.execute(select(recording).where(*which)).first()
        if row is None:
            return None
        return FetchedRow(row.message_id, row.part, row.url, row.filename, row.content_type, bytes(row.raw))


def _list(connection: Connection, row: FetchedRow) -> None:
    """Among the files of the entry, in place of an earlier fetching."""
    file = {
        "part": row.part,
        "filename": clean(row.filename),
        "content_type": clean(row.content_type),
        "size": len(row.data),
        "sha256": row.sha256,
        "inline": False,
        "dangerous": "",
    }
    mine = (entry.c.message_id == row.message_id, entry.c.direction == "in")
    for known in connection.execute(select(entry.c.id, entry.c.attachments).where(*mine)).all():
        others = [one for one in known.attachments or () if one.get("part") != row.part]
        connection.execute(update(entry).where(entry.c.id == known.id).values(attachments=[*others, file]))
