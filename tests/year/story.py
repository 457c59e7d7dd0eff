"""A year of support as a list of steps, made from a seed: who writes, calls or answers, when nobody works.

A step names its topic (one trouble of one customer), never a case: any step can be dropped and the rest
still tells a story, which is how a failing one is shortened. Moments are whole minutes, since the counter
that judges the deadlines counts minutes. Equal arguments give an equal story.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

START = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
END = datetime(2027, 1, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SHARP = (  # clock changes of both zones' halves of the year, holidays, their eves, the end of the year
    datetime(2026, 3, 6, 22, 30, tzinfo=UTC),
    datetime(2026, 3, 8, 9, 59, tzinfo=UTC),
    datetime(2026, 10, 30, 22, 30, tzinfo=UTC),
    datetime(2026, 11, 1, 9, 30, tzinfo=UTC),
    datetime(2026, 7, 3, 20, 0, tzinfo=UTC),
    datetime(2026, 11, 25, 23, 0, tzinfo=UTC),
    datetime(2026, 11, 26, 15, 0, tzinfo=UTC),
    datetime(2026, 12, 24, 23, 30, tzinfo=UTC),
    datetime(2026, 12, 31, 23, 45, tzinfo=UTC),
)
MESSAGES = frozenset(("mail", "call", "report", "escalation", "again", "away", "thanks", "resolved", "upset"))


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One thing that happens. do: mail, call, report (a machine), escalation (opens), again, away
    (out-of-office), thanks, resolved, upset (escalates the case), twice (the same bytes once more), answer
    and answer_by_mail (staff), hold, release, close, outage (nothing is processed for `minutes`)."""

    at: datetime
    topic: int
    do: str
    minutes: int = 0

    def __str__(self) -> str:
        extra = f" for {self.minutes} minutes" if self.minutes else ""
        return f"{self.at:%Y-%m-%d %H:%M} topic {self.topic}: {self.do}{extra}"


def make_story(seed: int, messages: int) -> list[Step]:
    """About this many messages in a year, in time order."""
    random = Random(seed)
    steps = [_outage(random) for _ in range(12)]
    topic = written = 0
    while written < messages:
        topic += 1
        told = _topic(random, topic)
        written += sum(step.do in MESSAGES for step in told)
        steps += told
    return sorted(step for step in steps if step.at < END)


def _outage(random: Random) -> Step:
    return Step(_anywhere(random), 0, "outage", random.choice((20, 180, 600, 1500, 3600)))


def _anywhere(random: Random) -> datetime:
    if random.random() < 0.2:
        return random.choice(SHARP) + MINUTE * random.randrange(-300, 300)
    return START + MINUTE * random.randrange(int((END - START) / MINUTE) - 14 * 1440)


def _topic(random: Random, topic: int) -> list[Step]:
    """One trouble from its first message to wherever it ends."""
    at = _anywhere(random)
    first = random.choices(("mail", "call", "report", "escalation"), (80, 8, 8, 4))[0]
    steps = [Step(at, topic, first)]
    if random.random() < 0.04:
        steps.append(Step(at + MINUTE, topic, "twice"))
    if first in ("mail", "escalation"):
        steps += _talk(random, topic, at)
    elif random.random() < 0.8:
        steps.append(Step(_later(random, at, 300), topic, "answer"))
    return steps


def _talk(random: Random, topic: int, at: datetime) -> list[Step]:
    steps: list[Step] = []
    for _ in range(random.choice((1, 1, 2, 3, 4))):
        if random.random() < 0.2:
            at = _later(random, at, 60)
            steps.append(Step(at, topic, random.choice(("again", "upset"))))
        if random.random() < 0.9:
            at = _later(random, at, 500)
            steps.append(Step(at, topic, random.choice(("answer", "answer", "answer_by_mail"))))
        steps += _meanwhile(random, topic, at)
        if random.random() < 0.4:
            return steps
        at = _later(random, at, random.choice((200, 2000, 4000)))
        steps.append(Step(at, topic, random.choices(("again", "thanks", "resolved"), (80, 10, 10))[0]))
    if random.random() < 0.2:
        steps.append(Step(_later(random, at, 3000), topic, "close"))
    return steps


def _meanwhile(random: Random, topic: int, at: datetime) -> list[Step]:
    """While the case waits: an absence, or a hold that staff end after some days."""
    chance = random.random()
    if chance < 0.08:
        return [Step(at + MINUTE * 3, topic, "away")]
    if chance < 0.16:
        held = at + MINUTE * random.randrange(1, 2000)
        return [Step(held, topic, "hold"), Step(_later(random, held, 6000), topic, "release")]
    return []


def _later(random: Random, at: datetime, mean: float) -> datetime:
    return at + MINUTE * (1 + int(random.expovariate(1 / mean)))
