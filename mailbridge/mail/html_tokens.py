# ruff: noqa: E501, SIM905 - tables of names read better as words in rows
"""HTML of mail as a balanced stream of starts, ends and text: the one reader for text and for showing.

A small tolerant reader instead of a library's tree, because of what was measured on 1 MB of hostile input:
nested <div> cost html5ever 126 s, 100,000 attributes cost libxml2 14 s, and libxml2 silently drops all that
is nested deeper than 256 (2048 when told to be generous): words lost. This one is linear, has no recursion,
and keeps all text.

Promises: never raises for any str; every start has its end, rightly nested; scripts, styles, comments and
invisible elements are left out; entities are decoded. An address in angle brackets ("<jane@desk.example>",
unescaped by a careless client) is text. It decides nothing about safety: that is nh3's part, see
html.sanitise.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MAX_HTML: Final = 2_000_000  # characters read; the rest is left out
MAX_TAGS: Final = 30_000  # read as structure, a newsletter has 5,000; later ones become blanks
_MAX_STYLE: Final = 2_000

VOID: Final = frozenset(
    "area base basefont br col embed frame hr img input link meta param source track wbr".split()
)
# Elements whose content is not for people.
_SILENT: Final = frozenset(
    "script style title template noframes noembed iframe object applet svg math xml audio video canvas map".split()
)
BLOCKS: Final = frozenset(
    "address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption figure footer form"
    " h1 h2 h3 h4 h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody tfoot thead tr ul"
    " td th".split()
)
# An end tag does not reach through these (HTML standard, "has an element in scope").
_SCOPES: Final = frozenset("table td th ul ol caption".split())
_CROSSING: Final = _SCOPES | frozenset("tr tbody thead tfoot body html".split())

# Possessive throughout, and no "<" in names and bare values: an attempt that fails ends at the next "<".
_TAG: Final = re.compile(
    r"""<(/?)([a-zA-Z][a-zA-Z0-9:_-]{0,40}+)(?=[\s/>])((?:[\s/]++|[^\s/>="'<]++(?:\s*+=\s*+"""
    r"""(?:"[^"]*+"|'[^']*+'|[^\s>"'<][^\s><]*+)?+)?+|["'=])*+)>"""
)
# Other "<" are text, a run of them in one piece.
_OPENING: Final = re.compile(r"<(?=[a-zA-Z/!?])")
_ATTRIBUTE: Final = re.compile(
    r"""([^\s/>="'<]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s>"'<][^\s><]*+)))?+"""
)
_WANTED: Final = frozenset(
    "href src alt title class id style type align valign width height colspan rowspan dir lang start hidden color bgcolor"
    " border cellpadding cellspacing face size data-smartmail".split()
)
# int() of more than 4300 digits raises, and html.unescape does not guard it.
_LONG_REFERENCE: Final = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}+;?")
_INVISIBLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|mso-hide\s*:\s*all"
    r"|(?<![\w-])opacity\s*:\s*0(?![.\d])"
    r"|max-height\s*:\s*0(?![.\d]).{0,400}overflow\s*:\s*hidden"
    r"|overflow\s*:\s*hidden.{0,400}max-height\s*:\s*0(?![.\d])"
)
_FONT_SIZE: Final = re.compile(r"(?<![\w-])font-size\s*:\s*([\d.]+)")
_COLOUR: Final = re.compile(r"(?<![\w-])(color|background-color|background)\s*:\s*([^;!]{1,60})")


@dataclass(slots=True)
class Start:
    """An element begins. seen is False inside of an element that nobody can see."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    seen: bool = True
    tiny: bool = False  # font-size:0, which an inner element may undo
    same: bool = False  # text in the colour of its background, likewise


@dataclass(frozen=True, slots=True)
class End:
    name: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str


Token = Start | End | Text


def unescape(text: str) -> str:
    """Character references decoded; absurd ones left out."""
    return html.unescape(_LONG_REFERENCE.sub("", text)) if "&" in text else text


def _attributes(source: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source):
        name = match[1].lower()
        if name in _WANTED and name not in found:
            found[name] = unescape(match[2] or match[3] or match[4] or "")
    return found


def _raw(source: str) -> Iterator[tuple[str, str, str]]:
    """("text", t, ""), ("start", name, attributes), ("end", name, "") as they stand, comments and scripts left out."""
    at = begun = 0  # where to look, and where the text begins that is not given out yet
    hopeless, tags = set[str](), 0
    while at < len(source):
        if tags > MAX_TAGS:
            yield "text", _TAG.sub(" ", source[begun:]), ""
            return
        found = _OPENING.search(source, at)
        if found is None:
            break
        opening = found.start()
        after = _skip_comment(source, opening, hopeless)
        tag = None if after else _TAG.match(source, opening)
        if not after and tag is None:
            at = opening + 1  # a "<" that is text: no token of its own, there may be a million
            continue
        if opening > begun:
            yield "text", source[begun:opening], ""
        at = begun = after or (tag.end() if tag else 0)
        if tag is None:
            continue
        name = tag[2].lower()
        tags += 1
        if not tag[1] and name in _SILENT and not tag[3].endswith("/"):
            at = begun = _skip_element(source, at, name, hopeless)
            continue
        yield "end" if tag[1] else "start", name, "" if tag[1] else tag[3]
    if begun < len(source):
        yield "text", source[begun:], ""


def _skip_comment(source: str, at: int, hopeless: set[str]) -> int:
    """Where reading goes on after a comment, declaration or processing instruction; 0 where there is none."""
    if source.startswith("<!--", at):
        end = -1 if "-->" in hopeless else source.find("-->", at + 2)
        if end < 0:
            hopeless.add("-->")  # unclosed: only the mark goes, so that no words are lost
            return at + 4
        return end + 3
    if source.startswith(("<!", "<?"), at):
        end = -1 if ">" in hopeless else source.find(">", at)
        if end < 0:
            hopeless.add(">")
            return at + 2
        return end + 1
    return 0


def _skip_element(source: str, at: int, name: str, hopeless: set[str]) -> int:
    """Behind the end tag of a silent element; an unclosed one loses only its tag."""
    if name in hopeless:
        return at
    end = re.compile(rf"</{name}(?=[\s/>])[^>]*+>", re.IGNORECASE).search(source, at)
    if end is None:
        hopeless.add(name)
        return at
    return end.end()


class _Open:
    """The open elements, with how many of a name each scope holds: an end tag costs what it closes."""

    def __init__(self) -> None:
        self.stack: list[Start] = []
        self.scopes: list[Counter[str]] = [Counter()]
        self.all: Counter[str] = Counter()
        self.owners: list[str] = []  # which element opened each scope but the first

    def push(self, element: Start) -> None:
        self.stack.append(element)
        self.all[element.name] += 1
        self.scopes[-1][element.name] += 1
        if element.name in _SCOPES:
            self.scopes.append(Counter())
            self.owners.append(element.name)

    def pop(self) -> Start:
        element = self.stack.pop()
        self.all[element.name] -= 1
        if element.name in _SCOPES:
            self.scopes.pop()
            self.owners.pop()
        self.scopes[-1][element.name] -= 1
        return element

    def close(self, name: str) -> Iterator[Start]:
        """Close the innermost element of that name, with all in it, if it is within reach."""
        reach = self.all if name in _CROSSING else self.scopes[-1]
        if reach[name] <= 0:
            return
        while True:
            element = self.pop()
            yield element
            if element.name == name:
                return

    def implied(self, name: str) -> Iterator[Start]:
        """Close what a start tag ends by itself: a paragraph, a list item, a cell, a row."""
        if name in BLOCKS and self.stack and self.stack[-1].name == "p":
            yield self.pop()
        if name in ("li", "dd", "dt", "tr", "option") and self.scopes[-1][name] > 0:
            yield from self.close(name)
        if name in ("td", "th", "tr") and self._in_cell():
            while self.stack[-1].name not in ("td", "th"):
                yield self.pop()
            yield self.pop()
        if name == "tr" and self.scopes[-1]["tr"] > 0:
            yield from self.close("tr")

    def _in_cell(self) -> bool:
        return bool(self.owners) and self.owners[-1] in ("td", "th")


def _visibility(element: Start, parent: Start | None) -> None:
    """Mark what nobody can see: a carrier of spam words and of text meant for machines."""
    if parent is not None:
        element.seen, element.tiny, element.same = parent.seen, parent.tiny, parent.same
    style = element.attributes.get("style", "")[:_MAX_STYLE].lower()
    if "hidden" in element.attributes or (style and _INVISIBLE.search(style)):
        element.seen = False
    size = _FONT_SIZE.search(style) if style else None
    if size:
        element.tiny = not size[1].strip("0.")
    colours = {key.split("-")[0]: value.strip() for key, value in _COLOUR.findall(style)} if style else {}
    if "color" in colours or "background" in colours:
        element.same = colours.get("color") == colours.get("background")


def tokens(source: str) -> Iterator[Token]:
    """The stream. Text of invisible elements is left out, their starts say seen=False."""
    opened = _Open()
    for what, name, attributes in _raw(source[:MAX_HTML]):
        if what == "text":
            top = opened.stack[-1] if opened.stack else None
            if top is None or (top.seen and not top.tiny and not top.same):
                yield Text(unescape(name))
        elif what == "end":
            if name == "br":
                yield Start("br")
            yield from (End(element.name) for element in opened.close(name))
        else:
            yield from (End(closed.name) for closed in opened.implied(name))
            element = Start(name, _attributes(attributes))
            _visibility(element, opened.stack[-1] if opened.stack else None)
            if name not in VOID:
                opened.push(element)
            yield element
    while opened.stack:
        yield End(opened.pop().name)
