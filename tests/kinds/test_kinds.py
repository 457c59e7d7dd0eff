"""What two heaps of own messages must reach: `tuned`, on which the rules were mended, `fresh`, written
afterwards."""

from __future__ import annotations

from functools import lru_cache

import pytest

from tests.kinds.rows import OURS, Judged, answered, judge, rows, shares

HEAPS = ("tuned", "fresh")
FLOOR = {"human": 0.99, "auto_reply": 0.97, "bounce": 0.97}


@lru_cache(maxsize=2)
def judged(heap: str) -> list[Judged]:
    return judge(heap)


def _wrong(found: list[Judged]) -> list[str]:
    return [f"{one.row.place} {one.row.kind}: {one.verdict.kind} {one.verdict.reason}" for one in found]


@pytest.mark.parametrize("heap", HEAPS)
def test_kinds_are_recognised(heap: str) -> None:
    wrong = _wrong([one for one in judged(heap) if not one.right])
    for kind, (right, count) in shares(judged(heap)).items():
        assert right / count >= FLOOR.get(kind, 0.9), (kind, right, count, wrong)


@pytest.mark.parametrize("heap", HEAPS)
def test_no_machine_is_answered(heap: str) -> None:
    assert _wrong(answered(judged(heap))) == []


@pytest.mark.parametrize("heap", HEAPS)
def test_bounces_name_whom_and_why_and_what_we_sent(heap: str) -> None:
    """Recipient, class of the status and action, and the Message-ID wherever the report carries it."""
    wrong: list[tuple[object, ...]] = []
    bounces = [one for one in judged(heap) if one.row.kind == "bounce" and one.row.expect]
    for one in bounces:
        found = one.message.bounce
        told = [(row.address, row.status, row.action) for row in found.recipients] if found else []
        to, status, action = (*one.row.expect, "failed")[:3]
        named = len(told) == 1 and told[0][0] == to and told[0][2] == action
        if not named or not told[0][1].startswith(status):
            wrong.append((one.row.place, one.row.expect, told))
        carried = {"DSN", "COPY", "RFC"} & set(one.row.codes) or any(OURS in code for code in one.row.codes)
        if carried and (found is None or found.original_message_id != OURS):
            wrong.append((one.row.place, "not tied"))
    assert len(wrong) <= 0.03 * len(bounces), wrong


def test_the_reason_of_every_verdict_is_told() -> None:
    """An administrator can read why: the rule that decided and, where nothing is answered, the reason."""
    for one in (*judged("tuned"), *judged("fresh")):
        assert one.verdict.reason, one.row.place
        assert one.verdict.may_answer or one.verdict.no_answer, one.row.place


def test_the_heaps_are_large_enough() -> None:
    everything = [row for heap in HEAPS for row in rows(heap)]
    people = sum(row.kind == "human" for row in everything)
    assert people >= 150
    assert len(everything) - people >= 300
