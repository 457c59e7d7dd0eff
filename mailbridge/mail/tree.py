"""The MIME tree of a message, bounded in depth, parts and time, over the bytes themselves.

The header blocks are read by the standard library (compat32, which never raised on 1,439 odd messages); where
the parts begin and end is found here, region by region: the standard library's feed parser asks every open
boundary about every line and recurses, so that hostile nesting costs seconds and RecursionError. Parts are
views (offsets), decoded when asked. Containers that are no MIME (winmail.dat, uuencode, opaque S/MIME) get
their children from mail.containers. A part's path is IMAP-like and the same for the same bytes and limits.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message

from mailbridge.mail.charset import decode
from mailbridge.mail.limits import Limits
from mailbridge.mail.prepare import normalise, read_head
from mailbridge.mail.words import loose_base64

_B64_LINE = re.compile(rb"[A-Za-z0-9+/=]+")
_DELIMITER = re.compile(rb"(?:^|\n)--([^\r\n]{1,200}?)(?:--)?[ \t]*\r?\n(?=content-|mime-)", re.I)
_TAIL = re.compile(rb"(--)?[ \t]*(?:\r\n|\r|\n|\Z)")
_TYPE = re.compile(r"^\s*([\w!#$&^.+-]{1,80})/([\w!#$&^.+-]{1,120})")
_MISNAMED = {"plain/text": "text/plain",
             "text/text": "text/plain", "html": "text/html", "html/text": "text/html",
             "text/htm": "text/html", "text/txt": "text/plain", "text/ascii": "text/plain"}  # fmt: skip
_NAMED = re.compile(rb"charset\*?\s*=\s*[\"']?([\w:.-]{3,30})|=\?([\w:.-]{3,30})\?[bq]\?", re.I)


@dataclass(slots=True, eq=False)
class Part:
    """One node. data[start:end] is its body as sent; content is set where the bytes came out of a
    container."""

    head: Message
    data: bytes
    start: int
    end: int
    path: str = ""
    children: list[Part] = field(default_factory=list)
    content: bytes | None = None
    name: str = ""  # given by the container
    defects: list[str] = field(default_factory=list)
    in_message: bool = False  # inside an attached message
    hints: tuple[str, ...] = ()  # charsets named elsewhere in the message

    @property
    def content_type(self) -> str:
        """Lower-case type/subtype; text/plain where none is said or it is unreadable."""
        value = self._structured("content-type")
        hit = _TYPE.match(value)
        kind = f"{hit[1]}/{hit[2]}".lower() if hit else value.strip().lower()
        return _MISNAMED.get(kind, kind if hit else "text/plain")

    @property
    def disposition(self) -> str:
        """inline, attachment or another word of RFC 2183, lower case; "" where absent."""
        return self._structured("content-disposition").split(";")[0].strip().lower()

    @property
    def encoding(self) -> str:
        """Content-Transfer-Encoding as meant: base64, quoted-printable, uuencode or ""."""
        word = (
            self._structured("content-transfer-encoding").strip().strip("\"'").split(";")[0].strip().lower()
        )
        if "base64" in word or word == "b":
            return "base64"
        if "quoted" in word or word == "qp":
            return "quoted-printable"
        return "uuencode" if word in ("x-uuencode", "uuencode", "x-uue", "uue") else ""

    def _structured(self, name: str) -> str:
        value = self.head.get(name, "")
        return str(value)[:8192].replace("\r", " ").replace("\n", " ")

    def param(self, name: str, header: str = "content-type") -> str | tuple[str | None, str | None, str]:
        """A parameter of a structured field, RFC 2231 forms first; "" where absent or beyond reading."""
        try:
            pairs = self.head.get_params([], header) or []
        except Exception:  # noqa: BLE001 - e.g. a continuation number of 5,000 digits
            return ""
        found = [value for key, value in pairs if key.lower() == name]
        starred = [value for value in found if isinstance(value, tuple)]
        return (starred or found or [""])[0]

    def word(self, name: str, header: str = "content-type") -> str:
        """A plain parameter as text."""
        value = self.param(name, header)
        return str(value[2] if isinstance(value, tuple) else value).strip()

    def raw(self) -> bytes:
        """The body as sent, still encoded."""
        return self.data[self.start : self.end]

    def decoded(self) -> bytes:
        """The body without its transfer encoding; as much as can be read."""
        if self.content is not None:
            return self.content
        return decode_transfer(self.raw(), self.encoding)

    def walk(self) -> Iterator[Part]:
        """This part and all below it, depth first."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Undo base64 or quoted-printable, leniently; other encodings are the identity."""
    if encoding == "base64":
        return _base64(data)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data)
    return data


def _base64(data: bytes) -> bytes:
    """Base64 lines; footers that a mailing list hung behind them are left out, a body that is none is
    kept."""
    lines = data.split()
    compact = b"".join(lines)
    if _B64_LINE.fullmatch(compact):
        body = compact.rstrip(b"=")
        if b"=" not in body and len(body) % 4 != 1:
            return binascii.a2b_base64(body + b"=" * (-len(body) % 4))
        return loose_base64(compact)
    kept = [line for line in data.splitlines() if _B64_LINE.fullmatch(line.strip())]
    good = sum(map(len, kept))
    if good * 2 < len(compact) and b" " in data.strip():
        return data  # the label lies: this is text
    return loose_base64(b"".join(kept) if good * 2 >= len(compact) else compact)


@dataclass(slots=True)
class _Builder:
    limits: Limits
    hints: tuple[str, ...] = ()
    parts: int = 0
    defects: list[str] = field(default_factory=list)

    def note(self, defect: str) -> None:
        if defect not in self.defects:
            self.defects.append(defect)

    def message(self, data: bytes, start: int, end: int, path: str, depth: int, *, in_message: bool) -> Part:
        """A whole message at this region: its header and, if it is a multipart, its parts."""
        part = self.part(data, start, end, header_bytes=self.limits.header_bytes, root=True)
        part.in_message = in_message
        part.path = path
        self.grow(part, depth, prefix=path)
        return part

    def part(self, data: bytes, start: int, end: int, *, header_bytes: int, root: bool = False) -> Part:
        self.parts += 1
        found = read_head(data, start, end, header_bytes, part=not root)
        part = Part(make_head(data, found.spans, self.limits, self.hints), data, found.body, end)
        part.defects, part.hints = found.defects, self.hints
        if len(found.spans) > self.limits.fields:
            part.defects.append("fields cut")
        return part

    def grow(self, part: Part, depth: int, prefix: str) -> None:
        """Give a multipart its children. IMAP numbers them under the prefix of the message or multipart."""
        if not part.content_type.startswith("multipart/"):
            return
        if depth >= self.limits.nesting or self.parts >= self.limits.parts:
            self.note("nested too deep" if depth >= self.limits.nesting else "too many parts")
            return
        data, regions = self._regions(part)
        if not regions:
            part.defects.append("a multipart without parts")
            return
        default = "message/rfc822" if part.content_type == "multipart/digest" else ""
        for number, (start, end) in enumerate(regions, 1):
            if self.parts >= self.limits.parts:
                self.note("too many parts")
                return
            child = self.part(data, start, end, header_bytes=self.limits.part_header_bytes)
            if default and "content-type" not in child.head:
                child.head["Content-Type"] = default
            child.path = f"{prefix}.{number}" if prefix else str(number)
            child.in_message = part.in_message
            part.children.append(child)
            self.grow(child, depth + 1, child.path)

    def _regions(self, part: Part) -> tuple[bytes, list[tuple[int, int]]]:
        """The data the children lie in, and their regions. A base64 multipart (illegal, seen) is decoded
        first."""
        data, start, end = part.data, part.start, part.end
        if part.encoding in ("base64", "quoted-printable"):
            decoded = part.decoded()
            if b"\n--" in decoded or decoded.startswith(b"--"):
                part.defects.append("an encoded multipart")
                data, start, end = decoded, 0, len(decoded)
        boundary = part.word("boundary").encode("utf-8", "surrogateescape").rstrip()
        room = self.limits.parts - self.parts
        regions = split_at(data, start, end, boundary, room) if boundary else []
        if not regions:
            guessed = _DELIMITER.search(data, max(start - 1, 0), end)
            if guessed and guessed[1] != boundary:
                regions = split_at(data, start, end, guessed[1], room)
                part.defects.append("the boundary is missing or wrong, another was found")
        if regions and regions[-1][1] < 0:
            part.defects.append("no closing boundary")
            regions[-1] = (regions[-1][0], end)
        return data, regions


def split_at(data: bytes, start: int, end: int, boundary: bytes, most: int) -> list[tuple[int, int]]:
    """Regions between the delimiter lines of boundary; the last ends at -1 where the closing line is
    missing."""
    delimiter = b"--" + boundary
    regions: list[tuple[int, int]] = []
    opened = -1
    hit = data.find(delimiter, start, end)
    while hit >= 0 and len(regions) <= most:
        # bytes.find is what keeps a 25 MB attachment cheap; only the rare hit is looked at closer.
        tail = _TAIL.match(data, hit + len(delimiter), end)
        if tail is None or (hit > 0 and data[hit - 1] not in b"\r\n"):
            hit = data.find(delimiter, hit + 2, end)
            continue
        if opened >= 0:
            regions.append((opened, _before_newline(data, opened, hit)))
        opened = -1 if tail[1] else tail.end()
        if tail[1]:
            break
        hit = data.find(delimiter, tail.end(), end)
    if opened >= 0 and len(regions) <= most:
        regions.append((opened, -1))
    return regions


def _before_newline(data: bytes, start: int, end: int) -> int:
    """The line break before a delimiter belongs to the delimiter (RFC 2046 section 5.1.1)."""
    if end > start and data[end - 1 : end] == b"\n":
        end -= 1
    if end > start and data[end - 1 : end] == b"\r":
        end -= 1
    return end


def make_head(data: bytes, spans: list[list[int]], limits: Limits, hints: tuple[str, ...] = ()) -> Message:
    """A compat32 Message with the fields of the spans, bounded in number and size.

    Raw 8-bit bytes are decoded here: compat32 would turn them into U+FFFD as soon as a parameter is asked
    for.
    """
    head = Message()
    for start, end in spans[: limits.fields]:
        name, _, value = data[start : min(end, start + limits.field_bytes)].partition(b":")
        key = name.decode("ascii", "ignore").strip()
        room = limits.structured_bytes if key.lower().startswith("content-") else limits.field_bytes
        value = value[:room].strip(b" \t\r\n")
        text = value.decode("ascii") if value.isascii() else decode(value, "", hints)[0]
        head._headers.append((key, text))  # type: ignore[attr-defined]
    return head


def charset_hints(data: bytes) -> tuple[str, ...]:
    """Charsets that the message names anywhere near its top, once each."""
    found = (hit[1] or hit[2] for hit in _NAMED.finditer(data[:65536]))
    return tuple(dict.fromkeys(name.decode("ascii").lower() for name in found))[:8]


def build(raw: bytes, limits: Limits) -> tuple[Part, list[str]]:
    """The tree of a raw message, and what was repaired or cut. Never raises."""
    data, defects = normalise(raw)
    builder = _Builder(limits, charset_hints(data))
    root = builder.message(data, 0, len(data), "", 0, in_message=False)
    return root, defects + builder.defects


def build_inner(data: bytes, path: str, limits: Limits) -> tuple[Part, list[str]]:
    """The tree of a message inside a part: paths are numbered under the part's own (IMAP: 2.1, 2.2)."""
    data, defects = normalise(data)
    builder = _Builder(limits, charset_hints(data))
    root = builder.message(data, 0, len(data), path, 1, in_message=True)
    return root, defects + builder.defects
