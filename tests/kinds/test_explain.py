"""`explain FILE` tells what would be done, rule by rule, and leaves no trace: not a row, not a file."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from mailbridge.policy.classify import LOOKS_FOR, RULES
from tests.cli.admin import Admin
from tests.kinds.rows import rows

MESSAGE = (
    b"From: Jo <jo@customer.example>\r\nTo: support@desk.example\r\nSubject: Help\r\n"
    b"Message-ID: <1@customer.example>\r\n\r\nIt does not work.\r\n"
)


def everything(admin: Admin) -> tuple[str, dict[str, str]]:
    """The whole database as SQL, and the bytes of every other file of the site."""
    with sqlite3.connect(f"file:{admin.database}?mode=ro", uri=True) as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    files = {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(admin.folder.rglob("*"))
        if path.is_file() and not path.name.startswith(admin.database.name)
    }
    return dump, files


def sample(kind: str) -> bytes:
    return next(row.raw() for row in rows("tuned") if row.kind == kind)


def test_explaining_writes_nothing(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    code, _ = admin.run("ingest", admin.file("first.eml", MESSAGE))
    assert code == 0
    kinds = ("human", "bounce", "auto_reply", "voicemail", "list")
    files = [admin.file(f"{kind}.eml", sample(kind)) for kind in kinds]
    before = everything(admin)
    for file in files:
        for way in ("ingest", "smtp"):
            assert admin.run("explain", file, "--way", way)[0] == 0
    assert admin.run("explain", "in-1")[0] == 0
    assert everything(admin) == before


def test_explaining_on_a_new_site_makes_no_file(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    file = admin.file("first.eml", MESSAGE)
    before = sorted(tmp_path.rglob("*"))
    code, out = admin.run("explain", file)
    assert code == 0
    assert "human" in out
    assert sorted(tmp_path.rglob("*")) == before


def test_every_rule_is_told_in_order_and_in_words(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    _, out = admin.run("explain", admin.file("first.eml", MESSAGE))
    told = [line.strip() for line in out.splitlines() if line.strip().startswith(("yes ", "no "))]
    assert [line for line in told if "(may-answer)" in line]
    places = [out.index(f"{rule.looks_for} ({rule.name})") for rule in RULES]
    assert places == sorted(places)


def test_no_two_rules_look_for_the_same() -> None:
    words = [LOOKS_FOR[rule.name] for rule in RULES]
    assert len(set(words)) == len(words) == len(RULES)


def test_what_would_be_done_is_told_without_python(tmp_path: Path) -> None:
    """Effects stood there as datetime.datetime(2026, 11, 23, ...) and a case that is not there as None."""
    admin = Admin(tmp_path)
    _, out = admin.run("explain", admin.file("first.eml", MESSAGE))
    assert "deadline_state=pending" in out
    assert not [word for word in ("datetime.", "None", "{'", "('") if word in out]


def test_a_message_that_was_taken_tells_what_it_told_then(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    admin.run("ingest", admin.file("first.eml", MESSAGE))
    code, out = admin.run("explain", "in-1")
    assert code == 0
    assert {"kind: human", "outcome: created", "case: 1"} <= {line.strip() for line in out.splitlines()}
    assert "(may-answer)" in out
    assert admin.run("explain", "in-2")[0] == 65
