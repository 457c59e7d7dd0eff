# ruff: noqa: E501 - raw messages, a row each
"""Every shape that mail comes in: what is text, what is a file, what was repaired, in own messages."""

from __future__ import annotations

import base64
import zlib

import pytest

from mailbridge.mail.parse import parse, part_bytes
from mailbridge.model.message import ParsedMessage
from tests.mail.ole import ole

HEAD = "From: Pat <pat@customer.example>\nTo: support@desk.example\nSubject: Printer\nMIME-Version: 1.0\n"
SAID = "It does not print."


def mail(kind: str, body: str, more: str = "") -> ParsedMessage:
    return parse(f"{HEAD}{more}Content-Type: {kind}\n\n{body}".encode())


def part(kind: str, body: str, more: str = "") -> str:
    return f"--b\nContent-Type: {kind}\n{more}\n{body}\n"


def mixed(*parts: str, kind: str = "mixed", end: str = "--b--\n") -> ParsedMessage:
    return mail(f"multipart/{kind}; boundary=b", "".join(parts) + end)


PLAIN = part("text/plain", SAID)
HTML = part("text/html", f"<p>{SAID}</p>")
PDF = part(
    "application/pdf; name=a.pdf",
    "JVBERi0=",
    "Content-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=a.pdf\n",
)
LONG = base64.b64encode(zlib.compress(bytes(range(256)) * 40)).decode()


@pytest.mark.parametrize(
    "message",
    [
        mail("text/plain", SAID),
        mail("text/html", f"<p>{SAID}</p>"),
        mail("text/plain", f"<html><body><p>{SAID}</p></body></html>"),  # HTML labelled as text
        mail("TEXT/PLAIN", SAID),
        mail("text", SAID),
        mail("plain/text", SAID),
        mail("", SAID),
        mail("text/plain; charset", SAID),
        mail("text/plain; charset=", SAID),
        mail("text/x-markdown", SAID),
        mail("text/enriched", f"<bold>{SAID}</bold>"),
        mail("application/xhtml+xml", f"<html><p>{SAID}</p></html>"),
        mixed(PLAIN),
        mixed(PLAIN, HTML, kind="alternative"),
        mixed(HTML, PLAIN, kind="alternative"),  # the wrong way round
        mixed(part("text/plain", ""), HTML, kind="alternative"),  # an empty text part
        mixed(part("text/plain", " \n\t\n"), HTML, kind="alternative"),
        mixed(part("text/plain", "Your e-mail program does not support HTML."), HTML, kind="alternative"),
        mixed(PLAIN, part("text/html", ""), kind="alternative"),
        mixed(PLAIN, part("text/html", "<img src=cid:x>"), kind="alternative"),
        mixed(PLAIN, part("text/x-amp-html", "<p>amp says other things</p>"), HTML, kind="alternative"),
        mixed(PLAIN, part("text/watch-html", "<p>watch</p>"), kind="alternative"),
        mixed(PLAIN, kind="related"),
        mixed(PLAIN, kind="no-such-thing"),
        mixed(PLAIN, end=""),  # no closing boundary
        mixed(PLAIN, end="--b"),  # cut within it
        mixed(PLAIN, end="--b-- \t\n\nepilogue that nobody reads\n"),
        mail("multipart/mixed; boundary=b", "preamble that nobody reads\n" + PLAIN + "--b--"),
        mail("multipart/mixed", PLAIN + "--b--"),  # the boundary is not told
        mail("multipart/mixed; boundary=other", PLAIN + "--b--"),  # told wrongly
        mail('multipart/mixed; boundary="b ', PLAIN + "--b--"),
        mail("multipart/mixed; boundary=b", PLAIN.replace("--b\n", "--b  \t\n") + "--b--"),  # trailing blanks
        mail("multipart/mixed; boundary=b; boundary=c", PLAIN + "--b--"),
        mail("multipart/mixed;\n boundary=b", PLAIN + "--b--"),
        mail("multipart/mixed; boundary*0=b", PLAIN + "--b--"),
        mail("multipart/mixed; boundary=b", f"--b\n\n{SAID}\n--b--"),  # a part without header
        mail("multipart/mixed; boundary=b", f"--b\n{SAID}\n--b--"),  # and without a blank line
        mail("multipart/mixed; boundary=b", SAID),  # no part at all
        mail("multipart/mixed; boundary=b", base64.encodebytes((PLAIN + "--b--").encode()).decode(), "Content-Transfer-Encoding: base64\n"),
        mail("multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b", PLAIN + part("application/pkcs7-signature; name=smime.p7s", "MIA=", "Content-Transfer-Encoding: base64\n") + "--b--"),
        mail("text/plain", base64.b64encode(SAID.encode()).decode().rstrip("="), "Content-Transfer-Encoding: base64\n"),
        mail("text/plain", base64.b64encode(SAID.encode()).decode() + "\n\n!! footer of a list !!\n", "Content-Transfer-Encoding: base64;\n"),
        mail("text/plain", SAID, "Content-Transfer-Encoding: 7-bit\n"),
        mail("text/plain", SAID, "Content-Transfer-Encoding: base64\n"),  # a lie
        mail("text/plain", "It=20does not pr=\nint.", "Content-Transfer-Encoding: Quoted-Printable\n"),
        mail("text/plain; format=flowed", "It does \nnot \nprint."),
        mail("text/plain; format=flowed; delsp=yes", "It does  \nnot pr \nint."),
        mail("text/plain; format=flowed", " It does not print."),  # stuffed
        parse(f"{HEAD}\n{SAID}".replace("\n", "\r\n").encode()),
        parse(f"{HEAD}\n{SAID}".replace("\n", "\r").encode()),
        parse(f"{HEAD}\n{SAID}".replace("\n", "\r\r\n").encode()),
        parse(f"From pat Mon May  4 15:07:12 2026\n{HEAD}\n{SAID}".encode()),
        parse(f"\n\n{HEAD}\n{SAID}".encode()),
        parse(f"\ufeff{HEAD}\n{SAID}".encode()),
        parse(f"{HEAD}\n{SAID}".encode("utf-16")),
        parse(f"{HEAD}{SAID}".encode()),  # no blank line
    ],
)  # fmt: skip
def test_the_words_are_found(message: ParsedMessage) -> None:
    assert message.text.split() == SAID.split()
    assert message.author.address == "pat@customer.example"


def names(message: ParsedMessage) -> list[str]:
    return [file.filename for file in message.attachments]


def test_files_beside_the_text() -> None:
    message = mixed(
        PLAIN, PDF, part("text/plain; name=notes.txt", "notes", "Content-Disposition: attachment\n")
    )
    assert message.text == SAID
    assert names(message) == ["a.pdf", "notes.txt"]
    assert message.attachments[0].size_bytes == 5


def test_text_in_several_parts_stays_in_order() -> None:
    assert mixed(PLAIN, PDF, part("text/plain", "And it smells.")).text.split("\n")[0] == SAID
    assert mixed(PLAIN, PDF, part("text/plain", "And it smells.")).text.endswith("And it smells.")


def test_images_by_content_id_are_inline_and_kept() -> None:
    image = part(
        "image/png; name=i.png",
        "iVBORw0KGgo=",
        "Content-ID: <i@x>\nContent-Transfer-Encoding: base64\nContent-Disposition: inline\n",
    )
    message = mixed(
        part("text/html", f'<p>{SAID}</p><img src="cid:i@x"><img src="https://evil.example/x">'),
        image,
        kind="related",
    )
    assert message.attachments[0].inline
    assert message.attachments[0].content_id == "i@x"
    assert 'src="cid:i@x"' in message.html
    assert "evil" not in message.html


def test_flowed_quotations_keep_their_depth_and_signatures_their_line() -> None:
    message = mail("text/plain; format=flowed", ">> How \n>> old?\n> Old.\nNew \nwords.\n-- \nPat")
    assert message.text == ">> How old?\n> Old.\nNew words.\n-- \nPat"


def test_uuencode_and_its_lies() -> None:
    message = mail("text/plain", f"{SAID}\n\nbegin 644 a.txt\n#0V%T\n`\nend\n")
    assert message.text.strip() == SAID
    assert names(message) == ["a.txt"]
    assert (
        part_bytes(
            f"{HEAD}Content-Type: text/plain\n\n{SAID}\n\nbegin 644 a.txt\n#0V%T\n`\nend\n".encode(),
            message.attachments[0].part,
        )
        == b"Cat"
    )
    prose = f"{SAID}\nbegin 644 times\nand then it ends\nend of story"
    assert mail("text/plain", prose).text == prose


def test_yenc_stands_as_a_file() -> None:
    data = bytes((byte + 42) & 255 for byte in b"picture of a printer")
    body = b"It does not print.\n\n=ybegin line=128 size=20 name=printer.jpg\n" + data + b"\n=yend size=20\n"
    message = parse(f"{HEAD}Content-Type: text/plain\n\n".encode() + body)
    assert message.text.strip() == SAID
    assert names(message) == ["printer.jpg"]
    assert message.attachments[0].size_bytes == 20


def test_calendar_is_seen_and_read() -> None:
    event = "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Visit\\, printer\nLOCATION:Office\nEND:VEVENT\nEND:VCALENDAR"
    message = mail("text/calendar; method=REQUEST; charset=utf-8", event)
    assert (message.calendar_method, message.text) == ("REQUEST", "Visit, printer\nOffice")
    beside = mixed(PLAIN, part("text/calendar; method=CANCEL", event), kind="alternative")
    assert (beside.calendar_method, beside.text) == ("CANCEL", SAID)


ARMOUR = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{0}\n- -- \n- -----x\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"


def test_clear_signed_text_is_shown() -> None:
    message = mail("text/plain", ARMOUR.format(SAID))
    assert message.text == f"{SAID}\n-- \n-----x"
    assert message.new_text == f"{SAID}" or message.new_text.startswith(SAID)
    assert message.protection == ("pgp-inline",)


def test_encrypted_mail_is_seen_and_kept() -> None:
    inline = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----"
    assert mail("text/plain", inline).protection == ("pgp-inline",)
    assert "BEGIN PGP MESSAGE" in mail("text/plain", inline).text
    pgp = mail(
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b',
        part("application/pgp-encrypted", "Version: 1")
        + part("application/octet-stream; name=encrypted.asc", inline)
        + "--b--",
    )
    assert pgp.protection == ("pgp-encrypted",)
    assert "encrypted.asc" in names(pgp)
    smime = mail(
        "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
        "MIA=",
        "Content-Transfer-Encoding: base64\n",
    )
    assert smime.protection == ("smime-encrypted",)
    assert names(smime) == ["smime.p7m"]


def test_messages_within_messages_keep_their_words_apart() -> None:
    inner = "From: Lou <lou@other.example>\nSubject: Inner\nMessage-ID: <i@x>\n\nInner words."
    message = mixed(PLAIN, part("message/rfc822", inner))
    assert message.text == SAID
    assert [(one.subject, one.text) for one in message.originals] == [("Inner", "Inner words.")]
    twice = mixed(PLAIN, part("message/rfc822", f"Subject: Outer\nContent-Type: message/rfc822\n\n{inner}"))
    assert twice.text == SAID
    named = mixed(PLAIN, part('application/octet-stream; name="x.eml"', inner))
    assert named.originals[0].message_id == "<i@x>"
    encoded = mixed(
        PLAIN,
        part(
            "message/rfc822",
            base64.encodebytes(inner.encode()).decode(),
            "Content-Transfer-Encoding: base64\n",
        ),
    )
    assert encoded.originals[0].subject == "Inner"


def test_digest_of_messages() -> None:
    message = mail(
        "multipart/digest; boundary=b", "--b\n\nSubject: One\n\nfirst\n--b\n\nSubject: Two\n\nsecond\n--b--"
    )
    assert [one.subject for one in message.originals] == ["One", "Two"]


def test_rtf_alone_is_read_as_text() -> None:
    rtf = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 It does not print.\par Gr\'fc\'dfe \u8364?\par}"
    for kind in ("text/rtf", "application/rtf"):
        message = mail(kind, rtf)
        assert message.text == "It does not print.\nGrüße €"
    beside = mixed(
        PLAIN, part("application/rtf; name=a.rtf", rtf, "Content-Disposition: attachment; filename=a.rtf\n")
    )
    assert beside.text == SAID
    assert names(beside) == ["a.rtf"]


def test_a_file_alone_gives_no_words_and_no_error() -> None:
    message = mail("application/pdf; name=a.pdf", LONG, "Content-Transfer-Encoding: base64\n")
    assert message.text == ""
    assert names(message) == ["a.pdf"]


def test_nothing_at_all() -> None:
    for raw in (
        b"",
        b"\n",
        b"\r\n\r\n",
        b"\0",
        b"x",
        b"Subject:",
        b"Subject: x\n\n",
        b"\xff" * 10,
        b":\n\nx",
    ):
        message = parse(raw)
        assert "\ufffd" not in message.text
        assert not any(defect.startswith("beyond") for defect in message.defects)


def test_winmail_that_is_none_is_kept() -> None:
    message = mixed(
        PLAIN, part("application/ms-tnef; name=winmail.dat", "not tnef", "Content-Disposition: attachment\n")
    )
    assert names(message) == ["winmail.dat"]
    assert "winmail.dat beyond reading" in message.defects


def wide(text: str) -> bytes:
    return text.encode("utf-16-le")


SENT = b"\0" * 32 + b"\x40\x00\x39\x00" + b"\6\0\0\0" + (134223808320000000).to_bytes(8, "little")


def test_original_attached_as_outlooks_own_file() -> None:
    msg = ole({
        "__properties_version1.0": SENT, "__substg1.0_0037001F": wide("Grüße"), "__substg1.0_0C1A001F": wide("Lou Öther"),
        "__substg1.0_5D01001F": wide("lou@other.example"), "__substg1.0_1035001F": wide("<i@other.example>"),
        "__substg1.0_1000001F": wide("Inner words: ü\r\nmore"),
        "__attach_version1.0_#00000000": {"__substg1.0_37010102": b"%PDF-1", "__substg1.0_3707001F": wide("a.pdf")},
    })  # fmt: skip
    body = part(
        'application/octet-stream; name="FW.msg"',
        base64.encodebytes(msg).decode(),
        "Content-Transfer-Encoding: base64\n",
    )
    message = mixed(PLAIN, body)
    assert message.text == SAID
    assert names(message) == ["FW.msg"]
    inner = message.originals[0]
    assert (inner.subject, inner.author.name, inner.author.address) == (
        "Grüße",
        "Lou Öther",
        "lou@other.example",
    )
    assert (inner.message_id, inner.text) == ("<i@other.example>", "Inner words: ü\nmore")
    assert str(inner.date) == "2026-05-04 15:07:12+00:00"
    assert names(inner) == ["a.pdf"]


def test_original_of_outlook_with_the_fields_as_they_travelled() -> None:
    fields = "Received: from a\r\n by b\r\nMessage-ID: <t@other.example>\r\nFrom: Lou <lou@other.example>\r\nSubject: Re: x\r\nContent-Type: text/html;\r\n charset=x\r\nIn-Reply-To: <c@desk.example>\r\n"
    html = b"<html><meta charset=windows-1252><p>Gr\xfc\xdfe</p></html>"
    msg = ole(
        {"__properties_version1.0": b"", "__substg1.0_007D001F": wide(fields), "__substg1.0_10130102": html}
    )
    inner = mixed(
        PLAIN,
        part(
            "application/vnd.ms-outlook; name=x.msg",
            base64.encodebytes(msg).decode(),
            "Content-Transfer-Encoding: base64\n",
        ),
    ).originals[0]
    assert (inner.message_id, inner.in_reply_to, inner.text) == (
        "<t@other.example>",
        ("<c@desk.example>",),
        "Grüße",
    )


def test_other_files_of_outlook_are_files() -> None:
    for data in (ole({"Workbook": b"x"}), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 900, b"no"):
        message = mixed(
            PLAIN,
            part(
                "application/octet-stream; name=x.msg",
                base64.encodebytes(data).decode(),
                "Content-Transfer-Encoding: base64\n",
            ),
        )
        assert (message.text, message.originals, names(message)) == (SAID, (), ["x.msg"])
