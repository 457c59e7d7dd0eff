"""Reads what customers and staff did, in the order of the record, and keeps a Ledger for each case.

Only what people did is taken from the record (a message came on a case, staff answered, held, merged ...);
what the daemon ought to have made of it is the ledgers' own account. `kept(books)` returns them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.year import people
from tests.year.books import Books
from tests.year.counter import Text
from tests.year.ledger import Key, Ledger
from tests.year.mails import ESCALATION
from tests.year.story import SETTLED

AFTER = timedelta(microseconds=1)
FAILED = ("hard", "full", "odd")  # bounces after which the mail was not delivered


class Clerk:
    """The walk through the events."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.ledgers: dict[int, Ledger] = {}
        self.first: dict[int, int | None] = {}  # by case, the message that opened it
        self._before_merge: dict[int, tuple[str, datetime | None, str, int]] = {}
        self.dead: dict[str, datetime] = {}

    def read(self) -> dict[int, Ledger]:
        for row in self.books.events:
            handle = _HANDLERS.get(row.event)
            if handle is not None and row.case_id is not None:
                handle(self, row)
        for ledger in self.ledgers.values():
            ledger.advance(SETTLED, ("end", ""))
        return self.ledgers

    # --- one decision -------------------------------------------------------------------------------------

    def _key(self, row: Any) -> Key:
        return ("message", row.message_id) if row.message_id is not None else ("staff", row.at)

    def _begin(self, row: Any) -> tuple[Ledger, datetime, Text, Key]:
        """The ledger, brought up to the moment of the event."""
        ledger, true, key = self.ledgers[row.case_id], self.books.true_of_event(row), self._key(row)
        waited = False
        if row.message_id is not None:
            waited = self.books.true_of_message(self.books.messages[row.message_id]) < true
        ledger.advance(true, key, waited=waited)
        return ledger, true, self.books.text_at(row), key

    def _arrived(self, row: Any) -> datetime:
        return min(self.books.messages[row.message_id].received_at, row.at)  # type: ignore[no-any-return]

    # --- what happened ------------------------------------------------------------------------------------

    def created(self, row: Any) -> None:
        text, true, key = self.books.text_at(row), self.books.true_of_event(row), self._key(row)
        self.first[row.case_id] = row.message_id
        if row.message_id is None:
            self._split_off(row, text, true, key)
            return
        message, did = self.books.messages[row.message_id], self.books.did(row.message_id)
        requester = did.sender if did is not None else message.author
        if message.kind == "voicemail":
            assert did is not None
            known = did.step.what in people.HOUSES
            requester = people.address(did.step.topic, did.step.what) if known else ""
        house = people.house_of(requester)
        plan = text.plan(house.plan if house else "")
        self._open(
            row, Ledger(*self._head(row), plan, text.mail_severity, requester, message.kind in _PEOPLE)
        )
        self.ledgers[row.case_id].owe("first", self._arrived(row), true, text, key)

    def _head(self, row: Any) -> tuple[Books, int]:
        return self.books, self.books.cases[row.case_id].number

    def _open(self, row: Any, ledger: Ledger) -> None:
        mine = self.books.sent[row.case_id]
        ledger.warnings = [mail.message_ref for mail in mine if mail.kind == "auto_close_warning"]
        ledger.dead = self.dead
        self.ledgers[row.case_id] = ledger

    def _split_off(self, row: Any, text: Text, true: datetime, key: Key) -> None:
        original = self.ledgers[self.books.by_number[row.data["split_from"]]]
        original.advance(true, key)
        plan, severity = text.plan(original.plan), text.severity(original.severity)
        self._open(row, Ledger(*self._head(row), plan, severity, original.requester, original.human))
        owed = original.since if original.status == "open" else None
        self.ledgers[row.case_id].owe("first", owed or row.at, true, text, key)

    def message_added(self, row: Any) -> None:
        if row.message_id is None or self.first[row.case_id] == row.message_id:
            return
        did = self.books.did(row.message_id)
        if did is None or did.step.do == "report":
            return
        ledger, true, text, key = self._begin(row)
        ledger.human = True
        arrived, do = self._arrived(row), did.step.do
        closed, kind = ledger.status == "closed", "next" if ledger.answered is not None else "first"
        if self.is_escalation(row):
            review = ledger.answered is not None and text.reviews
            ledger.customer(None if review else kind, arrived, true, text, key)
        elif closed and do != "thanks":
            ledger.customer("next", arrived, true, text, key)
        elif do == "resolved" and text.resolved:
            ledger.tell("closed", row.at)
            ledger.close()
        elif not (do == "thanks" and (closed or ledger.status == "waiting")):
            ledger.customer(kind, arrived, true, text, key)

    def is_escalation(self, row: Any) -> bool:
        """Whether the message came to the escalation address, by whichever arrival until then."""
        return any(
            ESCALATION in arrival.rcpt_to and arrival.at <= row.at
            for arrival in self.books.arrivals[row.message_id]
        )

    def staff_answered(self, row: Any) -> None:
        ledger, true, text, key = self._begin(row)
        ledger.staff(true, text, key)

    def acknowledged(self, row: Any) -> None:
        if row.data["notice"] == "acknowledgement":
            ledger, true, text, key = self._begin(row)
            ledger.met(true, text, key, by_acknowledgement=True)

    def severity_changed(self, row: Any) -> None:
        ledger, true, text, key = self._begin(row)
        ledger.plan, ledger.severity = text.plan(ledger.plan), row.data["to"]
        ledger.renew(true, text, key)
        ledger.renew_update(true, text, key, self.books.cases[row.case_id].created_at)

    def policy_changed(self, row: Any) -> None:
        """A case of another policy goes on under the present one."""
        if row.case_id in self.ledgers:
            ledger, _, text, _ = self._begin(row)
            ledger.plan, ledger.severity = text.plan(ledger.plan), text.severity(ledger.severity)

    def held(self, row: Any) -> None:
        ledger, true, _, key = self._begin(row)
        until = row.data["until"]
        ledger.hold(datetime.fromisoformat(until) if until else None, true, key)

    def released(self, row: Any) -> None:
        if "author" in row.data:  # else by its own date
            ledger, true, text, key = self._begin(row)
            ledger.release(true, text, key)

    def closed(self, row: Any) -> None:
        if "author" in row.data:  # else by the customer's word, or by silence
            self._begin(row)[0].close()

    def reopened(self, row: Any) -> None:
        if "author" in row.data and row.data["reason"] != "staff answered":  # else told by the message
            ledger, true, text, key = self._begin(row)
            ledger.reopen(true, text, key)
            ledger.owe("next" if ledger.answered is not None else "first", row.at, true, text, key)

    def merged(self, row: Any) -> None:
        ledger, *_ = self._begin(row)
        self._before_merge[ledger.number] = (ledger.status, ledger.since, ledger.state, ledger.level)
        ledger.close()
        ledger.merged = True

    def merged_from(self, row: Any) -> None:
        ledger, true, text, key = self._begin(row)
        status, since, state, level = self._before_merge[row.data["number"]]
        ledger.level = max(level, ledger.level)
        if status != "open" or since is None:
            return
        ledger.no_silence()
        ledger.status = "open"
        if ledger.since is None:
            ledger.owe("next" if ledger.answered is not None else "first", since, true, text, key)
            ledger.told_before(state, true)
        elif since < ledger.since:
            ledger.since = since
            ledger.renew(true, text, key)

    def escalated(self, row: Any) -> None:
        if row.message_id is not None or "author" in row.data:  # else by a missed deadline
            ledger, _, text, _ = self._begin(row)
            ledger.escalate(text)

    # --- what could not be delivered ----------------------------------------------------------------------

    def address_dead(self, row: Any) -> None:
        _, true, _, _ = self._begin(row)
        waited = self.books.true_of_message(self.books.messages[row.message_id]) < true
        # what waited is worked off before the timers of that moment, else after them
        self.dead.setdefault(row.data["address"], true if waited else true + AFTER)

    def undeliverable(self, row: Any) -> None:
        ledger, true, _, _ = self._begin(row)
        for address in row.data["to"] if "5.1.1" in row.data["reason"] else ():
            self.dead.setdefault(address, true + AFTER)
        if row.data["notice"] == "auto_close_warning":
            ledger.stop_close(self.books.machine(true))

    def bounced(self, row: Any) -> None:
        ledger, true, _, _ = self._begin(row)
        did = self.books.did(row.message_id)
        failed = did is not None and did.step.what in FAILED
        if did is not None and failed and self.books.by_ref[did.of].kind == "auto_close_warning":
            ledger.stop_close(self.books.machine(true))


_PEOPLE = ("human", "voicemail")
_HANDLERS: dict[str, Callable[[Clerk, Any], None]] = {
    "case_created": Clerk.created,
    "message_added": Clerk.message_added,
    "staff_answered": Clerk.staff_answered,
    "ack_sent": Clerk.acknowledged,
    "severity_changed": Clerk.severity_changed,
    "policy_changed": Clerk.policy_changed,
    "held": Clerk.held,
    "released": Clerk.released,
    "closed": Clerk.closed,
    "reopened": Clerk.reopened,
    "merged": Clerk.merged,
    "merged_from": Clerk.merged_from,
    "escalated": Clerk.escalated,
    "address_dead": Clerk.address_dead,
    "undeliverable": Clerk.undeliverable,
    "bounced": Clerk.bounced,
}


def kept(books: Books) -> dict[int, Ledger]:
    """A ledger for each case, by its row."""
    return Clerk(books).read()
