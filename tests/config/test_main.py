"""The command line: exit codes, one sentence an error, and commands loaded only when they are used."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest

from mailbridge.cli import main as cli
from mailbridge.cli.context import Context
from mailbridge.cli.output import clean, print_json, print_jsonl, print_table
from mailbridge.errors import ConfigInvalid, NotFound, Problem, StoreUnavailable
from tests.config.test_config import SITE
from tests.needs import ROOT

PROGRAM = [sys.executable, "-c", "from mailbridge.cli.main import run; run()"]


def program(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("MAILBRIDGE_")}
    return subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, cwd=ROOT, env=env | more, timeout=60, check=False
    )


def fake(monkeypatch: pytest.MonkeyPatch, name: str, raises: BaseException | None) -> None:
    """Put a command in the place of a real one."""

    @click.command(name)
    def command() -> None:
        if raises is not None:
            raise raises

    module = types.ModuleType(f"mailbridge.cli.{name}")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delenv("MAILBRIDGE_DEBUG", raising=False)


def test_version() -> None:
    done = program("--version")
    assert (done.returncode, done.stdout) == (0, "mailbridge 0.1.0\n")


def test_help_names_every_command_and_loads_none() -> None:
    code = "import sys; from mailbridge.cli.main import execute; execute(['--help']); "
    code += "print([m for m in sys.modules if m.split('.')[0] in ('pydantic', 'sqlalchemy', 'rich', 'av')])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(f"  {name} " in done.stdout for name in cli.COMMANDS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["chek"], "did you mean check?"),
        (["frobnicate"], "there is no command 'frobnicate'"),
        (["--frobnicate"], "--frobnicate"),
        (["check", "--frobnicate"], "--frobnicate"),
        (["-c"], "-c"),
    ],
)
def test_usage_is_64(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute(words) == 64
    told = capsys.readouterr().err
    assert sentence in told
    assert told.count("\n") == 1


def test_no_command_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.execute([]) == 64
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (None, 0, ""),
        (NotFound("no case 7"), 65, "mailbridge: no case 7\n"),
        (StoreUnavailable("the database is\nlocked"), 75, "mailbridge: the database is locked\n"),
        (
            ConfigInvalid(
                [Problem("c.ini", "site", "name", "is missing"), Problem("c.ini", "", "", "line 2")]
            ),
            78,
            "mailbridge: c.ini: [site] name: is missing\nmailbridge: c.ini: line 2\n",
        ),
        (KeyboardInterrupt(), 130, "\n"),
        (RuntimeError("x\ny"), 70, "mailbridge: unforeseen: RuntimeError: x y (a bug; -vv shows where)\n"),
        (SystemExit(3), 3, ""),
        (click.ClickException("no"), 64, "mailbridge: no\n"),
    ],
)
def test_errors_are_a_sentence_and_a_code(
    error: BaseException | None,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fake(monkeypatch, "status", error)
    assert cli.execute(["status"]) == code
    assert capsys.readouterr().err == told


def test_the_unforeseen_in_ingest_is_temporary(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server that pipes to us bounces on 70: it must try again."""
    fake(monkeypatch, "ingest", RuntimeError("x"))
    assert cli.execute(["ingest"]) == 75


@pytest.mark.parametrize("words", [["-vv", "status"], ["-v", "-v", "status"]])
def test_traceback_on_demand(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch, "status", RuntimeError("x"))
    assert cli.execute(words) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_broken_part_does_not_break_the_rest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mailbridge.cli.model", None)
    assert cli.execute(["model"]) == 69
    assert "the command model" in capsys.readouterr().err
    assert cli.execute(["--version"]) == 0


def test_a_reader_that_went_away() -> None:
    line = f"{shlex.join([*PROGRAM, '--help'])} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert done.stdout.strip() in ("0", "141")  # 0 where the pipe took it all before it closed
    assert done.stderr == ""


def test_a_full_output_is_73() -> None:
    line = f"{shlex.join([*PROGRAM, '--help'])} > /dev/full"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (73, 1)
    assert "No space left" in done.stderr


# Where the configuration comes from


def test_missing_configuration_names_the_ways(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MAILBRIDGE_CONFIG", raising=False)
    with pytest.raises(ConfigInvalid) as caught:
        Context(tmp_path / "no.ini").config()
    told = str(caught.value)
    assert str(tmp_path / "no.ini") in told
    assert all(way in told for way in ("--config", "$MAILBRIDGE_CONFIG", "/etc/mailbridge/config.ini"))


def test_order_of_the_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILBRIDGE_CONFIG", raising=False)
    assert Context().config_path == Path("/etc/mailbridge/config.ini")
    monkeypatch.setenv("MAILBRIDGE_CONFIG", "/from/env.ini")
    assert Context().config_path == Path("/from/env.ini")
    assert Context(Path("/given.ini")).config_path == Path("/given.ini")


def test_configuration_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_text(SITE, "utf-8")
    context = Context(path)
    first = context.config()
    path.unlink()
    assert context.config() is first


def test_a_named_policy_needs_no_configuration(tmp_path: Path) -> None:
    assert Context(tmp_path / "no.ini").policy("mekorma").name == "mekorma"


def test_the_sites_policy(tmp_path: Path) -> None:
    path = tmp_path / "config.ini"
    path.write_text(SITE.replace("mekorma", "tekstack"), "utf-8")
    assert Context(path).policy().name == "tekstack"


# What is printed


def test_json_is_utf8_and_survives_broken_text(capfd: pytest.CaptureFixture[str]) -> None:
    print_json({"subject": "grüße \udc80", "path": Path("/x")})
    assert json.loads(capfd.readouterr().out) == {"subject": "grüße ?", "path": "/x"}


def test_jsonl_is_an_object_a_line(capfd: pytest.CaptureFixture[str]) -> None:
    print_jsonl([{"a": "x\ny"}, {"a": 2}])
    lines = capfd.readouterr().out.splitlines()
    assert [json.loads(line)["a"] for line in lines] == ["x\ny", 2]


def test_text_cannot_steer_a_terminal() -> None:
    assert clean("\x1b]0;evil\x07\u202edcba") == "\ufffd]0;evil\ufffd\ufffddcba"


def test_a_table_shows_what_stands_there(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["case", "subject"], [(1, "[bold]not markup[/bold] " + "x" * 300), (2, None)])
    out = capsys.readouterr().out
    assert "[bold]not markup[/bold] " + "x" * 300 in out
