# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""What mailbridge makes of the shared corpus: a table of classes, and the figures below which the tests fail.

`python -m tests.corpus.score` prints it. A route of the manifest says what a classifier should see; the kinds that
count as right for each stand in RIGHT:

- human (with forwards and charset samples): `human`. autoreply: `auto_reply`. bounce: `bounce`.
- arf and mdn: `report`. challenge_response: `auto_reply` (somebody's robot answers; never answered).
- auto_generated: `auto_generated`. list: `list`. voicemail: `voicemail`.
- loop: `loop`; `auto_reply` and `auto_generated` too, where nothing but the words of a robot tell it.
- spam: any kind that leaves it to a filter: `human`, `list`, `auto_generated`.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mailbridge.mail.parse import parse
from mailbridge.model.envelope import Envelope, Way
from mailbridge.model.message import Classification, ParsedMessage
from mailbridge.model.own import Own
from mailbridge.policy.classify import classify
from tests.kinds import rows

RIGHT: dict[str, frozenset[str]] = {
    "human": frozenset(("human",)),
    "autoreply": frozenset(("auto_reply",)),
    "bounce": frozenset(("bounce",)),
    "arf": frozenset(("report",)),
    "mdn": frozenset(("report",)),
    "challenge_response": frozenset(("auto_reply",)),
    "auto_generated": frozenset(("auto_generated",)),
    "list": frozenset(("list",)),
    "voicemail": frozenset(("voicemail",)),
    "loop": frozenset(("loop", "auto_reply", "auto_generated")),
    "spam": frozenset(("human", "list", "auto_generated")),
}
FLOOR = {"human": 0.99, "autoreply": 0.97, "bounce": 0.97}
NEVER_ANSWERED = frozenset(RIGHT) - {"human", "spam"}
SITE = Own(
    addresses=frozenset(("support@desk.example", "supportescalation@desk.example")),
    domains=frozenset(("desk.example",)),
    escalation=frozenset(("supportescalation@desk.example",)),
)
ENVELOPE = Envelope(Way.INGEST, None, ("support@desk.example",), datetime(2026, 3, 3, 13, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Judged:
    """One message of the corpus as understood. seconds is what parsing and classifying took."""

    entry: dict[str, object]
    message: ParsedMessage
    verdict: Classification
    seconds: float

    @property
    def route(self) -> str:
        return str(self.entry["route"] or "")

    @property
    def file(self) -> str:
        return str(self.entry["file"])

    @property
    def right(self) -> bool:
        return self.verdict.kind.value in RIGHT.get(self.route, frozenset((self.verdict.kind.value,)))


@dataclass(slots=True)
class Score:
    """All of them."""

    judged: list[Judged] = field(default_factory=list)

    def of(self, route: str) -> list[Judged]:
        return [one for one in self.judged if one.route == route]

    def share(self, route: str) -> float:
        found = self.of(route)
        return sum(one.right for one in found) / len(found) if found else 1.0

    @property
    def answered(self) -> list[Judged]:
        """Automatic messages that would be answered: there must be none."""
        return [one for one in self.judged if one.route in NEVER_ANSWERED and one.verdict.may_answer]


def score(corpus: Path) -> Score:
    """Read every message of the corpus folder."""
    result = Score()
    for line in (corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        raw = (corpus / entry["file"]).read_bytes()
        start = time.process_time()
        message = parse(raw)
        verdict = classify(message, ENVELOPE, SITE)
        result.judged.append(Judged(entry, message, verdict, time.process_time() - start))
    return result


def table(result: Score) -> str:
    """The table of classes, and what is wrong, as text."""
    lines = [f"{'route':<20}{'messages':>9}{'right':>7}{'share':>9}  seen as"]
    for route in RIGHT:
        found = result.of(route)
        kinds = Counter(one.verdict.kind.value for one in found)
        seen = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        lines.append(
            f"{route:<20}{len(found):>9}{sum(one.right for one in found):>7}{result.share(route):>9.1%}  {seen}"
        )
    unlabelled = Counter(one.verdict.kind.value for one in result.of(""))
    lines.append(f"{'(not labelled)':<20}{len(result.of('')):>9}{'':>16}  {dict(unlabelled)}")
    slowest = max(result.judged, key=lambda one: one.seconds)
    total = sum(one.seconds for one in result.judged)
    lines += [
        "",
        f"automatic messages that would be answered: {len(result.answered)}",
        f"time: {total / len(result.judged) * 1000:.1f} ms a message, slowest {slowest.seconds * 1000:.0f} ms ({slowest.file})",
    ]
    lines += [
        f"wrong: {one.file}: {one.verdict.kind} by {one.verdict.rule}: {one.verdict.reason}"
        for one in result.judged
        if not one.right
    ]
    lines += [f"answered: {one.file}" for one in result.answered]
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 where a figure is below its floor."""
    corpus = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
    if len(sys.argv) > 1:
        corpus = Path(sys.argv[1])
    result = score(corpus)
    print(table(result))
    for heap in ("tuned", "fresh"):
        shares = ", ".join(
            f"{kind} {right}/{count}" for kind, (right, count) in rows.shares(rows.judge(heap)).items()
        )
        print(f"own messages, {heap}: {shares}")
    return int(bool(result.answered) or any(result.share(route) < floor for route, floor in FLOOR.items()))


if __name__ == "__main__":
    sys.exit(main())
