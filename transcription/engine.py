"""One Vosk model and one recording at a time: words with times and confidence, and what else was heard.

Promises the words of a bare Vosk loop over the same samples, bounded audio, and a state in words instead of
text where there is no speech. A recording that cannot be read is AudioUnreadable; a model that cannot be
loaded is ModelError. An abort inside Kaldi ends the process: use it through pool, never inside a daemon. Only
path names are given to Vosk: its lang= and model_name= download from the internet.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal, cast

from transcription import rescore
from transcription.audio import AudioLimits, decode
from transcription.errors import ModelError
from transcription.sound import Meter, Sound

State = Literal["speech", "empty", "short", "silence", "noise", "music", "fax", "tone", "unclear"]
UNKNOWN = "[unk]"  # what some models write for a word outside their vocabulary
SURE = 0.7  # under this a word is shown as doubtful; wrong words of the tiny model lie at 0.55 to 0.68

_SAID: dict[State, str] = {
    "speech": "Speech of {0}.",
    "empty": "The recording holds no sound at all.",
    "short": "The caller hung up after {0} without saying anything that could be understood.",
    "silence": "{0} of silence: nobody speaks.",
    "noise": "{0} of noise: no speech could be made out.",
    "music": "{0} of music, as while on hold: no speech could be made out.",
    "fax": "A fax machine's tone, no speech ({0}).",
    "tone": "A signal tone, as of a busy or dead line, no speech ({0}).",
    "unclear": "Somebody may be speaking for {0}, but no words could be made out.",
}


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; start and end in seconds from the beginning, confidence 0 to 1 (0 for [unk])."""

    word: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known of a recording beforehand.

    words: names of contacts, accounts, products, as written; declared_type and name as its mail says; limits.
    """

    words: tuple[str, ...] = ()
    declared_type: str = ""
    name: str = ""
    limits: AudioLimits = field(default_factory=AudioLimits)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. text is the recogniser's own words; it is "" unless state is "speech".

    confidence is the mean over all words (0 without words); duration_s the seconds listened to; notes say
    what was cut, damaged or heard besides, each one sentence or less.
    """

    text: str
    words: tuple[Word, ...]
    confidence: float
    duration_s: float
    state: State
    notes: tuple[str, ...] = ()

    def said(self) -> str:
        """One sentence on what the recording holds, for people."""
        return _SAID[self.state].format(length(self.duration_s))

    def to_json(self) -> dict[str, Any]:
        """Plain data, for storing and for the pipe."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Transcript:
        """The inverse of to_json."""
        words = tuple(Word(**word) for word in data["words"])
        return cls(**{**data, "words": words, "notes": tuple(data.get("notes", ()))})


def length(seconds: float) -> str:
    """Seconds as a person says them: "6 seconds", "2 minutes 46 seconds"."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} second{'' if whole == 1 else 's'}"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} minutes" + (f" {rest} second{'' if rest == 1 else 's'}" if rest else "")


def model_rate(model: Path) -> int:
    """The rate in Hz at which a model wants its samples, 16000 where it does not say."""
    for name in ("conf/mfcc.conf", "mfcc.conf"):
        path = model / name
        if path.is_file():
            for line in path.read_text("utf-8", "replace").splitlines():
                key, _, value = line.split("#")[0].strip().partition("=")
                if key == "--sample-frequency" and value.replace(".", "", 1).isdigit():
                    return int(float(value))
    return 16000


def check_model(model: Path) -> None:
    """Raise ModelError unless the folder has what every Vosk model has."""
    if not model.is_dir():
        raise ModelError(f"there is no speech model folder {model}")
    if not any((model / name).is_file() for name in ("am/final.mdl", "final.mdl")):
        raise ModelError(f"{model} is not a Vosk speech model: it has no am/final.mdl")
    if not any((model / name).is_file() for name in ("conf/mfcc.conf", "mfcc.conf")):
        raise ModelError(f"{model} is not a Vosk speech model: it has no conf/mfcc.conf")


def ahead(blocks: Iterable[bytes], count: int = 120) -> Iterator[bytes]:
    """The same blocks, taken half a minute at a time: decoder and Vosk in turns would chase each other's
    caches.
    """
    source = iter(blocks)
    while taken := list(islice(source, count)):
        yield from taken


class Engine:
    """A loaded model. Loading takes from 0.1 s to a minute and the memory of the model."""

    def __init__(self, model: Path | str) -> None:
        import vosk  # loads 25 MB of library: only where it is used

        path = Path(model)
        check_model(path)
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(model_path=str(path))
        except Exception as error:  # Vosk raises bare Exception
            raise ModelError(
                f"Vosk cannot load the speech model {path}: it is damaged or not whole"
            ) from error
        self._recognizer = vosk.KaldiRecognizer
        self.rate = model_rate(path)
        self.path = path

    def knows(self, word: str) -> bool:
        """Whether the vocabulary has the word; True as well for models that cannot tell."""
        return bool(self._model.vosk_model_find_word(word.lower()) >= 0)

    def transcribe(self, data: bytes, hints: Hints | None = None) -> Transcript:
        """Listen to a whole recording. Raises AudioUnreadable."""
        hints = hints or Hints()
        audio = decode(data, self.rate, hints.limits, declared_type=hints.declared_type, name=hints.name)
        meter = Meter(self.rate)
        lifting = rescore.vocabulary(hints.words, self.knows)
        words = self._listen(ahead(audio), meter, lifting)
        return judge(words, meter.measure(), audio.notes)

    def _listen(self, blocks: Iterable[bytes], meter: Meter, lifting: rescore.Phrases) -> list[Word]:
        recognizer = self._recognizer(self._model, self.rate)
        recognizer.SetWords(True)
        words: list[Word] = []
        heard, begins, samples = bytearray(), 0.0, 0
        for block in blocks:
            meter.add(block)
            samples += len(block) // 2
            if lifting:
                heard += block
            if recognizer.AcceptWaveform(block):
                words += self._lift(_words(recognizer.Result()), heard, begins, lifting)
                heard, begins = bytearray(), samples / self.rate
        return words + self._lift(_words(recognizer.FinalResult()), heard, begins, lifting)

    def _lift(
        self, words: list[Word], heard: bytearray, begins: float, lifting: rescore.Phrases
    ) -> list[Word]:
        """Where an utterance has doubtful words and names are known, listen to its alternatives as well."""
        if not lifting or all(word.confidence >= SURE for word in words):
            return words
        recognizer = self._recognizer(self._model, self.rate)
        recognizer.SetWords(True)
        recognizer.SetMaxAlternatives(rescore.ALTERNATIVES)
        size = self.rate // 2
        found: list[dict[str, Any]] = []
        for at in range(0, len(heard), size):
            if recognizer.AcceptWaveform(bytes(heard[at : at + size])):
                found.append(json.loads(recognizer.Result()))
        found.append(json.loads(recognizer.FinalResult()))
        if len([result for result in found if any(a.get("result") for a in result["alternatives"])]) != 1:
            return words  # cut differently than before: nothing to compare
        alternatives = max(found, key=lambda result: len(str(result)))["alternatives"]
        return [_word(row) for row in rescore.lift(words, alternatives, lifting, begins)]


def judge(words: Sequence[Word], sound: Sound, notes: Sequence[str] = ()) -> Transcript:
    """Decide from words and sound what the recording holds; text that is no speech is not passed off as
    text.
    """
    known = [word for word in words if word.word != UNKNOWN]
    sure = sum(word.confidence for word in known) / len(known) if known else 0.0
    said = list(notes)
    state = _state(known, sure, sound)
    if state == "speech" and sound.kind in ("music", "noise", "fax", "tone"):
        said.append(f"{'a fax tone' if sound.kind == 'fax' else sound.kind} can be heard as well")
    if state != "speech":
        if known:
            said.append("a few doubtful words were left out")
        return Transcript("", (), 0.0, round(sound.duration_s, 3), state, tuple(said))
    mean = sum(word.confidence for word in words) / len(words)
    text = " ".join(word.word for word in words)
    return Transcript(text, tuple(words), round(mean, 4), round(sound.duration_s, 3), state, tuple(said))


def _state(known: Sequence[Word], sure: float, sound: Sound) -> State:
    if sound.kind == "empty":
        return "empty"
    if sound.kind == "voice":
        if known and (sure >= 0.4 or len(known) > 3):
            return "speech"
        return "short" if sound.duration_s < 3.0 else "unclear"
    if sure >= 0.75 and len(known) >= (1 if sound.kind == "silence" else 3):
        return "speech"
    if sound.kind in ("silence", "noise") and sound.duration_s < 3.0:
        return "short"
    return cast("State", sound.kind)


def _words(result: str) -> list[Word]:
    rows = json.loads(result).get("result", [])
    return [_word((row["word"], row["start"], row["end"], row["conf"])) for row in rows]


def _word(row: tuple[str, float, float, float]) -> Word:
    word, start, end, confidence = row
    doubt = 0.0 if word == UNKNOWN else min(1.0, max(0.0, confidence))
    return Word(word, round(start, 3), round(end, 3), round(doubt, 4))


def with_words(transcript: Transcript, words: Sequence[Word]) -> Transcript:
    """The transcript with other words (redacted), text made anew."""
    return replace(transcript, words=tuple(words), text=" ".join(word.word for word in words))
