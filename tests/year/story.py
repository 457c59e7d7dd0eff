"""A year of support as a list of steps: who writes, calls or answers, what breaks, and when.

A step names its topic (one trouble of one customer), never a case: any step can be dropped and the rest
still tells a story, which is how a failing one is shortened. Moments are whole minutes of true time, since
the counter that judges the deadlines counts minutes, but for troubles of the site, which begin between two;
what the machine's clock says is another matter (jump).
A story is a file of JSON lines, the first of them naming its policy, so that it can be played again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
END = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)
SETTLED = END + timedelta(days=30)  # time for what the last messages of the year owe
MINUTE = timedelta(minutes=1)

# What people and machines send to us.
OPENING = ("mail", "escalation", "call", "report")
AGAIN = ("again", "thanks", "resolved", "upset")
MACHINES = ("away", "bounce", "robot")
MESSAGES = frozenset((*OPENING, *AGAIN, *MACHINES, "twice", "flood", "answer_by_mail"))
TROUBLES = ("outage", "down", "unread", "deferred", "jump", "policy")


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One thing that happens.

    do, of the customer: mail, escalation, call (open a topic; what: who, see people; a caller may name the
    case of topic `other`), again (what: thread, number), thanks, resolved, upset (escalates), twice (what:
    same, relayed, escalation).
    Of machines: report (opens), away (out-of-office to our last mail), bounce (of our last mail; what: hard,
    full, slow, odd), robot (answers our last mail, `minutes` times), flood (`minutes` mails of one sender),
    refused (from now on the relay refuses the customer's address).
    Of staff: answer, answer_by_mail, note, severity (what), hold (for `minutes`, 0: until release), release,
    close, reopen, escalate, split (into topic `other`), merge (into that of `other`).
    Of the world, for `minutes`: outage (mail is stored, nobody works), down (nothing runs, mail waits in the
    mailbox), unread (the mailbox cannot be reached), deferred (the relay says 451); jump (the machine's clock
    by `minutes`), policy (from now on it is `what`).
    """

    at: datetime
    topic: int
    do: str
    minutes: int = 0
    what: str = ""
    other: int = 0

    def __str__(self) -> str:
        extra = [f"{self.minutes} minutes"] if self.minutes else []
        extra += [self.what] if self.what else []
        extra += [f"topic {self.other}"] if self.other else []
        who = f"topic {self.topic}: " if self.topic else ""
        return f"{self.at:%Y-%m-%d %H:%M} {who}{self.do}{' (' + ', '.join(extra) + ')' if extra else ''}"


@dataclass(frozen=True, slots=True)
class Story:
    """Steps in time order, and the policy that the site begins with. seed: what made it, for people."""

    policy: str
    steps: tuple[Step, ...]
    seed: int = 0

    def part(self, steps: Iterable[Step]) -> Story:
        return Story(self.policy, tuple(steps), self.seed)

    @property
    def messages(self) -> int:
        many = ("flood", "robot")
        return sum(step.minutes if step.do in many else step.do in MESSAGES for step in self.steps)


def to_lines(story: Story) -> list[str]:
    """The story as JSON lines; only what a step says is in its line."""
    lines = [json.dumps({"policy": story.policy, "seed": story.seed})]
    for step in story.steps:
        said = {"at": step.at.isoformat(), "topic": step.topic, "do": step.do}
        more = {"minutes": step.minutes, "what": step.what, "other": step.other}
        lines.append(json.dumps(said | {name: value for name, value in more.items() if value}))
    return lines


def from_lines(lines: Sequence[str]) -> Story:
    """The inverse of to_lines; blank lines and those beginning with # are for people."""
    rows = [json.loads(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    head, *rest = rows
    steps = [Step(**{**row, "at": datetime.fromisoformat(row["at"])}) for row in rest]
    return Story(head["policy"], tuple(sorted(steps)), head.get("seed", 0))
