"""What ought to be true of a case, kept by a clerk who reads the policy's text and sees what people did.

A Ledger is told what customers and staff did to its case, in order, and rings its own timers in between. It
writes down each thing that the daemon ought to have told of (`expected`), and ends with the state that the
case ought to be in. It knows nothing of the code under test; invariants.py compares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.year.books import Books
from tests.year.counter import Due, Text, due

SILENCE, NOTICE = timedelta(hours=48), timedelta(hours=24)
LATE = timedelta(minutes=10)  # a warning later than this moves the close
LOOK_AGAIN, DELIVERED_AGAIN = timedelta(minutes=5), timedelta(hours=1)
Key = tuple[str, object]  # who decided: one decision's own timers ring after all of it


@dataclass
class Timer:
    moment: datetime  # of the machine's clock
    since: datetime  # true time
    key: Key


@dataclass(frozen=True)
class Expected:
    """Something that the daemon ought to tell, then, and the moment that it is about."""

    event: str
    at: datetime
    about: datetime | None = None


@dataclass
class Ledger:
    """One case."""

    books: Books
    number: int
    plan: str
    severity: str
    requester: str
    human: bool
    status: str = "open"
    level: int = 0
    held: bool = False
    since: datetime | None = None  # arrival of the earliest unanswered message
    kind: str = "first"
    state: str = "none"
    due: Due | None = None
    answered: datetime | None = None
    close_at: datetime | None = None
    warned: datetime | None = None
    warning: str = ""  # Message-ID of the last warning
    merged: bool = False
    timers: dict[str, Timer] = field(default_factory=dict)
    expected: list[Expected] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)  # Message-IDs of the warnings sent, in their order
    dead: dict[str, datetime] = field(default_factory=dict)  # of all cases: address, since when (true)

    # --- the clock ----------------------------------------------------------------------------------------

    def __post_init__(self) -> None:
        self.human_first = self.human  # whether a person opened it

    def advance(self, true: datetime, key: Key, *, waited: bool = False) -> None:
        """Ring what is due until then. waited: what comes next lay in the inbox, and is taken up first."""
        while True:
            rung = [
                (self.books.rings(timer.moment, timer.since), timer.moment, name)
                for name, timer in self.timers.items()
                if timer.key != key
            ]
            at, _, name = min(rung, default=(None, None, ""))
            if at is None or at > true or (at == true and waited):
                return
            del self.timers[name]
            _RINGS[name](self, at)

    def _set(self, name: str, moment: datetime | None, true: datetime, key: Key = ("timer", "")) -> None:
        self.timers.pop(name, None)
        if moment is not None:
            self.timers[name] = Timer(moment, true, key)

    def tell(self, event: str, at: datetime, about: datetime | None = None) -> None:
        self.expected.append(Expected(event, at, about))

    # --- the answer that is owed --------------------------------------------------------------------------

    def owe(self, kind: str, arrived: datetime, true: datetime, text: Text, key: Key) -> None:
        if self.since is None:
            self.since = arrived
            self.promise(kind, true, text, key)

    def promise(self, kind: str, true: datetime, text: Text, key: Key) -> None:
        assert self.since is not None
        self.kind = kind
        target = text.target(kind, self.plan, self.severity)
        if target is None:
            self.state, self.due = "none", None
            self._no_deadline()
            return
        self.state, self.due = "pending", due(text, target, self.since)
        self.tell("deadline_set", self.books.machine(true), self.due.until)
        self._set("warning", self.due.warned, true, key)
        self._set("deadline", self.due.until, true, key)

    def renew(self, true: datetime, text: Text, key: Key) -> None:
        """Another severity, or an earlier message: counted anew from the arrival."""
        if self.since is None or self.state == "met":
            return
        before = self.state
        self.promise(self.kind, true, text, key)
        self.told_before(before, true)

    def told_before(self, state: str, true: datetime) -> None:
        """What was missed and told once, also of another severity or a merged case, is not told again."""
        if state == "missed" and self.due is not None and self.due.until <= self.books.machine(true):
            self.state = "missed"
            self._no_deadline()

    def _no_deadline(self) -> None:
        self.timers.pop("warning", None)
        self.timers.pop("deadline", None)

    def _ring_warning(self, true: datetime) -> None:
        now = self.books.machine(true)
        if self.state == "pending" and self.due is not None and now < self.due.until:
            self.tell("deadline_warning", now, self.due.until)

    def _ring_deadline(self, true: datetime) -> None:
        if self.state == "pending" and self.due is not None:
            self.state = "missed"
            self.timers.pop("warning", None)
            self.tell("deadline_missed", self.books.machine(true), self.due.until)
            if self.books.text_when(true).missed_escalates:
                self.escalate(self.books.text_when(true))

    def escalate(self, text: Text) -> None:
        self.level = min(self.level + 1, text.highest)

    def met(self, true: datetime, text: Text, key: Key, *, by_acknowledgement: bool = False) -> None:
        """The answer, or what counts as one; too late is too late, also where nobody worked meanwhile."""
        now = self.books.machine(true)
        if by_acknowledgement and not (text.acknowledged and self.state == "pending"):
            return
        if self.state == "pending" and self.due is not None:
            late = now > self.due.until
            self.tell("deadline_missed" if late else "deadline_met", now, self.due.until if late else None)
            self.state = "missed" if late else "met"
        elif self.state != "missed":
            self.state = "met"
        self._no_deadline()
        self.owe_update(now, true, text, key)

    # --- status updates -----------------------------------------------------------------------------------

    def owe_update(self, last: datetime, true: datetime, text: Text, key: Key = ("timer", "")) -> None:
        """The next word of how it stands; a policy that promises none leaves an older promise as it was."""
        target = text.target("update", self.plan, self.severity)
        if target is not None:
            self._set("update", due(text, target, last).until, true, key)

    def _ring_update(self, true: datetime) -> None:
        now = self.books.machine(true)
        if self.status == "open":
            self.tell("status_update_due", now)
        self.owe_update(now, true, self.books.text_when(true))

    def renew_update(self, true: datetime, text: Text, key: Key, created: datetime) -> None:
        if text.target("update", self.plan, self.severity) is None:
            self.timers.pop("update", None)
        elif self.answered is not None or self.state == "met":
            self.owe_update(self.answered or created, true, text, key)

    # --- silence ------------------------------------------------------------------------------------------

    def customer(self, kind: str | None, arrived: datetime, true: datetime, text: Text, key: Key) -> None:
        """A message that support has to answer; kind None: a review, no new promise."""
        self.no_silence()
        if self.status == "closed":
            self.reopen(true, text, key)
        self.status = "open"
        if kind is not None:
            self.owe(kind, arrived, true, text, key)

    def staff(self, true: datetime, text: Text, key: Key) -> None:
        """Staff answered."""
        now = self.books.machine(true)
        self.met(true, text, key)
        self.since, self.due = None, None
        self.status, self.answered = "waiting", now
        self.count_silence(true, text, key)

    def count_silence(self, true: datetime, text: Text, key: Key) -> None:
        if not text.closes or self.status != "waiting" or self.held or self.answered is None:
            return
        now = self.books.machine(true)
        warn_at = max(self.answered + SILENCE - NOTICE, now)
        self.close_at = max(self.answered + SILENCE, warn_at + NOTICE)
        self.warned, self.warning = None, ""
        self._set("close_warning", warn_at, true, key)
        self._set("close", self.close_at, true, key)

    def no_silence(self) -> None:
        self.close_at = self.warned = None
        self.timers.pop("close_warning", None)
        self.timers.pop("close", None)

    def _not_read(self, true: datetime) -> bool:
        assert self.close_at is not None
        return self.books.unread(true, min(self.close_at, self.books.machine(true) - LOOK_AGAIN))

    def _ring_close_warning(self, true: datetime, name: str = "close_warning") -> None:
        now, text = self.books.machine(true), self.books.text_when(true)
        if self.close_at is None or not text.closes or self.warned is not None:
            return
        if self._not_read(true):
            self._set(name, now + LOOK_AGAIN, true)
            return
        if now > self.close_at - NOTICE + LATE:
            self.close_at = max(self.close_at, now + NOTICE)
        dead = self.requester in self.dead and self.dead[self.requester] <= true
        if not self.requester or dead or not self.human:
            self.stop_close(now)
            return
        self.warned = now
        self.warning = self.warnings.pop(0) if self.warnings else ""
        self.tell("auto_close_warning", now, self.close_at)
        self.timers.pop("close_warning", None)
        self._set("close", self.close_at, true)

    def stop_close(self, now: datetime) -> None:
        """The customer cannot be told: staff decide."""
        if self.close_at is not None:
            self.no_silence()
            self.tell("auto_close_stopped", now)

    def _ring_close(self, true: datetime) -> None:
        now, text = self.books.machine(true), self.books.text_when(true)
        if self.close_at is None:
            return
        if not text.closes:
            self.no_silence()
            return
        if self.warned is not None and self._under_way(true) and now > self.warned + LATE:
            self.close_at = max(self.close_at, now + NOTICE)
            self._set("close", now + DELIVERED_AGAIN, true)
            return
        if now < self.close_at:
            self._set("close", self.close_at, true)
            return
        if self._not_read(true):
            self._set("close", now + LOOK_AGAIN, true)
            return
        if self.warned is None:
            self._ring_close_warning(true, "close")
            return
        self.tell("auto_closed", now)
        self.close()

    def _under_way(self, true: datetime) -> bool:
        """Whether the warning has not left yet; of what is due at once, timers ring before mail leaves."""
        handed = self.books.journal.handed.get(self.warning)
        return handed is None or handed >= true

    # --- states -------------------------------------------------------------------------------------------

    def close(self) -> None:
        self.no_silence()
        self.status, self.since, self.state, self.due, self.held = "closed", None, "none", None, False
        self.timers.clear()

    def reopen(self, true: datetime, text: Text, key: Key) -> None:
        """A closed case owed no word of how it stands; an open one does."""
        self.status = "open"
        self.owe_update(self.books.machine(true), true, text, key)

    def hold(self, until: datetime | None, true: datetime, key: Key) -> None:
        self.held = True
        self.no_silence()
        self._set("release", until, true, key)

    def release(self, true: datetime, text: Text, key: Key) -> None:
        self.held = False
        self.timers.pop("release", None)
        self.count_silence(true, text, key)

    def _ring_release(self, true: datetime) -> None:
        if self.held:
            self.tell("released", self.books.machine(true))
            self.release(true, self.books.text_when(true), ("timer", ""))


_RINGS = {
    "warning": Ledger._ring_warning,
    "deadline": Ledger._ring_deadline,
    "update": Ledger._ring_update,
    "close_warning": Ledger._ring_close_warning,
    "close": Ledger._ring_close,
    "release": Ledger._ring_release,
}
