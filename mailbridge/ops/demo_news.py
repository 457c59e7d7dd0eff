"""What happened since the story last looked: read from the store and from the mails that the relay caught.

Promises: nothing here is made up; a scene tells only what these rows and mails say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mailbridge.model.case import Case
from mailbridge.ops.demo_ends import Mail
from mailbridge.ops.demo_world import World, text_of

STATES = ("received", "filed", "ignored", "quarantined")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as the inbox has it, decided."""

    message_id: int
    author: str
    subject: str
    kind: str
    outcome: str
    rule: str
    reason: str
    case: int | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gone:
    """One mail as the relay has it. kind is the notice's; text its plain words."""

    kind: str
    to: tuple[str, ...]
    sender: str
    subject: str
    text: str
    mail: Mail


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a case's record."""

    at: datetime
    case: int | None
    event: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """All of it since the last look, each in the order it happened."""

    arrived: tuple[Arrived, ...]
    events: tuple[Event, ...]
    gone: tuple[Gone, ...]

    def sent(self, kind: str) -> Gone | None:
        """The first mail of this kind."""
        return next((mail for mail in self.gone if mail.kind == kind), None)

    def event(self, name: str) -> Event | None:
        """The first event of this name."""
        return next((event for event in self.events if event.event == name), None)


class Reporter:
    """Looks at a world, and remembers how far it has looked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._message = self._event = self._mail = 0

    def news(self) -> News:
        return News(self._arrived(), self._events(), self._gone())

    def _arrived(self) -> tuple[Arrived, ...]:
        desk = self._world.desk
        rows = [row for row in desk.inbox.listing(STATES) if row["id"] > self._message]
        self._message = max((row["id"] for row in rows), default=self._message)
        return tuple(
            Arrived(
                message_id=row["id"],
                author=row["author"],
                subject=row["subject"],
                kind=row["kind"],
                outcome=row["outcome"],
                rule=row["rule"],
                reason=row["reason"],
                case=desk.cases.number_of(row["case_id"]),
                rules=tuple(desk.inbox.rules(row["id"])),
            )
            for row in rows
        )

    def _events(self) -> tuple[Event, ...]:
        rows = self._world.desk.cases.events_after(self._event)
        self._event = max((row["id"] for row in rows), default=self._event)
        return tuple(Event(row["at"], row["number"], row["event"], row["data"] or {}) for row in rows)

    def _gone(self) -> tuple[Gone, ...]:
        mails = self._world.caught.mails[self._mail :]
        self._mail += len(mails)
        rows = self._world.desk.outbox.listing(("sent",))
        kinds = {str(row["message_ref"]): str(row["kind"]) for row in rows}
        return tuple(
            Gone(
                kind=kinds.get(mail.message_id, "?"),
                to=mail.rcpt_to,
                sender=str(mail.message["From"]),
                subject=mail.subject,
                text=text_of(mail.message),
                mail=mail,
            )
            for mail in mails
        )


def case_facts(case: Case) -> dict[str, Any]:
    """A case as the closing table and the JSON document tell it."""
    return {
        "number": case.number,
        "subject": case.subject,
        "status": case.status.value,
        "channel": case.channel.value,
        "requester": case.requester,
        "escalation_level": case.escalation_level,
        "respond_by": case.respond_by,
        "auto_close_at": case.auto_close_at,
        "closed_at": case.closed_at,
    }
