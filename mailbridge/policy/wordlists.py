"""Whether a reply says nothing but "thank you" or "resolved": configurable words, only as the new text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_WORDS_CHARS = 200
_NOISE = re.compile(r"[^\w\s]+")
_BLANKS = re.compile(r"\s+")


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _BLANKS.sub(" ", _NOISE.sub(" ", folded)).strip()


def is_only(new_text: str, words: Sequence[str]) -> bool:
    """Whether the new text is one of these sayings, or several of them in a row, and nothing else.

    A first line with one and a signature below is not "only": when in doubt it is an answer.
    """
    if len(new_text) > MAX_WORDS_CHARS:
        return False
    rest = _plain(new_text)
    if not rest or not words:
        return False
    for saying in sorted((_plain(word) for word in words), key=len, reverse=True):
        if saying:
            rest = re.sub(rf"(?<!\w){re.escape(saying)}(?!\w)", " ", rest)
    return not rest.strip()


def is_resolved(new_text: str, resolved: Sequence[str], thanks: Sequence[str]) -> bool:
    """Whether the new text says that it is resolved, politely or not, and nothing else."""
    return bool(resolved) and is_only(new_text, (*resolved, *thanks)) and not is_only(new_text, thanks)
