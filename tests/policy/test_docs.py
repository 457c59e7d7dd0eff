"""docs/policies.md speaks of tests, keys and topics that exist, and its example is a policy."""

from __future__ import annotations

import re
from pathlib import Path

from mailbridge.policy.library import shipped
from mailbridge.policy.policyfile import TOPICS, parse_policy
from tests.policy.test_policyfile import GOOD

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")


def test_named_tests_exist() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 15
    assert [name for name in sorted(named) if f"def {name}(" not in sources] == []


def test_named_topics_exist() -> None:
    named = {topic for found in re.findall(r"`\[texts\] ([a-z, -]+)`", PAGE) for topic in found.split(", ")}
    assert named <= set(TOPICS)
    assert len(named) > 8


def test_every_policy_has_its_table() -> None:
    assert re.findall(r"^### (\S+)$", PAGE, re.MULTILINE) == list(shipped())


def test_the_examples_are_a_policy() -> None:
    """The blocks of the page, without the comments behind values, in the place of those of a small policy."""
    policy, calendar = (
        re.sub(r"\s+;.*", "", block) for block in re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    )
    rest = GOOD[GOOD.index("[severity high]") :]
    made = parse_policy(f"{policy}\n{calendar}\n{rest}", "page.ini")
    assert made.second_zones == ("America/Chicago",)
    assert made.calendars["office"].openings
