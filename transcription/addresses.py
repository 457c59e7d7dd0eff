"""Spelled words: e-mail addresses ("j o h n dot smith at acme dot com"), letters and digits of serial
numbers.

Pure; never raises. An address is only recognised with a top level domain that people say, or right after the
word "email"; ordinary "at" is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from transcription.spoken import TIMES, run_at

_TLDS = frozenset(
    {
        "com",
        "net",
        "org",
        "edu",
        "gov",
        "io",
        "co",
        "info",
        "biz",
        "us",
        "uk",
        "ca",
        "de",
        "fr",
        "eu",
        "au",
        "nz",
    }
    | {"ie", "in", "ch", "at", "nl", "example", "test", "dev", "app", "tech", "cloud", "online"}
)
_SIGNS = {
    "dot": ".",
    "point": ".",
    "period": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "plus": "+",
}
_NATO = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa "
    "quebec romeo sierra tango uniform victor whiskey xray yankee zulu"
)
_ALPHABET = {name: name[0] for name in _NATO.split()} | {"alfa": "a", "juliett": "j", "whisky": "w"}
_STARTS = frozenset({"at", "is", "it's", "its", "address", "email", "mail", "e-mail", "to", "as"})
_REMARKS = tuple(  # said of an address, not in it
    tuple(words.split())
    for words in (
        "all one word",
        "one word",
        "all lower case",
        "lower case",
        "all lowercase",
        "all together",
        "no spaces",
        "no space",
    )
)
_WORD = re.compile(r"[a-z][a-z']{0,30}\Z")


def email_at(words: Sequence[str], at: int, not_before: int) -> tuple[str, int, int] | None:
    """(address, start, end) of a spoken address whose "at" is words[at], or None; it starts at not_before or
    later.
    """
    if words[at] != "at" or at == 0 or at + 3 >= len(words):
        return None
    domain = _domain(words, at + 1)
    if domain is None:
        return None
    told = [i for i in range(max(0, at - 24), at) if words[i] in ("email", "e-mail", "mail")]
    local = _local(words, at, not_before, bool(told))
    if local is None or (not told and domain[0].rpartition(".")[2] not in _TLDS):
        return None
    return f"{local[0]}@{domain[0]}", local[1], domain[1]


def _domain(words: Sequence[str], begin: int) -> tuple[str, int] | None:
    """(domain, end): words up to a "dot", then what follows each further dot."""
    labels, label, at = [], "", begin
    while at < len(words) and at < begin + 40:
        word = words[at]
        if word == "at":
            break
        if word == "dot" and label and at + 1 < len(words):
            labels.append(label)
            label, at = "", at + 1
            letters = next((n for n in (3, 2) if _spelled_tld(words, at, n)), 0)
            if letters:
                return ".".join([*labels, "".join(words[at : at + letters])]), at + letters
            if words[at] in _TLDS and words[at + 1 : at + 2] != ["dot"]:
                return ".".join([*labels, words[at]]), at + 1
            continue
        piece, after = _piece(words, at)
        if not piece:
            break
        label, at = label + piece, after
    return None


def _spelled_tld(words: Sequence[str], at: int, count: int) -> bool:
    """ "dot i o", "dot c o m": so many letters that end a domain."""
    letters = words[at : at + count]
    after = words[at + count : at + count + 1]
    whole = len(letters) == count and all(len(letter) == 1 for letter in letters)
    return whole and "".join(letters) in _TLDS and list(after) != ["dot"]


def _local(words: Sequence[str], at: int, not_before: int, told: bool) -> tuple[str, int] | None:
    """(local part, start), read backwards from the "at" to a word that opens an address."""
    start, begin = at, max(not_before, at - 40)
    opened = next((i for i in range(at - 1, begin - 1, -1) if _opens(words, i)), None)
    start = opened + 1 if told and opened is not None else _back(words, at, begin)
    text, where = "", start
    while where < at:
        remark = next((one for one in _REMARKS if tuple(words[where : where + len(one)]) == one), ())
        if remark and text:
            where += len(remark)
            continue
        piece, after = _piece(words, where)
        if not piece or after > at:
            return None
        text, where = text + piece, after
    good = re.fullmatch(r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?", text) and ".." not in text
    return (text, start) if good else None


def _opens(words: Sequence[str], at: int) -> bool:
    """Whether an address may begin after this word; "b as in boy" is a letter of one."""
    return words[at] in _STARTS and not (words[at] == "as" and list(words[at + 1 : at + 2]) == ["in"])


def _back(words: Sequence[str], at: int, begin: int) -> int:
    """Where a local part begins that nobody announced: its last word, what is joined to it, and digits."""
    start = at - 1
    while start - 1 >= begin and (_joins(words[start - 1]) or _joins(words[start], signs_only=True)):
        start -= 1
    number = start
    while number - 1 >= begin and run_at(words, number, between=False) is not None:
        number -= 1
    spoken = run_at(words, number + 1, between=False) if number < start or number == at - 1 else None
    return number if spoken is not None and words[number] not in _STARTS else start


def _joins(word: str, signs_only: bool = False) -> bool:
    return word in _SIGNS or (not signs_only and (len(word) == 1 or word in _ALPHABET))


def _piece(words: Sequence[str], at: int) -> tuple[str, int]:
    """What words[at] adds to an address, and where to go on: a sign, a letter, digits, or the word itself."""
    word = words[at]
    if word in _SIGNS:
        return _SIGNS[word], at + 1
    letter = _letter(words, at)
    if letter and word not in ("o",):
        return letter
    if word in TIMES and (twice := _letter(words, at + 1)) and words[at + 1] not in ("o",):
        return twice[0] * TIMES[word], twice[1]
    run = run_at(words, at, between=False)
    if run is not None and word not in ("a", "o", "oh"):
        return run.digits, run.end
    if word == "o":
        return "o", at + 1
    return (word.replace("'", ""), at + 1) if _WORD.match(word) else ("", at)


def spelled(words: Sequence[str], begin: int) -> tuple[str, int]:
    """Letters, digits and dashes from words[begin] on as one string, and where it ends."""
    text, at = "", begin
    while at < len(words) and len(text) < 40:
        run = run_at(words, at, between=False)
        if run is not None and words[at] != "a":
            text, at = text + run.digits, run.end
            continue
        letter = _letter(words, at)
        again = _letter(words, at + 1) if words[at] in TIMES else None
        if letter:
            text, at = text + letter[0], letter[1]
        elif again:
            text, at = text + again[0] * TIMES[words[at]], again[1]
        elif words[at] in ("dash", "hyphen", "minus") and text:
            text, at = text + "-", at + 1
        else:
            break
    return text.rstrip("-"), at - (text != text.rstrip("-"))


def _letter(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """One letter: "b", "bravo", "b as in boy", "b for bravo", "capital b"."""
    word = words[at] if at < len(words) else ""
    if word == "x" and list(words[at + 1 : at + 2]) == ["ray"]:
        return "x", at + 2
    if word == "capital" and at + 1 < len(words) and len(words[at + 1]) == 1:
        return _letter(words, at + 1)
    if len(word) == 1 and word.isascii() and word.isalpha():
        for said in (["as", "in"], ["like", "in"], ["for"]):
            end = at + 1 + len(said)
            if list(words[at + 1 : end]) == said and end < len(words) and words[end].startswith(word):
                return word, end + (2 if list(words[end : end + 2]) == ["x", "ray"] else 1)
        return word, at + 1
    return (_ALPHABET[word], at + 1) if word in _ALPHABET else None
