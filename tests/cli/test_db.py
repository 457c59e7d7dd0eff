"""db: a backup is whole and opens by itself, check sees what is broken, upgrade may be run twice."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from mailbridge.errors import CannotWrite
from mailbridge.store.backup import backup
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.migrate import upgrade
from mailbridge.work.held import HeldFile
from tests.cli.admin import Admin
from tests.needs import need_program
from tests.store.make import envelope, raw


@pytest.fixture
def admin(tmp_path: Path) -> Admin:
    return Admin(tmp_path)


def test_upgrade_says_what_it_did(admin: Admin) -> None:
    assert json.loads(admin.run("db", "upgrade", "--json")[1])["changed"] is True
    assert json.loads(admin.run("db", "upgrade", "--json")[1])["changed"] is False


def test_a_backup_holds_what_was_committed_while_a_writer_is_at_work(admin: Admin) -> None:
    admin.put(envelope(), raw(1))
    store, target = admin.store(), admin.folder / "copy.db"
    with store.write() as connection:
        connection.execute(text("DELETE FROM job"))
        assert admin.run("db", "backup", str(target))[0] == 0
    store.close()
    assert target.stat().st_mode & 0o777 == 0o600
    copy = Store(f"sqlite:///{target}")
    assert Inbox(copy).raw(1) == raw(1)
    copy.close()
    found = sqlite3.connect(target)
    assert found.execute("SELECT count(*) FROM job").fetchone() == (1,)
    found.close()


def test_a_backup_never_harms_the_database_or_an_older_backup(admin: Admin) -> None:
    admin.put(envelope(), raw(1))
    before = admin.database.read_bytes()
    assert admin.run("db", "backup", str(admin.database))[0] == 73
    assert admin.run("db", "backup", str(admin.folder / "none" / "copy.db"))[0] == 73
    assert admin.run("db", "backup", str(admin.folder))[0] == 73
    assert admin.database.read_bytes() == before
    assert [path.name for path in admin.folder.glob("*.part")] == []


def test_check_tells_a_message_without_a_job(admin: Admin) -> None:
    admin.put(envelope(), raw(1))
    assert admin.run("db", "check")[0] == 0
    store = admin.store()
    with store.write() as connection:
        connection.execute(text("DELETE FROM job"))
    store.close()
    code, out = admin.run("db", "check", "--json")
    assert code == 69
    assert json.loads(out)["problems"] == ["1 in message (1): is received, but has no job"]


def test_a_broken_file_is_a_sentence(admin: Admin) -> None:
    admin.database.parent.mkdir()
    admin.database.write_bytes(b"no database at all " * 500)
    for words in (("db", "check"), ("db", "backup", str(admin.folder / "b.db")), ("queue", "list")):
        assert admin.run(*words) == (75, "")


def test_postgresql_is_copied_by_pg_dump(postgresql_url: str, tmp_path: Path) -> None:
    need_program("pg_dump", "postgresql-client")
    store = Store(postgresql_url)
    upgrade(store)
    assert backup(store, tmp_path / "copy.dump") > 1000
    assert (tmp_path / "copy.dump").read_bytes().startswith(b"PGDMP")
    with pytest.raises(CannotWrite):
        backup(store, tmp_path)
    store.close()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("queue", "list"), 69),
        (("case", "list"), 69),
        (("db", "upgrade"), 69),
        (("db", "check"), 69),
        (("serve",), 69),
        (("ingest", "-"), 75),
    ],
)
def test_a_database_of_a_newer_version_is_left_alone(
    admin: Admin, words: tuple[str, ...], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    store = admin.store()
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    assert admin.run(*words)[0] == code
    err = capsys.readouterr().err
    assert "schema 9999" in err
    assert "install the version that made it" in err
    assert "unforeseen" not in err


def test_status_tells_of_a_newer_schema(admin: Admin) -> None:
    store = admin.store()
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    code, out = admin.run("status")
    assert code == 69
    assert "install the version that made it" in out


def _ingest(admin: Admin, *numbers: int) -> list[int]:
    files = [admin.file(f"{n}.eml", raw(n).replace(b"pat@", b"pat%d@" % n)) for n in numbers]
    out = admin.run("ingest", *files)[1]
    return [json.loads(line)["case"] for line in out.splitlines()]


def test_a_lost_database_comes_back_from_its_backup_and_no_number_is_given_twice(admin: Admin) -> None:
    copy = str(admin.folder / "copy.db")
    assert _ingest(admin, 1, 2) == [1, 2]
    assert admin.run("db", "backup", copy)[0] == 0
    before = Path(copy).read_bytes()
    assert _ingest(admin, 3) == [3]
    admin.database.write_bytes(b"the disk has eaten it " * 1000)
    assert admin.run("db", "check")[0] == 75
    code, out = admin.run("db", "restore", "--json", copy)
    assert code == 0
    found = json.loads(out)
    assert (found["cases"], found["next_number"], found["waiting"] > 0) == (2, 1003, True)
    assert Path(found["kept"]).read_bytes().startswith(b"the disk has eaten it")
    assert Path(copy).read_bytes() == before
    assert admin.run("db", "check")[0] == 0
    assert [case["number"] for case in json.loads(admin.run("case", "list", "--json")[1])] == [1, 2]
    assert _ingest(admin, 3) == [1003]
    assert admin.run("db", "restore", "--gap", "5", copy)[0] == 0
    assert sorted(path.name for path in admin.database.parent.glob("*.before-restore-?")) == [
        "mailbridge.db.before-restore-1",
        "mailbridge.db.before-restore-2",
    ]
    assert _ingest(admin, 4) == [8]


def test_restore_says_what_to_look_at(admin: Admin) -> None:
    _ingest(admin, 1)
    assert admin.run("db", "backup", str(admin.folder / "copy.db"))[0] == 0
    out = admin.run("db", "restore", str(admin.folder / "copy.db"))[1]
    assert "is the database now: 1 case, the newest message of 20" in out
    assert "Outgoing mail waits in it (" in out


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(5000)])
def test_what_is_no_backup_is_refused_and_nothing_is_changed(admin: Admin, content: bytes) -> None:
    _ingest(admin, 1)
    before = sorted(path.name for path in admin.database.parent.iterdir())
    assert admin.run("db", "restore", admin.file("odd.db", content))[0] == 65
    assert sorted(path.name for path in admin.database.parent.iterdir()) == before
    assert _ingest(admin, 2) == [2]


def test_no_restore_under_a_running_daemon(admin: Admin, capsys: pytest.CaptureFixture[str]) -> None:
    _ingest(admin, 1)
    copy = str(admin.folder / "copy.db")
    assert admin.run("db", "backup", copy)[0] == 0
    daemon = HeldFile(admin.database.parent)
    assert admin.run("db", "restore", copy)[0] == 75
    assert "the daemon is running; stop it first" in capsys.readouterr().err
    daemon.close()
    assert admin.run("db", "restore", copy)[0] == 0


def test_a_wal_that_a_killed_restore_left_is_not_read_into_the_backup(admin: Admin) -> None:
    """Killed between two renames it left the old -wal beside no file; the next run put the backup there."""
    _ingest(admin, 1)
    copy = str(admin.folder / "copy.db")
    assert admin.run("db", "backup", copy)[0] == 0
    admin.database.unlink()
    wal = admin.database.with_name(admin.database.name + "-wal")
    wal.write_bytes(b"pages of the old file")
    assert admin.run("db", "restore", copy)[0] == 0
    assert not wal.exists()
    (kept,) = admin.database.parent.glob("*.before-restore-1-wal")
    assert kept.read_bytes() == b"pages of the old file"
    assert _ingest(admin, 2) == [1002]
