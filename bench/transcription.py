"""Transcription against bare Vosk and vosk-transcriber: ratios in one run, on this machine, printed as a
table.

    python bench/transcription.py [--full] [--only PART] [--rounds N] [--model DIR] [--json]

Short by default (about a minute); --full takes 200 recordings and an hour of audio, about ten minutes, a row
as soon as it is known; --only takes one part of it, as often as wanted. Rounds of the compared
things take turns and the median counts, so that a busy machine disturbs both sides alike; where a row says
"CPU", seconds of processor time are compared, which a neighbour disturbs least. The rows for
vosk-transcriber want a program ffmpeg (on PATH, or of the package imageio-ffmpeg): it cannot decode without;
ours needs none.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import vosk

ROOT = Path(__file__).resolve().parent.parent
# Run as a script, this file would hide the package of the same name.
sys.path[:] = [str(ROOT), *(path for path in sys.path if Path(path).resolve() != ROOT / "bench")]

from bench import voice_load  # noqa: E402
from transcription.audio import AudioLimits, decode  # noqa: E402
from transcription.engine import Hints, Transcript, model_rate  # noqa: E402
from transcription.models import SHIPPED  # noqa: E402
from transcription.pool import Pool  # noqa: E402

SAMPLES = ROOT / "tests" / "transcription" / "samples"
PIECE_S = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One ratio; at_least or at_most is what it has to reach."""

    what: str
    ratio: float
    wanted: str
    good: bool
    detail: str = ""


def recordings() -> list[bytes]:
    """The sample recordings with speech, the three-minute one left out."""
    return [
        path.read_bytes()
        for path in sorted(SAMPLES.iterdir())
        if path.suffix != ".txt" and path.name[:4] not in ("vm07", "vm08", "vm10", "vm14")
    ]


def pieces(count: int) -> list[bytes]:
    """So many recordings of PIECE_S seconds, each another piece of the samples, as 8 kHz WAV."""
    rate, size = 8000, PIECE_S * 8000 * 2
    speech = b"".join(b"".join(decode(data, rate)) for data in recordings())
    step = (len(speech) - size) // count // 2 * 2
    return [wav(speech[number * step : number * step + size], rate) for number in range(count)]


def cpu_of(pid: int) -> float:
    """Processor seconds that a process has used, to the nanosecond (its ticks are 10 ms)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def peak_mb(pid: int) -> float:
    """The most memory a process ever held."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1e3


def bare_loop(model: vosk.Model, rate: int, sound: Sequence[bytes]) -> list[str]:
    """What anybody would write with the vosk package."""
    texts = []
    for data in sound:
        recognizer = vosk.KaldiRecognizer(model, rate)
        recognizer.SetWords(True)
        words = []
        for at in range(0, len(data), 4000):
            if recognizer.AcceptWaveform(data[at : at + 4000]):
                words.append(json.loads(recognizer.Result())["text"])
        words.append(json.loads(recognizer.FinalResult())["text"])
        texts.append(" ".join(filter(None, words)))
    return texts


def through(pool: Pool, files: Sequence[bytes]) -> list[Transcript]:
    futures = [pool.submit(str(number), data) for number, data in enumerate(files)]
    return [future.result() for future in futures]


def against_bare(model: Path, rounds: int) -> list[Row]:
    """One worker against the bare loop on the same decoded audio, and what decoding costs."""
    files, rate = recordings(), model_rate(model)
    vosk.SetLogLevel(-1)
    loaded = vosk.Model(model_path=str(model))
    sound = [b"".join(decode(data, rate)) for data in files]
    with Pool(model, background=False) as pool:
        same = [one.text for one in through(pool, files)] == bare_loop(loaded, rate, sound)
        (pid,) = pool.pids()
        plain = [wav(data, rate) for data in sound]
        best = [[9e9] * 4 for _ in files]
        for _ in range(rounds):
            for at, data in enumerate(files):
                spent = (
                    own_cpu(lambda at=at: bare_loop(loaded, rate, sound[at : at + 1])),  # type: ignore[misc]
                    worker_cpu(pid, lambda at=at: through(pool, plain[at : at + 1])),  # type: ignore[misc]
                    worker_cpu(pid, lambda data=data: through(pool, [data])),  # type: ignore[misc]
                    own_cpu(lambda data=data: list(decode(data, rate))),  # type: ignore[misc]
                )
                best[at] = [min(pair) for pair in zip(best[at], spent, strict=True)]
    bare, ours, whole, decoding = (sum(column) for column in zip(*best, strict=True))
    audio = sum(map(len, sound)) / 2 / rate
    detail = f"{audio / ours:.0f} s of audio a second; best of {rounds} rounds for each recording"
    all_formats = "the samples as they come: mu-law, GSM, PCM, MP3, Opus"
    return [
        Row("one worker / bare Vosk, throughput (CPU)", bare / ours, ">= 0.97", bare / ours >= 0.97, detail),
        Row("decoding / recognising (CPU)", decoding / bare, "< 0.03", decoding / bare < 0.03, all_formats),
        Row(
            "one worker with decoding / bare Vosk (CPU)",
            bare / whole,
            ">= 0.94",
            bare / whole >= 0.94,
            all_formats,
        ),
        Row("the words are those of bare Vosk", float(same), "= 1", same),
    ]


def wav(sound: bytes, rate: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(sound)
    return file.getvalue()


def own_cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def worker_cpu(pid: int, work: Callable[[], object]) -> float:
    begin = cpu_of(pid)
    work()
    return cpu_of(pid) - begin


def two_workers(model: Path, rounds: int) -> Row:
    """Two processes against one, wall clock."""
    files = recordings() * 3
    ratios = []
    with Pool(model, background=False) as one, Pool(model, 2, background=False) as two:
        for pool in (one, two, two):
            through(pool, files[:6])
        for _ in range(rounds):
            ratios.append(timed(lambda: through(one, files)) / timed(lambda: through(two, files)))
    ratio = statistics.median(ratios)
    return Row("two workers / one, throughput", ratio, ">= 1.8", ratio >= 1.8, f"{os.cpu_count()} cores")


def timed(work: Callable[[], object]) -> float:
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def ffmpeg() -> str | None:
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg
    except ImportError:
        return None
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def against_transcriber(model: Path, count: int) -> list[Row]:
    """The folder of recordings, started from nothing, by vosk-transcriber and by us, on one core and on
    two.
    """
    program = ffmpeg()
    if program is None or len(os.sched_getaffinity(0)) < 2:
        return [Row("against vosk-transcriber", 0.0, "not measured", True, "wants ffmpeg and two cores")]
    with tempfile.TemporaryDirectory() as scratch:
        folder, tools = Path(scratch, "in"), Path(scratch, "bin")
        folder.mkdir()
        tools.mkdir()
        (tools / "ffmpeg").symlink_to(program)
        for number, data in enumerate(pieces(count)):
            (folder / f"{number:03d}.wav").write_bytes(data)
        theirs, their_words = _theirs(model, folder, Path(scratch, "out"), tools, cores=1)
        ours, our_words = _ours(model, folder, cores=1)
        both, _ = _ours(model, folder, cores=2)
        their_both, _ = _theirs(model, folder, Path(scratch, "out2"), tools, cores=2)
    same = sum(a == b for a, b in zip(their_words, our_words, strict=True)) / count
    cpu, two, fair = theirs.cpu / ours.cpu, theirs.wall / both.wall, their_both.wall / both.wall
    detail = (
        f"{count} recordings of {PIECE_S} s: theirs {theirs.cpu:.1f} s, ours {ours.cpu:.1f} s, start included"
    )
    return [
        *_same_words(model),
        Row("vosk-transcriber / ours, one core (CPU)", cpu, ">= 1", cpu >= 1, detail),
        Row("their one core / our two", two, ">= 1.7", two >= 1.7, f"{theirs.wall:.1f} s, {both.wall:.1f} s"),
        Row("vosk-transcriber / ours, two cores", fair, ">= 1", fair >= 1, f"{their_both.wall:.1f} s"),
        Row(
            "recordings with the same words",
            same,
            "see docs",
            True,
            "it feeds 16 kHz whatever the model wants",
        ),
    ]


def _same_words(model: Path) -> list[Row]:
    """vosk-transcriber told the model's rate, and both given the same decoded samples."""
    rate = model_rate(model)
    with tempfile.TemporaryDirectory() as scratch:
        folder, tools = Path(scratch, "in"), Path(scratch, "bin")
        folder.mkdir()
        tools.mkdir()
        (tools / "ffmpeg").symlink_to(str(ffmpeg()))
        for number, data in enumerate(recordings()):
            (folder / f"{number:03d}.wav").write_bytes(wav(b"".join(decode(data, rate)), rate))
        _, theirs = _theirs(model, folder, Path(scratch, "out"), tools, cores=1, rate=rate)
        _, ours = _ours(model, folder, cores=1)
    share = sum(a == b for a, b in zip(theirs, ours, strict=True)) / len(ours)
    detail = f"{len(ours)} recordings, decoded to {rate} Hz for both"
    return [Row("same words, same samples and rate", share, "= 1", share == 1, detail)]


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of a program and its children."""

    wall: float
    cpu: float


def _measured(words: list[str], env: dict[str, str], cores: int) -> tuple[Spent, str]:
    """Run a program on so many cores; how long it took, and its output."""
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    before, begin = os.times(), time.monotonic()
    done = subprocess.run(
        words,
        check=True,
        env={**os.environ, **env},
        preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    wall, after = time.monotonic() - begin, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Spent(wall, cpu), done.stdout


def _theirs(
    model: Path, folder: Path, out: Path, tools: Path, cores: int, rate: int = 16000
) -> tuple[Spent, list[str]]:
    """rate: what it feeds every model, by default its own 16 kHz."""
    out.mkdir()
    program = (
        "import vosk.transcriber.transcriber as t; from vosk.transcriber.cli import main;"
        f" t.SAMPLE_RATE = {float(rate)}; main()"
    )
    words = [sys.executable, "-c", program, "-m", str(model)]
    words += ["-i", str(folder), "-o", str(out), "--log-level", "ERROR"]
    spent, _ = _measured(words, {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}, cores)
    return spent, [" ".join(path.read_text().split()) for path in sorted(out.iterdir())]


def _ours(model: Path, folder: Path, cores: int) -> tuple[Spent, list[str]]:
    words = [sys.executable, "-c", "from mailbridge.cli.main import run; run()", "transcribe"]
    words += ["--processes", str(cores), "--model", str(model), str(folder)]
    spent, out = _measured(words, {"PYTHONPATH": str(ROOT)}, cores)
    return spent, [json.loads(line)["text"] for line in out.splitlines()]


def long_recording(model: Path, minutes: int) -> Row:
    """Peak memory of the worker for a long recording against that for one of a sixth of it."""
    rate = 8000
    speech = b"".join(decode((SAMPLES / "vm10-long.wav").read_bytes(), rate))
    with tempfile.TemporaryDirectory() as scratch, Pool(model, background=False) as pool:
        sizes = []
        for part in (minutes / 6, float(minutes)):
            file = Path(scratch, f"{part}.sln")
            wanted = int(part * 60 * rate) * 2
            with file.open("wb") as out:
                for at in range(0, wanted, len(speech)):
                    out.write(speech[: wanted - at])
            limits = AudioLimits(max_seconds=7200.0, max_time_s=7200.0)
            heard = pool.submit("long", file, Hints(name=file.name, limits=limits)).result()
            assert abs(heard.duration_s - part * 60) < 1
            sizes.append(peak_mb(pool.pids()[0]) - wanted / 1e6)  # the file itself is held once
    ratio = sizes[1] / sizes[0]
    detail = f"{sizes[0]:.0f} MB, then {sizes[1]:.0f} MB beside the file"
    return Row(f"memory, {minutes} minutes / {minutes / 6:g}", ratio, "<= 1.2", ratio <= 1.2, detail)


def beside_mail(model: Path, rounds: int, voicemails: int, seconds: float) -> Iterator[Row]:
    """What a backlog of recordings does to the time until mail is safe: their cases made, or still to be."""
    audio = base64.encodebytes((SAMPLES / "vm03-gsm.wav").read_bytes()).decode().replace("\n", "\r\n")
    loads = {"recordings to be heard": True, "mails of calls to be read": False}
    ratios: dict[str, list[float]] = {name: [] for name in loads}
    told: dict[str, list[str]] = {name: [] for name in loads}
    for _ in range(rounds):
        alone = voice_load.p99(model, 0, audio, 50, seconds)
        for name, decided in loads.items():
            busy = voice_load.p99(model, voicemails, audio, 50, seconds, decided=decided)
            ratios[name].append(busy.p99_s / alone.p99_s)
            told[name].append(f"{alone.p99_s * 1e3:.0f}, {busy.p99_s * 1e3:.0f} ms ({busy.left} left)")
    for name in loads:
        ratio = statistics.median(ratios[name])
        detail = f"{'; '.join(told[name])}; load {os.getloadavg()[0]:.1f}"
        yield Row(f"SMTP p99, {voicemails} {name} / none", ratio, "<= 1.5", ratio <= 1.5, detail)


PARTS = ("bare", "two", "transcriber", "long", "mail")


def rows(model: Path, full: bool, parts: Sequence[str], rounds: int) -> Iterator[Row]:
    """The rows of these parts, each as soon as it is known."""
    if "bare" in parts:
        yield from against_bare(model, rounds or (9 if full else 3))
    if "two" in parts:
        yield two_workers(model, rounds or (9 if full else 3))
    if "transcriber" in parts:
        yield from against_transcriber(model, 200 if full else 24)
    if "long" in parts:
        yield long_recording(model, 60 if full else 6)
    if "mail" in parts:
        voicemails, seconds = (1000, 30.0) if full else (100, 5.0)
        yield from beside_mail(model, rounds or (3 if full else 1), voicemails, seconds)


def shown(row: Row, as_json: bool) -> str:
    if as_json:
        told = {"what": row.what, "ratio": round(row.ratio, 4), "wanted": row.wanted, "good": row.good}
        return json.dumps(told)
    mark = "ok  " if row.good else "MISS"
    return f"{mark} {row.what:58} {row.ratio:7.3f}  {row.wanted:12} {row.detail}"


def main() -> int:
    """Print the table; exit 1 where a row misses its mark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", choices=PARTS, action="append", help="a part of it; may be given again")
    parser.add_argument("--rounds", type=int, default=0, help="how often each is measured")
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    good = True
    for row in rows(given.model, given.full, given.only or PARTS, given.rounds):
        print(shown(row, given.json), flush=True)
        good &= row.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
