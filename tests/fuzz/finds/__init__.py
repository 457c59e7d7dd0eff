"""The inputs that once broke a promise, kept as files: TARGET-what-it-showed.bin."""

from __future__ import annotations

from pathlib import Path

FINDS = Path(__file__).resolve().parent


def find_files(target: str = "*") -> list[Path]:
    """The finds of one target, or of all."""
    return sorted(FINDS.glob(f"{target}-*.bin"))
