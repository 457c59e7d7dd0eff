"""How long each message takes to understand, and how much memory: for a process of its own, JSON a line.

`python -m tests.mail.measure shapes` takes the hostile shapes, `... FOLDER` every .eml below it. A line a
message: name, seconds of the processor, by how many megabytes it raised the process's peak, and the peak.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from time import process_time

from mailbridge.mail.parse import parse
from mailbridge.policy.authentic import read_authentic
from mailbridge.policy.classify import classify
from tests.mail.make import ENVELOPE, SITE
from tests.mail.shapes_hostile import SHAPES


def messages(what: str) -> Iterator[tuple[str, bytes]]:
    if what == "shapes":
        for name, make in SHAPES.items():
            yield name, make()
    else:
        for path in sorted(Path(what).rglob("*.eml")):
            yield path.name, path.read_bytes()


def peak_mb() -> float:
    """Of this program alone: ru_maxrss would go on from the pytest that started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1024


def main(what: str) -> None:
    parse(b"From: a@b.example\n\nx")
    for name, raw in messages(what):
        gc.collect()
        before, began = peak_mb(), process_time()
        message = parse(raw)
        classify(message, ENVELOPE, SITE)
        read_authentic(message, ("mx.desk.example", ""))
        seconds = process_time() - began
        beyond = any(defect.startswith("beyond") for defect in message.defects)
        row = {
            "name": name,
            "seconds": round(seconds, 3),
            "mb": round(peak_mb() - before, 1),
            "beyond": beyond,
        }
        sys.stdout.write(json.dumps({**row, "peak": round(peak_mb(), 1)}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
