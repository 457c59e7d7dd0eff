"""The parsed view of a message, and what it is. The raw bytes stay in the store, exactly as received."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a message is; the words of `ingest --json`."""

    HUMAN = "human"
    VOICEMAIL = "voicemail"
    STAFF = "staff"
    AUTO_REPLY = "auto_reply"  # somebody's robot answers us
    AUTO_GENERATED = "auto_generated"  # a machine reports: a case, unanswered
    BOUNCE = "bounce"
    REPORT = "report"  # read receipts (RFC 8098), abuse reports (RFC 5965)
    CALENDAR = "calendar"
    LIST = "list"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox of a header: display name (decoded, may be "") and addr-spec."""

    name: str
    address: str

    @property
    def key(self) -> str:
        """The address as compared: lower case, without blanks."""
        return self.address.strip().lower()

    @property
    def domain(self) -> str:
        """Lower-case domain, or ""."""
        return self.key.rpartition("@")[2] if "@" in self.address else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One part kept as a file. part is its IMAP-like path ("2", "1.3"); mail.parse.part_bytes reads it from
    raw.

    filename is safe to show and to write; content_type is what the sender says, sniffed_type what the bytes
    say ("" where they say nothing). dangerous is the reason why staff should not open it, or "".
    """

    part: str
    filename: str
    content_type: str
    sniffed_type: str
    size_bytes: int
    sha256: str
    content_id: str = ""
    inline: bool = False
    dangerous: str = ""


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order, names as written, values unfolded and decoded (RFC 2047), bounded."""

    fields: tuple[tuple[str, str], ...] = ()
    _by_name: dict[str, list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name: dict[str, list[str]] = {}  # a message is asked for a hundred names
        for key, value in self.fields:
            by_name.setdefault(key.lower(), []).append(value)
        object.__setattr__(self, "_by_name", by_name)

    def get(self, name: str, default: str = "") -> str:
        """First value of the field, or default."""
        found = self._by_name.get(name.lower())
        return found[0] if found else default

    def get_all(self, name: str) -> tuple[str, ...]:
        return tuple(self._by_name.get(name.lower(), ()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._by_name


@dataclass(frozen=True, slots=True)
class Recipient:
    """One per-recipient block of a delivery report (RFC 3464 section 2.3), or what the words of a bounce
    say."""

    address: str
    action: str  # failed, delayed, delivered, relayed, expanded
    status: str  # enhanced status code "5.1.1", or ""
    diagnostic: str = ""

    @property
    def permanent(self) -> bool:
        """Only a failure of class 5 may mark an address."""
        return self.action == "failed" and self.status.startswith("5")

    @property
    def address_dead(self) -> bool:
        """The address itself is at fault (unknown, moved, disabled), not the message, its sender or the
        moment:
        RFC 3463 subjects 1 and 2.1. A refusal as spam (5.7.x) says nothing of the address."""
        return self.permanent and (self.status.startswith("5.1.") or self.status == "5.2.1")


@dataclass(frozen=True, slots=True)
class Bounce:
    """What could not be delivered, and by which of our messages it is tied to a case."""

    recipients: tuple[Recipient, ...]
    original_message_id: str = ""
    original_references: tuple[str, ...] = ()
    original_subject: str = ""
    original_to: str = ""
    original_reply_to: tuple[
        str, ...
    ] = ()  # where our token stands when a relay gave the mail an id of its own


@dataclass(frozen=True, slots=True)
class Voicemail:
    """What a telephone system's mail says of a call. caller is digits as given ("" where withheld)."""

    system: str
    caller: str = ""
    caller_name: str = ""
    mailbox: str = ""
    duration_s: float | None = None
    audio_parts: tuple[str, ...] = ()  # Attachment.part of the message itself, intro left out
    intro_parts: tuple[str, ...] = ()
    text: str = ""  # the telephone system's own transcript, where it sends one
    links: tuple[str, ...] = ()  # shown, and never fetched but for the one that stands in link
    link: str = ""  # may be fetched: its sender is on the administrator's list, and proven
    no_link: str = ""  # why nothing is fetched, though the sender is on the list


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received field, topmost first: who wrote it (by), whom it names as peer (from_), for whom. Host
    names are
    lower case; "" where the field does not say."""

    by: str = ""
    from_: str = ""
    for_: str = ""


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """Everything that understanding needs, bounded and free of NUL and lone surrogates.

    Message-IDs keep their angle brackets. text is the whole readable text (plain part, else HTML as text);
    new_text the reply without quoted history and signature, never less than what the person wrote; html is
    sanitised for showing. originals are message/rfc822 parts (or attached .eml), parsed one level down.
    forwarded_* tell of an original quoted inline by a mail client. defects say what was repaired, guessed or
    cut.
    """

    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    thread_index: str = ""
    subject: str = ""
    from_: tuple[Address, ...] = ()
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    delivered_to: tuple[str, ...] = ()  # Delivered-To, X-Original-To, Envelope-To, X-Envelope-To
    return_path: str | None = None  # "" for <>; None where absent
    date: datetime | None = None
    content_type: str = "text/plain"
    report_type: str = ""  # report-type parameter of multipart/report
    headers: Headers = field(default_factory=Headers)
    text: str = ""
    new_text: str = ""
    html: str = ""
    language: str = ""  # of the text, two letters, "" where unsure
    attachments: tuple[Attachment, ...] = ()
    originals: tuple[ParsedMessage, ...] = ()
    forwarded_from: Address | None = None
    forwarded_subject: str = ""
    forwarded_text: str = ""
    calendar_method: str = ""  # RFC 5546 method, upper case
    protection: tuple[str, ...] = ()  # smime-signed, smime-encrypted, pgp-signed, pgp-encrypted, pgp-inline
    bounce: Bounce | None = None
    hops: tuple[Hop, ...] = ()
    message_class: str = ""  # MAPI class out of winmail.dat ("REPORT.IPM.Note.IPNRN" is a read receipt)
    report_fields: tuple[tuple[str, str], ...] = ()  # of a feedback report or disposition notification
    defects: tuple[str, ...] = ()

    @property
    def author(self) -> Address:
        """The first From, or Sender, or an empty address."""
        if self.from_:
            return self.from_[0]
        return self.sender or Address("", "")


@dataclass(frozen=True, slots=True)
class RuleHit:
    """One row of the recorded rule table: which rule was asked, whether it hit, and on what evidence."""

    rule: str
    hit: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Classification:
    """What a message is, by which rule, and whether an automatic answer to it is allowed.

    may_answer is stricter than kind: a human case may forbid automatic answers (X-Auto-Response-Suppress,
    list headers, null sender); no_answer says why. hits is the recorded table, in order asked.
    """

    kind: Kind
    rule: str
    reason: str
    hits: tuple[RuleHit, ...] = ()
    may_answer: bool = True
    no_answer: str = ""
    voicemail: Voicemail | None = None
