"""`transcribe` and `model`: what a script gets for good and bad recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.blackbox.judge import command

KEYS = {"file", "text", "confidence", "duration", "words", "phone_numbers", "case_numbers"}


def recording(name: str) -> Path:
    (found,) = (Path(__file__).parent.parent / "transcription").rglob(name)
    return found


def test_speech_silence_and_rubbish_each_have_their_line_in_order(tmp_path: Path) -> None:
    rubbish, missing = tmp_path / "rubbish.wav", tmp_path / "missing.wav"
    rubbish.write_bytes(b"no recording" * 100)
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    names = [
        str(path)
        for path in (recording("vm11-mulaw.wav"), recording("vm07-silent.wav"), rubbish, empty, missing)
    ]
    said = command("transcribe", "--model", "tiny", *names)
    assert said.code == 65
    lines = said.lines()
    assert [line["file"] for line in lines] == names
    for line in lines:
        assert set(line) >= KEYS
    speech, silence, *bad = lines
    assert speech["text"]
    assert 0 < speech["confidence"] <= 1
    assert speech["duration"] > 1
    ends = [(word["start"], word["end"]) for word in speech["words"]]
    assert ends == sorted(ends)
    assert {"word", "start", "end", "confidence"} <= set(speech["words"][0])
    assert " ".join(word["word"] for word in speech["words"]) == speech["text"]
    assert (silence["text"], silence["words"], silence["confidence"]) == ("", [], 0.0)
    for line in bad:
        assert (line["text"], line["words"], line["phone_numbers"], line["case_numbers"]) == ("", [], [], [])
        assert line["error"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ((), 64, "FILE"),
        (("x.wav",), 69, "model"),
        (("--model", "/nonexistent", "x.wav"), 69, "/nonexistent"),
        (("--model", "tiny", "--max-minutes", "0", "x.wav"), 64, "--max-minutes"),
    ],
)
def test_what_transcribe_refuses(words: tuple[str, ...], code: int, told: str) -> None:
    said = command("transcribe", *words)
    said.refused(code, told)
    assert said.out == ""


def test_models_are_listed_and_a_missing_one_is_told(tmp_path: Path) -> None:
    assert {row["state"] for row in command("model", "list", "--json").json()} >= {"shipped", "available"}
    command("model", "path").refused(69, "model")
    to = ("--to", str(tmp_path / "to"))
    command("model", "install", "no-such-model", *to).refused(65, "no-such-model")
    command("model", "install", "no-such-model").refused(64, "--to")
    rubbish = tmp_path / "model.zip"
    rubbish.write_bytes(b"PK\x03\x04 no archive")
    command("model", "install", str(rubbish), *to).refused(65, "model.zip")
