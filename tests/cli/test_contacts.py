"""contacts: each bad row is told by its line, the rest is taken, and twice is once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbridge.store.customers import mark_dead
from tests.cli.admin import Admin

HEAD = "account,plan,starts_on,ends_on,domains,zone,name,email,phone\n"
GOOD = "Acme,gold,2025-01-01,2027-12-31,acme.example,America/Chicago,Pat,pat@acme.example,(312) 555-0100\n"


@pytest.fixture
def admin(tmp_path: Path) -> Admin:
    return Admin(tmp_path)


def test_each_bad_row_is_reported_and_the_rest_is_taken(admin: Admin) -> None:
    bad = [
        "Acme,bronze,,,,,Ann,ann@acme.example,\n",
        "Acme,gold,soon,,,,Bob,bob@acme.example,\n",
        "Acme,gold,,,,,Cid,cid at acme,\n",
        "Acme,gold,,,,,Dan,,12\n",
        "Acme,gold,2026-01-01,2025-01-01,,,Eve,eve@acme.example,\n",
        "Acme,gold,,,,Mars/Base,Fay,fay@acme.example,\n",
        "Acme,gold,,,,,Gil,gil@acme.example,,one,more\n",
    ]
    code, out = admin.run(
        "contacts", "import", admin.file("c.csv", HEAD + GOOD + "".join(bad) + "\n"), "--json"
    )
    found = json.loads(out)
    assert code == 65
    assert (found["rows"], found["taken"]) == (8, 1)
    assert [row["line"] for row in found["bad"]] == [3, 4, 5, 6, 7, 8, 9]
    words = ["bronze", "starts_on", "mail address", "telephone", "before", "Mars/Base", "fields"]
    assert all(word in row["reason"] for word, row in zip(words, found["bad"], strict=True))


def test_importing_twice_is_importing_once_and_export_gives_it_back(admin: Admin) -> None:
    path = admin.file("c.csv", HEAD + GOOD)
    assert admin.run("contacts", "import", path)[0] == 0
    code, once = admin.run("contacts", "export")
    assert admin.run("contacts", "import", admin.file("again.csv", once))[0] == 0
    assert admin.run("contacts", "export") == (code, once)
    assert "pat@acme.example" in once
    assert "+13125550100" in once


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_what_spreadsheets_write_is_read(admin: Admin, encoding: str) -> None:
    text = "Company;Contact;E-Mail\nMüller;Jürgen;j@mueller.example\n"
    path = admin.file("c.csv", text.encode(encoding))
    assert admin.run("contacts", "import", path)[0] == 0
    rows = json.loads(admin.run("contacts", "list", "--json")[1])
    assert [(row["account"], row["name"]) for row in rows] == [("Müller", "Jürgen")]


def test_colleagues_who_share_a_switchboard_stay_two_people(admin: Admin) -> None:
    text = "name,email,phone\nPat,pat@a.example,312 555 0100\nSam,sam@a.example,312 555 0100\n"
    admin.run("contacts", "import", admin.file("c.csv", text))
    rows = json.loads(admin.run("contacts", "list", "--json")[1])
    assert sorted(row["name"] for row in rows) == ["Pat", "Sam"]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "account,colour\nx,red\n", "\x00\x01"])
def test_what_is_no_contacts_file_is_refused_in_a_sentence(admin: Admin, text: str) -> None:
    code, out = admin.run("contacts", "import", admin.file("c.csv", text))
    assert (code, out) == (65, "")


def _kill(admin: Admin, address: str, reason: str) -> None:
    store = admin.store()
    with store.write() as connection:
        mark_dead(connection, address, reason, datetime(2026, 1, 5, 18, 0, tzinfo=UTC))
    store.close()


def test_a_dead_address_is_shown_with_its_reason_and_comes_back(tmp_path: Path) -> None:
    admin = Admin(tmp_path, "zone = Asia/Tokyo")
    assert admin.run("contacts", "dead") == (0, "No address is dead.\n")
    _kill(admin, "Pat@acme.example", "5.1.1 no such user")
    rows = json.loads(admin.run("contacts", "dead", "--json")[1])
    since = "2026-01-05T18:00:00+00:00"
    assert rows == [{"address": "pat@acme.example", "since": since, "reason": "5.1.1 no such user"}]
    shown = admin.run("contacts", "dead")[1]
    assert "5.1.1 no such user" in shown
    assert "2026-01-06 03:00 JST" in shown
    assert admin.run("contacts", "revive", "PAT@acme.example")[1] == "PAT@acme.example: is sent to again\n"
    assert json.loads(admin.run("contacts", "dead", "--json")[1]) == []


def test_to_revive_what_is_not_dead_is_65_and_the_others_are_done(
    admin: Admin, capsys: pytest.CaptureFixture[str]
) -> None:
    _kill(admin, "pat@acme.example", "5.1.1 no such user")
    code, out = admin.run("contacts", "revive", "--json", "jo@acme.example", "pat@acme.example")
    assert code == 65
    assert [row["revived"] for row in json.loads(out)] == [False, True]
    assert admin.run("contacts", "revive", "jo@acme.example")[0] == 65
    assert capsys.readouterr().err.count("jo@acme.example is not dead; see: mailbridge contacts dead") == 1
