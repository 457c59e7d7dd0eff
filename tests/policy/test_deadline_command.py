"""`mailbridge deadline`, as a script and as a person sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mailbridge.cli.main import execute


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = execute(["deadline", *words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(
        capsys, "--policy", "gotomyerp", "--plan", "Starter", "--received", "2026-11-28T15:00:00Z", "--json"
    )
    said = json.loads(out)
    assert (code, err) == (0, "")
    assert said["respond_by"] == "2026-12-03T13:00:00-05:00"
    assert said["warn_at"] == "2026-12-01T17:00:00-05:00"
    assert said["opens_at"] == "2026-11-30T07:00:00-05:00"
    assert said["calendar"] == "business"
    assert said["rule"] == "24-48 working hours"
    assert (said["plan"], said["severity"], said["kind"]) == ("starter", "minimal", "first")
    assert said["proof"][0]["why"] == "closed: Saturday, Sunday"
    assert sum(row["seconds"] for row in said["proof"]) == 48 * 3600
    assert said["in_words"] == "by Thursday, December 3, 1:00 PM Eastern Time"


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--policy", "mekorma", "--received", "2026-11-25T13:30:00-08:00")
    assert code == 0
    assert "6 working hours" in out
    assert "by Monday, November 30, 8:30 AM Pacific Time (10:30 AM Central Time)" in out
    assert "Thanksgiving Day (2026-11-26)" in out
    assert "3:30:00" in out


def test_update(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--policy", "tekstack", "--severity", "normal", "--kind", "update", "--json"]
    _, out, _ = run(capsys, "--received", "2026-11-27T10:20:00-05:00", *arguments)
    assert json.loads(out)["respond_by"] == "2026-12-04T10:20:00-05:00"


def test_policy_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(__file__).parent / "good.ini"
    _, out, _ = run(capsys, "--received", "2026-05-04T10:00:00+02:00", "--policy", str(path), "--json")
    assert json.loads(out)["respond_by"] == "2026-05-04T14:00:00+02:00"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--received", "2026-11-25T13:30:00"], 65, "has no offset from UTC; write it like"),
        (["--received", "tomorrow"], 65, "'tomorrow' is no time"),
        (["--received", "9999-12-31T23:59:59Z"], 65, "outside 1902 to 9800"),
        (["--received", "2026-11-25T13:30Z", "--plan", "gold"], 65, "no plan 'gold'; it has subscription"),
        (["--received", "2026-11-25T13:30Z", "--severity", "hot"], 65, "no severity 'hot'; it has minimal"),
        (["--received", "2026-11-25T13:30Z", "--kind", "update"], 65, "promises no status update"),
        (["--received", "2026-11-25T13:30Z", "--kind", "third"], 64, "third"),
        ([], 64, "--received"),
    ],
)
def test_bad_input(capsys: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str) -> None:
    found, out, err = run(capsys, "--policy", "mekorma", *words)
    assert found == code
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err


def test_unknown_and_broken_policies(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--policy", "nosuch", "--received", "2026-11-25T13:30Z")
    assert code == 65
    assert "mekorma, memsource, gotomyerp" in err
    broken = Path(__file__).parents[1] / "bad_policy" / "no_such_zone" / "policy.ini"
    code, _, err = run(capsys, "--policy", str(broken), "--received", "2026-11-25T13:30Z")
    assert code == 78
    assert "[calendar office] zone: there is no time zone" in err
