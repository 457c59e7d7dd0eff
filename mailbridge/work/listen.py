"""Recordings into text: claim a transcribe job, let the pool listen, hand over what was heard.

Promises: the case exists and is acknowledged long before. A recording that cannot be read, or that ended its
transcriber MOST_FAILURES times, is set aside in words on its case; the recording stays. A model that is
missing costs no recording its turn. Sound behind a link is fetched beside, so that nobody waits for its
server, and kept before it is heard.
Fails never out of `serve`; `run_once` raises StoreUnavailable or StoreFull.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from mailbridge import log
from mailbridge.config import Voicemail
from mailbridge.errors import Temporary
from mailbridge.store.fetched import Fetched, FetchedRow
from mailbridge.store.jobs import Job
from mailbridge.work import recordings
from mailbridge.work.bell import Stop
from mailbridge.work.desk import Desk
from mailbridge.work.fetch import Fetcher, LinkFailed, LinkRefused
from mailbridge.work.hand import Hand, Lease
from mailbridge.work.heard import Heard
from mailbridge.work.recordings import Recording
from transcription.engine import Hints, Transcript
from transcription.errors import AudioUnreadable, ModelError, PoolClosed, TranscriptionError
from transcription.sniff import sniff

MOST_FAILURES = 3
MODEL_AGAIN = timedelta(minutes=5)
FAILED_AGAIN = timedelta(seconds=10)
LINK_AGAIN = timedelta(minutes=1)
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
    """Transcribes for one desk. hand: where a master looks on. on_done: a hint that mail may wait. fetcher:
    how links are followed."""

    def __init__(
        self,
        desk: Desk,
        pool: Listening,
        *,
        hand: Hand | None = None,
        on_done: Any = None,
        fetcher: Fetcher | None = None,
    ) -> None:
        self.desk = desk
        self._voicemail: Voicemail = desk.config.voicemail or Voicemail()
        self._pool = pool
        self._hand = hand or Hand()
        self._on_done = on_done
        self._heard = Heard(desk)
        self._fetched = Fetched(desk.store)
        self._fetcher = fetcher or Fetcher(self._voicemail.max_mb << 20)
        # no thread before the first link
        self._aside = ThreadPoolExecutor(self._voicemail.processes, "fetch")
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
        try:
            if recording.nowhere:
                raise LinkRefused(recording.nowhere)
            if recording.link:
                return recording, self._aside.submit(self._follow, recording, known)
            return recording, self._submit(recording, known)
        except (TranscriptionError, LinkRefused) as error:
            future: Future[Transcript] = Future()
            future.set_exception(error)
        return recording, future

    def _submit(self, recording: Recording, known: tuple[str, ...]) -> Future[Transcript]:
        hints = recordings.hints(self.desk, recording, known)
        model = recordings.model_of(self.desk, recording)
        return self._pool.submit(recording.job.key, recording.data, hints, model=model)

    def _follow(self, recording: Recording, known: tuple[str, ...]) -> Transcript:
        """Fetch what the link leads to, and listen to it; in a thread of its own."""
        found = self._fetcher.fetch(recording.link)
        kept, part, kind = recording.received.id, recording.part, found.content_type
        log.event("link_fetched", message=kept, host=urlsplit(found.url).hostname, bytes=len(found.data))
        if sniff(found.data, kind, found.filename):  # of a page to log in at there is nothing to keep
            row = FetchedRow(kept, part, found.url, found.filename, kind, found.data)
            self._fetched.put(row, self.desk.clock.now())
        here = replace(recording, data=found.data, filename=found.filename, content_type=kind, link="")
        return self._submit(here, known).result()

    # --- what came of it -----------------------------------------------------------------------------------

    def _settle(self, job: Job, recording: Recording, future: Future[Transcript]) -> None:
        """Never raises anything but what the store raises."""
        try:
            heard = self._wait(future)
        except AudioUnreadable as error:
            log.event("audio_unreadable", message=recording.received.id, part=recording.part, reason=error)
            self._heard.set_aside(recording, "unreadable", f"{_named(recording)} cannot be read: {error}.")
        except LinkRefused as error:
            log.event("link_refused", message=recording.received.id, reason=error)
            self._heard.set_aside(recording, "unreadable", f"{_named(recording)} was not fetched: {error}.")
        except LinkFailed as error:
            self._unreached(recording, error)
        except ModelError as error:
            log.event("model_unusable", reason=error)
            self.desk.jobs.postpone(job, self.desk.clock.now() + MODEL_AGAIN)
        except PoolClosed:
            self.desk.jobs.postpone(job, self.desk.clock.now())
        except (TranscriptionError, TimeoutError) as error:
            self._crashed(recording, error)
        except Temporary:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a server sends, nobody else's recording waits
            log.event("unforeseen", job=job.key, error=error)
            self._crashed(recording, error)
        else:
            try:
                now = recordings.load(self.desk, job) if recording.link else recording
                self._heard.write(now or recording, heard)
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

    def _unreached(self, recording: Recording, error: LinkFailed) -> None:
        """It may be a bad moment of its server: a few tries, then it is set aside."""
        job = recording.job
        log.event("link_failed", message=recording.received.id, attempt=job.attempt, reason=error)
        if job.attempt < MOST_FAILURES:
            self.desk.jobs.retry(job, self.desk.clock.now() + job.attempt * LINK_AGAIN, str(error))
            return
        text = f"{_named(recording)} could not be fetched in {job.attempt} tries: {error}."
        self._heard.set_aside(recording, "failed", text)

    def _crashed(self, recording: Recording, error: Exception) -> None:
        """It may be the recording's fault: a few tries, then it is set aside."""
        job = recording.job
        log.event("transcriber_died", message=recording.received.id, attempt=job.attempt, error=error)
        if job.attempt < MOST_FAILURES:
            self.desk.jobs.retry(job, self.desk.clock.now() + FAILED_AGAIN, str(error))
            return
        text = f"The recording could not be transcribed in {job.attempt} tries: listen to it, please."
        self._heard.set_aside(recording, "failed", text)


def _named(recording: Recording) -> str:
    """The recording in words for its case, whose text they become: with the link that staff may open."""
    return f"The recording at {recording.link}" if recording.link else "The recording"
