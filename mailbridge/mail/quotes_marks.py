"""The marks that stand alone on a line: quotation, rule, signature mark, "-----Original Message-----".

Promises: each function looks at one line, in time linear to its length, and never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailbridge.mail.quotes_words import (
    ABOVE,
    FORWARD_WORDS,
    ORIGINAL_WORDS,
    fold_words,
)

# Bounds, so that hostile text costs linear time: longer lines are never marks, and what follows after
# MAX_LINES is only told apart by its ">".
MAX_LINE: Final = 400
_RULE = re.compile(r"[-_=*~–—\s]{5,}\Z")
_DELIMITER = re.compile(r"\s{0,3}(?:-{2,4}|—|––|_{2,4})\s{0,3}\Z")
_LOOSE_DELIMITER = re.compile(r"\s*(?:-{3,4}|_{3,4})\s*\Z")
_FRAME = frozenset("-–—_=*")
_YEAR = r"(?:19|20)\d\d"
DATE = re.compile(
    rf"(?<!\d)(?:{_YEAR}(?!\d)|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{1,2}}[.:h]\d\d(?!\d)|\d{{4}}년"
    rf"|\d{{4}}年)"
)
TIME = re.compile(r"(?<!\d)\d{1,2}\s?[.:h]\s?\d\d(?!\d)")
ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")


class Kind(Enum):
    """What a line is."""

    BLANK = "blank"
    TEXT = "text"
    QUOTE = "quote"
    ATTRIBUTION = "attribution"  # "On ... wrote:"
    HISTORY = "history"  # from here to the end somebody else's words, without marks
    FORWARD = "forward"  # like HISTORY, and the client said that it forwards
    RULE = "rule"  # a line of dashes or underscores
    SIGNATURE = "signature"
    MOBILE = "mobile"  # "Sent from my iPhone"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end. kind is what HTML structure knows of it, or None."""

    text: str
    kind: Kind | None = None


def unquoted(text: str) -> str:
    """The line without its quote marks ("> > ")."""
    stripped = text.lstrip(" \t\xa0")
    while stripped.startswith((">", "|")) and not stripped.startswith(">From "):
        stripped = stripped[1:].lstrip(" \t\xa0")
    return stripped


def is_quote(text: str) -> bool:
    """Marked as quoted. "|" is a mark only where a table cannot begin."""
    stripped = text.lstrip(" \t\xa0")
    return stripped.startswith((">", "＞")) and not stripped.startswith(">From ")


def framed_words(text: str) -> str:
    """The words between dashes ("-----Original Message-----"), casefolded, or ""."""
    line = text[: MAX_LINE + 1].strip("> \t\xa0")
    if len(line) > MAX_LINE or len(line) < 6 or not set(line[:2]) <= _FRAME or not set(line[-2:]) <= _FRAME:
        return ""
    words = line.strip("-–—_=*: \t\xa0")
    return fold_words(re.split(r"[-–—]{2}", words, maxsplit=1)[0].strip(" *_.:"))


def separator(text: str) -> Kind | None:
    """HISTORY for "-----Original Message-----", FORWARD for "Begin forwarded message:", as known."""
    if not text or len(text) > MAX_LINE:
        return None
    bare = fold_words(unquoted(text).strip("*_ \t\xa0"))
    if bare.endswith((":", "：")) and bare.rstrip(":： ").strip() in FORWARD_WORDS:
        return Kind.FORWARD
    words = framed_words(text)
    if words in ORIGINAL_WORDS or (len(bare) <= 120 and ABOVE.fullmatch(bare.strip("-–—_=#*~:. \t\xa0"))):
        return Kind.HISTORY
    if words in FORWARD_WORDS or words.startswith("forwarded by ") or _names_sender(words):
        return Kind.FORWARD
    return _one_line_forward(bare)


def _names_sender(words: str) -> bool:
    """ "----- Forwarded message from Ann <ann@desk.example> -----"."""
    return "@" in words and any(words.startswith(f"{known} ") for known in FORWARD_WORDS)


def _one_line_forward(bare: str) -> Kind | None:
    """Yahoo puts marker and headers on one line: "----- Forwarded message ----- From: X <x@y>To: ..."."""
    if not bare.startswith("---"):
        return None
    words, dashes, rest = bare.lstrip("- \t\xa0").partition("---")
    if dashes and rest and words.strip(" -:") in FORWARD_WORDS | ORIGINAL_WORDS:
        return Kind.FORWARD if words.strip(" -:") in FORWARD_WORDS else Kind.HISTORY
    return None


def is_delimiter(text: str) -> bool:
    """The signature mark: "-- " (RFC 3676 section 4.3) and the forms that clients make of it."""
    return bool(text) and len(text) < 12 and bool(_DELIMITER.match(text))


def is_loose_delimiter(text: str) -> bool:
    """Three or four strokes: a signature mark for some, for others they part two thoughts."""
    return bool(_LOOSE_DELIMITER.match(text[:12])) and len(text) < 12


def is_rule(text: str) -> bool:
    return len(text) <= MAX_LINE and text.strip() != "" and bool(_RULE.match(text))
