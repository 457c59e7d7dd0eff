"""The original that a mail client quoted inline in a forward: who wrote it, its subject, its text.

Escalations come so. Everything found here is untrusted: it is what the text says, it may tie a message to a
case for somebody who belongs to the case, and must not change whose case it is.

Promises: never raises, linear, bounded. None where nothing says that the message is forwarded: a subject
prefix alone is no evidence, and below an answer's prefix ("Re:") a header block is history, not a forward.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailbridge.mail.quotes_attributions import attribution_end
from mailbridge.mail.quotes_blocks import belongs_to_block, header_block, header_label
from mailbridge.mail.quotes_lines import MAX_ATTEMPTS
from mailbridge.mail.quotes_marks import MAX_LINE, Kind, is_quote, is_rule, separator, unquoted
from mailbridge.mail.quotes_words import FORWARD_PREFIX, LABELS, REPLY_PREFIX
from mailbridge.model.message import Address

_SEARCHED_LINES: Final = 5_000
_GAP_LINES: Final = 6  # between "Begin forwarded message:" and the headers
_MAX_NAME: Final = 200
_MAX_SUBJECT: Final = 998
_EMAIL: Final = re.compile(
    r"""[^\s<>()\[\]\\,;:"@'|*]{1,64}(?:'[^\s<>()\[\]\\,;:"@|*]{1,40})?@[^\s<>()\[\]\\,;:"@'|*]{1,255}"""
)
_SUBJECT_LABELS: Final = sorted((w for w, f in LABELS.items() if f == "subject"), key=len, reverse=True)
_INLINE_SUBJECT: Final = re.compile(
    r"(?:" + "|".join(map(re.escape, _SUBJECT_LABELS)) + r")\s?[:：]", re.IGNORECASE
)
_INLINE_SUBJECT_BARE: Final = re.compile(
    r"(?<=[A-Z0-9])(?:" + "|".join(re.escape(w) for w in _SUBJECT_LABELS if len(w) > 3) + r")\s",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What the forwarded original says of itself. start is the line of the text with which it begins."""

    from_: Address | None
    subject: str
    text: str
    start: int
    marked: bool  # the client said "forwarded", not only quoted


def find_forwarded(text: str, *, subject: str = "") -> Forwarded | None:
    """The first original forwarded inline, or None. subject is the subject of the message that carries it."""
    lines = text.split("\n")
    forwards = bool(FORWARD_PREFIX.match(subject[:200]))
    answers = bool(REPLY_PREFIX.match(subject[:200])) and not forwards
    attempts = 0
    for at, line in enumerate(lines[:_SEARCHED_LINES]):
        if len(line) > 4 * MAX_LINE or not line.strip():
            continue
        attempts += ":" in line[:80] or "@" in line
        if attempts > MAX_ATTEMPTS:
            break
        if separator(line) is Kind.FORWARD:
            found = _below_mark(lines, at)
            if found:
                return found
        if not answers and header_label(line):
            found = _block(lines, at, at, marked=forwards)
            if found and (forwards or not is_quote(line)):
                return found
        if forwards:
            found = _attributed(lines, at, subject)
            if found:
                return found
    return None


def _below_mark(lines: Sequence[str], at: int) -> Forwarded | None:
    inline = _one_line(lines, at)
    if inline:
        return inline
    for below in range(at + 1, min(len(lines), at + 1 + _GAP_LINES)):
        body = unquoted(lines[below])
        if not body or is_rule(body):
            continue
        return _block(lines, below, at, marked=True) or _loose_block(lines, below, at)
    return None


def _block(lines: Sequence[str], at: int, start: int, *, marked: bool) -> Forwarded | None:
    block = header_block(lines, at)
    return _from_fields(lines, block[1], block[0], start, marked) if block else None


def _loose_block(lines: Sequence[str], at: int, start: int) -> Forwarded | None:
    """Below an explicit mark a sender is enough, or a subject."""
    fields: dict[str, str] = {}
    end = at
    while end < len(lines) and (found := header_label(lines[end])):
        fields.setdefault(found[0], found[1])
        end += 1
    if "from" in fields or "subject" in fields:
        return _from_fields(lines, fields, end, start, marked=True)
    return None


def _from_fields(
    lines: Sequence[str], fields: dict[str, str], end: int, start: int, marked: bool
) -> Forwarded:
    return Forwarded(
        parse_sender(fields.get("from", "")),
        fields.get("subject", "")[:_MAX_SUBJECT],
        _original_text(lines, end),
        _with_frame(lines, start),
        marked,
    )


def _with_frame(lines: Sequence[str], start: int) -> int:
    """Line at which the client's part begins: a framed word right above the headers belongs to it."""
    above = start
    while above > 0 and start - above < 3 and not lines[above - 1].strip():
        above -= 1
    return above - 1 if above > 0 and belongs_to_block(lines[above - 1]) else start


def _original_text(lines: Sequence[str], start: int) -> str:
    """The lines below, without one level of quote marks where the first has one."""
    rows = list(lines[start:])
    if rows and separator(rows[0]) is Kind.FORWARD:
        rows = rows[1:]  # Zoho closes the headers with the same mark
    first = next((row for row in rows if row.strip()), "")
    if is_quote(first):
        rows = [re.sub(r"^\s*> ?", "", row, count=1) for row in rows]
    return "\n".join(rows).strip("\n \t\xa0")


def parse_sender(value: str) -> Address | None:
    """Of a quoted From: "X <x@y>", "X [mailto:x@y]", "X <x@y<mailto:x@y>>", "X (x@y)", "x@y", "X"."""
    value = re.sub(r"\s+", " ", value[:1000]).strip()
    found = _EMAIL.search(re.sub(r"mailto:", " ", value, flags=re.IGNORECASE))
    if not found:
        name = value.strip(" \"'<>()[]*")[:_MAX_NAME]
        return Address(name, "") if name else None
    email = found[0].strip(".'*")
    place = value.find(email)
    name = value[: max(place, 0)]
    name = re.sub(r"(?:mailto:\s*)$", "", name, flags=re.IGNORECASE).strip(" \"'<>()[]*:,\t")
    if not name:
        tail = re.match(r"[\s>]*\(([^()]{1,200})\)", value[place + len(email) :])
        name = tail[1].strip() if tail else ""
    if _EMAIL.fullmatch(name):
        name = ""
    return Address(name[:_MAX_NAME], email)


def _one_line(lines: Sequence[str], at: int) -> Forwarded | None:
    """Yahoo's form: mark and all headers on one line, label after value without a blank."""
    bare = unquoted(lines[at]).strip()
    words, dashes, rest = bare.lstrip("- \t\xa0").partition("---")
    rest = rest.lstrip("- \t\xa0")
    found = header_label(rest) if dashes and words and rest else None
    if not found or found[0] != "from":
        return None
    mail = _EMAIL.search(found[1])
    sender = parse_sender(found[1][: mail.end() + 1]) if mail else None
    said = _INLINE_SUBJECT.search(rest) or _INLINE_SUBJECT_BARE.search(rest)
    subject = rest[said.end() :].strip() if said else ""
    return Forwarded(sender, subject[:_MAX_SUBJECT], _original_text(lines, at + 1), at, marked=True)


def _attributed(lines: Sequence[str], at: int, subject: str) -> Forwarded | None:
    """Outlook 2019 can forward with an attribution alone; the subject is then the message's, unprefixed."""
    end = attribution_end(lines, at)
    if not end:
        return None
    joined = " ".join(row.strip() for row in lines[at:end]).strip("\ufeff ")
    if "@" not in joined:
        return None
    bare = FORWARD_PREFIX.sub("", subject, count=1).strip()
    text = "\n".join(row[4:] if row.startswith("    ") else row for row in lines[end:])
    original = _original_text(text.split("\n"), 0)
    start = _with_frame(lines, at)
    return Forwarded(_attributed_sender(joined), bare[:_MAX_SUBJECT], original, start, marked=True)


def _attributed_sender(joined: str) -> Address | None:
    """The person of an attribution: words before the address, without date and verb."""
    mail = _EMAIL.search(joined)
    if not mail:
        return None
    before = joined[: mail.start()].rstrip("<([ \"'")
    quoted = re.search(r"\"([^\"]{1,200})$", before)
    name = quoted[1] if quoted else _name_at_end(before)
    return Address(name[:_MAX_NAME], mail[0].strip(".'"))


def _name_at_end(before: str) -> str:
    """The words at the end that can be a name: date and verb are in digits and small letters."""
    names: list[str] = []
    for word in reversed(before.split()):
        if any(c.isdigit() for c in word) or word.islower() or word.endswith((",", ":", ";")):
            break
        names.insert(0, word)
    return " ".join(names).strip("\"' ")
