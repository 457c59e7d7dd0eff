"""What the fuzzer found once stays mended; and hypothesis on the same promises, without the fuzzer."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.finds import find_files
from tests.fuzz.targets import SEEDS, TARGETS, WORDS, run

FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PIECES = st.lists(st.sampled_from([word.encode() for word in WORDS]) | st.binary(max_size=20), max_size=30)


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_finds_keep_every_promise(target: str) -> None:
    for data in (*SEEDS[target], *(path.read_bytes() for path in find_files(target))):
        run(target, data)


@pytest.mark.parametrize("target", TARGETS)
@FAST
@given(data=st.data())
def test_pieces_strung_together(target: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[target]))
    at = data.draw(st.integers(0, len(seed)))
    run(target, seed[:at] + b"".join(data.draw(PIECES)) + seed[at:])
