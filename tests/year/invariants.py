"""What must be true of any year, read from the rows alone and judged by the minute counter.

`broken(year)` gives one sentence for each thing that is not so, and nothing for a good year.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mailbridge.store import schema
from tests.year.counter import TEXTS, due, warning
from tests.year.player import SETTLED, Year, rows_of

DAY, NOTICE_CUT = timedelta(days=1), timedelta(minutes=10)
MACHINES = ("@machines.example", "@pbx.example")
FOLLOWS = {
    "case_created": "open",
    "reopened": "open",
    "closed": "closed",
    "auto_closed": "closed",
    "staff_answered": "waiting",
}
AUTOMATIC = ("auto_reply", "bounce", "report", "loop")


class Books:
    """The rows of a played year, by case."""

    def __init__(self, year: Year) -> None:
        self.year, self.text = year, TEXTS[year.policy]
        self.messages = {row.id: row for row in rows_of(year.store, schema.message)}
        self.cases = {row.id: row for row in rows_of(year.store, schema.case)}
        self.outbox = rows_of(year.store, schema.outbox)
        self.jobs = rows_of(year.store, schema.job)
        self.events: dict[int, list[Any]] = defaultdict(list)
        for row in rows_of(year.store, schema.event):
            if row.case_id is not None:
                self.events[row.case_id].append(row)

    def caught(self, at: datetime) -> datetime:
        """The moment itself, or the end of the outage over it."""
        for start, end in self.year.outages:
            if start <= at < end:
                return end
        return at


def broken(year: Year) -> list[str]:
    """Everything that is not as it must be."""
    books = Books(year)
    found = [*_messages(books), *_outgoing(books)]
    for case_id in books.cases:
        events = books.events[case_id]
        checks = (_acknowledged, _status, _deadlines, _silence)
        found += [
            f"case {books.cases[case_id].number}: {said}"
            for check in checks
            for said in check(books, case_id, events)
        ]
    return found


def _messages(books: Books) -> Iterator[str]:
    """Each is in one place: on a case, or ignored for a reason; nothing waits, nothing failed."""
    for row in books.messages.values():
        if row.state not in ("filed", "ignored") or row.error:
            yield f"message {row.id} ({row.kind}) is {row.state}: {row.error[-300:]}"
        if row.state == "filed" and row.outcome != "duplicate" and row.case_id not in books.cases:
            yield f"message {row.id} is filed on no case"
        of_case = sum(
            event.event in ("message_added", "filed", "staff_answered", "note_added")
            for event in books.events.get(row.case_id, ())
            if event.message_id == row.id
        )
        if row.state == "filed" and row.outcome in ("created", "threaded") and of_case != 1:
            yield f"message {row.id} stands {of_case} times on its case"
    for job in books.jobs:
        if job.state != "ready" or job.kind != "due" or job.due_at <= SETTLED:
            yield f"job {job.key} is left: {job.state}, due {job.due_at}"


def _outgoing(books: Books) -> Iterator[str]:
    """All handed over, none twice, none to a machine or to ourselves."""
    for row in books.outbox:
        if row.state != "sent":
            yield f"outgoing {row.id} ({row.kind}) is {row.state}"
        machine = (
            row.to_address.endswith(MACHINES) and row.kind != "staff_answer"
        )  # staff may write to a robot
        if machine or row.to_address.startswith(("support", "escalation")):
            yield f"{row.kind} was sent to {row.to_address}"
    twice = [ref for ref, count in Counter(row.message_ref for row in books.outbox).items() if count > 1]
    if twice or books.year.handed_over != len(books.outbox):
        yield f"{books.year.handed_over} handed over of {len(books.outbox)}, the same Message-ID: {twice}"


def _acknowledged(books: Books, case_id: int, events: list[Any]) -> Iterator[str]:
    """Each case of a person with an address exactly once; a machine's never."""
    case = books.cases[case_id]
    sent = sum(row.case_id == case_id and row.kind == "acknowledgement" for row in books.outbox)
    first = books.messages[next(row.message_id for row in events if row.message_id)]
    person = first.kind == "human"
    if sent != person:
        yield f"{sent} acknowledgements to {case.requester or 'nobody'} for a first one that is {first.kind}"


def _status(books: Books, case_id: int, events: list[Any]) -> Iterator[str]:
    """The events tell the state, and a closed case has nothing running."""
    case, told = books.cases[case_id], ""
    for index, row in enumerate(events):
        told = FOLLOWS.get(row.event, told)
        if row.event == "message_added" and told == "waiting" and not _only_thanks(events, index):
            told = "open"
    if told != case.status:
        yield f"its events say {told}, it is {case.status}"
    if case.status == "closed" and (case.respond_by or case.auto_close_at or case.held or not case.closed_at):
        yield "it is closed, and yet something is owed"


def _only_thanks(events: list[Any], index: int) -> bool:
    mine = events[index].message_id
    return any(row.event == "thanked" and row.message_id == mine for row in events[index : index + 4])


class _Owed:
    """What support owes on a case, as the texts say, kept beside its events."""

    def __init__(self, books: Books) -> None:
        self.books, self.text = books, books.text
        self.since: datetime | None = None
        self.promised = False  # a deadline runs for it
        self.answered = False  # by staff, ever
        self.counted: list[tuple[datetime, datetime, datetime | None]] = []  # arrived, known from, ended

    def hear(self, row: Any, *, thanks: bool) -> None:
        message = self.books.messages[row.message_id]
        step = self.books.year.did[row.message_id]
        review = step.do == "upset" and self.answered and self.text.reviews
        if thanks or review or self.since is not None:
            return
        self.since = message.received_at
        if not self.answered or self.text.further:
            self.promised = True
            self.counted.append((message.received_at, row.at, None))

    def end(self, at: datetime) -> None:
        if self.promised:
            arrived, known, _ = self.counted[-1]
            self.counted[-1] = (arrived, known, at)
        self.promised = False

    def settle(self, at: datetime) -> None:
        self.end(at)
        self.since = None


def _owed(books: Books, events: list[Any]) -> _Owed:
    owed, closed = _Owed(books), False
    for index, row in enumerate(events):
        if row.event == "message_added":
            owed.answered = owed.answered or closed  # what reopens a case is a further message
            owed.hear(row, thanks=_only_thanks(events, index))
            closed = False
        elif row.event == "staff_answered":
            owed.settle(row.at)
            owed.answered = True
        elif row.event == "ack_sent" and books.text.acknowledged and row.data["notice"] == "acknowledgement":
            owed.end(row.at)
        elif row.event in ("closed", "auto_closed"):
            owed.settle(row.at)
            closed = True
    return owed


def _deadlines(books: Books, case_id: int, events: list[Any]) -> Iterator[str]:
    """Each promise to the minute; warned of and missed at its moment, or once after an outage, or never."""
    del case_id
    expected: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for arrived, known, ended in _owed(books, events).counted:
        until = due(books.text, arrived)
        expected["deadline_set"].append((known, until))
        missed = books.caught(max(until, known))
        if ended is None or (ended >= missed and ended != known):
            expected["deadline_missed"].append((missed, until))
        warned = books.caught(max(warning(books.text, arrived), known))
        if warned < until and (ended is None or (ended >= warned and ended != known)):
            expected["deadline_warning"].append((warned, until))
    for event in ("deadline_set", "deadline_warning", "deadline_missed"):
        told = [
            (row.at, datetime.fromisoformat(row.data["respond_by"])) for row in events if row.event == event
        ]
        if told != expected[event]:
            yield f"{event}: {_moments(told)}, by the counter {_moments(expected[event])}"


def _moments(pairs: list[tuple[datetime, datetime]]) -> str:
    return (
        "; ".join(f"{at:%m-%d %H:%M} for {until.astimezone(at.tzinfo):%m-%d %H:%M}" for at, until in pairs)
        or "none"
    )


def _silence(books: Books, case_id: int, events: list[Any]) -> Iterator[str]:
    """A close comes 48 hours after staff's last word, told a day before, later only for outage or hold."""
    del case_id
    last: datetime | None = None
    warned: datetime | None = None
    ended_hold: datetime | None = None
    held = False
    for index, row in enumerate(events):
        if row.event in ("auto_closed", "auto_close_warning") and not books.text.closes:
            yield f"{row.event} at {row.at}, which the policy does not know"
        if row.event == "staff_answered":
            last, warned, ended_hold = row.at, None, None
        elif row.event == "held":
            held, warned = True, None
        elif row.event == "released":
            held, ended_hold = False, row.at
        elif row.event in ("message_added", "reopened") and not _only_thanks(events, index):
            last = None
        elif row.event == "auto_close_warning":
            yield from _right(books, "warned", row.at, last, DAY, ended_hold, held=held)
            if datetime.fromisoformat(row.data["auto_close_at"]) <= row.at:
                yield f"warned at {row.at} of a close that is past"
            warned = row.at
        elif row.event == "auto_closed":
            floor = warned + DAY if warned and last and warned > last + DAY + NOTICE_CUT else None
            yield from _right(books, "closed", row.at, last, 2 * DAY, floor, held=held)
            if warned is None or row.at - warned < DAY - NOTICE_CUT:
                yield f"closed at {row.at}, warned {warned}"
        elif row.event == "auto_close_stopped":
            last = None  # nobody could be told: staff decide
        elif row.event == "closed":
            held = False
    if last is not None and not held and books.text.closes and _left_open(books, events):
        yield f"waits in silence since {last}, never closed"


def _left_open(books: Books, events: list[Any]) -> bool:
    return books.cases[events[0].case_id].status == "waiting"


def _right(
    books: Books,
    what: str,
    at: datetime,
    last: datetime | None,
    after: timedelta,
    floor: datetime | None,
    *,
    held: bool,
) -> Iterator[str]:
    """at is the moment, `after` staff's last word, or the floor if that is later; or the end of an outage."""
    if last is None or held:
        yield f"{what} at {at} while {'held' if held else 'support owed the answer'}"
        return
    moment = max(last + after, floor) if floor else last + after
    # after an outage unread mail may put it off by some minutes: intake first
    calm = timedelta(minutes=5) if books.caught(moment) != moment else timedelta()
    if not books.caught(moment) <= at <= books.caught(moment) + calm:
        yield f"{what} at {at}, not at {books.caught(moment)}"
