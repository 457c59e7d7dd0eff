"""`mailbridge transcribe`: recordings to text, JSONL, a line a file in the order given.

Promises a line for every file, also for one that cannot be read (key "error"), and an end: each file has a
time limit and a process that may crash. How it fails: Unavailable (69) without a usable model, Permanent
(65) at the end where a recording could not be read, Temporary (75) where a transcriber crashed or hung.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli.output import print_jsonl
from mailbridge.errors import Permanent, Temporary, Unavailable

if TYPE_CHECKING:
    from transcription.engine import Hints, Transcript

Line = dict[str, Any]
NO_MODEL = (
    "no speech model is configured: give one with --model DIR, or install one (mailbridge model install"
    " vosk-model-small-en-us-0.15) and name it as model in [voicemail]"
)


def _config(ctx: click.Context) -> Any:
    """The site configuration, or None where there is none to read."""
    context = ctx.find_root().obj
    if context is None or not getattr(context, "has_config", True):
        return None
    return context.config()


def configured_model(ctx: click.Context) -> str | None:
    """Path of the model that [voicemail] names, or None. Raises ConfigInvalid."""
    config = _config(ctx)
    voicemail = getattr(config, "voicemail", None)
    model = getattr(voicemail, "model", None)
    return str(model) if model else None


def configured_region(ctx: click.Context) -> str:
    """Country for telephone numbers without country code: [voicemail] region, else US."""
    voicemail = getattr(_config(ctx), "voicemail", None)
    return getattr(voicemail, "region", "") or "US"


def models_folder(ctx: click.Context) -> Path | None:
    """Where models are installed: the folder models of the site's state, None without configuration."""
    config = _config(ctx)
    return Path(config.site.state) / "models" if config is not None else None


def model_path(ctx: click.Context, given: str | None) -> Path:
    """Folder of the model to use: --model (a path, a name, "tiny"), else the configured one. Raises
    Unavailable.
    """
    from transcription import models
    from transcription.errors import ModelError

    # With --model no configuration is needed, nor may a broken one be in the way.
    wanted = given or configured_model(ctx)
    if wanted is None:
        raise Unavailable(NO_MODEL)
    try:
        named = given is not None and not Path(given).is_dir() and given != "tiny"
        return models.find(wanted, models_folder(ctx) if named else None)
    except ModelError as error:
        raise Unavailable(str(error)) from error


@click.command("transcribe")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@option("--model", metavar="DIR", help='Speech model: its folder or name, or "tiny" for the test model.')
@option("--region", metavar="COUNTRY", help="For telephone numbers without country code, such as US or GB.")
@option("--hint", "hints", multiple=True, metavar="NAME", help="A name that may be said; repeatable.")
@option("--processes", type=click.IntRange(1, 64), help="How many at once; else one for each core.")
@option("--max-minutes", type=click.FloatRange(0, min_open=True), default=60.0, show_default=True)
@option("--timeout", "timeout_s", type=click.FloatRange(1), default=3600.0, show_default=True)
@option("--redact", is_flag=True, help="Take card numbers out.")
@option("--json", "_json", is_flag=True, help="Accepted for symmetry: the output is always JSONL.")
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    model: str | None,
    region: str | None,
    hints: tuple[str, ...],
    processes: int | None,
    max_minutes: float,
    timeout_s: float,
    redact: bool,
    _json: bool,
) -> None:
    """Turn recordings into text, one JSON object a line. A FILE may be a folder, or - for standard input."""
    from transcription.audio import AudioLimits
    from transcription.engine import Hints

    where = model_path(ctx, model)
    region = (region or (configured_region(ctx) if model is None else "US")).upper()
    paths = _expand(files)
    most = processes or min(len(paths), os.cpu_count() or 1)
    known = Hints(words=hints, limits=AudioLimits(max_seconds=max_minutes * 60, max_time_s=timeout_s))
    verdict = _Verdict(len(paths))
    print_jsonl(_lines(paths, where, known, most, timeout_s, region, redact, verdict))
    verdict.say()


class _Verdict:
    """Counts what failed, and says so at the end."""

    def __init__(self, files: int) -> None:
        self._files, self.unreadable, self.failed = files, 0, 0

    def say(self) -> None:
        """Raise what the exit code is to be."""
        of = f"of {self._files} recording{'' if self._files == 1 else 's'}"
        if self.failed:
            raise Temporary(f"{self.failed} {of} could not be transcribed; try again")
        if self.unreadable:
            raise Permanent(f"{self.unreadable} {of} could not be read; their lines have the key error")


def _expand(files: Sequence[str]) -> list[str]:
    """Files, and for each folder the files in it, by name; reference texts are no recordings."""
    out: list[str] = []
    for name in files:
        path = Path(name)
        if name != "-" and path.is_dir():
            out += [
                str(one) for one in sorted(path.iterdir()) if one.is_file() and one.suffix.lower() != ".txt"
            ]
        else:
            out.append(name)
    if not out:
        raise Permanent(f"there is no recording in {', '.join(files)}")
    return out


def _lines(
    paths: Sequence[str],
    model: Path,
    hints: Hints,
    processes: int,
    timeout_s: float,
    region: str,
    redact: bool,
    verdict: _Verdict,
) -> Iterator[Line]:
    from dataclasses import replace

    from transcription.errors import AudioUnreadable, ModelError, TranscriptionError
    from transcription.pool import Pool

    with Pool(model, processes, timeout_s, background=False) as pool:
        futures: list[Future[Transcript]] = []
        for name in paths:
            source: bytes | Path = Path(name)
            if name == "-":
                source = sys.stdin.buffer.read(hints.limits.max_bytes + 1)
            futures.append(pool.submit(name, source, replace(hints, name=name)))
        for name, future in zip(paths, futures, strict=True):
            try:
                yield as_line(name, future.result(), region, redact=redact)
            except ModelError as error:
                raise Unavailable(str(error)) from error
            except AudioUnreadable as error:
                verdict.unreadable += 1
                yield _unheard(name, str(error))
            except TranscriptionError as error:
                verdict.failed += 1
                yield _unheard(name, str(error))


def _unheard(name: str, why: str) -> Line:
    """The line of a recording that could not be heard: every key that a script may ask for, and error."""
    nothing: Line = {"text": "", "confidence": 0.0, "duration": None, "words": []}
    return {"file": name, **nothing, "phone_numbers": [], "case_numbers": [], "error": why}


def as_line(name: str, heard: Transcript, region: str, *, redact: bool = False) -> Line:
    """The object of one recording. text is what the model heard; written is the same as people write it."""
    from transcription import text
    from transcription.engine import with_words
    from transcription.numbers import case_numbers, phone_numbers
    from transcription.redact import redact_words

    if redact and heard.words:
        heard = with_words(heard, redact_words(heard.words))
    found = text.find_in(heard.words, region)
    keys = ("word", "start", "end", "confidence")
    return {
        "file": name,
        "text": heard.text,
        "confidence": heard.confidence,
        "duration": heard.duration_s,
        "words": [{key: getattr(word, key) for key in keys} for word in heard.words],
        "phone_numbers": phone_numbers(found),
        "case_numbers": case_numbers(found),
        "written": text.write(heard.words, region),
        "state": heard.state,
        "said": heard.said(),
        "notes": list(heard.notes),
    }
