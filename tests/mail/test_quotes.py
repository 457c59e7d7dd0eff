# ruff: noqa: E501 - tables, a row each
"""The new text of answers: every client form that is known, in the languages of those who write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbridge.mail.quotes import reply_text

OWN = "The printer is back.\n\nBut the scanner still fails with error 51."

ATTRIBUTIONS = [
    "On Mon, May 4, 2026 at 3:07 PM Desk <support@desk.example> wrote:",
    "On Mon, 4 May 2026 at 15:07, Desk\n<support@desk.example> wrote:",
    "On 04/05/2026 15:07, Desk wrote:",
    "On May 4, 2026, at 3:07 PM, Support Desk\n<a-rather-long-address-of-ours@desk.example>\nwrote:",
    "At 5/4/2026 03:07 PM, you wrote:",
    "---- On Mon, 04 May 2026 15:07:00 +0200 Desk <support@desk.example> wrote ----",
    "Desk/EXAMPLE wrote on 05/04/2026 03:07:00 PM:",
    "2026-05-04 15:07 GMT+02:00 Desk <support@desk.example>:",
    "04.05.2026, 15:07, \"Desk\" <support@desk.example>:",
    "Am Mo., 4. Mai 2026 um 15:07 Uhr schrieb Desk <support@desk.example>:",
    "Am 04.05.26 um 15:07 schrieb Desk:",
    "Le lun. 4 mai 2026 à 15:07, Desk <support@desk.example> a écrit :",
    "Le 04/05/2026 à 15:07, Desk a écrit :",
    "El lun, 4 may 2026 a las 15:07, Desk (<support@desk.example>) escribió:",
    "El 4/5/26 a las 15:07, Desk escribió:",
    "Em seg., 4 de mai. de 2026 às 15:07, Desk <support@desk.example> escreveu:",
    "Il giorno lun 4 mag 2026 alle ore 15:07 Desk <support@desk.example>\nha scritto:",
    "Il 04/05/26 15:07, Desk ha scritto:",
    "Op ma 4 mei 2026 om 15:07 schreef Desk <support@desk.example>:",
    "Op 04-05-2026 om 15:07 schreef Desk:",
    "Den mån 4 maj 2026 kl 15:07 skrev Desk <support@desk.example>:",
    "Den 2026-05-04 kl. 15:07, skrev Desk:",
    "Den man. 4. maj 2026 kl. 15.07 skrev Desk <support@desk.example>:",
    "man. 4. mai 2026 kl. 15:07 skrev Desk <support@desk.example>:",
    "ma 4. toukok. 2026 klo 15.07 Desk (support@desk.example) kirjoitti:",
    "pon., 4 maj 2026 o 15:07 Desk <support@desk.example> napisał(a):",
    "W dniu 04.05.2026 o 15:07, Desk pisze:",
    "po 4. 5. 2026 v 15:07 odesílatel Desk <support@desk.example> napsal:",
    "Dne 04. 05. 26 v 15:07 Desk napsal(a):",
    "po 4. 5. 2026 o 15:07 Desk <support@desk.example> napísal(a):",
    "Desk <support@desk.example> ezt írta (időpont: 2026. máj. 4., H, 15:07):",
    "În lun., 4 mai 2026 la 15:07, Desk <support@desk.example> a scris:",
    "Desk <support@desk.example>, 4 May 2026 Pzt, 15:07 tarihinde şunu yazdı:",
    "пн, 4 мая 2026 г. в 15:07, Desk <support@desk.example>:",
    "4 мая 2026 г., в 15:07, Desk <support@desk.example> написал(а):",
    "пн, 4 трав. 2026 р. о 15:07 Desk <support@desk.example> пише:",
    "Στις Δευ 4 Μαΐ 2026 στις 3:07 μ.μ., ο χρήστης Desk <support@desk.example> έγραψε:",
    "pon, 4. svi 2026. u 15:07 Desk <support@desk.example> napisao je:",
    "Kontakt Desk (<support@desk.example>) kirjutas kuupäeval E, 4. mai 2026 kell 15:07:",
    "2026年5月4日(月) 15:07 Desk <support@desk.example>:",
    "Desk <support@desk.example> 于2026年5月4日周一 15:07写道：",
    "2026년 5월 4일 (월) 오후 3:07, Desk <support@desk.example>님이 작성:",
    "Vào 15:07, Th 2, 4 thg 5, 2026 Desk <support@desk.example> đã viết:",
    "בתאריך יום ב׳, 4 במאי 2026 ב-15:07 מאת Desk <support@desk.example>:",
    "Pada Sen, 4 Mei 2026 pukul 15.07 Desk <support@desk.example> menulis:",
]  # fmt: skip


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_history_below_an_attribution_goes(attribution: str) -> None:
    marked = f"{OWN}\n\n{attribution}\n\n> Have you tried to turn it off?\n>\n> Ann\n"
    unmarked = f"{OWN}\n\n{attribution}\n\nHave you tried to turn it off?\n\nAnn\n"
    assert reply_text(marked) == OWN
    assert reply_text(unmarked) == OWN


@pytest.mark.parametrize("attribution", ATTRIBUTIONS)
def test_words_below_the_quotation_stay(attribution: str) -> None:
    assert reply_text(f"{attribution}\n\n> Have you tried to turn it off?\n> Ann\n\n{OWN}\n") == OWN


BLOCKS = [
    ("From", "Sent", "To", "Subject"),
    ("From", "Date", "To", "Subject"),
    ("Von", "Gesendet", "An", "Betreff"),
    ("Von", "Datum", "An", "Betreff"),
    ("De", "Envoyé", "À", "Objet"),
    ("De", "Enviado el", "Para", "Asunto"),
    ("De", "Enviada em", "Para", "Assunto"),
    ("Da", "Inviato", "A", "Oggetto"),
    ("Van", "Verzonden", "Aan", "Onderwerp"),
    ("Från", "Skickat", "Till", "Ämne"),
    ("Fra", "Sendt", "Til", "Emne"),
    ("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe"),
    ("Od", "Odesláno", "Komu", "Předmět"),
    ("Od", "Odoslané", "Komu", "Predmet"),
    ("Od", "Wysłano", "Do", "Temat"),
    ("Feladó", "Elküldve", "Címzett", "Tárgy"),
    ("De la", "Trimis", "Către", "Subiect"),
    ("Kimden", "Gönderildi", "Kime", "Konu"),
    ("От", "Отправлено", "Кому", "Тема"),
    ("Від", "Надіслано", "Кому", "Тема"),
    ("Saatja", "Saadetud", "Saaja", "Teema"),
    ("Šalje", "Poslano", "Prima", "Naslov"),
    ("Από", "Στάλθηκε", "Προς", "Θέμα"),
    ("差出人", "送信日時", "宛先", "件名"),
    ("发件人", "发送时间", "收件人", "主题"),
    ("寄件者", "寄件日期", "收件者", "主旨"),
    ("보낸 사람", "보낸 날짜", "받는 사람", "제목"),
]


@pytest.mark.parametrize("labels", BLOCKS)
@pytest.mark.parametrize("form", ["{0}: {1}", "*{0}:* {1}", "{0} : {1}", "{0}:\t{1}", "{0}：{1}"])
def test_outlook_history_without_marks_goes(labels: tuple[str, ...], form: str) -> None:
    values = (
        "Desk <support@desk.example>",
        "Monday, 4 May 2026 15:07",
        "pat@customer.example",
        "RE: Printer",
    )
    block = "\n".join(form.format(label, value) for label, value in zip(labels, values, strict=True))
    for rule in ("", "________________________________\n", "-----Original Message-----\n"):
        assert reply_text(f"{OWN}\n\n{rule}{block}\n\nHave you tried to turn it off?\n") == OWN


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy smartphone.",
        "Sent from Outlook for iOS<https://aka.example/x>",
        "Get Outlook for Android<https://aka.example/x>",
        "Sent from Yahoo Mail on Android",
        "Von meinem iPhone gesendet",
        "Gesendet von Outlook für iOS",
        "Envoyé de mon iPhone",
        "Envoyé à partir de Outlook pour Android",
        "Enviado desde mi iPhone",
        "Enviado do meu iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Skickat från min iPhone",
        "Sendt fra min iPhone",
        "Lähetetty iPhonesta",
        "Odesláno z iPhonu",
        "Odoslané z iPhonu",
        "Wysłane z iPhone'a",
        "Отправлено с iPhone",
        "Надіслано з iPhone",
        "Trimis de pe iPhone",
        "iPhone'umdan gönderildi",
        "iPhoneから送信",
        "发自我的 iPhone",
        "從我的 iPhone 傳送",
        "나의 iPhone에서 보냄",
    ],
)
def test_what_a_telephone_adds_goes(line: str) -> None:
    assert reply_text(f"{OWN}\n\n{line}\n") == OWN
    assert (
        reply_text(f"{OWN}\n\n{line}\n\nOn 4 May 2026, at 15:07, Desk <s@desk.example> wrote:\n\n> Hi\n")
        == OWN
    )


@pytest.mark.parametrize(
    "text",
    [
        "Von dem Server wird seit gestern keine Post gesendet",
        "The picture that was\nsent from my phone is broken.\nPlease help.",
        "I flew\nFrom: Paris\nTo: London\nDate: 4 May\nand lost my case.",
        "We wrote on Monday:\nno answer since.",
        "> error 51\n\nThis is what the printer says.",
        "The log says:\n\n-----\nline one\nline two\n-----\n\nWhat does that mean?",
        "Steps:\n--\n1. open\n2. close\n" + "\n".join(f"{n}. again" for n in range(3, 30)),
        "On Monday you wrote:\nrestart it.\nI did.",
        "From: the beginning it was slow.\nTo: be fair, it works now.",
        "Meeting at 10:00, call 2026-05-04 or mail ann@desk.example: thanks.",
        "A -- B is what we need -- nothing else.",
        "Original message",
        "What we had:\n\n*** original ***\none\n*** reply ***\ntwo",
        "Forwarded:\n- the invoice\n- the offer",
        "P.S. nothing",
        "Prices:\n* one: 5\n* two: 6\n==========\ntotal: 11",
    ],
)
def test_a_persons_words_stay_whole(text: str) -> None:
    assert reply_text(text) == text


def test_answers_between_the_lines_stay_in_place() -> None:
    text = (
        "Hello,\n\nOn 4 May 2026 15:07, Desk <support@desk.example> wrote:\n> Which model?\n\nA 400.\n\n"
        "> Since when?\n\nSince Monday.\n\n> Ann\n"
    )
    assert reply_text(text) == "Hello,\n\n> Which model?\n\nA 400.\n\n> Since when?\n\nSince Monday."


def test_short_small_answers_between_the_lines_stay() -> None:
    text = (
        "Hi\n\nOn 4 May 2026 15:07, Desk <support@desk.example> wrote:\n"
        "> Shall we send somebody to look at the printer in the second floor?\nyes please\n"
        "> And would it be all right for you if he comes already tomorrow morning?\nno\n> Ann\n"
    )
    assert "yes please" in reply_text(text)
    assert "\nno" in reply_text(text)


def test_rest_of_a_wrapped_quotation_is_quotation() -> None:
    text = (
        f"{OWN}\n\nOn 4 May 2026 15:07, Desk <support@desk.example> wrote:\n"
        "> Please look at the small label on the back of the machine, where the serial\nnumber stands\n"
        "> and send it to us.\n"
    )
    assert reply_text(text) == OWN


def test_answers_announced_below_keep_the_unmarked_history() -> None:
    text = (
        "See my answers below in red.\n\nFrom: Desk <support@desk.example>\nSent: Monday\nTo: Pat\n"
        "Subject: Printer\n\nWhich model?\nA 400.\n"
    )
    assert "A 400." in reply_text(text)


def test_top_text_and_text_below_one_quotation_both_stay() -> None:
    text = "Top.\n\nOn 4 May 2026 15:07, Desk <s@desk.example> wrote:\n> Q\n\nBottom.\n"
    assert reply_text(text) == "Top.\n\nBottom."


@pytest.mark.parametrize("mark", ["-- ", "--", "—", "__"])
def test_signature_goes(mark: str) -> None:
    assert reply_text(f"{OWN}\n\n{mark}\nPat Example\nHead of Printing\n") == OWN
    below = f"{OWN}\n\n{mark}\nPat\n\nOn 4 May 2026 15:07, Desk <s@desk.example> wrote:\n> Hi\n"
    assert reply_text(below) == OWN


def test_footer_of_a_mailing_list_goes() -> None:
    assert reply_text(f"{OWN}\n\n{'_' * 47}\nusers mailing list\nusers@list.example\n") == OWN


@pytest.mark.parametrize(
    "text",
    [
        "> only\n> a quotation",
        "--\nPat",
        "Sent from my iPhone",
        "From: a@b.example\nTo: c\nSubject: d\n\ntext",
    ],
)
def test_where_nothing_would_be_left_all_stays(text: str) -> None:
    assert reply_text(text) == text


def test_text_below_a_telephones_line_is_history_only_in_an_answer() -> None:
    text = "Yes.\n\nSent from my iPhone\n\nWhich model?"
    assert reply_text(text, answering=True) == "Yes."
    assert reply_text(text, answering=False).endswith("Which model?")
    assert reply_text("Yes.\n\nSent from my iPhone\n\nPS: the 400.").endswith("PS: the 400.")


PIECES = st.sampled_from(
    [
        "On Mon, 4 May 2026 at 15:07, Desk <s@desk.example> wrote:", "> quoted", ">> deeper", "-- ", "--", "",
        "From: Desk <s@desk.example>", "Sent: Monday", "To: pat", "Subject: x", "_" * 40, "own words", "Own.",
        "-----Original Message-----", "Begin forwarded message:", "Sent from my iPhone", "<", "> wrote:", "2026:",
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES | st.text(max_size=30), max_size=25).map("\n".join))
def test_any_text_gives_lines_of_itself(text: str) -> None:
    new = reply_text(text)
    assert bool(new.strip()) >= any(row in ("own words", "Own.") for row in text.split("\n"))
    rows = {row.rstrip() for row in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")}
    assert all(any(row in source for source in rows) for row in new.split("\n"))
    assert len(reply_text(new)) <= len(new)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["Own words here.", "and more of them", "", "Regards, Pat"]), max_size=12))
def test_a_message_without_marks_stays_whole(rows: list[str]) -> None:
    assert reply_text("\n".join(rows)).split() == "\n".join(rows).split()


@pytest.mark.parametrize("line", ["Ann wrote:", "On Mon, Ann wrote:", "Ann Lee schrieb:", "Ann a écrit :"])
def test_a_bare_attribution_above_the_last_quotation_goes_with_it(line: str) -> None:
    assert reply_text(f"New.\n\n{line}\n> old\n> older\n") == "New."
    assert reply_text(f"New\n\n{line}\n> old") == reply_text(f"New\n\n{line}\n> old\n") == "New"
    assert reply_text(f"New.\n\n{line}\n\n> old\n") == "New."


@pytest.mark.parametrize(
    "text",
    [
        "New.\n\nThe server said:\n> 550 no such user\n",
        "New.\n\nAnn wrote:\nthis is mine\n",
        "New.\nThis is what I wrote:\n> my words\n",
        "Ann wrote:\n> old\n",
        "New.\n\nAnn wrote:\n> old\nNo, not so.\n",
    ],
)
def test_a_sentence_of_the_writer_is_no_bare_attribution(text: str) -> None:
    assert any(row.endswith(("said:", "wrote:")) for row in reply_text(text).splitlines())


TELEPHONES = (Path(__file__).resolve().parent / "telephones.txt").read_text("utf-8").splitlines()


def test_what_telephones_and_programs_add_in_many_languages_goes() -> None:
    kept = [line for line in TELEPHONES if reply_text(f"{OWN}\n\n{line}\n") != OWN]
    assert kept == []
    assert len(TELEPHONES) > 250


@pytest.mark.parametrize(
    "line",
    [
        "I use Outlook for iOS",
        "It is Outlook on Android.",
        "Does Outlook for iOS work?",
        "My iPhone is broken",
        "The mail was sent from Outlook for Android and never arrived here.",
        "Windows: küldve vagy nem?",
        "We have Android and Outlook",
    ],
)
def test_what_a_person_says_of_telephones_stays(line: str) -> None:
    assert reply_text(f"{OWN}\n\n{line}\n") == f"{OWN}\n\n{line}"
