"""`mailbridge transcribe` and `mailbridge model` as a script sees them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mailbridge.cli.main import execute
from tests.transcription.recordings import SAMPLES, TINY, sample

KEYS = {"file", "text", "confidence", "duration", "words", "phone_numbers", "case_numbers"}


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILBRIDGE_CONFIG", raising=False)


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, JSON lines of standard output, standard error."""
    code = execute(list(words))
    captured = capfd.readouterr()
    return code, [json.loads(line) for line in captured.out.splitlines()], captured.err


def configured(folder: Path, model: str) -> list[str]:
    """A configuration that names the model."""
    file = folder / "config.ini"
    file.write_text(
        "[site]\nname = Desk\nsupport = support@desk.example\n"
        "escalation = up@desk.example\n"
        f"staff = ann@desk.example\npolicy = mekorma\nstate = {folder / 'state'}\n"
        f"[voicemail]\nmodel = {model}\n"
    )
    return ["-c", str(file)]


def test_a_recording_becomes_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    file = str(next(SAMPLES.glob("vm13*.wav")))
    code, lines, err = run(capfd, "transcribe", "--model", str(TINY), file)
    assert (code, err) == (0, "")
    line = lines[0]
    assert set(line) >= KEYS
    assert line["file"] == file
    assert line["text"].startswith("hello this is emily roberts")
    assert set(line["words"][0]) == {"word", "start", "end", "confidence"}
    assert line["phone_numbers"] == ["+17025551390"]
    assert line["case_numbers"] == ["18843"]
    assert "The case number is 18843." in line["written"]
    assert line["duration"] == pytest.approx(16.8)
    assert 0.9 < line["confidence"] <= 1.0


def test_what_cannot_be_read_has_its_line_and_the_others_theirs(
    capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    bad, good = tmp_path / "a.wav", tmp_path / "b.bin"
    bad.write_bytes(b"%PDF-1.7")
    good.write_bytes(sample("vm14"))
    code, lines, err = run(
        capfd, "transcribe", "--model", "tiny", str(bad), str(tmp_path / "none.wav"), str(good)
    )
    assert code == 65
    assert [line["text"] for line in lines] == ["", "", "thank you"]
    assert lines[0]["error"] == "this is a PDF document, not a recording"
    assert "No such file" in lines[1]["error"]
    assert err == "mailbridge: 2 of 3 recordings could not be read; their lines have the key error\n"


def test_a_folder_is_its_recordings(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "b.wav").write_bytes(sample("vm14"))
    (tmp_path / "a.wav").write_bytes(sample("vm07"))
    (tmp_path / "a.txt").write_text("")
    code, lines, _ = run(capfd, "transcribe", "--model", "tiny", "--processes", "2", str(tmp_path))
    assert code == 0
    assert [(Path(line["file"]).name, line["state"]) for line in lines] == [
        ("a.wav", "silence"),
        ("b.wav", "speech"),
    ]
    assert lines[0]["said"] == "6 seconds of silence: nobody speaks."


def test_a_model_is_asked_for(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = str(next(SAMPLES.glob("vm14*.wav")))
    code, lines, err = run(capfd, "transcribe", file)
    assert (code, lines) == (69, [])
    assert "--model DIR" in err
    assert err.count("\n") == 1
    code, lines, err = run(capfd, "transcribe", "--model", str(tmp_path), file)
    assert (code, lines) == (69, [])
    assert "is not a Vosk speech model" in err


def test_the_configured_model_is_used(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = str(next(SAMPLES.glob("vm14*.wav")))
    code, lines, _ = run(capfd, *configured(tmp_path, str(TINY)), "transcribe", file)
    assert (code, lines[0]["text"]) == (0, "thank you")
    code, lines, _ = run(capfd, *configured(tmp_path, str(TINY)), "model", "path", "--json")
    assert (code, lines) == (0, [{"path": str(TINY)}])


def test_models_are_listed_and_installed(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = configured(tmp_path, str(TINY))
    code, lines, _ = run(capfd, *options, "model", "install", str(TINY), "--json")
    assert code == 0
    assert lines[0]["path"] == str(tmp_path / "state" / "models" / TINY.name)
    code, lines, _ = run(capfd, *options, "model", "list", "--json")
    states = {(row["name"], row["state"]) for row in lines[0]}  # type: ignore[attr-defined, index]
    assert (TINY.name, "installed") in states
    assert ("vosk-model-small-en-us-0.15", "available") in states
    assert run(capfd, *options, "model", "install", str(TINY))[0] == 65
    code, lines, err = run(capfd, *options, "model", "install", "no-such-model")
    assert (code, err.count("\n")) == (65, 1)
    assert run(capfd, "model", "install", str(TINY))[0] == 64


def test_a_model_is_evaluated(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for path in SAMPLES.glob("vm1[34]*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    code, lines, _ = run(capfd, "model", "evaluate", str(tmp_path), "--model", "tiny", "--json")
    assert code == 0
    assert [row["wrong"] for row in lines[0]["recordings"]] == [1, 0]
    assert lines[0]["total"]["word_error_rate"] == pytest.approx(1 / 43, abs=0.001)
    assert run(capfd, "model", "evaluate", str(tmp_path / "none"), "--model", "tiny")[0] == 65
