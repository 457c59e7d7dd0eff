"""What one message may cost: none of the corpus, and none of a megabyte, takes 2 s or 300 MB.

Measured in processes of their own (tests/mail/measure.py): the peak of memory is the process's, with Python,
all libraries and the message in it. Time is the processor's; where this was written every hostile shape
stayed below a second, and below 100 MB.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.mail.shapes_hostile import SHAPES
from tests.needs import ROOT, need_shared

SECONDS = 2.0
MEGABYTES = 300.0


def measured(what: str) -> list[dict[str, float | str | bool]]:
    command = [sys.executable, "-m", "tests.mail.measure", what]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(row) for row in done.stdout.splitlines()]


@pytest.mark.parametrize("what", ["shapes", "corpus"])
def test_every_message_is_understood_within_its_bounds(what: str) -> None:
    rows = measured("shapes" if what == "shapes" else str(need_shared("corpus")))
    assert len(rows) == len(SHAPES) if what == "shapes" else len(rows) > 700
    assert [row for row in rows if float(row["seconds"]) > SECONDS] == []
    assert [row for row in rows if float(row["peak"]) > MEGABYTES] == []
    assert [row for row in rows if row["beyond"]] == []
