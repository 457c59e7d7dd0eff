"""Bytes to text, whatever the label says.

Promises: never raises, never invents U+FFFD, and gives no NUL and no lone surrogate. The declared charset is
believed where it fits; UTF-8 is believed over any 8-bit label, since text in another charset is almost never
valid UTF-8 by accident. The second value of decode() says whether anything was guessed.
Traps: labels unknown to Python (x-gbk, windows-874, unicode-1-1-utf-7), labels inside the label, UTF-16
bodies, iso-8859-1 that is really windows-1252, gb2312 that is really gb18030.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from mailbridge.mail.detect import detect, is_latin, one_language

# A wider codec stands in for each narrow one: senders label by habit, and the wide one differs only where the
# narrow one would fail (the WHATWG encoding standard does the same).
_ALIASES = {
    "": "ascii",
    "ansi": "cp1252",
    "ansi_x3.4-1968": "ascii",
    "ascii": "ascii",
    "us-ascii": "ascii",
    "us": "ascii",
    "7bit": "ascii",
    "8bit": "ascii",
    "default": "ascii",
    "default_charset": "ascii",
    "unknown-8bit": "ascii",
    "unknown": "ascii",
    "x-unknown": "ascii",
    "x-user-defined": "ascii",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "cn-big5": "big5hkscs",
    "cn-gb": "gb18030",
    "cp-850": "cp850",
    "cp-1252": "cp1252",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "ks_x_1001": "cp949",
    "korean": "cp949",
    "windows-949": "cp949",
    "x-windows-949": "cp949",
    "uhc": "cp949",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "iso-gb2312": "gb18030",
    "hz-gb-2312": "hz",
    "chinese": "gb18030",
    "windows-936": "gb18030",
    "iso-2022-jp": "iso2022_jp_ext",
    "iso-2022-jp-1": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "x-euc-jp": "euc_jp",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "iso-8859": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-8-i": "cp1255",
    "iso-8859-8-e": "cp1255",
    "logical": "cp1255",
    "visual": "iso8859-8",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "x-mac-ce": "mac-latin2",
    "x-mac-turkish": "mac-turkish",
    "x-mac-greek": "mac-greek",
    "koi8": "koi8-r",
    "x-koi8-r": "koi8-r",
    "koi8-ru": "koi8-u",
    "unicode-1-1-utf-7": "utf-7",
    "utf7": "utf-7",
    "x-unicode-2-0-utf-7": "utf-7",
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "utf8mb4": "utf-8",
    "utf-8mb4": "utf-8",
    "utf-8n": "utf-8",
    "x-utf-8": "utf-8",
    "unicode": "utf-16",
    "unicode-1-1-utf-8": "utf-8",
    "ucs-2": "utf-16",
    "utf-16": "utf-16",
    "iso-10646-ucs-2": "utf-16-be",
    "dos-862": "cp862",
    "dos-720": "cp720",
    "x-cp1250": "cp1250",
    "x-cp1251": "cp1251",
    "x-cp1252": "cp1252",
}
# Codecs of Python that are no charsets (rot13, zlib, idna ...) must never be reached by a sender's label.
_NO_TEXT = frozenset(
    ("idna", "punycode", "undefined", "unicode-escape", "unicode_escape", "raw-unicode-escape", "mbcs", "oem")
)
_SINGLE = re.compile(r"^(?:cp|iso8859|iso-8859|windows|koi8|mac|latin|ascii|cp1252)", re.I)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LATIN = frozenset(
    ("cp1252", "cp1250", "cp1254", "cp1257", "cp1258", "cp437", "cp850", "cp852", "mac-roman", "mac-latin2",
    "mac-turkish",
     *(f"iso8859-{number}" for number in (1, 2, 3, 4, 9, 10, 13, 14, 15, 16)))
)  # fmt: skip
_UNWANTED = dict.fromkeys([0, 0xFEFF, *range(0xD800, 0xE000)])
_SAMPLE = 3000
_STRAY = re.compile("[\udc80-\udcff]+")
_ESCAPE = re.compile(rb"\x1b(?:\$\([A-D]|\$[@AB]|\([A-Z])")


def clean(text: str) -> str:
    """Text without NUL, byte order marks and lone surrogates: what SQLite, PostgreSQL and JSON can carry."""
    if text.isascii() and "\0" not in text:
        return text
    return text.translate(_UNWANTED)


@lru_cache(maxsize=512)
def codec_for(label: str) -> str | None:
    """Python codec for a charset label as mail writes it, or None. Never one that is no text encoding."""
    name = label.strip().strip("\"'<>;,. \t").lower().replace(" ", "")
    name = re.sub(r"^(?:charset\*?=|cs)[\"']?", "", name).split("*")[0].split(";")[0].strip("\"'")
    name = _ALIASES.get(name) or _ALIASES.get(name.replace("_", "-")) or name
    for candidate in (
        name,
        re.sub(r"^x-", "", name),
        re.sub(r"^(windows|cp|ibm|dos)[-_]?(\d)", r"cp\2", name),
    ):
        candidate = _ALIASES.get(candidate, candidate)
        try:
            found = codecs.lookup(candidate)
        except (LookupError, ValueError, UnicodeError, OverflowError):
            continue
        if found._is_text_encoding and found.name not in _NO_TEXT:
            return found.name
    return None


def decode(data: bytes, label: str = "", hints: tuple[str, ...] = ()) -> tuple[str, bool]:
    """Text of data labelled with charset label ("" where nothing is said), and whether it was guessed.

    hints are charsets that the same message names elsewhere; they are tried before statistics, which know
    little of a name or a subject.
    """
    if data.isascii() and b"\x1b" not in data:
        return _ascii(data, label)
    for bom, codec in _BOMS:
        if data.startswith(bom):
            text = _strict(data, codec)
            if text is not None:
                return clean(text), codec != codec_for(label)
    codec_name = codec_for(label) if label.strip() else None
    if codec_name is None or codec_name == "ascii":
        return clean(_guess(data, "", hints)), True
    return _labelled(data, codec_name)


def _ascii(data: bytes, label: str) -> tuple[str, bool]:
    codec_name = codec_for(label) if label.strip() else None
    doubled = (codec_name or "").startswith(("utf-16", "utf-32")) and 0 in data
    if codec_name in ("utf-7", "hz") or doubled:
        text = _strict(data, codec_name or "ascii")
        if text is not None and _plausible(text):
            return clean(text), False
    if data.count(0) * 3 > len(data) > 3:
        wide = _strict(data, "utf-16-be" if data[0] == 0 else "utf-16-le")
        if wide is not None:
            return clean(wide), True
    return clean(data.decode("ascii")), bool(label.strip()) and codec_name is None


def _labelled(data: bytes, codec: str) -> tuple[str, bool]:
    narrow = _SINGLE.match(codec) or (codec.startswith(("utf-16", "utf-32")) and 0 not in data)
    if codec != "utf-8" and narrow and _is_utf8(data):
        return clean(data.decode("utf-8")), True  # the label lies: this never happens by accident
    text = _strict(data, codec)
    if text is None and codec == "utf-8":
        return clean(_mixed_utf8(data)), True
    if text is None and codec.startswith("iso2022"):
        text = _iso2022_jp(data) if "jp" in codec else None
    if text is not None and _plausible(text):
        return clean(text), False
    if text is None and codec == "cp1252":
        return clean(_latin(data)), False  # five bytes of windows-1252 are undefined
    return clean(_guess(data, codec)), True


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError, OverflowError):
        return None


def _is_utf8(data: bytes) -> bool:
    return not data.isascii() and _strict(data, "utf-8") is not None


def _plausible(text: str) -> bool:
    """Not what UTF-16 makes of ASCII: no private or unassigned plane, few controls."""
    sample = text[:2000]
    odd = sum(
        1 for char in sample if "\ue000" <= char <= "\uf8ff" or (char < " " and char not in "\t\r\n\f\x1b")
    )
    return odd * 10 <= len(sample)


def _latin(data: bytes) -> str:
    text = _strict(data, "cp1252")
    if text is not None:
        return text
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in data)


def _mixed_utf8(data: bytes) -> str:
    """Mostly UTF-8 with stray bytes, or not UTF-8 at all."""
    text = data.decode("utf-8", "surrogateescape")
    stray, good = _stray(text)
    if good < stray:
        return _guess(data, "utf-8")
    if "\udc80" <= text[-1:] <= "\udcff" and stray <= 3 and good >= 2:
        text = re.sub("[\udc80-\udcff]+$", "", text)  # cut inside the last character
    return _STRAY.sub(lambda hit: _latin(hit[0].encode("utf-8", "surrogateescape")), text)


def _stray(text: str) -> tuple[int, int]:
    """(bytes that are no UTF-8, characters that are, beyond ASCII)."""
    stray = sum(map(len, _STRAY.findall(text)))
    return stray, sum(1 for char in text if char > "\x7f") - stray


def _iso2022_jp(data: bytes) -> str | None:
    """ISO-2022-JP as Windows writes it: with the NEC and IBM rows that Python's codecs refuse (circled
    digits).

    Double-byte stretches are moved to Shift_JIS, whose Windows form (cp932) has these rows.
    """
    out: list[str] = []
    for chunk in re.split(rb"(?=\x1b[$(])", data):
        escape, body = _ESCAPE.match(chunk), chunk
        if escape is None:
            out.append(chunk.decode("ascii", "ignore"))
            continue
        body = chunk[escape.end() :]
        if escape[0] in (b"\x1b$B", b"\x1b$@"):
            out.append(_two_bytes(body))
        elif escape[0] == b"\x1b(I":
            out.append(bytes(byte | 0x80 for byte in body).decode("cp932", "ignore"))
        elif escape[0] == b"\x1b$(D":
            out.append(
                b"".join(
                    b"\x8f" + bytes(byte | 0x80 for byte in body[i : i + 2]) for i in range(0, len(body), 2)
                ).decode("euc_jp", "ignore")
            )
        else:
            out.append(body.decode("ascii", "ignore"))
    text = "".join(out)
    return text if len(out) > 1 else None


def _two_bytes(body: bytes) -> str:
    out: list[str] = []
    position = 0
    while position < len(body):
        row, cell = body[position], body[position + 1] if position + 1 < len(body) else 0
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
            out.append(chr(row) if row in (9, 10, 13, 32) else "")
            position += 1
            continue
        lead = ((row - 0x21) >> 1) + 0x81
        lead += 0x40 if lead > 0x9F else 0
        trail = cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)
        out.append(bytes((lead, trail)).decode("cp932", "ignore") or "〓")
        position += 2
    return "".join(out)


def _guess(data: bytes, not_this: str = "", hints: tuple[str, ...] = ()) -> str:
    """UTF-8, ISO-2022, UTF-16, what the message names elsewhere, statistics on a sample, windows-1252.

    The last never fails. The share of 8-bit bytes within words says first which family to look in: in a Latin
    language it is small, in another script most of them; without this a German word reads as Chinese.
    """
    certain = _certain(data, not_this)
    if certain is not None:
        return certain
    text = data.decode("utf-8", "surrogateescape")
    stray, good = _stray(text)
    if not_this != "utf-8" and good > stray:
        return _mixed_utf8(data)
    sample = _sample(data)
    latin = is_latin(sample) or (
        one_language(sample) is not None and any(codec_for(hint) in _LATIN for hint in hints)
    )
    named = [
        codec
        for hint in hints
        if (codec := codec_for(hint)) and (codec in _LATIN) is latin and codec != "utf-8"
    ]
    for codec in [*named, detect(sample, latin=latin), not_this]:
        if codec and codec not in ("utf-8", "ascii"):
            text_or_none = _strict(data, codec)
            if text_or_none is None and codec not in _LATIN and not _SINGLE.match(codec):
                text_or_none = _tolerant(data, codec)
            if text_or_none is not None and _plausible(text_or_none):
                return text_or_none
    return _latin(data)


def _certain(data: bytes, not_this: str) -> str | None:
    """Text in a form that proves itself."""
    escapes = b"\x1b$" in data or b"\x1b(" in data
    if not_this != "utf-8" and not escapes:
        text = _strict(data, "utf-8")
        if text is not None:
            return text
    if escapes:
        return _strict(data, "iso2022_jp_ext") or _strict(data, "iso2022_kr") or _iso2022_jp(data)
    if data.count(0) * 4 > len(data):
        return _strict(data, "utf-16-be" if data[:1] == b"\0" else "utf-16-le")
    return None


def _tolerant(data: bytes, codec: str) -> str | None:
    """A multibyte text with a few broken characters: drop those, up to one in fifty."""
    try:
        text = data.decode(codec, "ignore")
    except (UnicodeError, LookupError):
        return None
    lost = len(data) - len(text.encode(codec, "ignore"))
    return text if lost * 50 <= len(data) else None


def _sample(data: bytes) -> bytes:
    """The lines that hold 8-bit bytes, up to a few kilobytes: detection is slow and needs no more."""
    if len(data) <= _SAMPLE:
        return data
    chosen = bytearray()
    for hit in re.finditer(rb"[^\n]{0,200}[\x80-\xff][^\n]{0,200}", data):
        chosen += hit[0] + b"\n"
        if len(chosen) > _SAMPLE:
            break
    return bytes(chosen)
