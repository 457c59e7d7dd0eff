"""From the MIME tree to what a reader needs: body segments, files, attached messages.

The walk decides by itself what is body and what is file (libraries flatten attached messages, lose audio
without a name, and raise). It opens winmail.dat, inline uuencode and opaque S/MIME, gives their contents
paths below the container's, and stops at attached messages. Never raises on any tree.
"""

from __future__ import annotations

import html as html_lib
import re
from dataclasses import dataclass, field
from email.message import Message

from mailbridge.mail.charset import decode
from mailbridge.mail.containers import Found, read_tnef, signed_content, split_uuencode
from mailbridge.mail.flowed import unflow
from mailbridge.mail.limits import Limits
from mailbridge.mail.outlook import OLE_MAGIC, msg_to_rfc822
from mailbridge.mail.rtf import rtf_to_text
from mailbridge.mail.tree import Part, build_inner
from mailbridge.mail.words import decode_words, one_line, raw_text
from mailbridge.mail.yenc import split_yenc

_MESSAGES = frozenset(("message/rfc822", "message/global", "message/news"))
_REPORTS = frozenset(
    ("message/delivery-status", "message/global-delivery-status", "message/disposition-notification",
     "message/global-disposition-notification", "message/feedback-report", "text/rfc822-headers",
     "message/global-headers")
)  # fmt: skip
_TNEF = frozenset(("application/ms-tnef", "application/vnd.ms-tnef", "application/x-ms-tnef"))
_OPAQUE = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_RTF = frozenset(("text/rtf", "application/rtf", "text/x-rtf", "application/x-rtf"))
_OUTLOOK = frozenset(("application/vnd.ms-outlook", "application/msoutlook", "application/x-msg"))
_NEVER_SHOWN = frozenset(("text/x-amp-html", "text/watch-html"))
_SIGNED, _SIGNATURE, _CLOSE = (
    "-----BEGIN PGP SIGNED MESSAGE-----",
    "-----BEGIN PGP SIGNATURE-----",
    "-----END PGP SIGNATURE-----",
)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]{2,40})", re.I)
_LOOKS_HTML = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<body[\s>])", re.I)
_ENRICHED = re.compile(r"</?[a-zA-Z][\w-]{0,40}>")


@dataclass(slots=True)
class Segment:
    """A stretch of body: the same words as plain text and as HTML, either may be missing."""

    plain: str = ""
    html: str = ""


@dataclass(slots=True)
class Leaf:
    """A part kept as a file. raw_name is the sender's, decoded."""

    path: str
    part: Part
    raw_name: str
    content_type: str
    cid: str = ""
    inline: bool = False

    def data(self) -> bytes:
        return self.part.decoded()


@dataclass(slots=True)
class Reading:
    """What one walk found."""

    limits: Limits
    segments: list[Segment] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    messages: list[tuple[Leaf, Part]] = field(default_factory=list)
    reports: list[Part] = field(default_factory=list)
    calendars: list[Part] = field(default_factory=list)
    protection: dict[str, None] = field(default_factory=dict)
    message_class: str = ""
    defects: dict[str, None] = field(default_factory=dict)
    text_room: int = 0
    spare: list[tuple[Part, Leaf]] = field(
        default_factory=list
    )  # text files that may have to serve as the body

    def note(self, defect: str) -> None:
        self.defects.setdefault(defect)


def read_leaves(root: Part, limits: Limits) -> Reading:
    """Walk the tree of one message."""
    reading = Reading(limits, text_room=limits.text_bytes)
    if not root.children:
        root.path = f"{root.path}.1" if root.path else "1"
    reading.segments = _segments(root, reading, root=True)
    if not any(segment.plain.strip() or segment.html.strip() for segment in reading.segments):
        for part, leaf in reading.spare[:1]:
            reading.segments = _text(part, reading)
            reading.leaves = [kept for kept in reading.leaves if kept is not leaf or leaf.raw_name]
    return reading


def _segments(part: Part, reading: Reading, *, root: bool = False) -> list[Segment]:
    kind = part.content_type
    for defect in part.defects:
        reading.note(defect)
    if part.children:
        _see_protection(part, kind, reading)
        inner = [segment for child in part.children for segment in _segments(child, reading)]
        return _one_choice(inner) if kind == "multipart/alternative" else inner
    if kind.startswith("multipart/"):
        # Declared and not kept: what stands there is text (a truncated message, a broken gateway).
        return _text(part, reading)
    return _leaf(part, kind, reading, root=root)


def _one_choice(segments: list[Segment]) -> list[Segment]:
    """The alternatives say the same: one segment. Equal copies of the plain part count once."""
    plain = dict.fromkeys(segment.plain for segment in segments if segment.plain.strip())
    html = [segment.html for segment in segments if segment.html.strip()]
    return [Segment("\n".join(plain), "\n".join(html))] if plain or html else []


def _see_protection(part: Part, kind: str, reading: Reading) -> None:
    protocol = part.word("protocol").lower()
    if kind == "multipart/signed":
        reading.protection.setdefault("pgp-signed" if "pgp" in protocol else "smime-signed")
    elif kind == "multipart/encrypted":
        reading.protection.setdefault("pgp-encrypted")


def _leaf(part: Part, kind: str, reading: Reading, *, root: bool) -> list[Segment]:
    name = part_name(part)
    if kind in _NEVER_SHOWN:
        return []
    if _is_message(kind, name):
        _keep_message(part, kind, name, reading)
        return []
    if kind in _REPORTS:
        reading.reports.append(part)
        if root:
            return _text(part, reading)
        _keep(part, kind, name, reading)
        return []
    if kind == "text/calendar" or name.lower().endswith(".ics"):
        reading.calendars.append(part)
        _keep(part, "text/calendar", name, reading)
        return []
    if kind in _TNEF or name.lower() in ("winmail.dat", "win.dat"):
        return _tnef(part, kind, name, reading)
    if kind in _OPAQUE:
        return _smime(part, kind, name, reading)
    if kind in _OUTLOOK or name.lower().endswith(".msg"):
        _outlook(part, kind, name, reading)
        return []
    if kind in _RTF:
        reading.spare.append((part, _keep(part, kind, name, reading)))
        return []
    if kind.startswith("text/") or kind == "application/xhtml+xml":
        return _text_leaf(part, kind, name, reading, root=root)
    _keep(part, kind, name, reading)
    return []


def _text_leaf(part: Part, kind: str, name: str, reading: Reading, *, root: bool) -> list[Segment]:
    readable = kind in (
        "text/plain",
        "text/html",
        "text/enriched",
        "text/richtext",
        "application/xhtml+xml",
        "text/markdown",
    )
    if root and kind.startswith("text/") and not name:
        return _text(part, reading)
    if readable and not name and part.disposition != "attachment":
        return _text(part, reading)
    leaf = _keep(part, kind, name, reading)
    if readable or root:
        reading.spare.append((part, leaf))
    return []


def _is_message(kind: str, name: str) -> bool:
    if kind in _MESSAGES:
        return True
    return name.lower().endswith(".eml") and kind in ("application/octet-stream", "text/plain",
    "application/eml",
                                                      "application/x-eml", "message/x-eml")  # fmt: skip


def _keep(part: Part, kind: str, name: str, reading: Reading) -> Leaf:
    cid = one_line(raw_text(part.head.get("content-id", "")))[:300].strip("<> ")
    inline = part.disposition == "inline" or (bool(cid) and part.disposition != "attachment")
    leaf = Leaf(part.path, part, name or part.name, kind, cid, inline)
    reading.leaves.append(leaf)
    return leaf


def _keep_message(part: Part, kind: str, name: str, reading: Reading) -> None:
    data = part.decoded()
    inner, defects = build_inner(data, part.path, reading.limits)
    for defect in defects:
        reading.note(f"attached message: {defect}")
    if not name:
        name = one_line(decode_words(raw_text(inner.head.get("subject", ""))))[:100]
        name = (re.sub(r"[\\/]", "_", name) or "message") + ".eml"
    reading.messages.append((_keep(part, kind, name, reading), inner))


def _outlook(part: Part, kind: str, name: str, reading: Reading) -> None:
    """An original attached as Outlook's own file is read like one in MIME."""
    leaf = _keep(part, kind, name, reading)
    data = part.decoded()
    if not data.startswith(OLE_MAGIC):
        return
    raw = msg_to_rfc822(data, reading.limits)
    if raw is None:
        reading.note("attached message: a .msg beyond reading")
        return
    reading.messages.append((leaf, build_inner(raw, part.path, reading.limits)[0]))


def part_name(part: Part) -> str:
    """The file name as the sender gives it: RFC 2231, RFC 2047 in quotes (illegal, universal), raw bytes."""
    for header, key in (("content-disposition", "filename"), ("content-type", "name")):
        value = part.param(key, header)
        if isinstance(value, tuple):
            charset, _, text = value
            # The standard library unquotes %XX to characters of the same number.
            octets = text.encode("latin-1") if _latin(text) else text.encode("utf-8", "surrogateescape")
            name = decode(octets, charset or "utf-8", part.hints)[0]
        else:
            name = raw_text(str(value))
        name = one_line(decode_words(name)).strip("\"' ")
        if name:
            return name
    return part.name


def _latin(text: str) -> bool:
    return all(ord(char) < 256 for char in text)


def _text(part: Part, reading: Reading) -> list[Segment]:
    """The text of a body part; uuencoded files in it become files."""
    data = part.decoded()
    if len(data) > reading.text_room:
        reading.note("text cut")
        data = data[: reading.text_room]
    reading.text_room -= len(data)
    kind = part.content_type
    charset = part.word("charset")
    if kind in ("text/html", "application/xhtml+xml"):
        return [Segment(html=_decoded(data, charset or _meta(data), part.hints, reading))]
    if kind in _RTF:
        plain, html = rtf_to_text(data)
        return [Segment(_unix(plain), _unix(html))]
    data, found = split_uuencode(data, reading.limits)
    data, others = split_yenc(data, reading.limits)
    _keep_found(part, (*found, *others), reading)
    text = _decoded(data, charset, part.hints, reading)
    if kind in ("text/enriched", "text/richtext"):
        text = _ENRICHED.sub("", text.replace("<<", "<"))
    if _LOOKS_HTML.match(text):
        return [Segment(html=text)]
    if part.word("format").lower() == "flowed":
        text = unflow(text, delsp=part.word("delsp").lower() == "yes")
    return [Segment(plain=_without_armour(text, reading))]


def _decoded(data: bytes, charset: str, hints: tuple[str, ...], reading: Reading) -> str:
    text, guessed = decode(data, charset, hints)
    if guessed and not data.isascii():
        reading.note("charset guessed")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _meta(data: bytes) -> str:
    hit = _META.search(data[:4096])
    return hit[1].decode("ascii") if hit else ""


def _without_armour(text: str, reading: Reading) -> str:
    """Note inline PGP; of a clear-signed text the words stay, of an encrypted one the armour stays."""
    if "-----BEGIN PGP" not in text:
        return text
    reading.protection.setdefault("pgp-inline")
    start = text.find(_SIGNED)
    end = text.find(_SIGNATURE, start)
    if start < 0 or end < 0:
        return text
    # Armour headers (Hash: ...) end at the first empty line. Plain finds: a pattern over all this is
    # quadratic.
    words_start = text.find("\n\n", start, start + 2000)
    words = re.sub(
        r"^- ", "", text[words_start + 2 if words_start >= 0 else start + len(_SIGNED) : end], flags=re.M
    )
    close = text.find(_CLOSE, end)
    return text[:start] + words + (text[close + len(_CLOSE) :] if close >= 0 else "")


def _keep_found(part: Part, found: tuple[Found, ...], reading: Reading) -> None:
    for number, one in enumerate(found, 1):
        path = f"{part.path or '1'}.{number}"
        child = Part(Message(), b"", 0, 0, path=path, content=one.data, name=one.name)
        reading.leaves.append(Leaf(path, child, one_line(one.name), "application/octet-stream"))


def _tnef(part: Part, kind: str, name: str, reading: Reading) -> list[Segment]:
    """Open winmail.dat; where that works its contents stand for it."""
    tnef = read_tnef(part.decoded(), reading.limits)
    if tnef is None:
        reading.note("winmail.dat beyond reading")
        _keep(part, kind, name, reading)
        return []
    reading.message_class = tnef.message_class
    _keep_found(part, tnef.files, reading)
    if not tnef.files and not tnef.plain.strip() and not tnef.html.strip():
        _keep(part, kind, name, reading)
    return (
        [
            Segment(
                _unix(tnef.plain),
                _unix(tnef.html),
            )
        ]
        if tnef.plain.strip() or tnef.html.strip()
        else []
    )


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _smime(part: Part, kind: str, name: str, reading: Reading) -> list[Segment]:
    data = part.decoded()
    content = signed_content(data) if len(data) <= reading.limits.embedded_bytes else None
    if content is None:
        what = "smime-signed" if "signed" in part.word("smime-type").lower() else "smime-encrypted"
        reading.protection.setdefault(what)
        _keep(part, kind, name, reading)
        return []
    reading.protection.setdefault("smime-signed")
    inner, _ = build_inner(content, part.path, reading.limits)
    if not inner.children:
        inner.path = f"{part.path}.1"
    if inner.content_type in _OPAQUE and part.path.count(".") > reading.limits.nesting:
        return []
    return _segments(inner, reading)


def join_segments(segments: list[Segment]) -> tuple[str, str]:
    """(plain, HTML) of the whole message. Each is complete or "": where a segment lacks one form the other
    form is
    made from it, so that nothing a person wrote is lost in choosing."""
    kept = [segment for segment in segments if segment.plain.strip() or segment.html.strip()]
    plain = (
        "\n".join(segment.plain for segment in kept) if all(segment.plain.strip() for segment in kept) else ""
    )
    if not any(segment.html.strip() for segment in kept):
        return plain, ""
    html = "\n".join(segment.html if segment.html.strip() else _as_html(segment.plain) for segment in kept)
    return plain, html


def _as_html(text: str) -> str:
    return "<div>" + html_lib.escape(text, quote=False).replace("\n", "<br>\n") + "</div>"
