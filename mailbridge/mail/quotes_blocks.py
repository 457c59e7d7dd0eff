"""The block of headers above history without marks ("From: ... Sent: ... Subject: ..."), in any language.

Promises: never raises; a block has at most MAX_BLOCK_LINES lines. Fails by not knowing a label where too few
of the others are known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from mailbridge.mail.quotes_marks import (
    ADDRESS,
    MAX_LINE,
    TIME,
    framed_words,
    is_rule,
    unquoted,
)
from mailbridge.mail.quotes_words import (
    LABELS,
    LONGEST_LABEL,
)

MAX_BLOCK_LINES: Final = 30
_LONG_RULE: Final = 20
_RAW_HEADER = re.compile(
    r"(?:received|return-path|dkim-signature|authentication-results|arc-[\w-]+|received-spf|x-[\w-]+):",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"[*\s]*[^\W\d_][^:：@<>]{0,24}[:：]\*?\s*\S")
_NOTES_PREVIEW = re.compile(r".{1,80}---.{0,40}\d{1,2}[.:]\d\d.{0,12}---")


def header_label(text: str) -> tuple[str, str] | None:
    """(field, value) where the line is a header of a quoted block: "*Von:* X", "Subject : X", "件名：X"."""
    line = unquoted(text[: MAX_LINE * 4])
    cut = min((at for at in (line.find(":"), line.find("："), line.find("∶")) if at >= 0), default=-1)
    if cut < 1 or cut > LONGEST_LABEL + 8:
        return None
    label = line[:cut].strip("*_ \t\xa0[]").casefold()
    field = LABELS.get(label)
    return (field, line[cut + 1 :].strip("*_ \t\xa0")) if field else None


def header_block(lines: Sequence[str], start: int) -> tuple[int, dict[str, str]] | None:
    """(line after the block, value by field) where a block of headers begins at start.

    Outlook writes such a block above unmarked history, most clients above a forwarded mail. Needed: a sender,
    two more fields, one of them subject or date, and a subject or an address, so that "From: Paris / To:
    London" of a travel desk is text.
    """
    fields: dict[str, str] = {}
    seen: Counter[str] = Counter()
    last, at, end, blanks = "", start, start, 0
    while at < min(len(lines), start + MAX_BLOCK_LINES):
        line = lines[at]
        body = unquoted(line[: MAX_LINE * 4])
        found = header_label(line)
        if found:
            last = found[0]
            seen[last] += 1
            if seen[last] > (1 if last in ("from", "subject") else 4):
                break
            fields[last] = f"{fields.get(last, '')} {found[1]}".strip()
            end, blanks = at + 1, 0
        elif not body:
            blanks += 1
            if blanks > 1:
                break
        elif blanks == 0 and "@" in fields.get("from", "") and _LABELLED.match(body):
            # A label that no table knows stands among known ones: its value tells what it is.
            last = "sent" if "sent" not in fields and TIME.search(body) else "other"
            fields.setdefault(last, body.partition(":")[2].strip())
            end = at + 1
        elif blanks == 0 and _continues(line, body, last, fields.get(last, "")):
            fields[last] = f"{fields[last]} {body}".strip()
            end = at + 1
        else:
            break
        at += 1
    known = {"from", "sent", "to", "cc", "subject"} & fields.keys()
    enough = "from" in known and len(known) >= 3 and known & {"sent", "subject"}
    if not enough:
        return None
    if not any("@" in value for value in fields.values()) and not (
        "subject" in known and ("sent" not in known or any(c.isdigit() for c in fields["sent"]))
    ):
        return None
    return end, fields


def _continues(line: str, body: str, last: str, value: str) -> bool:
    """A long list of recipients goes on on the next line; so does a folded subject, when it is indented."""
    if last in ("to", "cc", "from"):
        return "@" in body or body.endswith((";", ",")) or value.endswith((";", ","))
    return bool(last) and line.startswith(("\t", "    ")) and len(body) < 120


def block_end(texts: Sequence[str], at: int) -> int:
    """Line after the block of headers at `at`, or 0. Raw headers that somebody pasted are no such block."""
    if not header_label(texts[at]):
        return _shaped_block_end(texts, at)
    block = header_block(texts, at)
    if block is None:
        return 0
    around = (*texts[max(0, at - 4) : at], *texts[at : block[0] + 4])
    return 0 if any(_RAW_HEADER.match(row[:40]) for row in around) else block[0]


def _shaped_block_end(texts: Sequence[str], at: int) -> int:
    """A block in a language of no table: below a long rule, labels with an address first and a time."""
    if at == 0 or len(texts[at - 1].strip()) < _LONG_RULE or not is_rule(texts[at - 1]):
        return 0
    end = at
    while end < min(len(texts), at + 8) and _LABELLED.match(texts[end][:MAX_LINE]):
        end += 1
    dated = any(TIME.search(row[:MAX_LINE]) for row in texts[at + 1 : end])
    return end if end - at >= 4 and dated and ADDRESS.search(texts[at][:MAX_LINE]) else 0


def belongs_to_block(text: str) -> bool:
    """A line right above a block that the client wrote with it: a framed word, Notes' line of preview."""
    return len(text) <= MAX_LINE and bool(framed_words(text) or _NOTES_PREVIEW.match(text))
