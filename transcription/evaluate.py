"""How well a model hears, and in what two transcripts differ. Pure but for reading the recordings' folder.

evaluate() promises one row a recording that has a reference text (same name, .txt); a recording that cannot
be read is a row with its error, not the end of the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from transcription.engine import Transcript
from transcription.errors import AudioUnreadable

_SAME = {"oh": "zero", "o": "zero"}  # heard alike, meant alike


@dataclass(frozen=True, slots=True)
class Row:
    """One recording: words said, words wrong (put in, left out, mistaken), its confidence, or why it has
    none.
    """

    name: str
    words: int
    wrong: int
    seconds: float
    confidence: float
    error: str = ""

    @property
    def rate(self) -> float:
        """Word error rate; 1.0 for words heard where none were said."""
        return self.wrong / self.words if self.words else float(self.wrong > 0)


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Fewest words to put in, leave out or change to make heard of said; "oh" and "zero" are the same
    word.
    """
    left, right = [[_SAME.get(word, word) for word in words] for words in (said, heard)]
    row = list(range(len(right) + 1))
    for i, word in enumerate(left, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(right, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def recordings(folder: Path) -> list[tuple[Path, Path]]:
    """(recording, reference text) pairs of a folder, by name."""
    texts = {path.stem: path for path in folder.glob("*.txt")}
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() != ".txt")
    return [(path, texts[path.stem]) for path in files if path.stem in texts]


def evaluate(folder: Path, transcribe: Callable[[bytes, str], Transcript]) -> Iterator[Row]:
    """A row for each recording of the folder; transcribe gets its bytes and its name."""
    for path, text in recordings(folder):
        said = text.read_text("utf-8", "replace").lower().split()
        try:
            heard = transcribe(path.read_bytes(), path.name)
        except AudioUnreadable as error:
            yield Row(path.name, len(said), len(said), 0.0, 0.0, str(error))
            continue
        wrong = errors(said, heard.text.split())
        yield Row(path.name, len(said), wrong, heard.duration_s, heard.confidence)


def total(rows: Sequence[Row]) -> Row:
    """All rows as one; the confidence is the mean over those with words."""
    heard = [row.confidence for row in rows if row.confidence]
    mean = sum(heard) / len(heard) if heard else 0.0
    words, wrong = sum(row.words for row in rows), sum(row.wrong for row in rows)
    return Row("total", words, wrong, sum(row.seconds for row in rows), mean)


def compare(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """Where two transcripts of one recording differ: (old words, new words) in order, "" for none."""
    left, right = old.split(), new.split()
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    return tuple(
        (" ".join(left[i1:i2]), " ".join(right[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    )
