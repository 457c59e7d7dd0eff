"""Sentences, marks of doubt, and card numbers that must not be stored."""

from __future__ import annotations

import pytest

from transcription.engine import Word
from transcription.redact import REMOVED, is_card, redact_text, redact_words
from transcription.text import find_in, gist, write


def spoken(text: str, doubtful: str = "") -> list[Word]:
    """Words of 0.3 s; "/" is a pause of one second; those in doubtful have a confidence of one half."""
    words, now = [], 0.0
    for word in text.split():
        if word == "/":
            now += 1.0
            continue
        words.append(
            Word(word, round(now, 2), round(now + 0.3, 2), 0.5 if word in doubtful.split() else 0.98)
        )
        now += 0.3
    return words


def test_pauses_make_sentences_and_numbers_are_written() -> None:
    words = spoken("hi i'm karen / the case number is one zero four two / call me on friday")
    assert write(words) == "Hi I'm karen. The case number is 1042. Call me on Friday."


def test_a_doubtful_word_is_marked_and_a_doubtful_number_as_a_whole() -> None:
    words = spoken("our printer broke / case number one zero four two", doubtful="printer four")
    assert write(words) == "Our [printer?] broke. Case number [1042?]."


def test_a_pause_inside_a_telephone_number_does_not_cut_it() -> None:
    words = spoken("call two oh six / five five five / seven seven one two / thanks")
    assert write(words) == "Call (206) 555-7712. Thanks."
    assert [one.value for one in find_in(words)] == ["+12065557712"]


def test_words_nobody_knows_are_dots_once() -> None:
    assert write([Word("[unk]", 0, 1, 0.0), Word("[unk]", 1, 2, 0.0), *spoken("help")]).startswith("[...]")
    assert "[unk]" not in write(spoken("the [unk] [unk] thing"))


def test_names_are_written_as_their_owners_write_them() -> None:
    assert write(spoken("this is ann from mcdonald supply"), names=["McDonald Supply", "Ann"]) == (
        "This is Ann from McDonald Supply."
    )


def test_no_words_are_no_text() -> None:
    assert write([]) == ""


def test_a_gist_ends_at_a_word() -> None:
    assert gist("One two three four.", 10) == "One two ..."
    assert gist("Short.") == "Short."


CARD = (
    "four one one one one one one one one one one one one one one one"  # 4111 1111 1111 1111, a test number
)


@pytest.mark.parametrize(
    "said",
    [
        CARD,
        "four triple one double one double one double one double one double one double one",
        "forty one eleven eleven eleven eleven eleven eleven eleven",
        "four one one one / one one one one then one one one one and one one one one",
    ],
)
def test_a_spoken_card_number_is_taken_out(said: str) -> None:
    words = redact_words(spoken(f"my card is {said} please charge it"))
    heard = [word.word for word in words]
    assert heard == ["my", "card", "is", REMOVED, "please", "charge", "it"]
    assert words[3].end == words[4].start or words[3].end <= words[4].start
    assert "1111" not in write(words)


def test_a_security_code_is_taken_out() -> None:
    heard = [word.word for word in redact_words(spoken("the security code is one two three thanks"))]
    assert heard == ["the", "security", "code", "is", "[security code removed]", "thanks"]


def test_other_numbers_stay() -> None:
    for said in (
        "case one zero four two",
        "call two oh six five five five seven seven one two",
        CARD[:-3] + "two",
    ):
        words = spoken(said)
        assert redact_words(words) == tuple(words)


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1111", "4111-1111-1111-1111", "4111111111111111", "378282246310005"]
)
def test_a_written_card_number_is_taken_out(text: str) -> None:
    if text.startswith("3"):
        assert is_card(text)
    assert redact_text(f"pay with {text}.") == f"pay with {REMOVED}."


def test_a_written_order_number_stays() -> None:
    assert (
        redact_text("order 4111 1111 1111 1112 and +12065557712")
        == "order 4111 1111 1111 1112 and +12065557712"
    )
