"""ingest: each row says what became of the message, also where there was none, or nobody has decided yet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mailbridge.cli import ingest
from mailbridge.work.desk import Desk, Outcome
from tests.cli.admin import Admin
from tests.store.make import raw


@pytest.fixture
def admin(tmp_path: Path) -> Admin:
    return Admin(tmp_path)


def rows(admin: Admin, *words: str) -> list[dict[str, Any]]:
    code, out = admin.run("ingest", *words)
    assert code == 0
    return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def _slow_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker of the daemon takes each message up first, and does not end."""
    real = Desk.process_message

    def process_message(desk: Desk, message_id: int) -> Outcome:
        desk.jobs.claim(["process"], desk.clock.now(), 300)
        return real(desk, message_id)

    monkeypatch.setattr(Desk, "process_message", process_message)
    monkeypatch.setattr(ingest, "PATIENCE_S", 0.2)


def test_an_empty_file_is_ignored_and_the_row_says_so(admin: Admin) -> None:
    (row,) = rows(admin, admin.file("empty.eml", b""))
    assert (row["outcome"], row["kind"], row["case"]) == ("ignored", "human", None)
    assert row["reason"] == "there is no message in it: empty"


def test_an_empty_one_between_others_holds_nobody_up(admin: Admin) -> None:
    files = [admin.file("a.eml", raw(1)), admin.file("b.eml", b""), admin.file("c.eml", raw(2))]
    assert [row["outcome"] for row in rows(admin, *files)] == ["created", "ignored", "created"]


@pytest.mark.usefixtures("_slow_worker")
def test_what_the_daemon_has_in_hand_is_said_to_be_stored(admin: Admin) -> None:
    file = admin.file("a.eml", raw(1))
    for outcome in ("received", "duplicate"):
        (row,) = rows(admin, file)
        assert row["outcome"] == outcome
        assert row["reason"].startswith("stored as in-1, and not decided within 0.2 seconds")
        assert "mailbridge queue show in-1" in row["reason"]


def test_a_file_that_cannot_be_read_is_65_and_the_others_are_taken(
    admin: Admin, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = admin.run("ingest", str(admin.folder / "none.eml"), admin.file("a.eml", raw(1)))
    assert code == 65
    assert [json.loads(line)["outcome"] for line in out.splitlines()] == ["created"]
    assert capsys.readouterr().err.count("none.eml: cannot be read: No such file or directory") == 1


@pytest.mark.parametrize("command", ["ingest", "explain"])
def test_a_recipient_that_is_no_address_is_a_slip_and_told(
    admin: Admin, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    mail = admin.file("a.eml", b"From: pat@customer.example\r\nSubject: x\r\n\r\nhello\r\n")
    assert admin.run(command, "--recipient", "not an address", mail) == (64, "")
    assert "'not an address' is no mail address" in capsys.readouterr().err


def test_a_recipient_may_stand_in_angle_brackets_and_a_sender_be_anything(admin: Admin) -> None:
    mail = admin.file("a.eml", b"From: pat@customer.example\r\nSubject: x\r\n\r\nhello\r\n")
    words = ("--sender", "<odd sender>", "--recipient", "<escalation@desk.example>")
    code, out = admin.run("ingest", *words, mail)
    assert (code, json.loads(out)["outcome"]) == (0, "created")
    (case,) = json.loads(admin.run("case", "list", "--json")[1])
    assert case["escalation_level"] == 1
