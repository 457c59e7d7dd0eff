"""What a deeper test needs from outside the repository: a program, a package, the folder ../shared.

Elsewhere such a test is skipped and says what it wants; with MAILBRIDGE_TEST_REQUIRE=1 (CI) the missing
thing is a failure, so that nothing is left untested by accident.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SBIN = ("/usr/sbin", "/sbin", "/usr/lib/postfix/sbin", "/usr/lib/dovecot")


def _want(what: str) -> None:
    if os.environ.get("MAILBRIDGE_TEST_REQUIRE") == "1":
        pytest.fail(f"this run must not skip, and it wants {what}")
    pytest.skip(f"wants {what}")


def need_shared(*parts: str) -> Path:
    """Path below ../shared, or skip."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        _want(f"the folder shared/{'/'.join(parts)} beside the checkout")
    return path


def need_program(name: str, package: str = "") -> str:
    """Path of a program, or skip."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *SBIN]))
    if found is None:
        _want(f"the program {name}" + (f" (Debian package {package})" if package else ""))
    assert found is not None
    return found


def need_postgresql() -> Path:
    """Folder of the PostgreSQL server programs, or skip."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not folders:
        _want("a PostgreSQL server (Debian package postgresql)")
    return folders[-1].parent
