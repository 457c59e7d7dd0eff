"""Recordings into text: claim a transcribe job, let the pool listen, hand over what was heard.

Promises: the case exists and is acknowledged long before. A recording that cannot be read, or that ended its
transcriber MOST_FAILURES times, is set aside in words on its case; the recording stays. A model that is
missing costs no recording its turn.
Fails never out of `serve`; `run_once` raises StoreUnavailable or StoreFull.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from mailbridge import log
from mailbridge.config import Voicemail
from mailbridge.errors import Temporary
from mailbridge.store.jobs import Job
from mailbridge.work import recordings
from mailbridge.work.bell import Stop
from mailbridge.work.desk import Desk
from mailbridge.work.hand import Hand, Lease
from mailbridge.work.heard import Heard
from mailbridge.work.recordings import Recording
from transcription.engine import Hints, Transcript
from transcription.errors import AudioUnreadable, ModelError, PoolClosed, TranscriptionError

MOST_FAILURES = 3
MODEL_AGAIN = timedelta(minutes=5)
FAILED_AGAIN = timedelta(seconds=10)
SLACK_S = 420.0  # a big model may take minutes to load


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


class Listener:
    """Transcribes for one desk. hand: where a master looks on. on_done: a hint that mail may wait."""

    def __init__(self, desk: Desk, pool: Listening, *, hand: Hand | None = None, on_done: Any = None) -> None:
        self.desk = desk
        self._voicemail: Voicemail = desk.config.voicemail or Voicemail()
        self._pool = pool
        self._hand = hand or Hand()
        self._on_done = on_done
        self._heard = Heard(desk)
        self._jobs: list[Job] = []

    def run_once(self, limit: int = 0) -> int:
        """Transcribe as many due recordings as there are processes; how many were taken up."""
        lease_s = self.desk.config.worker.lease_s
        most = limit or self._voicemail.processes
        return self._work(self.desk.jobs.claim(["transcribe"], self.desk.clock.now(), lease_s, most))

    def listen_to(self, keys: Iterable[str]) -> int:
        """Transcribe these very jobs, those that nobody else has taken up; how many there were."""
        now, lease_s = self.desk.clock.now(), self.desk.config.worker.lease_s
        return self._work([job for key in keys if (job := self.desk.jobs.claim_key(key, now, lease_s))])

    def _work(self, jobs: list[Job]) -> int:
        self._jobs = jobs
        self._hand.hold([Lease(job.id, job.lease, job.attempt) for job in jobs])
        known = recordings.names(self.desk) if jobs else ()
        begun = [(job, self._begin(job, known)) for job in jobs]
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

    def _begin(self, job: Job, known: tuple[str, ...]) -> tuple[Recording, Future[Transcript]] | None:
        """The recording and the pool's promise; None where there is nothing to listen to any more."""
        recording = recordings.load(self.desk, job)
        if recording is None:
            self.desk.jobs.finish(job)
            return None
        hints = recordings.hints(self.desk, recording, known)
        try:
            model = recordings.model_of(self.desk, recording)
            future = self._pool.submit(job.key, recording.data, hints, model=model)
        except TranscriptionError as error:
            future = Future()
            future.set_exception(error)
        return recording, future

    # --- what came of it -----------------------------------------------------------------------------------

    def _settle(self, job: Job, recording: Recording, future: Future[Transcript]) -> None:
        """Never raises anything but what the store raises."""
        try:
            heard = self._wait(future)
        except AudioUnreadable as error:
            log.event("audio_unreadable", message=recording.received.id, part=recording.part, reason=error)
            self._heard.set_aside(recording, "unreadable", f"The recording cannot be read: {error}.")
        except ModelError as error:
            log.event("model_unusable", reason=error)
            self.desk.jobs.postpone(job, self.desk.clock.now() + MODEL_AGAIN)
        except PoolClosed:
            self.desk.jobs.postpone(job, self.desk.clock.now())
        except (TranscriptionError, TimeoutError) as error:
            self._crashed(recording, error)
        else:
            try:
                self._heard.write(recording, heard)
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

    def _crashed(self, recording: Recording, error: Exception) -> None:
        """It may be the recording's fault: a few tries, then it is set aside."""
        job = recording.job
        log.event("transcriber_died", message=recording.received.id, attempt=job.attempt, error=error)
        if job.attempt < MOST_FAILURES:
            self.desk.jobs.retry(job, self.desk.clock.now() + FAILED_AGAIN, str(error))
            return
        text = f"The recording could not be transcribed in {job.attempt} tries: listen to it, please."
        self._heard.set_aside(recording, "failed", text)
