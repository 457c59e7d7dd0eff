# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""Reading messages: charsets, broken shapes, containers, names, ids."""

from __future__ import annotations

import base64
import io
import zipfile

import pytest

from mailbridge.errors import NotFound
from mailbridge.mail.charset import codec_for, decode
from mailbridge.mail.filetypes import danger, safe_name, sniff
from mailbridge.mail.parse import parse, part_bytes
from mailbridge.mail.words import decode_words

HEAD = b"From: Pat <pat@customer.example>\nTo: support@desk.example\n"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", "Grüße"),  # split inside a character
        ("=?utf-8?B?R3LDvMOfZQ?=", "Grüße"),  # no padding
        ("=?iso-8859-1?q?a b?=", "a b"),  # blank inside
        ("=?utf-8*de?Q?=C3=A4?=", "ä"),  # RFC 2231 language
        ("=?utf-8?Q?cut=C3=A4", "cutä"),  # no end
        ("=?unicode-1-1-utf-7?Q?+APw-ber?=", "über"),
        ("=?x-unheard-of?Q?abc?=", "abc"),
        ("a =?utf-8?Q?b?= c", "a b c"),
        ("=?utf-8?Q?a?=\t=?utf-8?Q?b?=", "ab"),
        ("=?gb2312?B?ztLDxw==?=", "我们"),
    ],
)
def test_encoded_words(written: str, said: str) -> None:
    assert decode_words(written) == said


SENTENCES = (
    ("Grüße aus München, bitte prüfen", ("cp1252",)),
    ("Příliš žluťoučký kůň úpěl ďábelské ódy", ("cp1250", "iso8859-2")),
    ("Bonjour, j'ai un problème à l'écran", ("cp1252",)),
    ("şifremi değiştiremiyorum, yardım eder misiniz", ("cp1254",)),
    ("Здравствуйте, не работает принтер, помогите", ("cp1251", "koi8-r")),
    ("Καλησπέρα, δεν μπορώ να συνδεθώ", ("cp1253",)),
    ("שלום, אני לא מצליח להתחבר למערכת", ("cp1255",)),
    ("こんにちは。プリンターが動きません。", ("cp932", "euc_jp", "iso2022_jp")),
    ("您好，我无法登录系统，请帮助我。谢谢", ("gb18030",)),
    ("您好，我無法登入系統，請幫助我。謝謝", ("big5",)),
    ("안녕하세요 로그인이 되지 않습니다", ("cp949",)),
)


@pytest.mark.parametrize(("text", "codecs"), SENTENCES)
def test_text_without_a_label(text: str, codecs: tuple[str, ...]) -> None:
    for codec in codecs:
        assert decode(text.encode(codec))[0] == text, codec


@pytest.mark.parametrize(("text", "codecs"), SENTENCES)
def test_text_whose_label_lies_is_utf_8_all_the_same(text: str, codecs: tuple[str, ...]) -> None:
    assert decode(text.encode(), "iso-8859-1") == (text, True)
    assert decode(text.encode(codecs[0]), codecs[0]) == (text, False)


def test_labels_as_mail_writes_them() -> None:
    assert codec_for("x-gbk") == codec_for("iso-gb2312") == "gb18030"
    assert codec_for("windows-874") == "cp874"
    assert codec_for('"charset=utf-8"') == "utf-8"
    assert codec_for("rot13") is codec_for("zlib") is codec_for("nonsense") is None


def test_the_rows_that_python_lacks_in_iso_2022_jp() -> None:
    assert decode(b"\x1b$B-!\x1b(B", "iso-2022-jp")[0] == "①"


def test_utf_16_with_and_without_a_mark() -> None:
    assert decode("Hello".encode("utf-16"), "us-ascii")[0] == "Hello"
    assert decode("Hello".encode("utf-16-le"))[0] == "Hello"


def test_raw_bytes_in_headers_follow_the_messages_charset() -> None:
    raw = b"Subject: " + "转发服务".encode("gb18030") + b"\nContent-Type: text/plain; charset=gb2312\n\nx"
    assert parse(raw).subject == "转发服务"


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Subject: s\n\nwords\n",
        (HEAD + b"Subject: s\n\nwords\n").replace(b"\n", b"\r"),
        (HEAD + b"Subject: s\n\nwords\n").replace(b"\n", b"\r\r\n"),
        b"From pat Tue Mar  3 14:05:11 2026\n" + HEAD + b"Subject: s\n\nwords\n",
        b"\xef\xbb\xbf\n\n" + HEAD + b"Subject: s\n\nwords\n",
        HEAD + b"Subject: s\nthis is no field\nX-Other: 1\n\nwords\n",
        HEAD + b"Subject: s\nwords\n",
        HEAD + b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nwords\n",
        HEAD
        + b"Subject: s\nContent-Type: multipart/mixed\n\n--x\nContent-Type: text/plain\n\nwords\n--x--\n",
        HEAD + b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\nwords\n",
        HEAD + b"Subject: s\nContent-Transfer-Encoding: BASE64;\n\nd29yZHM\n",
        HEAD + b"Subject: s\nContent-Type: plain/text; charset=\n\nwords\n",
    ],
)
def test_broken_at_the_edges(raw: bytes) -> None:
    message = parse(raw)
    assert (message.subject, message.text.strip(), message.author.key) == (
        "s",
        "words",
        "pat@customer.example",
    )


@pytest.mark.parametrize(
    ("field", "ids"),
    [
        ("<a@x> <b@y>", ("<a@x>", "<b@y>")),
        ("<a@x>,<b@y>", ("<a@x>", "<b@y>")),
        ("a@x b@y", ("<a@x>", "<b@y>")),
        ("<a@\n x>", ("<a@x>",)),
        ("=?utf-8?Q?=3Ca@x=3E?=", ("<a@x>",)),
    ],
)
def test_message_ids(field: str, ids: tuple[str, ...]) -> None:
    assert parse(f"References: {field}\n\n".encode()).references == ids


@pytest.mark.parametrize(
    ("field", "name", "address"),
    [
        ('"support@desk.example" <evil@x.example>', "support@desk.example", "evil@x.example"),
        ("pat@x.example (Pat Miller)", "Pat Miller", "pat@x.example"),
        ("=?utf-8?Q?a=2C_b=40c?= <pat@x.example>", "a, b@c", "pat@x.example"),
        ("Team: pat@x.example, bob@x.example;", "", "pat@x.example"),
        ("Pat pat@x.example", "Pat", "pat@x.example"),
    ],
)
def test_senders(field: str, name: str, address: str) -> None:
    author = parse(f"From: {field}\n\n".encode()).author
    assert (author.name, author.address) == (name, address)


def test_an_attached_message_is_a_file_and_an_original() -> None:
    inner = b"From: Customer <c@customer.example>\nSubject: inner\nMessage-ID: <in@x>\n\nhelp\n"
    raw = (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee below\n--b\nContent-Type: message/rfc822\n\n"
        + inner
        + b"\n--b--\n"
    )
    message = parse(raw)
    assert message.text.strip() == "see below"
    assert [(one.subject, one.message_id, one.text.strip()) for one in message.originals] == [
        ("inner", "<in@x>", "help")
    ]
    assert message.attachments[0].part == "2"
    assert part_bytes(raw, "2").strip() == inner.strip()
    with pytest.raises(NotFound):
        part_bytes(raw, "9")


def test_uuencode_in_the_text_becomes_a_file() -> None:
    message = parse(HEAD + b"\nbefore\nbegin 644 ../cat.txt\n#0V%T\n`\nend\nafter\n")
    assert message.text.split() == ["before", "after"]
    assert [(one.filename, one.size_bytes) for one in message.attachments] == [("cat.txt", 3)]
    assert part_bytes(HEAD + b"\nbegin 644 x\n#0V%T\n`\nend\n", "1.1") == b"Cat"


def test_opaque_signed_content_is_read() -> None:
    entity = b"Content-Type: text/plain\n\nsigned words\n"
    octets = b"\x24\x80\x04" + bytes([len(entity)]) + entity + b"\0\0"
    cms = (
        bytes.fromhex("308006092a864886f70d010702a080308002010131003080")
        + bytes.fromhex("06092a864886f70d010701")
        + b"\xa0\x80"
        + octets
        + b"\0" * 10
    )
    raw = (
        HEAD
        + b"Content-Type: application/pkcs7-mime; smime-type=signed-data\nContent-Transfer-Encoding: base64\n\n"
        + base64.b64encode(cms)
    )
    message = parse(raw)
    assert (message.text.strip(), message.protection) == ("signed words", ("smime-signed",))


def test_flowed_paragraphs_are_joined_only_where_declared() -> None:
    body = b"one \ntwo\n-- \nme\n"
    assert "one two" in parse(HEAD + b"Content-Type: text/plain; format=flowed\n\n" + body).text
    assert "one \ntwo" in parse(HEAD + b"Content-Type: text/plain\n\n" + body).text


def test_clear_signed_words_stay() -> None:
    body = b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nmy words\n-----BEGIN PGP SIGNATURE-----\nxx\n-----END PGP SIGNATURE-----\n"
    message = parse(HEAD + b"\n" + body)
    assert (message.text.strip(), message.protection) == ("my words", ("pgp-inline",))


@pytest.mark.parametrize(
    ("sent", "safe"),
    [
        ("../../../../etc/cron.d/vm.wav", "vm.wav"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("con.txt", "_con.txt"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a\x00b\nc.txt", "a_b_c.txt"),
        ("", "part-2.pdf"),
        ("..", "part-2.pdf"),
    ],
)
def test_safe_names(sent: str, safe: str) -> None:
    assert safe_name(sent, "application/pdf", "2") == safe


def test_long_names_keep_their_extension() -> None:
    name = safe_name("ä" * 500 + ".docx", "", "2")
    assert name.endswith(".docx")
    assert len(name.encode()) <= 200


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"MZ" + b"\0" * 62, "application/x-msdownload"),
        (b"%PDF-1.7", "application/pdf"),
        (b"OggS\0", "audio/ogg"),
        (b"#!AMR\n", "audio/amr"),
        (b"words", ""),
    ],
)
def test_types_by_content(data: bytes, kind: str) -> None:
    assert sniff(data) == kind


def test_dangerous_files_are_marked() -> None:
    assert "program" in danger("a.pdf", "a.pdf", "application/x-msdownload", b"MZ")
    assert "second extension" in danger("a.pdf.exe", "a.pdf.exe", "", b"")
    assert "backwards" in danger("\u202efdp.txt", "fdp.txt", "", b"")
    assert "macros" in danger("a.docm", "a.docm", "", b"")
    assert danger("a.pdf", "a.pdf", "application/pdf", b"%PDF-") == ""


@pytest.mark.parametrize(
    "name",
    [
        "a.desktop",
        "a.search-ms",
        "a.library-ms",
        "a.application",
        "a.appinstaller",
        "a.wim",
        "a.lnk",
        "a.hta",
    ],
)
def test_names_that_start_something_are_marked(name: str) -> None:
    assert danger(name, safe_name(name, "", "2"), "", b"")


@pytest.mark.parametrize("entry", ["../../a.txt", "/etc/cron.d/a", "C:\\a.txt", "a/../../b.txt"])
def test_an_archive_that_writes_elsewhere_is_marked(entry: str) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(entry, b"words")
    data = held.getvalue()
    assert "outside of its folder" in danger("a.zip", "a.zip", sniff(data), data)


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ("<a@x>,b@y,<c@z>", ("<a@x>", "<b@y>", "<c@z>")),
        ("a@x, <b@y>", ("<a@x>", "<b@y>")),
        ("<a@x>, b@y", ("<a@x>", "<b@y>")),
        ('"Message from jo@x.example of today." <b@y>', ("<b@y>",)),
        ("jo@x.example wrote <b@y>", ("<b@y>",)),
    ],
)
def test_ids_of_which_some_lost_their_brackets(written: str, ids: tuple[str, ...]) -> None:
    raw = HEAD + b"Subject: Ids\nReferences: " + written.encode() + b"\n\nText\n"
    assert parse(raw).references == ids
