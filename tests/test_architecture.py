"""The shape holds: import rules, a pure core, sizes, and what must not stand in the repository."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import ROOT

PURE = ("model", "mail", "policy")
# What a clock, a network, a database, a log or chance comes by. pathlib and importlib.resources are let in:
# policy.library reads policy files by them.
IMPURE = {
    *(
        "asyncio",
        "logging",
        "os",
        "random",
        "secrets",
        "socket",
        "sqlalchemy",
        "subprocess",
        "threading",
        "time",
    ),
    *("mailbridge.clock", "mailbridge.log", "mailbridge.store", "mailbridge.config"),
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


TREES = ("mailbridge", "transcription", "tests", "bench")
CODE = sorted(path for tree in TREES for path in (ROOT / tree).rglob("*.py"))
OURS = [path for path in CODE if name_of(path).startswith(("mailbridge/", "transcription/"))]


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every imported module, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def touches(module: str, forbidden: set[str]) -> bool:
    """Whether the module is one of those, or lies in one."""
    parts = module.split(".")
    return any(".".join(parts[:length]) in forbidden for length in range(1, len(parts) + 1))


def test_import_rules_of_pyproject() -> None:
    """In a process of its own: the linter sets up logging, and silences every logger that there is."""
    code = (
        "import sys; from importlinter.cli import lint_imports; "
        "sys.exit(lint_imports(config_filename='pyproject.toml', no_cache=True, no_logo=True))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("room", PURE)
def test_the_core_is_pure(room: str) -> None:
    """import-linter sees modules; this also sees what is imported inside a function."""
    wrong = [
        f"{name_of(path)}:{line}: {module}"
        for path in sorted((ROOT / "mailbridge" / room).rglob("*.py"))
        for line, module in imports(path)
        if touches(module, IMPURE)
    ]
    assert wrong == []


def calls_now(path: Path) -> Iterator[int]:
    """Lines that read a clock: datetime.now(), date.today(), time.time() and the like."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            base = node.func.value
            on = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
            if (on in ("datetime", "date") and node.func.attr in ("now", "today", "utcnow")) or (
                on == "time" and node.func.attr in ("time", "time_ns", "localtime")
            ):
                yield node.lineno


def test_only_the_clock_reads_the_time() -> None:
    """time.monotonic measures how long something took, and is let pass."""
    wrong = [
        f"{name_of(path)}:{line}"
        for path in OURS
        if name_of(path) != "mailbridge/clock.py"
        for line in calls_now(path)
    ]
    assert wrong == []


def test_transcription_imports_nothing_of_mailbridge() -> None:
    wrong = [
        f"{name_of(path)}:{line}"
        for path in sorted((ROOT / "transcription").rglob("*.py"))
        for line, module in imports(path)
        if touches(module, {"mailbridge"})
    ]
    assert wrong == []


def test_sql_lives_in_store() -> None:
    wrong = [
        f"{name_of(path)}:{line}"
        for path in OURS
        if not name_of(path).startswith("mailbridge/store/")
        for line, module in imports(path)
        if touches(module, {"sqlalchemy", "alembic"})
    ]
    assert wrong == []


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_each_module_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "no module docstring"


def test_no_notes_to_self() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b(?! *\(?#\d)")
    wrong = [
        f"{name_of(path)}:{number}"
        for path in OURS
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert wrong == []


def test_no_utils() -> None:
    assert [
        name_of(path) for path in OURS if path.stem in ("utils", "util", "helpers", "misc", "common")
    ] == []


def test_every_dependency_is_explained() -> None:
    """docs/dependencies.md has a row for each library of pyproject.toml, and for no other."""
    data = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [one for group in data["optional-dependencies"].values() for one in group]
    wanted = {re.split(r"[\[<>=;,! ]", one)[0].lower() for one in (*data["dependencies"], *extras)}
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    told = {name.lower() for name in re.findall(r"^\| \[?`?([A-Za-z0-9_-]+)`?", text, flags=re.MULTILINE)}
    assert told - {"library"} == wanted
