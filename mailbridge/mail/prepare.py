"""The bytes of a message made readable: line ends, mbox lines and header blocks that are broken at the edges.

Promises: pure and total; the same bytes give the same result, so that a part's path found in one reading
finds the same part in the next. The raw message itself is never changed, only the copy that is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_KNOWN = re.compile(
    rb"(?:content-[a-z-]+|mime-version|subject|from|to|cc|date|received|message-id|reply-to|return-path|references|"
    rb"in-reply-to|sender|x-[\w-]+|delivered-to|list-[\w-]+|dkim-signature|arc-[\w-]+|"
    rb"thread-[\w-]+|importance)[ \t]*:",
    re.I,
)
_MBOX = re.compile(rb">?From [^\r\n]*\r?\n")
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


def normalise(raw: bytes) -> tuple[bytes, list[str]]:
    """A copy with usable line ends and without what stands before the header, and what was repaired."""
    defects: list[str] = []
    head = raw[:65536]
    if b"\n" not in head and b"\r" in head:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        defects.append("lines end in CR alone")
    elif b"\r\r\n" in head:
        raw = raw.replace(b"\r\r\n", b"\r\n")
        defects.append("lines end in CR CR LF")
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raw, kind = _without_bom(raw)
        defects.append(kind)
    stripped = raw.lstrip(b"\r\n") if raw[:1] in b"\r\n" else raw
    if stripped is not raw and stripped:
        defects.append("blank lines before the header")
        raw = stripped
    mbox = _MBOX.match(raw)
    if mbox:
        raw = raw[mbox.end() :]
        defects.append("an mbox From line before the header")
    return raw, defects


def _without_bom(raw: bytes) -> tuple[bytes, str]:
    if raw.startswith(b"\xef\xbb\xbf"):
        return raw[3:], "a byte order mark before the header"
    try:
        return raw.decode("utf-16").encode("utf-8", "ignore"), "the whole message is UTF-16"
    except UnicodeError:
        return raw[2:], "a byte order mark before the header"


@dataclass(slots=True)
class Head:
    """A header block: its fields as spans of the data (folds included), where the body begins, what was
    repaired."""

    spans: list[list[int]] = field(default_factory=list)
    body: int = 0
    defects: list[str] = field(default_factory=list)

    def note(self, defect: str) -> None:
        if defect not in self.defects:
            self.defects.append(defect)


def read_head(data: bytes, start: int, end: int, limit: int, *, part: bool = False) -> Head:
    """The header block of data[start:end].

    A line that is no field ends the header, unless known fields follow before a blank line: then it is junk.
    limit bounds the bytes kept; the rest of an oversized header is passed over, not taken for body. A body
    part may have no header at all (RFC 2046 section 5.1); in a message that is a defect.
    """
    head = Head(body=end)
    for hit in _LINE.finditer(data, start, end):
        bare = hit[0].rstrip(b"\r\n")
        kind = _line_kind(data, hit, bare, bool(head.spans), end) if bare else "end"
        if kind == "end":
            head.body = hit.end()
            return head
        if kind == "body":
            if head.spans or not part:
                head.note("no blank line between header and body")
            head.body = hit.end() if not bare.strip() else hit.start()
            return head
        if hit.end() - start > limit:
            head.note("header cut")
        elif kind == "fold":
            head.spans[-1][1] = hit.end()
        elif kind == "field":
            head.spans.append([hit.start(), hit.end()])
        else:
            head.note("junk in the header")
    return head


def _line_kind(data: bytes, hit: re.Match[bytes], bare: bytes, begun: bool, end: int) -> str:
    if bare[:1] in b" \t" and begun:
        if bare.strip() or _more_header(data, hit.end(), end):
            return "fold"
        return "body"
    if _FIELD.match(bare):
        return "field"
    return "junk" if _more_header(data, hit.end(), end) else "body"


def _more_header(data: bytes, position: int, end: int) -> bool:
    """Whether a well-known field stands within the next few lines, before a blank one."""
    for count, hit in enumerate(_LINE.finditer(data, position, min(end, position + 4000))):
        bare = hit[0].strip()
        if not bare or count > 4:
            return False
        if _KNOWN.match(hit[0]):
            return True
    return False
