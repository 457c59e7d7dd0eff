"""Outlook's own file of a message (.msg, MS-OXMSG) as RFC 5322 bytes, to be read like any attached original.

A customer drags the mail that he complains of into a new one: that original names its sender and Message-ID,
which tie an escalation to its case. Promises: never raises, bounded by the limits; None where it is no such
file. olefile finds the streams; names and types of the properties are MS-OXPROPS'.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.header import Header
from email.utils import format_datetime
from io import BytesIO
from typing import Final

from olefile import OleFileIO

from mailbridge.mail.charset import decode
from mailbridge.mail.limits import DEFAULTS, Limits
from mailbridge.mail.rtf import decompress, rtf_to_text

OLE_MAGIC: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_STREAM: Final = "__substg1.0_"
_ATTACHMENT: Final = re.compile(r"__attach_version1\.0_#[0-9A-F]{8}", re.IGNORECASE)
_TRANSPORT, _MESSAGE_ID, _SUBJECT, _BODY, _HTML, _RTF = "007D", "1035", "0037", "1000", "1013", "1009"
_IN_REPLY_TO, _REFERENCES, _NAME, _SMTP, _EMAIL = "1042", "1039", "0C1A", "5D01", "0C1F"
_IDS: Final = (("Message-ID", _MESSAGE_ID), ("In-Reply-To", _IN_REPLY_TO), ("References", _REFERENCES))
_FILE, _LONG_NAME, _SHORT_NAME = "3701", "3707", "3704"
_SUBMITTED: Final = b"\x40\x00\x39\x00"  # PR_CLIENT_SUBMIT_TIME, as it stands in the stream of properties
_MIME_FIELD: Final = re.compile(r"(?:content-[\w-]+|mime-version):", re.IGNORECASE)
_HEADER_BYTES: Final = 512
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_BOUNDARY: Final = "=_outlook_{0}_="


def msg_to_rfc822(data: bytes, limits: Limits = DEFAULTS) -> bytes | None:
    """The message of a .msg file, rebuilt; None where there is none."""
    if not _plausible(data) or len(data) > limits.embedded_bytes:
        return None
    try:
        with OleFileIO(BytesIO(data)) as ole:
            found = _Streams(ole, len(data), limits)
            body = "\n".join(_parts(found, limits))
            return "\n".join((*_head(found), body)).encode("utf-8", "surrogateescape")
    except Exception:  # noqa: BLE001 - a third-party parser of a binary format, on hostile input
        return None


def _plausible(data: bytes) -> bool:
    """A header whose tables can lie in the file: olefile takes their numbers, however large, for true."""
    if not data.startswith(OLE_MAGIC) or len(data) < _HEADER_BYTES:
        return False
    shift, small = (int.from_bytes(data[at : at + 2], "little") for at in (0x1E, 0x20))
    tables = [int.from_bytes(data[at : at + 4], "little") for at in (0x2C, 0x40, 0x48)]
    return shift in (9, 12) and small == 6 and max(tables) << shift <= len(data)


class _Streams:
    """The property streams of one file, read on demand, all together bounded."""

    def __init__(self, ole: OleFileIO, size: int, limits: Limits) -> None:
        # olefile follows a ring of sectors for as long as the size says that it was given.
        if ole.root.size > size:
            raise ValueError("the small streams are larger than the file")
        self.ole, self.size = ole, size
        self.room = limits.embedded_bytes
        self.names = {"/".join(path).lower(): path for path in ole.listdir(streams=True, storages=False)}
        if not any(name.startswith("__properties_version") for name in self.names):
            raise ValueError("no message")

    def raw(self, name: str) -> bytes:
        path = self.names.get(name.lower())
        if path is None or self.ole.get_size(path) > self.size:
            return b""
        with self.ole.openstream(path) as stream:
            data = bytes(stream.read(self.room))
        self.room -= len(data)
        return data

    def text(self, tag: str, folder: str = "") -> str:
        wide = self.raw(f"{folder}{_STREAM}{tag}001F")
        found = (
            wide.decode("utf-16-le", "ignore") if wide else decode(self.raw(f"{folder}{_STREAM}{tag}001E"))[0]
        )
        return found.replace("\r\n", "\n").replace("\0", "")

    def binary(self, tag: str, folder: str = "") -> bytes:
        return self.raw(f"{folder}{_STREAM}{tag}0102")


def _head(found: _Streams) -> Iterator[str]:
    """The fields as they travelled, where Outlook kept them; else those that the properties tell."""
    transport = found.text(_TRANSPORT).strip("\n")
    if re.match(r"[!-9;-~]+:", transport):
        keep = True
        for line in transport.split("\n"):
            if not line.startswith((" ", "\t")):
                keep = bool(line) and not _MIME_FIELD.match(line)
            if keep and line.strip():
                yield line
    else:
        address = found.text(_SMTP) or found.text(_EMAIL)
        yield f"From: {_word(found.text(_NAME))} <{_line(address) if '@' in address else ''}>"
        yield f"Subject: {_word(found.text(_SUBJECT))}"
        for name, tag in _IDS:
            if value := _line(found.text(tag)):
                yield f"{name}: {value}"
        if sent := _submitted(found.raw("__properties_version1.0")):
            yield f"Date: {sent}"
    yield "MIME-Version: 1.0"


def _line(text: str) -> str:
    return " ".join(text.split())[:2000]


def _word(text: str) -> str:
    return Header(_line(text), "utf-8", maxlinelen=10_000).encode() if text.strip() else ""


def _submitted(properties: bytes) -> str:
    for at in range(32, len(properties) - 15, 16):
        if properties[at : at + 4] == _SUBMITTED:
            ticks = int.from_bytes(properties[at + 8 : at + 16], "little")
            return format_datetime(_EPOCH + timedelta(microseconds=ticks // 10)) if ticks < 1 << 60 else ""
    return ""


def _parts(found: _Streams, limits: Limits) -> Iterator[str]:
    """The MIME body: words in each form that is there, then files."""
    outer, inner = _BOUNDARY.format("mixed"), _BOUNDARY.format("alternative")
    yield f'Content-Type: multipart/mixed; boundary="{outer}"\n'
    yield f'--{outer}\nContent-Type: multipart/alternative; boundary="{inner}"\n'
    plain, html = _words(found)
    for kind, text in (("plain", plain), ("html", html)):
        if text.strip():
            yield _part(inner, f"text/{kind}; charset=utf-8", text.encode("utf-8", "replace"))
    yield f"--{inner}--"
    folders = sorted({name.split("/")[0] for name in found.names if _ATTACHMENT.match(name)})
    for folder in folders[: limits.expanded_parts]:
        data = found.binary(_FILE, f"{folder}/")
        name = found.text(_LONG_NAME, f"{folder}/") or found.text(_SHORT_NAME, f"{folder}/") or "file"
        if data:
            yield _part(outer, f'application/octet-stream; name="{_word(name)}"', data, "attachment")
    yield f"--{outer}--"


def _words(found: _Streams) -> tuple[str, str]:
    plain = found.text(_BODY)
    html = found.text(_HTML) or decode(found.binary(_HTML), "")[0]
    if not plain.strip() and not html.strip():
        plain, html = rtf_to_text(decompress(found.binary(_RTF)))
    return plain, html


def _part(boundary: str, kind: str, data: bytes, disposition: str = "inline") -> str:
    return (
        f"--{boundary}\nContent-Type: {kind}\nContent-Disposition: {disposition}\n"
        f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(data).decode('ascii')}"
    )
