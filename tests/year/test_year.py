"""A year of support on the virtual clock, for every policy: what must be true of any year is true of these.

MAILBRIDGE_YEAR_SEED and MAILBRIDGE_YEAR_MESSAGES play another year. A failing one prints its seed and the
shortest story found that fails.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from tests.year.counter import TEXTS, due, warning
from tests.year.invariants import broken
from tests.year.player import Year
from tests.year.shrink import shortened
from tests.year.story import Step, make_story

SEED = int(os.environ.get("MAILBRIDGE_YEAR_SEED", "0"))
MESSAGES = int(os.environ.get("MAILBRIDGE_YEAR_MESSAGES", "0"))
YEARS = (("mekorma", 1, 60), ("mekorma", 2, 60), ("memsource", 3, 30), ("gotomyerp", 4, 30))
MORE = (("standard-enterprise", 5, 30), ("tekstack", 6, 30))


def wrong(policy: str, story: Sequence[Step]) -> list[str]:
    year = Year(policy)
    try:
        year.play(story)
        return broken(year)
    finally:
        year.close()


@pytest.mark.parametrize(("policy", "seed", "messages"), [*YEARS, *MORE])
def test_the_year_keeps_every_promise(policy: str, seed: int, messages: int) -> None:
    seed, messages = SEED or seed, MESSAGES or messages
    print(f"policy {policy}, MAILBRIDGE_YEAR_SEED={seed} MAILBRIDGE_YEAR_MESSAGES={messages}")
    story = make_story(seed, messages)
    found = wrong(policy, story)
    if found:
        short = shortened(story, lambda part: bool(wrong(policy, part)))
        told = "\n".join([*map(str, short), "", *wrong(policy, short), "", "the whole year:", *found[:20]])
        pytest.fail(f"policy {policy}, seed {seed}, {messages} messages:\n{told}")


def test_equal_seeds_tell_equal_stories() -> None:
    assert make_story(7, 50) == make_story(7, 50) != make_story(8, 50)


@pytest.mark.parametrize("lost", ["deadline_missed", "auto_close_warning", "ack_sent"])
def test_a_year_that_breaks_a_promise_is_noticed(lost: str) -> None:
    """The judge is judged: take one thing that happened out of the record, and it says so."""
    from sqlalchemy import delete

    from mailbridge.store import schema

    year = Year("mekorma")
    try:
        year.play(make_story(1, 12))
        assert broken(year) == []
        with year.store.write() as connection:
            if lost == "ack_sent":
                connection.execute(delete(schema.outbox).where(schema.outbox.c.kind == "acknowledgement"))
            else:
                connection.execute(delete(schema.event).where(schema.event.c.event == lost))
        assert broken(year)
    finally:
        year.close()


def test_a_failing_story_is_shortened_to_what_fails() -> None:
    assert shortened(range(100), lambda part: {17, 80} <= set(part)) == [17, 80]


def test_the_counter_counts_what_the_text_of_mekorma_says() -> None:
    text, zone = TEXTS["mekorma"], UTC
    arrived = datetime(
        2026, 11, 25, 23, 0, tzinfo=zone
    )  # Wednesday 3 PM: 2 hours, then Thanksgiving and Friday
    assert due(text, arrived) == datetime(2026, 11, 30, 18, 0, tzinfo=zone)
    assert warning(text, arrived) == datetime(2026, 11, 30, 17, 0, tzinfo=zone)
