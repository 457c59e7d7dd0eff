# ruff: noqa: E501 - a table, a row each
"""Messages of a megabyte in the shapes that made parsers of others slow or big."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from typing import Final

MEGA: Final = 1_000_000
HEAD: Final = b"From: a@b.example\nTo: support@desk.example\nSubject: x\nMIME-Version: 1.0\n"
HTML: Final = HEAD + b"Content-Type: text/html\n\n"
TEXT: Final = HEAD.replace(b"Subject: x", b"Subject: Re: x") + b"Content-Type: text/plain; charset=utf-8\n\n"
MIXED: Final = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"


def filled(head: bytes, piece: bytes, tail: bytes = b"") -> bytes:
    """head, and as much of piece as makes a megabyte."""
    return (head + piece * (MEGA // len(piece) + 1))[: MEGA - len(tail)] + tail


def _encoded(kind: bytes, data: bytes) -> bytes:
    return (
        HEAD
        + b"Content-Type: "
        + kind
        + b"\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(data)[:MEGA]
    )


def _nested(kind: bytes, count: int) -> bytes:
    return HEAD + b"".join(
        b"Content-Type: %s; boundary=b%d\n\n--b%d\n" % (kind, at, at) for at in range(count)
    )


def _lzfu() -> bytes:
    body = b"\x00{\\rtf1 aa" + b"\xff" + b"\x00\x0f" * 8
    packed = (body + b"\xff" + (b"\x01\x0f" * 8)) + (b"\xff" + b"\x02\x2f" * 8) * 40_000
    return len(packed).to_bytes(4, "little") + (4 << 20).to_bytes(4, "little") + b"LZFu\0\0\0\0" + packed


SHAPES: Final[dict[str, Callable[[], bytes]]] = {
    "header: fields": lambda: filled(b"", b"a: b\n"),
    "header: a hundred thousand fields": lambda: HEAD + b"X-A: 1\n" * 100_000 + b"\nx",
    "header: one fold": lambda: filled(HEAD + b"X-A:", b" x\n"),
    "header: one line": lambda: filled(HEAD + b"X-A:", b"x"),
    "header: addresses": lambda: filled(b"To: ", b'"a, b" <a@b.example>, '),
    "header: groups": lambda: filled(b"To: ", b"g: a@b.example, "),
    "header: comments": lambda: filled(b"From: ", b"("),
    "header: encoded words": lambda: filled(b"Subject: ", b"=?utf-8?q?a?= "),
    "header: openings of words": lambda: filled(b"Subject: ", b"=?utf-8?q?"),
    "header: one huge word": lambda: filled(b"Subject: =?utf-8?B?", b"w6TDtsO8", b"?=\n\nx"),
    "header: word with question marks": lambda: filled(b"Subject: =?utf-8?Q?", b"?=3D"),
    "header: parameters": lambda: HEAD + b"Content-Type: text/plain; " + b"".join(b"n*%d=a; " % at for at in range(90_000)) + b"\n\n",
    "header: references": lambda: filled(HEAD + b"References: ", b"<a@b.example> "),
    "header: received": lambda: filled(b"", b"Received: from a by b for <c@d.example>; Mon, 4 May 2026 15:07:12 +0200\n"),
    "header: authentication results": lambda: filled(HEAD, b"Authentication-Results: mx.desk.example; dkim=pass header.d=a.example\n"),
    "parts": lambda: filled(MIXED, b"--b\n\nx\n"),
    "parts: files": lambda: filled(MIXED, b"--b\nContent-Type: application/pdf; name=a\n\nx\n"),
    "parts: messages": lambda: filled(MIXED, b"--b\nContent-Type: message/rfc822\n\nSubject: x\n\nx\n"),
    "parts: nested": lambda: _nested(b"multipart/mixed", 16_000),
    "parts: nested alternatives": lambda: _nested(b"multipart/alternative", 15_000),
    "parts: messages in messages": lambda: filled(b"", b"Content-Type: message/rfc822\n\n"),
    "parts: boundaries that are none": lambda: filled(MIXED, b"--bx\n"),
    "parts: long boundary": lambda: filled(HEAD + b"Content-Type: multipart/mixed; boundary=" + b"-" * 200 + b"\n\n", b"-"),
    "parts: base64": lambda: _encoded(b"text/plain", b"a \xff" * 250_000),
    "parts: quoted-printable": lambda: filled(HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n", b"=C3=A4=\n"),
    "body: one line": lambda: filled(TEXT, b"x"),
    "body: blank lines": lambda: filled(TEXT, b"\n"),
    "body: short lines": lambda: filled(TEXT, b"a\n"),
    "body: quotations": lambda: filled(TEXT, b"> x\ny\n"),
    "body: deep quotations": lambda: filled(TEXT, b">"),
    "body: attributions": lambda: filled(TEXT, b"On Mon, 4 May 2026 at 15:07, Desk <s@desk.example>\n"),
    "body: half attributions": lambda: filled(TEXT, b"On 4 May 2026 <a@b\n"),
    "body: whole attributions": lambda: filled(TEXT, b"On Mon, 4 May 2026 at 15:07, Desk <s@desk.example> wrote:\n"),
    "body: loose attributions": lambda: filled(TEXT, b"Ann <a@b.example> 4.5.2026:\n> x\n"),
    "body: bare attributions": lambda: filled(TEXT, b"Ann Desk wrote:\n> x\n"),
    "body: initials": lambda: filled(TEXT + b"On 4 May 2026 15:07, you wrote:\n", b"AD> x\n\n"),
    "body: header blocks": lambda: filled(TEXT, b"From: a@b.example\n"),
    "body: recipients": lambda: filled(TEXT + b"From: a@b.example\n", b"To: a@b.example;\n"),
    "body: blocks below rules": lambda: filled(TEXT, b"_" * 30 + b"\nXa: <a@b.example>\nXb: 15:07\nXc: x\n"),
    "body: framed words": lambda: filled(TEXT, b"--" + b" a" * 190 + b" -\n"),
    "body: rules": lambda: filled(TEXT, b"-" * 399 + b"\n"),
    "body: signatures": lambda: filled(TEXT, b"-- \nx\n"),
    "body: telephones": lambda: filled(TEXT, b"sent from " + b"my " * 40 + b"mail\n"),
    "body: dates": lambda: filled(TEXT, b"12:30 " * 60 + b":\n"),
    "body: answers announced": lambda: filled(TEXT, b"answers "),
    "body: forwards": lambda: filled(TEXT.replace(b"Re:", b"Fwd:"), b"---------- Forwarded message ---------\n"),
    "body: flowed": lambda: filled(TEXT.replace(b"utf-8", b"utf-8; format=flowed; delsp=yes"), b">x \n"),
    "body: uuencode": lambda: filled(TEXT, b"begin 644 x\n#0V%T\n"),
    "body: uuencoded files": lambda: filled(TEXT, b"begin 644 x\n#0V%T\n`\nend\n"),
    "body: yenc": lambda: filled(TEXT, b"=ybegin line=1 size=9 name=a\n"),
    "body: yenc files": lambda: filled(TEXT, b"=ybegin line=1 size=3 name=a\nabc\n=yend size=3\n"),
    "body: armour": lambda: filled(TEXT, b"-----BEGIN PGP SIGNED MESSAGE-----\n"),
    "body: stray bytes": lambda: filled(TEXT, b"\xc3\xa4\xff"),
    "body: unknown bytes": lambda: filled(HEAD + b"\n", b"\xe4\xb8 \xff\xfe words "),
    "body: escapes": lambda: filled(TEXT.replace(b"utf-8", b"iso-2022-jp"), b"\x1b$B!!\x1b(B"),
    "body: bounce": lambda: filled(b"From: mailer-daemon@x.example\nSubject: failure notice\n\n", b"<a@b.example>: 550 5.1.1 no\n"),
    "body: dashes of a bounce": lambda: filled(b"From: mailer-daemon@x.example\n\n", b"-"),
    "report": lambda: filled(HEAD + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n", b"Final-Recipient: rfc822; a@b.example\nAction: failed\n\n"),
    "calendar": lambda: filled(HEAD + b"Content-Type: text/calendar\n\n", b"SUMMARY:x\n"),
    "html: angles": lambda: filled(HTML, b"<"),
    "html: nested": lambda: filled(HTML, b"<div>"),
    "html: nested quotations": lambda: filled(HTML, b"<blockquote>x"),
    "html: nested tables": lambda: filled(HTML, b"<table><tr><td>x"),
    "html: lists": lambda: filled(HTML, b"<ul><li>"),
    "html: never closed": lambda: filled(HTML, b"<p><b>"),
    "html: attributes": lambda: HTML + b"<div " + b" ".join(b"a%d=1" % at for at in range(120_000)) + b">x",
    "html: comments": lambda: filled(HTML, b"<!--"),
    "html: quotes": lambda: filled(HTML, b'<a b="'),
    "html: bare values": lambda: filled(HTML, b"<a b="),
    "html: scripts": lambda: filled(HTML, b"<script>"),
    "html: entities": lambda: filled(HTML, b"&amp;"),
    "html: references": lambda: filled(HTML, b"&#x41;&#65"),
    "html: one reference": lambda: filled(HTML + b"&#", b"1"),
    "html: breaks": lambda: filled(HTML, b"<br>"),
    "html: rules": lambda: filled(HTML, b"<hr>"),
    "html: styles": lambda: filled(HTML, b'<p style="max-height:0;color:#fff">'),
    "html: one style": lambda: filled(HTML + b'<p style="', b"max-height:0;", b'">x'),
    "html: links": lambda: filled(HTML, b'<a href="https://x.example/">y</a>'),
    "html: end tags": lambda: HTML + b"<div>" * 50_000 + b"</p>" * 180_000,
    "html: blanks in a tag": lambda: filled(HTML + b"<a", b" "),
    "html: joiners": lambda: filled(HTML, "\u200c".encode()),
    "html: math": lambda: filled(HTML, b"<math><mi><svg>"),
    "html: scripts unclosed in tables": lambda: filled(HTML, b"<table><script>x<td>"),
    "html: images": lambda: filled(HTML, b'<img alt="x" src="cid:y">'),
    "html: labelled text": lambda: filled(HEAD + b"\n<html>", b"<b>x</b>"),
    "rtf": lambda: filled(HEAD + b"Content-Type: text/rtf\n\n{\\rtf1 ", b"\\'e4{"),
    "rtf: unicode": lambda: filled(HEAD + b"Content-Type: text/rtf\n\n{\\rtf1 ", b"\\u228?"),
    "winmail: objects": lambda: _encoded(b"application/ms-tnef", b"\x78\x9f\x3e\x22\x01\x00" + b"\x01\x00\x80\x01\x00\0\0\0\0\0\0" * 60_000),
    "winmail: like a zip": lambda: _encoded(b"application/ms-tnef", b"\x78\x9f\x3e\x22\x01\x00" + b"\x01\x03\x90\x06\x00" + (700_000).to_bytes(4, "little") + b"\x01\0\0\0\x02\x01\x09\x10\x01\0\0\0" + (690_000).to_bytes(4, "little") + _lzfu()),
    "signed octets": lambda: _encoded(b"application/pkcs7-mime", bytes.fromhex("06092a864886f70d01070206092a864886f70d010701a080") + b"\x24\x80" * 340_000),
    "outlook: noise": lambda: _encoded(b"application/vnd.ms-outlook; name=a.msg", bytes.fromhex("d0cf11e0a1b11ae1") + b"\x01\0\0\0" * 180_000),
    "outlook: sectors in a ring": lambda: _encoded(b"application/vnd.ms-outlook; name=a.msg", _ring()),
    "a file": lambda: _encoded(b"application/zip; name=a.zip", zlib.compress(b"0" * MEGA, 0)[: MEGA * 3 // 4]),
}  # fmt: skip


def _ring() -> bytes:
    """An OLE file whose tables point to one another."""
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0\x06\0" + bytes(6)
    head += b"".join(number.to_bytes(4, "little") for number in (0, 109, 1, 0, 4096, 1, 109, 1, 109))
    return (head + b"\x01\0\0\0" * 109).ljust(512, b"\0") + b"\x01\0\0\0" * 180_000
