"""The demo's parts: it notices when something is not as promised, and its words are those of the mails."""

from __future__ import annotations

import importlib.util
import io
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path

import pytest

from mailbridge.errors import Unavailable
from mailbridge.ops import demo_people as people
from mailbridge.ops.demo_ends import Mail, missing_part
from mailbridge.ops.demo_news import Event, Gone, News
from mailbridge.ops.demo_story import START, Story, StoryBroken
from mailbridge.ops.demo_tell import Teller
from mailbridge.ops.demo_words import excerpt, own_words, stretch
from mailbridge.ops.demo_world import StoryClock, world

AT = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)
NONE = News((), (), ())


def test_a_broken_promise_breaks_the_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # without his original mail nothing ties Ravi's escalation to his case: the story must notice
    monkeypatch.setattr(people, "RAVI_ESCALATES", "Please hurry.")
    with world(tmp_path, StoryClock(START)) as made:
        story = Story(made, Teller(None))
        with pytest.raises(
            StoryBroken, match="scene 'escalation' went wrong: expected human, threaded, case 2"
        ):
            story.play()
    assert StoryBroken.exit_code == 70
    assert [scene["scene"] for scene in story.facts][-1] == "escalation"


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pymap" else known(name))
    with pytest.raises(Unavailable, match="needs the package pymap"):
        missing_part()


def test_the_clock_never_runs_back_and_runs_free_at_the_end() -> None:
    clock = StoryClock(AT)
    clock.move_to(datetime(2020, 1, 1, tzinfo=UTC))
    assert clock.now() == AT
    clock.run_free()
    assert abs((clock.now() - datetime.now(UTC)).total_seconds()) < 60


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colours_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal, pipe = Terminal(), io.StringIO()
    for file in (terminal, pipe):
        Teller.to(file).line("in", "hello\x1b[31m", "and more")
    assert "\x1b[" in terminal.getvalue()
    assert "\x1b" not in pipe.getvalue()
    assert "hello\ufffd[31m" in pipe.getvalue()


def test_a_silent_teller_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    teller = Teller(None)
    teller.scene("now", "title")
    teller.line("in", "text")
    teller.command("words")
    teller.table(("a",), [("b",)])
    assert capsys.readouterr().out == ""


def test_a_command_stands_on_one_line() -> None:
    pipe = io.StringIO()
    Teller.to(pipe).command("x" * 300)
    assert pipe.getvalue() == f"  {'x' * 300}\n"


def gone(text: str) -> Gone:
    return Gone("acknowledgement", ("a@b.example",), "s@d.example", "s", text, Mail("", (), Message()))


def test_excerpt_prefers_the_sentences_with_a_decided_moment() -> None:
    text = "Hello Dana,\n\nThank you.\n\nAn answer comes by November 30.\nWe are closed. Long.\n\n-- \nDesk\n"
    news = News((), (Event(AT, 1, "deadline_set", {"respond_by": "2026-11-30T09:00:00-08:00"}),), ())
    assert excerpt(gone(text), news) == "An answer comes by November 30. We are closed. Long."
    assert excerpt(gone(text), news, 40) == "An answer comes by November 30."
    assert excerpt(gone(text), NONE) == "Thank you."


def test_excerpt_of_an_endless_or_empty_mail() -> None:
    assert len(excerpt(gone("x" * 5000), NONE)) <= 240
    assert excerpt(gone(""), NONE) == ""


def test_own_words_leave_the_quoted_original_out() -> None:
    assert own_words("Yes.\nAll well.\n\nOn Monday, Ann wrote:\n> no") == "Yes. All well."
    assert (
        own_words("See below.\n-----Original Message-----\nFrom: x")
        == "See below. [his original mail follows]"
    )


def test_a_stretch_of_the_count_in_words() -> None:
    row = {
        "from": "2026-11-25T14:00:00-08:00",
        "to": "2026-11-25T17:00:00-08:00",
        "seconds": 10800,
        "why": "open, Wednesday",
    }
    assert stretch(row) == "3:00 h  Wed Nov 25 14:00 - 17:00  open, Wednesday"
    closed = stretch({**row, "to": "2026-11-30T06:00:00-08:00", "seconds": 0, "why": ""})
    assert closed == "     -  Wed Nov 25 14:00 - Mon 06:00"
