"""The new text of a message: what the person wrote, without quoted history and signature.

Promises: never raises; linear time; every line given back stands in the text; when in doubt a line is kept.
What is taken away: an answer's history (marked with ">" or below a header block or an attribution), the
signature after "-- ", lines that telephones and mail programs add. Answers between quoted lines stay in
place, with the lines that they answer. If nothing would be left, the whole text is given back.

Fails softly: a client or language that the tables do not know leaves history in the new text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from mailbridge.mail.quotes_attributions import bare_attribution, loose_attribution
from mailbridge.mail.quotes_blocks import belongs_to_block, header_label
from mailbridge.mail.quotes_lines import MAX_ATTEMPTS, MAX_LINES, classify
from mailbridge.mail.quotes_marks import Kind, Line, is_delimiter, is_loose_delimiter, is_rule, separator
from mailbridge.mail.quotes_words import VERB

_OWN: Final = (Kind.TEXT,)
# "My answers are below, in red": then history without marks holds new words, and nothing is
# cut.
_INLINE: Final = re.compile(
    r"\b(?:(?:my |our )?(?:answers?|comments?|replies|responses?|notes|remarks)\b.{0,30}\b(?:below|inline"
    r"|in[- ]line|in (?:red|blue"
    r"|green|bold|caps|colou?r)|within|interspersed)|(?:see|cf\.?|please find)\b.{0,30}\b(?:inline|in[- "
    r"]line|in (?:red|blue|green"
    r"|bold))|(?:answered|commented|replied|responded) (?:inline|in[- ]line|below|within|in (?:red|blue"
    r"|green|bold))"
    r"|(?:antworten?|anmerkungen|kommentare?)\b.{0,40}\b(?:unten|im text|inline|in (?:rot|blau|grün))|siehe "
    r"(?:unten )?(?:im text"
    r"|in (?:rot|blau|grün))|(?:réponses?|commentaires?)\b.{0,40}\b(?:ci-dessous|dans le texte|en (?:rouge"
    r"|bleu|vert|gras))"
    r"|(?:respuestas?|comentarios?)\b.{0,40}\b(?:abajo|en (?:rojo|azul|verde))|(?:risposte"
    r"|commenti)\b.{0,40}\b(?:sotto|in (?:rosso|blu))"
    r"|(?:antwoorden|opmerkingen)\b.{0,40}\b(?:hieronder|in (?:rood|blauw))"
    r"|(?:respostas?)\b.{0,40}\b(?:abaixo|em (?:vermelho|azul)))",
    re.IGNORECASE,
)
_INITIALS: Final = re.compile(r"\s{0,2}([A-Z][A-Za-z]{0,3})>{1,3}(?:\s|\Z)")
_POSTSCRIPT: Final = re.compile(r"\s*(?:p\.?\s?p?\.?s\b|nb\b|n\.b\.)", re.IGNORECASE)
_LIST_FOOTER: Final = re.compile(r"mailing list|listinfo|unsubscribe|list-?manager|mailman", re.IGNORECASE)
_SOFT_SIGNATURE_LINES: Final = 20  # "--" without the blank also parts sections of a text
_ASKED_LINES: Final = 8  # a question below a soft mark: the text goes on
_QUOTED_LINES: Final = 200  # looked at for quoted headers
_CARD_LINES: Final = 6
_WRAP_WIDTH: Final = 60
_BARE: Final = re.compile(r"(?:[^\W_][^\s:]*\s+){1,7}(?!said\b|says\b)[^\s:]{2,20}\s?:")
_BARE_TAIL: Final = 20


@dataclass(frozen=True, slots=True)
class Stripped:
    """What was found. whole: nothing was taken away but blank edges. forward: the client says it forwards."""

    text: str
    whole: bool
    forward: bool
    empty: bool  # nothing but history and signature; text is then the whole


def split_lines(text: str) -> list[Line]:
    """The text as lines; what comes behind MAX_LINES is one of them, and kept or dropped as one."""
    return [Line(row) for row in text.split("\n", MAX_LINES)]


def reply_text(text: str, *, answering: bool = True) -> str:
    """The new part of a plain text; the whole of it (trimmed) if nothing would be left.

    answering: whether the message is an answer; then unmarked text below a telephone's signature is history.
    """
    return strip_lines(split_lines(text.replace("\r\n", "\n").replace("\r", "\n")), answering=answering).text


def strip_lines(lines: Sequence[Line], *, answering: bool = True) -> Stripped:
    """Take quoted history and signature away."""
    kinds = classify(lines)
    texts = [line.text for line in lines]
    _mark_initials(texts, kinds)
    if answering:
        _mark_loose_attributions(texts, kinds)
    _mend_wrapped_quotes(texts, kinds)
    if not answering:
        _keep_evidence(texts, kinds)
    _mark_signatures(texts, kinds)
    _mark_bare_attribution(texts, kinds)
    forward = Kind.FORWARD in kinds
    end = _history_start(texts, kinds)
    if end < len(kinds):
        del kinds[end:]
    else:
        forward = False
    _drop_after_mobile(texts, kinds, answering)
    keep = _keep(kinds)
    kept = [row for row, wanted in zip(texts, keep, strict=False) if wanted]
    new = _trim(kept)
    whole = _trim(texts)
    if not new:
        return Stripped(whole, whole=True, forward=Kind.FORWARD in kinds or forward, empty=True)
    return Stripped(new, whole=len(new) == len(whole), forward=forward, empty=False)


def _trim(rows: Sequence[str]) -> str:
    """Joined, without blank lines and rules at the ends; more than two blank lines in a row become two."""
    result: list[str] = []
    blanks = 0
    for row in rows:
        blanks = blanks + 1 if not row.strip() else 0
        if blanks <= 2:
            result.append(row.rstrip() if row.strip() else "")
    while result and result[-1].strip("\ufeff\u1427 ") == "":  # U+1427: the mark of a mail tracker
        result.pop()
    while result and not result[0]:
        result.pop(0)
    return "\n".join(result).strip("\n\ufeff").rstrip()


def _own_before(kinds: Sequence[Kind], end: int) -> bool:
    return any(kind in _OWN for kind in kinds[:end])


def _next_solid(kinds: Sequence[Kind], at: int) -> Kind | None:
    return next((kind for kind in kinds[at:] if kind is not Kind.BLANK), None)


def _history_start(texts: Sequence[str], kinds: list[Kind]) -> int:
    """Line from which on all is unmarked history, or len(kinds); an attribution above all words is none."""
    seen_own = False
    at = 0
    while at < len(kinds):
        kind = kinds[at]
        if kind in (Kind.HISTORY, Kind.FORWARD):
            end = _below_block(kinds, at) if not seen_own else 0
            if not end:
                return _cut(texts, kinds, at, seen_own)
            kinds[at:end] = [Kind.ATTRIBUTION] * (end - at)
            at = end
            continue
        if kind is Kind.ATTRIBUTION:
            end = at
            while end < len(kinds) and kinds[end] is Kind.ATTRIBUTION:
                end += 1
            follows = _next_solid(kinds, end)
            if follows is Kind.TEXT and seen_own:
                return _cut(texts, kinds, at, seen_own)
            if follows is Kind.TEXT and Kind.QUOTE not in kinds and "@" not in "".join(texts[at:end]):
                kinds[at:end] = _OWN * (end - at)  # nothing quoted, nothing above: told in prose
                seen_own = True
            if follows in (Kind.HISTORY, Kind.FORWARD):
                return _cut(texts, kinds, at, seen_own)
            at = end
            continue
        seen_own = seen_own or kind in _OWN
        at += 1
    return len(kinds)


def _below_block(kinds: Sequence[Kind], at: int) -> int:
    """Line after the headers at the very top that stand above a marked quotation, answered below; else 0."""
    end = at
    while end < len(kinds) and kinds[end] in (Kind.HISTORY, Kind.BLANK):
        end += 1
    quoted = end < len(kinds) and kinds[end] is Kind.QUOTE and Kind.FORWARD not in kinds
    return end if quoted and Kind.TEXT in kinds[end:] else 0


def _cut(texts: Sequence[str], kinds: list[Kind], at: int, seen_own: bool) -> int:
    """Cut here, unless the person says that the answers stand below, in history without marks."""
    above = "\n".join(texts[max(0, at - 40) : at])
    if seen_own and len(above) < 4000 and _INLINE.search(above) and Kind.QUOTE not in kinds[at:]:
        for index in range(at, len(kinds)):
            kinds[index] = Kind.BLANK if kinds[index] is Kind.BLANK else Kind.TEXT
        return len(kinds)
    start = _above_blanks(kinds, at)
    if kinds[at] is Kind.HISTORY and start > 0 and belongs_to_block(texts[start - 1]):
        start = _above_blanks(kinds, start - 1)
    return start


def _above_blanks(kinds: Sequence[Kind], at: int) -> int:
    while at > 0 and kinds[at - 1] in (Kind.BLANK, Kind.RULE):
        at -= 1
    return at


def _mark_initials(texts: Sequence[str], kinds: list[Kind]) -> None:
    """The Bat and Gnus quote with initials ("AD> text"): known by the line right below an attribution."""
    marks: set[str] = set()
    for at in range(1, len(kinds)):
        if kinds[at] is Kind.TEXT and kinds[at - 1] in (Kind.ATTRIBUTION, Kind.BLANK):
            found = _INITIALS.match(texts[at])
            if found and found[1] not in marks and _last_solid(kinds, at) is Kind.ATTRIBUTION:
                marks.add(found[1])
    if not marks:
        return
    for at, kind in enumerate(kinds):
        if kind is Kind.TEXT and (found := _INITIALS.match(texts[at])) and found[1] in marks:
            kinds[at] = Kind.QUOTE


def _mark_loose_attributions(texts: Sequence[str], kinds: list[Kind]) -> None:
    """In an answer what stands right above marked lines with an address and a date names whom they quote,
    in any language; so does a bare "Ann Desk wrote:", unless own words stand on both sides."""
    own = [at for at, kind in enumerate(kinds) if kind is Kind.TEXT]
    for at in own[:MAX_ATTEMPTS]:
        below = at + 1 if at + 1 < len(kinds) and kinds[at + 1] is not Kind.BLANK else at + 2
        if below >= len(kinds) or kinds[below] is not Kind.QUOTE:
            continue
        between = own[0] < at and own[-1] > below
        if loose_attribution(texts[at]) or (not between and bare_attribution(texts[at])):
            kinds[at] = Kind.ATTRIBUTION
        elif at and kinds[at - 1] is Kind.TEXT and loose_attribution(f"{texts[at - 1]} {texts[at]}"):
            kinds[at - 1 : at + 1] = [Kind.ATTRIBUTION] * 2


def _last_solid(kinds: Sequence[Kind], at: int) -> Kind | None:
    return next((kind for kind in reversed(kinds[max(0, at - 4) : at]) if kind is not Kind.BLANK), None)


def _keep_evidence(texts: Sequence[str], kinds: list[Kind]) -> None:
    """In a first message a quotation of nobody is what the person shows: a log, a display, a shell's line."""
    for at, kind in enumerate(kinds):
        if kind is Kind.HISTORY and _next_solid(kinds, at + 1) is Kind.TEXT and separator(texts[at]):
            kinds[at] = Kind.TEXT  # "-----Original Message-----" and no mail below it: a person tells of it
    if any(kind in (Kind.ATTRIBUTION, Kind.HISTORY, Kind.FORWARD) for kind in kinds):
        return
    quoted = [at for at, kind in enumerate(kinds) if kind is Kind.QUOTE]
    if any(separator(texts[at]) or header_label(texts[at]) for at in quoted[:_QUOTED_LINES]):
        return  # a mail after all: its headers are quoted with it
    for at in quoted:
        kinds[at] = Kind.TEXT


def _mend_wrapped_quotes(texts: Sequence[str], kinds: list[Kind]) -> None:
    """A relay wraps "> long line" and the rest loses its mark. Such rests are quote, where all look so.

    A rest stands directly between two quoted lines, below a long one, and begins with a small letter. At
    least one must break a sentence: an answer may be short and small too.
    """
    rests = [
        at
        for at in range(1, len(kinds) - 1)
        if kinds[at] is Kind.TEXT and kinds[at - 1] is Kind.QUOTE and kinds[at + 1] is Kind.QUOTE
    ]
    if not rests:
        return
    small = [at for at in rests if texts[at][:1].islower() and len(texts[at - 1]) >= _WRAP_WIDTH]
    broken = [at for at in small if not texts[at - 1].rstrip().endswith((".", "?", "!", ":", ";"))]
    if broken and len(small) == len(rests) and _own_before(kinds, rests[0]):
        for at in rests:
            kinds[at] = Kind.QUOTE


def _mark_signatures(texts: Sequence[str], kinds: list[Kind]) -> None:
    """From a signature mark to the next quotation or history all is signature. One pass."""
    at, own = 0, False
    marks = [at for at, kind in enumerate(kinds) if kind is Kind.SIGNATURE]
    strokes = sum(1 for mark in marks if is_loose_delimiter(texts[mark]))
    while at < len(kinds):
        if kinds[at] is Kind.TEXT:
            own = True
        if kinds[at] is Kind.RULE and _is_list_footer(texts, kinds, at):
            kinds[at] = Kind.SIGNATURE
        if kinds[at] is not Kind.SIGNATURE:
            at += 1
            continue
        end = _signature_end(kinds, at)
        if is_loose_delimiter(texts[at]) and (strokes > 1 or not _is_card(texts[at + 1 : end])):
            kinds[at] = Kind.RULE
            at += 1
            continue
        exact = texts[at].rstrip("\r\n") == "-- "
        asks = not exact and any(row.rstrip().endswith(("?", "？")) for row in texts[at:end][:_ASKED_LINES])
        if not is_delimiter(texts[at]) or (own and not asks and (exact or _short(kinds, at, end))):
            stop = end if is_delimiter(texts[at]) or is_rule(texts[at]) else at + 1
            kinds[at:stop] = [Kind.SIGNATURE] * (stop - at)
            at = stop
        elif asks or (not own and _next_solid(kinds, at + 1) is Kind.TEXT):
            kinds[at] = Kind.TEXT
        else:
            kinds[at] = Kind.TEXT if not _short(kinds, at, end) else Kind.SIGNATURE
            at += 1


def _mark_bare_attribution(texts: Sequence[str], kinds: list[Kind]) -> None:
    """ "Ann wrote:", a paragraph without date or address, right above the quotation that ends the text.

    Only there, as that quotation is dropped anyway; "The server said:" is a customer's own sentence.
    """
    last = max((at for at, kind in enumerate(kinds) if kind is Kind.TEXT), default=0)
    if _next_solid(kinds, last + 1) is not Kind.QUOTE or not _own_before(kinds, last):
        return
    line = texts[last].strip()
    alone = kinds[last - 1] is Kind.BLANK and Kind.QUOTE in kinds[last + 1 : last + 3]
    if alone and _BARE.fullmatch(line) and VERB.search(line[-_BARE_TAIL:]):
        kinds[last] = Kind.ATTRIBUTION


def _signature_end(kinds: Sequence[Kind], at: int) -> int:
    stops = (Kind.QUOTE, Kind.ATTRIBUTION, Kind.HISTORY, Kind.FORWARD)
    return next((i for i in range(at + 1, len(kinds)) if kinds[i] in stops), len(kinds))


def _is_card(rows: Sequence[str]) -> bool:
    """A few short lines without a sentence among them, right below the mark: name, firm, telephone."""
    lines = [row.strip() for row in rows if row.strip()]
    if not rows or not rows[0].strip() or not 0 < len(lines) <= _CARD_LINES:
        return False
    return all(len(line) < _WRAP_WIDTH and line[-1] not in ".?!:;," for line in lines)


def _short(kinds: Sequence[Kind], at: int, end: int) -> bool:
    return sum(1 for kind in kinds[at:end] if kind is not Kind.BLANK) <= _SOFT_SIGNATURE_LINES


def _is_list_footer(texts: Sequence[str], kinds: Sequence[Kind], at: int) -> bool:
    """A rule and, at the very end, a few lines of a mailing list."""
    rest = [row for row in texts[at + 1 : at + 12] if row.strip()]
    return (
        at + 12 >= len(kinds) and 0 < len(rest) <= 8 and any(_LIST_FOOTER.search(row[:300]) for row in rest)
    )


def _drop_after_mobile(texts: Sequence[str], kinds: list[Kind], answering: bool) -> None:
    """Below a telephone's signature an answer's unmarked text is history, unless it is a postscript."""
    at = next((i for i, kind in enumerate(kinds) if kind is Kind.MOBILE), None)
    if at is None or not answering or not _own_before(kinds, at):
        return
    after = next((i for i in range(at, len(kinds)) if kinds[i] is Kind.TEXT), None)
    if after is None or _POSTSCRIPT.match(texts[after]):
        return
    if not any(kind in (Kind.QUOTE, Kind.ATTRIBUTION) for kind in kinds[at:]):
        del kinds[_above_blanks(kinds, after) :]


def _keep(kinds: Sequence[Kind]) -> list[bool]:
    """Which lines stay. Quotations stay only between answers, or where nobody is named whom they quote."""
    blocks = _blocks(kinds)
    own = [index for index, (is_quotation, _, _, _) in enumerate(blocks) if not is_quotation]
    keep = [False] * len(kinds)
    if not own:
        return keep
    quotations = {index for index, block in enumerate(blocks) if block[0] and index < own[-1]}
    interleaved = len(quotations) > 1
    top = kinds[: blocks[0][2]]
    if not blocks[0][0] and all(kind in (Kind.RULE, Kind.BLANK) for kind in top):
        keep[: len(top)] = [True] * len(top)  # a text may begin with a rule
    for index, (is_quotation, attributed, start, end) in enumerate(blocks):
        stays = not is_quotation or (index in quotations and (interleaved or not attributed))
        for at in range(start, end):
            keep[at] = stays and kinds[at] in (Kind.TEXT, Kind.QUOTE, Kind.BLANK, Kind.RULE)
        if index and start and not stays:
            for at in range(_above_blanks(kinds, start), start):
                keep[at] = kinds[at] is Kind.BLANK  # the client's rule above what goes
    return keep


def _blocks(kinds: Sequence[Kind]) -> list[tuple[bool, bool, int, int]]:
    """Runs of (is quotation, names whom it quotes, start, end); blanks go with what stands above."""
    marks = [at for at, kind in enumerate(kinds) if kind in (Kind.TEXT, Kind.QUOTE, Kind.ATTRIBUTION)]
    starts: list[tuple[int, bool]] = []
    for at in marks:
        quotation = kinds[at] is not Kind.TEXT
        if not starts or starts[-1][1] is not quotation:
            starts.append((at, quotation))
    edges = [*starts, (len(kinds), False)]
    return [
        (quotation, Kind.ATTRIBUTION in kinds[start:end], start, end)
        for (start, quotation), (end, _) in pairwise(edges)
    ]
