"""Names of contacts, accounts and products lift the right one of several alternatives.

A recogniser knows nothing of the caller's product; the store does. Where a doubtful utterance has an
alternative that holds a known name and is hardly less likely, that alternative wins, and only where it
differs. Only words of the model's own vocabulary can be lifted. The words put in keep the doubt of those
they replace. Pure; never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any, Protocol

ALTERNATIVES = 8
MOST_PHRASES = 5000
_BONUS = (
    4.0  # log likelihood (of Vosk's alternatives, a few hundred an utterance) that one lifted word is worth
)
Phrases = frozenset[tuple[str, ...]]
Row = tuple[str, float, float, float]


class Heard(Protocol):
    """A recognised word, as engine.Word."""

    @property
    def word(self) -> str: ...
    @property
    def start(self) -> float: ...
    @property
    def end(self) -> float: ...
    @property
    def confidence(self) -> float: ...


def vocabulary(names: Iterable[str], knows: Callable[[str], bool]) -> Phrases:
    """The names that a model can hear at all, in its own lower-case words; at most MOST_PHRASES."""
    phrases: set[tuple[str, ...]] = set()
    for name in names:
        words = tuple(re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", name.lower())[:6])
        if words and len(max(words, key=len)) > 2 and all(knows(word) for word in words):
            phrases.add(words)
        if len(phrases) >= MOST_PHRASES:
            break
    return frozenset(phrases)


def lift(
    words: Sequence[Heard], alternatives: Sequence[dict[str, Any]], phrases: Phrases, begins: float
) -> list[Row]:
    """The words, with those parts replaced in which a likely alternative has more of the names.

    alternatives is Vosk's list (confidence, result), its times counted from begins (seconds).
    """
    rows = [(word.word, word.start, word.end, word.confidence) for word in words]
    usable = [one for one in alternatives if one.get("result")]
    if not usable:
        return rows
    own = _named([row[0] for row in rows], phrases)
    top = float(usable[0].get("confidence", 0.0))
    best, gain = usable[0], 0.0
    for one in usable:
        more = _named([word["word"] for word in one["result"]], phrases) - own
        won = more * _BONUS - (top - float(one.get("confidence", 0.0)))
        if more > 0 and won > gain:
            best, gain = one, won
    return _merge(rows, best["result"], begins) if gain > 0 else rows


def _named(words: Sequence[str], phrases: Phrases) -> int:
    """How many words stand in known names, the longest name first."""
    count = at = 0
    while at < len(words):
        size = next((n for n in range(6, 0, -1) if tuple(words[at : at + n]) in phrases), 0)
        count += min(size, len(words) - at)
        at += max(1, size)
    return count


def _merge(rows: list[Row], other: Sequence[dict[str, Any]], begins: float) -> list[Row]:
    merged: list[Row] = []
    matcher = SequenceMatcher(
        None, [row[0] for row in rows], [word["word"] for word in other], autojunk=False
    )
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        old = rows[i1:i2]
        if tag == "equal" or (old and min(row[3] for row in old) >= 0.95):
            merged += old  # what was surely heard is not overruled by a name
            continue
        doubt = sum(row[3] for row in old) / len(old) if old else 0.5
        merged += [(w["word"], begins + w["start"], begins + w["end"], doubt) for w in other[j1:j2]]
    return merged
