"""Originals that a client forwarded inline: who wrote them, and what about."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbridge.mail.body import readable
from mailbridge.mail.forwarded import find_forwarded, parse_sender
from mailbridge.model.message import Address
from tests.mail.test_quotes import BLOCKS

PAT = Address("Pat Example", "pat@customer.example")
BODY = "The printer burns.\n\nPlease hurry."
MARKS = [
    "---------- Forwarded message ---------",
    "-------- Forwarded Message --------",
    "Begin forwarded message:",
    "-------- Weitergeleitete Nachricht --------",
    "Anfang der weitergeleiteten Nachricht:",
    "---------- Message transféré ----------",
    "Début du message réexpédié :",
    "---------- Mensaje reenviado ----------",
    "Inicio del mensaje reenviado:",
    "---------- Mensagem encaminhada ----------",
    "---------- Messaggio inoltrato ----------",
    "Inizio messaggio inoltrato:",
    "-------- Doorgestuurd bericht --------",
    "Begin doorgestuurd bericht:",
    "-------- Vidarebefordrat meddelande --------",
    "-------- Videresendt meddelelse --------",
    "-------- Videresendt melding --------",
    "-------- Välitetty viesti --------",
    "-------- Přeposlaná zpráva --------",
    "-------- Preposlaná správa --------",
    "-------- Przekazana wiadomość --------",
    "-------- Továbbított üzenet --------",
    "-------- Mesaj redirecționat --------",
    "-------- İletilmiş Mesaj --------",
    "-------- Пересылаемое сообщение --------",
    "-------- Перенаправлене повідомлення --------",
    "-------- Proslijeđena poruka --------",
    "-------- Edastatud kiri --------",
    "-------- 転送メッセージ --------",
    "---------- 转发的邮件 ----------",
]  # fmt: skip


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("quote", ["", "> "])
def test_marked_forward_tells_of_its_original(mark: str, quote: str) -> None:
    rows = [
        mark,
        "",
        "From: Pat Example <pat@customer.example>",
        "Subject: Fire",
        "Date: 4 May 2026",
        "To: us",
        "",
    ]
    original = "\n".join(quote + row for row in [*rows, *BODY.split("\n")])
    found = readable(f"Please take over.\n\n{original}\n", "", subject="Fwd: Fire")
    assert (found.forwarded_from, found.forwarded_subject, found.forwarded_text) == (PAT, "Fire", BODY)
    assert found.new_text == "Please take over."
    assert readable(original, "", subject="Fire").new_text == ""


@pytest.mark.parametrize("labels", BLOCKS)
def test_block_without_mark_is_a_forward_where_the_subject_is_no_answers(labels: tuple[str, ...]) -> None:
    values = (
        "Pat Example <pat@customer.example>",
        "Monday, 4 May 2026 15:07",
        "us@desk.example",
        "Fire: help",
    )
    block = "\n".join(f"{label}: {value}" for label, value in zip(labels, values, strict=True))
    text = f"Please take over.\n\n{block}\n\n{BODY}\n"
    found = readable(text, "", subject="FW: Fire: help")
    assert (found.forwarded_from, found.forwarded_subject, found.forwarded_text) == (PAT, "Fire: help", BODY)
    assert found.new_text == "Please take over."
    assert readable(text, "", subject="RE: Fire: help").forwarded_from is None


@pytest.mark.parametrize(
    "line",
    [
        'Am 28/10/2021, 12:46 schrieb "Pat Example" <pat@customer.example>:',
        "Pat Example <pat@customer.example> kirjoitti 28/10/2021 12.46:",
        "28/10/2021 12:46 időpontban Pat Example (pat@customer.example) ezt írta:",
        'Il giorno 28/10/2021, 12:46 "Pat Example" <pat@customer.example> ha scritto:',
        "Op 28/10/2021 12:46 heeft Pat Example <pat@customer.example> geschreven:",
        '"Pat Example" <pat@customer.example>, 28/10/2021 12:46 tarihinde şunu yazdı:',
        "On 28/10/2021, 12:46, Pat Example <pat@customer.example> wrote:",
    ],
)
def test_attribution_is_a_forward_where_the_subject_says_so(line: str) -> None:
    text = f"\ufeff{line}\n\n    The printer burns.\n"
    found = readable(text, "", subject="FW: Fire")
    assert (found.forwarded_from, found.forwarded_subject) == (PAT, "Fire")
    assert found.forwarded_text == "The printer burns."
    assert readable(text, "", subject="Re: Fire").forwarded_from is None


def test_headers_on_one_line() -> None:
    text = (
        "   ----- Forwarded message ----- From: Pat Example <pat@customer.example>To: us <us@desk.example>"
        "Sent: Tuesday, 4 May 2026 15:07 CETSubject: Fire: help\n The printer burns.\n"
    )
    found = readable(text, "", subject="")
    assert (found.forwarded_from, found.forwarded_subject) == (PAT, "Fire: help")
    assert found.forwarded_text == "The printer burns."


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Pat Example <pat@customer.example>", PAT),
        ('"Pat Example" <pat@customer.example>', PAT),
        ("Pat Example [mailto:pat@customer.example]", PAT),
        ("Pat Example <pat@customer.example<mailto:pat@customer.example>>", PAT),
        ("Pat Example (pat@customer.example)", PAT),
        ("pat@customer.example (Pat Example)", PAT),
        ("**Pat Example** <pat@customer.example>", PAT),
        ("Example, Pat <pat@customer.example>", Address("Example, Pat", "pat@customer.example")),
        ("<pat@customer.example>", Address("", "pat@customer.example")),
        ("pat@customer.example", Address("", "pat@customer.example")),
        ("pat@customer.example <pat@customer.example>", Address("", "pat@customer.example")),
        ("Pat O'Hara <p.o'hara@customer.example>", Address("Pat O'Hara", "p.o'hara@customer.example")),
        ("Pat Example", Address("Pat Example", "")),
        ("", None),
    ],
)
def test_sender(said: str, meant: Address | None) -> None:
    assert parse_sender(said) == meant


@pytest.mark.parametrize(
    "text",
    [
        "Fwd: nothing is forwarded here.",
        "I forwarded message after message.",
        "Forwarded message: none",
        "From: Paris\nTo: London\nDate: 4 May",
        "",
    ],
)
def test_prefix_alone_is_no_evidence(text: str) -> None:
    found = readable(text, "", subject="Fwd: Fire")
    assert found.forwarded_from is None
    assert found.new_text == text


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from([*MARKS, "From: a@b.example", "Subject: x", "To: y", ""]) | st.text(max_size=30),
        max_size=15,
    )
)
def test_any_text_is_read(rows: list[str]) -> None:
    text = "\n".join(rows)
    found = find_forwarded(text, subject="Fwd: x")
    assert found is None or 0 <= found.start < len(text.split("\n"))


FORWARDS = (Path(__file__).resolve().parent / "forwards.txt").read_text("utf-8").removeprefix("#### ")


@pytest.mark.parametrize("block", FORWARDS.split("\n#### "), ids=lambda block: block.partition(" | ")[0])
def test_forwards_of_many_clients(block: str) -> None:
    """A block of the table: client | subject, the mail, and behind "####=" what stands above the original."""
    title, _, rest = block.partition("\n")
    body, _, above = rest.partition("\n####=")
    found = readable(body, "", subject=title.partition(" | ")[2])
    assert found.forwarded_from == PAT
    assert found.forwarded_subject == "Oheň"
    assert found.forwarded_text.startswith("The printer burns.")
    assert found.new_text.strip() == above.strip()
