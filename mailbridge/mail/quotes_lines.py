"""What each line of a message is: own words, quotation, attribution, header block, signature.

Promises: classify never raises, looks at each line a bounded number of times, and gives exactly one kind a
line. Fails by not knowing a form, and then says TEXT: what is not known is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from mailbridge.mail.quotes_attributions import (
    attribution_end,
    between_arrows,
    plausible_start,
)
from mailbridge.mail.quotes_blocks import (
    block_end,
)
from mailbridge.mail.quotes_marks import (
    MAX_LINE,
    Kind,
    Line,
    is_delimiter,
    is_quote,
    is_rule,
    separator,
)
from mailbridge.mail.quotes_mobile import is_mobile_signature

MAX_LINES: Final = 15_000
MAX_ATTEMPTS: Final = (
    2_000  # lines looked at for an attribution or block: each costs up to half a millisecond
)
_BARE_URL = re.compile(r"\s*[<(]?https?://[^\s<>]+[>)]?\s*")


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
            costly = attempts < MAX_ATTEMPTS and plausible_start(texts[at])
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
    if kind is Kind.QUOTE and len(text) <= MAX_LINE and between_arrows(text):
        return [Kind.ATTRIBUTION]
    if kind is not Kind.TEXT or len(text) > 4 * MAX_LINE:
        return [kind]
    found = separator(text)
    if found:
        return [found]
    below = block_end(texts, at) if costly else 0
    if below:
        return [Kind.HISTORY] * (below - at)
    end = attribution_end(texts, at) if costly else 0
    if end:
        return [Kind.ATTRIBUTION] * (end - at)
    if is_delimiter(text):
        return [Kind.SIGNATURE]
    if is_rule(text):
        return [Kind.RULE]
    return [Kind.MOBILE if is_mobile_signature(text) else Kind.TEXT]
