"""One site at work in memory: the daemon's own desk, worker, deliverer and listener; clock and ends swapped.

True time goes on by the minute; the machine's clock is true time and an offset, which a jump changes. Every
timer rings at its own moment of the machine's clock, or all at the end of an outage. The journal that is kept
(outages, looks at the mailbox, jumps, policies, what was handed over when) is for the judge.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from mailbridge.config import parse_config
from mailbridge.model.envelope import Envelope, Way
from mailbridge.model.policy import Policy, Unit
from mailbridge.outgoing.notices import Renderer, default_template_dir
from mailbridge.outgoing.relay import Delivery, Outcome, RecipientResult
from mailbridge.policy.library import load_policy
from mailbridge.store.engine import MEMORY_URL, Store
from mailbridge.store.inbox import Cursor
from mailbridge.store.migrate import upgrade
from mailbridge.work.deliver import Deliverer
from mailbridge.work.desk import Desk
from mailbridge.work.listen import Listener
from mailbridge.work.worker import Worker
from tests.year.story import MINUTE, START
from transcription.engine import Transcript, Word

SITE = """
[site]
name = Example Support
support = support@desk.example
escalation = escalation@desk.example
staff = ann@desk.example
policy = mekorma
[imap support]
host = imap.desk.example
user = support
password_file = /nowhere
[voicemail]
model = /nowhere/model
"""
TIGHT = " tight"
MOST_ROUNDS = 50  # at one moment
HEARD_AFTER = 7 * MINUTE
BACK_AFTER = 2 * MINUTE  # from the start of the daemon to its first look at the mailbox
_REF = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)


class StuckError(Exception):
    """What is due stays due, though the world did all that it can."""


@cache
def policy_named(name: str) -> Policy:
    """A shipped policy; "NAME tight": its hours halved, and a missed deadline escalates."""
    policy = load_policy(name.removesuffix(TIGHT))
    if not name.endswith(TIGHT):
        return policy
    halved = {
        cell: replace(
            target,
            amount=target.amount // 2,
            warn_amount=target.warn_amount // 2 if target.warn_amount is not None else None,
        )
        if target.unit in (Unit.WORKING, Unit.ELAPSED)
        else target
        for cell, target in policy.targets.items()
    }
    return replace(policy, targets=halved, escalate_when_missed=True, version="tight")


@cache
def _renderer() -> Renderer:
    return Renderer([default_template_dir()])


@cache
def _fresh() -> bytes:
    """A migrated database with fixed secrets, as SQLite keeps it."""
    store = Store(MEMORY_URL)
    upgrade(store)
    raw = _raw(store)
    raw.execute("INSERT INTO setting (name, value) VALUES ('secrets', ?)", ("ab" * 32,))
    image = raw.serialize()
    store.close()
    return image


def _raw(store: Store) -> sqlite3.Connection:
    connection = store.engine.raw_connection().driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection


_idle: list[Store] = []


def fresh_store() -> Store:
    """A store with nothing in it: one that was used before, since an engine keeps its compiled statements."""
    store = _idle.pop() if _idle else Store(MEMORY_URL)
    _raw(store).deserialize(_fresh())
    return store


class MachineClock:
    """True time, and what the machine believes that it is."""

    def __init__(self) -> None:
        self.true = START
        self.offset = timedelta()

    def now(self) -> datetime:
        return self.true + self.offset


@dataclass(frozen=True, slots=True)
class Epoch:
    """From start (true time) on the machine is ahead by offset; first rows of that time, by their ids."""

    start: datetime
    offset: timedelta
    first_event: int = 0
    first_message: int = 0


@dataclass(frozen=True, slots=True)
class Blind:
    """A time in which the mailbox was not looked at; polled is the machine's time of the last look."""

    start: datetime
    end: datetime
    polled: datetime


@dataclass
class Journal:
    """What the world did, in true time."""

    outages: list[tuple[datetime, datetime]] = field(default_factory=list)
    blind: list[Blind] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    policies: list[tuple[datetime, int, str]] = field(default_factory=list)  # from, first event, name
    handed: dict[str, datetime] = field(default_factory=dict)  # Message-ID: first accepted
    given: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)  # Message-ID, recipients


class _Relay:
    """Takes mail, unless it defers all or does not know an address."""

    def __init__(self, world: World) -> None:
        self._world = world

    def deliver(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> Delivery:
        del mail_from
        world = self._world
        if world.clock.true < world.deferred_until:
            return _all(recipients, Outcome.TEMPORARY, 451, "4.3.2 later, please")
        unknown = [one for one in recipients if one in world.refused]
        found = [
            RecipientResult(one, Outcome.PERMANENT, 550, "5.1.1 no such user")
            if one in unknown
            else RecipientResult(one, Outcome.ACCEPTED, 250, "ok")
            for one in recipients
        ]
        taken = tuple(one for one in recipients if one not in unknown)
        if taken:
            world.taken(taken, raw)
        return Delivery(tuple(found), relay_response="250 ok")

    def close(self) -> None:
        """Nothing is open."""


def _all(recipients: Sequence[str], outcome: Outcome, code: int, text: str) -> Delivery:
    return Delivery(tuple(RecipientResult(one, outcome, code, text) for one in recipients))


class _Pool:
    """Hears what the caller is known to have said: the engine has its own tests, here its rows matter."""

    def __init__(self, world: World) -> None:
        self._world = world

    def submit(self, job_id: str, *_: Any, **__: Any) -> Future[Transcript]:
        row = self._world.peek("SELECT digest FROM message WHERE id = ?", int(job_id.split(":")[1]))
        said = self._world.said.get(row[0][0], "please help")
        words = tuple(Word(word, 0.3 * n, 0.3 * n + 0.2, 0.9) for n, word in enumerate(said.split()))
        future: Future[Transcript] = Future()
        future.set_result(Transcript(said, words, 0.9, 0.3 * len(words), "speech"))
        return future

    def close(self, wait_s: float = 0.0) -> None:
        """Nothing is open."""


class World:
    """The site and its surroundings. store is there to be looked at until close(), then another world's."""

    def __init__(self, policy: str) -> None:
        self.clock = MachineClock()
        self.store = fresh_store()
        self._sql = _raw(self.store)
        self.journal = Journal(epochs=[Epoch(START, timedelta())])
        self.down_until = self.deferred_until = self._blind_until = START
        self._blind = False
        self._looked: datetime | None  # of the machine's clock
        self.refused: set[str] = set()
        self.said: dict[str, str] = {}  # by the digest of a voicemail
        self.last_to: dict[str, tuple[str, bytes]] = {}  # address: Message-ID, head of our last mail to it
        self._mailbox: list[tuple[Envelope, bytes]] = []
        self._wakes: list[tuple[datetime, str]] = []
        self.site(policy)
        self._cursor = Cursor("support", 1, 0, START)
        self.desk.inbox.put_batch([], self._cursor)

    def close(self) -> None:
        _idle.append(self.store)

    def site(self, policy: str) -> None:
        """(Re)start with this policy, as SIGHUP does."""
        config = parse_config(SITE, "year", Path("/"))
        self._looked = None
        self.desk = Desk(config, self.store, policy_named(policy), _renderer(), self.clock)
        self.worker = Worker(self.desk)
        self._deliverer = Deliverer(self.desk, _Relay(self), together=True)  # its mail leaves no process
        self._listener = Listener(self.desk, _Pool(self))
        self.journal.policies.append((self.clock.true, self._next_id("event"), policy))

    def peek(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """A look past the product's own code: cheap, and in no way a part of what is tested."""
        return self._sql.execute(sql, values).fetchall()

    def _next_id(self, table: str) -> int:
        return int(self.peek(f"SELECT coalesce(max(id), 0) + 1 FROM {table}")[0][0])

    # --- time ---------------------------------------------------------------------------------------------

    @property
    def up(self) -> bool:
        return self.clock.true >= self.down_until

    def until(self, at: datetime) -> None:
        """Let true time pass: every timer at its own moment, or all at the end of an outage."""
        rounds = 0
        while (moment := self._next()) is not None and moment <= at:
            rounds = rounds + 1 if moment <= self.clock.true else 0
            if rounds > MOST_ROUNDS:
                raise StuckError(f"nothing gets on at {self.clock.true}: due since {moment}")
            self.clock.true = max(moment, self.clock.true)
            self.drain()
            self._wake()
        self.clock.true = max(at, self.clock.true)

    def _next(self) -> datetime | None:
        """When something is to be done next."""
        moments = [at for at, _ in self._wakes]
        if not self.up:
            return min([self.down_until, *moments])
        due = self.peek(
            "SELECT min(due_at) FROM (SELECT min(due_at) AS due_at FROM job WHERE state = 'ready'"
            " AND kind IN ('process', 'due') UNION ALL"
            " SELECT min(due_at) FROM outbox WHERE state = 'waiting')"
        )[0][0]
        if due is not None:
            moments.append(datetime.fromisoformat(due) - self.clock.offset)
        return min(moments, default=None)

    def _wake(self) -> None:
        """The mailbox can be looked at again; a recording has been heard."""
        for wake in sorted(wake for wake in self._wakes if wake[0] <= self.clock.true):
            self._wakes.remove(wake)
            if wake[1] == "mailbox":
                self._blind = False
                self._look()
            elif self.up:
                self._listener.drain()
            else:
                self._wakes.append((self.down_until, "listen"))
        self.drain()

    # --- work ---------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """All that is due on the machine's clock, as the daemon's roles would do it."""
        if not self.up:
            return
        self._store_mailbox()
        while self._work() or self._deliver():
            pass
        if self.peek("SELECT 1 FROM job WHERE kind = 'transcribe' AND state = 'ready' LIMIT 1") and not any(
            what == "listen" for _, what in self._wakes
        ):
            self._wakes.append((self.clock.true + HEARD_AFTER, "listen"))

    def _work(self) -> bool:
        """One batch. The look at the mailbox is noted where somebody may ask for it: before a timer."""
        due = "state = 'ready' AND kind IN ('process', 'due') AND due_at <= ?"
        timer = self.peek(f"SELECT max(kind = 'due') FROM job WHERE {due}", self._stamp())[0][0]
        if timer == 1:
            self._look()
        return timer is not None and self.worker.run_once() > 0

    def _deliver(self) -> bool:
        due = "SELECT 1 FROM outbox WHERE state = 'waiting' AND due_at <= ? LIMIT 1"
        return bool(self.peek(due, self._stamp())) and self._deliverer.run_once() > 0

    def _stamp(self) -> str:
        return self.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def taken(self, recipients: tuple[str, ...], raw: bytes) -> None:
        """The relay took it."""
        found = _REF.search(raw)
        assert found is not None
        ref = found[1].decode()
        self.journal.handed.setdefault(ref, self.clock.true)
        self.journal.given.append((ref, recipients))
        for one in recipients:
            self.last_to[one] = (ref, raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    def last_notice(self, case_id: int, address: str) -> bytes | None:
        """The head of our last mail about the case to this one of the staff."""
        found = self.peek(
            "SELECT raw FROM outbox WHERE case_id = ? AND to_address = ? AND state = 'sent'"
            " ORDER BY id DESC LIMIT 1",
            *(case_id, address),
        )
        return bytes(found[0][0]).partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if found else None

    # --- mail that comes in -------------------------------------------------------------------------------

    def receive(self, raw: bytes, sender: str, to: str) -> int | None:
        """Mail for one of our addresses: stored at once, or it waits in a mailbox that is not looked at."""
        address = to.rpartition("<")[2].rstrip(">")
        if self._blind:
            self._mailbox.append((Envelope(Way.IMAP, sender, (address,), START), raw))
            return None
        envelope = Envelope(Way.SMTP, sender, (address,), self.clock.now())
        return self.desk.inbox.put_batch([(envelope, raw)])[0].message_id

    def _look(self) -> None:
        """At the mailbox, where that can be done: what lies in it is stored, and the look is on record."""
        now = self.clock.now()
        if self._blind or now == self._looked:
            return
        self._store_mailbox()
        self._looked = now
        if self.desk.policy.auto_close is not None:
            self.desk.inbox.note_poll("support", now)

    def _store_mailbox(self) -> None:
        if self._mailbox and not self._blind:
            now = self.clock.now()
            items = [(replace(envelope, received_at=now), raw) for envelope, raw in self._mailbox]
            self._mailbox = []
            self._cursor = replace(self._cursor, last_uid=self._cursor.last_uid + len(items))
            self.desk.inbox.put_batch(items, self._cursor)

    # --- troubles -----------------------------------------------------------------------------------------

    def _after(self, minutes: float) -> datetime:
        """A trouble begins within a minute, so that no timer rings just then, and ends with a whole one."""
        end = self.clock.true + MINUTE * minutes
        return end if end.second == 0 else end.replace(second=0) + MINUTE

    def outage(self, minutes: int) -> None:
        """Mail is stored, nobody works."""
        end = self._after(minutes)
        if self.up:
            self.journal.outages.append((self.clock.true, end))
        elif end > self.down_until:
            self.journal.outages[-1] = (self.journal.outages[-1][0], end)
        self.down_until = max(end, self.down_until)

    def unread(self, minutes: float) -> None:
        """The mailbox cannot be looked at; until now it was."""
        self._look()
        start, end = self.clock.true, self._after(minutes)
        if not self._blind:
            self.journal.blind.append(Blind(start, end, self.clock.now()))
        elif end > self._blind_until:
            self.journal.blind[-1] = replace(self.journal.blind[-1], end=end)
        if not self._blind or end > self._blind_until:
            self._blind, self._blind_until = True, end
            self._wakes = [wake for wake in self._wakes if wake[1] != "mailbox"] + [(end, "mailbox")]

    def down(self, minutes: int) -> None:
        """Nothing runs. At its start the daemon works off what is due before it has looked at the mailbox."""
        self.outage(minutes)
        self.unread(minutes + BACK_AFTER / MINUTE)

    def defer(self, minutes: int) -> None:
        self.deferred_until = max(self.deferred_until, self._after(minutes))

    def jump(self, minutes: int) -> None:
        """The machine's clock is set; after one forward the last look at the mailbox seems long ago."""
        if minutes > 0:
            self.unread(BACK_AFTER / MINUTE)
        self.clock.offset += MINUTE * minutes
        epoch = Epoch(self.clock.true, self.clock.offset, self._next_id("event"), self._next_id("message"))
        self.journal.epochs.append(epoch)
        if minutes < 0:
            self._look()
