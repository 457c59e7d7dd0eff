"""Voicemail into text: the real pool with the tiny model, the real desk, real recordings."""

from __future__ import annotations

from concurrent.futures import Future
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

import transcription
from mailbridge.clock import VirtualClock
from mailbridge.config import Voicemail
from mailbridge.mail.parse import parse
from mailbridge.store.transcripts import TranscriptRow, Transcripts
from mailbridge.work.back import pool_of
from mailbridge.work.desk import Desk
from mailbridge.work.listen import Listener
from mailbridge.work.recordings import load
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, open_desk, put
from tests.daemon.voice import sample
from transcription.engine import Transcript, Word
from transcription.errors import ModelError, TranscriberCrashed
from transcription.pool import Pool

MODEL = Path(transcription.__file__).parent / "data" / "vosk-model-tiny-en-voicemail"
SAMPLES = Path(__file__).parents[1] / "transcription" / "samples"
VOICEMAIL = f"[voicemail]\nmodel = {MODEL}\ntimeout_s = 60\n"


def voicemail(number: int, audio: bytes, caller: str = "2025550143") -> bytes:
    """A mail as Asterisk sends it."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = "PBX <voicemail@pbx.example>", "support@desk.example"
    mail["Subject"] = f"New voicemail from {caller}"
    mail["X-Asterisk-CallerID"] = caller
    mail["Message-ID"] = f"<Asterisk-{number}-{number}-100-1@pbx.example>"
    mail.set_content("You were left a new voicemail.\n")
    mail.add_attachment(audio, maintype="audio", subtype="x-wav", filename="msg0001.wav")
    return mail.as_bytes()


def said(*words: str) -> Transcript:
    """A transcript as the pool gives it."""
    timed = tuple(Word(word, 0.3 * n, 0.3 * n + 0.25, 0.95) for n, word in enumerate(words))
    return Transcript(" ".join(words), timed, 0.95, 0.3 * len(words), "speech")


class Scripted:
    """A pool that answers with what it was given."""

    def __init__(self, *answers: Transcript | Exception) -> None:
        self.answers = list(answers)

    def submit(self, _job_id: str, _source: bytes | Path, *_: Any, **__: Any) -> Future[Transcript]:
        future: Future[Transcript] = Future()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future

    def close(self, wait_s: float = 0.0) -> None:
        pass


def take(desk: Desk, raw: bytes) -> None:
    put(desk, raw, "voicemail@pbx.example")
    Worker(desk).drain()


def events(desk: Desk, number: int, name: str) -> list[dict[str, Any]]:
    case = desk.cases.get(number)
    return [dict(row["data"] or {}) for row in desk.cases.events(case.id) if row["event"] == name]


def text_of(desk: Desk, number: int) -> str:
    rows = desk.cases.entries(desk.cases.get(number).id)
    return next(str(row["text"]) for row in rows if row["direction"] == "in")


def test_a_recording_becomes_text_on_its_case_and_staff_are_told(tmp_path: Path, pool: Pool) -> None:
    with open_desk(tmp_path, VOICEMAIL) as desk:
        take(desk, voicemail(1, (SAMPLES / "vm01-mulaw.wav").read_bytes()))
        told = desk.outbox.count("waiting")
        assert Listener(desk, pool).drain() == 1
        (row,) = Transcripts(desk.store).of(1)
        assert row["state"] == "speech"
        assert row["confidence"] > 0.7
        assert row["text"] == text_of(desk, 1)
        assert row["words"]
        (ready,) = events(desk, 1, "transcript_ready")
        assert ready["duration"] == row["duration_s"] > 5
        assert desk.outbox.count("waiting") == told + 2
        notice = desk.outbox.get(told + 1)
        assert notice is not None
        assert " ".join(row["text"].split()[:4]) in " ".join(parse(notice["raw"]).text.split())
        assert desk.jobs.count("transcribe") == 0


@pytest.mark.parametrize(
    ("audio", "state"), [(b"no audio at all, only words" * 40, "unreadable"), (b"", "silence")]
)
def test_what_cannot_be_heard_is_said_in_words(tmp_path: Path, pool: Pool, audio: bytes, state: str) -> None:
    audio = audio or (SAMPLES / "vm07-silent.wav").read_bytes()
    with open_desk(tmp_path, VOICEMAIL) as desk:
        take(desk, voicemail(1, audio))
        Listener(desk, pool).drain()
        (row,) = Transcripts(desk.store).of(1)
        assert row["state"] == state
        assert text_of(desk, 1) == row["text"]
        assert row["text"].endswith(".")
        assert len(events(desk, 1, "transcript_failed")) == (state == "unreadable")
        assert desk.inbox.raw(1) is not None


def test_a_recording_that_kills_its_transcriber_is_set_aside_after_three(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, VOICEMAIL, clock) as desk:
        take(desk, voicemail(1, b"RIFF"))
        listener = Listener(desk, Scripted(TranscriberCrashed("it crashed")))
        assert listener.drain() == 1
        for _ in range(2):
            clock.advance(timedelta(minutes=1))
            listener.drain()
        (row,) = Transcripts(desk.store).of(1)
        assert row["state"] == "failed"
        assert "listen to it" in text_of(desk, 1)
        assert desk.jobs.count("transcribe") == 0


def test_a_model_that_is_missing_costs_no_recording_its_turn(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, VOICEMAIL, clock) as desk:
        take(desk, voicemail(1, b"RIFF"))
        pool = Scripted(*[ModelError("gone")] * 10, said("please", "call", "back"))
        listener = Listener(desk, pool)
        for _ in range(11):
            listener.drain()
            clock.advance(timedelta(minutes=6))
        assert Transcripts(desk.store).of(1)[0]["state"] == "speech"


SPOKEN = said("this", "is", "about", "case", "number", "one", "thanks")


def test_a_spoken_number_of_the_callers_own_case_joins_them(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, VOICEMAIL, clock) as desk:
        take(desk, voicemail(1, b"RIFF"))
        clock.advance(timedelta(hours=1))  # beyond the window in which one caller's calls are one case
        take(desk, voicemail(2, b"RIFF2"))
        assert [case.number for case in desk.cases.listing()] == [1, 2]
        Listener(desk, Scripted(said("first", "call"), SPOKEN)).drain()
        assert desk.cases.by_id(2).duplicate_of == 1  # type: ignore[union-attr]
        assert events(desk, 1, "merged_from")


def test_a_spoken_number_of_somebody_elses_case_is_only_a_hint(tmp_path: Path) -> None:
    with open_desk(tmp_path, VOICEMAIL) as desk:
        take(desk, voicemail(1, b"RIFF"))
        take(desk, voicemail(2, b"RIFF2", caller="3035550177"))
        Listener(desk, Scripted(said("first", "call"), SPOKEN)).drain()
        assert desk.cases.by_id(2).duplicate_of is None  # type: ignore[union-attr]
        (hint,) = events(desk, 2, "may_belong_to")
        assert hint["number"] == 1


def test_a_step_done_twice_leaves_one_transcript_and_one_notice(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, VOICEMAIL, clock) as desk:
        take(desk, voicemail(1, b"RIFF"))
        told = desk.outbox.count("waiting")
        (job,) = desk.jobs.claim(["transcribe"], clock.now(), 10)
        recording = load(desk, job)
        assert recording is not None
        row = TranscriptRow(1, recording.part, MODEL.name, "speech", "Hello there.")
        Transcripts(desk.store).put(row, clock.now())
        clock.advance(timedelta(seconds=11))  # it died here; its lease runs out
        Listener(desk, Scripted(said("hello", "there"))).drain()
        assert len(Transcripts(desk.store).of(1)) == 1
        assert desk.outbox.count("waiting") == told + 2


@pytest.mark.parametrize(("memory_mb", "started"), [(0, 1), (1, 2)])
def test_a_recogniser_that_holds_too_much_memory_is_replaced(memory_mb: int, started: int) -> None:
    with pool_of(Voicemail(model=MODEL, memory_mb=memory_mb)) as pool:
        for number in range(2):
            assert pool.submit(str(number), sample("vm14")).result(60).text == "thank you"
        assert pool.stats().started == started
