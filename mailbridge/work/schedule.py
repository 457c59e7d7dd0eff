"""The bell: APScheduler says when it is time to look; the rows own the work and the time.

Promises: a ring that is missed, doubled or late does no harm, since all that is done looks at the rows first,
and what must happen once on any number of nodes has a unique tick. No job store: a persisted job that came
due while the daemon was down would be thrown away by APScheduler 3 (default misfire_grace_time of one
second), so nothing is persisted there, and misfire_grace_time is None.
Fails never: what goes wrong in one ring is logged, and the next one tries again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from mailbridge import log
from mailbridge.clock import Clock, SystemClock
from mailbridge.config import Config
from mailbridge.config.files import file_warnings
from mailbridge.errors import Temporary
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.jobs import Jobs
from mailbridge.store.removal import Which, remove_mail, remove_transcripts
from mailbridge.store.sweep import orphans, remove_ignored
from mailbridge.work.tell_admins import tell_admins

ORPHAN_AGE = timedelta(minutes=10)
_SILENT = timedelta(minutes=15)
MEBIBYTE = 1 << 20


class Bellringer:
    """Rings for one site. ring: wakes a worker, as a moment of a case may have come."""

    def __init__(
        self, config: Config, store: Store, ring: Callable[[], None], clock: Clock | None = None
    ) -> None:
        self._config = config
        self._store = store
        self._ring = ring
        self._clock = clock or SystemClock()
        self._jobs = Jobs(store)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def start(self) -> None:
        """Begin; the first look is at once."""
        for ring, every in (
            (self.due, timedelta(seconds=15)),
            (self.hourly, timedelta(minutes=5)),
            (self.watch, timedelta(minutes=1)),
            (self.admins, timedelta(minutes=1)),
        ):
            first = self._clock.now() + timedelta(seconds=1)
            self._scheduler.add_job(
                self._safely(ring), "interval", seconds=every.total_seconds(), next_run_time=first
            )
        self._scheduler.start()

    def stop(self) -> None:
        """End without waiting: every ring may be cut short."""
        self._scheduler.shutdown(wait=False)

    # --- rings ---------------------------------------------------------------------------------------------

    def due(self) -> None:
        """Wake a worker where a moment has come; it would look by itself a little later."""
        due = self._jobs.next_due(("process", "due"))
        if due is not None and due <= self._clock.now():
            self._ring()

    def hourly(self) -> None:
        """Upkeep, once an hour on any number of nodes."""
        now = self._clock.now()
        if not self._jobs.tick("upkeep", now.replace(minute=0, second=0, microsecond=0)):
            return
        for message_id in orphans(self._store, now - ORPHAN_AGE):
            log.event(
                "unforeseen", message=message_id, error="it was received and had no job; it has one now"
            )
        self._prune(now)
        self._warn(now)
        log.event("tick_done", name="upkeep")

    def watch(self) -> None:
        """Say what an admin should know before it hurts."""
        now = self._clock.now()
        self._room()
        polled = {cursor.mailbox: cursor.polled_at for cursor in Inbox(self._store).cursors()}
        for section in self._config.imap:
            at = polled.get(section.name)
            if at is not None and now - at > max(_SILENT, timedelta(seconds=5 * section.poll_s)):
                log.event("imap_silent", mailbox=section.name, since=at)

    def admins(self) -> None:
        """Tell admins by mail of what was set aside."""
        tell_admins(self._config, self._store, self._clock.now())

    # --- what they do --------------------------------------------------------------------------------------

    def _prune(self, now: datetime) -> None:
        site, voicemail = self._config.site, self._config.voicemail
        ignored = raw = transcripts = 0
        if site.ignored_retention_days:
            ignored = remove_ignored(self._store, now - timedelta(days=site.ignored_retention_days))
        if site.retention_days:
            raw = remove_mail(self._store, _closed(now, site.retention_days), now)
        if voicemail and voicemail.retention_days:
            which = _closed(now, voicemail.retention_days)
            raw += remove_mail(self._store, which, now, voicemail_only=True)
        if voicemail and voicemail.transcript_retention_days:
            which = _closed(now, voicemail.transcript_retention_days)
            transcripts = remove_transcripts(self._store, which, now)
        if ignored or raw or transcripts:
            log.event("pruned", ignored=ignored, raw=raw, transcripts=transcripts)

    def _room(self) -> None:
        path = self._store.path
        if path is None:
            return
        free = shutil.disk_usage(path.parent).free
        if free < self._config.store.reserve_mb * MEBIBYTE:
            log.event("disk_nearly_full", path=path.parent, free_mb=free // MEBIBYTE)

    def _warn(self, now: datetime) -> None:
        """What works today and ends soon, such as a certificate."""
        for problem in file_warnings(self._config, now):
            if problem.key == "cert":
                log.event("certificate_expires", reason=problem)

    def _safely(self, ring: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                ring()
            except Temporary as error:
                log.event("store_unavailable", error=error)
            except Exception as error:  # noqa: BLE001 - one ring that fails must not silence the bell
                log.event("unforeseen", ring=ring.__name__, error=error)

        return run


def _closed(now: datetime, days: int) -> Which:
    """The cases that were closed for so many days."""
    why = f"the case was closed more than {days} day{'' if days == 1 else 's'} ago"
    return Which(why, closed_before=now - timedelta(days=days))
