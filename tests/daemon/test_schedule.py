"""The bell and what it looks for: orphans, retention, one upkeep an hour; on a real store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from mailbridge import log
from mailbridge.clock import VirtualClock
from mailbridge.policy import command
from mailbridge.store.inbox import Inbox
from mailbridge.store.schema import job
from mailbridge.work.schedule import Bellringer
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, mail, open_desk, put

DAY = timedelta(days=1)


def test_a_message_without_a_job_gets_one(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        lost, kept = put(desk, mail(1)), put(desk, mail(2))
        with desk.store.write() as connection:
            connection.execute(job.delete().where(job.c.key == f"process:{lost}"))
        clock.advance(timedelta(minutes=30))
        with log.capture() as lines:
            Bellringer(desk.config, desk.store, lambda: None, clock).hourly()
        assert [line.fields["message"] for line in lines if line.event == "unforeseen"] == [lost]
        Worker(desk).drain()
        assert {desk.outcome(one).outcome for one in (lost, kept)} == {"created"}


def test_upkeep_is_done_once_an_hour_by_whoever_comes_first(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk, log.capture() as lines:
        bells = [Bellringer(desk.config, desk.store, lambda: None, clock) for _ in range(3)]
        for bell in bells:
            bell.hourly()
        clock.advance(timedelta(hours=1))
        for bell in bells:
            bell.hourly()
    assert [line.event for line in lines].count("tick_done") == 2


def test_retention_removes_what_was_asked_and_nothing_else(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        config = desk.config
        site = config.site.model_copy(update={"retention_days": 30, "ignored_retention_days": 10})
        robot = mail(3).replace(b"MIME-Version", b"Auto-Submitted: auto-replied\r\nMIME-Version")
        closed, still_open, ignored = put(desk, mail(1)), put(desk, mail(2)), put(desk, robot)
        Worker(desk).drain()
        assert desk.outcome(ignored).outcome == "ignored"
        desk.on_case(1, lambda f, c, now: command.close(f, c, now, author="ann@desk.example"))
        bell = Bellringer(replace(config, site=site), desk.store, lambda: None, clock)
        inbox = Inbox(desk.store)
        clock.advance(9 * DAY)
        bell.hourly()
        assert inbox.raw(ignored)
        clock.advance(2 * DAY)
        bell.hourly()
        assert inbox.load(ignored) is None
        assert inbox.raw(closed)
        clock.advance(30 * DAY)
        bell.hourly()
        assert inbox.raw(closed) == b""
        assert inbox.raw(still_open) == mail(2)
        assert put(desk, mail(1)) == closed  # its digest is still known


def test_the_bell_rings_only_for_what_is_due(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        rings: list[int] = []
        bell = Bellringer(desk.config, desk.store, lambda: rings.append(1), clock)
        bell.due()
        assert rings == []
        put(desk, mail(1))
        bell.due()
        assert rings == [1]


def test_no_run_is_dropped_for_being_late(tmp_path: Path) -> None:
    """APScheduler 3 drops what is more than a second late, unless misfire_grace_time is None."""
    with open_desk(tmp_path) as desk:
        bell = Bellringer(desk.config, desk.store, lambda: None)
        scheduler = bell._scheduler
        assert isinstance(scheduler, BackgroundScheduler)
        bell.start()
        try:
            jobs = scheduler.get_jobs()
            assert len(jobs) == 4
            assert all(one.misfire_grace_time is None and one.coalesce for one in jobs)
        finally:
            bell.stop()
