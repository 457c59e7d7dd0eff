"""`mailbridge demo` as a user runs it: a process of its own, an empty folder, a clean environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.needs import ROOT

PROGRAM = (sys.executable, "-c", "from mailbridge.cli.main import run; run()")
LONGEST_S = 120  # the promise is 30; a machine under load may take longer


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a fresh login has, with every temporary file in folder."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        **more,
    }


def mailbridge(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*PROGRAM, *words],
        cwd=folder,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
