"""Makes a story from a seed: troubles of customers from their first message to wherever they end, and the
troubles of the site across them. Equal arguments give an equal story.

A year has few events a day. So that things meet (an outage over an auto-close, a bounce of a warning), many
steps are placed by what is known to come: some hours after the last, around 24 and 48 hours of silence.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from tests.year import people
from tests.year.story import END, MINUTE, START, Step, Story

SHARP = (  # clock changes of both halves of the year, holidays, their eves, the end of the year
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
SEVERITIES = {
    "mekorma": ("minimal",),
    "memsource": ("minimal",),
    "gotomyerp": ("emergency", "critical", "significant", "minimal", "nominal"),
    "standard-enterprise": ("high", "medium", "low"),
    "tekstack": ("critical", "normal", "low"),
}
POLICIES = tuple(SEVERITIES)
MOST_FLOODS = 4  # nobody closes their cases, and each is told of for the rest of the year
SITE_DOWN = ("down", "unread", "outage", "deferred")
SECOND = 1_000_000  # topics that are split off have numbers of their own
DAY = 1440
MOST_TROUBLED = 600  # messages; more of them make the site's troubles no more, or no day would be without one


def make_story(policy: str, seed: int, messages: int) -> Story:
    """About this many messages in a year, in time order."""
    return _Maker(policy, seed).make(messages)


def make_seed(seed: int, messages: int) -> Story:
    """The story of a seed; the policies take turns."""
    return make_story(POLICIES[seed % len(POLICIES)], seed, messages)


class _Maker:
    def __init__(self, policy: str, seed: int) -> None:
        self.policy, self.seed = policy, seed
        self.random = Random(f"{policy}:{seed}")
        self.steps: list[Step] = []
        self.topic = 0
        self.at = START
        self.began: dict[int, datetime] = {}
        self.troubled = 0  # how often the site was
        self.floods = 0

    def make(self, messages: int) -> Story:
        made = counted = 0
        while made < messages:
            self._trouble_of_a_customer()
            made += Story(self.policy, tuple(self.steps[counted:])).messages
            counted = len(self.steps)
        for _ in range(3 + min(messages, MOST_TROUBLED) // 6):
            self._trouble_of_the_site()
        if self.random.random() < 0.5:
            self._jumps()
        if self.random.random() < 0.3:
            self._another_policy()
        kept = sorted(step for step in self.steps if START <= step.at < END)
        return Story(self.policy, tuple(kept), self.seed)

    # --- by chance ----------------------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def anywhere(self) -> datetime:
        if self.chance(0.25):
            return self.random.choice(SHARP) + MINUTE * self.random.randrange(-300, 300)
        return START + MINUTE * self.random.randrange(int((END - START) / MINUTE) - 14 * DAY)

    def later(self, mean: float) -> None:
        self.at += MINUTE * (1 + int(self.random.expovariate(1 / mean)))

    def say(self, do: str, minutes: int = 0, what: str = "", other: int = 0) -> None:
        self.steps.append(Step(self.at, self.topic, do, minutes, what, other))

    def trouble(self, do: str, minutes: int = 0, what: str = "") -> None:
        """Of the site; between two minutes, so that nobody can say which came first."""
        self.troubled += 1
        self.steps.append(Step(self.at + timedelta(seconds=20), 0, do, minutes, what))

    def _last_before(self) -> int:
        """The topic that began last before this moment, but for the one in hand; 0: none."""
        earlier = (topic for topic, at in self.began.items() if at < self.at and topic != self.topic)
        return max(earlier, key=lambda topic: self.began[topic], default=0)

    # --- customers ----------------------------------------------------------------------------------------

    def _trouble_of_a_customer(self) -> None:
        self.topic += 1
        self.at = self.anywhere()
        kinds = ("mail", "call", "report", "escalation", "flood")
        first = self.random.choices(kinds, (78, 8, 6, 6, 2 if self.floods < MOST_FLOODS else 0))[0]
        if first == "flood":
            self.floods += 1
            self.say("flood", self.random.randrange(9, 14))
            return
        self.began[self.topic] = self.at
        named = self._last_before()
        who = self.random.choice(people.kinds(self.policy))
        if first == "call" and named and self.chance(0.5):
            who = next((s.what for s in self.steps if s.topic == named and s.what), who)
        self.say(first, what="" if first == "report" else who, other=named if first == "call" else 0)
        if self.chance(0.08):
            self.at += MINUTE
            self.say("twice", what=self.random.choice(("same", "relayed", "escalation")))
        if first == "report":
            self._report_goes_on()
            return
        if self.chance(0.06):
            self.at += MINUTE
            self.say("refused") if self.chance(0.3) else self._bounces()
        self._talk(writes=first != "call")

    def _report_goes_on(self) -> None:
        if self.chance(0.5):
            self.later(300)
            self.say("report")
        if self.chance(0.7):
            self.later(300)
            self.say("answer")

    def _bounces(self) -> None:
        self.say("bounce", what=self.random.choice(("hard", "full", "slow", "odd")))

    def _talk(self, *, writes: bool) -> None:
        for _ in range(self.random.choice((1, 1, 2, 2, 3))):
            if writes and self.chance(0.2):
                self.later(60)
                self.say(*self._again(("again", "again", "upset", "resolved", "thanks")))
            if self.chance(0.15):
                self._second_thing()
            if self.chance(0.2 if self.policy != "tekstack" else 0.6):
                self.later(100)
                self.say("severity", what=self.random.choice(SEVERITIES[self.policy]))
            if self.chance(0.9):
                self.later(500)
                self.say(self.random.choice(("answer", "answer_by_mail")))
            self._silence()
            if self.chance(0.4):
                break
            if writes:
                self.later(self.random.choice((200, 2000, 4000)))
                self.say(*self._again(("again",) * 6 + ("thanks", "resolved", "upset")))
        self._end(writes=writes)

    def _again(self, does: tuple[str, ...]) -> tuple[str, int, str]:
        return self.random.choice(does), 0, self.random.choice(("thread", "thread", "thread", "number"))

    def _second_thing(self) -> None:
        """Staff split or merge; both go on as they may."""
        self.later(100)
        earlier = self._last_before()
        if self.chance(0.5) or not earlier:
            second = SECOND + self.topic
            self.say("split", other=second)
            first, self.topic = self.topic, second
            for _ in range(self.random.randrange(3)):
                self.later(1500)
                self.say(self.random.choice(("answer", "again", "close")))
            if self.policy == "tekstack":
                self.later(9000)
                self.say("close")
            self.topic = first
        else:
            self.say("merge", other=earlier)

    def _silence(self) -> None:
        """While the case waits on the customer: what happens around the warning and the close."""
        does = self.random.choices(
            (
                "",
                "away",
                "bounce",
                "refused",
                "hold",
                "note",
                "robot",
                "down",
                "unread",
                "outage",
                "deferred",
            ),
            (35, 10, 12, 3, 12, 4, 4, 6, 5, 5, 4),
        )[0]
        start = self.at
        if does in SITE_DOWN and self.troubled > MOST_TROUBLED // 6:
            return
        if does in ("away", "bounce", "refused", "robot"):
            self.at += MINUTE * self.random.choice((3, DAY + 5, DAY + 60, 2 * DAY + 5))
            if does == "bounce":
                self._bounces()
            else:
                self.say(does, 4 if does == "robot" else 0)
            return
        if does == "hold":
            self.later(1000)
            self.say("hold", self.random.choice((0, 0, 300, 3000, 9000)))
            if self.chance(0.8):
                self.later(5000)
                self.say("release")
        elif does == "note":
            self.later(1000)
            self.say("note")
        elif does:
            self._over_the_close(does, start)

    def _over_the_close(self, does: str, start: datetime) -> None:
        """A trouble of the site over the warning or the close, in which the customer may answer."""
        self.at = start + MINUTE * (self.random.choice((DAY, 2 * DAY)) - self.random.randrange(1, 200))
        minutes = self.random.choice((30, 300, 1500 if does in ("down", "outage") else 600))
        self.trouble(does, minutes)
        if self.chance(0.6):
            self.at += MINUTE * self.random.randrange(1, minutes)
            self.say(*self._again(("again", "again", "thanks", "away", "answer_by_mail")))
        self.at = start + MINUTE * 2 * DAY

    def _end(self, *, writes: bool) -> None:
        does = self.random.choices(("", "close", "escalate", "refused"), (60, 25, 10, 5))[0]
        self.later(1500)
        if does:
            self.say(does)
        if does == "close" and self.chance(0.6):
            self.later(self.random.choice((300, 10_000, 40_000)))
            if writes and self.chance(0.8):
                self.say(*self._again(("again", "again", "thanks", "upset")))
            else:
                self.say("reopen")
        if self.policy == "tekstack":  # else staff hear of a status update each day until the end of the year
            self.later(9000)
            self.say("close")

    # --- the site -----------------------------------------------------------------------------------------

    def _trouble_of_the_site(self) -> None:
        """Near something that a customer does, so that it matters."""
        near = self.random.choice(self.steps).at.replace(second=0) if self.chance(0.7) else self.anywhere()
        self.at = near - MINUTE * self.random.randrange(400)
        does = self.random.choice(("outage", "outage", "down", "unread", "deferred"))
        # what looks again every few minutes does the same each time: costly
        long = {"unread": (20, 180, 300), "deferred": (20, 180, 600)}.get(does, (20, 180, 600, 1500, 3600))
        self.trouble(does, self.random.choice(long))

    def _jumps(self) -> None:
        """The clock is wrong for some days, ahead or behind, and is set right again."""
        self.at = self.random.choice(self.steps).at.replace(second=0) + 7 * MINUTE
        minutes = self.random.choice((-1500, -90, -20, 20, 90, 1500, 5000))
        self.trouble("jump", minutes)
        self.later(self.random.choice((30, 3000)))
        self.at += timedelta(seconds=10)  # not at the very moment when a postponed timer rings once more
        self.trouble("jump", -minutes)

    def _another_policy(self) -> None:
        self.at = self.random.choice(self.steps).at.replace(second=0) + 11 * MINUTE
        other = f"{self.policy} tight" if self.chance(0.5) else self.random.choice(POLICIES)
        self.trouble("policy", what=other)
