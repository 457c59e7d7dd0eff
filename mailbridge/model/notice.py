"""A notice: a mail that mailbridge writes from a template, as data, before it has words or bytes.

Which header words an automatic mail carries is a property of its kind (RFC 3834 sections 2 and 5), so that
no caller can forget it. A Notice holds facts alone; outgoing.notices gives it words, mail.compose its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Audience(StrEnum):
    """Who reads a notice."""

    CUSTOMER = "customer"
    STAFF = "staff"


class NoticeKind(StrEnum):
    """Each kind is a folder of templates, and the `kind` of an outgoing row of `queue list --json`."""

    ACKNOWLEDGEMENT = "acknowledgement"
    TRANSCRIPT = "transcript"  # to the caller: what was understood of his voicemail
    STAFF_ANSWER = "staff_answer"
    ESCALATION_ACKNOWLEDGEMENT = "escalation_acknowledgement"
    ESCALATION = "escalation"  # to leadership, with the case's history
    AUTO_CLOSE_WARNING = "auto_close_warning"
    AUTO_CLOSE = "auto_close"
    CLOSED = "closed"
    REOPENED = "reopened"
    STAFF_NOTICE = "staff_notice"
    DEADLINE_WARNING = "deadline_warning"
    DEADLINE_MISSED = "deadline_missed"
    STATUS_UPDATE_DUE = "status_update_due"
    UNDELIVERABLE = "undeliverable"
    ATTACHMENT_REFUSED = "attachment_refused"

    @property
    def automatic(self) -> bool:
        """Whether no person wrote it. Only a staff answer is a person's mail."""
        return self is not NoticeKind.STAFF_ANSWER

    @property
    def auto_submitted(self) -> str:
        """Value of the Auto-Submitted field (RFC 3834 section 5); "" where the field must not stand."""
        if not self.automatic:
            return ""
        return "auto-replied" if self in _REPLIES else "auto-generated"

    @property
    def audience(self) -> Audience:
        """Customer or staff."""
        return Audience.STAFF if self in _FOR_STAFF else Audience.CUSTOMER


# Those that a message triggered; the others come of a clock or of staff.
_REPLIES = frozenset(
    {
        NoticeKind.ACKNOWLEDGEMENT,
        NoticeKind.TRANSCRIPT,
        NoticeKind.ESCALATION_ACKNOWLEDGEMENT,
        NoticeKind.REOPENED,
        NoticeKind.ATTACHMENT_REFUSED,
    }
)
_FOR_STAFF = frozenset(
    {
        NoticeKind.ESCALATION,
        NoticeKind.STAFF_NOTICE,
        NoticeKind.DEADLINE_WARNING,
        NoticeKind.DEADLINE_MISSED,
        NoticeKind.STATUS_UPDATE_DUE,
        NoticeKind.UNDELIVERABLE,
    }
)


@dataclass(frozen=True, slots=True)
class NoticeAttachment:
    """A file sent along. filename is what the reader sees; content the decoded bytes."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told to whom.

    to, cc: addr-specs without names. data: the facts for the template (docs/templates.md), JSON-like.
    language: two letters, may carry a region ("de-AT"). policy: its name, to find templates of its own.
    in_reply_to, message_id, references: Message-IDs with angle brackets; references are the parent's own.
    reply_to: the address that carries the case's token, or "". subject_tag: "[#1042]", or "" for none.
    attachments: only a staff answer carries any (an automatic mail that returns files reflects spam).
    """

    kind: NoticeKind
    to: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    cc: tuple[str, ...] = ()
    language: str = "en"
    policy: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    attachments: tuple[NoticeAttachment, ...] = ()
    reply_to: str = ""
    message_id: str = ""
    subject_tag: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError where an automatic notice would carry files."""
        if self.attachments and self.kind.automatic:
            raise ValueError(f"a notice of kind {self.kind} carries no attachments")
