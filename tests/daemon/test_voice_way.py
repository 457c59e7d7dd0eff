"""The whole way of a voicemail: mail in, decided, heard by real Vosk, told; read as `case show --json` shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from mailbridge.clock import VirtualClock
from mailbridge.mail.parse import parse
from mailbridge.policy import command
from mailbridge.work.desk import Desk
from mailbridge.work.listen import Listener
from tests.daemon.site import MONDAY, open_desk
from tests.daemon.test_listen import Scripted, said
from tests.daemon.voice import CALLER, MODEL, VOICEMAIL, call, deaf_model, happened, incoming, known, sample, shown
from tests.daemon.voice import take as take_in
from transcription.engine import Hints, Transcript, Word
from transcription.pool import Pool

CARD = "four one one one one one one one one one one one one one one one"
HOUR = timedelta(hours=1)


class Noting(Scripted):
    """Answers as given, and remembers what it was asked."""

    def __init__(self, *answers: Transcript | Exception) -> None:
        super().__init__(*answers)
        self.hints: list[Hints] = []
        self.models: list[str] = []

    def submit(self, job_id, source, hints=None, *, model=None):  # type: ignore[no-untyped-def]
        self.hints.append(hints)
        self.models.append(Path(model).name if model else "")
        return super().submit(job_id, source, hints)


@contextmanager
def desk_of(folder: Path, more: str = "", clock: VirtualClock | None = None) -> Iterator[Desk]:
    with open_desk(folder, VOICEMAIL + more, clock or VirtualClock(MONDAY)) as desk:
        known(desk)
        yield desk


def mails(desk: Desk, kind: str) -> list[str]:
    """The texts of the outgoing mails of this kind."""
    return [parse(row["raw"]).text for row in desk.outbox.listing() if row["kind"] == kind]


def everything(desk: Desk, number: int) -> str:
    """All that is stored, shown and mailed of a case, but for what came in."""
    case = json.dumps(shown(desk, number))
    return " ".join([case, *(parse(row["raw"]).text + parse(row["raw"]).html for row in desk.outbox.listing())])
