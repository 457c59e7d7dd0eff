"""The voicemail spool: complete ones only, each once, the same bytes each time."""

from __future__ import annotations

import email
import os
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailbridge.clock import VirtualClock
from mailbridge.errors import StoreUnavailable
from mailbridge.intake.spool import Spool, SpoolIntake
from tests.intake.fakes import MemoryStore

NOW = datetime(2024, 3, 5, 21, 0, tzinfo=UTC)
TEXT = (
    "; Message Information file\n[message]\norigmailbox=100\ncontext=from-internal\n"
    'callerid="Jörg\r X-Evil: 1" <+15551234567>\norigtime=1709673153\ncategory=\n'
)
DONE = "msg_id=1709673153-00000001\nflag=\nduration=12\n"


class Desk:
    """A spool, a store, a clock; look() looks twice, since a file must be the same at two looks."""

    def __init__(self, folder: Path, move_to: Path | None = None) -> None:
        self.inbox = folder / "default/100/INBOX"
        self.inbox.mkdir(parents=True)
        self.clock = VirtualClock(NOW)
        self.store = MemoryStore()
        self.intake = SpoolIntake(Spool(folder, "support@desk.example", move_to), self.store, self.clock)

    def write(self, name: str, data: bytes | str) -> None:
        path = self.inbox / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))

    def look(self) -> int:
        return self.intake.look() + self.intake.look()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "voicemail")


def test_a_complete_voicemail_becomes_a_message(desk: Desk) -> None:
    desk.write("msg0000.txt", TEXT + DONE)
    desk.write("msg0000.wav", b"RIFF" + bytes(range(256)))
    desk.write("msg0000.WAV", b"RIFFgsm")
    assert desk.look() == 1
    envelope, raw = desk.store.items[0]
    assert (envelope.way, envelope.mail_from, envelope.rcpt_to) == ("spool", None, ("support@desk.example",))
    message = email.message_from_bytes(raw)
    assert message["X-Asterisk-CallerID"] == "+15551234567"
    assert message["X-Asterisk-VM-Duration"] == "12"
    assert message["X-Asterisk-VM-Orig-mailbox"] == "100"
    assert message["X-Evil"] is None
    assert message["Date"] == "Tue, 05 Mar 2024 21:12:33 +0000"
    text, audio = message.get_payload()
    assert audio.get_payload(decode=True) == b"RIFF" + bytes(range(256))
    assert audio.get_filename() == "voicemail.wav"
    assert "12 seconds" in text.get_payload(decode=True).decode()


def test_half_written_ones_wait(desk: Desk) -> None:
    desk.write("msg0000.wav", b"RIFF")
    desk.write("msg0000.txt", TEXT)
    assert desk.look() == 0
    desk.write("msg0000.txt", TEXT + DONE)
    assert desk.intake.look() == 0  # the first look at this state
    desk.write("msg0000.wav", b"RIFF and more")
    assert desk.intake.look() == 0
    assert desk.intake.look() == 1
    assert desk.look() == 0


def test_a_lock_is_respected_until_it_is_dead(desk: Desk) -> None:
    desk.write("msg0000.wav", b"RIFF")
    desk.write("msg0000.txt", TEXT + DONE)
    desk.write(".lock", b"")
    assert desk.look() == 0
    desk.clock.advance(timedelta(hours=1))
    assert desk.look() == 1


def test_renumbering_and_restart_make_no_second_message(desk: Desk) -> None:
    desk.write("msg0001.wav", b"RIFF")
    desk.write("msg0001.txt", TEXT + DONE)
    assert desk.look() == 1
    for suffix in ("wav", "txt"):
        (desk.inbox / f"msg0001.{suffix}").rename(desk.inbox / f"msg0000.{suffix}")
    assert desk.look() == 0
    desk.intake = SpoolIntake(desk.intake.spool, desk.store, desk.clock)
    assert desk.look() == 0
    assert len(desk.store.items) == 1


def test_a_store_that_is_away_loses_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "voicemail", tmp_path / "taken")
    desk.write("msg0000.wav", b"RIFF")
    desk.write("msg0000.txt", TEXT + DONE)
    desk.store.fail = StoreUnavailable("away")
    assert desk.look() == 0
    assert "away" in desk.intake.trouble
    desk.store.fail = None
    assert desk.look() == 1
    assert desk.intake.trouble == ""
    assert list(desk.inbox.iterdir()) == []
    assert len(list((tmp_path / "taken/default/100/INBOX").iterdir())) == 2


def test_what_stays_incomplete_is_taken_in_the_end(desk: Desk) -> None:
    desk.write("msg0000.txt", TEXT)
    desk.write("msg0001.gsm", b"only sound")
    assert desk.look() == 0
    desk.clock.advance(timedelta(hours=1))
    assert desk.look() == 2
    texts = [
        email.message_from_bytes(raw).get_payload()[0].get_payload(decode=True) for _, raw in desk.store.items
    ]
    assert b"There is no recording." in texts[0]
    assert b"The caller is unknown." in texts[1]


def test_links_and_strangers_are_left_alone(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (desk.inbox / "msg0000.wav").symlink_to(tmp_path / "secret")
    desk.write("greet.wav", b"x")
    desk.write("msg0000.txt", TEXT + DONE)
    desk.clock.advance(timedelta(hours=1))
    assert desk.look() == 1
    assert b"secret" not in desk.store.items[0][1]


def test_a_spool_on_another_file_system_is_emptied_too(tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("wants a second file system")
    with tempfile.TemporaryDirectory(dir=other) as folder:
        desk = Desk(tmp_path / "voicemail", Path(folder))
        desk.write("msg0000.txt", TEXT + DONE)
        desk.write("msg0000.wav", b"RIFF")
        assert desk.look() == 1
        assert list(desk.inbox.glob("msg*")) == []
        assert sorted(path.suffix for path in Path(folder).rglob("*msg0000.*")) == [".txt", ".wav"]
