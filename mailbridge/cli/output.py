"""What commands print: JSON for scripts, tables for people, on standard output.

What it promises: JSON is UTF-8 whatever the locale, one document or one object a line, and nothing else. Text
of a customer cannot steer the terminal: control and direction characters are taken out of what people read.
How it fails: a reader that went away is a BrokenPipeError, which main.run() takes quietly.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import Enum
from pathlib import Path
from typing import Any

import click

# C0 and C1 controls but tab and line feed, and the marks that turn the direction of text (Trojan Source)
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def to_json(value: object, indent: int | None = None) -> str:
    """value as JSON; instants as ISO 8601, durations as seconds, data classes as objects."""
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=indent, allow_nan=False)


def _emit(text: str) -> None:
    # a lone surrogate of a broken header has no UTF-8 form: "?" takes its place
    click.echo(text.encode("utf-8", "replace"))


def print_json(value: object) -> None:
    """One document, laid out for reading when a person looks on."""
    _emit(to_json(value, indent=2 if sys.stdout.isatty() else None))


def print_jsonl(values: Iterable[object]) -> None:
    """One object a line, each out at once: a reader of a long run sees it grow."""
    for value in values:
        _emit(to_json(value))
        sys.stdout.flush()


def clean(text: object) -> str:
    """text without what could steer a terminal."""
    return _STEERING.sub("\ufffd", str(text))


def say(text: str) -> None:
    """One line or more for a person."""
    _emit(clean(text))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="minutes")
    return clean(value.value if isinstance(value, Enum) else value)


def local(instant: datetime | None, zone: tzinfo) -> str:
    """An instant as people read it: to the minute, on their own clock, with the zone's name; "" for None."""
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M %Z}" if instant else ""


def plain(value: object) -> str:
    """A value of a JSON document for a person: of a list its items, of a deeper structure its JSON."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A table for people; into a pipe it is as wide as it needs to be, so that nothing is cut."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 1000)
    table = Table(
        box=box.SIMPLE_HEAD,
        title=title or None,
        title_justify="left",
        pad_edge=False,
        show_header=any(columns),
    )
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not str: a subject such as [bold] is no markup
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)
