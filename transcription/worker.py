"""The child process of a pool: one model, one recording after the other, until its input ends.

Run as `python -m transcription.worker MODEL background|normal`. Speaks frames (see pipe) on its standard
input and output; what libraries print goes to standard error. It ignores SIGINT and SIGTERM, since its parent
decides when it ends, and ends by itself when the parent is gone. It may crash or hang: nothing is lost, the
parent has the recording.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from transcription.audio import AudioLimits
from transcription.engine import Engine, Hints
from transcription.errors import AudioUnreadable, ModelError
from transcription.pipe import Head, read_frame, write_frame

BACKGROUND, NORMAL = "background", "normal"
MOST_NICE = 19


def main(argv: list[str]) -> int:
    """Serve recordings; exit 0 at the end of input, 1 where the model cannot be loaded."""
    source, sink = sys.stdin.buffer, _private_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        engine = Engine(argv[1])
    except ModelError as error:
        write_frame(sink, {"error": "model", "message": str(error)})
        return 1
    if argv[2] == BACKGROUND:  # not before: a busy machine must not make a model look broken
        stand_back()
    write_frame(sink, {"ready": True})
    while (received := read_frame(source)) is not None:
        write_frame(sink, answer(engine, *received))
    return 0


def stand_back() -> None:
    """Take only processor time that nobody else wants.

    SCHED_IDLE, not nice 19 alone: whoever wakes up takes the core from it at once, while a niced process
    first ends its slice of several milliseconds. nice is for systems without it.
    """
    with contextlib.suppress(OSError):
        os.nice(MOST_NICE)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def answer(engine: Engine, head: Head, body: bytes) -> Head:
    """The answer to one recording: its transcript, or why there is none."""
    try:
        data = body if head.get("path") is None else _read(head["path"], head["limits"]["max_bytes"])
        transcript = engine.transcribe(data, _hints(head))
    except AudioUnreadable as error:
        return {"error": "unreadable", "message": str(error)}
    except Exception as error:  # noqa: BLE001 - unknown means temporary: the parent tries again
        return {"error": "failed", "message": f"{type(error).__name__}: {error}"[:500]}
    return {"transcript": transcript.to_json(), "rss_bytes": _rss_bytes()}


def head_of(hints: Hints, path: Path | None) -> Head:
    """The head by which the parent hands over a recording (path, or bytes as body)."""
    limits = {
        "max_bytes": hints.limits.max_bytes,
        "max_seconds": hints.limits.max_seconds,
        "max_time_s": hints.limits.max_time_s,
    }
    known = {"words": list(hints.words), "declared_type": hints.declared_type, "name": hints.name}
    return {"path": str(path) if path else None, "limits": limits, **known}


def _hints(head: dict[str, Any]) -> Hints:
    limits = AudioLimits(**head["limits"])
    return Hints(tuple(head["words"]), head["declared_type"], head["name"], limits)


def _read(path: str, most: int) -> bytes:
    """A recording from its file, and no more of it than decode would refuse anyway."""
    try:
        with Path(path).open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise AudioUnreadable(f"the file {path} cannot be read: {error.strerror}") from error


def _private_output() -> BinaryIO:
    """Standard output for frames alone: whatever Kaldi or libav print to it goes to standard error
    instead.
    """
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sink


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(2.0)
    os._exit(0)


def _rss_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):  # not Linux
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
