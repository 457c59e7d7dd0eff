"""Mail as bytes, as clients, telephone systems, robots and mail servers write it: lines, cheap."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache

from mailbridge.ops.scenario_files import recording_of_silence

SUPPORT, ESCALATION, STAFF = "support@desk.example", "escalation@desk.example", "ann@desk.example"


def mail(
    sender: str,
    to: str,
    subject: str,
    text: str,
    ref: str,
    at: datetime,
    headers: tuple[str, ...] = (),
) -> bytes:
    """One plain mail."""
    lines = [*_head(sender, to, subject, ref, at), *headers]
    lines += ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "", *text.splitlines(), ""]
    return "\r\n".join(lines).encode()


def voicemail(caller: str, ref: str, at: datetime) -> bytes:
    """A recording as a telephone system sends it."""
    lines = _head("voicemail@pbx.example", SUPPORT, "New voicemail", ref, at)
    lines += [f"X-Asterisk-CallerID: {caller}", "MIME-Version: 1.0"]
    lines += ['Content-Type: multipart/mixed; boundary="b"', "", "--b"]
    lines += ["Content-Type: text/plain; charset=utf-8", "", f"New voicemail {ref[1:6]}", ""]
    wav = 'Content-Disposition: attachment; filename="msg0001.wav"'
    lines += ["--b", "Content-Type: audio/x-wav", "Content-Transfer-Encoding: base64", wav, "", _sound()]
    return "\r\n".join([*lines, "--b--", ""]).encode()


def report(kind: str, address: str, original: str, ref: str, at: datetime) -> bytes:
    """What a mail server says of our mail to the address. kind: hard, full, slow (RFC 3464), odd (qmail)."""
    if kind == "odd":
        text = (
            "Hi. This is the qmail-send program at mx.example.\r\n"
            "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n"
            "This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
            f"<{address}>:\r\nMailbox disabled for this recipient\r\n\r\n"
            f"--- Below this line is a copy of the message.\r\n\r\nMessage-ID: {original}\r\n"
        )
        return mail("MAILER-DAEMON@mx.example", SUPPORT, "failure notice", text, ref, at)
    action, status, why = _SAID[kind]
    lines = _head("MAILER-DAEMON@mx.example", SUPPORT, "Delivery Status Notification", ref, at)
    lines += ["Auto-Submitted: auto-replied", "MIME-Version: 1.0"]
    lines += ['Content-Type: multipart/report; report-type=delivery-status; boundary="b"', "", "--b"]
    lines += ["Content-Type: text/plain", "", "About your message.", "", "--b"]
    lines += ["Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example", ""]
    lines += [f"Final-Recipient: rfc822; {address}", f"Action: {action}", f"Status: {status}"]
    lines += [f"Diagnostic-Code: smtp; {why}", "", "--b", "Content-Type: text/rfc822-headers", ""]
    lines += [f"Message-ID: {original}", "", "--b--", ""]
    return "\r\n".join(lines).encode()


_SAID = {
    "hard": ("failed", "5.1.1", "550 5.1.1 user unknown"),
    "full": ("failed", "5.2.2", "552 5.2.2 mailbox full"),
    "slow": ("delayed", "4.4.1", "421 4.4.1 not reachable yet"),
}


def _head(sender: str, to: str, subject: str, ref: str, at: datetime) -> list[str]:
    date = f"{at.astimezone(UTC):%a, %d %b %Y %H:%M:%S} +0000"
    return [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: {ref}", f"Date: {date}"]


@cache
def _sound() -> str:
    return base64.encodebytes(recording_of_silence(0.1)).decode("ascii").replace("\n", "\r\n")
