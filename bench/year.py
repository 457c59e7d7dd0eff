"""How long a year of support takes: the story of tests/year through the real store, worker and templates.

    python bench/year.py [POLICY [SEED [MESSAGES]]]

Prints one JSON line: messages, CPU seconds of playing and of judging, milliseconds a message. Exits 1 where
the year broke a promise. One core; two policies at once take two.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import process_time

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.year.invariants import broken
from tests.year.player import Year
from tests.year.story import MESSAGES, make_story


def main(policy: str = "mekorma", seed: str = "1", messages: str = "2000") -> int:
    story = make_story(int(seed), int(messages))
    year = Year(policy)
    started = process_time()
    year.play(story)
    played = process_time()
    found = broken(year)
    told = {
        "policy": policy,
        "seed": int(seed),
        "steps": len(story),
        "messages": sum(step.do in MESSAGES for step in story),
        "handed_over": year.handed_over,
        "play_s": round(played - started, 1),
        "judge_s": round(process_time() - played, 1),
        "ms_a_message": round((played - started) * 1000 / len(year.did), 1),
        "broken": found[:10],
    }
    year.close()
    print(json.dumps(told))
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
