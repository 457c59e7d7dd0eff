"""What each line of a message is: own words, quotation, attribution, header block, signature.

Promises: classify never raises, looks at each line a bounded number of times, and gives exactly one kind a
line. Fails by not knowing a form, and then says TEXT: what is not known is kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailbridge.mail.quotes_mobile import is_mobile_signature
from mailbridge.mail.quotes_words import (
    ABOVE,
    FORWARD_WORDS,
    LABELS,
    LEAD,
    LONGEST_LABEL,
    ORIGINAL_WORDS,
    PRONOUN,
    QUOTING,
    VERB,
    fold_words,
)

# Bounds, so that hostile text costs linear time: longer lines are never marks, and what follows after
# MAX_LINES is only told apart by its ">".
MAX_LINE: Final = 400
MAX_LINES: Final = 15_000
MAX_ATTRIBUTION_LINES: Final = 6
MAX_BLOCK_LINES: Final = 30
MAX_ATTEMPTS: Final = (
    2_000  # lines looked at for an attribution or block: each costs up to half a millisecond
)
_VERB_TAIL: Final = 30
_LONG_RULE: Final = 20
MAX_NAME: Final = 80


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


_RULE = re.compile(r"[-_=*~–—\s]{5,}\Z")
_DELIMITER = re.compile(r"\s{0,3}(?:-{2,4}|—|––|_{2,4})\s{0,3}\Z")
_LOOSE_DELIMITER = re.compile(r"\s*(?:-{3,4}|_{3,4})\s*\Z")
_FRAME = frozenset("-–—_=*")
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<!\d)(?:{_YEAR}(?!\d)|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{1,2}}[.:h]\d\d(?!\d)|\d{{4}}년"
    rf"|\d{{4}}年)"
)
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[.:h]\s?\d\d(?!\d)")
_ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
_ISO_NAME = re.compile(
    r"\d{4}-\d\d-\d\d \d\d?:\d\d(?::\d\d)? (?:GMT|UTC)[+-]\d\d:?\d\d (?:[^\W\d_][^\s:;,=()]{0,30} ?){1,5}:?\Z"
)
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# GroupWise: ">>> Ann <ann@desk.example> 5/4/2026 3:07 PM >>>", and no mark below.
_BETWEEN_ARROWS = re.compile(r"\s*>{2,4} ?[^>\s].{0,200}\d.{0,40}>{2,4}\s*\Z")
_RAW_HEADER = re.compile(
    r"(?:received|return-path|dkim-signature|authentication-results|arc-[\w-]+|received-spf|x-[\w-]+):",
    re.IGNORECASE,
)
_LABELLED = re.compile(r"[*\s]*[^\W\d_][^:：@<>]{0,24}[:：]\*?\s*\S")
_NOTES_PREVIEW = re.compile(r".{1,80}---.{0,40}\d{1,2}[.:]\d\d.{0,12}---")
_BARE_URL = re.compile(r"\s*[<(]?https?://[^\s<>]+[>)]?\s*")
_QUOTING_AT = re.compile(r"Quoting [^()\n]{1,100} \(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?\)\Z")
_AT_ON = re.compile(r"(?:at|on)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?。！？]\s*\Z")


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
            last = "sent" if "sent" not in fields and _TIME.search(body) else "other"
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


def _plausible_start(line: str) -> bool:
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


def _is_attribution(text: str) -> bool:
    """A whole attribution, joined to one line. "On Monday I wrote:" is none: clients say a name."""
    text = text if text.isascii() else _DIRECTION.sub("", text)
    line = text.strip("*_-–— \t\xa0\ufeff>")
    return _attributes(line, text) and not PRONOUN.search(line)


def _attributes(line: str, text: str) -> bool:
    colon = text.rstrip("*_ \t\xa0").endswith((":", "："))
    if not colon:
        verb = VERB.search(line, max(0, len(line) - _VERB_TAIL))
        dated = verb and line.endswith(verb[0]) and _DATE.search(line)
        if dated and (_ADDRESS.search(line) or LEAD.match(line)):
            return True
        return bool(_ISO_NAME.match(line) or _QUOTING_AT.match(line))
    date, address = bool(_DATE.search(line)), bool(_ADDRESS.search(line))
    if address and ((date and _TIME.search(line)) or QUOTING.match(line)):
        return True  # any language
    if date and QUOTING.match(line):
        return True
    if date or address or (_AT_ON.match(line) and _TIME.search(line)):
        return bool(VERB.search(line)) or bool(_ISO_NAME.match(line))
    return False


def loose_attribution(text: str) -> bool:
    """What may be one where quoted lines follow at once: an address and a date, or an address and a colon."""
    if "@" not in text or len(text) > MAX_LINE:
        return False
    line = _DIRECTION.sub("", text).strip("*_-–— \t\xa0\ufeff")
    if not _ADDRESS.search(line) or _SENTENCE_END.search(line):
        return False
    return bool(_DATE.search(line) or line.endswith((":", "："))) and not PRONOUN.search(line)


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
    if len(first) > MAX_LINE or not _plausible_start(first):
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
    return bool(LEAD.match(line) and _DATE.search(line[:60]))


def _may_wrap(first: str) -> bool:
    head = first.strip("*_- \t\xa0\ufeff")
    if _SENTENCE_END.search(head) and not head[-2:-1].isupper() and not head[-2:-1].isdigit():
        return False
    return bool(_DATE.search(head) or (LEAD.match(head) and any(c.isdigit() for c in head[:40]))) or (
        bool(_ADDRESS.search(head)) and len(head) < 160
    )


def is_delimiter(text: str) -> bool:
    """The signature mark: "-- " (RFC 3676 section 4.3) and the forms that clients make of it."""
    return bool(text) and len(text) < 12 and bool(_DELIMITER.match(text))


def is_loose_delimiter(text: str) -> bool:
    """Three or four strokes: a signature mark for some, for others they part two thoughts."""
    return bool(_LOOSE_DELIMITER.match(text[:12])) and len(text) < 12


def is_rule(text: str) -> bool:
    return len(text) <= MAX_LINE and text.strip() != "" and bool(_RULE.match(text))


def classify(lines: Sequence[Line]) -> list[Kind]:
    """The kind of every line. A kind given by HTML structure stands."""
    texts = [line.text for line in lines]
    kinds: list[Kind] = []
    attempts = 0
    while len(kinds) < len(lines):
        at = len(kinds)
        given = lines[at].kind
        if given is not None:
            kinds.append(given)
        elif at >= MAX_LINES:
            kinds.append(_cheap(texts[at]))
        else:
            costly = attempts < MAX_ATTEMPTS and _plausible_start(texts[at])
            attempts += costly
            kinds.extend(_classify_at(texts, at, costly=costly))
    del kinds[len(lines) :]
    _doubt_mobile(texts, kinds)
    for at in range(1, len(kinds)):
        if kinds[at - 1] is Kind.MOBILE and kinds[at] is Kind.TEXT and _is_url(texts[at]):
            kinds[at] = Kind.MOBILE
    return kinds


def _is_url(text: str) -> bool:
    return bool(_BARE_URL.fullmatch(text[:MAX_LINE]))


def _doubt_mobile(texts: Sequence[str], kinds: list[Kind]) -> None:
    """A telephone's line stands alone: "sent from my phone" within a paragraph is what the person wrote."""
    for at, kind in enumerate(kinds):
        if kind is not Kind.MOBILE:
            continue
        goes_on = at + 1 < len(kinds) and kinds[at + 1] is Kind.TEXT and not _is_url(texts[at + 1])
        below_text = at > 0 and kinds[at - 1] is Kind.TEXT
        if goes_on or (below_text and texts[at].lstrip()[:1].islower()):
            kinds[at] = Kind.TEXT


def _block_end(texts: Sequence[str], at: int) -> int:
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
    dated = any(_TIME.search(row[:MAX_LINE]) for row in texts[at + 1 : end])
    return end if end - at >= 4 and dated and _ADDRESS.search(texts[at][:MAX_LINE]) else 0


def belongs_to_block(text: str) -> bool:
    """A line right above a block that the client wrote with it: a framed word, Notes' line of preview."""
    return len(text) <= MAX_LINE and bool(framed_words(text) or _NOTES_PREVIEW.match(text))


def _between_arrows(text: str) -> bool:
    if _BETWEEN_ARROWS.match(text):
        return True
    return text.lstrip().startswith(">>> ") and _is_attribution(text)


def _cheap(text: str) -> Kind:
    if not text or text.isspace():
        return Kind.BLANK
    return Kind.QUOTE if is_quote(text) else Kind.TEXT


def _classify_at(texts: Sequence[str], at: int, *, costly: bool) -> list[Kind]:
    """The kinds of the line at `at` and of those that belong to the same mark.

    costly: whether the line may be tried as the begin of an attribution or of a block.
    """
    text = texts[at]
    kind = _cheap(text)
    if kind is Kind.QUOTE and len(text) <= MAX_LINE and _between_arrows(text):
        return [Kind.ATTRIBUTION]
    if kind is not Kind.TEXT or len(text) > 4 * MAX_LINE:
        return [kind]
    found = separator(text)
    if found:
        return [found]
    block_end = _block_end(texts, at) if costly else 0
    if block_end:
        return [Kind.HISTORY] * (block_end - at)
    end = attribution_end(texts, at) if costly else 0
    if end:
        return [Kind.ATTRIBUTION] * (end - at)
    if is_delimiter(text):
        return [Kind.SIGNATURE]
    if is_rule(text):
        return [Kind.RULE]
    return [Kind.MOBILE if is_mobile_signature(text) else Kind.TEXT]
