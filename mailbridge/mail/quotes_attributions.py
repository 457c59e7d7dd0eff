"""The line above a quotation that says whom it quotes: "On Monday, Ann wrote:", in any language.

Promises: never raises; bounded: a line is joined with a few below it, and long lines are none.
Fails by not knowing a form: then the line stays, and the quotation's marks or headers have to tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mailbridge.mail.quotes_marks import (
    ADDRESS,
    DATE,
    MAX_LINE,
    TIME,
)
from mailbridge.mail.quotes_words import (
    LEAD,
    LONGEST_LABEL,
    PRONOUN,
    QUOTING,
    VERB,
)

MAX_ATTRIBUTION_LINES: Final = 6
_VERB_TAIL: Final = 30
MAX_NAME: Final = 80
_ISO_NAME = re.compile(
    r"\d{4}-\d\d-\d\d \d\d?:\d\d(?::\d\d)? (?:GMT|UTC)[+-]\d\d:?\d\d (?:[^\W\d_][^\s:;,=()]{0,30} ?){1,5}:?\Z"
)
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# GroupWise: ">>> Ann <ann@desk.example> 5/4/2026 3:07 PM >>>", and no mark below.
_BETWEEN_ARROWS = re.compile(r"\s*>{2,4} ?[^>\s].{0,200}\d.{0,40}>{2,4}\s*\Z")
_QUOTING_AT = re.compile(r"Quoting [^()\n]{1,100} \(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?\)\Z")
_AT_ON = re.compile(r"(?:at|on)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?。！？]\s*\Z")


def _is_attribution(text: str) -> bool:
    """A whole attribution, joined to one line. "On Monday I wrote:" is none: clients say a name."""
    text = text if text.isascii() else _DIRECTION.sub("", text)
    line = text.strip("*_-–— \t\xa0\ufeff>")
    return _attributes(line, text) and not PRONOUN.search(line)


def _attributes(line: str, text: str) -> bool:
    colon = text.rstrip("*_ \t\xa0").endswith((":", "："))
    if not colon:
        verb = VERB.search(line, max(0, len(line) - _VERB_TAIL))
        dated = verb and line.endswith(verb[0]) and DATE.search(line)
        if dated and (ADDRESS.search(line) or LEAD.match(line)):
            return True
        return bool(_ISO_NAME.match(line) or _QUOTING_AT.match(line))
    date, address = bool(DATE.search(line)), bool(ADDRESS.search(line))
    if address and ((date and TIME.search(line)) or QUOTING.match(line)):
        return True  # any language
    if date and QUOTING.match(line):
        return True
    if date or address or (_AT_ON.match(line) and TIME.search(line)):
        return bool(VERB.search(line)) or bool(_ISO_NAME.match(line))
    return False


def loose_attribution(text: str) -> bool:
    """What may be one where quoted lines follow at once: an address and a date, or an address and a colon."""
    if "@" not in text or len(text) > MAX_LINE:
        return False
    line = _DIRECTION.sub("", text).strip("*_-–— \t\xa0\ufeff")
    if not ADDRESS.search(line) or _SENTENCE_END.search(line):
        return False
    return bool(DATE.search(line) or line.endswith((":", "："))) and not PRONOUN.search(line)


def bare_attribution(text: str) -> bool:
    """Names and a verb alone: "Ann Desk wrote:"."""
    line = text[: MAX_NAME + 1].strip("*_ \t\xa0\ufeff")
    if len(line) > MAX_NAME or not line.endswith((":", "：")) or PRONOUN.search(line):
        return False
    verb = VERB.search(line)
    names = line[: verb.start()].split() if verb else []
    capital = 0 < len(names) <= 5 and all(name[:1].isupper() for name in names)
    return bool(verb and capital and not line[verb.end() :].strip(" :："))


def attribution_end(lines: Sequence[str], start: int) -> int:
    """Line after the attribution that begins at start, or 0. Clients wrap it over up to six lines."""
    first = lines[start]
    if len(first) > MAX_LINE or not plausible_start(first):
        return 0
    if _is_attribution(first):
        return start + 1
    if not _may_wrap(first):
        return 0
    joined, blanks = first.strip(), 0
    for at in range(start + 1, min(len(lines), start + 2 * MAX_ATTRIBUTION_LINES)):
        line = lines[at].strip()
        if not line:
            blanks += 1
            continue
        if blanks > 2 or len(joined) + len(line) > MAX_LINE:
            return 0
        if attribution_begins(line) and attribution_begins(first):
            return 0
        joined = f"{joined} {line}"
        if _is_attribution(joined):
            return at + 1
        if line.startswith(">") and "@" not in line and not VERB.search(line):
            return 0
    return 0


def attribution_begins(line: str) -> bool:
    """Begins like an attribution with a date, so that a wrapped one cannot have begun above it."""
    return bool(LEAD.match(line) and DATE.search(line[:60]))


def _may_wrap(first: str) -> bool:
    head = first.strip("*_- \t\xa0\ufeff")
    if _SENTENCE_END.search(head) and not head[-2:-1].isupper() and not head[-2:-1].isdigit():
        return False
    return bool(DATE.search(head) or (LEAD.match(head) and any(c.isdigit() for c in head[:40]))) or (
        bool(ADDRESS.search(head)) and len(head) < 160
    )


def plausible_start(line: str) -> bool:
    """Whether an attribution or a header block may begin here; keeps the costly tests off ordinary lines."""
    head = line.lstrip("*_-–—> \t\xa0\ufeff")[:90]
    return bool(head) and (
        any(c.isdigit() for c in head[:32])
        or "<" in head
        or "@" in head
        or bool(LEAD.match(head) or QUOTING.match(head))
        or ":" in head[: LONGEST_LABEL + 8]
        or "：" in head[: LONGEST_LABEL + 8]
    )


def between_arrows(text: str) -> bool:
    if _BETWEEN_ARROWS.match(text):
        return True
    return text.lstrip().startswith(">>> ") and _is_attribution(text)
