"""What a person reads of a message, and what its writer newly wrote.

readable() takes the decoded text and HTML of a message and gives the whole text, the new text, HTML for
showing and what a forwarded original says of itself. Pure; never raises for any str; bounded: MAX_PLAIN and
MAX_HTML characters are read, what comes behind is left out (the raw message is always in the store).

The plain part is preferred, since it is what the sender's client meant for reading as text. Where it is
missing, a stub ("your client does not show HTML") or HTML itself, the HTML is read instead. Where the words
of the plain part do not tell where history begins, the structure of the HTML part may cut the plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from mailbridge.mail.forwarded import Forwarded, find_forwarded
from mailbridge.mail.html import joined, sanitise
from mailbridge.mail.html_text import html_lines
from mailbridge.mail.html_tokens import MAX_HTML, tokens
from mailbridge.mail.language import guess_language
from mailbridge.mail.quotes import Stripped, reply_text, split_lines, strip_lines
from mailbridge.mail.quotes_marks import Line, is_rule
from mailbridge.mail.quotes_words import REPLY_PREFIX
from mailbridge.model.message import Address

__all__ = ["Readable", "readable", "reply_text"]

MAX_PLAIN: Final = 1_000_000
_SAME_CHARS: Final = 40  # of what follows are compared
_STUB_CHARS: Final = 300  # a plain part shorter than this may be a stub
_LEAST_CHARS: Final = 10  # of HTML that may stand for such a stub
_STUB: Final = re.compile(
    r"(?:does not|doesn.t|not|cannot|can.t|unable to) (?:support|display|view|show|read"
    r"|render)\w*.{0,40}html|html.{0,30}"
    r"(?:e-?mail|mail|message|version|format|viewer|compatible|capable|enabled)|view (?:this|it) (?:\w+ "
    r"){0,4}(?:in|online)"
    r"|multi-?part message in mime|mime format|html-(?:mail|nachricht|format)|format html",
    re.IGNORECASE,
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Readable:
    """text: all of it. new_text: without quoted history and signature, never less than what was written; ""
    only for a forward without own words and for an empty message. html: sanitised. language: two letters, ""
    where unsure."""

    text: str
    new_text: str
    html: str
    forwarded_from: Address | None
    forwarded_subject: str
    forwarded_text: str
    language: str


def readable(plain: str, html: str, *, subject: str = "", answering: bool = False) -> Readable:
    """Read a message's body.

    plain: the text/plain parts, decoded, joined and unflowed, "" if none. html: the text/html, "" if none.
    subject: decoded; its prefix tells a forward from an answer where the body leaves that open.
    answering: the header names the message that this one answers.
    """
    plain, html = _clean(plain[:MAX_PLAIN]), _clean(html[:MAX_HTML])
    stream = tuple(tokens(html)) if html.strip() else ()
    html_rows = html_lines(stream)
    from_html = joined([row.text for row in html_rows])
    answering = answering or bool(REPLY_PREFIX.match(subject[:200]))
    use_html = _is_better(from_html, plain)
    rows = _without_double_blanks(html_rows) if use_html else split_lines(plain)
    text = from_html if use_html else plain.strip("\n").rstrip()
    forwarded = find_forwarded(text, subject=subject)
    stripped = strip_lines(rows, answering=answering)
    if not use_html and from_html and stripped.whole and not stripped.empty:
        stripped = _by_structure(stripped, html_rows, answering)
    new_text = _new_text(text, stripped, forwarded, answering)
    return Readable(
        text=text,
        new_text=new_text,
        html=sanitise(stream),
        forwarded_from=forwarded.from_ if forwarded else None,
        forwarded_subject=forwarded.subject if forwarded else "",
        forwarded_text=forwarded.text if forwarded else "",
        language=guess_language(new_text or text),
    )


def _clean(text: str) -> str:
    """One kind of line end; no controls, no lone surrogates (neither database nor JSON takes them)."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n"))


def _is_better(from_html: str, plain: str) -> bool:
    """Whether the HTML says more than the plain part: that is empty, a stub, or HTML sent as plain text."""
    bare = plain.strip()
    if not from_html:
        return False
    if not bare:
        return True
    if len(bare) < _STUB_CHARS and _STUB.search(bare) and len(from_html) > _LEAST_CHARS:
        return True
    return bool(re.match(r"<(?:!doctype|html|head|body)\b", bare, re.IGNORECASE))


def _without_double_blanks(rows: list[Line]) -> list[Line]:
    kept: list[Line] = []
    for row in rows:
        if row.text or (kept and kept[-1].text):
            kept.append(row)
    return kept


def _by_structure(stripped: Stripped, html_rows: list[Line], answering: bool) -> Stripped:
    """The words of the plain part gave nothing away; cut it where the HTML says that history begins.

    Only where the new text of the HTML is, blanks aside, the beginning of the plain text, and what follows
    there stands in the HTML too.
    """
    other = strip_lines(_without_double_blanks(html_rows), answering=answering)
    if other.whole or other.empty:
        return stripped
    wanted = "".join(other.text.split())
    text, at, seen = stripped.text, 0, 0
    while at < len(text) and seen < len(wanted):
        if not text[at].isspace():
            if text[at] != wanted[seen]:
                return stripped
            seen += 1
        at += 1
    rest = "".join(text[at:].replace(">", " ").split())[:_SAME_CHARS]
    everything = "".join("".join(row.text for row in html_rows).replace(">", " ").split())
    if seen < len(wanted) or not rest or not text[at].isspace() or rest not in everything:
        return stripped
    kept = text[:at].rstrip().split("\n")
    while len(kept) > 1 and (is_rule(kept[-1]) or not kept[-1].strip()):
        kept.pop()  # the client's rule above the history
    return Stripped("\n".join(kept), whole=False, forward=other.forward, empty=False)


def _new_text(text: str, stripped: Stripped, forwarded: Forwarded | None, answering: bool) -> str:
    """Of a forward, what stands above it; of all else, what the stripper leaves."""
    if forwarded is None or not (stripped.empty or forwarded.marked):
        return stripped.text
    above = "\n".join(text.split("\n")[: forwarded.start])
    if not above.strip("\ufeff \n\t>-_"):
        return ""
    if not stripped.empty:
        return stripped.text
    return strip_lines(split_lines(above), answering=answering).text
