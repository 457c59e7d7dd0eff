"""Folders that servers under accounts of their own may enter; pytest's are closed to all but the owner."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A new folder that every account may enter, gone at the end.

    Not below pytest's own: another run of pytest that starts meanwhile closes those again.
    """
    base = Path(tempfile.mkdtemp(prefix="mailbridge-test-"))
    base.chmod(0o755)
    try:
        folder = base / name
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(base, ignore_errors=True)
