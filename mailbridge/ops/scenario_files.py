"""Small real files that simulations and the demo attach."""

from __future__ import annotations

import io
import wave
from datetime import datetime
from email.utils import format_datetime


def recording_of_silence(seconds: float = 1.0) -> bytes:
    """A WAV file, 8 kHz 16-bit mono, as a telephone system would send it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x00" * int(8000 * seconds))
    return out.getvalue()


def bounce_of(message_ref: str, recipient: str, to: str, at: datetime) -> bytes:
    """A delivery status notification (RFC 3464): the mail with this Message-ID found no mailbox."""
    head = (
        f"From: Mail Delivery System <MAILER-DAEMON@mx.customer.example>\nTo: {to}\n"
        f"Subject: Undelivered Mail Returned to Sender\nDate: {format_datetime(at)}\n"
        f"Message-ID: <bounce.{int(at.timestamp())}@mx.customer.example>\nAuto-Submitted: auto-replied\n"
        'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
    )
    parts = (
        "Content-Type: text/plain\n\nYour message could not be delivered.\n",
        (
            "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.customer.example\n\n"
            f"Final-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.1.1\n"
            "Diagnostic-Code: smtp; 550 5.1.1 no such mailbox\n"
        ),
        f"Content-Type: text/rfc822-headers\n\nMessage-ID: {message_ref}\n",
    )
    return (head + "".join(f"--b\n{part}\n" for part in parts) + "--b--\n").replace("\n", "\r\n").encode()
