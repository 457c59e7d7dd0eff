"""queue and replay: one listing with ids that are unique over all, and what is dropped is not deleted."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailbridge.store.apply import Applier
from mailbridge.store.inbox import Inbox
from mailbridge.store.jobs import Jobs
from tests.cli.admin import Admin
from tests.store.make import compose, envelope, opening, raw


@pytest.fixture
def admin(tmp_path: Path) -> Admin:
    return Admin(tmp_path)


def now() -> datetime:
    return datetime.now(UTC)


def listing(admin: Admin, *words: str) -> list[dict]:
    code, out = admin.run("queue", "list", "--json", *words)
    assert code == 0
    return json.loads(out)


def quarantine(admin: Admin) -> int:
    message_id = admin.put(envelope(), raw())
    store = admin.store()
    (job,) = Jobs(store).claim(["process"], now(), 60)
    Inbox(store).quarantine(message_id, "Traceback\nValueError: odd", now())
    Jobs(store).bury(job, "Traceback\nValueError: odd")
    store.close()
    return message_id


def test_inbound_and_outbound_stand_in_one_listing(admin: Admin) -> None:
    admin.put(envelope(), raw())
    store = admin.store()
    Applier(store, compose).apply(opening(), now())
    store.close()
    incoming, outgoing = listing(admin)
    assert incoming["due_at"] == "2026-11-23T09:00:00+00:00"
    assert incoming["id"] == "in-1"
    assert (incoming["state"], incoming["from"]) == ("received", "pat@customer.example")
    assert (incoming["subject"], incoming["to"]) == ("Printer 1", "support@desk.example")
    assert outgoing["id"] == "out-1"
    assert (outgoing["kind"], outgoing["case"], outgoing["state"]) == ("acknowledgement", 1, "waiting")
    assert outgoing["reason"] == "no [relay] is configured"
    keys = [
        "id",
        "direction",
        "state",
        "kind",
        "case",
        "from",
        "to",
        "subject",
        "reason",
        "due_at",
        "attempts",
    ]
    assert list(incoming) == list(outgoing) == keys


def test_a_quarantined_message_says_why_and_comes_back(admin: Admin) -> None:
    message_id = quarantine(admin)
    (row,) = listing(admin)
    assert (row["state"], row["reason"], row["due_at"]) == ("quarantined", "ValueError: odd", None)
    assert admin.run("queue", "retry", "ALL") == (0, f"in-{message_id}: ready\n")
    (row,) = listing(admin)
    assert (row["state"], row["reason"], row["attempts"]) == ("received", "", 0)


def test_what_is_dropped_is_kept_and_can_be_brought_back(admin: Admin) -> None:
    message_id = quarantine(admin)
    assert admin.run("queue", "drop", f"in-{message_id}")[0] == 0
    assert listing(admin) == []
    assert admin.run("db", "check")[0] == 0
    assert admin.run("queue", "show", f"in-{message_id}", "--raw")[1].encode() == raw()
    assert admin.run("queue", "retry", f"in-{message_id}")[0] == 0
    assert len(listing(admin)) == 1


def test_what_is_in_work_is_left_alone(admin: Admin) -> None:
    admin.put(envelope(), raw())
    store = admin.store()
    Jobs(store).claim(["process"], now(), 60)
    store.close()
    assert listing(admin)[0]["state"] == "processing"
    assert admin.run("queue", "drop", "in-1")[0] == 75
    assert admin.run("queue", "retry", "in-1")[0] == 75


def test_outgoing_mail_can_be_dropped_and_brought_back(admin: Admin) -> None:
    store = admin.store()
    Applier(store, compose).apply(opening(), now())
    store.close()
    assert admin.run("queue", "drop", "out-1")[0] == 0
    assert listing(admin) == []
    assert [row["state"] for row in listing(admin, "--all")] == ["dropped"]
    assert admin.run("queue", "retry", "out-1")[0] == 0
    assert [row["state"] for row in listing(admin)] == ["waiting"]


def test_show_tells_headers_and_text(admin: Admin) -> None:
    quarantine(admin)
    code, out = admin.run("queue", "show", "in-1")
    assert code == 0
    assert "Subject: Printer 1" in out
    assert "It is on fire." in out
    assert "ValueError: odd" in out
    assert json.loads(admin.run("queue", "show", "in-1", "--json")[1])["state"] == "quarantined"


@pytest.mark.parametrize("word", ["in-9", "out-9", "job-9", "x", "in-", "in-99999999999999999999", "-- "])
def test_an_id_that_is_nowhere_is_65(admin: Admin, word: str) -> None:
    for verb in ("show", "retry", "drop"):
        assert admin.run("queue", verb, "--", word)[0] == 65


def test_replay_decides_a_quarantined_message_now(admin: Admin) -> None:
    quarantine(admin)
    code, out = admin.run("replay", "--json", "in-1")
    row = json.loads(out)
    assert code == 0
    assert (row["id"], row["outcome"], row["kind"], row["case"]) == ("in-1", "created", "human", 1)
    assert admin.run("replay", "in-1")[0] == 65  # filed: a second run would answer twice


def test_people_read_times_on_their_own_clock_with_its_name(tmp_path: Path) -> None:
    admin = Admin(tmp_path, "zone = Asia/Tokyo")
    admin.put(envelope(), raw())
    for words in (("list",), ("show", "in-1")):
        code, out = admin.run("queue", *words)
        assert code == 0
        assert "2026-11-23 18:00 JST" in out
        assert "+00:00" not in out


def test_the_queue_is_seen_while_the_policy_is_broken(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    admin.put(envelope(), raw())
    broken = admin.file("broken.ini", "[policy]\nno such = key\n")
    admin.config.write_text(admin.config.read_text().replace("policy = gotomyerp", f"policy = {broken}"))
    code, out = admin.run("queue", "list")
    assert code == 0
    assert "2026-11-23 09:00 UTC" in out
