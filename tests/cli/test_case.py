"""`mailbridge case` from outside, on a real store: what it prints, its exit codes, what stands on record."""

from __future__ import annotations

import io
import json
import math
import struct
import wave
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailbridge.cli.main import execute

Run = Callable[..., tuple[int, str, str]]

LISTED = {
    "number", "subject", "status", "channel", "severity", "plan", "requester", "account", "escalation_level",
    "created_at", "respond_by", "auto_close_at", "hold_until", "closed_at", "duplicate_of",
}  # fmt: skip
SAID = {
    "direction", "author", "from", "to", "subject", "text", "received_at", "message_id", "attachments",
    "transcript",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `mailbridge case ...` on a desk of its own; returns exit code, output and error."""
    monkeypatch.delenv("MAILBRIDGE_STAFF", raising=False)
    config = tmp_path / "config.ini"
    config.write_text(
        "[site]\nname = Example Support\nsupport = support@desk.example\n"
        "escalation = up@desk.example\nstaff = ann@desk.example, bob@desk.example\n"
        f"policy = standard-enterprise\nstate = {tmp_path / 'state'}\n"
    )

    def go(*words: str, stdin: bytes = b"") -> tuple[int, str, str]:
        stream = io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
        monkeypatch.setattr("sys.stdin", stream)
        code = execute(["-c", str(config), "case", *words])
        out, err = capfdbinary.readouterr()
        return code, out.decode("utf-8", "surrogateescape"), err.decode()

    return go


def doc(run: Run, *words: str) -> Any:
    code, out, err = run(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def opened(run: Run, subject: str = "Printer", text: str = "It does not print.") -> Any:
    return doc(run, "open", "--from", "kim@customer.example", "--subject", subject, text)


def events(case: Any) -> list[str]:
    return [event["event"] for event in case["events"]]


def test_open_list_and_show_have_the_shapes_of_the_contract(run: Run) -> None:
    case = opened(run)
    (row,) = doc(run, "list")
    assert set(row) >= LISTED
    assert (row["number"], row["status"], row["channel"]) == (1, "open", "portal")
    assert datetime.fromisoformat(row["created_at"]).utcoffset() == timedelta(0)
    shown = doc(run, "show", "1")
    assert shown == case
    assert set(shown) >= LISTED
    first, acknowledgement = shown["messages"]
    assert set(first) >= SAID
    assert (first["direction"], first["text"]) == ("in", "It does not print.")
    assert (acknowledgement["direction"], acknowledgement["kind"]) == ("out", "acknowledgement")
    assert acknowledgement["message_id"].startswith("<")
    assert "ack_sent" in events(shown)
    assert shown["deadline"]["proof"]


def test_an_empty_desk_lists_nothing(run: Run) -> None:
    assert doc(run, "list") == []
    assert run("list")[:2] == (0, "No cases.\n")


def test_people_get_a_table_and_a_card_with_the_proof(run: Run) -> None:
    opened(run, subject="[bold]Printer\x1b[31m")
    code, table, _ = run("list")
    assert code == 0
    assert "[bold]Printer" in table
    assert "\x1b" not in table
    card = run("show", "1")[1]
    assert "Deadline" in card
    assert "counted" in card
    assert "case_created" in card


def test_an_answer_comes_from_standard_input_and_waits_in_the_outbox(run: Run) -> None:
    opened(run)
    code, _, err = run("reply", "1", "-", "--from", "bob@desk.example", stdin="Früh am Morgen.\n".encode())
    assert code == 0, err
    case = doc(run, "show", "1")
    answer = case["messages"][-1]
    assert (answer["direction"], answer["author"], answer["text"]) == (
        "out",
        "bob@desk.example",
        "Früh am Morgen.",
    )
    assert case["status"] == "waiting"
    raw = run("show", "1", "--raw", answer["message_id"])[1]
    assert "To: kim@customer.example" in raw


def test_a_case_lives_through_all_its_verbs(run: Run) -> None:
    opened(run)
    assert doc(run, "note", "1", "Called", "him.")["messages"][-1]["text"] == "Called him."
    assert doc(run, "severity", "1", "HIGH")["severity"] == "high"
    assert doc(run, "escalate", "1", "--reason", "urgent")["escalation_level"] == 1
    assert doc(run, "assign", "1", "bob@desk.example")["assigned_to"] == "bob@desk.example"
    assert doc(run, "hold", "1", "--until", "2099-01-05")["hold_until"].startswith("2099-01-05T")
    assert doc(run, "release", "1")["hold_until"] is None
    assert doc(run, "close", "1", "--notify", "--reason", "solved")["status"] == "closed"
    case = doc(run, "reopen", "1")
    assert (case["status"], case["closed_at"]) == ("open", None)
    assert case["messages"][-1]["kind"] == "closed"
    wanted = [
        "note_added", "severity_changed", "escalated", "assigned", "held", "released", "closed", "reopened",
    ]  # fmt: skip
    found = [name for name in events(case) if name in wanted]
    assert found == wanted
    assert doc(run, "assign", "1", "nobody")["assigned_to"] == ""


def test_the_parts_of_a_split_are_acknowledged_within_the_limits_of_an_address(run: Run) -> None:
    """Its parts were judged by one count: 25 of them were 25 acknowledgements to one address at once."""
    opened(run, text="Many things.")
    numbers = doc(run, "split", "1", *(f"Thing {n}" for n in range(12)))["events"][-1]["numbers"]
    told = [events(doc(run, "show", str(number))) for number in numbers]
    assert sum("ack_sent" in names for names in told) == 9  # ten an hour, the first was the original's
    assert sum("suppressed" in names for names in told) == 3


def test_split_opens_a_number_for_each_issue_and_merge_brings_them_back(run: Run) -> None:
    opened(run, text="One: ink. Two: paper.")
    case = doc(run, "split", "1", "Ink", "Paper", "--text", "One: ink.")
    assert next(e for e in case["events"] if e["event"] == "split")["numbers"] == [2, 3]
    ink, paper = doc(run, "show", "2"), doc(run, "show", "3")
    assert (ink["messages"][0]["text"], paper["messages"][0]["text"]) == (
        "One: ink.",
        "One: ink. Two: paper.",
    )
    assert [case["messages"][1]["kind"] for case in (ink, paper)] == ["acknowledgement"] * 2
    assert ink["respond_by"] == doc(run, "show", "1")["respond_by"]
    merged = doc(run, "merge", "3", "2", "--reason", "the same after all")
    assert (merged["status"], merged["duplicate_of"]) == ("closed", 2)
    assert "merged_from" in events(doc(run, "show", "2"))
    code, _, err = run("reply", "3", "Hello")
    assert code == 65
    assert "merged into case 2" in err


def _wav(path: Path) -> bytes:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        file.writeframes(b"".join(struct.pack("<h", int(9000 * math.sin(i / 3))) for i in range(4000)))
    return path.read_bytes()


def test_a_recording_becomes_a_case_and_its_bytes_come_back(run: Run, tmp_path: Path) -> None:
    audio = _wav(tmp_path / "call.wav")
    words = ("open", "--voicemail", str(tmp_path / "call.wav"), "--caller", "+14155550123")
    case = doc(run, *words)
    assert (case["channel"], case["messages"][0]["author"]) == ("voicemail", "+14155550123")
    (file,) = case["messages"][0]["attachments"]
    assert file["size"] == len(audio)
    out = tmp_path / "out.wav"
    assert run("show", "1", "--attachment", file["sha256"][:12], "--out", str(out))[0] == 0
    assert out.read_bytes() == audio
    code, _, err = run("show", "1", "--attachment", file["filename"], "--out", str(out))
    assert code == 73
    assert "--force" in err
    assert run("show", "1", "--attachment", file["filename"], "--out", str(out), "--force")[0] == 0
    assert doc(run, *words)["number"] == 1  # the same call once more
    assert len(doc(run, "list")) == 1


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("show", "99"), 65, "there is no case 99"),
        (("reply", "99", "x"), 65, "there is no case 99"),
        (("show", "none"), 64, "none"),
        (("show", "99999999999999999999"), 64, "99999999999999999999"),
        (("reply", "1", " "), 65, "no text"),
        (("reply", "1", "x", "--as", "eve@else.example"), 65, "not of the staff"),
        (("severity", "1", "worst"), 65, "worst"),
        (("severity", "1"), 64, "SEVERITY"),
        (("hold", "1", "--until", "soon"), 65, "no date"),
        (("reopen", "1"), 65, "nothing to reopen"),
        (("merge", "1", "1"), 65, "into itself"),
        (("merge", "1", "7"), 65, "there is no case 7"),
        (("split", "1", "Ink", " "), 65, "needs a subject"),
        (("open", "--from", "kim", "--subject", "s", "t"), 65, "not an address"),
        (("open", "--subject", "s", "t"), 64, "--from"),
        (("open", "--voicemail", "nothing.wav"), 65, "nothing.wav"),
        (("show", "1", "--raw", "9"), 65, "no message 9"),
        (("show", "1", "--attachment", "../x"), 65, "no file"),
        (("show", "1", "--out", "x"), 64, "--out"),
    ],
)
def test_a_mistake_is_one_sentence(run: Run, words: tuple[str, ...], code: int, sentence: str) -> None:
    opened(run)
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
    assert len(doc(run, "list")) == 1


def test_input_that_is_no_text_is_refused(run: Run) -> None:
    opened(run)
    assert run("reply", "1", stdin=b"\xff\xfe\x00")[0] == 65


def test_who_acts_is_told_by_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(run)
    monkeypatch.setenv("MAILBRIDGE_STAFF", "Bob@desk.example")
    assert doc(run, "note", "1", "x")["messages"][-1]["author"] == "bob@desk.example"
