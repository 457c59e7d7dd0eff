"""The demo from outside: what its JSON says happened, what its pages look like, what it leaves behind."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.demo.run import mailbridge

SCENES = [
    "smtp",
    "robot",
    "imap",
    "voicemail",
    "staff_answer",
    "escalation",
    "silence",
    "late_reply",
    "stranger",
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("demo")
    done = mailbridge(folder, "demo", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(folder.iterdir()) == []  # nothing stays
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def scene(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for found in told["scenes"] if found["scene"] == name)


def sent(told: dict[str, Any], name: str) -> list[tuple[str, str]]:
    return [(mail["kind"], to) for mail in scene(told, name)["sent"] for to in mail["to"]]


def test_tells_every_scene_in_order_and_in_time(told: dict[str, Any]) -> None:
    assert told["ok"] is True
    assert [one["scene"] for one in told["scenes"]] == SCENES
    times = [datetime.fromisoformat(one["at"]) for one in told["scenes"]]
    assert times == sorted(times)
    assert 0 < told["seconds"] < 60


def test_counts_six_working_hours_over_thanksgiving(told: dict[str, Any]) -> None:
    first = scene(told, "smtp")
    assert first["reply"] == "our reply: 250 2.0.0 Stored"
    assert datetime.fromisoformat(first["respond_by"]) == datetime.fromisoformat("2026-11-30T09:00:00-08:00")
    assert sum(row["seconds"] for row in first["proof"]) == 6 * 3600
    ack = next(mail for mail in first["sent"] if mail["kind"] == "acknowledgement")
    assert "November 30, 9:00 AM" in ack["says"]
    assert "Thanksgiving" in ack["says"]


def test_answers_no_robot(told: dict[str, Any]) -> None:
    robot = scene(told, "robot")
    assert [(one["kind"], one["outcome"], one["case"]) for one in robot["arrived"]] == [
        ("auto_reply", "threaded", 1)
    ]
    assert robot["sent"] == []


def test_takes_mail_from_imap(told: dict[str, Any]) -> None:
    assert scene(told, "imap")["way"] == "imap"
    assert ("acknowledgement", "ravi@patel-tools.example") in sent(told, "imap")


def test_hears_the_voicemail(told: dict[str, Any]) -> None:
    heard = scene(told, "voicemail")
    assert "Karen Mitchell from Oak Street Dental" in heard["transcript"]
    assert 0.8 < heard["confidence"] <= 1
    assert heard["phone_numbers"] == ["+15552138846"]
    assert ("acknowledgement", "karen@oakstreet.example") in sent(told, "voicemail")


def test_sends_the_staff_answer_on(told: dict[str, Any]) -> None:
    assert sent(told, "staff_answer") == [("staff_answer", "dana@northgate.example")]
    assert "deadline_met" in [event["event"] for event in scene(told, "staff_answer")["events"]]


def test_finds_the_case_of_a_quoted_original(told: dict[str, Any]) -> None:
    found = scene(told, "escalation")
    assert [(one["outcome"], one["case"]) for one in found["arrived"]] == [("threaded", 2)]
    assert set(sent(told, "escalation")) == {
        ("escalation", "ann@desk.example"),
        ("escalation_acknowledgement", "ravi@patel-tools.example"),
    }
    assert next(case for case in told["cases"] if case["number"] == 2)["escalation_level"] == 1


def test_closes_after_48_hours_with_a_warning_before(told: dict[str, Any]) -> None:
    answered = datetime.fromisoformat(scene(told, "staff_answer")["at"])
    moments = {e["event"]: datetime.fromisoformat(e["at"]) for e in scene(told, "silence")["events"]}
    assert moments["auto_closed"] == answered + timedelta(hours=48)
    assert moments["auto_close_warning"] == answered + timedelta(hours=24)
    assert [kind for kind, _ in sent(told, "silence")] == ["auto_close_warning", "auto_close"]


def test_reopens_on_a_late_reply(told: dict[str, Any]) -> None:
    assert ("reopened", "dana@northgate.example") in sent(told, "late_reply")
    assert next(case for case in told["cases"] if case["number"] == 1)["status"] == "open"


def test_tells_a_stranger_nothing(told: dict[str, Any]) -> None:
    mails = [mail for mail in scene(told, "stranger")["sent"] if "mallory@elsewhere.example" in mail["to"]]
    assert [mail["kind"] for mail in mails] == ["acknowledgement"]
    assert "[#4]" in mails[0]["subject"]
    assert "nvoice" not in json.dumps(mails)
    assert [case["number"] for case in told["cases"]] == [1, 2, 3, 4]


def test_writes_no_escape_codes_into_a_pipe(tmp_path: Path) -> None:
    done = mailbridge(tmp_path, "demo", FORCE_COLOR="1", TERM="xterm-256color", COLORTERM="truecolor")
    assert (done.returncode, done.stderr) == (0, "")
    assert [char for char in done.stdout if char != "\n" and not char.isprintable()] == []
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    for words in (
        "“You can expect our answer",
        "250 2.0.0 Stored",
        "Karen Mitchell from Oak Street",
        "Where to go next",
    ):
        assert words in done.stdout


def test_runs_where_the_terminal_knows_no_unicode(tmp_path: Path) -> None:
    done = mailbridge(tmp_path, "demo", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
