"""How a message came in: what the transport knew, as against what the message says of itself.

RFC 5321 section 2.3.1 (envelope and content). A null reverse-path is "" and means "never answer"
(RFC 3834 section 2); None means that the way in does not tell the sender (IMAP, files).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Way(StrEnum):
    """The way in. Only SMTP, LMTP and IMAP can carry staff authority; a file says nothing of its sender."""

    SMTP = "smtp"
    LMTP = "lmtp"
    IMAP = "imap"
    INGEST = "ingest"
    SPOOL = "spool"
    SHELL = "shell"
    PORTAL = "portal"
    SIMULATION = "simulation"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The transport's view of one received message.

    mail_from: reverse-path without <>; "" for the null sender; None where the way in does not tell it.
    rcpt_to: recipients accepted for this message, as given.
    received_at: aware UTC instant at which we took it; the Date header decides nothing.
    peer: address of the sending host. source: mailbox, listener or file it came by.
    login: identity proven by SMTP AUTH, else "".
    answer: False for an import that must not be acknowledged.
    """

    way: Way
    mail_from: str | None
    rcpt_to: tuple[str, ...]
    received_at: datetime
    peer: str = ""
    source: str = ""
    login: str = ""
    answer: bool = True
