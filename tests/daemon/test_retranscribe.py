"""`case retranscribe` and `case forget` by real Vosk, from the command line, and retention by the bell."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailbridge.cli.main import execute
from mailbridge.clock import VirtualClock
from mailbridge.policy import command
from mailbridge.store.removal import TRANSCRIPT_REMOVED
from mailbridge.store.transcripts import TranscriptRow, Transcripts
from mailbridge.work.desk import Desk
from mailbridge.work.listen import Listener
from mailbridge.work.schedule import Bellringer
from tests.daemon.site import MONDAY, SITE, open_desk
from tests.daemon.voice import MODEL, VOICEMAIL, call, deaf_model, happened, incoming, known, sample, shown
from tests.daemon.voice import take as take_in
from transcription.pool import Pool

DAY = timedelta(days=1)
Heard = Callable[..., None]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.ini"
    path.write_text(SITE.format(state=tmp_path / "state") + VOICEMAIL)
    return path


@pytest.fixture
def heard(tmp_path: Path, pool: Pool) -> Heard:
    """Voicemails that came and were listened to; with more="" they came before there was a model."""

    def hear(*calls: bytes, more: str = VOICEMAIL) -> None:
        with open_desk(tmp_path, more, VirtualClock(MONDAY)) as desk:
            known(desk)
            for raw in calls:
                take_in(desk, raw, pool if more else None)

    return hear


def run(capfd: pytest.CaptureFixture[str], config: Path, *words: str, code: int = 0) -> Any:
    assert execute(["-c", str(config), "case", *words, "--json"]) == code
    out, err = capfd.readouterr()
    return json.loads(out) if code == 0 else err


def test_another_model_hears_it_again_and_the_old_transcript_is_kept(
    config: Path, tmp_path: Path, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    heard(call(1, sample("vm03")))
    before = run(capfd, config, "show", "1")
    text = before["messages"][0]["transcript"]["text"]
    told = len(before["messages"])
    (row,) = run(capfd, config, "retranscribe", "1", "--model", str(deaf_model(tmp_path)))
    assert (row["model_before"], row["model"]) == (MODEL.name, "vosk-model-narrow")
    assert row["text_before"] == text != row["text"]
    assert row["changes"]
    assert all(set(change) == {"old", "new"} for change in row["changes"])
    after = run(capfd, config, "show", "1")
    (message,) = [one for one in after["messages"] if one["direction"] == "in"]
    assert message["text"] == message["transcript"]["text"] == row["text"]
    assert [(one["model"], one["counts"]) for one in message["transcripts"]] == [
        (MODEL.name, False),
        ("vosk-model-narrow", True),
    ]
    assert message["transcripts"][0]["text"] == text
    (event,) = [one for one in after["events"] if one["event"] == "transcribed_again"]
    assert event["changes"] == row["changes"]
    assert len(after["messages"]) == told, "nobody is mailed about a second hearing"


def test_all_since_a_date_and_the_same_model_keeps_both(
    config: Path, tmp_path: Path, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    heard(call(1, sample("vm14")), call(2, sample("vm13"), caller="3035550177"))
    rows = run(capfd, config, "retranscribe", "--since", "2026-01-01")
    assert [(row["case"], row["changes"], row["model"]) for row in rows] == [
        (1, [], MODEL.name),
        (2, [], MODEL.name),
    ]
    (message, *_) = run(capfd, config, "show", "2")["messages"]
    assert [one["counts"] for one in message["transcripts"]] == [False, True]
    assert run(capfd, config, "retranscribe", "--since", "2026-01-06") == []
    assert execute(["-c", str(config), "case", "retranscribe", "2"]) == 0
    assert "the same words" in capfd.readouterr().out


def test_what_came_before_there_was_a_model_is_heard_later(
    config: Path, tmp_path: Path, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    heard(call(1, sample("vm01")), more="")
    assert run(capfd, config, "show", "1")["messages"][0]["transcript"] is None
    (row,) = run(capfd, config, "retranscribe", "1")
    assert row["state"] == "speech"
    assert row["text_before"] is None
    assert run(capfd, config, "show", "1")["messages"][0]["text"] == row["text"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("retranscribe",), 64, "give the number of a case"),
        (("retranscribe", "1", "--since", "2026-01-01"), 64, "give the number of a case"),
        (("retranscribe", "--since", "soon"), 65, "'soon' is no date"),
        (("retranscribe", "9"), 65, "case 9"),
        (("retranscribe", "1", "--model", "vosk-model-nowhere"), 69, "vosk-model-nowhere"),
        (("forget", "1"), 64, "say what"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    config: Path,
    heard: Heard,
    capfd: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    heard(call(1, sample("vm14")), more="")
    assert said in run(capfd, config, *words, code=code)


def test_a_model_that_hears_nothing_takes_no_text_away(
    config: Path, tmp_path: Path, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    """A recording that cannot be heard again leaves the transcript that there is."""
    heard(call(1, sample("vm14")))
    text = run(capfd, config, "show", "1")["messages"][0]["text"]
    with open_desk(tmp_path, VOICEMAIL) as desk:
        Transcripts(desk.store).put(
            TranscriptRow(1, "2", "vosk-model-deaf", "unclear", "No words could be made out.", run="x"),
            MONDAY,
        )
        assert incoming(desk, 1)[0]["text"] == text
        assert incoming(desk, 1)[0]["transcript"]["model"] == MODEL.name


def test_queued_for_the_daemon_it_waits_as_a_job(
    config: Path, tmp_path: Path, heard: Heard, pool: Pool, capfd: pytest.CaptureFixture[str]
) -> None:
    heard(call(1, sample("vm14")))
    (row,) = run(capfd, config, "retranscribe", "1", "--queue")
    assert row["state"] == "queued"
    with open_desk(tmp_path, VOICEMAIL, VirtualClock(datetime.now(UTC))) as desk:
        assert desk.jobs.count("transcribe") == 1
        assert Listener(desk, pool).drain() == 1
        assert len(incoming(desk, 1)[0]["transcripts"]) == 2


# --- retention and deletion --------------------------------------------------------------------------------


def close(desk: Desk, number: int) -> None:
    desk.on_case(number, lambda facts, case, now: command.close(facts, case, now, author="ann@desk.example"))


def test_recordings_and_transcripts_go_by_their_days_and_the_case_stays_whole(
    tmp_path: Path, pool: Pool
) -> None:
    clock = VirtualClock(MONDAY)
    more = VOICEMAIL + "retention_days = 10\ntranscript_retention_days = 20\n"
    with open_desk(tmp_path, more, clock) as desk:
        known(desk)
        take_in(desk, call(1, sample("vm14")), pool)
        take_in(desk, call(2, sample("vm01"), caller="3035550177"), pool)
        text, number = incoming(desk, 1)[0]["text"], len(shown(desk, 1)["messages"])
        close(desk, 1)
        bell = Bellringer(desk.config, desk.store, lambda: None, clock)
        clock.advance(9 * DAY)
        bell.hourly()
        assert happened(desk, 1, "removed") == []
        clock.advance(2 * DAY)
        bell.hourly()
        (gone,) = happened(desk, 1, "removed")
        assert (gone["what"], gone["files"]) == ("recording", ["msg0001.wav"])
        assert "10 days" in gone["reason"]
        (message,) = incoming(desk, 1)
        assert message["text"] == text
        assert message["attachments"][0]["removed_at"] == gone["at"]
        clock.advance(11 * DAY)
        bell.hourly()
        assert [one["what"] for one in happened(desk, 1, "removed")] == ["recording", "transcript"]
        case = shown(desk, 1)
        assert len(case["messages"]) == number
        assert incoming(desk, 1)[0]["text"] == TRANSCRIPT_REMOVED
        assert incoming(desk, 1)[0]["transcript"]["words"] == []
        assert text not in json.dumps(case)
        clock.advance(DAY)
        bell.hourly()
        assert len(happened(desk, 1, "removed")) == 2
        (other,) = incoming(desk, 2)
        assert other["transcript"]["words"]
        assert "removed_at" not in other["attachments"][0]
        take_in(desk, call(1, sample("vm14")))
        assert len(desk.cases.listing()) == 2, "the same mail once more is still known"


def test_staff_may_have_a_recording_forgotten_at_once(
    config: Path, tmp_path: Path, heard: Heard, capfd: pytest.CaptureFixture[str]
) -> None:
    heard(call(1, sample("vm14")))
    (message, *_) = run(capfd, config, "show", "1")["messages"]
    case = run(capfd, config, "forget", "1", "--recordings", "--transcripts", "--reason", "the caller asked")
    gone = [one for one in case["events"] if one["event"] == "removed"]
    assert [one["what"] for one in gone] == ["recording", "transcript"]
    assert all("ann@desk.example" in one["reason"] and "the caller asked" in one["reason"] for one in gone)
    assert message["text"] not in json.dumps(case)
    assert execute(["-c", str(config), "case", "show", "1", "--attachment", "msg0001.wav"]) == 65
    capfd.readouterr()
    assert execute(["-c", str(config), "case", "show", "1"]) == 0
    assert "msg0001.wav" in capfd.readouterr().out
    (row,) = run(capfd, config, "retranscribe", "1")
    assert row["reason"] == "the recording was removed"
