"""Is the desk well? What waits, what is late, and which of it a person must look at.

Promises: a Health of plain data, and a sentence for each thing that is wrong; look() asks only the store and
the disk, so that it tells the truth also while no daemon runs. Waiting is judged by age, never by number: a
flood that is being worked off is no illness. Fails never: a database that is away is itself a finding.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mailbridge.config import Config
from mailbridge.errors import Temporary
from mailbridge.model.case import Case
from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from mailbridge.store.figures import Figures, figures
from mailbridge.store.inbox import Inbox
from mailbridge.store.migrate import current, mismatch

RISK = timedelta(hours=1)
INBOX_MINUTES = 15
OUTBOX_HOURS = 4
POLLS_MISSED = 5
LEAST_SILENCE_S = 900


@dataclass(frozen=True, slots=True)
class Health:
    """problems: one sentence each, empty when all is well. at_risk: due within an hour, the most urgent
    first.

    mailboxes: name -> last poll that reached the end, None for never. model_present: None where none is
    configured.
    """

    at: datetime
    problems: tuple[str, ...]
    figures: Figures | None = None
    at_risk: tuple[Case, ...] = ()
    mailboxes: dict[str, datetime | None] = field(default_factory=dict)
    model: Path | None = None
    model_present: bool | None = None
    disk_free_bytes: int | None = None

    @property
    def healthy(self) -> bool:
        """Whether nobody needs to look."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """The document of `status --json`."""
        known = self.figures
        return {
            "healthy": self.healthy,
            "at": self.at,
            "problems": list(self.problems),
            "inbox": known.messages if known else {},
            "oldest_unprocessed": known.oldest_received if known else None,
            "jobs": known.jobs if known else {},
            "outbox": known.outbox if known else {},
            "oldest_outgoing": known.oldest_outgoing if known else None,
            "cases": known.cases if known else {},
            "deadlines": {
                "at_risk": [{"number": case.number, "respond_by": case.respond_by} for case in self.at_risk],
                "missed": known.missed if known else 0,
            },
            "mailboxes": [{"name": name, "polled_at": at} for name, at in self.mailboxes.items()],
            "model": {"path": self.model, "present": self.model_present},
            "disk": {
                "free_bytes": self.disk_free_bytes,
                "database_bytes": known.size_bytes if known else None,
            },
        }


def look(config: Config, store: Store, now: datetime) -> Health:
    """The desk's health at now."""
    model = config.voicemail.model if config.voicemail else None
    free = _free(config)
    base: dict[str, Any] = {
        "model": model,
        "model_present": model.is_dir() if model else None,
        "disk_free_bytes": free,
    }
    try:
        if wrong := mismatch(current(store)):
            return Health(now, (wrong,), **base)
        known, at_risk = figures(store), Cases(store).at_risk(now + RISK)
        polled = {cursor.mailbox: cursor.polled_at for cursor in Inbox(store).cursors()}
    except Temporary as error:
        return Health(now, (str(error),), **base)
    mailboxes = {mailbox.name: polled.get(mailbox.name) for mailbox in config.imap}
    found = Health(now, (), known, tuple(at_risk), mailboxes, model, base["model_present"], free)
    return Health(now, tuple(_problems(config, found, known)), known, tuple(at_risk), mailboxes, **base)


def _free(config: Config) -> int | None:
    path = config.store.file.parent if config.store.file else config.site.state
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def _problems(config: Config, health: Health, known: Figures) -> Iterator[str]:
    yield from _set_aside(known)
    yield from _late(config, health, known)
    yield from _silent(config, health)
    yield from _voice(health, known)
    if known.missed:
        yield f"{known.missed} open cases have missed their deadline; see: mailbridge case list"
    if health.disk_free_bytes is None:
        yield f"{config.site.state}: the room on the disk cannot be told; is the folder there?"
    elif health.disk_free_bytes < config.store.reserve_mb * 2**20:
        free = health.disk_free_bytes // 2**20
        yield f"{free} MB are free on the disk, less than [store] reserve_mb = {config.store.reserve_mb}"


def _set_aside(known: Figures) -> Iterator[str]:
    if count := known.messages.get("quarantined", 0):
        yield f"{count} messages are quarantined; see: mailbridge queue list"
    dead = {kind: states["dead"] for kind, states in known.jobs.items() if states.get("dead")}
    # the process job of a quarantined message is dead with it: that was said already
    dead["process"] = dead.get("process", 0) - known.messages.get("quarantined", 0)
    for kind, count in dead.items():
        if count > 0:
            yield f"{count} jobs of kind {kind} are dead; see: mailbridge queue list"
    if count := known.outbox.get("dead", 0):
        yield f"{count} outgoing mails are dead; see: mailbridge queue list"


def _late(config: Config, health: Health, known: Figures) -> Iterator[str]:
    first = known.oldest_received
    if first is not None and health.at - first > timedelta(minutes=INBOX_MINUTES):
        minutes = int((health.at - first).total_seconds() // 60)
        yield f"a message is unprocessed for {minutes} minutes; is the daemon running?"
    oldest = known.oldest_outgoing
    if oldest is not None and health.at - oldest > timedelta(hours=OUTBOX_HOURS):
        hours = int((health.at - oldest).total_seconds() // 3600)
        why = "the relay does not take it" if config.relay else "no [relay] is configured"
        yield f"outgoing mail waits for {hours} hours: {why}; see: mailbridge queue list"


def _silent(config: Config, health: Health) -> Iterator[str]:
    for mailbox in config.imap:
        polled = health.mailboxes.get(mailbox.name)
        allowed = timedelta(seconds=max(mailbox.poll_s * POLLS_MISSED, LEAST_SILENCE_S))
        if polled is None:
            yield f"[imap {mailbox.name}] was never read to its end"
        elif health.at - polled > allowed:
            minutes = int((health.at - polled).total_seconds() // 60)
            yield f"[imap {mailbox.name}] was last read {minutes} minutes ago"


def _voice(health: Health, known: Figures) -> Iterator[str]:
    states = known.jobs.get("transcribe", {})
    waiting = states.get("ready", 0) + states.get("running", 0)
    if waiting and not health.model_present:
        where = f"{health.model} is not there" if health.model else "[voicemail] model names none"
        yield f"{waiting} recordings wait for a speech model: {where}; see: mailbridge model list"
