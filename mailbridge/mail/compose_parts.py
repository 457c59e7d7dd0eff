"""The pieces of an outgoing mail: safe text, and MIME parts in 7-bit.

Promises: clean_line gives one line without controls, clean_body text without NUL and lone surrogates; a
part's lines are CRLF-ended and at most 78 octets, so that no relay has a reason to change them (and a
signature made later holds). Fails: never.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mailbridge.model.notice import NoticeAttachment

# C0, DEL, C1, line and paragraph separators, bidi controls, zero-width no-break, lone surrogates, nonchars.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]+"
)
_BODY_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_NEWLINE = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_CHANGED = ("\n.", "\nFrom ", " \n", "\t\n")  # what a relay or an mbox would change; a body ends in LF
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}")


@dataclass(frozen=True, slots=True)
class Part:
    """One MIME part: its header lines (folds as CRLF inside) and its encoded body, CRLF-ended."""

    head: tuple[str, ...]
    body: bytes


def clean_line(value: str, longest: int = 1000) -> str:
    """value as one safe line: controls, line separators and bidi marks become blanks; cut at longest."""
    if not value.isprintable():  # of what is unsafe nothing is, and printable text is nearly all that comes
        value = _UNSAFE.sub(" ", value)
    line = " ".join(value.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "\u2026"


def clean_body(value: str) -> str:
    """value with LF line ends, without NUL, other controls and lone surrogates; ends in one LF."""
    if not value.replace("\n", "").isprintable():  # of what goes nothing is printable
        value = _BODY_UNSAFE.sub("", _NEWLINE.sub("\n", value))
    return value.rstrip("\n") + "\n"


def multipart(subtype: str, seed: str, parts: Sequence[Part]) -> Part:
    """A container of parts. seed makes the boundary: the core knows no randomness.

    The boundary needs no search: "=_" can stand in no quoted-printable and no base64 text, and text that
    holds it is never sent as it is. The CRLF before a delimiter is the delimiter's (RFC 2046 section 5.1.1),
    so a part gets one more to keep its own last line end.
    """
    boundary = "=_" + hashlib.sha256(seed.encode()).hexdigest()[:32]
    delimiter = f"--{boundary}\r\n".encode()
    pieces = [
        delimiter + "\r\n".join(part.head).encode("ascii") + b"\r\n\r\n" + part.body + b"\r\n"
        for part in parts
    ]
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"'
    return Part((head,), b"".join(pieces) + f"--{boundary}--\r\n".encode())


def text_part(text: str, subtype: str) -> Part:
    """text/plain or text/html in UTF-8, readable as it stands where possible."""
    body = clean_body(text)
    kind = f"Content-Type: text/{subtype}; charset=utf-8"
    if _as_is(body):
        return Part((kind, "Content-Transfer-Encoding: 7bit"), body.replace("\n", "\r\n").encode("ascii"))
    return Part((kind, "Content-Transfer-Encoding: quoted-printable"), _quoted_printable(body))


def attachment_part(attachment: NoticeAttachment) -> Part:
    """A file, in base64."""
    media = attachment.content_type.strip().lower().partition(";")[0].strip()
    if _TYPE.fullmatch(media) is None or media.startswith(("message/", "multipart/")):
        media = "application/octet-stream"  # RFC 2045 section 6.4: those two types may not be base64
    head = (
        f"Content-Type: {media}",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;\r\n " + _filename(attachment.filename),
    )
    encoded = binascii.b2a_base64(attachment.content, newline=False)
    lines = [encoded[start : start + 76] for start in range(0, len(encoded), 76)]
    return Part(head, b"\r\n".join(lines) + b"\r\n")


def _as_is(body: str) -> bool:
    """Whether body may go unencoded: ASCII, short lines, and nothing that a relay or an mbox would change."""
    if not body.isascii() or "=_" in body or max(map(len, body.split("\n"))) > 78:
        return False
    return not body.startswith((".", "From ")) and not any(mark in body for mark in _CHANGED)


def _quoted_printable(body: str) -> bytes:
    encoded = binascii.b2a_qp(body.replace("\n", "\r\n").encode("utf-8"), istext=True)
    # A line of "From " or with a dot in front is changed on the way by an mbox or a broken relay.
    if encoded.startswith((b".", b"From ")) or b"\n." in encoded or b"\nFrom " in encoded:
        encoded = re.sub(rb"(?m)^(?:\.|F(?=rom ))", lambda match: b"=%02X" % match.group()[0], encoded)
    return encoded


def _filename(name: str) -> str:
    """The filename parameter; beyond ASCII by RFC 2231 alone: readers that get both forms take either."""
    name = clean_line(name, 120).replace("/", "_").replace("\\", "_") or "attachment"
    if name.isascii():
        return 'filename="{}"'.format(name.replace('"', "'"))
    return f"filename*=utf-8''{quote(name, safe='')}"
