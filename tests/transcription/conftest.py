"""One loaded tiny model for all tests of this folder: loading it each time would cost more than the tests."""

from __future__ import annotations

import pytest

from tests.transcription.recordings import TINY
from transcription.engine import Engine


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The tiny model, loaded."""
    return Engine(TINY)
