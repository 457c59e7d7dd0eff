"""The worker's loop: batches, attempts, deaths; on the real desk and a real SQLite file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from mailbridge.clock import VirtualClock
from mailbridge.errors import StoreUnavailable
from mailbridge.model.case import Status
from mailbridge.policy import command
from mailbridge.store.jobs import Job
from mailbridge.store.leases import error_of, give_back_job
from mailbridge.work.hand import Hand
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, mail, open_desk, put

LEASE = timedelta(seconds=301)


def test_drain_decides_everything_that_is_due(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        for number in range(20):
            put(desk, mail(number, f"c{number}@customer.example"), f"c{number}@customer.example")
        assert Worker(desk).drain() == 20
        assert len(desk.cases.listing()) == 20
        assert desk.jobs.count("process") == 0
        assert desk.outbox.count("waiting") == 20 * 3  # one acknowledgement, two people of staff


def test_due_moments_close_a_case(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        put(desk, mail(1))
        worker = Worker(desk)
        worker.drain()
        desk.on_case(
            1, lambda f, c, now: command.reply(f, c, now, author="ann@desk.example", text="Try now.")
        )
        while (due := desk.jobs.next_due(["due"])) is not None:
            clock.move_to(due)
            worker.drain()
            for held in desk.outbox.claim(clock.now(), 60, 100):  # a close waits for its warning to be sent
                desk.outbox.sent(held, clock.now(), "250")
        assert desk.cases.get(1).status is Status.CLOSED


def test_message_that_killed_three_processes_is_quarantined(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        bad, good = put(desk, mail(1)), put(desk, mail(2))
        for _ in range(3):  # the process dies with its lease: nothing is written any more
            held = desk.jobs.claim(["process"], clock.now(), 300, limit=1)
            assert [job.payload["message"] for job in held] == [bad]
            clock.advance(LEASE)
        Worker(desk).drain()
        assert desk.outcome(bad).outcome == "quarantined"
        assert "processing died 3 times" in desk.outcome(bad).reason
        assert desk.outcome(good).outcome == "created"
        assert desk.jobs.count("process", "dead") == 1


def test_a_worker_that_lost_its_lease_sets_no_message_aside(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        message = put(desk, mail(1))
        for _ in range(3):
            assert desk.jobs.claim(["process"], clock.now(), 300)
            clock.advance(LEASE)
        (late,) = desk.jobs.claim(["process"], clock.now(), 300)
        clock.advance(LEASE)  # the late one was stopped for long; somebody else holds the job by now
        assert desk.jobs.claim(["process"], clock.now(), 300)
        Worker(desk)._do(late)
        assert desk.outcome(message).outcome == "received"
        assert desk.jobs.count("process", "dead") == 0


def test_two_deaths_are_not_yet_the_end(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        message = put(desk, mail(1))
        for _ in range(2):
            assert desk.jobs.claim(["process"], clock.now(), 300)
            clock.advance(LEASE)
        Worker(desk).drain()
        assert desk.outcome(message).outcome == "created"


def test_neighbours_of_a_deadly_message_do_not_pay_for_it(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        ids = [put(desk, mail(number)) for number in range(6)]
        deaths = 0

        class Killed(BaseException):
            """Stands for SIGKILL: nothing after it runs."""

        real = desk.process

        def process(job: Job) -> None:
            nonlocal deaths
            if job.payload["message"] == ids[3]:
                deaths += 1
                raise Killed
            real(job)

        desk.process = process  # type: ignore[method-assign]
        for _ in range(12):
            try:
                Worker(desk).drain()
            except Killed:
                clock.advance(LEASE)
        assert deaths == 3
        assert [desk.outcome(one).outcome for one in ids] == ["created"] * 3 + ["quarantined"] + [
            "created"
        ] * 2


def test_temporary_trouble_costs_no_attempt(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        message = put(desk, mail(1))
        real, away = desk.process, 20

        def process(job: Job) -> None:
            nonlocal away
            assert job.attempt == 1
            if away:
                away -= 1
                raise StoreUnavailable("away")
            real(job)

        desk.process = process  # type: ignore[method-assign]
        worker = Worker(desk)
        while worker.drain() or away:
            clock.advance(timedelta(seconds=6))
        assert desk.outcome(message).outcome == "created"


def test_due_job_that_always_fails_is_set_aside_with_its_error(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, "[worker]\nmax_attempts = 3\n", clock) as desk:
        put(desk, mail(1))
        worker = Worker(desk)
        worker.drain()

        def due(_job: Job) -> None:
            raise KeyError("unforeseen here")

        desk.due = due  # type: ignore[method-assign]
        while (at := desk.jobs.next_due(["due"])) is not None:
            clock.move_to(at)
            worker.drain()
        dead = [row for row in desk.jobs.listing() if row["state"] == "dead"]
        assert dead
        assert all("unforeseen here" in row["error"] and row["attempt"] == 3 for row in dead)


@pytest.mark.parametrize("innocent", [True, False])
def test_master_gives_back_the_leases_of_a_dead_process(tmp_path: Path, innocent: bool) -> None:
    with open_desk(tmp_path) as desk:
        put(desk, mail(1))
        (held,) = desk.jobs.claim(["process"], desk.clock.now(), 300)
        now = desk.clock.now()
        died = "" if innocent else "no end within 60 seconds"
        assert give_back_job(desk.store, held.id, held.lease, now, died=died, innocent=innocent)
        assert not give_back_job(desk.store, held.id, held.lease, now)
        (again,) = desk.jobs.claim(["process"], desk.clock.now(), 300)
        assert again.attempt == (1 if innocent else 2)
        assert error_of(desk.store, held.id).startswith("processing died" if died else "")
        assert not desk.jobs.finish(held)  # the fence of the dead


def test_the_hand_shows_what_is_under_way(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        for number in range(3):
            put(desk, mail(number))
        hand, seen = Hand(), []
        real = desk.process

        def process(job: Job) -> None:
            present = hand.present()
            assert present is not None
            seen.append((present.id == job.id, len(hand.held()), hand.working_s() < 60))
            real(job)

        desk.process = process  # type: ignore[method-assign]
        Worker(desk, hand=hand).drain()
        assert seen == [(True, 3, True)] * 3
        assert hand.present() is None
        assert hand.held() == ()
