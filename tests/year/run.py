"""Seeds by the hundred in several processes, one seed, or a story from a file: `python -m tests.year`.

A failing year is shortened to the fewest steps that fail in the same way, and written as a file that
`python -m tests.year story FILE` plays again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import multiprocessing
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.year.generator import POLICIES, make_seed, make_story
from tests.year.invariants import broken
from tests.year.player import Year
from tests.year.shrink import shortened
from tests.year.story import Step, Story, from_lines, to_lines
from tests.year.world import StuckError

MESSAGES = 24  # of a seed, where nobody says otherwise
SHORTEN_S = 120.0
CROWDED = 500  # steps


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a story. happened: how often each event was told."""

    story: Story
    found: tuple[str, ...]
    seconds: float
    happened: Counter[str]


def play(story: Story, happened: Counter[str] | None = None) -> list[str]:
    """What is broken after it; nothing for a good year. The daemon's log is left out.

    happened counts the events that were told.
    """
    year = Year(story)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            year.play()
        if happened is not None:
            happened.update(name for (name,) in year.world.peek("SELECT event FROM event"))
        return broken(year)
    except StuckError as stuck:
        return [str(stuck)]
    finally:
        year.close()


def _one(story: Story) -> Result:
    started, happened = time.process_time(), Counter[str]()
    found = play(story, happened)
    return Result(story, tuple(found), time.process_time() - started, happened)


def play_all(stories: Iterable[Story], processes: int = 2) -> Iterator[Result]:
    """In any number of processes, in their order; 1: here."""
    if processes == 1:
        yield from map(_one, stories)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        yield from pool.map(_one, stories, chunksize=4)


def sort_of(sentence: str) -> str:
    """What kind of failure a sentence tells of: its words, without numbers and moments."""
    words = re.sub(r"^case \d+: ", "", sentence)
    return " ".join(re.findall(r"[a-z_]+", words)[:2])


def shortest(story: Story, found: Sequence[str], seconds: float = SHORTEN_S) -> Story:
    """The fewest of its steps that fail in one of the same ways."""
    sorts, ends = {sort_of(sentence) for sentence in found}, time.monotonic() + seconds

    def fails(steps: Sequence[Step]) -> bool:
        if time.monotonic() > ends:
            return False
        return bool(sorts & {sort_of(sentence) for sentence in play(story.part(steps))})

    steps = list(story.steps)
    if len(steps) > CROWDED and (own := _of_its_own(story, found)) and fails(own):
        steps = own
    for topic in sorted(
        {step.topic for step in steps} - {0}
    ):  # first whole troubles, as most have no part in it
        without = [step for step in steps if step.topic != topic]
        steps = without if without and fails(without) else steps
    return story.part(shortened(steps, fails))


def _of_its_own(story: Story, found: Sequence[str]) -> list[Step]:
    """The steps of the troubles whose cases are broken, and those of the site: a crowded year is long."""
    broken_ones = {int(told[1]) for sentence in found if (told := re.match(r"case (\d+): ", sentence))}
    year = Year(story)
    with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(StuckError):
        year.play()
    topics = {0} | year.topics_of(broken_ones)
    year.close()
    return [step for step in story.steps if step.topic in topics or step.other in topics - {0}]


def told(result: Result, folder: Path | None = None) -> str:
    """A failed story for people: what is broken, the shortest story that fails, and how to play it again."""
    short = shortest(result.story, result.found)
    folder = folder or Path(tempfile.mkdtemp(prefix="year-"))
    file = folder / f"{short.policy}-{short.seed}.jsonl"
    lines = to_lines(short)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    again = f"python -m tests.year story {file}"
    found = [f"  {sentence}" for sentence in play(short)]
    steps = [f"  {step}" for step in short.steps]
    head = f"policy {short.policy}, seed {short.seed}: {len(result.found)} broken, such as {result.found[0]}"
    parts = [head, "the shortest story that fails:", *steps, "what it breaks:", *found[:20]]
    return "\n".join([*parts, f"to play it again ({again}):", *lines])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.year", description="A year of support, played.")
    commands = parser.add_subparsers(dest="command", required=True)
    many = commands.add_parser("seeds", help="many seeds; the policies take turns")
    many.add_argument("count", type=int)
    many.add_argument("--first", type=int, default=1)
    many.add_argument("--processes", type=int, default=2)
    one = commands.add_parser("seed", help="one seed, told step by step where it fails")
    one.add_argument("number", type=int)
    for command in (many, one):
        command.add_argument("--messages", type=int, default=MESSAGES)
        command.add_argument("--policy", choices=POLICIES, help="always this one")
    file = commands.add_parser("story", help="a story from a file of JSON lines")
    file.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    if asked.command == "story":
        return _story(from_lines(asked.file.read_text(encoding="utf-8").splitlines()))
    first, count = (asked.first, asked.count) if asked.command == "seeds" else (asked.number, 1)
    seeds = range(first, first + count)
    stories = [
        make_story(asked.policy, seed, asked.messages) if asked.policy else make_seed(seed, asked.messages)
        for seed in seeds
    ]
    return _seeds(stories, asked.processes if asked.command == "seeds" else 1)


def _story(story: Story) -> int:
    for step in story.steps:
        print(step)
    found = play(story)
    print("\n".join(found) or "everything is as it must be")
    return 1 if found else 0


def _seeds(stories: Sequence[Story], processes: int) -> int:
    started, seconds, bad, happened = time.monotonic(), 0.0, 0, Counter[str]()
    for result in play_all(stories, processes):
        seconds += result.seconds
        happened += result.happened
        if result.found:
            bad += 1
            print(told(result), end="\n\n", flush=True)
    print(", ".join(f"{name} {count}" for name, count in happened.most_common()))
    messages = sum(story.messages for story in stories)
    wall = time.monotonic() - started
    print(f"{len(stories)} years, {messages} messages, {bad} broken; {seconds:.0f} s of CPU, {wall:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
