"""The master's watch over its processes: start, see them live, start again, end them in order.

Promises: a process that ends without having been told to is started again, sooner the longer it had lived
(0.2 s to 30 s); one that shows no sign of life, or stays at one step beyond its time, is killed and then
started again; what it had in hand is told to on_death, so that it can be given back at once. Told to stop,
each ends its step; what has not ended in time is killed. Processes are spawned, never forked: a fork copies
the locks of threads as they stand. A process whose master is gone ends by itself.
Fails never out of `step`; `start` raises OSError where no process can be made.

Times are seconds of the monotonic clock: a supervisor must not jump with the wall clock.
"""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from mailbridge import log
from mailbridge.work.bell import Bell, Line
from mailbridge.work.hand import Hand, Lease
from mailbridge.work.held import HeldFile
from mailbridge.work.process import Spec, Start, run

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 30.0
SETTLED_S = 30.0  # having lived so long, a process has a clean record
START_S = 90.0  # until the first sign of life
UNWELL_S = 120.0  # without a role for so long, the service is not well


@dataclass(frozen=True, slots=True)
class Death:
    """A process that ended without having been told to. step: what it was at; held: what else it had."""

    role: str
    how: str
    step: Lease | None
    held: tuple[Lease, ...]


@dataclass(slots=True, eq=False)
class _Child:
    spec: Spec
    index: int
    number: int  # over all roles: its place in the file of what is held
    process: BaseProcess | None = None
    line: Connection | None = None
    hand: Hand = field(default_factory=Hand)
    started_s: float = 0.0
    well_s: float = 0.0
    next_s: float = 0.0
    failures: int = 0
    ready: bool = False
    told_to_stop: bool = False
    why_killed: str = ""

    @property
    def alive(self) -> bool:
        return self.process is not None


class Supervisor:
    """Watches the processes of some roles. Use it from one thread."""

    def __init__(
        self,
        specs: Sequence[Spec],
        *,
        on_death: Callable[[Death], None] | None = None,
        held: HeldFile | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """held: where the processes note what they hold, for the master's successor."""
        self._held = held
        self._numbers = itertools.count()
        self._on_death = on_death or (lambda _death: None)
        self._now_s = now_s
        self._spawn = multiprocessing.get_context("spawn")
        self._bells = {spec.role: Bell() for spec in specs}
        self._children = [
            _Child(spec, index, next(self._numbers)) for spec in specs for index in range(spec.count)
        ]
        self._ending = False

    # --- what is the case ----------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether every process is at work."""
        return all(child.alive and child.ready for child in self._children)

    @property
    def running(self) -> bool:
        """Whether any process is alive."""
        return any(child.alive for child in self._children)

    def unwell(self) -> tuple[str, ...]:
        """Roles of which a process has not worked for UNWELL_S seconds."""
        now_s = self._now_s()
        return tuple(child.spec.role for child in self._children if now_s - child.well_s > UNWELL_S)

    def pids(self) -> dict[str, list[int]]:
        """Process ids by role."""
        found: dict[str, list[int]] = {}
        for child in self._children:
            if child.process is not None and child.process.pid is not None:
                found.setdefault(child.spec.role, []).append(child.process.pid)
        return found

    # --- what is done --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start every process."""
        for child in self._children:
            child.well_s = self._now_s()
            self._start(child)

    def step(self, timeout_s: float, others: Sequence[Any] = ()) -> None:
        """Wait for something to happen (others: further objects to wait for), then see to everything."""
        waiting: list[Any] = list(others)
        for child in self._children:
            if child.process is not None:
                waiting += [child.process.sentinel, *([child.line] if child.line else [])]
        wait(waiting, self._patience(timeout_s))
        for child in self._children:
            self._see_to(child)
        self._children = [child for child in self._children if child.alive or child.spec.count]

    def tell(self, role: str, word: str) -> None:
        """Send a word to the processes of a role."""
        for child in self._children:
            if child.spec.role == role:
                self._say(child, word)

    def replace(self, specs: Sequence[Spec], renew: Sequence[str] = ()) -> None:
        """Run these from now on: what changed ends its step and is started anew, what is gone ends.

        renew: roles to start anew even where their spec is the same, as their files may have changed.
        """
        wanted = {(spec.role, index): spec for spec in specs for index in range(spec.count)}
        for spec in specs:
            self._bells.setdefault(spec.role, Bell())
        for child in self._children:
            spec = wanted.pop((child.spec.role, child.index), _gone(child.spec))
            if spec == child.spec and spec.role not in renew:
                continue
            child.spec = spec
            child.failures = 0
            child.told_to_stop = True
            self._say(child, "stop")
        new = [_Child(spec, index, next(self._numbers)) for (_, index), spec in wanted.items()]
        for child in new:
            child.well_s = self._now_s()
            self._start(child)
        self._children += new

    def stop(self, within_s: float) -> bool:
        """Let every process end its step; kill what is left after within_s. True where none was killed."""
        self._ending = True
        for child in self._children:
            child.told_to_stop = True
            self._say(child, "stop")
        ends_s = self._now_s() + within_s
        while self.running and self._now_s() < ends_s:
            self.step(min(0.5, max(0.0, ends_s - self._now_s())))
        left = [child for child in self._children if child.alive]
        for child in left:
            self._kill(child, "did not stop in time")
        while self.running:
            self.step(0.5)
        return not left

    # --- one process ---------------------------------------------------------------------------------------

    def _start(self, child: _Child) -> None:
        mine, theirs = self._spawn.Pipe()
        child.hand = Hand(self._held.place(child.spec.role, child.number) if self._held else None)
        start = Start(Line(theirs, self._bells[child.spec.role]), child.hand, dict(self._bells))
        process = self._spawn.Process(
            target=run, args=(start, child.spec), name=f"mailbridge-{child.spec.role}"
        )
        process.start()
        theirs.close()
        child.process, child.line = process, mine
        child.started_s = self._now_s()
        child.ready = child.told_to_stop = False
        child.why_killed = ""
        log.event("role_started", role=child.spec.role, pid=process.pid)

    def _say(self, child: _Child, word: str) -> None:
        if child.line is not None:
            with contextlib.suppress(OSError, ValueError):
                child.line.send(word)

    def _see_to(self, child: _Child) -> None:
        if child.process is None:
            if not self._ending and child.spec.count and self._now_s() >= child.next_s:
                self._start(child)
            return
        self._hear(child)
        if child.process.exitcode is not None:
            self._ended(child, child.process.exitcode)
            return
        self._look(child)

    def _hear(self, child: _Child) -> None:
        with contextlib.suppress(OSError, EOFError):
            while child.line is not None and child.line.poll(0):
                if child.line.recv() == "ready":
                    child.ready = True

    def _look(self, child: _Child) -> None:
        """Kill what hangs: a step that takes too long, or no sign of life at all."""
        spec, hand = child.spec, child.hand
        if child.why_killed:
            return
        if spec.step_s and hand.working_s() > spec.step_s:
            log.event("job_timeout", role=spec.role, pid=_pid(child), seconds=round(hand.working_s()))
            self._kill(child, f"no end within {spec.step_s:g} seconds")
        elif not hand.working_s() or not spec.step_s:
            limit_s = spec.silent_s if child.ready else START_S
            if hand.silent_s() > limit_s:
                log.event("role_hangs", role=spec.role, pid=_pid(child), seconds=round(hand.silent_s()))
                self._kill(child, "no sign of life")
        if child.ready and not child.why_killed:
            child.well_s = self._now_s()

    def _kill(self, child: _Child, why: str) -> None:
        child.why_killed = why
        if child.process is not None:
            child.process.kill()

    def _ended(self, child: _Child, code: int) -> None:
        assert child.process is not None
        child.process.join()
        child.process.close()
        if child.line is not None:
            child.line.close()
        lived_s = self._now_s() - child.started_s
        child.process = child.line = None
        step, held = child.hand.present(), child.hand.held()
        if child.told_to_stop and not child.why_killed and code == 0:
            log.event("role_stopped", role=child.spec.role)
            child.next_s = self._now_s()
            return
        how = child.why_killed or _how(code)
        log.event("role_died", role=child.spec.role, how=how, seconds=round(lived_s, 1))
        child.failures = 0 if lived_s > SETTLED_S else child.failures + 1
        child.next_s = self._now_s() + _wait_s(child.failures)
        self._on_death(Death(child.spec.role, how, step, held))

    def _patience(self, timeout_s: float) -> float:
        """Until the next process is to be started, at most timeout_s."""
        if self._ending:
            return timeout_s
        due = [c.next_s - self._now_s() for c in self._children if not c.alive and c.spec.count]
        return max(0.0, min([timeout_s, *due]))


def _wait_s(failures: int) -> float:
    """How long to wait before the next start."""
    return min(FIRST_WAIT_S * 2.0 ** min(max(failures - 1, 0), 10), LONGEST_WAIT_S)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


def _gone(spec: Spec) -> Spec:
    return Spec(spec.role, spec.main, count=0)


def _pid(child: _Child) -> int | None:
    return child.process.pid if child.process else None
