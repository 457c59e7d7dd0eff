"""docs/policies.md speaks of tests, keys and topics that exist, and its example is a policy."""

from __future__ import annotations

import re
from pathlib import Path

from mailbridge.cli.case import command as case
from mailbridge.policy.inifile import read_ini
from mailbridge.policy.library import shipped
from mailbridge.policy.policyfile import TOPICS, parse_policy
from tests.policy.test_policyfile import GOOD

ROOT = Path(__file__).parents[2]
FILES = ROOT / "mailbridge" / "policy" / "files"
PAGE = (ROOT / "docs" / "policies.md").read_text(encoding="utf-8")


def test_named_tests_exist() -> None:
    paths = (ROOT / "tests").rglob("test_*.py")
    there = {name for path in paths for name in re.findall(r"def (test_\w+)\(", path.read_text("utf-8"))}
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 30
    assert sorted(named - there) == []


def _tables() -> dict[str, list[list[str]]]:
    """policy -> the rows of its table."""
    parts = re.split(r"^### (\S+)$", PAGE, flags=re.MULTILINE)
    rows = {
        name: [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
        for name, table in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {name: [row for row in found if len(row) > 1][2:] for name, found in rows.items()}


def test_every_row_names_a_test_or_says_why_there_is_none() -> None:
    for policy, rows in _tables().items():
        assert len(rows) > 12, policy
        for row in rows:
            assert len(row) == 3, (policy, row)
            shown = "`test_" in row[2] or "scenario" in row[2] or row[2].startswith("not by a daemon: ")
            assert shown, (policy, row)
            assert row[1] != "-" or row[2].startswith("not by a daemon: "), (policy, row)


def test_named_keys_stand_in_their_policy() -> None:
    count = 0
    for policy, rows in _tables().items():
        sections, _ = read_ini((FILES / f"{policy}.ini").read_text("utf-8"), policy)
        for row in rows:
            for section, keys in re.findall(r"`\[([^]]+)\] ([^`]+)`", row[1]):
                for key in keys.split(", "):
                    assert key in sections.get(section, {}), (policy, section, key)
                    count += 1
    assert count > 80


def test_every_key_of_a_policy_that_promises_something_is_named() -> None:
    """What a file says beyond names, warnings to staff and limits of our own stands in its table."""
    own = {"policy", "answers"}
    ours = {"title", "when-missed", "hours", "thanks", "zone", "observed", "calendar"}
    for policy, rows in _tables().items():
        sections, _ = read_ini((FILES / f"{policy}.ini").read_text("utf-8"), policy)
        cells = " ".join(row[1] for row in rows)
        for section, values in sections.items():
            named = {
                key
                for at, keys in re.findall(r"`\[([^]]+)\] ([^`]+)`", cells)
                if at == section
                for key in keys.split(", ")
            }
            missing = set(values) - named - ours if section not in own else set()
            assert not missing, (policy, section, missing)


def test_named_commands_exist() -> None:
    named = set(re.findall(r"`case (\w+)`", PAGE))
    assert named <= set(case.commands), named
    assert len(named) > 8


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
