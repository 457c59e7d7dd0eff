# ruff: noqa: E501 - tables, a row each
"""Every charset, alias, lie and broken encoded word: the right words, and never a replacement character."""

from __future__ import annotations

import base64
import quopri

import pytest

from mailbridge.mail.charset import decode
from mailbridge.mail.parse import parse
from mailbridge.mail.words import header_text
from mailbridge.model.message import ParsedMessage

GERMAN = "Grüße aus Köln: der Drücker läuft wieder, schöne Maße"
FRENCH = "L’imprimante est cassée, ça ne marche pas : dépêchez-vous"
POLISH = "Drukarka nie działa, proszę o pomoc: błąd 51 się powtarza"
CZECH = "Tiskárna nefunguje, prosím o pomoc: chyba 51 se opakuje, děkuji"
TURKISH = "Yazıcı çalışmıyor, lütfen yardım edin: hata 51 görünüyor, teşekkürler"
RUSSIAN = "Принтер не печатает, помогите пожалуйста: ошибка 51"
UKRAINIAN = "Принтер не друкує, допоможіть будь ласка: помилка її ґедзь"
GREEK = "Ο εκτυπωτής δεν λειτουργεί, παρακαλώ βοηθήστε με"
HEBREW = "המדפסת אינה עובדת, אנא עזרו לי בבקשה"
ARABIC = "الطابعة لا تعمل، يرجى المساعدة من فضلكم"
THAI = "เครื่องพิมพ์ไม่ทำงาน กรุณาช่วยด้วย"
JAPANESE = "プリンターが動きません。助けてください。"
CHINESE = "打印机不工作，请帮忙看一下，谢谢。"
TAIWAN = "印表機無法使用，請協助處理，謝謝。"
KOREAN = "프린터가 작동하지 않습니다. 도와주세요."
VIETNAMESE = "Máy in không hoạt động"
LITHUANIAN = "Spausdintuvas neveikia, prašome padėti: klaida kartojasi, ačiū už pagalbą"

# label as mail writes it | codec in which the bytes are | text
LABELS = [
    ("utf-8", "utf-8", GERMAN), ("utf8", "utf-8", GERMAN), ("UTF8MB4", "utf-8", KOREAN), ("'utf-8'", "utf-8", RUSSIAN),
    ("utf-8;", "utf-8", GERMAN), ("unicode-1-1-utf-8", "utf-8", GERMAN), ("utf-8*en", "utf-8", GERMAN), ("cp65001", "utf-8", GERMAN),
    ("iso-8859-1", "latin-1", GERMAN), ("ISO8859_1", "latin-1", GERMAN), ("latin1", "latin-1", GERMAN), ("ISO-8859-1", "cp1252", FRENCH),
    ("iso-8859-15", "iso8859-15", "Das kostet 40 € für die Trommel"), ("windows-1252", "cp1252", FRENCH), ("cp-1252", "cp1252", FRENCH),
    ("x-ansi", "cp1252", FRENCH), ("us-ascii", "cp1252", FRENCH), ("windows-1250", "cp1250", POLISH), ("iso-8859-2", "iso8859-2", POLISH),
    ("cp-1250", "cp1250", CZECH), ("iso-8859-2", "iso8859-2", CZECH), ("x-mac-ce", "mac-latin2", CZECH), ("ibm852", "cp852", POLISH),
    ("iso-8859-9", "iso8859-9", TURKISH), ("windows-1254", "cp1254", TURKISH), ("windows-1257", "cp1257", LITHUANIAN), ("iso-8859-13", "iso8859-13", LITHUANIAN),
    ("iso-8859-4", "iso8859-4", LITHUANIAN), ("koi8-r", "koi8-r", RUSSIAN), ("koi8-u", "koi8-u", UKRAINIAN), ("koi8-ru", "koi8-u", UKRAINIAN),
    ("windows-1251", "cp1251", RUSSIAN), ("cp-1251", "cp1251", RUSSIAN), ("win-1251", "cp1251", RUSSIAN), ("iso-8859-5", "iso8859-5", RUSSIAN), ("cp866", "cp866", RUSSIAN),
    ("ibm866", "cp866", RUSSIAN), ("x-mac-cyrillic", "mac-cyrillic", RUSSIAN), ("windows-1253", "cp1253", GREEK), ("iso-8859-7", "iso8859-7", GREEK),
    ("windows-1255", "cp1255", HEBREW), ("iso-8859-8-i", "iso8859-8", HEBREW), ("windows-1256", "cp1256", ARABIC), ("iso-8859-6", "iso8859-6", ARABIC),
    ("tis-620", "cp874", THAI), ("windows-874", "cp874", THAI), ("iso-8859-11", "cp874", THAI), ("windows-1258", "cp1258", "Máy in không"),
    ("cp-850", "cp850", GERMAN), ("ibm850", "cp850", GERMAN), ("cp437", "cp437", GERMAN), ("ibm-437", "cp437", GERMAN), ("macintosh", "mac-roman", FRENCH),
    ("x-mac-roman", "mac-roman", GERMAN), ("shift_jis", "cp932", JAPANESE), ("x-sjis", "cp932", JAPANESE), ("windows-31j", "cp932", JAPANESE + "①"),
    ("cp932", "cp932", JAPANESE), ("ms_kanji", "cp932", JAPANESE), ("euc-jp", "euc-jp", JAPANESE), ("x-euc-jp", "euc-jp", JAPANESE), ("iso-2022-jp", "iso2022-jp", JAPANESE),
    ("iso-2022-jp-ms", "iso2022-jp", JAPANESE), ("cp50220", "iso2022-jp", JAPANESE), ("gb2312", "gb2312", CHINESE), ("gb2312", "gbk", "請朱镕基先生看一下"), ("gb2312", "gb18030", CHINESE + "𠮷"),
    ("x-gbk", "gbk", CHINESE), ("gbk", "gbk", CHINESE), ("gb18030", "gb18030", CHINESE), ("cp936", "gbk", CHINESE), ("hz-gb-2312", "hz", CHINESE), ("x-cp20936", "gbk", CHINESE),
    ("big5", "big5", TAIWAN), ("big5-hkscs", "big5hkscs", TAIWAN + "喺"), ("cp950", "cp950", TAIWAN), ("x-x-big5", "big5", TAIWAN), ("euc-tw-is-big5", "big5", TAIWAN),
    ("ks_c_5601-1987", "cp949", KOREAN), ("ks_c_5601-1987", "cp949", "펲시콜라 똠방각하 한글"), ("euc-kr", "euc-kr", KOREAN), ("cp949", "cp949", KOREAN), ("iso-2022-kr", "iso2022-kr", KOREAN),
    ("utf-7", "utf-7", GERMAN), ("unicode-1-1-utf-7", "utf-7", RUSSIAN), ("utf-16", "utf-16", GERMAN), ("UTF-16LE", "utf-16-le", GERMAN), ("utf-16be", "utf-16-be", RUSSIAN),
    ("utf-16", "utf-16-le", GERMAN), ("utf-16", "utf-16-be", GERMAN), ("ucs-2", "utf-16-le", GERMAN), ("utf-32", "utf-32", GERMAN),
    # labels that say nothing
    ("", "utf-8", JAPANESE), ("unknown-8bit", "utf-8", RUSSIAN), ("x-unknown", "cp1251", RUSSIAN), ("unknown-8bit", "cp1252", GERMAN), ("", "koi8-r", RUSSIAN),
    ("none", "cp1252", GERMAN), ("binary", "utf-8", GERMAN), ("rot13", "utf-8", GERMAN), ("idna", "utf-8", GERMAN), ("x-no-such-thing", "utf-8", POLISH), ("", "cp932", JAPANESE),
    ("", "gb18030", CHINESE), ("", "cp949", KOREAN), ("", "big5", TAIWAN), ("", "iso2022-jp", JAPANESE), ("", "euc-jp", JAPANESE), ("", "utf-16", GERMAN),
    # lies
    ("iso-8859-1", "utf-8", GERMAN), ("utf-8", "latin-1", GERMAN), ("utf-8", "cp1252", FRENCH), ("utf-8", "cp1251", RUSSIAN), ("windows-1252", "utf-8", RUSSIAN),
    ("us-ascii", "utf-8", JAPANESE), ("utf-8", "gb18030", CHINESE), ("utf-8", "cp932", JAPANESE), ("utf-8", "cp949", KOREAN), ("utf-16", "utf-8", GERMAN), ("utf-16", "ascii", "plain words"),
    ("utf-7", "ascii", "1 + 1 is 2, and a+b-c"), ("us-ascii", "iso2022-jp", JAPANESE), ("iso-2022-jp", "utf-8", JAPANESE), ("iso-2022-jp", "cp932", JAPANESE), ("koi8-r", "utf-8", RUSSIAN),
    ("gb2312", "utf-8", CHINESE), ("big5", "utf-8", TAIWAN), ("euc-kr", "utf-8", KOREAN), ("shift_jis", "utf-8", JAPANESE), ("us-ascii", "koi8-r", RUSSIAN),
]  # fmt: skip


def mail(charset: str, data: bytes, encoding: str, kind: str = "text/plain") -> ParsedMessage:
    body = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring, "8bit": lambda raw: raw}[
        encoding
    ](data)
    label = f'; charset="{charset}"' if charset else ""
    head = f"From: a@customer.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: {kind}{label}\nContent-Transfer-Encoding: {encoding}\n\n"
    return parse(head.encode() + body)


@pytest.mark.parametrize(("label", "codec", "text"), LABELS)
def test_body_in_any_charset(label: str, codec: str, text: str) -> None:
    data = text.encode(codec)
    wide = codec.startswith(("utf-16", "utf-32"))
    for encoding in ("base64", "quoted-printable") if wide else ("base64", "quoted-printable", "8bit"):
        assert mail(label, data, encoding).text == text, encoding
    assert text in mail(label, f"<p>{text}</p>".encode(codec), "base64", "text/html").text


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        (b"\xef\xbb\xbfGr\xc3\xbc\xc3\x9fe", "iso-8859-1", "Grüße"),  # a mark that says utf-8
        (b"\xff\xfea\x00b\x00", "utf-8", "ab"),
        (b"\x1b(I\x34\x41\x36\x45\x1b(B half", "iso-2022-jp", "ｴﾁｶﾅ half"),
        (b"\x1b$B-!-\"\x1b(B", "iso-2022-jp", "①②"),  # the row of NEC
        (b"\x1b$B$3$s$K$A$O", "iso-2022-jp", "こんにちは"),  # never switched back
        (b"Gr\xfc\xdfe \x96 \x93x\x94", "iso-8859-1", "Grüße – “x”"),
        (b"caf\xe9 \x81", "windows-1252", "café \x81"),
        (b"na\xc3\xafve caf\xe9", "utf-8", "naïve café"),  # both in one text
        (b"Gr\xc3\xbc\xc3\x9fe \xc3", "utf-8", "Grüße "),  # cut within a character
        (b"+AOQ-+AOk", "utf-7", "äé"),
        (b"a\x00b", "us-ascii", "ab"),
        (b"\xa4\xa2\xa1\xa1\xa4\xa4\xa4\xa6", "euc-jp", "あ　いう"),
    ],
)  # fmt: skip
def test_bytes_at_the_edge(data: bytes, label: str, text: str) -> None:
    assert decode(data, label)[0] == text


UTF = "Grüße"
WORDS = [
    ("=?utf-8?Q?Gr=C3=BC=C3=9Fe?=", UTF), ("=?UTF-8?q?Gr=C3=BC=C3=9Fe?=", UTF), ("=?utf-8?B?R3LDvMOfZQ==?=", UTF), ("=?utf-8?b?R3LDvMOfZQ?=", UTF),
    ("=?iso-8859-1?Q?Gr=FC=DFe?=", UTF), ("=?iso-8859-1*de?Q?Gr=FC=DFe?=", UTF), ("=?utf8?Q?Gr=C3=BC=C3=9Fe?=", UTF), ("=?latin1?Q?Gr=FC=DFe?=", UTF),
    # split within a character, folded
    ("=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe?=", UTF), ("=?utf-8?B?R3LD?=\n =?utf-8?B?vMOfZQ==?=", UTF), ("=?utf-8?Q?Gr=C3?=\r\n\t=?UTF-8?Q?=BC=C3=9Fe?=", UTF),
    ("=?utf-8?B?R3LD?= =?utf-8?Q?=BC=C3=9Fe?=", UTF), ("=?gb2312?B?xA==?= =?gb2312?B?47rD?=", "你好"),
    # blanks and other signs that must not stand there
    ("=?utf-8?Q?Gr=C3=BC=C3=9Fe an alle?=", "Grüße an alle"), ("=?utf-8?Q?Gr=C3=BC=C3=9Fe_an alle?= und mehr", "Grüße an alle und mehr"), ("=?utf-8?B?R3LD vMOf ZQ==?=", UTF),
    ("=?utf-8?Q?Gr=c3=bc=c3=9fe?=", UTF), ("=?utf-8?Q?Gr=C3=BC=C3=9Fe", UTF), ("=?utf-8?Q?100%_=3D_alles?=", "100% = alles"), ("=?utf-8?Q?a=ZZb?=", "a=ZZb"), ("=?utf-8?Q?wer=3F_ich?=", "wer? ich"),
    ("=?utf-8?Q?wer? ich?=", "wer? ich"),
    # wrong charset, unknown charset
    ("=?us-ascii?Q?Gr=C3=BC=C3=9Fe?=", UTF), ("=?utf-8?Q?Gr=FC=DFe?=", UTF), ("=?iso-8859-1?Q?Gr=C3=BC=C3=9Fe?=", UTF), ("=?x-unknown?Q?Gr=C3=BC=C3=9Fe?=", UTF), ("=?unknown-8bit?Q?Gr=FC=DFe?=", UTF),
    ("=?windows-1252?Q?it=92s_=80_5?=", "it’s € 5"), ("=?iso-8859-1?Q?it=92s?=", "it’s"), ("=?gb2312?B?w7/M7A==?=", "每天"), ("=?x-gbk?B?w7/M7A==?=", "每天"), ("=?big5?B?pqjl?=", None),
    ("=?ks_c_5601-1987?B?vsiz5w==?=", "안녕"), ("=?iso-2022-jp?B?GyRCJTMlcyVLJUElTxsoQg==?=", "コンニチハ"), ("=?iso-2022-jp?B?GyRCJTMlcyVL?= =?iso-2022-jp?B?JUElTxsoQg==?=", "コンニチハ"),
    ("=?shift_jis?B?g1KDk4Nqg2CDbg==?=", "コンニチハ"), ("=?koi8-r?B?8NLJzdXS?=", None), ("=?utf-7?Q?Gr+APwA3w-e?=", UTF), ("=?utf-16?B?//5HAHIA/ADfAGUA?=", UTF), ("=?tis-620?B?ytfN?=", None),
    # within quotes, doubled, glued
    ('"=?utf-8?Q?Gr=C3=BC=C3=9Fe?="', '"Grüße"'), ("a=?utf-8?Q?=C3=BC?=b", "aüb"), ("=?utf-8?Q?=C3=BC?==?utf-8?Q?=C3=9F?=", "üß"), ("Re: =?utf-8?Q?=C3=BC?= x", "Re: ü x"),
    ("=?utf-8?Q?=3D=3Futf-8=3FQ=3FGr=3D?=", "=?utf-8?Q?Gr="), ("=?utf-8?B?PT91dGYtOD9RP0dyPUMzPUJDPUMzPTlGZT89?=", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?="),
    ("=?utf-8?Q??= x", "x"), ("=? no word ?=", "=? no word ?="), ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="), ("=?", "=?"), ("=?utf-8?Q?a?= =?utf-8?Q?b?=  c", "ab  c"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "text"), WORDS)
def test_encoded_words_in_all_their_broken_forms(value: str, text: str | None) -> None:
    found = header_text(value)
    assert "\ufffd" not in found
    if text is not None:
        assert found == text


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        ("Принтер не печатает".encode("cp1251"), "Принтер не печатает"),
        ("Принтер не печатает".encode("koi8-r"), "Принтер не печатает"),
        ("打印机不工作".encode("gb18030"), "打印机不工作"),
        ("プリンターが動きません".encode("cp932"), "プリンターが動きません"),
        ("프린터가 작동하지 않습니다".encode("cp949"), "프린터가 작동하지 않습니다"),
        ("Drukarka się zacięła".encode(), "Drukarka się zacięła"),
        (b"=?utf-8?Q?=C3=BC?= und \xc3\xa4", "ü und ä"),
        (b"=?iso-8859-1?Q?=FC?= und \xe4", "ü und ä"),
    ],
)
def test_bare_bytes_in_a_header(field: bytes, text: str) -> None:
    message = parse(b"From: " + field + b" <pat@customer.example>\nSubject: " + field + b"\n\nx\n")
    assert message.subject == text
    assert message.author.name == text
    assert message.author.address == "pat@customer.example"


def test_bare_bytes_follow_the_charset_that_the_message_names() -> None:
    head = b"Subject: " + "Błąd".encode("iso8859-2") + b"\nContent-Type: text/plain; charset=iso-8859-2\n\n"
    assert parse(b"From: a@b.example\n" + head + POLISH.encode("iso8859-2")).subject == "Błąd"


NAMES = [
    ("filename*=utf-8''Gr%C3%BC%C3%9Fe.txt", "Grüße.txt"), ("filename*=iso-8859-1'de'Gr%FC%DFe.txt", "Grüße.txt"), ("filename*0*=utf-8''Gr%C3; filename*1*=%BC%C3%9Fe.txt", "Grüße.txt"),
    ("filename*1*=%BC%C3%9Fe.txt; filename*0*=utf-8''Gr%C3", "Grüße.txt"), ('filename="=?utf-8?Q?Gr=C3=BC=C3=9Fe.txt?="', "Grüße.txt"), ('filename="=?utf-8?B?R3LD?= =?utf-8?B?vMOfZS50eHQ=?="', "Grüße.txt"),
    ('filename="Grüße.txt"', "Grüße.txt"), ("filename=plain.txt", "plain.txt"), ('filename="old.txt"; filename*=utf-8\'\'Gr%C3%BC%C3%9Fe.txt', "Grüße.txt"), ("filename*=utf-8''", "x.txt"),
    ("filename*0=one; filename*1=-two.txt", "one-two.txt"), ('filename="../../etc/passwd.txt"', "passwd.txt"), ("filename=two words.txt", None), ("filename*=no-such''a%FF.txt", None),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "name"), NAMES)
def test_names_of_files(parameter: str, name: str | None) -> None:
    body = f'--b\nContent-Type: application/pdf; name="x.txt"\nContent-Disposition: attachment; {parameter}\n\nx\n--b--\n'
    message = parse(b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + body.encode())
    assert len(message.attachments) == 1
    assert name is None or message.attachments[0].filename == name
    assert "\ufffd" not in message.attachments[0].filename
