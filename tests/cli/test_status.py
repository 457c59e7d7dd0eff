"""status: 0 while nobody needs to look, 69 with a sentence for each thing that is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailbridge.config import load_config
from mailbridge.ops.health import Health, look
from mailbridge.store import jobs
from mailbridge.store.apply import Applier
from mailbridge.store.inbox import Cursor, Inbox
from mailbridge.store.outbox import Outbox
from mailbridge.work.held import HeldFile
from tests.cli.admin import Admin
from tests.store.make import NOW, compose, envelope, opening, raw

IMAP = "[imap box]\nhost = imap.desk.example\nuser = support\npassword = x\n"
VOICE = "[voicemail]\nmodel = none/such\n"
RELAY = "[relay]\nhost = 127.0.0.1\n"


def health(admin: Admin, now: datetime) -> Health:
    store = admin.store()
    found = look(load_config(admin.config), store, now)
    store.close()
    return found


def test_a_fresh_site_is_healthy(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    code, out = admin.run("status", "--json")
    assert code == 0
    assert json.loads(out)["healthy"] is True


def test_a_table_without_headings_has_no_line_for_them(tmp_path: Path) -> None:
    """Two empty lines and a rule stood above the first row of status, and of a case's card."""
    healthy, _, first, *_ = Admin(tmp_path).run("status")[1].splitlines()
    assert healthy == "healthy"
    assert first.split()[:3] == ["daemon", "does", "not"]


def test_a_daemon_that_does_not_run_is_told(tmp_path: Path) -> None:
    """Nothing waits where nobody takes mail: status said "healthy" and no word of it."""
    admin = Admin(tmp_path)
    assert json.loads(admin.run("status", "--json")[1])["daemon"] is False
    daemon = HeldFile(admin.database.parent)
    assert json.loads(admin.run("status", "--json")[1])["daemon"] is True
    daemon.close()
    assert json.loads(admin.run("status", "--json")[1])["daemon"] is False


def test_a_person_reads_the_last_poll_on_his_own_clock(tmp_path: Path) -> None:
    admin = Admin(tmp_path, "zone = Asia/Tokyo\n" + IMAP)
    store = admin.store()
    Inbox(store).put_batch([], Cursor("box", 1, 1))
    Inbox(store).note_poll("box", NOW)
    store.close()
    assert "read 2026-11-23 18:00 JST" in admin.run("status")[1]


def test_mail_is_judged_by_its_age(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    admin.put(envelope(), raw())
    assert health(admin, NOW + timedelta(minutes=15)).problems == ()
    (problem,) = health(admin, NOW + timedelta(minutes=16)).problems
    assert "unprocessed for 16 minutes" in problem
    assert admin.run("status")[0] == 69


def test_outgoing_mail_that_waits_or_died_is_told(tmp_path: Path) -> None:
    admin = Admin(tmp_path, RELAY)
    store = admin.store()
    Applier(store, compose).apply(opening(), NOW)
    assert health(admin, NOW + timedelta(hours=3)).problems == ()
    (late,) = health(admin, NOW + timedelta(hours=5)).problems
    assert "outgoing mail waits for 5 hours" in late
    (held,) = Outbox(store).claim(NOW, 60)
    Outbox(store).dead(held, "550 no")
    store.close()
    (dead,) = health(admin, NOW + timedelta(hours=5)).problems
    assert "1 outgoing mails are dead" in dead


def test_a_mailbox_that_is_not_read_is_told(tmp_path: Path) -> None:
    admin = Admin(tmp_path, IMAP)
    assert "never read" in health(admin, NOW).problems[0]
    store = admin.store()
    Inbox(store).put_batch([], Cursor("box", 1, 1, NOW))
    store.close()
    assert health(admin, NOW + timedelta(minutes=15)).problems == ()
    assert "16 minutes ago" in health(admin, NOW + timedelta(minutes=16)).problems[0]


def test_a_missing_model_matters_once_recordings_wait(tmp_path: Path) -> None:
    admin = Admin(tmp_path, VOICE)
    assert health(admin, NOW).problems == ()
    store = admin.store()
    with store.write() as connection:
        jobs.add(connection, "transcribe", "t:1", {"message": 1}, NOW)
    store.close()
    (problem,) = health(admin, NOW).problems
    assert "1 recordings wait for a speech model" in problem


def test_a_disk_below_its_reserve_is_told(tmp_path: Path) -> None:
    admin = Admin(tmp_path, "[store]\nreserve_mb = 1000000\n")
    assert "less than [store] reserve_mb" in health(admin, NOW).problems[0]


def test_the_document_is_json_whatever_is_known(tmp_path: Path) -> None:
    bare = replace(health(Admin(tmp_path), datetime.now(UTC)), figures=None)
    assert bare.as_json()["inbox"] == {}


def test_a_database_that_is_broken_is_a_finding(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    admin.database.parent.mkdir()
    admin.database.write_bytes(b"no database at all " * 500)
    code, out = admin.run("status", "--json")
    assert code == 69
    assert "broken" in json.loads(out)["problems"][0]


def test_timers_of_cases_do_not_look_like_a_backlog(tmp_path: Path) -> None:
    admin = Admin(tmp_path)
    store = admin.store()
    Applier(store, compose).apply(opening(), NOW)
    store.close()
    out = admin.run("status")[1]
    (line,) = [line.split() for line in out.splitlines() if "timers" in line]
    assert (line[0], line[2]) == ("timers", "set")
    assert "jobs: due" not in out
