"""What must be true of any year, read from the rows alone.

`broken(year)` gives one sentence for each thing that is not so, and nothing for a good year.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.year import people
from tests.year.books import Books
from tests.year.clerk import Clerk
from tests.year.ledger import Ledger
from tests.year.player import Year
from tests.year.promised_words import untrue

MACHINES = ("@machines.example", "@pbx.example", "@mx.example")
PLACES = {  # by step: what kind of message it is taken for, and where it may end
    **dict.fromkeys(
        ("mail", "escalation", "again", "thanks", "resolved", "upset", "flood", "robot"), "human"
    ),
    "call": "voicemail",
    "report": "auto_generated",
    "away": "auto_reply",
    "bounce": "bounce",
    "answer_by_mail": "staff",
}
OF_MACHINES = frozenset(
    ("filed", "suppressed", "bounced", "address_dead", "auto_close_stopped", "policy_changed")
)
TOLD = {  # what ledgers expect: the name of the moment in the event's data
    "deadline_set": "respond_by",
    "deadline_warning": "respond_by",
    "deadline_missed": "respond_by",
    "deadline_met": "",
    "status_update_due": "",
    "auto_close_warning": "auto_close_at",
    "auto_closed": "",
    "auto_close_stopped": "",
    "released": "",
    "closed": "",
}
STALE = ("deadline_warning", "status_update_due")  # not sent after the relay was away over their moment
COUNTED = ("acknowledgement", "escalation_acknowledgement", "reopened")  # what the governor may refuse
AUTOMATIC = (*COUNTED, "auto_close_warning", "auto_close", "closed", "attachment_refused")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MOST = 10  # automatic mails to one address, an hour and a day
TIMERS = {
    "warning": "deadline_warning",
    "deadline": "deadline",
    "update": "status_update",
    "close_warning": "auto_close_warning",
    "close": "auto_close",
    "release": "release",
}


def broken(year: Year) -> list[str]:
    """Everything that is not as it must be."""
    books = Books(year)
    clerk = Clerk(books)
    try:
        ledgers = clerk.read()
    except (KeyError, AttributeError, AssertionError, IndexError, StopIteration) as error:
        return [*_messages(books), f"the record does not hold together: {type(error).__name__} {error}"]
    found = [*_messages(books), *_threads(books), *_jobs(books, ledgers), *_outgoing(books), *untrue(books)]
    events: dict[int, list[Any]] = defaultdict(list)
    for row in books.events:
        if row.case_id is not None:
            events[row.case_id].append(row)
    for case_id, row in books.cases.items():
        mine = events[case_id]
        checks = (
            *(_acknowledged(books, clerk, case_id, mine), _told(mine, ledgers[case_id])),
            *(_state(row, ledgers[case_id]), _answers(books, case_id, mine)),
            _escalations(books, clerk, case_id, mine),
            _joined(books, clerk, case_id, mine),
        )
        found += [f"case {row.number}: {said}" for check in checks for said in check]
    return found


# --- messages ---------------------------------------------------------------------------------------------


def _messages(books: Books) -> Iterator[str]:
    """Each is in one place: on a case, or ignored for a reason; nothing waits, nothing failed."""
    came = [row for row in books.entries if row.direction == "in"]
    on_case = Counter((row.message_id, row.case_id) for row in came)
    cases_of: dict[int, set[int]] = defaultdict(set)
    for row in came:
        cases_of[row.message_id].add(row.case_id)
    if lost := [str(did.step) for digest, did in books.year.did.items() if digest not in books.by_digest]:
        yield f"never stored: {lost[:3]}"
    for row in books.messages.values():
        what = f"message {row.id} ({row.kind})"
        if row.state not in ("filed", "ignored") or row.error:
            yield f"{what} is {row.state}: {row.error[-300:]}"
            continue
        if row.state == "filed" and row.case_id not in books.cases:
            yield f"{what} is filed on no case"
        times, of = on_case[row.id, row.case_id], cases_of[row.id]
        placed = row.outcome in ("created", "threaded") and row.kind != "staff"
        if placed and (times != 1 or len(of) != 1):
            yield f"{what} stands {times} times on its case, and on {sorted(of)}"
        taken_up = books.machine(books.up_from(books.true_of_message(row)))
        if row.processed_at != taken_up:
            yield f"{what} was taken up at {row.processed_at}, not at {taken_up}"
        yield from _meant(books, row, what)


def _meant(books: Books, row: Any, what: str) -> Iterator[str]:
    """It was taken for what it is, and nothing follows from a machine's word but its filing."""
    did = books.did(row.id)
    if did is None:
        yield f"{what} was written by nobody"
        return
    if did.step.do == "twice":
        first = books.by_digest.get(did.of)
        if row.outcome != "duplicate" and not (first is None or first.state == "ignored"):
            yield f"{what} is {row.outcome}, though it came before"
        return
    if row.kind != PLACES[did.step.do]:
        yield f"{what} is the step {did.step.do}"
    if row.state == "ignored" and row.kind not in ("auto_reply", "bounce"):
        yield f"{what} is ignored: {row.reason}"
    if row.kind in ("auto_reply", "bounce"):
        if row.state == "ignored" and did.of:
            yield f"{what} is of our mail, and ignored: {row.reason}"
        if made := books.made[row.id] - OF_MACHINES:
            yield f"{what}, a machine's, led to {sorted(made)}"


def _threads(books: Books) -> Iterator[str]:
    """Whom it concerns, and what it answers, is the same case, a merged one's target, or its follow-up."""
    for row in books.messages.values():
        did = books.did(row.id)
        if did is None or row.case_id is None or row.kind != "human":
            continue
        if did.sender not in books.people[row.case_id] and did.step.do != "twice":
            yield f"message {row.id} of {did.sender} is on a case of {sorted(books.people[row.case_id])}"
        answered = books.by_ref.get(did.of)
        if answered is not None and answered.case_id is not None:
            goal, place = _target(books, answered.case_id), _target(books, row.case_id)
            chain = _chain(books, row.case_id) | {place}
            if goal not in chain:
                yield f"message {row.id} answers mail of case row {goal}, and is on {place}"


def _target(books: Books, case_id: int) -> int:
    while (number := books.cases[case_id].duplicate_of) is not None:
        case_id = books.by_number[number]
    return case_id


def _chain(books: Books, case_id: int) -> set[int]:
    """The cases that it continues, merged ones as well as their targets."""
    found: set[int] = set()
    while (number := books.cases[case_id].follows) is not None:
        case_id = books.by_number[number]
        found |= {case_id, _target(books, case_id)}
    return found


# --- jobs and mail that goes out --------------------------------------------------------------------------


def _jobs(books: Books, ledgers: dict[int, Ledger]) -> Iterator[str]:
    """What is left to do is what the ledgers still wait for, at its moment; every recording was heard."""
    wanted = {
        f"due:{case_id}:{TIMERS[name]}": timer.moment
        for case_id, ledger in ledgers.items()
        for name, timer in ledger.timers.items()
    }
    there = {job.key: job.due_at for job in books.jobs if job.state == "ready" and job.kind == "due"}
    for job in books.jobs:
        if job.key not in there:
            yield f"job {job.key} is left: {job.state}"
    for key in wanted.keys() | there.keys():
        if wanted.get(key) != there.get(key):
            yield f"timer {key} is set for {there.get(key)}, by the ledger {wanted.get(key)}"
    heard = Counter(row.message_id for row in books.transcripts)
    for row in books.messages.values():
        if row.kind == "voicemail" and row.outcome == "created" and heard[row.id] != 1:
            yield f"voicemail {row.id} has {heard[row.id]} transcripts"


def _outgoing(books: Books) -> Iterator[str]:
    """All handed over once to each, or refused by the relay; none to a machine or to ourselves."""
    given = Counter((ref, one) for ref, recipients in books.journal.given for one in recipients)
    for row in books.outbox:
        refused = [one for one in row.rcpt_to if one in books.year.world.refused]
        late = row.state == "dropped" and row.kind in STALE  # staff are not warned of what has passed
        if row.state != "sent" and not (row.state == "dead" and refused) and not late:
            yield f"outgoing {row.id} ({row.kind}) is {row.state}"
        for one in row.rcpt_to if not late else ():
            times = given[row.message_ref, one]
            if times != 1 and not (times == 0 and one in refused):
                yield f"outgoing {row.id} ({row.kind}) went {times} times to {one}"
        to_machine = (
            row.to_address.endswith(MACHINES) and row.kind != "staff_answer"
        )  # staff may write to one
        if to_machine or row.to_address.startswith(("support", "escalation@")):
            yield f"{row.kind} was sent to {row.to_address}"
    twice = [ref for ref, count in Counter(row.message_ref for row in books.outbox).items() if count > 1]
    if twice:
        yield f"the same Message-ID twice: {twice}"
    for row in books.outbox:
        if row.kind in COUNTED and max(_sent_before(books, row.id, row.to_address, row.created_at)) >= MOST:
            yield f"{row.kind} {row.id} to {row.to_address} is one too many"


def _sent_before(books: Books, outbox_id: int, address: str, at: datetime) -> tuple[int, int]:
    """Automatic mail to the address within the hour and the day before."""
    ages = [
        at - row.created_at for row in books.sent_to[address] if row.id < outbox_id and row.kind in AUTOMATIC
    ]
    return sum(age < HOUR for age in ages), sum(age < DAY for age in ages)


# --- cases ------------------------------------------------------------------------------------------------


def _acknowledged(books: Books, clerk: Clerk, case_id: int, events: list[Any]) -> Iterator[str]:
    """Each case of a person with an address exactly once; a machine's never; entitled or not as he is."""
    case, ledger = books.cases[case_id], clerk.ledgers[case_id]
    sent = sum(row.kind == "acknowledgement" for row in books.sent[case_id])
    person = ledger.human_first and bool(ledger.requester)
    withheld = next(
        (row for row in events if row.event == "suppressed" and row.data["notice"] == "acknowledgement"), None
    )
    if person and withheld is not None and sent == 0:
        yield from _rightly(books, clerk, withheld)
    elif sent != person:
        yield f"{sent} acknowledgements to {case.requester or 'nobody'} ({case.channel})"
    house = people.house_of(ledger.requester)
    created = next(row for row in events if row.event == "case_created")
    split = created.message_id is None  # that keeps what its original was found to be
    written = created.at if split else min(books.messages[created.message_id].received_at, created.at)
    zone = ZoneInfo(books.text_at(created).zone)
    entitled = house.entitled(written.astimezone(zone).date()) if house else "unknown"
    if case.entitled != entitled and case.requester == ledger.requester and not split:
        yield f"{case.requester} is {case.entitled}, not {entitled}"


def _rightly(books: Books, clerk: Clerk, row: Any) -> Iterator[str]:
    """An acknowledgement was withheld for a reason that is true."""
    address, reason = row.data["to"], row.data["reason"]
    # by the ids, not by the clock alone: it may have been set back in between
    last = max((mail.id for mail in books.outbox if mail.created_at <= row.at), default=0)
    full = max(_sent_before(books, last + 1, address, row.at)) >= MOST
    dead = address in clerk.dead and clerk.dead[address] <= books.true_of_event(row)
    if not full and not dead:
        yield f"no acknowledgement to {address}: {reason}"


def _joined(books: Books, clerk: Clerk, case_id: int, events: list[Any]) -> Iterator[str]:
    """A caller who names a case joins it where it is his house's own, and nobody else's."""
    first = clerk.first[case_id]
    did = books.did(first) if first is not None else None
    if did is None or did.step.do != "call":
        return
    goal = next((row for row in events if row.event == "merged" and row.data["author"] == "mailbridge"), None)
    house = people.HOUSES.get(did.step.what)
    number = books.cases[case_id].duplicate_of
    if goal is not None:
        theirs = clerk.ledgers[books.by_number[number]].requester
        if house is None or people.house_of(theirs) is not house:
            yield f"a call of {did.step.what} was moved to the case of {theirs}"


def _told(events: list[Any], ledger: Ledger) -> Iterator[str]:
    """Everything that the daemon told, at its moment, is what the ledger expected, no more and no less."""
    for name, about in TOLD.items():
        wanted = [(one.at, one.about) for one in ledger.expected if one.event == name]
        there = [
            (row.at, datetime.fromisoformat(row.data[about]) if about else None)
            for row in events
            if row.event == name and not ("author" in row.data and name in ("released", "closed"))
        ]
        if there != wanted:
            yield f"{name}: {_moments(there)}; by the ledger {_moments(wanted)}"


def _moments(pairs: list[tuple[datetime, datetime | None]]) -> str:
    said = [
        f"{at:%m-%d %H:%M}" + (f" for {until.astimezone(at.tzinfo):%m-%d %H:%M:%S}" if until else "")
        for at, until in pairs
    ]
    return ", ".join(said) or "none"


def _state(case: Any, ledger: Ledger) -> Iterator[str]:
    """The row says what the events tell; a closed case owes nothing."""
    owed = ledger.due if ledger.state in ("pending", "missed") or ledger.since else None
    wanted = {
        "status": ledger.status,
        "plan": ledger.plan,
        "severity": ledger.severity,
        "held": ledger.held,
        "escalation_level": ledger.level,
        "awaiting_since": ledger.since,
        "respond_by": owed.until if owed else None,
        "auto_close_at": ledger.close_at,
        "last_staff_at": ledger.answered,
    }
    for name, value in wanted.items():
        if getattr(case, name) != value:
            yield f"{name} is {getattr(case, name)}, by its events {value}"
    if (case.closed_at is not None) != (ledger.status == "closed"):
        yield f"it is {ledger.status}, closed at {case.closed_at}"


def _answers(books: Books, case_id: int, events: list[Any]) -> Iterator[str]:
    """Each answer of staff went out once, where there is somebody to read it."""
    answered = sum(row.event == "staff_answered" for row in events)
    unsent = sum(row.event == "suppressed" and row.data["notice"] == "staff_answer" for row in events)
    sent = sum(row.kind == "staff_answer" for row in books.sent[case_id])
    if answered - unsent != sent:
        yield f"{answered} answers of staff, {sent} sent, {unsent} without an address"


def _escalations(books: Books, clerk: Clerk, case_id: int, events: list[Any]) -> Iterator[str]:
    """Each mail to the escalation address raised the case once, and its people were told."""
    raised = Counter(row.message_id for row in events if row.event == "escalated")
    for row in books.of_case[case_id]:
        did = books.did(row.id)
        meant = did is not None and did.step.do in ("upset", "escalation")
        if meant and raised[row.id] != 1:
            yield f"message {row.id} escalated it {raised[row.id]} times"
    told = sum(row.kind == "escalation" for row in books.sent[case_id])
    if told != sum(raised.values()):
        yield f"escalated {sum(raised.values())} times, told {told} times"
