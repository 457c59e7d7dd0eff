"""Spoken English numbers as digits: one by one, in pairs, "oh", "double", "triple", hundreds, thousands.

A run is a stretch of words that are one number or one string of digits: "forty seven twenty nine one" is the
string 47291, "four hundred and twenty" the number 420. Which of both a run means, and what for, is decided by
numbers from the words around it. Pure; never raises; reads each word a bounded number of times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_DIGITS = {
    "zero": 0,
    "oh": 0,
    "o": 0,
    "nought": 0,
    "naught": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "niner": 9,
}
_TEENS = {
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
_TENS = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fourty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_BIG = {"thousand": 1000, "million": 1_000_000}
TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
_ORDINAL_DIGITS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
}
_ORDINALS = {
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
    "thirteenth": 13,
    "fourteenth": 14,
    "fifteenth": 15,
    "sixteenth": 16,
    "seventeenth": 17,
    "eighteenth": 18,
    "nineteenth": 19,
    "twentieth": 20,
    "thirtieth": 30,
}
_BETWEEN = frozenset({"dash", "hyphen", "uh", "um", "er", "space", "then"})  # said inside a string of digits
_LONGEST = 40  # atoms; no number that people say is longer


@dataclass(frozen=True, slots=True)
class Atom:
    """One spoken number: digits as written, and the words [start, end) that it was said in."""

    digits: str
    start: int
    end: int
    times: bool = False  # "double five" is never a quantity


@dataclass(frozen=True, slots=True)
class Run:
    """Atoms in a row. digits joins them; value is the quantity where it is a single one, else None."""

    atoms: tuple[Atom, ...]

    @property
    def start(self) -> int:
        return self.atoms[0].start

    @property
    def end(self) -> int:
        return self.atoms[-1].end

    @property
    def digits(self) -> str:
        return "".join(atom.digits for atom in self.atoms)

    @property
    def value(self) -> int | None:
        only = self.atoms[0]
        return int(only.digits) if len(self.atoms) == 1 and not only.times else None


def run_at(words: Sequence[str], start: int, between: bool = True) -> Run | None:
    """The longest run that begins exactly at words[start], or None. between: step over "dash" and "uh"."""
    atoms: list[Atom] = []
    at = start
    while len(atoms) < _LONGEST:
        atom = _atom(words, at)
        if atom is None:
            skip = at + 1
            if not (atoms and between) or _word(words, at) not in _BETWEEN or _atom(words, skip) is None:
                break
            at = skip
            continue
        atoms.append(atom)
        at = atom.end
    return Run(tuple(atoms)) if atoms else None


def ordinal_at(words: Sequence[str], start: int) -> tuple[int, int] | None:
    """(value, end) of an ordinal up to 99 ("twenty first") at words[start], or None."""
    word, after = _word(words, start), _word(words, start + 1)
    if word in _TENS and after in _ORDINAL_DIGITS:
        return _TENS[word] + _ORDINAL_DIGITS[after], start + 2
    value = _ORDINAL_DIGITS.get(word) or _ORDINALS.get(word)
    return (value, start + 1) if value else None


def suffix(value: int) -> str:
    """An ordinal as written: 1st, 2nd, 3rd, 14th."""
    if value % 100 in (11, 12, 13):
        return f"{value}th"
    return f"{value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th') }"


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


def _atom(words: Sequence[str], at: int) -> Atom | None:
    """One number at words[at]: digits already written, "double five", or a quantity."""
    word = _word(words, at)
    if word.isascii() and word.isdigit() and len(word) <= 20:
        return Atom(word, at, at + 1)
    if word in TIMES:
        digit = _word(words, at + 1)
        if digit in _DIGITS:
            return Atom(str(_DIGITS[digit]) * TIMES[word], at, at + 2, times=True)
        return None
    if word == "a" and _word(words, at + 1) in ("hundred", "thousand", "million"):
        return _quantity(words, at, at + 1, 1)
    small = _small(words, at)
    if small is None:
        return None
    value, after = small
    if word in ("zero", "oh", "o", "nought", "naught"):
        return Atom("0", at, after)
    return _quantity(words, at, after, value)


def _small(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """(value below 100, end)."""
    word = _word(words, at)
    if word in _DIGITS:
        return _DIGITS[word], at + 1
    if word in _TEENS:
        return _TEENS[word], at + 1
    if word in _TENS:
        digit = _DIGITS.get(_word(words, at + 1), 0)
        return (_TENS[word] + digit, at + 2) if digit else (_TENS[word], at + 1)
    return None


def _quantity(words: Sequence[str], start: int, after: int, value: int) -> Atom:
    """A number that began with value: take its hundreds and thousands along."""
    if _word(words, after) == "hundred":
        value, after = _add_rest(words, after + 1, value * 100)
    for name in ("million", "thousand"):
        if _word(words, after) != name:
            continue
        value, after = value * _BIG[name], after + 1
        rest = _rest(words, after)
        if rest is not None:
            below = _quantity(words, rest[2], rest[1], rest[0])
            if int(below.digits) < _BIG[name] and _closed(words, rest, below.end):
                value, after = value + int(below.digits), below.end
        break
    return Atom(str(value), start, after)


def _add_rest(words: Sequence[str], after: int, value: int) -> tuple[int, int]:
    """The part below a hundred. "eight hundred five five five" is 800 555, not 805 55."""
    rest = _rest(words, after)
    if rest is None or not _closed(words, rest, rest[1]):
        return value, after
    return value + rest[0], rest[1]


def _rest(words: Sequence[str], at: int) -> tuple[int, int, int, bool] | None:
    """(value, end, begin, said with "and") of what may follow a hundred or thousand."""
    joined = _word(words, at) == "and"
    begin = at + 1 if joined else at
    if _word(words, begin) in ("zero", "oh", "o", "nought", "naught"):
        return None
    small = _small(words, begin)
    return (small[0], small[1], begin, joined) if small else None


def _closed(words: Sequence[str], rest: tuple[int, int, int, bool], end: int) -> bool:
    """Whether the number ends there; else its head stands for itself among further digits."""
    following = _word(words, end)
    return rest[3] or not (following in _DIGITS or following in _TEENS or following in _TENS)
