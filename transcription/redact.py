"""Card numbers out of transcripts and texts, before they are stored or sent.

A card number is 13 to 19 digits with a first digit of 2 to 6 and a right Luhn check digit; a security code
is three or four digits after words that ask for one. What is taken out leaves "[card number removed]" in its
place, in the words with their times as well. Pure; never raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from transcription.spoken import Run, run_at

if TYPE_CHECKING:  # else texts of mail could not be cleaned without loading a library for sound
    from transcription.engine import Word

REMOVED = "[card number removed]"
CODE_REMOVED = "[security code removed]"
_WRITTEN = re.compile(r"(?<![\d+])\d(?:[ .-]?\d){12,18}(?!\d)")
_CODE_WRITTEN = re.compile(
    r"(\b(?:security code|c\.?v\.?[vc]2?)\b(?: number)?(?:\s+is)?[\s:,]{0,3})\d(?:[ .-]?\d){2,3}(?![\d])",
    re.I,
)
_CODE_WORDS = (("security", "code"), ("c", "v", "v"), ("c", "v", "c"), ("cvv",), ("cvc",))
_FILLERS = frozenset({"and", "then", "is", "it's", "the", "number", "uh", "um"})


def luhn(digits: str) -> bool:
    """Whether the last digit checks the others (ISO/IEC 7812)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_card(digits: str) -> bool:
    """Whether digits can be the number of a payment card."""
    return 13 <= len(digits) <= 19 and digits[0] in "23456" and len(set(digits)) > 1 and luhn(digits)


def redact_text(text: str) -> str:
    """text with written card numbers (also in groups) and security codes taken out."""

    def clean(match: re.Match[str]) -> str:
        return REMOVED if is_card(re.sub(r"\D", "", match.group())) else match.group()

    return _CODE_WRITTEN.sub(rf"\1{CODE_REMOVED}", _WRITTEN.sub(clean, text))


def redact_words(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words with spoken card numbers and security codes replaced by one word that says so."""
    kept: list[Word] = []
    lower = [word.word.lower() for word in words]
    at = 0
    while at < len(words):
        end, shown = _secret(lower, at)
        if end == at:
            kept.append(words[at])
            at += 1
            continue
        sure = min(word.confidence for word in words[at:end])
        kept.append(replace(words[at], word=shown, end=words[end - 1].end, confidence=sure))
        at = end
    return tuple(kept)


def _secret(words: Sequence[str], at: int) -> tuple[int, str]:
    """(end, what to write) of a card number or code that begins at words[at]; end == at where there is
    none.
    """
    run = run_at(words, at)
    if run is None:
        return at, ""
    if _after_code_words(words, at) and len(run.digits) in (3, 4):
        return run.end, CODE_REMOVED
    return _card_end(words, at, run), REMOVED


def _card_end(words: Sequence[str], at: int, run: Run) -> int:
    """Where a card number from words[at] ends: groups may be joined by "and" or "then", more digits may
    follow.
    """
    digits, end = "", at
    part: Run | None = run
    best = at
    while part is not None and len(digits) <= 19:
        for atom in part.atoms:
            digits += atom.digits
            if is_card(digits):
                best = atom.end
        end = part.end
        following = end
        while (
            following < len(words) and words[following] in ("and", "then", "uh", "um") and following < end + 2
        ):
            following += 1
        part = run_at(words, following)
    return best


def _after_code_words(words: Sequence[str], at: int) -> bool:
    back = at
    while back > 0 and words[back - 1] in _FILLERS and at - back < 4:
        back -= 1
    return any(tuple(words[max(0, back - len(code)) : back]) == code for code in _CODE_WORDS)
