"""How long a year of support takes: the story of tests/year through the real store, worker and templates.

    python bench/year.py [POLICY [SEED [MESSAGES]]]

Prints one JSON line. messages: received by the desk; handed_over: mails that it sent for them. ms_a_message:
CPU of everything (store, parse, decide, apply, templates, relay) for one received message; parse_ms that of
parsing the same bytes alone, in the same run, so that times_parse compares two machines, or a busy one with a
calm one. statements counts SQL, commits too. Exits 1 where the year broke a promise. One core; two years at
once take two.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sqlalchemy import event, select

from mailbridge.mail.parse import parse
from mailbridge.store.schema import message
from tests.year.generator import make_story
from tests.year.invariants import broken
from tests.year.player import Year


def main(policy: str = "mekorma", seed: str = "1", messages: str = "2000") -> int:
    story = make_story(policy, int(seed), int(messages))
    year = Year(story)
    statements = _counted(year)
    began, started = perf_counter(), process_time()
    with contextlib.redirect_stderr(io.StringIO()):  # the daemon's log
        year.play()
    played, took = process_time() - started, perf_counter() - began
    received, asked = len(year.did), len(statements)
    parse_ms = _parse_ms(year)
    started = process_time()
    found = broken(year)
    told = {
        "policy": policy,
        "seed": int(seed),
        "steps": len(story.steps),
        "messages": received,
        "handed_over": len(year.world.journal.given),
        "play_s": round(played, 1),
        "judge_s": round(process_time() - started, 1),
        "messages_a_second": round(received / took, 1),
        "ms_a_message": round(played * 1000 / received, 2),
        "parse_ms": round(parse_ms, 3),
        "times_parse": round(played * 1000 / received / parse_ms, 1),
        "statements_a_message": round(asked / received, 1),
        "broken": found[:10],
    }
    year.close()
    print(json.dumps(told))
    return 1 if found else 0


def _counted(year: Year) -> list[None]:
    """A list that grows by one with each statement that the store runs."""
    seen: list[None] = []
    event.listen(year.world.store.engine, "before_cursor_execute", lambda *_: seen.append(None))
    return seen


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
