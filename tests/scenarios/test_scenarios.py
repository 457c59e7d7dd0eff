"""Each shipped policy walked through by its scenario file: what the policy's text promises is what happens.

The files are documentation first. Their key "expect" lists all that happens up to and with its line, nothing
more and nothing less: "event case", then the moment where it is not the line's own, then the detail (of a
deadline_set the instant it sets, of an escalation its level, of a suppression its reason).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mailbridge.ops.simulate import Simulation
from mailbridge.policy.library import load_policy
from tests.needs import ROOT

FOLDER = ROOT / "docs" / "scenarios"
POLICIES = ("mekorma", "memsource", "gotomyerp", "standard-enterprise", "tekstack")


class Played:
    """The lines of one file, and what happened up to each of them."""

    def __init__(self, policy: str, path: Path) -> None:
        self.lines = path.read_text("utf-8").splitlines()
        self.happened: dict[int, list[dict[str, Any]]] = {}
        self._at = -1
        for event in Simulation(load_policy(policy)).run(self._feed()):
            self.happened.setdefault(self._at, []).append(event)

    def _feed(self) -> Iterator[str]:
        for index, line in enumerate(self.lines):
            self._at = index
            yield line

    def steps(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for index, line in enumerate(self.lines):
            if line.strip() and not line.startswith("#"):
                yield index, json.loads(line)


def told(event: dict[str, Any], moment: datetime | None) -> str:
    """One event as the files write it."""
    words = [event["event"], str(event["case"] or "-")]
    if moment is None or datetime.fromisoformat(event["at"]) != moment:
        words.append(event["at"])
    if event["event"] == "deadline_set":
        words.append(event["respond_by"])
    if event["event"] == "escalated":
        words.append(f"level {event['level']}")
    if event["event"] == "suppressed":
        words.append(event["reason"])
    return " ".join(words)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_scenario_happens_as_it_says(policy: str) -> None:
    played = Played(policy, FOLDER / f"{policy}.jsonl")
    for index, step in played.steps():
        moment = datetime.fromisoformat(step["at"])
        happened = [told(event, moment) for event in played.happened.get(index, [])]
        assert happened == step.get("expect", []), f"{policy}.jsonl, line {index + 1}"


def test_every_shipped_policy_has_a_scenario_and_each_expects_much() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.jsonl")) == sorted(POLICIES)
    for path in FOLDER.glob("*.jsonl"):
        steps = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line and line[0] != "#"]
        assert sum(len(step.get("expect", [])) for step in steps) >= 20, path.name
