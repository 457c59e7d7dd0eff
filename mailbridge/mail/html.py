# ruff: noqa: E501, SIM905 - tables of names read better as words in rows
"""HTML of mail, for reading as text and for showing to staff.

html_to_text: readable text. sanitise: HTML that may be put into a page of ours: an allow-list (nh3), no
remote images (tracking; SSRF for who proxies), no forms, base, style sheets, scripts, event handlers,
javascript: and data: addresses, no relative links. Images by Content-ID ("cid:") stay; whoever shows them
maps them to the parts of the same message only. Serve it with a Content-Security-Policy all the same.

Promises: never raise for any str, bounded output, linear time. What is too much is left out (tags nested
deeper than MAX_DEPTH lose their tag, not their words).
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Final

import nh3

from mailbridge.mail.html_text import html_lines
from mailbridge.mail.html_tokens import VOID, Start, Text, Token, tokens

# html5ever takes quadratic time in depth (200,000 nested <div>: 126 s), so depth is bounded before it.
MAX_DEPTH: Final = 100
MAX_SHOWN: Final = 1_000_000  # characters of HTML handed to the sanitiser

_TAGS: Final = frozenset(
    "a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details"
    " dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark ol p pre q rp rt"
    " ruby s samp section small span strike strong sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr".split()
)
_ANYWHERE: Final = frozenset({"dir", "lang", "title", "align"})
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    "*": set(_ANYWHERE) | {"style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "font": {"color", "size", "face"},
    "table": {"border", "cellpadding", "cellspacing", "width", "bgcolor"},
    "td": {"colspan", "rowspan", "width", "valign", "bgcolor"},
    "th": {"colspan", "rowspan", "width", "valign", "bgcolor"},
    "tr": {"valign", "bgcolor"},
    "ol": {"start", "type"},
    "blockquote": {"type"},
}
_STYLES: Final = {
    "color", "background-color", "font-weight", "font-style", "font-family", "text-align", "text-decoration",
    "white-space", "list-style-type", "vertical-align", "margin-left", "padding-left", "border-left",
}  # fmt: skip


def _filter(tag: str, attribute: str, value: str) -> str | None:
    """The last word on a value: None leaves the attribute out."""
    if attribute == "src":
        return value if tag == "img" and value[:4].lower() == "cid:" else None
    if attribute == "href":
        return value if value[:7].lower().startswith(("http://", "https:/", "mailto:", "tel:", "#")) else None
    if attribute == "style" and ("url" in value.lower() or "\\" in value or "/*" in value):
        return None  # a background image is a remote image; escapes and comments only hide one
    return value


def _rebuilt(source: Iterable[Token]) -> str:
    """Well-formed, balanced HTML of the visible elements, of bounded depth and size."""
    pieces: list[str] = []
    size = depth = 0
    written: list[bool] = []
    for token in source:
        if size > MAX_SHOWN:
            break
        piece = ""
        if isinstance(token, Text):
            piece = html.escape(token.text[:MAX_SHOWN], quote=False)[:MAX_SHOWN]
        elif isinstance(token, Start):
            shown = token.name in _TAGS and token.seen and depth < MAX_DEPTH
            piece = _tag(token) if shown else ""
            if token.name not in VOID:
                written.append(shown)
                depth += shown
        elif written.pop():
            depth -= 1
            piece = f"</{token.name}>"
        pieces.append(piece)
        size += len(piece)
    return "".join(pieces)


def _tag(element: Start) -> str:
    allowed = _ATTRIBUTES["*"] | _ATTRIBUTES.get(element.name, set())
    attributes = "".join(
        f' {name}="{html.escape(value[:4000])}"'
        for name, value in element.attributes.items()
        if name in allowed
    )
    return f"<{element.name}{attributes}>"


def sanitise(source: str | Iterable[Token]) -> str:
    """The body (or its tokens, where they are read already) as HTML that is safe to show; "" for ""."""
    return nh3.clean(
        _rebuilt(tokens(source) if isinstance(source, str) else source),
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_filter,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    ).strip()


def html_to_text(source: str) -> str:
    """Readable text of an HTML body: links as "words (address)", lists, tables by rows, quotations with ">"."""
    return joined([line.text for line in html_lines(source)])


def joined(rows: list[str]) -> str:
    """Rows as text: blank ones at the ends go, several in a row become one."""
    kept: list[str] = []
    for row in rows:
        if row or (kept and kept[-1]):
            kept.append(row)
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept)
