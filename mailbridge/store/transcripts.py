"""Transcripts as rows, and the text of the case's entry that follows them.

Promises: putting the same transcript twice leaves one row, so that a step which is done again after a crash
does no harm; another model's, or that of a later run, is a row of its own, and the old one is kept. The
newest with words counts: a model that hears nothing takes no text away. Raw audio is never touched.
Fails with StoreUnavailable, StoreFull.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from mailbridge.store import jobs
from mailbridge.store.engine import Store
from mailbridge.store.schema import entry, transcript
from mailbridge.store.text import clean


@dataclass(frozen=True, slots=True)
class TranscriptRow:
    """What one recording (part of a message) said.

    state: "speech", or what is there instead ("silence", "noise", ..., "unreadable", "failed"). text: what
    people read, a sentence where there is no speech. confidence 0 to 1, duration_s in seconds, None where
    unknown. words: {"word", "start", "end", "confidence"} each. data: notes, numbers found. run: which run of
    the model made it, "" the first; a later one is asked for by staff.
    """

    message_id: int
    part: str
    model: str
    state: str
    text: str
    confidence: float | None = None
    duration_s: float | None = None
    words: Sequence[Mapping[str, Any]] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    run: str = ""


def counting(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The one that counts for each recording, of all transcripts of a message in the order they were made."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        if row["state"] == "speech" or found.get(row["part"], row)["state"] != "speech":
            found[row["part"]] = row
    return [found[part] for part in sorted(found)]


class Transcripts:
    """Put and read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, row: TranscriptRow, at: datetime) -> None:
        """Write the transcript, and the text of the voicemail's entry, on whichever case it stands by now."""
        here = (
            transcript.c.message_id == row.message_id,
            transcript.c.part == row.part,
            transcript.c.model == row.model,
        )
        data = dict(row.data) | ({"run": row.run} if row.run else {})
        with self._store.write() as connection:
            known = connection.execute(select(transcript.c.id, transcript.c.data).where(*here)).all()
            same = [each.id for each in known if (each.data or {}).get("run", "") == row.run]
            connection.execute(delete(transcript).where(transcript.c.id.in_(same)))
            connection.execute(
                insert(transcript).values(
                    message_id=row.message_id,
                    part=row.part,
                    at=at,
                    model=row.model,
                    state=row.state,
                    text=clean(row.text),
                    confidence=row.confidence,
                    duration_s=row.duration_s,
                    words=[dict(word) for word in row.words],
                    data=data,
                )
            )
            _tell_entry(connection, row.message_id)

    def ask(self, message_id: int, part: str, case_id: int, model: str, at: datetime) -> str:
        """Have a recording heard once more, as a run of its own; the job's key. model: a folder, or ""."""
        run = f"{at:%Y%m%dT%H%M%S%f}"
        key = f"transcribe:{message_id}:{part}:{run}"
        payload = {"message": message_id, "case": case_id, "part": part, "run": run, "model": model}
        with self._store.write() as connection:
            jobs.add(connection, "transcribe", key, payload, at)
        return key

    def of(self, message_id: int) -> list[Mapping[str, Any]]:
        """All transcripts of a message, the newest last."""
        query = select(transcript).where(transcript.c.message_id == message_id).order_by(transcript.c.id)
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]


def _tell_entry(connection: Connection, message_id: int) -> None:
    """The entry reads as the transcript that counts for each recording, in their order."""
    rows = connection.execute(
        select(transcript).where(transcript.c.message_id == message_id).order_by(transcript.c.id)
    )
    text = "\n\n".join(row["text"] for row in counting([dict(row._mapping) for row in rows]))
    mine = (entry.c.message_id == message_id, entry.c.direction == "in", entry.c.kind == "voicemail")
    connection.execute(update(entry).where(*mine).values(text=text))
