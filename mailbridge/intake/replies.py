"""What an SMTP peer is told, with enhanced status codes (RFC 3463, RFC 2034). Pure.

Promises: one place for the texts; no text of an exception, no path and no SQL ever reaches the peer; what is
not foreseen is temporary (451), because a 5xx for our own trouble bounces somebody's mail.
"""

from __future__ import annotations

from mailbridge.errors import Busy, StoreFull
from mailbridge.intake.data import Fault

STORED = "250 2.0.0 Stored"
TROUBLE = "451 4.3.0 Temporary trouble here, try again later"
BUSY = "451 4.3.1 Too much mail in flight, try again later"
FULL = "452 4.3.1 Insufficient system storage, try again later"
CLOSING = "421 4.3.2 Shutting down, try again later"
CROWDED = "421 4.7.0 Too many connections, try again later"
TOO_MANY_ERRORS = "421 4.7.0 Too many errors"
TOO_SLOW = "421 4.4.2 Timeout, closing the connection"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients"
TOO_BIG = "552 5.3.4 Message too big"
LINE_TOO_LONG = "500 5.5.2 Line too long"
LOOP = "554 5.4.6 Too many Received fields: this looks like a mail loop"
NO_LOGIN = "502 5.5.1 AUTH is not available"
NEED_RECIPIENT = "503 5.5.1 Need RCPT first"

FAULTS = {Fault.TOO_BIG: TOO_BIG, Fault.LINE_TOO_LONG: LINE_TOO_LONG, Fault.NO_ROOM: BUSY}

# aiosmtpd's own replies carry no enhanced status; these are what its texts mean, by code.
_STATUS = {
    "221": "2.0.0",
    "454": "4.7.0",
    "500": "5.5.2",
    "501": "5.5.4",
    "502": "5.5.1",
    "503": "5.5.1",
    "504": "5.5.4",
    "552": "5.3.4",
    "553": "5.1.3",
    "554": "5.7.0",
    "555": "5.5.4",
}


def with_status(reply: str) -> str:
    """The reply with an enhanced status code, where one belongs and none is there."""
    code, _, text = reply.partition(" ")
    if reply == "250 OK":
        return "250 2.0.0 OK"
    status = _STATUS.get(code)
    if status is None or (text[:2] == status[:2] and text[2:3].isdigit()):
        return reply
    return f"{code} {status} {text}"


def for_error(error: BaseException) -> str:
    """The reply for a store that did not take a message: always temporary."""
    if isinstance(error, StoreFull):
        return FULL
    if isinstance(error, Busy):
        return BUSY
    return TROUBLE
