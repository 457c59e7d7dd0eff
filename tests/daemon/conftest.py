"""One pool that listens, for all tests of this folder: to start one costs more than to hear a recording."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.voice import MODEL
from transcription.pool import Pool


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """The tiny model in one process."""
    with Pool(MODEL, 1, 60.0) as made:
        yield made
