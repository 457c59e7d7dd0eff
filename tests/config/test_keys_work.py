"""A key that is read, checked and then used by nothing is a lie to the admin: here none may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailbridge.cli.output import local
from mailbridge.config import Config, load_config
from mailbridge.config import sections as known
from mailbridge.errors import ConfigInvalid, StoreUnavailable
from mailbridge.store.engine import Store
from mailbridge.work.desk import Desk
from tests.needs import ROOT

SECTIONS: dict[str, type[known.Section]] = {
    "site": known.Site,
    "store": known.Store,
    "smtp": known.Smtp,
    "lmtp": known.Lmtp,
    "imap": known.Imap,
    "relay": known.Relay,
    "voicemail": known.Voicemail,
    "worker": known.Worker,
    "governor": known.Governor,
}
CALLED = {"imap": {"section", "login", "mailbox"}, "relay": {"section", "login"}, "lmtp": {"section"}}
# what only reads and judges a key does not make it work
JUDGES = ("config/sections.py", "config/files.py", "cli/check.py")
SITE = """[site]
name = Desk
support = support@desk.example
escalation = none
staff = ann@desk.example
policy = mekorma
state = state
"""


def uses() -> Iterator[tuple[str, str]]:
    """(name before the dot, attribute) of all code, such as ("site", "zone")."""
    for path in (ROOT / "mailbridge").rglob("*.py"):
        if str(path.relative_to(ROOT / "mailbridge")) in JUDGES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                base = node.value
                name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                yield name.lstrip("_"), node.attr


def test_every_key_is_used_by_something() -> None:
    used = set(uses())
    # by properties of the section itself, and by whoever is handed the whole section
    inside = {("site", "hostname"), ("site", "reply_token"), ("voicemail", "spool_after")}
    idle = [
        f"[{section}] {key}"
        for section, model in SECTIONS.items()
        for key in model.model_fields
        if key not in ("rules", "name")
        and (section, key) not in inside
        and not any((name, key) in used for name in {section, *CALLED.get(section, ())})
        and not (section == "voicemail" and ("section", key) in used)
        and not (section == "store" and ("settings", key) in used)
    ]
    assert idle == []


def site(folder: Path, text: str) -> Config:
    path = folder / "config.ini"
    path.write_text(SITE + text, encoding="utf-8")
    return load_config(path)


def test_language_of_the_site_is_the_language_of_its_mail(tmp_path: Path) -> None:
    with Desk.open(site(tmp_path, "language = de\n")) as desk:
        assert desk.policy.language == "de"
    with Desk.open(site(tmp_path, "")) as desk:
        assert desk.policy.language == "en"


def test_region_of_voicemail_reads_a_callers_number(tmp_path: Path) -> None:
    with Desk.open(site(tmp_path, "region = US\n[voicemail]\nregion = DE\n")) as desk:
        assert desk.ground.region == "DE"


def test_zone_of_the_site_is_that_of_the_commands(tmp_path: Path) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    with Desk.open(site(tmp_path, "zone = Europe/Berlin\n")) as desk:
        assert local(noon, desk.zone) == "2026-01-01 13:00 CET"
    with Desk.open(site(tmp_path, "")) as desk:
        assert desk.zone == ZoneInfo("America/Los_Angeles"), "the zone of the policy's calendar"


def test_timeout_of_the_store_bounds_the_wait_for_a_lock(tmp_path: Path) -> None:
    settings = site(tmp_path, "[store]\nurl = sqlite:///store.db\ntimeout_s = 1\n").store
    first, second = Store.of(settings), Store.of(settings)
    try:
        with second.read() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 1000
        with first.write(), pytest.raises(StoreUnavailable), second.write():
            pass
    finally:
        first.close()
        second.close()


def test_pool_size_bounds_the_connections_of_a_process() -> None:
    """SQLAlchemy opens none before it is asked: no server is needed to see the bound."""
    store = Store("postgresql://nobody@127.0.0.1:1/none", pool_size=3, timeout_s=7)
    try:
        assert store.engine.pool.size() == 3  # type: ignore[attr-defined]
        assert store.engine.pool.timeout() == 7  # type: ignore[attr-defined]
    finally:
        store.close()


def test_models_by_language_need_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match=r"\[voicemail\] model: is missing, though models is given"):
        site(tmp_path, "[voicemail]\nmodels = de: models/de\n")
