"""Whether a reply says nothing but "thank you" or "resolved": configurable words, only as the new text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_WORDS_CHARS = 200
MAX_READ = 20_000
_NOISE = re.compile(r"[^\w\s]+")
_BLANKS = re.compile(r"\s+")


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _BLANKS.sub(" ", _NOISE.sub(" ", folded)).strip()


def is_only(new_text: str, words: Sequence[str], name: str = "") -> bool:
    """Whether the new text is one of these sayings, or several of them in a row, and nothing else.

    name is the author's own, with which people sign; any other word is an answer when in doubt.
    """
    if len(new_text) > MAX_WORDS_CHARS:
        return False
    rest = _plain(new_text)
    if not rest or not words:
        return False
    for saying in sorted((_plain(word) for word in words), key=len, reverse=True):
        if saying:
            rest = re.sub(rf"(?<!\w){re.escape(saying)}(?!\w)", " ", rest)
    left = rest.split()
    return len(left) < len(_plain(new_text).split()) and set(left) <= set(_plain(name).split())


def is_resolved(new_text: str, resolved: Sequence[str], thanks: Sequence[str], name: str = "") -> bool:
    """Whether the new text says that it is resolved, politely or not, and nothing else."""
    said = is_only(new_text, (*resolved, *thanks), name)
    return bool(resolved) and said and not is_only(new_text, thanks, name)


def speaks_of(text: str, words: Sequence[str]) -> bool:
    """Whether one of these sayings stands anywhere in the text, as whole words."""
    plain = f" {_plain(text[:MAX_READ])} "
    return any(f" {_plain(word)} " in plain for word in words if _plain(word))
