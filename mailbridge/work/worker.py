"""The worker: claim what is due, decide it, finish it; messages first, then moments of cases.

Promises: a job is done, or given back, or set aside whole with its error; none is held up by another one that
fails. Jobs are claimed in small batches, as each claim costs a commit; one that was tried before is done
alone, so that a message which kills its process takes no others with it, and after MOST_DEATHS such deaths it
is quarantined. What is only temporary (database away, disk full, a clash that does not end) costs no attempt.
Fails never out of `serve`; `run_once` and `drain` raise StoreUnavailable or StoreFull when nothing can be
claimed.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable, Sequence
from datetime import timedelta

from mailbridge import log
from mailbridge.errors import NotFound, Temporary
from mailbridge.store.jobs import Job
from mailbridge.store.leases import DIED, error_of
from mailbridge.work.bell import Stop
from mailbridge.work.desk import MOST_ATTEMPTS, Desk
from mailbridge.work.hand import Hand, Lease

KINDS = ("process", "due")
BATCH = 8
MOST_DEATHS = 3
AGAIN = timedelta(seconds=5)
"""How soon what was only temporary is tried again."""
_LONGEST = timedelta(hours=1)


class Worker:
    """Works on one desk. hand: where a master looks on. on_done: a hint that mail may wait in the outbox."""

    def __init__(
        self, desk: Desk, *, hand: Hand | None = None, on_done: Callable[[], None] | None = None
    ) -> None:
        self.desk = desk
        self._hand = hand or Hand()
        self._on_done = on_done
        self._left: list[Job] = []

    def run_once(self, limit: int = BATCH) -> int:
        """One batch of what is due now; how many jobs were taken up. 0 means that nothing is due."""
        self._give_back_left()
        jobs = self.desk.jobs.claim(
            KINDS, self.desk.clock.now(), self.desk.config.worker.lease_s, min(limit, BATCH)
        )
        jobs = self._suspect_alone(jobs)
        self._hand.hold([Lease(job.id, job.lease, job.attempt) for job in jobs])
        try:
            for index, job in enumerate(jobs):
                self._hand.begin(index)
                self._do(job)
                self._hand.done()
        finally:
            self._hand.empty()
        if jobs and self._on_done:
            self._on_done()
        return len(jobs)

    def drain(self) -> int:
        """Until nothing is due; how many jobs were taken up."""
        done = 0
        while count := self.run_once():
            done += count
        return done

    def serve(self, stop: Stop) -> None:
        """Until stopped: work off what is due, then wait for a hint, or look again after [worker] poll_s."""
        poll_s = self.desk.config.worker.poll_s
        trouble = False
        while not stop.stopped:
            self._hand.beat()
            try:
                done = self.run_once()
            except Temporary as error:
                if not trouble:
                    log.event("store_unavailable", error=error)
                trouble, done = True, 0
            else:
                if trouble:
                    log.event("store_recovered")
                trouble = False
            if not done:
                stop.wait(max(poll_s, 1.0) if trouble else poll_s)
        with contextlib.suppress(Temporary):
            self._give_back_left()

    # --- one job -------------------------------------------------------------------------------------------

    def _suspect_alone(self, jobs: Sequence[Job]) -> list[Job]:
        """A job that was tried before may have killed its process: it is done alone, the others wait."""
        suspect = next((job for job in jobs if job.attempt > 1), None)
        if suspect is None or len(jobs) == 1:
            return list(jobs)
        self._left += [job for job in reversed(jobs) if job is not suspect]
        with contextlib.suppress(Temporary):
            self._give_back_left()
        return [suspect]

    def _do(self, job: Job) -> None:
        """Never raises: what goes wrong with one job is between it and the store."""
        try:
            if self._killed_too_often(job):
                return
            if job.kind == "process":
                self.desk.process(job)
                self._tell(job)
            else:
                self.desk.due(job)
        except Temporary as error:
            self._again(job, error)
        except Exception as error:  # noqa: BLE001 - unknown means temporary, and at last set aside whole
            log.event("unforeseen", job=job.key, attempt=job.attempt, error=error)
            self._failed(job, traceback.format_exc())

    def _killed_too_often(self, job: Job) -> bool:
        """Set a message aside whose processing died again and again.

        An attempt beyond those that the desk grants means deaths; one before that only where the last try
        left no error of its own behind.
        """
        if job.kind != "process" or job.attempt <= MOST_DEATHS:
            return False
        last = error_of(self.desk.store, job.id)
        if job.attempt <= MOST_ATTEMPTS and last and not last.startswith(DIED):
            return False
        how = last.removeprefix(DIED).lstrip(": ") or "the process was lost"
        reason = f"{DIED} {job.attempt - 1} times: {how}"
        message_id = int(job.payload["message"])
        if self.desk.inbox.quarantine(message_id, reason, self.desk.clock.now(), held=job):
            log.event("quarantined", message=message_id, reason=reason)
        return True

    def _tell(self, job: Job) -> None:
        try:
            outcome = self.desk.outcome(int(job.payload["message"]))
        except NotFound:
            return
        name = {"quarantined": "quarantined", "received": "retried"}.get(outcome.outcome, "processed")
        log.event(
            name,
            message=outcome.message_id,
            kind=outcome.kind or None,
            outcome=outcome.outcome,
            case=outcome.case,
            reason=outcome.reason or None,
            attempt=job.attempt if job.attempt > 1 else None,
        )

    def _again(self, job: Job, error: Temporary) -> None:
        """Give the job back without counting the attempt; remember it where that cannot be written now."""
        log.event("retried", job=job.key, error=error)
        try:
            self.desk.jobs.postpone(job, self.desk.clock.now() + AGAIN)
        except Temporary:
            self._left.append(job)

    def _failed(self, job: Job, error: str) -> None:
        """Try again later and later; after [worker] max_attempts set it aside with its error."""
        try:
            if job.attempt >= self.desk.config.worker.max_attempts:
                self.desk.jobs.bury(job, error)
                log.event("dead", job=job.key, attempts=job.attempt)
                return
            wait = min(timedelta(seconds=5 * 2 ** min(job.attempt, 20)), _LONGEST)
            self.desk.jobs.retry(job, self.desk.clock.now() + wait, error)
        except Temporary:
            self._left.append(job)

    def _give_back_left(self) -> None:
        """What could not be given back while the store was away: else its attempts would look like deaths."""
        while self._left:
            self.desk.jobs.postpone(self._left[-1], self._left[-1].due_at)
            self._left.pop()
