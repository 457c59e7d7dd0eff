# ruff: noqa: E501 - tables of seeds and words, a row each
"""What is fuzzed: one function of bytes for each thing that reads mail, which raises where a promise is broken.

The fuzzer, the fast tests over the finds and hypothesis call the same functions. Promises asked for: no exception,
no processor time beyond the bound, nothing that a database or JSON refuses, attachments with the size they
say, a new text made of lines of the text, safe HTML that stays the same when made safe again.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from time import process_time
from typing import Final

from mailbridge.mail.body import readable
from mailbridge.mail.charset import decode
from mailbridge.mail.forwarded import find_forwarded
from mailbridge.mail.html import html_to_text, sanitise
from mailbridge.mail.html_tokens import VOID, End, Start, tokens
from mailbridge.mail.outlook import msg_to_rfc822
from mailbridge.mail.parse import parse, part_bytes
from mailbridge.mail.quotes import reply_text
from mailbridge.mail.rtf import decompress, rtf_to_text
from mailbridge.mail.words import header_text
from mailbridge.model.message import ParsedMessage
from mailbridge.policy.authentic import read_authentic
from mailbridge.policy.classify import classify
from tests.mail.make import ENVELOPE, REPLY, SITE, raw, with_audio
from tests.mail.ole import ole

SECONDS: Final = 2.0  # of the processor, a message; the fuzzer's inputs are far smaller than what is promised
OWN: Final = "It does not print."
_SUBJECTS: Final = ("", "Re: printer", "Fwd: printer", "AW: Drucker", "printer")


def understood(data: bytes) -> ParsedMessage:
    """Parse and classify; the message, if every promise holds."""
    message = parse(data)
    classify(message, ENVELOPE, SITE)
    read_authentic(message, ("mx.desk.example", ""))
    assert not any(defect.startswith("beyond reading") for defect in message.defects), message.defects
    carried(message.text, message.new_text, message.subject, message.message_id, message.html)
    carried(*(value for _, value in message.headers.fields))
    for one in message.attachments:
        assert len(part_bytes(data, one.part)) == one.size_bytes
        assert "/" not in one.filename
        carried(one.filename, one.content_type, one.content_id)
    return message


def carried(*texts: str) -> None:
    """What SQLite, PostgreSQL and JSON can carry."""
    for text in texts:
        assert "\0" not in text
        text.encode("utf-8")


def read_message(data: bytes) -> None:
    understood(data)


def read_charset(data: bytes) -> None:
    """First line: the label; the rest: bytes, and the same as a header value."""
    label, _, body = data.partition(b"\n")
    text, _ = decode(body, label.decode("latin-1"))
    carried(text, header_text(body.decode("utf-8", "surrogateescape")))


def read_reply(data: bytes) -> None:
    """First byte: which subject; the rest: a plain text."""
    subject = _SUBJECTS[data[0] % len(_SUBJECTS)] if data else ""
    source = data[1:].decode("utf-8", "ignore")
    found = readable(source, "", subject=subject)
    rows = found.text.split("\n")
    assert all(any(row in line for line in rows) for row in found.new_text.split("\n"))
    assert (
        found.new_text.strip()
        or not found.text.strip("\ufeff \n\t")
        or found.forwarded_from is not None
        or (find_forwarded(found.text, subject=subject) is not None)
    )
    above = readable(f"{OWN}\n\n{source}", "", subject=subject).new_text
    assert above.startswith(OWN), "what a person wrote first is always new"
    again = reply_text(found.new_text)
    assert len(again) <= len(found.new_text)
    carried(found.text, found.new_text, found.forwarded_text, found.forwarded_subject)


class _Seen(HTMLParser):
    """The standard library's reader as a second opinion on what was made safe."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "form",
            "base",
            "meta",
            "svg",
            "math",
        }, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            assert name not in ("srcset", "background", "action", "formaction"), name
            if name == "src":
                assert (value or "").lower().startswith("cid:"), value
            if name == "href":
                assert re.match(r"https?:|mailto:|tel:|#", value or "", re.I), value
            if name == "style":
                assert "url" not in (value or "").lower(), value


def read_html(data: bytes) -> None:
    source = data.decode("utf-8", "ignore")
    open_elements: list[str] = []
    for token in tokens(source):
        if isinstance(token, Start) and token.name not in VOID:
            open_elements.append(token.name)
        elif isinstance(token, End):
            assert open_elements.pop() == token.name
    assert open_elements == []
    shown = sanitise(source)
    _Seen().feed(shown)
    carried(html_to_text(source).replace("\0", ""), shown.replace("\0", ""))
    read = readable("", source, subject="Re: x")
    carried(read.text, read.new_text, read.html)


def read_rtf(data: bytes) -> None:
    for rtf in (data, decompress(data)):
        carried(*(text.replace("\0", "") for text in rtf_to_text(rtf)))


def read_outlook(data: bytes) -> None:
    raw = msg_to_rfc822(data)
    if raw is not None:
        understood(raw)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "message": read_message,
    "charset": read_charset,
    "reply": read_reply,
    "html": read_html,
    "rtf": read_rtf,
    "outlook": read_outlook,
}


def run(target: str, data: bytes) -> None:
    """One input through one target, with its processor time bounded."""
    began = process_time()
    TARGETS[target](data)
    took = process_time() - began
    assert took < SECONDS, f"{took:.2f} s for {len(data)} bytes"


_KIND, _BODY = with_audio("Length: 0:12")
_MIXED = (
    "--b\nContent-Type: multipart/alternative; boundary=c\n\n--c\nContent-Type: text/plain; charset=utf-8;"
    " format=flowed; delsp=yes\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe \n> alt\n-- \nPat\n--c\n"
    "Content-Type: text/html; charset=iso-8859-1\n\n<p>Gr&uuml;&szlig;e<blockquote type=cite>alt</blockquote>\n--c--\n"
    "--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\nSubject: =?gb2312?B?xOO6ww==?=\n\nx\n"
    '--b\nContent-Type: application/ms-tnef; name="winmail.dat"\nContent-Transfer-Encoding: base64\n\neJ8+IgEAAQ==\n--b--'
)
_EVENT = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Call\nEND:VEVENT\nEND:VCALENDAR"
_ANSWER = (
    "Yes, it does.\n\nOn Mon, 4 May 2026 at 15:07, Desk <s@desk.example> wrote:\n> Does it?\n\n-- \nPat\n"
    "From: Desk <s@desk.example>\nSent: Monday\nTo: Pat\nSubject: x\n\nold\nSent from my iPhone\n"
)
SEEDS: Final[dict[str, tuple[bytes, ...]]] = {
    "message": (
        raw(f"{REPLY}Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?w6Q=?=\n{_KIND}", _BODY),
        raw(f"{REPLY}Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b", _MIXED),
        raw(f"{REPLY}Subject: x\nContent-Type: text/calendar; method=REQUEST", _EVENT),
        raw(f"{REPLY}Auto-Submitted: auto-replied\nSubject: x\nContent-Type: text/html; charset=gb2312", "<p>hello</p>"),
        raw(f"{REPLY}Subject: x", "begin 644 a.txt\n#0V%T\n`\nend"),
        raw(f"{REPLY}Subject: x", "=ybegin line=128 size=3 name=a\nabc\n=yend size=3"),
        raw(f"{REPLY}Subject: x", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n- -- x\n"
            "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----"),
    ),
    "charset": (b"utf-8\nGr\xc3\xbc\xc3\x9fe", b"iso-2022-jp\n\x1b$B$3$s\x1b(B", b"\n=?utf-7?Q?+AOQ-?= =?x-gbk?B?xOM=?=",
                b"utf-16\n\xff\xfea\0b\0", b"cp949\n\xbe\xc8\xb3\xe7", b"gb18030\n\x81\x30\x81\x30"),
    "reply": (b"\1" + _ANSWER.encode(), b"\2---------- Forwarded message ---------\nFrom: a@b.example\nDate: x\nSubject: y\n\nz"),
    "html": (b'<div>own</div><div class="gmail_quote"><blockquote type="cite">q</blockquote></div><!-- c -->',
             b'<table><tr><td style="color:#fff;background:#fff"><a href="http://x.example/">y</a><img src="cid:1" alt=z></table>'),
    "rtf": (b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 {\\*\\htmltag64 <p>}\\htmlrtf x\\htmlrtf0 a\\'e4\\u8364?\\par}",
            b"\x20\0\0\0\x10\0\0\0LZFu\0\0\0\0\x00{\\rtf1 a}"),
    "outlook": (ole({"__properties_version1.0": bytes(48), "__substg1.0_1000001F": "words".encode("utf-16-le"), "__substg1.0_0037001E": b"x",
                     "__attach_version1.0_#00000000": {"__substg1.0_37010102": b"file"}}),),
}  # fmt: skip
# Words that the fuzzer strings together: it would not find them by coverage alone.
WORDS: Final = (
    "Content-Type: ", "multipart/mixed; boundary=b", "multipart/alternative; boundary=", "message/rfc822", "text/html",
    "text/plain; charset=", "Content-Transfer-Encoding: base64", "quoted-printable", "filename*0*=utf-8''", "\n--b\n", "\n--b--",
    "=?utf-8?Q?", "=?iso-2022-jp?B?", "?=", "From: ", "Subject: Re: ", "Auto-Submitted: ", "format=flowed", "delsp=yes",
    "begin 644 x", "begin-base64 644 x", "=ybegin ", "-----BEGIN PGP SIGNED MESSAGE-----", "application/ms-tnef", "winmail.dat",
    "application/pkcs7-mime", "wrote:\n", "On 4 May 2026 at 15:07, ", "\n> ", "\n-- \n", "-----Original Message-----",
    "Begin forwarded message:", "Sent from my ", "<blockquote type=cite>", "<div class=gmail_quote>", "<table><tr><td>",
    "</table>", "style=\"display:none\"", "<!--", "-->", "&#x", "<svg>", "<math><mi>", "<a href=\"", "<pre>", "{\\rtf1",
    "\\*\\htmltag", "\\'e4", "\\u8364", "utf-16", "utf-7", "x-gbk", "\x1b$B", "\x1b(B",
)  # fmt: skip
