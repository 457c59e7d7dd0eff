"""`check`, `queue`, `status`, `db`, `explain`, `replay` and the command line, as an admin meets them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blackbox.judge import SITE, Site, command

COMMANDS = (
    "demo", "serve", "check", "ingest", "case", "transcribe", "model", "deadline", "simulate", "queue",
    "contacts", "db", "status",
)  # fmt: skip
VERBS = {
    "case": "list show open reply note close reopen hold release severity escalate split merge assign",
    "model": "list install path",
    "queue": "list show retry drop",
    "contacts": "import export list",
    "db": "upgrade backup check",
}


def test_every_command_of_the_contract_is_there_and_explains_itself() -> None:
    shown = command("--help")
    assert shown.code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in shown.out
        assert command(name, "--help").out.startswith(f"Usage: mailbridge {name}")
        for verb in VERBS.get(name, "").split():
            assert command(name, verb, "--help").out.startswith(f"Usage: mailbridge {name} {verb}")
    assert command("--version").out.startswith("mailbridge ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("chek", "check"),
        ("frobnicate", "frobnicate"),
        ("--nonsense", "--nonsense"),
        ("serve --role cook", "cook"),
    ],
)
def test_a_wrong_command_line_is_64(words: str, told: str) -> None:
    command(*words.split()).refused(64, told)


@pytest.mark.parametrize("words", ["case list", "queue list", "status", "ingest", "check", "contacts list"])
def test_without_a_configuration_it_is_78_and_the_path_is_named(words: str, tmp_path: Path) -> None:
    missing = str(tmp_path / "none.ini")
    said = command("-c", missing, *words.split())
    assert said.code == 78
    assert missing in said.out + said.err
    environment = command(*words.split(), environment={"MAILBRIDGE_CONFIG": missing})
    assert (environment.code, missing in environment.out + environment.err) == (78, True)


MANY = """colour = red
[smtp]
listen = *:25
cert = /nonexistent.pem
[voicemail]
model = /nonexistent
[imap a]
host = h.example
[relay]
host = r.example
user = u
password_file = none
"""


@pytest.mark.parametrize(
    ("change", "more", "places"),
    [
        ("", "", []),
        ("", "name = Again\nzone = Mars/X\nregion = ZZ\n", ["site name", "site zone", "site region"]),
        ("", "[smpt]\nlisten = x\n", ["smpt "]),
        ("", "[store]\nurl = mysql://x\n", ["store url"]),
        ("", "[smtp]\nlisten = here\nmax_size_mb = big\n", ["smtp listen", "smtp max_size_mb"]),
        ("", MANY, ["site colour", "imap a user", "smtp cert", "relay password_file", "voicemail model"]),
        ("", "[relay]\nport = 99999\ntls = maybe\n", ["relay host", "relay port", "relay tls"]),
        ("support = support@desk.example", "", ["site support"]),
        ("state = |state = \x01", "[lmtp]\nlisten = unix:/nonexistent/socket\n", ["site state"]),
        ("support = support@desk.example|support = nobody", "", ["site support"]),
        ("policy = mekorma|policy = nosuch", "", ["site policy"]),
        ("staff = ann@desk.example|staff = support@desk.example", "", ["site staff"]),
    ],
)
def test_check_says_all_that_is_wrong_with_section_and_key(
    tmp_path: Path, change: str, more: str, places: list[str]
) -> None:
    old, _, new = change.partition("|")
    text = SITE.format(policy="mekorma", state=tmp_path / "state")
    config = tmp_path / "config.ini"
    config.write_text((text.replace(old, new) if old else text) + more)
    said = command("-c", str(config), "check", "--json")
    (answer,) = said.lines()
    assert (said.code, answer["ok"]) == ((78, False) if places else (0, True))
    found = [f"{problem['section']} {problem['key']}" for problem in answer["problems"]]
    assert sorted(found) == sorted(places)


def test_check_tells_a_person_the_same(site: Site) -> None:
    site.config.write_text(site.config.read_text() + MANY)
    said = site.run("check")
    assert said.code == 78
    for place in (
        "[site] colour",
        "[imap a] user",
        "[smtp] cert",
        "[relay] password_file",
        "[voicemail] model",
    ):
        assert place in said.out + said.err


def test_check_connect_says_which_service_is_not_there(site: Site) -> None:
    more = "[relay]\nhost = 127.0.0.1\nport = 1\n[imap a]\nhost = 127.0.0.1\nport = 1\ntls = none\n"
    more += "user = u\npassword = p\n"
    site.config.write_text(site.config.read_text() + more)
    assert site.run("check", "--json").code == 0
    said = site.run("check", "--connect", "--json")
    (answer,) = said.lines()
    assert said.code == 69
    assert {problem["source"] for problem in answer["problems"]} == {"relay", "imap a"}


# --- queue ------------------------------------------------------------------------------------------------

QUEUED = {
    "id", "direction", "state", "kind", "case", "from", "to", "subject", "reason", "due_at", "attempts",
}  # fmt: skip


def test_outgoing_mail_without_a_relay_waits_and_can_be_seen_dropped_and_brought_back(desk: Site) -> None:
    rows = desk.queue()
    assert all(set(row) >= QUEUED for row in rows)
    assert {row["direction"] for row in rows} == {"out"}
    assert {row["kind"] for row in rows} == {"acknowledgement", "staff_notice"}
    assert all("relay" in row["reason"] for row in rows)
    ours = rows[0]
    assert f"[#{ours['case']}]" in ours["subject"]
    raw = desk.run("queue", "show", ours["id"], "--raw").out
    for header in ("Auto-Submitted: auto-replied", "Message-ID: <", "In-Reply-To: <m1@customer.example>"):
        assert header in raw
    assert desk.run("queue", "show", ours["id"], "--json").json()["id"] == ours["id"]
    assert desk.run("queue", "drop", ours["id"], "--json").code == 0
    assert ours["id"] not in [row["id"] for row in desk.queue()]
    assert ours["id"] in [row["id"] for row in desk.queue("--all")]
    desk.run("queue", "drop", ours["id"]).refused(65, "dropped")
    assert desk.run("queue", "retry", ours["id"], "--json").code == 0
    assert ours["id"] in [row["id"] for row in desk.queue()]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("show out-999", 65, "out-999"),
        ("show nonsense", 65, "nonsense"),
        ("retry nonsense", 65, "nonsense"),
        ("drop", 64, "ID"),
        ("show", 64, "ID"),
    ],
)
def test_what_queue_refuses(desk: Site, words: str, code: int, told: str) -> None:
    desk.run("queue", *words.split()).refused(code, told)


# --- the rest ---------------------------------------------------------------------------------------------


def test_status_is_healthy_and_a_probe_can_read_it(desk: Site) -> None:
    answer = desk.run("status", "--json").json()
    assert answer["healthy"] is True
    assert {"inbox", "outbox", "deadlines", "mailboxes", "model", "disk"} <= set(answer)
    assert desk.run("status").out.startswith("healthy")


def test_status_is_69_where_the_database_is_not_there(desk: Site) -> None:
    desk.config.write_text(desk.config.read_text() + "[store]\nurl = postgresql://nobody@127.0.0.1:1/none\n")
    said = desk.run("status", "--json")
    assert said.code == 69
    (answer,) = said.lines()
    assert answer["healthy"] is False


def test_backup_is_a_database_that_works_and_upgrade_changes_nothing(desk: Site) -> None:
    copy = desk.folder / "copy.db"
    desk.run("db", "backup", str(copy), "--json").json()
    other = Site(desk.folder, more=f"[store]\nurl = sqlite:///{copy}\n")
    assert [case["subject"] for case in other.cases()] == ["Printer", "Fax"]
    assert other.run("db", "check", "--json").json()["sound"] is True
    assert other.run("db", "upgrade", "--json").json()["changed"] is False
    other.run("db", "backup", "/nonexistent/copy.db").refused(73, "/nonexistent/copy.db")


def test_explain_tells_what_was_done_and_what_would_be(desk: Site) -> None:
    asked = desk.run("explain", "in-1", "--json").json()
    assert (asked["kind"], asked["outcome"], asked["case"]) == ("human", "created", 1)
    assert asked["rules"]
    path = desk.folder / "dry.eml"
    path.write_bytes(desk.mail("I am away.", Auto_Submitted="auto-replied").as_bytes())
    dry = desk.run("explain", str(path), "--json").json()
    assert (dry["kind"], dry["outcome"]) == ("auto_reply", "ignored")
    path.write_bytes(desk.mail("And now?", "Re: Fax").as_bytes())
    dry = desk.run("explain", str(path), "--json").json()
    assert (dry["kind"], dry["outcome"], dry["case"]) == ("human", "threaded", 2)
    assert len(desk.queue("--all")) == 6
    desk.run("explain", "in-99").refused(65, "in-99")
    desk.run("explain", str(desk.folder / "none.eml")).refused(65, "none.eml")
    desk.run("replay", "in-99").refused(65, "in-99")


@pytest.mark.parametrize("words", ["case list --json", "deadline --received 2026-11-23T09:00:00Z --json"])
def test_each_as_a_process_of_its_own_says_json_alone(desk: Site, words: str) -> None:
    assert desk.real(*words.split()).json()


def test_ingest_as_an_alias_pipes_to_it(desk: Site) -> None:
    said = desk.real("ingest", stdin=desk.mail("From a pipe.", "Pipe").as_bytes())
    assert (said.code, [row["outcome"] for row in said.lines()]) == (0, ["created"])
    assert desk.real("case", "show", "99").code == 65
