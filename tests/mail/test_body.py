# ruff: noqa: E501 - the HTML of clients, a row each
"""The body as a whole: plain and HTML together, HTML structure, languages, and the figures on the corpus."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailbridge.mail.body import readable
from mailbridge.mail.html import html_to_text
from mailbridge.mail.language import guess_language
from tests.corpus import score_text
from tests.mail import replies
from tests.needs import need_shared

OWN = "<div>The printer is back.</div>"
SAID = "The printer is back."
HISTORIES = [
    '<div class="gmail_quote"><div class="gmail_attr">Xyz 4 abc 2026 Desk zzz:<br></div><blockquote class="gmail_quote">Q</blockquote></div>',
    '<div class="gmail_quote">Unknown words Desk<br><blockquote class="gmail_quote">Q</blockquote></div>',
    '<div class="moz-cite-prefix">Zzz 4. abc 2026 Desk:</div><blockquote type="cite">Q</blockquote>',
    '<blockquote type="cite"><div>On 4 May 2026, at 15:07, Desk wrote:</div><div>Q</div></blockquote>',
    '<div id="appendonsend"></div><hr><div><b>Xx:</b> Desk<br><b>Yy:</b> Monday</div><div>Q</div>',
    '<hr><div id="divRplyFwdMsg"><b>Xx:</b> Desk<br><b>Yy:</b> Monday</div><div>Q</div>',
    '<hr><div id="x_divRplyFwdMsg"><b>Xx:</b> Desk</div><div>Q</div>',
    '<div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p><b>Xx:</b> Desk</p></div><p>Q</p>',
    '<div><b>From:</b> Desk &lt;s@desk.example&gt;<br><b>Sent:</b> Monday<br><b>To:</b> Pat<br><b>Subject:</b> x</div>Q',
    '<div class="yahoo_quoted"><div>Xyz Desk zzz:</div><div>Q</div></div>',
    '<div class="protonmail_quote">Zzz Desk<blockquote class="protonmail_quote" type="cite">Q</blockquote></div>',
    '<div class="zmail_extra"><div>Zzz Desk</div><blockquote>Q</blockquote></div>',
    '<div id="mail-editor-reference-message-container"><div><b>Xx:</b> Desk</div><div>Q</div></div>',
    '<div>Sent from my iPhone</div><blockquote type="cite">Q</blockquote>',
]  # fmt: skip


@pytest.mark.parametrize("history", HISTORIES)
def test_structure_of_html_tells_history(history: str) -> None:
    assert readable("", f"<html><body>{OWN}<br>{history}</body></html>", subject="Re: x").new_text == SAID


@pytest.mark.parametrize(
    "mark",
    [
        'class="gmail_signature"',
        'id="Signature"',
        'id="AppleMailSignature"',
        'class="moz-signature"',
        'data-smartmail="gmail_signature"',
    ],
)
def test_signature_of_html_goes(mark: str) -> None:
    found = readable("", f"{OWN}<div {mark}>Pat Example<br>Head of Printing</div>")
    assert found.new_text == SAID
    assert "Head of Printing" in found.text


def test_answers_between_quotations_of_html_stay() -> None:
    html = "See:<blockquote>Which model?</blockquote>A 400.<blockquote>Since when?</blockquote>Monday.<blockquote>Ann</blockquote>"
    assert (
        readable("", html, subject="Re: x").new_text == "See:\n> Which model?\nA 400.\n> Since when?\nMonday."
    )


def test_history_in_plain_is_found_by_the_structure_of_html() -> None:
    plain = f"{SAID}\n\nXyz 4 abc Desk zzz\n\nWhich model?\n"
    html = f'{OWN}<div class="gmail_quote"><div class="gmail_attr">Xyz 4 abc Desk zzz</div><blockquote>Which model?</blockquote></div>'
    found = readable(plain, html)
    assert found.new_text == SAID
    assert "Which model?" in found.text


def test_structure_cuts_nothing_that_html_does_not_say() -> None:
    plain = f"{SAID}\n\nThis stands in plain only.\n"
    assert "plain only" in readable(plain, f"{OWN}<blockquote type=cite>other</blockquote>").new_text


@pytest.mark.parametrize(
    ("plain", "html", "text"),
    [
        ("plain", "<p>html</p>", "plain"),
        ("", "<p>html</p>", "html"),
        (" \n", "<p>html</p>", "html"),
        ("Your e-mail program does not support HTML.", f"<p>html</p>{OWN * 3}", None),
        ("<html><body>x</body></html>", "<p>html</p>", "html"),
        ("plain", "", "plain"),
        ("", "", ""),
        ("", "<img src=cid:x>", ""),
    ],
)
def test_which_part_is_read(plain: str, html: str, text: str | None) -> None:
    found = readable(plain, html).text
    assert found == text if text is not None else found.startswith("html")


def test_controls_and_lone_surrogates_go() -> None:
    found = readable("a\x00b\ud800c\r\nd\re", "<p>a\x00\udfffb</p>")
    assert found.text == "abc\nd\ne"
    assert found.html == "<p>ab</p>"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Hello, I have a problem with the printer and it is not working. Can you please help?", "en"),
        (
            "Guten Tag, ich habe ein Problem mit dem Drucker und er funktioniert nicht. Bitte helfen Sie.",
            "de",
        ),
        ("Bonjour, je ne peux pas imprimer avec la nouvelle version. Merci de nous aider.", "fr"),
        ("Hola, no puedo imprimir con la nueva versión. ¿Me pueden ayudar por favor? Gracias", "es"),
        ("Buongiorno, non riesco a stampare con la nuova versione, mi potete aiutare? Grazie", "it"),
        (
            "Goedendag, ik kan niet printen met de nieuwe versie. Kunt u mij helpen? Bedankt voor het antwoord",
            "nl",
        ),
        ("Здравствуйте, у меня не работает принтер. Что мне делать? Спасибо за помощь", "ru"),
        ("Добрий день, у мене не працює принтер. Що мені робити? Дякую за допомогу", "uk"),
        ("プリンターが動きません。助けてください。", "ja"),
        ("打印机不工作，请帮忙。", "zh"),
        ("프린터가 작동하지 않습니다.", "ko"),
        ("Ok", ""),
        ("", ""),
        ("404 51 xyz qwe", ""),
    ],
)
def test_language(text: str, language: str) -> None:
    assert guess_language(text) == language


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.text(max_size=200), st.sampled_from(["", "Re: x", "Fwd: x", "\x00"]))
def test_any_message_is_read(plain: str, html: str, subject: str) -> None:
    found = readable(plain, html, subject=subject)
    assert all(any(row in line for line in found.text.split("\n")) for row in found.new_text.split("\n"))
    assert (
        bool(found.new_text.strip()) or not found.text.strip("\ufeff \n") or found.forwarded_from is not None
    )
    (found.text + found.new_text + found.html + found.forwarded_text).encode("utf-8")


def test_figures_on_the_corpus() -> None:
    need_shared("corpus", "manifest.jsonl")
    items = list(score_text.fixtures())
    replies = score_text.score_replies(score_text.ours, items, verbose=True)
    assert replies.of > 50
    assert replies.percent >= 95, replies.missed
    forwards = score_text.score_forwards(items, verbose=True)
    for key in ("original_from", "original_subject"):
        assert forwards[key].of > 40
        assert forwards[key].percent >= 95, forwards[key].missed


def test_both_forms_of_an_answer_give_the_same_words() -> None:
    """The plain part as clients make it of the HTML: with marks; what HTML alone gives is also its new text."""
    wrong = []
    for reply in (*replies.first(), *replies.later(), *replies.last()):
        if reply.html:
            found = readable(html_to_text(reply.html), reply.html, subject=reply.subject)
            wanted = found.text if reply.wanted is None else reply.wanted
            if found.new_text.split() != wanted.split():
                wrong.append((reply.name, found.new_text))
    assert wrong == []
