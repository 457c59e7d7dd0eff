"""Sites to judge: each its own folder; what several tests begin with is made once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blackbox.judge import Site

Make = Callable[[str], Site]


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a site to which nothing has happened yet."""
    folder = tmp_path_factory.mktemp("blank")
    assert Site(folder).cases() == []
    return folder / "state"


@pytest.fixture
def make(blank: Path, tmp_path: Path) -> Make:
    """A fresh site under a policy."""

    def made(policy: str) -> Site:
        shutil.copytree(blank, tmp_path / "state")
        return Site(tmp_path, policy)

    return made


@pytest.fixture
def site(make: Make) -> Site:
    """A fresh site under the policy mekorma."""
    return make("mekorma")


@pytest.fixture(scope="session")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state folder of a site where one customer has two cases, Printer and Fax."""
    folder = tmp_path_factory.mktemp("begun")
    site = Site(folder)
    assert site.ingest(site.mail())["case"] == 1
    assert site.ingest(site.mail("The fax is dead.", "Fax"))["case"] == 2
    return folder / "state"


@pytest.fixture
def desk(begun: Path, tmp_path: Path) -> Site:
    """A copy of the site where one customer has two cases; the next message of `mail` is his third."""
    shutil.copytree(begun, tmp_path / "state")
    return Site(tmp_path, count=2)
