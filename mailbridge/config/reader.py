"""From the text of the configuration file to frozen sections, with every mistake found on the way.

What it promises: strict INI without interpolation; unknown sections and keys are mistakes, with the nearest
known name; an empty value is the same as no value. No file but the configuration is opened.
How it fails: errors.ConfigInvalid with all problems, in the order of the file.
"""

from __future__ import annotations

import configparser
import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from mailbridge.config.forms import Form, shown
from mailbridge.config.sections import (
    Governor,
    Imap,
    Lmtp,
    Relay,
    Section,
    Site,
    Smtp,
    Store,
    Voicemail,
    VoicemailRule,
    Worker,
)
from mailbridge.errors import ConfigInvalid, Problem

MAX_BYTES = 1_000_000
MAX_MISTAKES = 200
SECTIONS: dict[str, type[Section]] = {
    "site": Site,
    "store": Store,
    "smtp": Smtp,
    "lmtp": Lmtp,
    "relay": Relay,
    "voicemail": Voicemail,
    "worker": Worker,
    "governor": Governor,
}
NAMED: dict[str, type[Section]] = {"imap": Imap, "voicemail-rule": VoicemailRule}
CREDENTIALS = {"user", "password", "password_file", "token_command"}  # one that is wrong is not missing
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOT_KEYS = {"name": (Imap, VoicemailRule), "rules": (Voicemail,)}  # filled from section names

Texts = dict[str, dict[str, str]]


def read_text(path: Path) -> str:
    """The text of the file. Raises ConfigInvalid where it is missing, unreadable, too big or not UTF-8."""
    source = str(path)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigInvalid([Problem(source, "", "", "there is no such file")]) from None
    except OSError as error:
        raise ConfigInvalid([Problem(source, "", "", f"cannot be read: {error.strerror}")]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigInvalid([Problem(source, "", "", "is larger than 1 MB: no configuration")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = raw.count(b"\n", 0, error.start) + 1
        raise ConfigInvalid([Problem(source, "", "", f"line {number} is not UTF-8 text")]) from None


def parse_ini(text: str, source: str) -> tuple[Texts, list[Problem]]:
    """Sections with their keys, and what is wrong with the lines.

    configparser stops at the first broken line: it is blanked and the rest read again, so that all are told.
    """
    lines = text.split("\n")
    problems: list[Problem] = []
    while len(problems) < MAX_MISTAKES:
        # an impossible default section: [DEFAULT] has no special meaning here
        parser = configparser.ConfigParser(interpolation=None, strict=True, default_section="\0")
        try:
            parser.read_string("\n".join(lines), source)
        except configparser.Error as error:
            problems += _broken_lines(error, lines, source)
            continue
        return {name: dict(parser[name]) for name in parser.sections() if "\0" not in name}, problems
    raise ConfigInvalid(problems)


def _broken_lines(error: configparser.Error, lines: list[str], source: str) -> Iterator[Problem]:
    """Say what is wrong with a line, and take it out of the way."""
    if isinstance(error, configparser.DuplicateOptionError):
        lines[(error.lineno or 1) - 1] = ""
        section, key, *_ = error.args
        yield Problem(source, section, key, f"stands there twice, again in line {error.lineno}")
    elif isinstance(error, configparser.DuplicateSectionError):
        number = error.lineno or 1
        lines[number - 1] = f"[\0{number}]"  # its keys are left out with it
        yield Problem(source, error.section, "", f"the section stands there twice, again in line {number}")
    elif isinstance(error, configparser.MissingSectionHeaderError):
        text, lines[error.lineno - 1] = lines[error.lineno - 1], ""
        yield Problem(source, "", "", f"line {error.lineno}: {shown(text)} stands before any [section]")
    elif isinstance(error, configparser.ParsingError):
        for number, _ in error.errors:
            text, lines[number - 1] = lines[number - 1], ""
            yield Problem(source, "", "", f"line {number}: {shown(text)} is no [section] and no key = value")
    else:
        raise error


def _nearest(word: str, known: Mapping[str, object] | list[str]) -> str:
    found = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else f"; known are {', '.join(known)}"


def model_of(section: str) -> tuple[type[Section] | None, str, str]:
    """(model, NAME, ""), or (None, "", what is wrong with the section's name)."""
    if section in SECTIONS:
        return SECTIONS[section], "", ""
    head, _, name = section.partition(" ")
    if head in NAMED:
        name = name.strip().strip('"')
        if _NAME.fullmatch(name):
            return NAMED[head], name, ""
        return None, "", f"needs a name of letters, digits, dots and dashes, such as [{head} support]"
    known = [*SECTIONS, *(f"{word} NAME" for word in NAMED)]
    return None, "", "is no known section" + _nearest(section, known)


def keys_of(model: type[Section]) -> dict[str, FieldInfo]:
    """The keys that may stand in the section."""
    return {key: field for key, field in model.model_fields.items() if model not in _NOT_KEYS.get(key, ())}


def _wanted(field: FieldInfo) -> str:
    forms = (getattr(item, "func", None) for item in field.metadata)
    return next((form.wanted for form in forms if isinstance(form, Form)), "a value")


class SectionReader:
    """Reads one section, keeping what is wrong with it."""

    def __init__(self, source: str, section: str, base: Path) -> None:
        self._source, self._section, self._context = source, section, {"base": base}
        self.problems: list[Problem] = []

    def read(
        self, model: type[Section], texts: Mapping[str, str], fixed: Mapping[str, Any]
    ) -> Section | None:
        """The section, or None where anything is wrong with it; problems says what."""
        keys = keys_of(model)
        for key in texts:
            if key not in keys:
                self._add(key, "is no known key" + _nearest(key, keys))
        data = {key: text for key, text in texts.items() if key in keys and text.strip()} | dict(fixed)
        section, wrong = self._validate(model, data)
        if section is not None:
            doubtful = wrong | (CREDENTIALS if wrong & CREDENTIALS else set())
            for key, message in section.conflicts():
                if key not in doubtful:
                    self._add(key, message)
        return None if self.problems else section

    def _add(self, key: str, message: str) -> None:
        self.problems.append(Problem(self._source, self._section, key, message))

    def _validate(self, model: type[Section], data: Mapping[str, Any]) -> tuple[Section | None, set[str]]:
        """The section; where keys are wrong, what the others make of it: their conflicts are told too."""
        try:
            return model.model_validate(dict(data), context=self._context), set()
        except ValidationError as error:
            wrong = {str(item["loc"][0]): item for item in error.errors(include_input=False)}
        for key, item in wrong.items():
            self._add(key, self._sentence(model, key, item))
        rest = {key: value for key, value in data.items() if key not in wrong}
        try:
            return model.model_validate(rest, context=self._context), set(wrong)
        except ValidationError:
            return None, set(wrong)

    @staticmethod
    def _sentence(model: type[Section], key: str, item: Mapping[str, Any]) -> str:
        if item["type"] == "missing":
            return f"is missing; wanted: {_wanted(model.model_fields[key])}"
        return str(item["msg"]).removeprefix("Value error, ")


def read_sections(text: str, source: str, base: Path) -> tuple[dict[str, Section], list[Problem]]:
    """All sections that are right, by their names as written, and all problems in the order of the file."""
    texts, problems = parse_ini(text, source)
    found: dict[str, Section] = {}
    for name, values in texts.items():
        model, title, wrong = model_of(name)
        if model is None:
            problems.append(Problem(source, name, "", wrong))
            continue
        reader = SectionReader(source, name, base)
        section = reader.read(model, values, {"name": title} if title else {})
        problems += reader.problems
        if section is not None:
            found[name] = section
    if "site" not in texts:
        problems += _missing_site(source)
    return found, problems


def _missing_site(source: str) -> list[Problem]:
    required = ", ".join(key for key, field in Site.model_fields.items() if field.is_required())
    return [Problem(source, "site", "", f"the section is missing; wanted: [site] with {required}")]
