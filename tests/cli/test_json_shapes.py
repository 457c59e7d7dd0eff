"""What scripts read: each --json document has the keys of the contract, in its words and forms of time."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.admin import Admin

CASE = {"number", "subject", "status", "channel", "severity", "plan", "requester", "account", "duplicate_of"}
CASE |= {"escalation_level", "created_at", "respond_by", "auto_close_at", "hold_until", "closed_at"}
MESSAGE = ["direction", "author", "from", "to", "subject", "text", "received_at", "message_id", "attachments"]
QUEUED = ["id", "direction", "state", "kind", "case", "from", "to", "subject", "reason", "due_at", "attempts"]
RAW = (
    b"From: Pat <pat@customer.example>\r\nTo: support@desk.example\r\nSubject: Printer\r\n"
    b"Message-ID: <1@customer.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nIt burns.\r\n'
    b'--b\r\nContent-Type: image/png; name="a.png"\r\nContent-Disposition: attachment; filename="a.png"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"
)


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Admin:
    made = Admin(tmp_path_factory.mktemp("site"))
    code, out = made.run("ingest", made.file("a.eml", RAW))
    assert code == 0
    row = json.loads(out)
    assert list(row) == ["file", "outcome", "kind", "case", "reason"]
    assert (row["outcome"], row["kind"], row["case"]) == ("created", "human", 1)
    return made


def document(admin: Admin, *words: str) -> Any:
    code, out = admin.run(*words)
    assert code == 0
    return json.loads(out)


def aware(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


def test_case_list(admin: Admin) -> None:
    (row,) = document(admin, "case", "list", "--json")
    assert set(row) >= CASE
    assert (row["status"], row["channel"], row["requester"]) == ("open", "email", "pat@customer.example")
    assert aware(row["created_at"])
    assert aware(row["respond_by"])
    assert (row["auto_close_at"], row["closed_at"], row["duplicate_of"]) == (None, None, None)


def test_case_show(admin: Admin) -> None:
    case = document(admin, "case", "show", "1", "--json")
    assert set(case) >= CASE
    ours, theirs = (
        next(m for m in case["messages"] if m["direction"] == "out"),
        next(m for m in case["messages"] if m["direction"] == "in"),
    )
    for message in (ours, theirs):
        assert {*MESSAGE, "transcript"} <= set(message)
        assert aware(message["received_at"])
    assert theirs["text"].strip() == "It burns."
    (file,) = theirs["attachments"]
    assert {"filename", "content_type", "size", "sha256"} <= set(file)
    assert (file["filename"], file["size"], len(file["sha256"])) == ("a.png", 8, 64)
    assert all(aware(event["at"]) and event["event"] for event in case["events"])


def test_queue_list(admin: Admin) -> None:
    rows = document(admin, "queue", "list", "--json")
    assert rows
    assert all(list(row) == QUEUED for row in rows)
    assert {row["direction"] for row in rows} == {"out"}
    assert {row["kind"] for row in rows} == {"acknowledgement", "staff_notice"}
    assert all(isinstance(row["to"], str) and row["case"] == 1 and aware(row["due_at"]) for row in rows)


def test_deadline(admin: Admin) -> None:
    words = ("deadline", "--policy", "mekorma", "--received", "2026-11-30T09:00:00-08:00")
    found = document(admin, *words, "--json")
    assert {"respond_by", "warn_at", "opens_at", "calendar", "rule"} <= set(found)
    assert found["respond_by"] == "2026-11-30T15:00:00-08:00"


def test_status(admin: Admin) -> None:
    found = document(admin, "status", "--json")
    assert found["healthy"] is True
    assert aware(found["at"])
    assert {"inbox", "outbox", "jobs", "deadlines", "mailboxes", "model", "disk"} <= set(found)


def test_simulate(admin: Admin) -> None:
    steps = [
        {"at": "2026-12-01T08:00:00-08:00", "do": "customer", "from": "jo@customer.example", "text": "x"},
        {"at": "+9d", "do": "run"},
    ]
    file = admin.file("s.jsonl", "\n".join(json.dumps(step) for step in steps))
    code, out = admin.run("simulate", "--policy", "mekorma", file)
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert all({"at", "event", "case"} <= set(row) and aware(row["at"]) for row in rows)
    assert [row["at"] for row in rows] == sorted(row["at"] for row in rows)
    assert {"case_created", "ack_sent", "deadline_set", "deadline_missed"} <= {row["event"] for row in rows}


def test_json_is_alone_on_standard_output(admin: Admin, tmp_path: Path) -> None:
    """Also for the commands that change something, and an error leaves standard output empty."""
    assert document(admin, "contacts", "list", "--json") == []
    assert document(admin, "contacts", "dead", "--json") == []
    assert document(admin, "db", "check", "--json")["sound"] is True
    assert document(admin, "db", "backup", "--json", str(tmp_path / "b.db"))["size"] > 0
    assert admin.run("case", "show", "99", "--json") == (65, "")


def test_queue_show_has_the_names_of_queue_list(admin: Admin) -> None:
    """It had the columns of the tables: rcpt_to for to, attempt for attempts, case_id beside case."""
    for listed in document(admin, "queue", "list", "--json"):
        shown = document(admin, "queue", "show", listed["id"], "--json")
        assert {key: shown[key] for key in QUEUED} == listed
        assert not {"rcpt_to", "mail_from", "attempt", "case_id"} & set(shown)
    incoming = document(admin, "queue", "show", "in-1", "--json")
    assert (incoming["id"], incoming["direction"], incoming["state"]) == ("in-1", "in", "filed")
    assert (incoming["from"], incoming["to"]) == ("pat@customer.example", "support@desk.example")
    assert (incoming["case"], incoming["attempts"], incoming["jobs"]) == (1, 0, [])


def test_people_read_no_python(admin: Admin) -> None:
    """The card of a case said to=['pat@customer.example'], and queue show rcpt_to: ['...']."""
    assert "to=pat@customer.example" in admin.run("case", "show", "1")[1]
    shown = admin.run("queue", "show", "in-1")[1]
    assert "['" not in shown
    assert "\nto: support@desk.example\n" in shown
