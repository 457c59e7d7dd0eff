"""A folder a mistake: config.ini and the sentences that it must produce, all of them at once.

MAILBRIDGE_GOLDEN_UPDATE=1 writes expected.txt anew; read what it wrote as an admin would.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mailbridge.config import load_config
from mailbridge.errors import ConfigInvalid

CASES = sorted(path.parent for path in (Path(__file__).parent.parent / "bad_config").glob("*/config.ini"))
SECRETS = ("geheim", "ge/heim", "heim@")


def told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    shutil.copy(folder / "config.ini", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigInvalid) as caught:
        load_config("config.ini")
    assert caught.value.exit_code == 78
    return "".join(f"{problem}\n" for problem in caught.value.problems)


def test_there_are_cases() -> None:
    assert len(CASES) > 40


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_mistake_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = folder / "expected.txt"
    found = told(folder, tmp_path, monkeypatch)
    if os.environ.get("MAILBRIDGE_GOLDEN_UPDATE") == "1":
        expected.write_text(found, "utf-8")
    assert found == expected.read_text("utf-8")


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_no_secret_is_told(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(folder, tmp_path, monkeypatch)
    assert not any(secret in found for secret in SECRETS)
