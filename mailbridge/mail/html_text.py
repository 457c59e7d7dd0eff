# ruff: noqa: E501, SIM905 - tables of names read better as words in rows
"""HTML of mail as lines of readable text, with what its structure says of each line.

Links as "words (address)", lists with marks, tables by rows, quotations with ">". A line knows whether the
client put it into a quotation, an attribution or a signature: classes and ids that mail clients write are
better evidence than words, and hold in languages that nobody put into a table.

Promises: never raises; linear; bounded output. Fails softly: an odd layout gives odd line breaks, never lost
words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mailbridge.mail.html_tokens import BLOCKS, VOID, End, Start, Text, Token, tokens
from mailbridge.mail.quotes_marks import Kind, Line

MAX_TEXT: Final = 400_000  # characters given back
_MAX_LINKS: Final = 5_000
_MAX_URL: Final = 2_000
_MAX_QUOTES: Final = 20  # levels shown

_SPACES: Final = re.compile(r"[ \t\r\n\f\v\xa0\u2000-\u200a\u202f\u205f\u3000]+")
_WIDTHLESS: Final = re.compile("[\u200b\u2060\ufeff\u00ad\u034f\u180e\u061c\x00-\x08\x0e-\x1f]")
_LOOSE_JOINERS: Final = re.compile("(?<!\\S)[\u200c\u200d]+|[\u200c\u200d]+(?!\\S)")

# What clients call their parts. All are compared without the prefixes that webmailers put before foreign
# names ("x_divRplyFwdMsg", "m_123gmail_quote").
_PREFIX: Final = re.compile(r"^(?:x_)+|^m_-?\d+|^yiv\d+")
_ATTRIBUTION: Final = frozenset(
    {"gmail_attr", "moz-cite-prefix", "moz-email-headers-table-no", "tutanota_attribution"}
)
_HISTORY: Final = frozenset(
    {
        "appendonsend", "divrplyfwdmsg", "olk_src_body_section", "mail-editor-reference-message-container",
        "ms-outlook-mobile-reference-message", "yahoo_quoted", "zmail_extra", "isreplycontent", "protonmail_quote",
        "tutanota_quote", "replysplit", "reply-intro", "ydpyahoo_quoted", "forwardedmessage", "quotedmessage",
        "wordmailreply", "freshdesk_quote", "zd-quote", "front-blockquote", "iwcp-quote", "gwquoted", "hmquote",
        "crisp_quote", "hs_reply", "hubspot-quote", "mcntmcontainer", "originalmessage", "aolmail_quote", "sh-quote",
    }
)  # fmt: skip
_FORWARD: Final = frozenset({"moz-forward-container", "isforwardcontent"})
_SIGNATURE: Final = frozenset(
    {
        "gmail_signature", "moz-signature", "signature", "acompli_signature", "ms-outlook-mobile-signature",
        "applemailsignature", "protonmail_signature_block", "protonmail_signature_block-user", "mailspring-signature",
        "yahoo_signature", "ydp-signature", "zmail_signature", "tutanota_signature", "sigdiv", "edo-signature",
        "apple-mail-signature", "bloop_sign", "n1-signature", "gmail_signature_prefix", "lineBreakAtBeginningOfSignature",
    }
)  # fmt: skip
# Outlook's and Windows Mail's line above the history.
_OUTLOOK_BORDER: Final = re.compile(
    r"border-top\s*:\s*(?:solid\s+#(?:e1e1e1|b5c4df)\s+1(?:\.0)?pt|#(?:e1e1e1|b5c4df)\s+1(?:\.0)?pt\s+solid"
    r"|1(?:\.0)?pt\s+solid\s+#(?:e1e1e1|b5c4df))"
)
_INDENTATION: Final = re.compile(r"border\s*:\s*(?:none|0)|margin(?:-left)?\s*:\s*(?:0(?:px)? ){0,3}40px")
_HEADINGS: Final = frozenset("h1 h2 h3 h4 h5 h6".split())


def _marks(element: Start) -> set[str]:
    names = f"{element.attributes.get('class', '')} {element.attributes.get('id', '')}"[:600].lower().split()
    marks = {_PREFIX.sub("", name) for name in names}
    if "gmail_signature" in element.attributes.get("data-smartmail", ""):
        marks.add("gmail_signature")
    return marks


def _is_quotation(element: Start) -> bool:
    """A blockquote that quotes, not one that only indents (webmailers' "increase indentation")."""
    if element.name != "blockquote":
        return False
    style = element.attributes.get("style", "")[:400].lower()
    return (
        "type" in element.attributes
        or "gmail_quote" in element.attributes.get("class", "")
        or not (style and _INDENTATION.search(style))
    )


class _Writer:
    """Collects lines. A break asked for is made only when text follows, so that cells can stay on one line."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.size = 0
        self.pieces: list[str] = []
        self.breaks = 0  # 1: new line, 2: blank line before it
        self.quotes = 0
        self.pre = 0
        self.lists: list[int] = []  # 0 for bullets, else the next number
        self.mark = ""  # bullet of a list item that has no text yet
        self.rows: list[int] = []  # number of lines written when the row began, or -1 while the row is empty
        self.cell = False  # a separator is due before the next text
        self.sticky: list[Kind | None] = [None]
        self.once: Kind | None = None
        self.attribute = False  # within a gmail_quote, above its blockquote
        self.links = 0
        self.line_hint: Kind | None = None

    def full(self) -> bool:
        return self.size > MAX_TEXT

    # text
    def write(self, text: str) -> None:
        text = _WIDTHLESS.sub("", text[: MAX_TEXT - self.size + 1])
        if self.pre:
            self._write_pre(text)
            return
        text = _SPACES.sub(" ", text)
        if text.strip():
            self._before_text()
            if not self.pieces or self.pieces[-1].endswith(" "):
                text = text.lstrip(" ")
            self._add(text)
        elif text and self.pieces and not self.pieces[-1].endswith(" ") and not self.breaks:
            self._add(" ")

    def _add(self, text: str) -> None:
        self.pieces.append(text)
        self.size += len(text)

    def _write_pre(self, text: str) -> None:
        for number, row in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
            if number:
                self.end_line()
            if row:
                self._before_text()
                self._add(row.replace("\xa0", " "))

    def _before_text(self) -> None:
        if self.breaks:
            if self.pieces:
                self.end_line()
            if self.breaks > 1 and self.lines and self.lines[-1].text.strip("> "):
                self._blank()
            self.breaks = 0
        if self.cell:
            if self.pieces:
                self.pieces[-1] = self.pieces[-1].rstrip(" ")
                self._add(" " if self.pieces[-1].endswith(":") else " | ")
            self.cell = False
        if self.rows and self.rows[-1] < 0:
            self.rows[-1] = len(self.lines)
        if self.mark:
            mark, self.mark = self.mark, ""
            self._add(mark)
        if not self.pieces or self.line_hint is None:
            self.line_hint = self._hint()

    def _hint(self) -> Kind | None:
        if self.quotes:
            return Kind.QUOTE
        once, self.once = self.once, None
        if once is not None:
            return once
        if self.sticky[-1] is None and self.attribute:
            return Kind.ATTRIBUTION
        return self.sticky[-1]

    def end_line(self) -> None:
        text = "".join(self.pieces)
        self._emit(_LOOSE_JOINERS.sub("", text).rstrip() if text.strip() else "")
        self.pieces = []
        self.line_hint = None

    def _emit(self, text: str) -> None:
        prefix = ">" * min(self.quotes, _MAX_QUOTES)
        kind = Kind.QUOTE if self.quotes else (self.line_hint if text else None)
        self.size += 1 + len(prefix)
        self.lines.append(Line(f"{prefix} {text}".rstrip() if prefix else text, kind))

    def _blank(self) -> None:
        """A blank line; above the first line of a quotation it is nobody's."""
        if self.quotes and not self.lines[-1].text.startswith(">"):
            self.lines.append(Line("", Kind.QUOTE))
        else:
            self._emit("")

    # structure
    def block(self, blank: bool = False) -> None:
        """Ask for a line break. At the start of a cell that continues a row there is none to make."""
        if not self.cell:
            fresh = bool(self.rows) and self.rows[-1] < 0  # a first paragraph does not part the rows
            self.breaks = max(self.breaks, 2 if blank and not fresh else 1)

    def flush(self) -> None:
        """Write out the line, so that what changes now (quotation level, hint) holds for the next one only."""
        if self.pieces:
            self.end_line()
            self.breaks = 0 if self.breaks < 2 else self.breaks
        self.cell = False

    def line_break(self) -> None:
        if self.breaks and self.pieces:
            self.end_line()
        self.breaks = 0
        self.cell = False
        self.end_line()

    def start_row(self) -> None:
        self.block()
        self.rows.append(-1)

    def start_cell(self) -> None:
        if self.rows and self.rows[-1] == len(self.lines) and self.pieces:
            self.cell, self.breaks = True, 0
        else:
            self.block()


def html_lines(source: str | Iterable[Token]) -> list[Line]:
    """The readable lines of an HTML body, or of its tokens where they are read already."""
    writer = _Writer()
    undo: list[list[str]] = []
    anchors: list[tuple[str, int, int]] = []
    for token in tokens(source) if isinstance(source, str) else source:
        if writer.full():
            break
        if isinstance(token, Text):
            writer.write(token.text)
        elif isinstance(token, Start):
            if token.name in VOID:
                _void(writer, token)
            else:
                undo.append(_start(writer, token))
                if token.name == "a":
                    anchors.append((token.attributes.get("href", ""), len(writer.lines), len(writer.pieces)))
        else:
            if token.name == "a" and anchors:
                _end_link(writer, *anchors.pop())
            _end(writer, token, undo.pop() if undo else [])
    writer.flush()
    return writer.lines


def _void(writer: _Writer, element: Start) -> None:
    if not element.seen:
        return
    if element.name == "br":
        writer.line_break()
    elif element.name == "hr":
        writer.block()
        writer.write("-" * 20)
        writer.block()
    elif element.name == "img":
        words = _SPACES.sub(" ", element.attributes.get("alt", "")).strip()[:300]
        if words:
            writer.write(f"[{words}]")


def _start(writer: _Writer, element: Start) -> list[str]:
    """Begin an element; gives back what its end must undo."""
    undo: list[str] = []
    name = element.name
    if name in ("td", "th"):
        writer.start_cell()
    elif name == "tr":
        writer.start_row()
    elif name in BLOCKS:
        writer.block(blank=name == "p" or name in _HEADINGS or (name in ("ul", "ol") and not writer.lists))
    if name == "pre":
        writer.pre += 1
        undo.append("pre")
    elif name in ("ul", "ol"):
        start = element.attributes.get("start", "")
        writer.lists.append(
            (int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1)
            if name == "ol"
            else 0
        )
    elif name == "li":
        _list_item(writer)
    _quotation_start(writer, element, undo)
    return undo


def _list_item(writer: _Writer) -> None:
    indent = "  " * min(len(writer.lists) - 1, 8) if writer.lists else ""
    if writer.lists and writer.lists[-1]:
        writer.mark = f"{indent}{writer.lists[-1]}. "
        writer.lists[-1] += 1
    else:
        writer.mark = f"{indent}- "


def _quotation_start(writer: _Writer, element: Start, undo: list[str]) -> None:
    if _is_quotation(element):
        writer.flush()
        writer.quotes += 1
        writer.attribute = False
        undo.append("quote")
    if not element.attributes:
        return
    marks = _marks(element)
    style = element.attributes.get("style", "")[:400].lower()
    kind = None
    if marks & _ATTRIBUTION:
        kind = Kind.ATTRIBUTION
    elif marks & _SIGNATURE:
        kind = Kind.SIGNATURE
    if kind is not None:
        writer.flush()
        writer.sticky.append(kind)
        undo.append("sticky")
    if element.name == "div" and "gmail_quote" in marks:
        writer.flush()
        writer.attribute = True
        undo.append("attribute")
    if marks & _HISTORY or _OUTLOOK_BORDER.search(style):
        writer.flush()
        writer.once = Kind.HISTORY
    elif marks & _FORWARD:
        writer.flush()
        writer.once = Kind.FORWARD


def _end(writer: _Writer, token: End, undo: list[str]) -> None:
    name = token.name
    if undo:
        if "quote" in undo or "sticky" in undo or "attribute" in undo:
            writer.flush()
        writer.pre -= "pre" in undo
        writer.quotes -= "quote" in undo
        if "sticky" in undo:
            writer.sticky.pop()
        if "attribute" in undo:
            writer.attribute = False
    if name in ("ul", "ol") and writer.lists:
        writer.lists.pop()
    elif name == "tr" and writer.rows:
        writer.rows.pop()
        writer.cell = False
        writer.breaks = 1
    elif name in ("td", "th"):
        return
    if name in BLOCKS:
        writer.block(blank=name == "p" or name in _HEADINGS or (name in ("ul", "ol") and not writer.lists))
    if name == "li":
        writer.mark = ""


def _end_link(writer: _Writer, href: str, line: int, piece: int) -> None:
    """Add the address behind a link's words, where the words do not say it."""
    href = _SPACES.sub("", href)
    if writer.links >= _MAX_LINKS or line != len(writer.lines) or len(href) > _MAX_URL:
        return
    words = "".join(writer.pieces[piece:]).strip()
    scheme, _, rest = href.partition(":")
    if not words or scheme.lower() not in ("http", "https", "mailto", "tel", "ftp"):
        return
    bare = rest.lstrip("/").rstrip("/").lower()
    said = re.sub(r"^https?://", "", words.lower()).rstrip("/")
    if not bare or said == bare or scheme.lower() in ("mailto", "tel"):
        return
    writer.links += 1
    trailing = " " if writer.pieces[-1].endswith(" ") else ""
    writer.pieces[-1] = writer.pieces[-1].rstrip(" ")
    writer._add(f" ({href}){trailing}")
