"""The words are those of bare Vosk; what is no speech is said so in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import vosk

from tests.transcription.recordings import RATE, SAMPLES, TINY, reference, sample, samples, wav
from transcription import rescore
from transcription.audio import AudioLimits, decode
from transcription.engine import Engine, Hints, Transcript, Word, model_rate
from transcription.errors import AudioUnreadable, ModelError
from transcription.evaluate import compare, errors, evaluate, total

NAMES = sorted(path.name[:4] for path in SAMPLES.glob("*.txt"))
# Word errors as measured with bare Vosk when the samples were made ("oh" counts as "zero").
MEASURED = {"vm01": 4, "vm02": 4, "vm03": 6, "vm04": 2, "vm05": 4, "vm06": 5, "vm07": 0, "vm08": 0, "vm09": 0}
MEASURED |= {"vm10": 104, "vm11": 4, "vm12": 6, "vm13": 1, "vm14": 0}


def bare(data: bytes) -> str:
    """The words of a plain loop over the vosk package."""
    vosk.SetLogLevel(-1)
    model = vosk.Model(model_path=str(TINY))
    recognizer = vosk.KaldiRecognizer(model, RATE)
    recognizer.SetWords(True)
    sound, texts = b"".join(decode(data, RATE)), []
    for at in range(0, len(sound), 4000):
        if recognizer.AcceptWaveform(sound[at : at + 4000]):
            texts.append(json.loads(recognizer.Result())["text"])
    texts.append(json.loads(recognizer.FinalResult())["text"])
    return " ".join(text for text in texts if text)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "vm10"])
def test_the_words_are_those_of_bare_vosk(name: str, engine: Engine) -> None:
    assert engine.transcribe(sample(name)).text == bare(sample(name))


def test_the_word_errors_are_those_measured(engine: Engine) -> None:
    rows = list(evaluate(SAMPLES, lambda data, name: engine.transcribe(data, Hints(name=name))))
    assert len(rows) == 14
    for row in rows:
        assert abs(row.wrong - MEASURED[row.name[:4]]) <= (3 if row.words > 100 else 1), row
    assert total(rows).rate == pytest.approx(0.161, abs=0.01)


def test_words_have_times_and_confidence(engine: Engine) -> None:
    heard = engine.transcribe(sample("vm09"))
    assert heard.confidence > 0.95
    assert heard.duration_s == pytest.approx(38.8)
    assert [word.word for word in heard.words] == heard.text.split()
    assert all(a.end <= b.start + 0.001 for a, b in zip(heard.words, heard.words[1:], strict=False))
    assert heard.words[-1].end < 38.8
    assert Transcript.from_json(json.loads(json.dumps(heard.to_json()))) == heard


def tone(*hz: float, seconds: float = 8.0, on: float = 1.0, of: float = 1.0) -> np.ndarray:
    now = np.arange(int(RATE * seconds)) / RATE
    wave = sum(np.sin(2 * np.pi * one * now) for one in hz) * 8000 / len(hz)
    return wave * ((now % of) < on) + np.random.default_rng(3).standard_normal(len(now)) * 15


def music(seed: int = 1) -> np.ndarray:
    """Plucked chords without pause, a bar of four in the second."""
    chance, out = np.random.default_rng(seed), np.zeros(RATE * 12)
    now = np.arange(RATE) / RATE
    for at in np.arange(0, 10.9, 0.25):
        for hz in chance.choice([261.6, 293.7, 329.6, 392.0, 440.0, 523.3], size=2):
            note = sum(np.sin(2 * np.pi * hz * k * now) / k for k in (1, 2, 3)) * np.exp(-2 * now)
            out[int(at * RATE) : int(at * RATE) + RATE] += note * 2000
    return out


def colour(power: float, seed: int = 4, seconds: float = 5.0) -> np.ndarray:
    """Noise whose power falls with frequency: 1 pink (a hall, a street), 2 brown (wind, a car)."""
    lines = np.fft.rfft(np.random.default_rng(seed).standard_normal(int(RATE * seconds)))
    wave = np.fft.irfft(lines / np.maximum(1, np.arange(len(lines))) ** (power / 2))
    return np.asarray(wave / np.abs(wave).max())


def clatter(seconds: float) -> np.ndarray:
    """A handset put down, and the quiet line."""
    now = np.arange(int(RATE * seconds))
    return np.random.default_rng(6).standard_normal(len(now)) * (6000 * np.exp(-now / 200) + 20)


SILENT = np.random.default_rng(1).standard_normal(RATE * 3) * 20
SOUNDS = {
    "silence": np.zeros(RATE * 6),
    "silence of a line": np.random.default_rng(1).standard_normal(RATE * 6) * 20,
    "noise": np.random.default_rng(2).standard_normal(RATE * 6) * 900,
    "fax that calls": tone(1100, on=0.5, of=3.5),
    "fax that answers": tone(2100),
    "tone busy": tone(480, 620, on=0.5, of=1.0),
    "tone dial": tone(350, 440),
    "music": music(),
    "short": np.random.default_rng(1).standard_normal(RATE * 2) * 20,
    "empty": np.zeros(0),
    "noise soft": np.random.default_rng(2).standard_normal(RATE * 4) * 300,
    "noise loud": np.random.default_rng(2).standard_normal(RATE * 10) * 9000,
    "noise of a hall": colour(1) * 6000,
    "noise of a street, loud": colour(1) * 20000,
    "noise of wind": colour(2) * 6000,
    "noise of wind, loud": colour(2, seconds=10) * 20000,
    "fax that calls softly": tone(1100, on=0.5, of=3.5) * 0.1,
    "fax that calls loudly": tone(1100, on=0.5, of=3.5, seconds=20) * 3,
    "fax that answers softly": tone(2100, seconds=4) * 0.1,
    "tone busy, European": tone(425, on=0.48, of=0.96) * 0.3,
    "tone while it rings": tone(440, 480, on=2.0, of=6.0),
    "tone while it rings, loud": tone(440, 480, on=2.0, of=6.0, seconds=12) * 3,
    "tone dial, soft": tone(350, 440) * 0.05,
    "tone after a pause": np.concatenate([SILENT, tone(425, on=0.48, of=0.96)]),
    "music soft": music(2) * 0.1,
    "music loud": music(3) * 3,
    "silence after a click": clatter(6),
    "short clatter": clatter(2),
    "short noise": np.random.default_rng(1).standard_normal(RATE) * 3000,
}


@pytest.mark.parametrize("kind", SOUNDS)
def test_what_is_no_speech_is_said_in_words(kind: str, engine: Engine) -> None:
    heard = engine.transcribe(wav(SOUNDS[kind]))
    assert heard.state == kind.split()[0]
    assert (heard.text, heard.words, heard.confidence) == ("", (), 0.0)
    assert heard.said().endswith(".")
    assert len(heard.said().split()) >= 3


@pytest.mark.parametrize(("name", "state"), [("vm07", "silence"), ("vm08", "noise"), ("vm14", "speech")])
def test_the_samples_without_words(name: str, state: str, engine: Engine) -> None:
    heard = engine.transcribe(sample(name))
    assert heard.state == state
    assert heard.text.split() == reference(name)


def test_speech_over_noise_stays_speech(engine: Engine) -> None:
    sound = samples(RATE, "vm09").astype(float)
    sound += np.random.default_rng(1).standard_normal(len(sound)) * 150
    assert engine.transcribe(wav(sound)).state == "speech"


def test_a_long_recording_is_cut_and_says_so(engine: Engine) -> None:
    heard = engine.transcribe(sample("vm10"), Hints(limits=AudioLimits(max_seconds=5.0)))
    assert heard.duration_s == 5.0
    assert heard.notes == ("cut after 5 seconds: the rest was not listened to",)


def test_the_rate_is_read_from_the_model(tmp_path: Path) -> None:
    assert model_rate(TINY) == 8000
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/mfcc.conf").write_text("--use-energy=false\n--sample-frequency=16000 # Hz\n")
    assert model_rate(tmp_path) == 16000
    (tmp_path / "conf/mfcc.conf").write_text("--use-energy=false\n")
    assert model_rate(tmp_path) == 16000


def test_a_folder_that_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no speech model folder .*nothing"):
        Engine(tmp_path / "nothing")
    with pytest.raises(ModelError, match=r"has no am/final\.mdl"):
        Engine(tmp_path)
    (tmp_path / "am").mkdir()
    (tmp_path / "am/final.mdl").write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"has no conf/mfcc\.conf"):
        Engine(tmp_path)


def test_a_fax_document_is_unreadable(engine: Engine) -> None:
    with pytest.raises(AudioUnreadable, match="as a fax"):
        engine.transcribe(b"II*\0....")


def word(text: str, confidence: float) -> Word:
    return Word(text, 0.0, 0.1, confidence)


def alternative(confidence: float, text: str) -> dict[str, object]:
    rows = [{"word": one, "start": 0.0, "end": 0.1} for one in text.split()]
    return {"confidence": confidence, "text": text, "result": rows}


def test_a_known_name_lifts_a_close_alternative() -> None:
    words = [word("call", 0.99), word("doctor", 0.99), word("richardson", 0.5), word("today", 0.99)]
    others = [
        alternative(100.0, "call doctor richardson today"),
        alternative(98.0, "call doctor richard evans today"),
    ]
    names = rescore.vocabulary(["Richard Evans"], lambda _: True)
    lifted = rescore.lift(words, others, names, 2.0)
    assert [row[0] for row in lifted] == ["call", "doctor", "richard", "evans", "today"]
    assert [row[3] for row in lifted] == [0.99, 0.99, 0.5, 0.5, 0.99]
    assert lifted[2][1] == 2.0


def test_a_name_lifts_nothing_far_less_likely_nor_over_sure_words() -> None:
    names = rescore.vocabulary(["Evans"], lambda _: True)
    far = [alternative(100.0, "call eleven"), alternative(60.0, "call evans")]
    assert [row[0] for row in rescore.lift([word("call", 0.9), word("eleven", 0.4)], far, names, 0)] == [
        "call",
        "eleven",
    ]
    near = [alternative(100.0, "call eleven"), alternative(99.0, "call evans")]
    assert [row[0] for row in rescore.lift([word("call", 0.9), word("eleven", 0.99)], near, names, 0)][
        1
    ] == "eleven"


def test_only_words_the_model_knows_can_lift(engine: Engine) -> None:
    assert rescore.vocabulary(["Western Supply", "Zbigniew", "to"], engine.knows) == {("western", "supply")}


def test_hints_never_make_it_worse(engine: Engine) -> None:
    names = ("Western Supply", "William Harris", "Steven Walker", "payroll", "invoice", "label printer")
    for name in ("vm01", "vm03", "vm12"):
        plain = engine.transcribe(sample(name)).text.split()
        hinted = engine.transcribe(sample(name), Hints(words=names)).text.split()
        assert errors(reference(name), hinted) <= errors(reference(name), plain)


def test_two_transcripts_are_compared_by_their_words() -> None:
    assert compare("call me to day please", "call me today please now") == (("to day", "today"), ("", "now"))
    assert compare("same", "same") == ()
