"""Voicemail under the real daemon: models that change while it runs, killed transcribers, a restart."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from mailbridge.cli.main import execute
from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from mailbridge.store.transcripts import Transcripts
from tests.daemon.running import Running, running, send, write_site
from tests.daemon.test_serve import until
from tests.daemon.voice import MODEL, call, sample

PBX = "voicemail@pbx.example"


def deliver(daemon: Running, *numbers: int, name: str = "vm14") -> None:
    for number in numbers:
        send(daemon.address(), PBX, call(number, sample(name), caller=f"30355501{number:02d}"))


def ingest(config: Path, number: int) -> None:
    """The mail comes by the pipe: a reload may close a connection, which is no matter of voicemail."""
    file = config.parent / f"{number}.eml"
    file.write_bytes(call(number, sample("vm14"), caller=f"30355501{number:02d}"))
    assert execute(["-c", str(config), "ingest", str(file)]) == 0


def models(store: Store, message: int) -> list[str]:
    return [row["model"] for row in Transcripts(store).of(message)]


def reload(daemon: Running, config: Path, text: str) -> None:
    config.write_text(text)
    before = daemon.text.count("info reloaded")
    daemon.signal(signal.SIGHUP)
    daemon.until(lambda log: log.count("info reloaded") > before, "reload")


def test_a_model_comes_and_changes_while_the_daemon_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "vosk-model-other"
    shutil.copytree(MODEL, other)
    config = write_site(tmp_path, more="[voicemail]\ntimeout_s = 120\n")
    plain = config.read_text()
    store = Store(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}")
    with running(config) as daemon:
        assert "warning model_missing" in daemon.text
        assert "mailbridge model install" in daemon.text
        ingest(config, 1)
        until(lambda: len(Cases(store).listing()) == 1)
        assert any(row["event"] == "transcript_missing" for row in Cases(store).events(1))
        capfd.readouterr()
        assert execute(["-c", str(config), "status"]) in (0, 69)
        assert "recordings are not transcribed" in capfd.readouterr().out
        assert execute(["-c", str(config), "check"]) == 0
        assert "names no speech model" in capfd.readouterr().out

        reload(daemon, config, f"{plain}model = {MODEL}\n")
        ingest(config, 2)
        until(lambda: models(store, 2) == [MODEL.name], 90)
        reload(daemon, config, f"{plain}model = {other}\n")
        ingest(config, 3)
        until(lambda: models(store, 3) == [other.name], 90)
        assert models(store, 2) == [MODEL.name]

        capfd.readouterr()
        assert execute(["-c", str(config), "case", "retranscribe", "1", "--queue", "--json"]) == 0
        (row,) = json.loads(capfd.readouterr().out)
        assert row["state"] in ("queued", "speech")
        until(lambda: models(store, 1) == [other.name], 90)
        assert daemon.process.poll() is None
    store.close()


def transcribers(store: Store) -> list[list[str]]:
    return [models(store, message) for message in range(1, 9)]


def children(parent: int) -> list[int]:
    """Processes whose parent this is."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found


def kill_listening(daemon: Running, at: int) -> None:
    """Kill by turns the process that hears, and the one that hands recordings to it."""
    parent = daemon.pids("transcriber")[-1]
    victims = children(parent) if at % 2 else [parent]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


def test_killed_transcribers_and_a_restart_lose_no_recording(tmp_path: Path) -> None:
    config = write_site(tmp_path, more=f"[voicemail]\nmodel = {MODEL}\ntimeout_s = 120\n")
    store = Store(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}")
    with running(config) as daemon:
        deliver(daemon, *range(1, 5), name="vm03")
        for at in range(3):
            until(lambda least=at: sum(map(len, transcribers(store))) > least, 120)  # type: ignore[misc]
            kill_listening(daemon, at)
        deliver(daemon, *range(5, 9), name="vm03")
        sent_s = time.monotonic()
        until(lambda: len(Cases(store).listing()) == 8)
        assert time.monotonic() - sent_s < 30, "mail does not wait for recordings"
        assert daemon.stop() == 0
    left = [rows for rows in transcribers(store) if not rows]
    with running(config):
        until(lambda: transcribers(store) == [[MODEL.name]] * 8, 120)
    states = [Transcripts(store).of(message)[0]["state"] for message in range(1, 9)]
    assert states == ["speech"] * 8, f"{len(left)} were left for the second start"
    store.close()
