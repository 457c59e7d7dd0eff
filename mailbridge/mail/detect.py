"""Which charset undeclared 8-bit text is in: first by what its bytes can be, then by statistics.

charset-normalizer is good with a page of text and bad with a subject line; mail mostly brings subject lines.
The shapes checked here (pairs of a double-byte charset, Cyrillic words in lower case, the letters of one
Latin language) decide the clear cases. Promises: never raises, bounded by the sample the caller gives; None
where nothing is clear.
"""

from __future__ import annotations

import re

from charset_normalizer import from_bytes

_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_LATIN_GUESSES = ["cp1252", "cp1250", "cp1254", "iso8859_2", "cp1257"]
_OTHER_GUESSES = [
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1255",
    "cp1256",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
    "cp866",
]
# Letters beyond ASCII of one language each: text that uses no others is in it, and so in windows-1252.
_WESTERN = tuple(
    frozenset(letters + letters.upper() + "„“”‘’…–—«»€°§´ ")
    for letters in (
        "àâçéèêëîïôùûüÿœæ",
        "äöüß",
        "áéíñóúü¿¡ºª",
        "ãõáéíóúâêôçà",
        "àèéìòùù",
        "åäöæøé",
        "ëïéèöüá",
        "áéíóúýþæöð",
    )
)
_TURKISH = frozenset("şığçöüâîŞİĞÇÖÜÂÎ")


def is_latin(sample: bytes) -> bool:
    """Whether the words with 8-bit bytes mix them with plain letters, as a Latin language does."""
    words = [word for word in _WORD.findall(sample) if not word.isascii() and len(word) > 1]
    high = sum(1 for word in words for byte in word if byte > 0x7F)
    return high * 10 <= 6 * sum(map(len, words))


def detect(sample: bytes, *, latin: bool) -> str | None:
    """Name of a codec, or None."""
    clear = one_language(sample) if latin else (_cyrillic(sample) or _hebrew(sample) or _pairs(sample))
    if clear is not None:
        return clear
    try:
        best = from_bytes(
            sample,
            steps=3,
            chunk_size=512,
            cp_isolation=_LATIN_GUESSES if latin else _OTHER_GUESSES,
            threshold=0.3,
        ).best()
    except Exception:  # noqa: BLE001 - a detector must not decide whether mail is read
        return None
    return best.encoding if best is not None else None


def one_language(sample: bytes) -> str | None:
    turkish = {char for char in sample.decode("cp1254", "ignore") if char > "\x7f"}
    western = {char for char in sample.decode("cp1252", "ignore") if char > "\x7f"}
    if any(western <= letters for letters in _WESTERN[:-1]):
        return "cp1252"
    if turkish <= _TURKISH:
        return "cp1254"
    return "cp1252" if western <= _WESTERN[-1] else None


def _cyrillic(sample: bytes) -> str | None:
    """Words of Cyrillic letters, lower case but for the first letter, with at least one capital to tell
    by."""
    for codec in ("cp1251", "koi8_u", "cp866"):
        text = sample.decode(codec, "ignore")
        words = re.findall(r"[^\W\d_a-zA-Z]{3,}", text)
        if not words or any("\u2500" <= char <= "\u25ff" for char in text):
            continue
        shaped = [
            word for word in words if re.fullmatch(r"[\u0400-\u04ff]+", word) and word[1:] == word[1:].lower()
        ]
        capitals = sum(1 for word in shaped if word[0] != word[0].lower())
        if len(shaped) * 10 >= 9 * len(words) and 0 < capitals * 3 <= 3 * max(1, len(shaped)):
            return codec
    return None


def _hebrew(sample: bytes) -> str | None:
    """Twenty letters and never one of the last five Cyrillic ones: those make one in fifteen of a Russian
    text."""
    high = [byte for byte in sample if byte > 0x7F]
    return "cp1255" if len(high) >= 20 and all(0xE0 <= byte <= 0xFA for byte in high) else None


def _pairs(sample: bytes) -> str | None:
    """The double-byte charset whose lead and trail bytes these are."""
    leads, trails = bytearray(), bytearray()
    position = 0
    while position < len(sample) - 1:
        if sample[position] > 0x80:
            leads.append(sample[position])
            trails.append(sample[position + 1])
            position += 2
        else:
            position += 1
    if len(leads) < 2:
        return None
    if any(trail < 0x40 or trail == 0x7F for trail in trails):
        return None
    kana = sum(1 for lead in leads if lead in (0x82, 0x83))
    if kana * 5 >= len(leads):
        return "cp932"
    if all(trail >= 0xA1 for trail in trails):
        return _euc(leads)
    if (
        all(0xA1 <= lead <= 0xC6 or 0xC9 <= lead <= 0xF9 for lead in leads)
        and _share(leads, 0xA1, 0xC6) >= 0.85
    ):
        return "big5hkscs"
    return None


def _euc(leads: bytearray) -> str | None:
    if _share(leads, 0xA4, 0xA5) >= 0.2:
        return "euc_jp"
    if _share(leads, 0xB0, 0xC8) >= 0.9 and len(leads) > 3:
        return "cp949"
    return "gb18030" if _share(leads, 0xA1, 0xF7) >= 0.95 and len(leads) > 1 else None


def _share(values: bytearray, low: int, high: int) -> float:
    return sum(1 for value in values if low <= value <= high) / len(values)
