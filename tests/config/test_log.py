"""The log: one line an event, nothing breaks it, nothing secret is in it, every event is known."""

from __future__ import annotations

import ast
import io
import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbridge import log
from mailbridge.log_events import EVENTS
from tests.needs import ROOT


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("mailbridge")
    before = (root.level, own.level, list(root.handlers), log._state.level, set(log._state.secrets))
    yield
    root.setLevel(before[0])
    own.setLevel(before[1])
    root.handlers[:] = before[2]
    log._state.level = before[3]
    log._state.secrets = before[4]


def said(name: str, /, **fields: object) -> str:
    with log.capture() as lines:
        log.event(name, **fields)
    return lines[0].text


def test_one_line_an_event() -> None:
    at = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    assert said("stored", message=12, peer="192.0.2.1", at=at, seconds=0.25, tls=True, login=None) == (
        "info stored message=12 peer=192.0.2.1 at=2026-11-23T09:30:00+00:00 seconds=0.25 tls=yes"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("two words", '"two words"'),
        ("", '""'),
        ("a=b", '"a=b"'),
        ("a\nfatal stored", '"a\\nfatal stored"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("\u202eevil", '"\\u202eevil"'),
        ("\udc80", '"\\udc80"'),
        ("grüße", "grüße"),
        (b"abc", "3_bytes"),
        (Path("/a b"), '"/a b"'),
        (("a", "b"), "a,b"),
        (ValueError("no"), '"ValueError: no"'),
    ],
)
def test_values(value: object, shown: str) -> None:
    assert said("stored", x=value) == f"info stored x={shown}"


@given(st.text())
def test_no_value_breaks_the_line(value: str) -> None:
    text = said("stored", subject=value)
    assert text.isprintable()
    assert len(text) < 10_000
    text.encode()


def test_long_values_are_cut() -> None:
    assert "(100000 characters)" in said("stored", subject="x" * 100_000)


@pytest.mark.parametrize(
    "key", ["password", "smtp_password", "passwd", "token", "client_secret", "Authorization"]
)
def test_secrets_by_name(key: str) -> None:
    assert said("stored", **{key: "geheim"}) == f"info stored {key}=***"


def test_secrets_in_urls() -> None:
    assert "geheim" not in said("store_failed", error="cannot reach postgresql://desk:geheim@db/x")


def test_unknown_event_is_a_bug_and_not_an_error() -> None:
    assert said("no_such_event", message=1) == "bug unknown_event name=no_such_event message=1"


def test_a_bug_says_where() -> None:
    with pytest.raises(KeyError) as caught:
        raise KeyError("x")
    text = said("unforeseen", error=caught.value)
    assert re.search(r'at="test_a_bug_says_where:\d+ test_log.py"$', text)


def written(monkeypatch: pytest.MonkeyPatch, journal: bool, level: str, *names: str) -> list[str]:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    if journal:
        monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    else:
        monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    log.setup(level)
    for name in names:
        log.event(name)
    return stream.getvalue().splitlines()


def test_journal_priorities(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = written(
        monkeypatch, True, "debug", "tick_done", "stored", "deferred", "dead", "unforeseen", "retried"
    )
    assert lines == [
        "<7>debug tick_done",
        "<6>info stored",
        "<3>error deferred",
        "<3>fatal dead",
        "<3>bug unforeseen",
        "<4>warning retried",
    ]


def test_level(monkeypatch: pytest.MonkeyPatch) -> None:
    assert written(monkeypatch, False, "warning", "stored", "retried", "dead") == [
        "warning retried",
        "fatal dead",
    ]


def test_a_closed_standard_error_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    log.event("dead", message=1)  # does not raise
    with log.capture() as lines:
        log.event("dead", message=1)
    assert len(lines) == 1


def test_a_value_that_cannot_be_shown_stops_nothing() -> None:
    class Bad:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    with log.capture() as lines:
        log.event("stored", x=Bad())
        log.event("stored", x=1)
    assert [line.text for line in lines] == ["info stored x=1"]


def test_libraries_speak_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    log.setup("info")
    with log.capture() as lines:
        logging.getLogger("imapclient.imaplib").debug("LOGIN support geheim")
        logging.getLogger("imapclient.imaplib").info("LOGIN support geheim")
        logging.getLogger("aiosmtpd").error("two\nlines")
    assert [line.text for line in lines] == ['error library_error logger=aiosmtpd message="two\\nlines"']


def test_own_rooms_speak_through_it(monkeypatch: pytest.MonkeyPatch) -> None:
    log.setup("info")
    own = logging.getLogger("mailbridge.intake.smtp")
    with log.capture() as lines:
        own.info("stored message=%d peer=%s", 7, "x\ny")
        own.debug("imap_stop mailbox=a")
        own.warning("never_heard_of peer=1")
    assert [line.text for line in lines] == [
        'info stored message=7 peer="x\\ny"',
        'bug unknown_event name=never_heard_of message="peer=1"',
    ]


# Every event that the code logs is in the registry


def logged_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """First words of log.event("..."), and of log.info("... key=%s") where a room logs that way."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        on_log = isinstance(node.func.value, ast.Name) and node.func.value.id in ("log", "logger", "_log")
        known = node.func.attr in ("event", "debug", "info", "warning", "error", "exception", "critical")
        first = node.args[0]
        for word in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
            if on_log and known and isinstance(word, ast.Constant) and isinstance(word.value, str):
                yield node.lineno, word.value.split(" ")[0]


def test_every_logged_event_is_registered() -> None:
    unknown = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sorted((ROOT / "mailbridge").rglob("*.py"))
        for line, name in logged_names(ast.parse(path.read_text("utf-8")))
        if name not in EVENTS
    ]
    assert unknown == []


def test_every_registered_event_is_logged_somewhere() -> None:
    """A manual that explains lines which never come sends an admin astray."""
    words: set[str] = {
        "library_warning",
        "library_error",
        "unknown_event",
    }  # mailbridge/log.py puts them together
    for path in sorted((ROOT / "mailbridge").rglob("*.py")):
        if path.name != "log_events.py":
            tree = ast.parse(path.read_text("utf-8"))
            words |= {name for _, name in logged_names(tree)}
            words |= {
                node.value
                for node in ast.walk(tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
    assert sorted(set(EVENTS) - words) == []


def test_the_search_finds_events() -> None:
    text = 'log.event("stored", a=1)\nlog.info("listening way=%s", way)\nother.info("x")\n'
    tree = ast.parse(text + 'log.event("a" if b else "c")')
    assert list(logged_names(tree)) == [(1, "stored"), (2, "listening"), (4, "a"), (4, "c")]


def test_registry_words() -> None:
    assert set(EVENTS.values()) == {"debug", "info", "warning", "error", "fatal", "bug"}
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", name) for name in EVENTS)


def test_each_event_that_needs_somebody_stands_in_the_manual() -> None:
    manual = (ROOT / "docs" / "operating.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", manual, flags=re.MULTILINE))
    needs_somebody = {
        name: word for name, word in EVENTS.items() if word in ("warning", "error", "fatal", "bug")
    }
    assert rows == needs_somebody


def test_a_room_s_values_are_shown_like_all_others() -> None:
    """A value with blanks or an equals sign was not told from the keys around it."""
    log.setup("info")
    own = logging.getLogger("mailbridge.intake.imap")
    with log.capture() as lines:
        own.error("imap_failed mailbox=%s failures=%d error=%s: %s", "a b", 3, "OSError", "x=1 100%")
        own.info("imap_stop mailbox=%s already closed", "a")
        own.warning("smtp_login_refused peer=%s password=%s", "::1", "geheim")
        own.debug("imap_close failed")
    assert [line.text for line in lines] == [
        'error imap_failed mailbox="a b" failures=3 error="OSError: x=1 100%"',
        'debug imap_stop mailbox="a already closed"',
        "warning smtp_login_refused peer=::1 password=***",
    ]
