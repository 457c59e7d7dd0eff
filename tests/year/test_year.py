"""Years of support on the virtual clock: what must be true of any year is true of these.

MAILBRIDGE_YEAR_SEEDS plays so many seeds (the policies take turns) in two processes, MAILBRIDGE_YEAR_FIRST
says where they begin; MAILBRIDGE_YEAR_MESSAGES is how crowded a crowded year is. A failing one prints the
shortest story found that fails, and how to play it again.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.year.counter import TEXTS, due
from tests.year.generator import POLICIES, make_seed, make_story
from tests.year.run import MESSAGES, Result, play_all, told
from tests.year.shrink import shortened
from tests.year.story import Story, from_lines, to_lines

SEEDS = int(os.environ.get("MAILBRIDGE_YEAR_SEEDS", "10"))
CROWDED = int(os.environ.get("MAILBRIDGE_YEAR_MESSAGES", "100"))
FIRST = int(os.environ.get("MAILBRIDGE_YEAR_FIRST", "1"))

USUAL = {  # what no round of seeds may be without
    *("case_created", "ack_sent", "staff_answered", "deadline_warning", "deadline_missed", "deadline_met"),
    *("auto_close_warning", "auto_closed", "reopened", "held", "released", "escalated", "closed", "bounced"),
    *("address_dead", "filed", "thanked", "suppressed", "split", "severity_changed", "transcript_ready"),
}


def test_every_year_keeps_every_promise(tmp_path: Path) -> None:
    """Ten seeds are a round of the five policies twice over; CI plays hundreds."""
    results = _kept([make_seed(seed, MESSAGES) for seed in range(FIRST, FIRST + SEEDS)], tmp_path)
    happened = {event for result in results for event in result.happened}
    assert SEEDS < 10 or happened >= USUAL, "the years are too quiet to prove anything"


def test_a_crowded_year_of_each_policy_keeps_every_promise(tmp_path: Path) -> None:
    """Where troubles of the site lie over each other and over many cases at once."""
    _kept([make_story(policy, FIRST, CROWDED) for policy in POLICIES], tmp_path)


def _kept(stories: list[Story], folder: Path) -> list[Result]:
    results = list(play_all(stories, processes=2))
    if failed := [result for result in results if result.found]:
        seeds = [(result.story.policy, result.story.seed) for result in failed]
        pytest.fail(f"{len(failed)} of {len(stories)}: {seeds}\n{told(failed[0], folder)}", pytrace=False)
    return results


def test_equal_seeds_tell_equal_stories() -> None:
    assert make_story("tekstack", 7, 50) == make_story("tekstack", 7, 50) != make_story("tekstack", 8, 50)


def test_a_story_is_a_file_that_can_be_played_again() -> None:
    story = make_seed(3, 40)
    assert from_lines(["# a year", "", *to_lines(story)]) == story


def test_a_failing_story_is_shortened_to_what_fails() -> None:
    assert shortened(range(100), lambda part: {17, 80} <= set(part)) == [17, 80]


def test_the_counter_counts_what_the_text_of_mekorma_says() -> None:
    text = TEXTS["mekorma"]
    # Wednesday 3 PM: 2 hours, then Thanksgiving and Friday
    promise = due(text, text.first["subscription", "minimal"], datetime(2026, 11, 25, 23, 0, tzinfo=UTC))
    assert promise.until == datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
    assert promise.warned == datetime(2026, 11, 30, 17, 0, tzinfo=UTC)
