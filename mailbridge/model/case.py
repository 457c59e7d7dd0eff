"""A case: the unit of work that a customer follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mailbridge.model.customer import Entitled


class Status(StrEnum):
    """OPEN: support owes an answer. WAITING: the customer does. CLOSED."""

    OPEN = "open"
    WAITING = "waiting"
    CLOSED = "closed"


class Channel(StrEnum):
    """How the case came."""

    EMAIL = "email"
    VOICEMAIL = "voicemail"
    PORTAL = "portal"
    STAFF = "staff"


class DeadlineState(StrEnum):
    """PENDING until answered (MET) or past (MISSED); NONE where nothing is owed."""

    NONE = "none"
    PENDING = "pending"
    MET = "met"
    MISSED = "missed"


class Timer(StrEnum):
    """The moments of a case that are rows with due_at."""

    DEADLINE_WARNING = "deadline_warning"
    DEADLINE = "deadline"
    STATUS_UPDATE = "status_update"
    AUTO_CLOSE_WARNING = "auto_close_warning"
    AUTO_CLOSE = "auto_close"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Case:
    """A snapshot of one case; `version` rises with each change and fences concurrent decisions.

    awaiting_since: when the earliest unanswered customer message came; its promise owns the deadline.
    last_human_id, references: the customer's last Message-ID and the thread so far, for our answers' headers.
    warning_key: outbox key of the last auto-close warning; warning_state what became of it.
    """

    id: int
    number: int
    version: int
    subject: str
    status: Status
    channel: Channel
    severity: str
    plan: str
    requester: str
    requester_name: str
    created_at: datetime
    account_id: int | None = None
    account: str = ""
    contact_id: int | None = None
    entitled: Entitled = Entitled.UNKNOWN
    language: str = ""
    policy: str = ""
    policy_version: str = ""
    participants: tuple[str, ...] = ()
    escalation_level: int = 0
    assigned_to: str = ""
    awaiting_since: datetime | None = None
    last_customer_at: datetime | None = None
    last_staff_at: datetime | None = None
    deadline_kind: str = ""
    deadline_state: DeadlineState = DeadlineState.NONE
    respond_by: datetime | None = None
    warn_at: datetime | None = None
    update_due_at: datetime | None = None
    auto_close_at: datetime | None = None
    auto_close_warned_at: datetime | None = None
    warning_key: str = ""
    warning_state: str = ""
    held: bool = False
    hold_until: datetime | None = None
    released_at: datetime | None = None
    closed_at: datetime | None = None
    close_reason: str = ""
    duplicate_of: int | None = None  # number of the case it was merged into
    follows: int | None = None  # number of the closed case it continues
    last_message_id: str = ""
    references: tuple[str, ...] = ()
    proof: Mapping[str, Any] = field(default_factory=dict)
    subject_key: str = ""  # the subject as compared: without reply prefixes, tags and case
