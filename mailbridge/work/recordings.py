"""What is known of a recording before anybody listens to it: its case, its bytes, which model, which names.

Promises: a job becomes a Recording, or None where message or case are gone; a case that was merged meanwhile
is the one that answers for it. The model is the one that staff asked for, else that of the telephone mailbox
or of our address that was called, else that of the case's language, else [voicemail] model. Reads only.
Fails with StoreUnavailable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mailbridge.config import Voicemail as Settings
from mailbridge.errors import NotFound
from mailbridge.mail.parse import parse, part_bytes
from mailbridge.model.case import Case
from mailbridge.model.message import Kind, ParsedMessage, Voicemail
from mailbridge.policy.links import PART
from mailbridge.store.fetched import Fetched
from mailbridge.store.inbox import Received
from mailbridge.store.jobs import Job
from mailbridge.store.lookups import Lookup
from mailbridge.work.desk import Desk
from mailbridge.work.facts import attachment_rows
from mailbridge.work.notices import InHand
from transcription.audio import AudioLimits
from transcription.engine import Hints


@dataclass(frozen=True, slots=True)
class Recording:
    """One part of one message, and the case it belongs to.

    called: the telephone mailbox and our addresses. told: the telephone system sent a transcript of its own.
    link: where its bytes are to be fetched, "" where they are here.
    """

    job: Job
    received: Received
    message: ParsedMessage
    part: str
    case: Case
    data: bytes = field(repr=False)
    filename: str = ""
    content_type: str = ""
    called: tuple[str, ...] = ()
    told: bool = False
    link: str = ""

    @property
    def run(self) -> str:
        """Which later run staff asked for; "" for the first."""
        return str(self.job.payload.get("run", ""))

    @property
    def nowhere(self) -> str:
        """Why there is neither sound nor a link to follow, or ""."""
        if self.part != PART or self.data or self.link:
            return ""
        if not self.received.raw:
            return "its mail was removed"
        return "the sender of its link is no longer on the list of [voicemail] link_senders"

    @property
    def hand(self) -> InHand:
        """The message for the notice to staff."""
        return InHand(
            author=self.message.author,
            received_at=self.received.received_at,
            attachments=self._attachments,
            caller=self.case.requester_name,
        )

    @property
    def _attachments(self) -> tuple[Mapping[str, Any], ...]:
        files = attachment_rows(self.message)
        if self.part != PART or not self.data:
            return files
        row = {"filename": self.filename, "content_type": self.content_type, "size": len(self.data)}
        return (*files, row)


def load(desk: Desk, job: Job) -> Recording | None:
    """The recording of a transcribe job."""
    received = desk.inbox.load(int(job.payload["message"]))
    case = desk.cases.by_id(int(job.payload["case"]))
    if received is None or case is None:
        return None
    if case.duplicate_of is not None:
        with desk.store.read() as connection:
            case = Lookup(connection).numbers([case.number])[case.number]
    part, message = str(job.payload["part"]), parse(received.raw)
    facts = desk.understand(received, message).facts
    voicemail = facts.classification.voicemail
    mailbox = voicemail.mailbox.partition("@")[0].lower() if voicemail else ""
    sound = _fetched(desk, received, voicemail) if part == PART else _attached(received, message, part)
    return Recording(
        job,
        received,
        message,
        part,
        case,
        sound.data,
        sound.filename,
        sound.content_type,
        called=tuple(one for one in (mailbox, *facts.recipients) if one),
        told=bool(voicemail and voicemail.text),
        link=sound.link,
    )


@dataclass(frozen=True, slots=True)
class _Sound:
    data: bytes = b""  # of none AudioUnreadable says it in words
    filename: str = ""
    content_type: str = ""
    link: str = ""


def _attached(received: Received, message: ParsedMessage, part: str) -> _Sound:
    file = next((one for one in message.attachments if one.part == part), None)
    name, kind = (file.filename, file.content_type) if file else ("", "")
    try:
        return _Sound(part_bytes(received.raw, part), name, kind)
    except NotFound:
        return _Sound(b"", name, kind)


def _fetched(desk: Desk, received: Received, voicemail: Voicemail | None) -> _Sound:
    """What was fetched before, else the link, if its sender is still one whose links are fetched."""
    row = Fetched(desk.store).get(received.id, PART)
    if row is not None:
        return _Sound(row.data, row.filename, row.content_type)
    return _Sound(link=voicemail.link if voicemail else "")


def model_of(desk: Desk, recording: Recording) -> Path | None:
    """Who is to listen."""
    voicemail = desk.config.voicemail
    asked = recording.job.payload.get("model")
    if asked or voicemail is None:
        return Path(str(asked)) if asked else None
    models = dict(voicemail.models)
    language = recording.case.language or desk.policy.language
    wanted = (*recording.called, language.lower(), language.partition("-")[0].lower())
    return next((models[one] for one in wanted if one in models), voicemail.model)


def hints(desk: Desk, recording: Recording, known: tuple[str, ...]) -> Hints:
    """Names that the caller may say, his own first, and the bounds of [voicemail]."""
    case, voicemail = recording.case, desk.config.voicemail or Settings()
    own = tuple(name for name in (case.account, case.requester_name) if name)
    limits = AudioLimits(
        max_bytes=voicemail.max_mb << 20,
        max_seconds=float(voicemail.max_seconds),
        max_time_s=float(voicemail.timeout_s),
    )
    words = tuple(dict.fromkeys((*own, *known)))
    return Hints(words, recording.content_type, recording.filename, limits)


def names(desk: Desk) -> tuple[str, ...]:
    """What callers may speak of: the site's own words (products), its accounts and its contacts."""
    own = desk.config.voicemail.names if desk.config.voicemail else ()
    return (*own, *desk.customers.names())


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording in the store that can be listened to again. gone: its bytes were removed."""

    message_id: int
    part: str
    case: Case
    gone: bool = False


def kept(desk: Desk, number: int) -> list[Kept]:
    """The recordings of a case. Raises NotFound."""
    case = desk.cases.get(number)
    rows = desk.cases.entries(case.id)
    ids = [row["message_id"] for row in rows if row["direction"] == "in" and row["kind"] == "voicemail"]
    return [one for message_id in dict.fromkeys(ids) if message_id for one in _parts(desk, message_id, case)]


def kept_since(desk: Desk, since: datetime) -> Iterator[Kept]:
    """Every recording that came since then, oldest first."""
    for message_id in desk.cases.last_voicemails(since):
        received = desk.inbox.load(message_id)
        case = desk.cases.by_id(received.case_id) if received and received.case_id else None
        if case is not None:
            yield from _parts(desk, message_id, case)


def _parts(desk: Desk, message_id: int, case: Case) -> Iterator[Kept]:
    received = desk.inbox.load(message_id)
    if received is None:
        return
    if not received.raw:
        yield Kept(message_id, "", case, gone=True)
        return
    classification = desk.understand(received, parse(received.raw)).facts.classification
    voicemail = classification.voicemail if classification.kind is Kind.VOICEMAIL else None
    for part in voicemail.audio_parts if voicemail else ():
        yield Kept(message_id, part, case)
    if (voicemail and voicemail.link) or Fetched(desk.store).get(message_id, PART):
        yield Kept(message_id, PART, case)
