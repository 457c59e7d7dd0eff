"""Header values to text: unfolding, RFC 2047 encoded words in all their broken forms, raw 8-bit bytes.

Promises: linear in the size of the value, never raises, one line of text without control characters.
Traps: words split inside a multibyte character (joined before decoding), words inside quotes, blanks inside a
word, a missing end, UTF-7 and unknown charsets, a language suffix (RFC 2231 section 5), base64 without
padding.
"""

from __future__ import annotations

import binascii
import re
import unicodedata

from mailbridge.mail.charset import clean, decode

_START = re.compile(r"=\?([\w.:+\-/()*' ]{1,60}?)\?([bBqQ])\?")
_FOLD = re.compile(r"\r\n?[ \t]|\n[ \t]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BASE64_JUNK = re.compile(rb"[^A-Za-z0-9+/]+")
_Q = re.compile(rb"=([0-9A-Fa-f]{2})")


def header_text(value: object) -> str:
    """One header value, decoded. Accepts what compat32 gives: str with surrogates, or a Header object."""
    return one_line(decode_words(raw_text(value)))


def raw_text(value: object) -> str:
    """Unfolded value, encoded words left as they are. Raw 8-bit bytes still hidden in surrogates are
    decoded."""
    text = value if isinstance(value, str) else str(value)
    if not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text):
        text = decode(text.encode("utf-8", "surrogateescape"))[0]
    return _FOLD.sub(" ", text)


def one_line(text: str) -> str:
    """Text without controls and line breaks, blanks at the ends removed."""
    return _CONTROL.sub(" ", clean(text)).strip()


def decode_words(text: str) -> str:
    """Replace encoded words by what they say. Bytes of neighbouring words of one charset are joined first."""
    if "=?" not in text:
        return text
    out: list[str] = []
    pending: list[tuple[str, bytes]] = []
    position = 0
    while True:
        hit = _START.search(text, position)
        if hit is None:
            break
        end = _end_of_word(text, hit)
        gap = text[position : hit.start()]
        if not (pending and not gap.strip()):
            out += _flush(pending)
            out.append(gap)
        pending.append((hit[1], _word_bytes(hit[2], text[hit.end() : end])))
        position = min(end + 2, len(text))
    out += _flush(pending)
    out.append(text[position:])
    return "".join(out)


def _end_of_word(text: str, start: re.Match[str]) -> int:
    """Index of the closing ?=, or the end of the text: a cut word still says something."""
    end = text.find("?=", start.end())
    if end < 0:
        return len(text)
    # An unencoded "?" before "=3D" looks like the end of the word; it is not when a real end follows at once.
    if start[2] in "qQ" and re.match(r"\?=[0-9A-F]{2}", text[end : end + 4]):
        later = text.find("?=", end + 2)
        if 0 < later - end < 80 and not re.search(r"\s", text[end:later]):
            return later
    return end


def _word_bytes(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "surrogateescape")
    if encoding in "qQ":
        return _Q.sub(lambda hit: bytes([int(hit[1], 16)]), data.replace(b"_", b" "))
    return loose_base64(data)


def loose_base64(data: bytes) -> bytes:
    """Base64 with junk, missing or inner padding: every whole quantum that is there."""
    out = bytearray()
    for chunk in data.split(b"="):
        chunk = _BASE64_JUNK.sub(b"", chunk)
        if len(chunk) % 4 == 1:
            chunk = chunk[:-1]
        try:
            out += binascii.a2b_base64(chunk + b"=" * (-len(chunk) % 4))
        except (binascii.Error, ValueError):
            continue
    return bytes(out)


def _flush(pending: list[tuple[str, bytes]]) -> list[str]:
    """Decode the collected words, joining neighbours with the same charset."""
    out: list[str] = []
    while pending:
        charset, data = pending.pop(0)
        joined = [data]
        while pending and pending[0][0].lower() == charset.lower():
            joined.append(pending.pop(0)[1])
        out.append(decode(b"".join(joined), charset)[0])
    return out


def fold_key(text: str) -> str:
    """Text as compared: compatibility forms unified, case folded, blanks single (U+00A0 before a colon
    too)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def folded(pattern: str) -> str:
    """A regular expression whose letters beyond ASCII are folded as fold_key() folds text: ß is ss there, and
    the final sigma a plain one, so that an unfolded pattern would never match."""
    return "".join(
        char if char.isascii() else unicodedata.normalize("NFKC", char).casefold() for char in pattern
    )
