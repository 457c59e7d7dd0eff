"""How long years of support take: stories of tests/year through the real store, worker and templates, judged.

    python bench/year.py [MESSAGES [PROCESSES [POLICY]]]

Plays years of 2,000 messages each until there are that many (20,000), the five policies in turn (or one),
in so many processes (2). A JSON line for each year, as it ends. messages: received by the desk;
handed_over: mails sent for them. ms_a_message: CPU of everything (store, parse, decide, apply, templates,
relay) for one received message; parse_ms that of parsing the same bytes alone, in the same run, so that
times_parse compares two machines, or a busy one with a calm one. statements counts SQL, commits too. The
last line is the whole: seconds by the clock, judging with it. Exits 1 where a year broke a promise.
"""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from math import ceil
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import event, select

from mailbridge.mail.parse import parse
from mailbridge.store.schema import message
from tests.year.generator import POLICIES, make_story
from tests.year.invariants import broken
from tests.year.player import Year

OF_A_YEAR = 2000
PLANNED = 1.2  # messages of a story for each that is received: some have no case to go on with


def main(messages: str = "20000", processes: str = "2", policy: str = "") -> int:
    planned = int(messages) * PLANNED
    years, most = max(ceil(planned / OF_A_YEAR), 1), min(round(planned), OF_A_YEAR)
    tasks = [(policy or POLICIES[seed % len(POLICIES)], seed, most) for seed in range(1, years + 1)]
    began, told = perf_counter(), []
    with ProcessPoolExecutor(int(processes), multiprocessing.get_context("spawn")) as pool:
        for one in pool.map(_year, tasks):
            print(json.dumps(one), flush=True)
            told.append(one)
    seconds = perf_counter() - began
    received, sent = (sum(one[name] for one in told) for name in ("messages", "handed_over"))
    whole = {
        "years": years,
        "processes": int(processes),
        "messages": received,
        "handed_over": sent,
        "seconds": round(seconds, 1),
        "received_a_second": round(received / seconds),
        "mails_a_second_both_ways": round((received + sent) / seconds),
        "cpu_s": round(sum(one["play_s"] + one["judge_s"] for one in told), 1),
    }
    print(json.dumps(whole))
    return 1 if any(one["broken"] for one in told) else 0


def _year(task: tuple[str, int, int]) -> dict[str, Any]:
    """One year, played, measured and judged."""
    policy, seed, messages = task
    story = make_story(policy, seed, messages)
    year = Year(story)
    started = process_time()
    with _counted(year) as statements, contextlib.redirect_stderr(io.StringIO()):  # the daemon's log
        year.play()
    played, received = process_time() - started, len(year.did)
    started = process_time()
    found = broken(year)
    judged = process_time() - started
    parse_ms = _parse_ms(year)
    handed_over = len(year.world.journal.given)
    year.close()
    return {
        "policy": policy,
        "seed": seed,
        "messages": received,
        "handed_over": handed_over,
        "play_s": round(played, 1),
        "judge_s": round(judged, 1),
        "ms_a_message": round(played * 1000 / received, 2),
        "parse_ms": round(parse_ms, 3),
        "times_parse": round(played * 1000 / received / parse_ms, 1),
        "statements_a_message": round(len(statements) / received, 1),
        "broken": found[:10],
    }


@contextlib.contextmanager
def _counted(year: Year) -> Iterator[list[None]]:
    """A list that grows by one with each statement that the store runs."""
    seen: list[None] = []
    engine = year.world.store.engine

    def heard(*_: object) -> None:
        seen.append(None)

    event.listen(engine, "before_cursor_execute", heard)
    yield seen
    event.remove(engine, "before_cursor_execute", heard)


def _parse_ms(year: Year, most: int = 500) -> float:
    """CPU milliseconds to parse one of the year's own messages, and nothing else."""
    with year.world.store.read() as connection:
        raws = list(connection.execute(select(message.c.raw).limit(most)).scalars())
    started = process_time()
    for raw in raws:
        parse(raw)
    return (process_time() - started) * 1000 / len(raws)


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
