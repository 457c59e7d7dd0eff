"""A transcript as people read it: sentences by pauses, numbers as written, doubtful words marked
"[printer?]".

The words themselves stay as recognised; this is only a view of them. Pure; never raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transcription.engine import SURE, UNKNOWN, Word
from transcription.numbers import Found, find

PAUSE_S = 0.45  # commas are spoken with 0.2 to 0.4 s, full stops with more
_MOST_WORDS = 40  # who never pauses gets a full stop all the same
UNHEARD = "[...]"
_ALWAYS = {
    **{
        word: word.capitalize()
        for word in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    },
    **{
        word: word.capitalize()
        for word in ("sunday", "january", "february", "april", "june", "july", "august")
    },
    **{word: word.capitalize() for word in ("september", "october", "november", "december")},
    "i": "I",
    "i'm": "I'm",
    "i've": "I've",
    "i'll": "I'll",
    "i'd": "I'd",
    "pdf": "PDF",
    "usb": "USB",
}


@dataclass(frozen=True, slots=True)
class Piece:
    """What is written for words[start:end]."""

    text: str
    start: int
    end: int


def gaps(words: Sequence[Word]) -> list[float]:
    """The pause in seconds before each word; 0 before the first."""
    ends = [words[0].start, *(word.end for word in words)] if words else []
    return [max(0.0, word.start - end) for word, end in zip(words, ends, strict=False)]


def find_in(words: Sequence[Word], region: str = "US") -> tuple[Found, ...]:
    """What the numbers in a transcript are (see numbers.find)."""
    return find([word.word for word in words], region, gaps(words))


def write(words: Sequence[Word], region: str = "US", names: Iterable[str] = ()) -> str:
    """Sentences of the words. names are written as given ("Western Supply") where their words were heard."""
    pieces = _pieces(words, find_in(words, region))
    proper = _proper(names)
    pauses, sentences, current = gaps(words), list[str](), list[Piece]()
    for piece in pieces:
        if current and (pauses[piece.start] >= PAUSE_S or len(current) >= _MOST_WORDS):
            sentences.append(_sentence(current, proper))
            current = []
        if piece.text != UNHEARD or not current or current[-1].text != UNHEARD:
            current.append(piece)
    if current:
        sentences.append(_sentence(current, proper))
    return " ".join(sentences)


def gist(written: str, most: int = 160) -> str:
    """The beginning of a written transcript, cut at a word, for a subject or a notice."""
    if len(written) <= most:
        return written
    return written[:most].rpartition(" ")[0].rstrip(" .,") + " ..."


def _pieces(words: Sequence[Word], found: Sequence[Found]) -> list[Piece]:
    starts = {one.start: one for one in found}
    pieces, at = list[Piece](), 0
    while at < len(words):
        one = starts.get(at)
        end = one.end if one else at + 1
        text = one.written if one else UNHEARD if words[at].word == UNKNOWN else words[at].word
        doubtful = any(word.confidence < SURE for word in words[at:end])
        pieces.append(Piece(f"[{text}?]" if doubtful and text != UNHEARD else text, at, end))
        at = end
    return pieces


def _proper(names: Iterable[str]) -> dict[str, str]:
    """Each word of the names as the names write it, where they write it with a capital letter."""
    split = (word for name in names for word in name.split())
    return {word.lower(): word for word in split if word[:1].isupper() and len(word) > 1}


def _sentence(pieces: Sequence[Piece], proper: dict[str, str]) -> str:
    shown = [_shown(piece.text, proper) for piece in pieces]
    first = shown[0]
    at = 1 if first.startswith("[") and len(first) > 1 else 0
    shown[0] = first[:at] + first[at : at + 1].upper() + first[at + 1 :] if "@" not in first else first
    text = " ".join(shown)
    return text if text.endswith((".", "...]")) else text + "."


def _shown(text: str, proper: dict[str, str]) -> str:
    bare = text.removeprefix("[").removesuffix("?]")
    return text.replace(bare, _ALWAYS.get(bare) or proper.get(bare, bare), 1)
