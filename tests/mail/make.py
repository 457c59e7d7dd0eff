# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""Raw messages and the site they are judged for, for the tests of reading and classifying."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime

from mailbridge.mail.parse import parse
from mailbridge.model.envelope import Envelope, Way
from mailbridge.model.message import Classification
from mailbridge.model.own import Own
from mailbridge.policy.classify import classify

SITE = Own(
    addresses=frozenset(("support@desk.example", "supportescalation@desk.example")),
    domains=frozenset(("desk.example",)),
    voicemail_link_senders=frozenset(("voice-noreply@google.com",)),
)
ENVELOPE = Envelope(Way.INGEST, None, ("support@desk.example",), datetime(2026, 3, 3, tzinfo=UTC))
FROM = "From: Pat <pat@customer.example>\nTo: support@desk.example\nMessage-ID: <a@customer.example>\n"
REPLY = FROM + "In-Reply-To: <case-1.1.abc@desk.example>\nReferences: <case-1.1.abc@desk.example>\n"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"


def raw(headers: str, body: str = "Hello") -> bytes:
    return (headers.rstrip("\n") + "\n\n" + body + "\n").encode()


def judge(
    headers: str, body: str = "Hello", site: Own = SITE, *, mail_from: str | None = None
) -> Classification:
    return classify(parse(raw(headers, body)), replace(ENVELOPE, mail_from=mail_from), site)


def with_audio(
    text: str, name: str = "msg0001.wav", kind: str = "audio/x-wav", data: bytes = WAV
) -> tuple[str, str]:
    """(Content-Type field, body) of a message with a recording."""
    payload = base64.b64encode(data).decode()
    body = (
        f'--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: {kind}; name="{name}"\n'
        f'Content-Disposition: attachment; filename="{name}"\nContent-Transfer-Encoding: base64\n\n{payload}\n--b--'
    )
    return "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b", body
