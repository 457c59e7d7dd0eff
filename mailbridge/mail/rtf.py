"""Compressed RTF of Outlook (MS-OXRTFCP) and the text or HTML that it carries (MS-OXRTFEX).

A winmail.dat often holds the words of the message only in this form. Promises: bounded output, never raises;
what cannot be read gives less text, never an error.
"""

from __future__ import annotations

import re

from mailbridge.mail.charset import decode

_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans "
    b"SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_MOST = 4 * 1024 * 1024
_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]{1,32})(-?\d{1,9})?[ ]?|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)|\\",
    re.S,
)
_SKIPPED = frozenset((b"fonttbl", b"colortbl",
                      b"stylesheet", b"info", b"pict", b"object", b"themedata", b"listtable",
                      b"listoverridetable", b"rsidtbl", b"generator", b"header", b"footer",
                      b"mmathPr"))  # fmt: skip
_BREAKS = {b"par": "\n", b"line": "\n",
           b"tab": "\t", b"row": "\n", b"cell": "\t", b"lquote": "‘", b"rquote": "’",
           b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•", b"endash": "–", b"emdash": "—"}  # fmt: skip


def decompress(data: bytes) -> bytes:
    """RTF out of an LZFu or MELA stream; b"" where it is neither."""
    if len(data) < 16:
        return b""
    size = min(int.from_bytes(data[4:8], "little"), _MOST)
    kind = data[8:12]
    if kind == b"MELA":
        return data[16 : 16 + size]
    if kind != b"LZFu":
        return b""
    window = bytearray(4096)
    window[: len(_DICTIONARY)] = _DICTIONARY
    write, position, out = len(_DICTIONARY), 16, bytearray()
    while position < len(data) and len(out) < size:
        control = data[position]
        position += 1
        for bit in range(8):
            if position >= len(data) or len(out) >= size:
                break
            chunk = bytearray()
            if not control >> bit & 1:
                chunk += data[position : position + 1]
                position += 1
            else:
                token = int.from_bytes(data[position : position + 2], "big")
                position += 2
                offset, length = token >> 4, (token & 15) + 2
                if offset == write:
                    return bytes(out)
                for step in range(length):
                    # A reference may reach into what it is writing itself.
                    byte = window[(offset + step) % 4096]
                    window[(write + step) % 4096] = byte
                    chunk.append(byte)
            for step, byte in enumerate(chunk):
                window[(write + step) % 4096] = byte
            write = (write + len(chunk)) % 4096
            out += chunk
    return bytes(out)


def rtf_to_text(rtf: bytes) -> tuple[str, str]:
    """(plain text, HTML): RTF that wraps HTML gives back the HTML, other RTF its words."""
    if not rtf.lstrip().startswith(b"{\\rtf"):
        return "", ""
    wraps_html = b"\\fromhtml1" in rtf[:1000]
    reader = _Reader(_codepage(rtf), wraps_html=wraps_html)
    reader.read(rtf[:_MOST])
    text = "".join(reader.out)
    return ("", text) if wraps_html else (text.strip(), "")


def _codepage(rtf: bytes) -> str:
    hit = re.search(rb"\\ansicpg(\d{1,5})", rtf[:1000])
    return f"cp{hit[1].decode()}" if hit else "cp1252"


class _Reader:
    """One pass over the tokens, with a stack of (skipped, HTML tag, characters after \\u) per group."""

    def __init__(self, codepage: str, *, wraps_html: bool) -> None:
        self.codepage = codepage
        self.wraps_html = wraps_html
        self.out: list[str] = []
        self.pending = bytearray()
        self.stack: list[tuple[bool, bool, int]] = []
        self.skipped = False
        self.hidden = False  # \htmlrtf ... \htmlrtf0: RTF for RTF readers only
        self.unicode_skip = 1
        self.to_skip = 0
        self.starred = False

    def read(self, rtf: bytes) -> None:
        for hit in _TOKEN.finditer(rtf):
            byte, word, number, symbol, brace, text = hit.groups()
            if byte:
                self._bytes(bytes([int(byte, 16)]))
            elif word:
                self._word(word, int(number) if number else None)
            elif symbol:
                self._symbol(symbol)
            elif brace:
                self._brace(brace)
            elif text:
                self._bytes(text)
        self._flush()

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self.to_skip = 0
        if brace == b"{":
            if len(self.stack) < 10000:
                self.stack.append((self.skipped, self.hidden, self.unicode_skip))
        elif self.stack:
            self.skipped, self.hidden, self.unicode_skip = self.stack.pop()
        self.starred = False

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self.starred = True
        elif symbol in b"\\{}":
            self._bytes(symbol)
        elif symbol == b"~":
            self._text("\u00a0")
        elif symbol in b"\r\n":
            self._text("\n")

    def _word(self, word: bytes, number: int | None) -> None:
        if word == b"htmlrtf":
            self._flush()
            self.hidden = number != 0
        elif word == b"htmltag":
            self.skipped = not self.wraps_html
        elif word in _SKIPPED or word == b"mhtmltag" or self.starred:
            self.skipped = True
        elif word == b"uc":
            self.unicode_skip = min(number or 0, 8)
        elif word == b"u" and number is not None:
            code = number & 0xFFFF
            self._text(chr(code) if not 0xD800 <= code < 0xE000 else "")
            self.to_skip = self.unicode_skip
        elif word in _BREAKS:
            self._text(_BREAKS[word])
        self.starred = False

    def _text(self, text: str) -> None:
        self._flush()
        if not self.skipped and not self.hidden:
            self.out.append(text)

    def _bytes(self, data: bytes) -> None:
        if self.to_skip:
            data, self.to_skip = data[self.to_skip :], max(0, self.to_skip - len(data))
        if not self.skipped and not self.hidden:
            self.pending += data

    def _flush(self) -> None:
        if self.pending:
            self.out.append(self._decoded(bytes(self.pending)))
            self.pending.clear()

    def _decoded(self, data: bytes) -> str:
        """Strictly first: a stream may change its group at every letter, and guessing is slow."""
        try:
            return data.decode(self.codepage)
        except (UnicodeError, LookupError):
            return decode(data, self.codepage)[0]
