"""Parts hidden in containers that are no MIME: winmail.dat, inline uuencode, opaque S/MIME.

Promises: never raises, bounded in count and bytes, nothing is verified or decrypted. Each function gives what
it could read, or nothing; the container itself always stays an attachment.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass

from tnefparse import TNEF

from mailbridge.mail.charset import decode
from mailbridge.mail.limits import DEFAULTS, Limits
from mailbridge.mail.rtf import decompress, rtf_to_text

_BEGIN = re.compile(rb"^begin(?:-base64)? ([0-7]{3,4}) ([^\r\n]{1,255})\r?$", re.M)
_END = re.compile(rb"^(?:end|====)[ \t]*\r?$", re.M)
_ROW = re.compile(rb"[\x20-\x60]{2,90}")
_TNEF_MAGIC = b"\x78\x9f\x3e\x22"
_RECIPIENTS = 0x6004
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_DATA = bytes.fromhex("06092a864886f70d010701")


@dataclass(frozen=True, slots=True)
class Found:
    """A file out of a container."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Tnef:
    """What winmail.dat held. message_class is MAPI's ("IPM.Note", "REPORT.IPM.Note.IPNRN", ...)."""

    plain: str = ""
    html: str = ""
    files: tuple[Found, ...] = ()
    message_class: str = ""


def read_tnef(data: bytes, limits: Limits = DEFAULTS) -> Tnef | None:
    """The body and files inside an application/ms-tnef part; None where it is none or beyond reading."""
    if not data.startswith(_TNEF_MAGIC) or len(data) > limits.embedded_bytes:
        return None
    data = _tnef_objects(data)
    try:
        tnef = TNEF(data, do_checksum=False)
        files = _tnef_files(tnef, limits)
        return Tnef(*_tnef_text(tnef), files, _tnef_class(data))
    except Exception:  # noqa: BLE001 - a third-party parser of a binary format, on hostile input
        return None


def _tnef_objects(data: bytes) -> bytes:
    """The stream with whole objects only, at most 400 and without the recipient table.

    The parser copies the rest of the stream for each object and believes a row count of four milliards.
    """
    kept = bytearray(data[:6])
    position, count = 6, 0
    while position + 11 <= len(data) and count < 400:
        size = 11 + int.from_bytes(data[position + 5 : position + 9], "little")
        if position + size > len(data):
            break
        if int.from_bytes(data[position + 1 : position + 3], "little") != _RECIPIENTS:
            kept += data[position : position + size]
            count += 1
        position += size
    return bytes(kept) + b"\0"


def _tnef_files(tnef: TNEF, limits: Limits) -> tuple[Found, ...]:
    found: list[Found] = []
    for attachment in tnef.attachments[: limits.expanded_parts]:
        content = attachment.data
        if not isinstance(content, bytes):
            continue
        found.append(Found(str(attachment.long_filename() or attachment.name or "").rstrip("\0"), content))
    return tuple(found)


def _tnef_text(tnef: TNEF) -> tuple[str, str]:
    plain, html = _as_text(tnef.body), _as_text(tnef.htmlbody)
    packed = tnef._rtfbody
    if isinstance(packed, list):
        packed = packed[0] if packed else None
    if not plain.strip() and not html.strip() and isinstance(packed, bytes):
        plain, html = rtf_to_text(decompress(packed))
    return plain, html


def _as_text(value: object) -> str:
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        value = decode(value)[0]
    return value.rstrip("\0") if isinstance(value, str) else ""


def _tnef_class(data: bytes) -> str:
    hit = re.search(rb"(?:IPM|REPORT)\.[A-Za-z.]{3,60}", data[:4096])
    return hit[0].decode("ascii") if hit else ""


def split_uuencode(text: bytes, limits: Limits = DEFAULTS) -> tuple[bytes, tuple[Found, ...]]:
    """The text without its uuencoded files, and the files. What only looks like one stays in the text."""
    if b"begin" not in text:
        return text, ()
    kept: list[bytes] = []
    found: list[Found] = []
    position = 0
    for start in _BEGIN.finditer(text):
        if start.start() < position or len(found) >= limits.expanded_parts:
            continue
        end = _END.search(text, start.end())
        if end is None:
            break
        data = _uudecode(text[start.end() : end.start()], base64=start[0].startswith(b"begin-base64"))
        if data is None:
            continue
        kept.append(text[position : start.start()])
        found.append(Found(decode(start[2].strip())[0], data))
        position = end.end()
    kept.append(text[position:])
    return b"".join(kept), tuple(found)


def _uudecode(body: bytes, *, base64: bool = False) -> bytes | None:
    if base64:
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            return None
    out = bytearray()
    for line in body.splitlines():
        if not line.strip() or line.strip() == b"`":
            continue
        if not _ROW.fullmatch(line):
            return None
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            # Trailing blanks were cut, or more follows: the first character says how many bytes there are.
            size = -(-((line[0] - 32) & 63) * 4 // 3)
            try:
                out += binascii.a2b_uu(line[:1] + line[1 : 1 + size].ljust(size + 3))
            except binascii.Error:
                return None
    return bytes(out) if out else None


def signed_content(data: bytes) -> bytes | None:
    """The MIME entity inside CMS SignedData (RFC 5652 section 5), unverified; None where there is none.

    cryptography only reads DER; mail clients write BER with indefinite lengths, so the few levels needed are
    walked here.
    """
    place = data.find(_SIGNED_DATA, 0, 64)
    if place < 0:
        return None
    inner = data.find(_DATA, place + len(_SIGNED_DATA), place + 400)
    if inner < 0:
        return None
    position = inner + len(_DATA)
    if data[position : position + 1] != b"\xa0":  # [0] EXPLICIT OCTET STRING; absent in a detached signature
        return None
    _, position = _length(data, position + 1)
    pieces: list[bytes] = []
    _octets(data, position, pieces, 0)
    return b"".join(pieces) or None


def _length(data: bytes, position: int) -> tuple[int, int]:
    """(length, or -1 for indefinite; position of the content)."""
    first = data[position] if position < len(data) else 0
    if first < 0x80:
        return first, position + 1
    if first == 0x80:
        return -1, position + 1
    count = min(first & 0x7F, 8)
    return int.from_bytes(data[position + 1 : position + 1 + count], "big"), position + 1 + count


def _octets(data: bytes, position: int, pieces: list[bytes], depth: int) -> int:
    """Collect an OCTET STRING, primitive or constructed; gives the position behind it."""
    if depth > 8 or position >= len(data):
        return len(data)
    tag = data[position]
    length, position = _length(data, position + 1)
    if tag == 0x04:
        pieces.append(data[position : position + max(length, 0)])
        return position + max(length, 0)
    if tag != 0x24:
        return len(data)
    end = len(data) if length < 0 else position + length
    while position < end and data[position : position + 2] != b"\0\0":
        position = _octets(data, position, pieces, depth + 1)
    return position + 2 if length < 0 else position
