"""An Asterisk voicemail (recording and message file) as an RFC 5322 message: pure, the same bytes each time.

Promises: the bytes depend on the recording and on what the message file says of the call, and on nothing
else: not on the number in the file's name, which Asterisk changes when messages are deleted, nor on clock or
library version. So the digest of the message is the memory of what was taken. Hostile text (a caller's name
is the caller's choice) is cleaned, bounded and encoded. Fails never: what is missing or unreadable is left
out.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

FORMATS = ("wav", "WAV", "gsm", "mp3", "ogg", "g722", "ulaw", "alaw", "sln")
_TYPES = {
    "wav": "audio/x-wav",
    "WAV": "audio/x-WAV",
    "gsm": "audio/x-gsm",
    "mp3": "audio/mpeg",
    "ogg": "application/ogg",
}
_CALLER = re.compile(r'\s*"?([^"<>]*)"?\s*<([^<>]*)>')
_FIELD = re.compile(r"\s*([A-Za-z_]{1,30})\s*=>?\s*(.{0,500})")
_NOBODY = frozenset({"unknown", "anonymous", "unavailable", "restricted", "private", "asterisk", "<unknown>"})
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Call:
    """What the message file says. finished: Asterisk has written the duration, which it does last."""

    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        return self.fields.get("duration", "").isdigit()

    @property
    def caller(self) -> tuple[str, str]:
        """Name and number; "" where withheld."""
        text = self.fields.get("callerid", "")
        found = _CALLER.match(text)
        name, number = (found[1].strip(), found[2].strip()) if found else ("", text)
        return _known(name), _known(number)

    @property
    def called_at(self) -> datetime | None:
        """The call's time, aware UTC."""
        seconds = self.fields.get("origtime", "")
        return datetime.fromtimestamp(int(seconds), UTC) if re.fullmatch(r"\d{1,10}", seconds) else None


def read_call(text: bytes) -> Call:
    """The message file's fields; bounded, the first of a name counts."""
    fields: dict[str, str] = {}
    # Not splitlines: a carriage return or a form feed in a caller's name starts no line.
    for line in _text(text[: 64 << 10]).split("\n")[:200]:
        found = _FIELD.match(line)
        if found and not line.lstrip().startswith(";"):
            fields.setdefault(found[1].lower(), _clean(found[2]))
    return Call(fields)


def compose(call: Call, recording: bytes | None, suffix: str, address: str, remark: str = "") -> bytes:
    """The message. recording None: there is none, and remark says why."""
    about = _about(call, remark)
    key = hashlib.sha256(
        about.encode() + b"\x00" + suffix.encode() + b"\x00" + (recording or b"")
    ).hexdigest()
    boundary = f"----voicemail_{key[:32]}"
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(call, key, boundary, address))
    kind = "text/plain; charset=utf-8"
    text = f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    parts = [head, "\r\n", text, _base64(about.encode())]
    if recording is not None:
        parts += [f"--{boundary}\r\n", *_audio_head(suffix), "\r\n", _base64(recording)]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode("ascii")


def _headers(call: Call, key: str, boundary: str, address: str) -> list[tuple[str, str]]:
    name, number = call.caller
    mailbox = call.fields.get("origmailbox", "")
    at = call.called_at
    rows = [
        ("From", "Asterisk PBX <asterisk@localhost.invalid>"),
        ("To", f"<{_encode(address)}>" if address.isascii() else _encode(address)),
        ("Subject", _encode(f"New voice message from {name or number or 'an unknown caller'}")),
        ("Message-ID", f"<{key[:40]}.spool@localhost.invalid>"),
        ("Date", _date(at) if at else ""),
        ("X-Mailbridge-Spool", "asterisk"),
        ("X-Asterisk-CallerID", _encode(number)),
        ("X-Asterisk-CallerIDName", _encode(name)),
        ("X-Asterisk-VM-Duration", _encode(call.fields.get("duration", ""))),
        ("X-Asterisk-VM-Orig-mailbox", _encode(mailbox)),
        ("X-Asterisk-VM-Orig-time", _encode(call.fields.get("origtime", ""))),
        ("X-Asterisk-VM-Context", _encode(call.fields.get("context", ""))),
        ("X-Asterisk-VM-Category", _encode(call.fields.get("category", ""))),
        ("X-Asterisk-VM-Flag", _encode(call.fields.get("flag", ""))),
        ("X-Asterisk-VM-Message-ID", _encode(call.fields.get("msg_id", ""))),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
    ]
    return [(name, value) for name, value in rows if value]


def _audio_head(suffix: str) -> list[str]:
    kind = _TYPES.get(suffix, "application/octet-stream")
    return [
        f'Content-Type: {kind}; name="voicemail.{suffix}"\r\n',
        "Content-Transfer-Encoding: base64\r\n",
        "Content-Description: Voicemail sound attachment.\r\n",
        f'Content-Disposition: attachment; filename="voicemail.{suffix}"\r\n',
    ]


def _about(call: Call, remark: str) -> str:
    name, number = call.caller
    lines = [f"A voice message was left in mailbox {call.fields.get('origmailbox') or 'unknown'}."]
    lines += [f"From: {name} {number}".rstrip()] if name or number else ["The caller is unknown."]
    lines += [f"Called at: {call.called_at:%Y-%m-%d %H:%M:%S} UTC"] if call.called_at else []
    lines += [f"Length: {call.fields['duration']} seconds"] if call.finished else []
    lines += [remark] if remark else []
    return "\r\n".join(lines) + "\r\n"


def _known(value: str) -> str:
    return "" if value.lower() in _NOBODY else value


def _text(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _clean(value: str) -> str:
    """One line without control characters, 200 characters at most."""
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())[:200]


def _encode(value: str) -> str:
    """A header value as it is if it is plain ASCII, else RFC 2047 words of at most 75 characters."""
    if value.isascii() and "=?" not in value:
        return value
    words, piece = [], b""
    for char in value:
        octets = char.encode("utf-8")
        if len(piece) + len(octets) > 45:
            words.append(piece)
            piece = b""
        piece += octets
    return "\r\n ".join(f"=?utf-8?b?{base64.b64encode(word).decode()}?=" for word in [*words, piece])


def _base64(octets: bytes) -> str:
    return base64.encodebytes(octets).decode("ascii").replace("\n", "\r\n")


def _date(at: datetime) -> str:
    return f"{_WEEKDAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year} {at:%H:%M:%S} +0000"
