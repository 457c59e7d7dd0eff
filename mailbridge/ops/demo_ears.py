"""The demo's ears: hears voicemail with the tiny model that ships with the package.

Promises the words of the real recogniser, put on the case as a note. Fails: Unavailable where the recogniser
or its model cannot be loaded.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import transcription
from mailbridge.errors import Unavailable
from mailbridge.mail.parse import part_bytes
from mailbridge.model.case import Case
from mailbridge.model.decision import Decision, Facts
from mailbridge.policy import command
from mailbridge.store.jobs import Job
from mailbridge.work.desk import Desk
from transcription.engine import Engine, Transcript
from transcription.errors import ModelError

MODEL = Path(transcription.__file__).parent / "data" / "vosk-model-tiny-en-voicemail"
LEASE_S = 300.0
AUTHOR = "transcriber"


class Ears:
    """Does the transcribe jobs of a desk, one after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._engine: Engine | None = None

    def drain(self) -> int:
        """Listen to all that waits; returns how many recordings."""
        desk, done = self._desk, 0
        while jobs := desk.jobs.claim(("transcribe",), desk.clock.now(), LEASE_S):
            for job in jobs:
                self._listen(job)
                done += 1
        return done

    def _listen(self, job: Job) -> None:
        raw = self._desk.inbox.raw(int(job.payload["message"])) or b""
        heard = self._model().transcribe(part_bytes(raw, str(job.payload["part"])))
        case = self._desk.cases.by_id(int(job.payload["case"]))
        if case is None:
            self._desk.jobs.finish(job)
            return
        said = f"{heard.text}\n({heard.confidence:.0%} sure)" if heard.text else heard.said()

        def note(facts: Facts, now_case: Case, now: datetime) -> Decision:
            return command.note(facts, now_case, now, author=AUTHOR, text=said)

        self._desk.on_case(case.number, note, job=job)
        self.heard = heard

    def _model(self) -> Engine:
        if self._engine is None:
            try:
                self._engine = Engine(MODEL)
            except (ModelError, ImportError, OSError) as error:
                raise Unavailable(f"the speech recogniser cannot be loaded: {error}") from error
        return self._engine

    heard: Transcript | None = None
    """What was heard last."""
