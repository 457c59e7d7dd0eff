"""A scenario on a virtual clock: the daemon's own desk, worker and deliverer on an in-memory store; only the
clock and the ends are swapped.

Promises: same rules, same code; mail is composed and read as real bytes; every timer fires at its own moment,
after what a line does at that very moment; nothing is sent.
Fails: Permanent (65) with the line's number for a scenario that cannot be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from mailbridge.clock import VirtualClock
from mailbridge.config import parse_config
from mailbridge.errors import MailbridgeError, Permanent
from mailbridge.model.policy import Policy
from mailbridge.ops.scenario_steps import Step, Steps, span
from mailbridge.outgoing.notices import Renderer, default_template_dir
from mailbridge.store.engine import MEMORY_URL, Store
from mailbridge.store.migrate import upgrade
from mailbridge.work.deliver import CaptureRelay, Deliverer
from mailbridge.work.desk import Desk
from mailbridge.work.worker import KINDS, Worker

SITE = """
[site]
name = Example Support
support = support@desk.example
escalation = supportescalation@desk.example
staff = staff@desk.example
policy = {policy}
reply_token = plus
"""
TOLD = frozenset(
    {
        "case_created",
        "message_added",
        "ack_sent",
        "deadline_set",
        "deadline_warning",
        "deadline_missed",
        "escalated",
        "status_update_due",
        "auto_close_warning",
        "auto_closed",
        "reopened",
        "closed",
        "suppressed",
    }
)
START = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)  # a Monday morning in the Americas
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")
_FAULTS = (MailbridgeError, LookupError, TypeError, ValueError, OverflowError, AttributeError)
_OF_TIME = ("run", "start")  # lines that let time pass up to and with their own moment


class _World:
    """One site at work, with the people around it, from a moment on."""

    def __init__(self, store: Store, policy: Policy, start: datetime) -> None:
        upgrade(store)
        config = parse_config(SITE.format(policy=policy.name), "simulation", Path("/"))
        self.clock = VirtualClock(start)
        self.desk = Desk(config, store, policy, Renderer([default_template_dir()]), self.clock)
        self.steps = Steps(self.desk)
        self.working = True
        self._worker = Worker(self.desk)
        self._deliverer = Deliverer(self.desk, CaptureRelay(), together=True)

    def do(self, step: Step) -> None:
        """stop and start: an outage. What is written meanwhile lies unread, and no moment rings."""
        if step["do"] in ("stop", "start"):
            self.working = step["do"] == "start"
        elif step["do"] != "run":
            self.steps.do(step)

    def drain(self) -> None:
        """The worker and the deliverer of the daemon, until both have nothing to do."""
        while self.working and self._worker.drain() + self._deliverer.drain():
            pass

    def next_due(self) -> datetime | None:
        """When the next job or mail is due; None in an outage."""
        found = (self.desk.jobs.next_due(KINDS), self.desk.outbox.next_due())
        return min((at for at in found if at is not None), default=None) if self.working else None


class Simulation:
    """One scenario under way. all_events also tells what the contract does not list (held, released, ...)."""

    def __init__(self, policy: Policy, *, all_events: bool = False) -> None:
        self._policy = policy
        self._all = all_events
        self._world: _World | None = None
        self._last_event = 0

    def run(self, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Play the lines; yields the events in time order."""
        store = Store(MEMORY_URL)
        try:
            yield from self._run(store, lines)
        finally:
            store.close()

    def _run(self, store: Store, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
        before = START
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                step = _step(line)
                at = _moment(step, before)
                if at < before and self._world is not None:
                    raise Permanent(f"{at.isoformat()} is before the line above")
                self._world = self._world or _World(store, self._policy, at)
                yield from self._until(at, whole=step["do"] in _OF_TIME)
                self._world.do(step)
                self._world.drain()
                yield from self._told()
            except _FAULTS as error:
                raise Permanent(f"line {number}: {_what(error)}") from error
            before = at

    @property
    def desk(self) -> Desk:
        """The desk at work. Only after the first line."""
        assert self._world is not None
        return self._world.desk

    def _until(self, at: datetime, *, whole: bool) -> Iterator[dict[str, Any]]:
        """Let time pass: each timer at its own moment, then on to `at`; those of `at` itself where whole.

        Else the line comes before them, as the worker takes messages before moments: an answer at the very
        second of a deadline is in time.
        """
        world = self._world
        assert world is not None
        while (due := world.next_due()) is not None and (due < at or (whole and due == at)):
            world.clock.move_to(due)
            world.drain()
            yield from self._told()
        world.clock.move_to(at)

    def _told(self) -> Iterator[dict[str, Any]]:
        zone = self._policy.calendars[self._policy.calendar].zone
        for row in self.desk.cases.events_after(self._last_event):
            self._last_event = row["id"]
            if row["event"] in TOLD or self._all:
                data = {
                    key: _on_the_clock_of(zone, value)
                    for key, value in (row["data"] or {}).items()
                    if value not in ("", None)
                }
                yield {
                    "at": row["at"].astimezone(zone).isoformat(),
                    "event": row["event"],
                    "case": row["number"],
                    **data,
                }


def _step(line: str) -> Step:
    try:
        step = json.loads(line)
    except ValueError as error:
        raise Permanent(f"is no JSON: {error}") from error
    if not isinstance(step, dict) or not isinstance(step.get("do"), str):
        raise Permanent("is no object with at and do")
    return step


def _what(error: Exception) -> str:
    """What is wrong with a line, for a person."""
    if isinstance(error, KeyError):
        return f"the key {error} is missing"
    if isinstance(error, OverflowError):
        return "that is farther away than a calendar goes"
    if isinstance(error, UnicodeEncodeError):
        return "half of a surrogate pair (\\ud800 to \\udfff) is no character"
    return str(error)


def _on_the_clock_of(zone: tzinfo, value: object) -> object:
    """An instant told as `at` is, in the policy's zone; anything else as it is."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return value
    return datetime.fromisoformat(value).astimezone(zone).isoformat()


def _moment(step: Step, before: datetime) -> datetime:
    text = str(step.get("at", "+0s"))
    return before + span(text) if text.startswith("+") else _instant(text)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Permanent(f"{text!r} is no time of ISO 8601") from error
    if found.tzinfo is None:
        raise Permanent(f"{text!r} has no offset; write it like 2026-11-30T09:30:00-08:00")
    return found.astimezone(UTC)
