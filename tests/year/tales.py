"""Short stories written by hand, each clean in itself: what the mutants of test_judge.py are caught by.

A line is "MINUTES do [what] [minutes] [>topic]", counted from a Monday, 9 AM Pacific; "2:" before it says
that it is of topic 2.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tests.year.story import MINUTE, TROUBLES, Step, Story

MONDAY = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
_LINE = re.compile(r"(?:(\d+): )?(\d+) (\w+)(?: ([a-z][a-z -]*[a-z]))?(?: (-?\d+))?(?: >(\d+))?")
DAY = 1440

TALES: dict[str, tuple[str, str]] = {
    "answered and silent": ("mekorma", "0 mail known; 60 answer"),
    "missed": ("mekorma", "0 mail stranger; 900 answer"),
    "reopened": ("mekorma", "0 mail known; 60 answer; 3000 again thread; 3100 answer; 6100 thanks thread"),
    "escalated": ("standard-enterprise", "0 escalation lapsed; 30 upset thread; 40 answer"),
    "away and held": ("mekorma", "0 mail known; 60 answer; 1600 away; 1700 hold 3000"),
    "held": ("mekorma", "0 mail known; 60 answer; 120 hold"),
    "machine": ("mekorma", "0 report; 2: 30 call known; 2: 60 answer; 90 answer"),
    "unread": ("mekorma", "0 mail known; 60 answer; 2900 down 300; 2950 again thread"),
    "undelivered": ("mekorma", "0 mail known; 60 answer; 1490 deferred 2000"),
    "bounced": ("mekorma", "0 mail known; 60 answer; 1505 bounce full"),
    "bounced oddly": ("mekorma", "0 mail known; 60 answer; 1505 bounce odd"),
    "bounced for now": ("mekorma", "0 mail known; 60 answer; 1505 bounce slow"),
    "no such user": ("mekorma", "0 mail known; 5 bounce hard; 60 answer"),
    "merged": ("mekorma", "0 mail known; 2: 60 mail known; 2: 90 answer; 120 merge >2"),
    "split": ("memsource", "0 mail known; 10 split >2; 60 answer; 2: 70 again thread"),
    "named by a caller": ("mekorma", "0 mail known; 2: 60 call known >1; 3: 90 call stranger >1; 99 answer"),
    "a machine's split": ("mekorma", "0 report; 10 split >2; 60 answer; 2: 70 answer"),
    "severities": (
        "gotomyerp",
        "0 mail gold; 10 severity critical; 2: 0 mail oddplan; 2: 99 resolved thread",
    ),
    "updates": ("tekstack", "0 mail known; 10 severity critical; 6000 close"),
    "twice": ("mekorma", "0 mail known; 1 twice relayed; 2 twice escalation; 60 close"),
    "flood": ("memsource", "0 flood 12"),
    "another policy": (
        "mekorma",
        "0 mail known; 10 policy mekorma tight; 20 note; 30 again thread; 90 answer",
    ),
    "late": ("memsource", "0 mail known; 60 outage 900; 800 answer_by_mail"),
    "ahead": ("memsource", "0 mail known; 60 jump 900; 120 jump -900"),
    "forgotten": ("mekorma", "0 mail known; 60 outage 5000"),
}


def tale(name: str) -> Story:
    """The story of this name."""
    policy, lines = TALES[name]
    return written(policy, lines)


def written(policy: str, lines: str) -> Story:
    return Story(policy, tuple(sorted(_step(line.strip()) for line in lines.split(";"))))


def _step(line: str) -> Step:
    found = _LINE.fullmatch(line)
    assert found is not None, line
    topic, at, do, what, minutes, other = found.groups()
    world = do in TROUBLES
    mine = 0 if world else int(topic or 1)
    moment = MONDAY + MINUTE * int(at) + timedelta(seconds=20 * world)
    return Step(moment, mine, do, int(minutes or 0), what or "", int(other or 0))
