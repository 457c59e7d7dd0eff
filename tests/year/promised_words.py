"""Whether our mail says the moment that was counted, in the words and the zone of its policy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from typing import Any
from zoneinfo import ZoneInfo

from tests.year.books import Books

NAMED = {
    "acknowledgement": ("deadline_set", "respond_by"),
    "auto_close_warning": ("auto_close_warning", "auto_close_at"),
}


def untrue(books: Books) -> Iterator[str]:
    """Acknowledgements that name no or another deadline, warnings that name another close."""
    told: dict[tuple[int, str, datetime], Any] = {}
    for row in books.events:  # the first: staff may set another deadline in the same minute
        told.setdefault((row.case_id, row.event, row.at), row)
    for mail in books.outbox:
        event, about = NAMED.get(mail.kind, ("", ""))
        row = told.get((mail.case_id, event, mail.created_at))
        if row is None:
            continue
        moment, text = datetime.fromisoformat(row.data[about]), books.text_at(row)
        late = moment <= mail.created_at  # nobody is promised what is over
        counts = mail.kind == "acknowledgement" and text.acknowledged  # it says that it is the answer
        words = spoken(moment, text.zone)
        if not late and not counts and not re.search(words, _body(books, mail.id)):
            yield f"case {books.cases[mail.case_id].number}: {mail.kind} {mail.id} does not say {words}"


def spoken(moment: datetime, zone: str) -> str:
    """A pattern: "Monday, March 2, 3:00 PM", noon and midnight by name, the year where it is told."""
    local = moment.astimezone(ZoneInfo(zone))
    named = {(0, 0): "12 midnight", (12, 0): "12 noon"}
    clock = f"{(local.hour - 1) % 12 + 1}:{local.minute:02d} {'AM' if local.hour < 12 else 'PM'}"
    hour = named.get((local.hour, local.minute), clock)
    return rf"{local:%A}, {local:%B} {local.day},(?: {local.year},)? {hour}\b"


def _body(books: Books, outbox_id: int) -> str:
    raw = books.year.world.peek("SELECT raw FROM outbox WHERE id = ?", outbox_id)[0][0]
    for part in message_from_bytes(raw).walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return " ".join(payload.decode().split())
    return ""
