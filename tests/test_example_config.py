"""config.example.ini says the truth: it stands as it is, names every key, and its defaults are so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailbridge.config import Config, load_config, parse_config
from mailbridge.config.reader import NAMED, SECTIONS, keys_of, parse_ini
from tests.needs import ROOT

EXAMPLE = ROOT / "config.example.ini"
TEXT = EXAMPLE.read_text("utf-8")
# What a part needs before it can be on: no default can be shown for these.
NEEDED = {
    "smtp": "listen = 0.0.0.0:25",
    "lmtp": "listen = unix:/run/mailbridge/lmtp",
    "imap support": "host = imap.desk.example\nuser = support@desk.example\npassword_file = imap-password",
    "relay": "host = 127.0.0.1",
    "voicemail": "",
    "voicemail-rule reception": (
        "sender = *@pbx.desk.example\nsubject = New voice message*\nheader = X-PBX: voicemail*"
    ),
}
SITE = "\n".join(
    line for line in TEXT.splitlines() if re.match(r"(\[site\]|name|support|escalation|staff|policy)", line)
)


def uncommented(text: str) -> str:
    return re.sub(r"^;", "", text, flags=re.MULTILINE)


def parsed(text: str) -> Config:
    return parse_config(text, "example", Path("/etc/mailbridge"))


def test_it_stands_as_it_is() -> None:
    config = load_config(EXAMPLE)
    assert config.site.name == "Example Support"
    assert config.smtp is None
    assert config.imap == ()


def test_as_it_is_it_changes_no_default() -> None:
    assert parsed(TEXT) == parsed(SITE)


def test_uncommenting_everything_gives_the_defaults() -> None:
    minimal = SITE + "".join(f"\n[{name}]\n{keys}\n" for name, keys in NEEDED.items())
    assert parsed(uncommented(TEXT)) == parsed(minimal)


@pytest.mark.parametrize("section", [*SECTIONS, *NAMED])
def test_every_key_stands_in_it(section: str) -> None:
    texts, problems = parse_ini(uncommented(TEXT), "example")
    assert problems == []
    model = (SECTIONS | NAMED)[section]
    keys = next(keys for name, keys in texts.items() if name.partition(" ")[0] == section)
    assert set(keys) == set(keys_of(model))


def test_a_value_shown_as_default_is_written_out() -> None:
    """A key with a default other than "nothing" shows it, not an empty value."""
    texts, _ = parse_ini(uncommented(TEXT), "example")
    empty = {(name.partition(" ")[0], key) for name, keys in texts.items() for key in keys if not keys[key]}
    for section, key in empty:
        assert (SECTIONS | NAMED)[section].model_fields[key].default in ("", (), None), (section, key)


def test_each_section_and_first_key_has_words() -> None:
    lines = TEXT.splitlines()
    for number, line in enumerate(lines):
        if re.match(r";?\[", line) and line not in ("[site]", "[store]"):
            assert lines[number - 1].startswith("#"), f"line {number + 1}: {line} has no comment"
