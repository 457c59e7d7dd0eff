"""The bytes of outgoing mail: read back with the standard library they say what was put in."""

from __future__ import annotations

import email
import email.policy
import sys
import time
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailbridge.errors import Permanent
from mailbridge.mail import compose_parts
from mailbridge.mail.compose import (
    Outgoing,
    ascii_domain,
    bare_subject,
    compose,
    tagged_subject,
    thread_references,
    verify_generated_headers,
)
from mailbridge.mail.compose_parts import clean_body, clean_line
from mailbridge.model.message import Address
from mailbridge.model.notice import NoticeAttachment

SENT_AT = datetime(2026, 11, 25, 16, 10, tzinfo=UTC)
SENDER = Address("Example Support", "support@desk.example")
JO = Address("Jo Lee", "jo@customer.example")


def _mail(**more: object) -> Outgoing:
    values: dict[str, object] = {
        "sender": SENDER,
        "to": (JO,),
        "subject": "Checks print upside down",
        "text": "Hello Jo\n",
        "message_id": "<case-1042.a@desk.example>",
        "sent_at": SENT_AT,
    }
    return Outgoing(**(values | more))  # type: ignore[arg-type]


def _read(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _content(raw: bytes, subtype: str) -> str:
    part = _read(raw).get_body((subtype,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")  # as it travels, lines end in CRLF


def _sound(raw: bytes) -> None:
    """What a strict relay looks at: CRLF alone, no NUL, short lines, 7-bit."""
    assert b"\x00" not in raw
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.endswith(b"\r\n")


def test_an_automatic_mail_says_so() -> None:
    mail = _mail(
        auto_submitted="auto-replied", loop_marker="desk.example support@desk.example", language="en",
        reply_to="support+c.1042.x@desk.example", subject_tag="[#1042]", html="<p>Hello Jo</p>",
        in_reply_to="<q@customer.example>", references=("<p@customer.example>",),
    )  # fmt: skip
    message = _read(compose(mail))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert message["Precedence"] == "bulk"
    assert message["X-Mailbridge-Loop"] == "desk.example support@desk.example"
    assert message["Content-Language"] == "en"
    assert message["Reply-To"] == "support+c.1042.x@desk.example"
    assert message["Subject"] == "Checks print upside down [#1042]"
    assert message["In-Reply-To"] == "<q@customer.example>"
    assert message["References"].split() == ["<p@customer.example>", "<q@customer.example>"]
    assert message["Date"] == "Wed, 25 Nov 2026 16:10:00 +0000"
    assert message["Message-ID"] == "<case-1042.a@desk.example>"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert "List-Unsubscribe" not in message  # a click on it would block support mail


def test_a_persons_mail_carries_no_mark_of_a_robot() -> None:
    message = _read(compose(_mail()))
    for name in (
        "Auto-Submitted",
        "X-Auto-Response-Suppress",
        "Precedence",
        "X-Mailbridge-Loop",
        "In-Reply-To",
    ):
        assert name not in message


def test_the_same_values_give_the_same_bytes() -> None:
    mail = _mail(html="<p>x</p>", attachments=(NoticeAttachment("a.txt", "text/plain", b"1"),))
    assert compose(mail) == compose(mail)


_SEPARATORS = (
    "\r\n",
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x85",
    "\u2028",
    "\u2029",
    "\x00",
    "\r\n\r\n",
    "\n ",
    "%0d%0a",
)


@pytest.mark.parametrize("separator", _SEPARATORS)
@pytest.mark.parametrize(
    "place", ["subject", "sender", "to", "cc", "tag", "loop", "auto", "language", "file", "type"]
)
def test_no_value_can_start_a_field(separator: str, place: str) -> None:
    evil = f"x{separator}Bcc: all@customer.example{separator}{separator}<b>body</b>"
    changes: dict[str, object] = {
        "subject": {"subject": evil},
        "sender": {"sender": Address(evil, SENDER.address)},
        "to": {"to": (Address(evil, JO.address),)},
        "cc": {"cc": (Address(evil, JO.address),)},
        "tag": {"subject_tag": evil},
        "loop": {"loop_marker": evil},
        "auto": {"auto_submitted": evil},
        "language": {"language": evil},
        "file": {"attachments": (NoticeAttachment(evil, "text/plain", b"1"),)},
        "type": {"attachments": (NoticeAttachment("a", evil, b"1"),)},
    }[place]
    raw = compose(_mail(**changes))
    _sound(raw)
    for message in _read(raw).walk():
        assert "Bcc" not in message
    assert _content(raw, "plain") == "Hello Jo\n"


@pytest.mark.parametrize(
    "address",
    ["", "jo", "jo@", "@x.example", "jo@x.example\r\nBcc: a@b.example", "jo@x.example>,<a@b.example",
     "a b@x.example",
     "jo@x..example", "jo@-x.example",
     "jo@x\u2028.example", "jo\u202e@x.example", "jo@x example",
     "j" * 400 + "@x.example",
     '"jo\n"@x.example', "jo@[1.2.3.4", "<jo@x.example>", "jo@x.example, al@x.example"],
)  # fmt: skip
def test_what_is_no_address_is_refused(address: str) -> None:
    for change in ({"to": (Address("", address),)}, {"sender": Address("", address)}):
        with pytest.raises(Permanent):
            compose(_mail(**change))
    with pytest.raises(Permanent):
        ascii_domain(address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("jo@customer.example", "jo@customer.example"),
        ("a..b@docomo.example", "a..b@docomo.example"),
        ('"jo lee"@x.example', '"jo lee"@x.example'),
        ("support+c.1042@x.example", "support+c.1042@x.example"),
        ("jo@[192.0.2.1]", "jo@[192.0.2.1]"),
        ("jo@bücher.example", "jo@xn--bcher-kva.example"),
        ("jo@localhost", "jo@localhost"),
    ],
)
def test_addresses_of_the_world(address: str, expected: str) -> None:
    assert ascii_domain(address) == expected
    assert f"To: {expected}\r\n".encode() in compose(_mail(to=(Address("", address),)))


def test_smtputf8_only_where_the_address_needs_it() -> None:
    raw = compose(_mail(to=(Address("Jörg", "jörg@bücher.example"),), subject="Prüfung"))
    head, _, body = raw.partition(b"\r\n\r\n")
    assert "<jörg@xn--bcher-kva.example>".encode() in head
    assert body.isascii()
    assert b"Pr\xc3\xbc" not in head  # what can be encoded is


@pytest.mark.parametrize(
    "message_id", ["", "x", "<x>", "<a@b> <c@d>", "<a@b\r\n>", "<a b@c>", "<" + "a" * 999 + "@b>"]
)
def test_a_wrong_message_id_is_refused(message_id: str) -> None:
    with pytest.raises(Permanent):
        compose(_mail(message_id=message_id))
    with pytest.raises(Permanent):
        compose(_mail(to=()))


def test_references_are_capped_and_clean() -> None:
    many = tuple(f"<{number}@x.example>" for number in range(300))
    kept = thread_references(many, "<q@x.example>")
    assert len(kept) == 21
    assert (kept[0], kept[1], kept[-1]) == (many[0], many[281], "<q@x.example>")
    dirty = ("<a@x>", "no id", "<a@x>", "<b@x>\r\nBcc: x@y", "<q@x>", "<" + "l" * 2000 + "@x>")
    assert thread_references(dirty, "<q@x>") == ("<a@x>", "<q@x>")
    assert thread_references(("<a@x>",), "") == ("<a@x>",)
    raw = compose(_mail(references=many, in_reply_to="<" + "a" * 800 + "@x.example>"))
    _sound(raw)
    assert "=?" not in str(_read(raw)["In-Reply-To"])  # the standard library's writer encodes a long one


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Checks", "Checks [#1042]"),
        ("Re: Checks [#1042]", "Re: Checks [#1042]"),
        ("[#1042] Re: [#1042] Checks", "Re: Checks [#1042]"),
        ("", "[#1042]"),
        ("x" * 500, "x" * 199 + "\u2026 [#1042]"),
        ("a\r\nb", "a b [#1042]"),
    ],
)
def test_the_tag_stands_once(subject: str, expected: str) -> None:
    assert tagged_subject(subject, "[#1042]") == expected
    assert str(_read(compose(_mail(subject=subject, subject_tag="[#1042]")))["Subject"]) == expected


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: AW: Fwd: x", "x"),
        ("RE[2]: x [#7]", "x"),
        ("Reply: x", "Reply: x"),
        ("re:re:", ""),
        ("Re : x", "x"),
    ],
)
def test_the_bare_subject(subject: str, expected: str) -> None:
    assert bare_subject(subject, "[#7]") == expected


def test_attachments_come_back_whole() -> None:
    files = (
        NoticeAttachment("Rechnung größer.pdf", "application/pdf", bytes(range(256)) * 40),
        NoticeAttachment("../../etc/passwd", "message/rfc822", b"Subject: x\r\n\r\ny"),
        NoticeAttachment('a"b.txt', "text/plain; charset=x", b""),
        NoticeAttachment("", "nonsense", b"\x00"),
    )
    raw = compose(_mail(attachments=files, html="<p>x</p>"))
    _sound(raw)
    parts = list(_read(raw).iter_attachments())
    assert [part.get_payload(decode=True) for part in parts] == [one.content for one in files]
    assert [part.get_filename() for part in parts] == [
        "Rechnung größer.pdf", ".._.._etc_passwd", "a'b.txt", "attachment",
    ]  # fmt: skip
    assert parts[1].get_content_type() == "application/octet-stream"


_ANY = st.text(st.characters(codec=None), max_size=200)
_BODY = st.one_of(_ANY, st.text("aB \t\r\n.=_-From\u00fc\U0001f600", max_size=2000))


@given(subject=_ANY, name=_ANY, text=_BODY, html=_BODY)
@example(subject="=?utf-8?q?evil?=", name="=?x", text=".\n..\nFrom me\nx \n--\n", html="=_" * 600)
@example(subject="ü" * 300, name='"\\', text="x" * 5000, html="")
def test_whatever_goes_in_comes_back(subject: str, name: str, text: str, html: str) -> None:
    raw = compose(
        _mail(subject=subject, subject_tag="[#1]", to=(Address(name, JO.address),), text=text, html=html)
    )
    _sound(raw)
    message = _read(raw)
    assert " ".join(str(message["Subject"]).split()) == " ".join(tagged_subject(subject, "[#1]").split())
    to = message["To"].addresses
    assert [one.addr_spec for one in to] == [JO.address]
    # Compared without blanks: CPython 3.11 reads a blank between two encoded words of a name, against RFC
    # 2047 section 6.2; the subject is read rightly.
    assert "".join(to[0].display_name.split()) == "".join(clean_line(name, 120).split())
    assert _content(raw, "plain") == clean_body(text)
    if html:
        assert _content(raw, "html") == clean_body(html)


def test_what_is_printable_is_safe() -> None:
    """Cleaning asks str.isprintable first: whatever it lets pass must be what the long way leaves alone."""
    printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))
    assert len(printable) > 100_000
    for pattern in (compose_parts._UNSAFE, compose_parts._BODY_UNSAFE, compose_parts._NEWLINE):
        assert pattern.search(printable) is None


@pytest.mark.parametrize(
    ("body", "as_is"),
    [
        ("short\n", True),
        ("x" * 78 + "\n", True),
        ("x" * 79 + "\n", False),
        ("a\n.\n", False),
        (".a\n", False),
        ("From me\n", False),
        ("a\nFrom me\n", False),
        ("a\nFor me\n", True),
        ("-- \nme\n", False),
        ("a\t\n", False),
        ("a =_ b\n", False),
        ("ü\n", False),
    ],
)
def test_what_a_relay_would_change_is_encoded(body: str, as_is: bool) -> None:
    raw = compose(_mail(text=body))
    assert (b"7bit" in raw) is as_is
    assert b"\r\n." not in raw
    assert b"\r\nFrom " not in raw
    assert _content(raw, "plain") == body


@pytest.mark.parametrize(
    "block",
    [
        b"A: b\r\n\r\nC: d",
        b"A: b\nC: d",
        b"no field",
        b"A: " + b"x" * 999,
        b"A: b\x00",
        b"",
        b"A: b\r\n ",
        b"A b: c",
    ],
)
def test_the_last_guard(block: bytes) -> None:
    with pytest.raises(ValueError, match="not safe"):
        verify_generated_headers(block)


def test_composing_is_quick() -> None:
    """Measured 0.26 ms; the standard library's writer takes 2.4 ms. The bound suits a slow machine."""
    mail = _mail(text="Hello ü\n" * 60, html="<p>Hello ü</p>\n" * 60)
    start = time.process_time()
    for _ in range(50):
        compose(mail)
    assert (time.process_time() - start) / 50 < 0.005
