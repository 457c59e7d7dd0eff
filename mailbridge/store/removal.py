"""What is removed from cases on purpose: the bytes of mail, recordings, transcripts.

Promises: the case stays whole: its entries, its promises, its digests (a late duplicate is still known), and
an event that says what was removed, when and why. A removed transcript is gone from every place that repeats
it: its rows, the case's text, the notices that told it. What is under way is let alone: mail that is not sent
yet, and cases that are not closed, unless one case is named. Small transactions, so that mail never waits;
done twice it changes nothing. Fails with StoreUnavailable, StoreFull.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from mailbridge.store.engine import Store
from mailbridge.store.schema import case, entry, event, job, message, outbox, recording, transcript

BATCH = 200
REMOVED = b""
TRANSCRIPT_REMOVED = "The transcript was removed."
_TOLD = ("transcript", "staff_notice", "escalation")
_ENOUGH = 40  # so many characters of a transcript in an acknowledgement show that it repeats it
_FINISHED = ("sent", "dead", "dropped")


@dataclass(frozen=True, slots=True)
class Which:
    """The cases concerned: one, or all that were closed before an instant. why: as the event says it."""

    why: str
    case_id: int | None = None
    closed_before: datetime | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        if self.case_id is not None:
            return case.c.id == self.case_id
        return (case.c.status == "closed") & (case.c.closed_at < self.closed_before)


def remove_mail(store: Store, which: Which, at: datetime, *, voicemail_only: bool = False) -> int:
    """Remove the bytes of messages, all or those of telephone systems alone; how many.

    Their files are then no longer to be had; texts stay.
    """
    what = "recording" if voicemail_only else "mail"
    wanted = (
        select(message.c.id, entry.c.case_id, entry.c.attachments)
        .join(entry, entry.c.message_id == message.c.id)
        .join(case, case.c.id == entry.c.case_id)
        .where(which.condition, entry.c.direction == "in", message.c.raw != REMOVED)
        .order_by(message.c.id)
        .limit(BATCH)
    )
    if voicemail_only:
        wanted = wanted.where(message.c.kind == "voicemail")
    removed = 0
    while True:
        with store.write() as connection:
            rows = connection.execute(wanted).all()
            ids = {row.id for row in rows}
            for row in rows:
                names = [str(item.get("filename") or "") for item in row.attachments or ()]
                data = {"what": what, "message": row.id, "files": names, "reason": which.why}
                _record(connection, row.case_id, at, data)
                _stop_listening(connection, row.id)
            connection.execute(delete(recording).where(recording.c.message_id.in_(ids)))
            connection.execute(update(message).where(message.c.id.in_(ids)).values(raw=REMOVED))
        removed += len(ids)
        if len(rows) < BATCH:
            return removed


def remove_transcripts(store: Store, which: Which, at: datetime) -> int:
    """Remove what was understood of recordings, wherever it stands; of how many voicemails."""
    wanted = (
        select(entry.c.id, entry.c.case_id, entry.c.message_id, entry.c.text)
        .join(case, case.c.id == entry.c.case_id)
        .where(which.condition, entry.c.direction == "in", entry.c.kind == "voicemail")
        .where(entry.c.text != TRANSCRIPT_REMOVED)
        .order_by(entry.c.id)
        .limit(BATCH)
    )
    removed = 0
    while True:
        with store.write() as connection:
            rows = connection.execute(wanted).all()
            for row in rows:
                _forget(connection, row.message_id)
                _record(
                    connection,
                    row.case_id,
                    at,
                    {"what": "transcript", "message": row.message_id, "reason": which.why},
                )
            ids = [row.id for row in rows]
            connection.execute(update(entry).where(entry.c.id.in_(ids)).values(text=TRANSCRIPT_REMOVED))
            for case_id in {row.case_id for row in rows}:
                _forget_told(connection, case_id, [row.text for row in rows if row.case_id == case_id])
        removed += len(rows)
        if len(rows) < BATCH:
            return removed


def _record(connection: Connection, case_id: int, at: datetime, data: dict[str, Any]) -> None:
    values = {"case_id": case_id, "message_id": data["message"], "at": at, "event": "removed", "data": data}
    connection.execute(insert(event).values(**values))


def _stop_listening(connection: Connection, message_id: int) -> None:
    keys = f"transcribe:{message_id}:"
    waiting = (job.c.kind == "transcribe", job.c.key.startswith(keys), job.c.state != "running")
    connection.execute(delete(job).where(*waiting))


def _forget(connection: Connection, message_id: int) -> None:
    """The rows stay, without words: which model listened, how sure it was, how long the call was."""
    gone = {"text": TRANSCRIPT_REMOVED, "state": "removed", "words": [], "data": {}}
    connection.execute(update(transcript).where(transcript.c.message_id == message_id).values(**gone))


def _forget_told(connection: Connection, case_id: int, texts: list[str]) -> None:
    """The notices that repeat a transcript, and the differences between two of them."""
    out = select(entry.c.id, entry.c.kind, entry.c.text, entry.c.outbox_id)
    rows = connection.execute(out.where(entry.c.case_id == case_id, entry.c.direction == "out")).all()
    known = [_bare(text)[:_ENOUGH] for text in texts]
    told = [
        row
        for row in rows
        if row.kind == "transcript"
        or (row.kind == "acknowledgement" and any(text and text in _bare(row.text) for text in known))
    ]
    gone = {"text": TRANSCRIPT_REMOVED, "html": ""}
    connection.execute(update(entry).where(entry.c.id.in_([row.id for row in told])).values(**gone))
    mails = (outbox.c.case_id == case_id) & (
        outbox.c.kind.in_(_TOLD) | outbox.c.id.in_([row.outbox_id for row in told])
    )
    connection.execute(update(outbox).where(mails, outbox.c.state.in_(_FINISHED)).values(raw=REMOVED))
    again = select(event.c.id, event.c.data).where(
        event.c.case_id == case_id, event.c.event == "transcribed_again"
    )
    for row in connection.execute(again).all():
        kept = {key: value for key, value in (row.data or {}).items() if key != "changes"}
        connection.execute(update(event).where(event.c.id == row.id).values(data=kept))


def _bare(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
