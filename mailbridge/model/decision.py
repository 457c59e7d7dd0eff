"""What the core is told (Facts) and what it answers (Decision): effects as data, each with its reason.

The shell loads Facts, calls a decide function with a message or a moment, and applies the Decision in one
transaction. An effect names a case by its id, or by NEW for the case that the same decision opens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mailbridge.model.case import Case, Channel, Timer
from mailbridge.model.customer import Account, Contact, Entitled
from mailbridge.model.message import Classification
from mailbridge.model.own import Own
from mailbridge.model.policy import Policy

NEW = 0
"""Stands for the id of the case that this decision opens."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A case that the message points to, and by what: `how` is token, staff_token, message_id, number,
    original, thread_index, quoted, subject, caller. Only the tokens prove anything by themselves."""

    case: Case
    how: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An earlier arrival of the same message: same Message-ID and same content, or same bytes."""

    message_id: int
    case: Case | None
    escalated: bool
    state: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Automatic mail already decided, counted over sliding windows, for the governor."""

    to_address_hour: int = 0
    to_address_day: int = 0
    to_domain_hour: int = 0
    overall_hour: int = 0
    from_sender_hour: int = 0  # messages received from this sender
    same_text_recent: int = 0  # same sender and same text within ten minutes

    def one_more(self) -> Sent:
        """After another automatic mail to the same address."""
        return replace(
            self,
            to_address_hour=self.to_address_hour + 1,
            to_address_day=self.to_address_day + 1,
            to_domain_hour=self.to_domain_hour + 1,
            overall_hour=self.overall_hour + 1,
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """The governor's numbers (site configuration); the policy's number a day comes on top."""

    per_address_hour: int = 10
    per_domain_hour: int = 100
    overall_hour: int = 2000
    flood_per_sender_hour: int = 50
    collapse_reports: bool = True
    shared_domains: frozenset[str] = frozenset()  # mail providers: their domain counts no limit


@dataclass(frozen=True, slots=True)
class Site:
    """What the core must know of the site."""

    own: Own
    name: str
    support: str
    escalation: str
    staff: tuple[str, ...]
    staff_proof: tuple[str, ...] = ("token", "login")
    limits: Limits = field(default_factory=Limits)
    language: str = "en"
    same_caller_s: int = 600


@dataclass(frozen=True, slots=True)
class Facts:
    """A frozen snapshot of all that a decision may use."""

    site: Site
    policy: Policy
    classification: Classification
    message_id: int = 0  # row of the message in hand
    # when it came: promises count from here, however late it is processed
    received_at: datetime | None = None
    from_files: bool = False  # an import: many messages at once are no flood
    answer: bool = True  # False for an import that must not be acknowledged
    recipients: tuple[str, ...] = ()  # of every arrival of this message, lower case
    references: tuple[Reference, ...] = ()
    seen: Seen | None = None
    staff_token_for: str = ""  # address a verified staff token was made for
    authenticated: str = ""  # "login", "dkim" where the way in proves the author
    forged: bool = False  # our own server found that the From is not what it says (DMARC)
    contact: Contact | None = None
    account: Account | None = None
    entitled: Entitled = Entitled.UNKNOWN
    recent: tuple[Case, ...] = ()  # latest cases of the same sender or caller, newest first
    sent: Sent = field(default_factory=Sent)
    dead_addresses: tuple[str, ...] = ()
    bounced: tuple[BouncedNotice, ...] = ()
    caller: str = ""  # E.164 of a voicemail's caller, "" where withheld
    text: str = ""  # new text of the message; of a voicemail its transcript, once there is one
    attachments: tuple[Mapping[str, Any], ...] = ()
    unread_mail: bool = False  # mail is waiting that was not looked at yet: no case may be closed for silence
    transcribe: bool = False  # recordings can be transcribed here


@dataclass(frozen=True, slots=True)
class BouncedNotice:
    """One of our outgoing mails that a bounce is tied to."""

    outbox_id: int
    kind: str
    case: Case | None
    to: tuple[str, ...]
    subject: str


# --- effects -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenCase:
    subject: str
    channel: Channel
    severity: str
    plan: str
    requester: str
    requester_name: str
    contact_id: int | None = None
    account_id: int | None = None
    account: str = ""
    entitled: Entitled = Entitled.UNKNOWN
    language: str = ""
    participants: tuple[str, ...] = ()
    follows: int | None = None
    created_at: datetime | None = None  # when the message came; None for now


@dataclass(frozen=True, slots=True)
class AddEntry:
    """Add a message (in, out) or note to a case. text is the new text alone."""

    case: int
    direction: str
    author: str
    text: str
    from_: str = ""
    to: tuple[str, ...] = ()
    subject: str = ""
    message_ref: str = ""
    references: tuple[str, ...] = ()
    attachments: tuple[Mapping[str, Any], ...] = ()
    kind: str = ""
    event: str = "message_added"
    participant: bool = True  # the author becomes a participant of the case
    html: str = ""
    thread_key: str = ""  # policy.thread.thread_key: finds later messages of the same Outlook conversation


@dataclass(frozen=True, slots=True)
class ChangeCase:
    """Set columns of the case; event and data record why."""

    case: int
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """An event on the case's record."""

    case: int
    event: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SetTimer:
    case: int
    timer: Timer
    due_at: datetime | None  # None takes the timer away


@dataclass(frozen=True, slots=True)
class Send:
    """Write a notice to the outbox. once is a key by which the same notice is never written twice.

    data holds what the templates need beyond the case itself. For staff notices each address gets its own
    mail.
    """

    case: int
    kind: str
    to: tuple[str, ...]
    once: str
    data: Mapping[str, Any] = field(default_factory=dict)
    cc: tuple[str, ...] = ()
    attachments: tuple[str, ...] = ()  # parts of the message in hand, passed on with a staff answer
    event: str = ""  # recorded when written, e.g. ack_sent


@dataclass(frozen=True, slots=True)
class Transcribe:
    case: int
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MarkAddress:
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class MakeContact:
    """A provisional contact for an unknown caller: one a number, not one a call."""

    phone: str
    name: str


@dataclass(frozen=True, slots=True)
class Merge:
    """All threads and numbers of case answer for target from now on.

    message: one that moves into target with its entry, because it belonged there from the beginning.
    """

    case: int
    target: int
    message: int | None = None


Effect = (
    OpenCase
    | AddEntry
    | ChangeCase
    | Record
    | SetTimer
    | Send
    | Transcribe
    | MarkAddress
    | MakeContact
    | Merge
)


@dataclass(frozen=True, slots=True)
class Decision:
    """outcome and reason go on the message; rules is the recorded table of what was asked and what hit."""

    outcome: str
    reason: str
    effects: tuple[Effect, ...] = ()
    case: int | None = None  # id of the case concerned, NEW for the opened one
    rules: tuple[str, ...] = ()
    # of further cases that it was made on, for the fence
    versions: Mapping[int, int] = field(default_factory=dict)
