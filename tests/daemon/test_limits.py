"""The worker's limit of memory, in a process of its own: a MemoryError, not a machine that swaps."""

from __future__ import annotations

import subprocess
import sys

from tests.daemon.running import ROOT

SCRIPT = """
from mailbridge.work.back import limit_memory
limit_memory(256)
kept = bytearray(64 << 20)
try:
    bytearray(512 << 20)
except MemoryError:
    print("refused")
del kept
print(len(bytearray(64 << 20)))
"""


def test_too_much_memory_is_refused_and_the_process_goes_on() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["refused", str(64 << 20)]
