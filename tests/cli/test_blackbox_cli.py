"""Defects of commands that were found from the outside, each held by a test that is named after it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.admin import Admin


@pytest.fixture
def admin(tmp_path: Path) -> Admin:
    return Admin(tmp_path)


@pytest.mark.parametrize(
    "words", [("case", "list"), ("ingest", "-"), ("deadline", "--received", "2026-11-30T09:00:00Z")]
)
def test_a_configured_policy_that_is_not_there_is_a_bad_configuration(
    admin: Admin, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    admin.config.write_text(admin.config.read_text().replace("policy = gotomyerp", "policy = nosuch"))
    assert admin.run(*words)[0] == 78
    assert "[site] policy" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("until", "released"),
    [("2026-12-02", "2026-12-02T06:00:00-08:00"), ("+2h", "2026-12-01T11:00:00-08:00")],
)
def test_a_scenario_holds_until_a_date_or_a_span(admin: Admin, until: str, released: str) -> None:
    steps = [
        {"at": "2026-12-01T08:00:00-08:00", "do": "customer", "from": "jo@customer.example", "text": "x"},
        {"at": "+30m", "do": "staff", "case": 1, "text": "y"},
        {"at": "+30m", "do": "hold", "case": 1, "until": until},
        {"at": "+9d", "do": "run"},
    ]
    file = admin.file("hold.jsonl", "\n".join(json.dumps(step) for step in steps))
    code, out = admin.run("simulate", "--policy", "mekorma", file)
    events = {row["event"]: row["at"] for row in map(json.loads, out.splitlines())}
    assert code == 0
    # the half of the silence that was over while it was held is warned of when the hold ends, not before
    expected = max(released, "2026-12-02T08:30:00-08:00")
    assert events["auto_close_warning"] == expected
