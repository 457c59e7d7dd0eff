"""Recordings into text: claim a transcribe job, let the pool listen, write the transcript, tell the case.

Promises: the case exists and is acknowledged long before; here only its text, an event and a notice to staff
come. Writing comes before telling, and both may happen twice: the row is replaced, the notice has its key. A
recording that cannot be read, or that ended its transcriber MOST_FAILURES times, is set aside in words on its
case; the recording stays. A case number that the caller says moves the voicemail only into a case of his own
account or contact; anybody else's is a hint to staff, since a number proves nothing.
Fails never out of `serve`; `run_once` raises StoreUnavailable or StoreFull.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from mailbridge import log
from mailbridge.config import Voicemail
from mailbridge.errors import NotFound, Temporary
from mailbridge.mail.parse import parse, part_bytes
from mailbridge.model.case import Case, Status
from mailbridge.model.decision import Decision, Facts, Record
from mailbridge.model.message import Attachment, ParsedMessage
from mailbridge.policy import command
from mailbridge.policy.draft import Draft
from mailbridge.store.inbox import Received
from mailbridge.store.jobs import Job
from mailbridge.store.lookups import Lookup
from mailbridge.store.transcripts import TranscriptRow, Transcripts
from mailbridge.work.bell import Stop
from mailbridge.work.desk import Desk
from mailbridge.work.facts import attachment_rows
from mailbridge.work.hand import Hand, Lease
from mailbridge.work.notices import InHand
from transcription.audio import AudioLimits
from transcription.engine import Hints, Transcript
from transcription.errors import AudioUnreadable, ModelError, PoolClosed, TranscriptionError
from transcription.numbers import case_numbers, phone_numbers
from transcription.redact import redact_text, redact_words
from transcription.text import find_in, write

MOST_FAILURES = 3
MODEL_AGAIN = timedelta(minutes=5)
FAILED_AGAIN = timedelta(seconds=10)
POOR = 0.6  # below this mean confidence the log says so
SLACK_S = 420.0  # a big model may take minutes to load
_BY_MACHINE = "mailbridge"


class Listening(Protocol):
    """Who listens: transcription.pool.Pool."""

    def submit(
        self,
        job_id: str,
        source: bytes | Path,
        hints: Hints | None = None,
        *,
        model: Path | str | None = None,
    ) -> Future[Transcript]: ...

    def close(self, wait_s: float = 0.0) -> None: ...


@dataclass(frozen=True, slots=True)
class _Recording:
    """One part of one message, and the case it belongs to."""

    job: Job
    received: Received
    message: ParsedMessage
    part: str
    case: Case
    data: bytes = field(repr=False)
    file: Attachment | None

    @property
    def hand(self) -> InHand:
        """The message for the notice to staff."""
        return InHand(
            author=self.message.author,
            received_at=self.received.received_at,
            attachments=attachment_rows(self.message),
            caller=self.case.requester_name,
        )


class Listener:
    """Transcribes for one desk. hand: where a master looks on. on_done: a hint that mail may wait."""

    def __init__(self, desk: Desk, pool: Listening, *, hand: Hand | None = None, on_done: Any = None) -> None:
        assert desk.config.voicemail is not None
        self.desk = desk
        self._voicemail: Voicemail = desk.config.voicemail
        self._pool = pool
        self._hand = hand or Hand()
        self._on_done = on_done
        self._rows = Transcripts(desk.store)
        self._jobs: list[Job] = []

    def run_once(self, limit: int = 0) -> int:
        """Transcribe as many due recordings as there are processes; how many were taken up."""
        lease_s = self.desk.config.worker.lease_s
        most = limit or self._voicemail.processes
        jobs = self._jobs = self.desk.jobs.claim(["transcribe"], self.desk.clock.now(), lease_s, most)
        self._hand.hold([Lease(job.id, job.lease, job.attempt) for job in jobs])
        begun = [(job, self._begin(job)) for job in jobs]
        for index, (job, future) in enumerate(begun):
            self._hand.begin(index)
            if future is not None:
                self._settle(job, *future)
            self._hand.done()
        self._hand.empty()
        if jobs and self._on_done:
            self._on_done()
        return len(jobs)

    def drain(self) -> int:
        """Until no recording is due; how many were taken up."""
        done = 0
        while count := self.run_once():
            done += count
        return done

    def serve(self, stop: Stop) -> None:
        """Until stopped: listen to what is due, then look again after [worker] poll_s."""
        while not stop.stopped:
            self._hand.beat()
            try:
                done = self.run_once()
            except Temporary as error:
                log.event("store_unavailable", error=error)
                done = 0
            if not done:
                stop.wait(self.desk.config.worker.poll_s)

    # --- handing in ----------------------------------------------------------------------------------------

    def _begin(self, job: Job) -> tuple[_Recording, Future[Transcript]] | None:
        """The recording and the pool's promise; None where there is nothing to listen to any more."""
        recording = self._recording(job)
        if recording is None:
            self.desk.jobs.finish(job)
            return None
        models = dict(self._voicemail.models)
        model = models.get(recording.case.language or self.desk.policy.language)
        try:
            future = self._pool.submit(job.key, recording.data, self._hints(recording), model=model)
        except TranscriptionError as error:
            future = Future()
            future.set_exception(error)
        return recording, future

    def _recording(self, job: Job) -> _Recording | None:
        received = self.desk.inbox.load(int(job.payload["message"]))
        case = self.desk.cases.by_id(int(job.payload["case"]))
        if received is None or case is None:
            return None
        part, message = str(job.payload["part"]), parse(received.raw)
        try:
            data = part_bytes(received.raw, part)
        except NotFound:
            data = b""  # AudioUnreadable says it in words
        file = next((one for one in message.attachments if one.part == part), None)
        return _Recording(job, received, message, part, case, data, file)

    def _hints(self, recording: _Recording) -> Hints:
        """Names that the caller may say, and the bounds of [voicemail]."""
        case, voicemail = recording.case, self._voicemail
        names = tuple(name for name in (case.account, case.requester_name) if name)
        limits = AudioLimits(
            max_bytes=voicemail.max_mb << 20,
            max_seconds=float(voicemail.max_seconds),
            max_time_s=float(voicemail.timeout_s),
        )
        file = recording.file
        return Hints(names, file.content_type if file else "", file.filename if file else "", limits)

    # --- what came of it -----------------------------------------------------------------------------------

    def _settle(self, job: Job, recording: _Recording, future: Future[Transcript]) -> None:
        """Never raises anything but what the store raises."""
        try:
            heard = self._wait(future)
        except AudioUnreadable as error:
            log.event("audio_unreadable", message=recording.received.id, part=recording.part, reason=error)
            self._set_aside(recording, "unreadable", f"The recording cannot be read: {error}.")
        except ModelError as error:
            log.event("model_unusable", reason=error)
            self.desk.jobs.postpone(job, self.desk.clock.now() + MODEL_AGAIN)
        except PoolClosed:
            self.desk.jobs.postpone(job, self.desk.clock.now())
        except (TranscriptionError, TimeoutError) as error:
            self._crashed(recording, error)
        else:
            try:
                self._write(recording, heard)
            except Temporary:
                raise
            except Exception as error:  # noqa: BLE001 - the row stays, tried again and at last set aside
                log.event("unforeseen", job=job.key, error=error)
                self._crashed(recording, error)

    def _wait(self, future: Future[Transcript]) -> Transcript:
        """What the pool heard, the leases held meanwhile: a dead listener's recordings soon find another one.

        Raises what the pool raises; the pool bounds the time, and we bound the pool.
        """
        lease_s = self.desk.config.worker.lease_s
        for _ in range(max(3, round(3 * (2 * self._voicemail.timeout_s + SLACK_S) / lease_s))):
            try:
                return future.result(lease_s / 3)
            except TimeoutError:
                self._hand.beat()
                until = self.desk.clock.now() + timedelta(seconds=lease_s)
                with contextlib.suppress(Temporary):
                    for job in self._jobs:
                        self.desk.jobs.extend(job, until)
        return future.result(0)

    def _crashed(self, recording: _Recording, error: Exception) -> None:
        """It may be the recording's fault: a few tries, then it is set aside."""
        job = recording.job
        log.event("transcriber_died", message=recording.received.id, attempt=job.attempt, error=error)
        if job.attempt < MOST_FAILURES:
            self.desk.jobs.retry(job, self.desk.clock.now() + FAILED_AGAIN, str(error))
            return
        text = f"The recording could not be transcribed in {job.attempt} tries: listen to it, please."
        self._set_aside(recording, "failed", text)

    def _set_aside(self, recording: _Recording, state: str, text: str) -> None:
        """Say on the case that there is no text, and why; the recording is still there."""
        row = TranscriptRow(recording.received.id, recording.part, self._model(recording), state, text)
        now = self.desk.clock.now()
        self._rows.put(row, recording.case.id, now)
        failed = Record(
            recording.case.id, "transcript_failed", {"part": recording.part, "state": state, "reason": text}
        )

        def decide(facts: Facts, case: Case, now: datetime) -> Decision:
            draft = Draft(case, facts.policy, now)
            draft.add(replace(failed, case=case.id))
            self._tell_staff(draft, facts, recording, text)
            return draft.decision("transcript_failed", text)

        self.desk.on_case(recording.case.number, decide, job=recording.job, hand=recording.hand)

    def _write(self, recording: _Recording, heard: Transcript) -> None:
        region = self.desk.config.region
        words = redact_words(heard.words)
        names = (recording.case.account, recording.case.requester_name)
        found = find_in(heard.words, region)
        written = redact_text(write(words, region, [name for name in names if name]))
        text = written if heard.state == "speech" else heard.said()
        numbers = {"phone_numbers": phone_numbers(found), "case_numbers": case_numbers(found)}
        row = TranscriptRow(
            message_id=recording.received.id,
            part=recording.part,
            model=self._model(recording),
            state=heard.state,
            text=text,
            confidence=heard.confidence if heard.state == "speech" else None,
            duration_s=heard.duration_s,
            words=[asdict(word) for word in words],
            data={"notes": list(heard.notes), **numbers},
        )
        self._rows.put(row, recording.case.id, self.desk.clock.now())
        self._tell_case(recording, row)
        name = "transcript_poor" if heard.state != "speech" or heard.confidence < POOR else "transcribed"
        log.event(
            name,
            message=row.message_id,
            case=recording.case.number,
            state=row.state,
            confidence=heard.confidence,
            seconds=heard.duration_s,
        )

    def _model(self, recording: _Recording) -> str:
        """The model's folder name, as it stands on the transcript."""
        models = dict(self._voicemail.models)
        path = models.get(recording.case.language or self.desk.policy.language) or self._voicemail.model
        return path.name if path else ""

    # --- telling the case ----------------------------------------------------------------------------------

    def _tell_case(self, recording: _Recording, row: TranscriptRow) -> None:
        spoken = self._spoken_cases(row)

        def decide(facts: Facts, case: Case, now: datetime) -> Decision:
            draft = Draft(case, facts.policy, now)
            draft.record(
                "transcript_ready",
                part=row.part,
                state=row.state,
                confidence=row.confidence,
                duration=row.duration_s,
                model=row.model,
                **{key: row.data[key] for key in ("phone_numbers", "case_numbers") if row.data[key]},
            )
            for other in spoken:
                if other.id != case.id and not _same_customer(case, other):
                    draft.record(
                        "may_belong_to", number=other.number, by="a case number that the caller said"
                    )
            self._tell_staff(draft, facts, recording, row.text, _hint(case, spoken))
            return draft.decision("transcript", f"{row.state}, by {row.model}")

        hand = replace(recording.hand, transcript=row.text, duration_s=row.duration_s)
        case = self.desk.on_case(recording.case.number, decide, job=recording.job, hand=hand)
        self._join(case, spoken)

    def _tell_staff(
        self, draft: Draft, facts: Facts, recording: _Recording, text: str, why: str = ""
    ) -> None:
        once = f"transcript:{recording.received.id}:{recording.part}"
        draft.tell_staff(facts, "staff_notice", once, text=text, why=why or "the transcript of a voicemail")

    def _spoken_cases(self, row: TranscriptRow) -> tuple[Case, ...]:
        numbers = [int(text) for text in row.data["case_numbers"] if len(text) < 10]
        with self.desk.store.read() as connection:
            return tuple(Lookup(connection).numbers(numbers).values())

    def _join(self, case: Case, spoken: tuple[Case, ...]) -> None:
        """Move the voicemail into the caller's own case that he named, where nothing else is in its case."""
        target = next(
            (other for other in spoken if other.id != case.id and _same_customer(case, other)), None
        )
        if target is None or target.status is Status.CLOSED or not self._only_this(case):
            return
        try:
            self.desk.on_case(
                case.number,
                lambda facts, now_case, now: command.merge(
                    facts,
                    now_case,
                    now,
                    author=_BY_MACHINE,
                    target=target,
                    reason="the caller said its number",
                ),
            )
        except (NotFound, Temporary) as error:
            log.event("retried", case=case.number, error=error)

    def _only_this(self, case: Case) -> bool:
        """Whether the case is one voicemail and our automatic mail, nothing else."""
        rows = self.desk.cases.entries(case.id)
        incoming = [row for row in rows if row["direction"] == "in"]
        worked_on = any(row["direction"] == "note" or row["kind"] == "staff_answer" for row in rows)
        return len(incoming) == 1 and not worked_on and case.duplicate_of is None


def _same_customer(case: Case, other: Case) -> bool:
    """The same account, or the same contact; a caller unknown to us is nobody's."""
    by_account = case.account_id is not None and case.account_id == other.account_id
    return by_account or (case.contact_id is not None and case.contact_id == other.contact_id)


def _hint(case: Case, spoken: tuple[Case, ...]) -> str:
    others = [f"case {one.number}" for one in spoken if one.id != case.id and not _same_customer(case, one)]
    return f"the transcript of a voicemail; it may belong to {', '.join(others)}" if others else ""
