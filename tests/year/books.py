"""The rows of a played year, read once, with the true time of each; nothing is judged here."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import select

from mailbridge.store import schema
from tests.year.counter import TEXTS, Text
from tests.year.player import Did, Year


class Books:
    """What a year left behind. Times are of the machine's clock, unless a name says true."""

    def __init__(self, year: Year) -> None:
        self.year, self.journal = year, year.world.journal
        self._store = year.world.store
        self.messages = {row.id: row for row in self._rows(schema.message)}
        self.cases = {row.id: row for row in self._rows(schema.case)}
        self.by_number = {row.number: row.id for row in self.cases.values()}
        self.outbox = self._rows(schema.outbox)
        self.jobs = self._rows(schema.job)
        self.events = self._rows(schema.event)
        self.entries = self._rows(schema.entry)
        self.transcripts = self._rows(schema.transcript)
        self.people: dict[int, set[str]] = defaultdict(set)
        for row in self._rows(schema.participant):
            self.people[row.case_id].add(row.address)
        self.arrivals: dict[int, list[Any]] = defaultdict(list)
        for row in self._rows(schema.arrival):
            self.arrivals[row.message_id].append(row)
        self.by_digest = {row.digest: row for row in self.messages.values()}
        self.sent: dict[int | None, list[Any]] = defaultdict(list)  # by case
        self.sent_to: dict[str, list[Any]] = defaultdict(list)  # by address
        for row in self.outbox:
            self.sent[row.case_id].append(row)
            self.sent_to[row.to_address].append(row)
        self.made: dict[int, set[str]] = defaultdict(set)  # events, by the message that led to them
        for row in self.events:
            if row.message_id is not None:
                self.made[row.message_id].add(row.event)
        self.of_case: dict[int, list[Any]] = defaultdict(list)  # messages
        for row in self.messages.values():
            if row.case_id is not None:
                self.of_case[row.case_id].append(row)
        self.by_ref = {row.message_ref: row for row in self.outbox}

    def _rows(self, table: Any) -> list[Any]:
        """All rows of a table in the order in which they were written, without the bytes of mail."""
        columns = [column for column in table.c if column.name not in ("raw", "html", "proof", "rules")]
        with self._store.read() as connection:
            return list(connection.execute(select(*columns).order_by(table.primary_key.columns[0])))

    def did(self, message_id: int) -> Did | None:
        return self.year.did.get(self.messages[message_id].digest)

    # --- time ---------------------------------------------------------------------------------------------

    def true_of_event(self, row: Any) -> datetime:
        epoch = next(e for e in reversed(self.journal.epochs) if row.id >= e.first_event)
        return row.at - epoch.offset  # type: ignore[no-any-return]

    def true_of_message(self, row: Any) -> datetime:
        epoch = next(e for e in reversed(self.journal.epochs) if row.id >= e.first_message)
        return row.received_at - epoch.offset  # type: ignore[no-any-return]

    def machine(self, true: datetime) -> datetime:
        return true + next(e.offset for e in reversed(self.journal.epochs) if true >= e.start)

    def rings(self, moment: datetime, since: datetime) -> datetime:
        """True time at which a timer for this moment of the machine's clock rings, set at true time since."""
        epochs = self.journal.epochs
        for index, epoch in enumerate(epochs):
            ends = epochs[index + 1].start if index + 1 < len(epochs) else None
            at = max(since, epoch.start, moment - epoch.offset)
            if ends is None or at < ends:
                up = self.up_from(at)
                if ends is None or up < ends:
                    return up
        raise AssertionError("the last epoch has no end")

    def up_from(self, true: datetime) -> datetime:
        """The moment itself, or the end of the outage over it."""
        for start, end in self.journal.outages:
            if start <= true < end:
                return end
        return true

    def unread(self, true: datetime, since: datetime) -> bool:
        """Whether the mailbox was then not looked at since that moment of the machine's clock."""
        return any(blind.start <= true <= blind.end and blind.polled < since for blind in self.journal.blind)

    def text_at(self, row: Any) -> Text:
        """The policy under which an event was written."""
        names = [name for _, first, name in self.journal.policies if row.id >= first]
        return TEXTS[names[-1]]

    def text_when(self, true: datetime) -> Text:
        """The policy of that moment; of the very moment of a change, the new one."""
        return TEXTS[[name for start, _, name in self.journal.policies if true >= start][-1]]
