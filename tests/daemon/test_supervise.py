"""The master's watch over real spawned processes: deaths, hangs, order at the end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest

from mailbridge import log
from mailbridge.work.hand import Lease
from mailbridge.work.process import Spec
from mailbridge.work.supervise import Death, Supervisor, _wait_s
from tests.daemon import roles


def watch(supervisor: Supervisor, until: Callable[[], object], within_s: float = 60.0) -> None:
    ends = time.monotonic() + within_s
    while not until():
        assert time.monotonic() < ends
        supervisor.step(0.2)


def test_a_killed_process_comes_back_and_the_others_stay() -> None:
    supervisor = Supervisor([Spec("one", roles.steady), Spec("two", roles.steady)])
    supervisor.start()
    try:
        watch(supervisor, lambda: supervisor.ready)
        before = supervisor.pids()
        os.kill(before["one"][0], signal.SIGKILL)
        watch(supervisor, lambda: supervisor.pids().get("one", before["one"]) != before["one"])
        watch(supervisor, lambda: supervisor.ready)
        assert supervisor.pids()["two"] == before["two"]
        assert supervisor.unwell() == ()
    finally:
        assert supervisor.stop(20)
    assert supervisor.pids() == {}


@pytest.mark.parametrize(
    ("main", "how", "step", "held"),
    [
        (roles.hanging, "no end within 1 seconds", Lease(8, 3, 2), 2),
        (roles.dying, "killed by SIGSEGV", Lease(5, 2, 1), 1),
    ],
)
def test_what_it_had_in_hand_is_told(main: Callable[..., None], how: str, step: Lease, held: int) -> None:
    deaths: list[Death] = []
    supervisor = Supervisor([Spec("one", main, step_s=1.0)], on_death=deaths.append)
    with log.capture() as lines:
        supervisor.start()
        watch(supervisor, lambda: len(deaths) >= 2)
        supervisor.stop(0.5)
    assert (deaths[0].role, deaths[0].how, deaths[0].step) == ("one", how, step)
    assert len(deaths[0].held) == held
    assert [line.event for line in lines if line.event == "role_died"]


def test_a_silent_process_is_killed() -> None:
    deaths: list[Death] = []
    supervisor = Supervisor([Spec("one", roles.hanging, silent_s=1.0)], on_death=deaths.append)
    supervisor.start()
    watch(supervisor, lambda: deaths)
    assert deaths[0].how == "no sign of life"
    supervisor.stop(0.5)


def test_what_does_not_stop_is_killed_in_time() -> None:
    supervisor = Supervisor([Spec("one", roles.stubborn), Spec("two", roles.steady)])
    supervisor.start()
    watch(supervisor, lambda: supervisor.ready)
    began = time.monotonic()
    assert not supervisor.stop(1.0)
    assert time.monotonic() - began < 10
    assert not supervisor.running


def test_replace_renews_what_changed_and_ends_what_is_gone() -> None:
    one, two = Spec("one", roles.steady), Spec("two", roles.steady)
    supervisor = Supervisor([one, two])
    supervisor.start()
    try:
        watch(supervisor, lambda: supervisor.ready)
        before = supervisor.pids()
        supervisor.replace([one, Spec("three", roles.steady)])
        watch(supervisor, lambda: set(supervisor.pids()) == {"one", "three"} and supervisor.ready)
        assert supervisor.pids()["one"] == before["one"]
        supervisor.replace([one, Spec("three", roles.steady)], renew=["one"])
        watch(supervisor, lambda: supervisor.pids().get("one", before["one"]) != before["one"])
    finally:
        assert supervisor.stop(20)


def test_starts_that_fail_wait_longer_and_longer() -> None:
    waits = [_wait_s(failures) for failures in range(1, 12)]
    assert waits[0] == 0.2
    assert waits == sorted(waits)
    assert waits[-1] == 30.0
