"""`case`: each verb, what stands in the JSON afterwards, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.blackbox.conftest import Make
from tests.blackbox.judge import INSTANT, Site

LISTED = {
    "number", "subject", "status", "channel", "severity", "plan", "requester", "account", "escalation_level",
    "created_at", "respond_by", "auto_close_at", "hold_until", "closed_at", "duplicate_of",
}  # fmt: skip
MESSAGE = {
    "direction", "author", "from", "to", "subject", "text", "received_at", "message_id", "attachments",
    "transcript",
}  # fmt: skip


def do(desk: Site, *words: str) -> dict[str, Any]:
    found = desk.run("case", *words, "--json").json()
    assert isinstance(found, dict)
    return found


def test_list_and_show_have_every_key_and_every_instant_an_offset(desk: Site) -> None:
    rows = desk.cases()
    assert [row["number"] for row in rows] == [1, 2]
    case = desk.show(1)
    for row in (*rows, case):
        assert set(row) >= LISTED
        for key, value in row.items():
            if value is not None and (key.endswith("_at") or key in ("respond_by", "hold_until")):
                assert INSTANT.fullmatch(value), (key, value)
    assert all(set(message) >= MESSAGE for message in case["messages"])
    assert all(set(event) >= {"at", "event"} for event in case["events"])
    assert [event["at"] for event in case["events"]] == sorted(event["at"] for event in case["events"])
    first = case["messages"][0]
    assert (first["direction"], first["author"], first["text"]) == (
        "in",
        "jo@customer.example",
        "It does not print.",
    )
    assert (first["from"], first["to"], first["subject"]) == (
        "jo@customer.example",
        ["support@desk.example"],
        "Printer",
    )
    assert (first["message_id"], first["attachments"], first["transcript"]) == (
        "<m1@customer.example>",
        [],
        None,
    )
    assert [case[key] for key in ("status", "channel", "severity", "plan")] == [
        "open",
        "email",
        "minimal",
        "subscription",
    ]
    assert [case[key] for key in ("auto_close_at", "hold_until", "closed_at", "duplicate_of")] == [None] * 4


def test_an_answer_waits_48_hours_for_the_customer_who_may_write_again(desk: Site) -> None:
    answered = do(desk, "reply", "1", "Please try again.")
    assert (answered["status"], answered["respond_by"], answered["closed_at"]) == ("waiting", None, None)
    out = answered["messages"][-1]
    assert (out["direction"], out["text"]) == ("out", "Please try again.")
    sent = datetime.fromisoformat(out["received_at"])
    assert abs(datetime.fromisoformat(answered["auto_close_at"]) - sent - timedelta(hours=48)) < timedelta(
        seconds=2
    )
    (mail,) = [row for row in desk.queue() if row["kind"] == "staff_answer"]
    assert (mail["case"], mail["to"], mail["from"]) == (1, "jo@customer.example", "support@desk.example")
    assert "[#1]" in mail["subject"]
    desk.ingest(desk.mail("Still not.", "Re: Printer [#1]"))
    again = desk.show(1)
    assert (again["status"], again["auto_close_at"]) == ("open", None)
    assert again["deadline"]["kind"] == "next"
    due = again["respond_by"]
    desk.ingest(desk.mail("Hello?", "Re: Printer [#1]"))
    assert desk.show(1)["respond_by"] == due


def test_a_note_is_seen_by_staff_alone_and_changes_nothing(desk: Site) -> None:
    before = desk.show(1)
    noted = do(desk, "note", "1", "He is a friend of the boss.")
    assert (noted["messages"][-1]["direction"], noted["messages"][-1]["author"]) == (
        "note",
        "ann@desk.example",
    )
    assert (noted["status"], noted["respond_by"]) == (before["status"], before["respond_by"])
    assert not any("friend" in desk.run("queue", "show", row["id"], "--raw").out for row in desk.queue())


def test_hold_and_release(desk: Site) -> None:
    do(desk, "reply", "1", "Please try again.")
    held = do(desk, "hold", "1", "--until", "2090-01-03T12:00:00+01:00")
    assert datetime.fromisoformat(held["hold_until"]) == datetime.fromisoformat("2090-01-03T11:00:00+00:00")
    assert held["auto_close_at"] is None
    released = do(desk, "release", "1")
    assert released["hold_until"] is None
    assert released["auto_close_at"] is not None
    assert do(desk, "hold", "1")["hold_until"] is None
    assert desk.show(1)["auto_close_at"] is None


def test_close_and_reopen(desk: Site) -> None:
    closed = do(desk, "close", "1", "--reason", "solved")
    assert (closed["status"], closed["respond_by"], closed["closed_at"] is None) == ("closed", None, False)
    opened = do(desk, "reopen", "1")
    assert (opened["status"], opened["closed_at"], opened["respond_by"] is None) == ("open", None, False)
    do(desk, "close", "1")
    desk.ingest(desk.mail("Not solved.", "Re: Printer [#1]"))
    assert desk.show(1)["status"] == "open"
    assert len(desk.cases()) == 2


def test_merge_makes_two_numbers_one_case(desk: Site) -> None:
    merged = do(desk, "merge", "2", "1")
    assert (merged["status"], merged["duplicate_of"]) == ("closed", 1)
    assert desk.ingest(desk.mail("For the fax.", "Re: Fax [#2]"))["case"] == 1
    desk.run("case", "reply", "2", "x").refused(65, "case 1")
    desk.run("case", "merge", "1", "1").refused(65, "itself")


def test_split_opens_a_case_for_each_issue_and_acknowledges_each(desk: Site) -> None:
    desk.run("case", "split", "1", "Toner", "Paper", "--json").json()
    assert [(row["number"], row["subject"], row["requester"]) for row in desk.cases()[2:]] == [
        (3, "Toner", "jo@customer.example"), (4, "Paper", "jo@customer.example")
    ]  # fmt: skip
    assert {3, 4} <= {row["case"] for row in desk.queue() if row["kind"] == "acknowledgement"}


def test_escalate_stops_at_the_highest_level_of_the_policy(make: Make) -> None:
    site = make("standard-enterprise")
    site.ingest(site.mail())
    assert [do(site, "escalate", "1")["escalation_level"] for _ in range(4)] == [1, 2, 3, 3]


def test_severity_and_plan_count_the_deadline_anew_from_the_arrival(make: Make) -> None:
    site = make("gotomyerp")
    site.ingest(site.mail("All is down, CRITICAL!", "CRITICAL", X_Priority="1", Importance="high"))
    case = site.show(1)
    assert (case["severity"], case["plan"]) == ("minimal", "starter")
    raised = do(site, "severity", "1", "emergency")
    arrived = datetime.fromisoformat(case["created_at"])
    assert datetime.fromisoformat(raised["respond_by"]) - arrived == timedelta(minutes=30)
    moved = do(site, "severity", "1", "critical", "--plan", "gold")
    assert (moved["severity"], moved["plan"]) == ("critical", "gold")
    assert datetime.fromisoformat(moved["respond_by"]) - arrived == timedelta(hours=1)
    site.run("case", "severity", "1", "dire").refused(65, "dire", "critical")
    site.run("case", "severity", "1", "minimal", "--plan", "iron").refused(65, "iron", "platinum")


def test_the_portal_may_name_a_severity(make: Make) -> None:
    site = make("gotomyerp")
    words = (
        "--from",
        "jo@customer.example",
        "--subject",
        "Down",
        "--plan",
        "silver",
        "--severity",
        "critical",
    )
    case = do(site, "open", "--channel", "portal", *words, "All is down.")
    assert (case["channel"], case["severity"], case["plan"]) == ("portal", "critical", "silver")
    span = datetime.fromisoformat(case["respond_by"]) - datetime.fromisoformat(case["created_at"])
    assert span == timedelta(hours=1)


def test_assign_to_one_of_the_staff(desk: Site) -> None:
    assert do(desk, "assign", "1", "bob@desk.example")["assigned_to"] == "bob@desk.example"
    assert [
        row["number"] for row in desk.run("case", "list", "--assigned", "bob@desk.example", "--json").json()
    ] == [1]
    desk.run("case", "assign", "1", "eve@elsewhere.example").refused(
        65, "eve@elsewhere.example", "ann@desk.example"
    )


def test_lists_of_some(desk: Site) -> None:
    do(desk, "close", "1")
    for status, numbers in (("closed", [1]), ("open", [2]), ("waiting", [])):
        assert [
            row["number"] for row in desk.run("case", "list", "--status", status, "--json").json()
        ] == numbers


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("show 99", 65, "no case 99"),
        ("show one", 64, "'one' is no case number"),
        ("show 0", 64, "0"),
        ("show 99999999999999999999", 64, "99999999999999999999"),
        ("show", 64, "N"),
        ("reply 99 x", 65, "no case 99"),
        ("reply 1 ", 65, "no text"),
        ("reply 1 x --as eve@elsewhere.example", 65, "not of the staff"),
        ("close 1 --as eve@elsewhere.example", 65, "not of the staff"),
        ("hold 1 --until soon", 65, "'soon'"),
        ("hold 1 --until 2001-01-01", 65, "future"),
        ("release 1", 65, "not on hold"),
        ("reopen 1", 65, "open"),
        ("severity 1", 64, "SEVERITY"),
        ("merge 1 99", 65, "no case 99"),
        ("split 1", 64, "SUBJECT"),
        ("list --status shut", 64, "--status"),
        ("list --limit -1", 64, "--limit"),
        ("open text", 64, "--subject"),
        ("open --from nobody --subject S x", 65, "'nobody'"),
        ("frobnicate 1", 64, "frobnicate"),
    ],
)
def test_what_case_refuses(desk: Site, words: str, code: int, told: str) -> None:
    said = desk.run("case", *words.split(" "))
    said.refused(code, told)
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_a_case_may_be_named_as_in_subjects(desk: Site) -> None:
    for named in ("2", "#2", "[#2]"):
        assert desk.run("case", "show", named, "--json").json()["number"] == 2


def test_what_is_done_twice_is_refused_and_nothing_changes(desk: Site) -> None:
    do(desk, "close", "1")
    before = desk.show(1)
    desk.run("case", "close", "1").refused(65, "closed already")
    desk.run("case", "hold", "1").refused(65, "closed")
    assert desk.show(1) == before


def test_the_original_bytes_and_files_come_out_as_they_went_in(desk: Site) -> None:
    mail = desk.mail("See the picture.", "Picture", From="kim@else.example")
    data = bytes(range(256)) * 10
    mail.add_attachment(data, maintype="image", subtype="png", filename="../../../etc/a picture.png")
    raw = mail.as_bytes()
    number = desk.ingest(raw)["case"]
    (file,) = desk.show(number)["messages"][0]["attachments"]
    assert (file["size"], file["content_type"]) == (len(data), "image/png")
    assert "/" not in file["filename"]
    to = desk.folder / "out"
    desk.run("case", "show", str(number), "--raw", "1", "--out", str(to))
    assert to.read_bytes() == raw
    desk.run("case", "show", str(number), "--raw", "1", "--out", str(to)).refused(73, str(to), "--force")
    desk.run("case", "show", str(number), "--attachment", file["sha256"], "--out", str(to), "--force")
    assert to.read_bytes() == data
    desk.run("case", "show", str(number), "--raw", "1", "--out", "/nonexistent/x").refused(
        73, "/nonexistent/x"
    )
    desk.run("case", "show", str(number), "--attachment", "none.txt").refused(65, "none.txt")
