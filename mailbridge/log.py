"""The log: one line an event, `severity event key=value ...`, to standard error.

What it promises: events are those of EVENTS, each with its severity; docs/operating.md says of each that
needs somebody what causes it and what helps. A value never breaks the line, is bounded, and is withheld where
its name says that it is a secret, or where it holds one that keep_secret() was told. Under systemd each line
starts with its journal priority.
How it fails: never. An unknown event is logged as a bug; a closed or full standard error is ignored.

Severities have four readers: warning (watch), error (retried by itself), fatal (an admin acts), bug (we act);
info and debug are the daily round.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

from mailbridge.log_events import EVENTS

VALUE_MAX = 500
_SECRET_KEY = re.compile(r"pass(word|wd)?$|secret|token|authorization|credential|api_?key", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)([^\s/@:]*):[^\s@]*@")
_PLAIN = re.compile(r"[^\s\"=\x00-\x1f\x7f-\xa0\u2028\u2029]+")
_PAIR = re.compile(r"(?:(?<!\S)(\w+)=)?((?:(?! \w+=).)+) ?")
_CONVERSION = re.compile(r"%(?!%)")
_lock = threading.Lock()


class Level(IntEnum):
    """What is shown: everything of at least this weight."""

    DEBUG = 0
    INFO = 1
    WARNING = 2
    ERROR = 3
    FATAL = 4


_WEIGHT = {"debug": 0, "info": 1, "warning": 2, "error": 3, "fatal": 4, "bug": 4}
# sd-daemon(3): the journal takes <n> at the start of a line for its priority
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "fatal": 3, "bug": 3}


@dataclass(slots=True)
class _State:
    level: Level = Level.INFO
    secrets: set[str] = field(default_factory=set)
    captures: list[list[Line]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """One logged event, as captured by a test."""

    event: str
    severity: str
    fields: dict[str, Any]
    text: str


_state = _State()


def setup(level: Level | str) -> None:
    """Set what is shown, and send what libraries log (warnings and worse) through the same lines."""
    _state.level = level if isinstance(level, Level) else Level[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler()]
    # imapclient and aiosmtpd log whole dialogs, with passwords in them, at DEBUG and INFO
    root.setLevel(logging.WARNING)
    logging.getLogger("mailbridge").setLevel(
        [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL][_state.level]
    )


def keep_secret(value: str) -> None:
    """From now on value is shown as ***, wherever it turns up; a very short one would hide half a line."""
    if len(value) >= 6:
        _state.secrets.add(value)


def event(name: str, /, **fields: Any) -> None:
    """Log one event of EVENTS. A field that is None is left out.

    An exception as a value is shown as its type and text; with severity bug also where it was raised.
    """
    try:
        severity = EVENTS.get(name, "")
        if not severity:
            fields, name, severity = {"name": name, **fields}, "unknown_event", "bug"
        text = _line(severity, name, fields)
        for captured in _state.captures:
            captured.append(Line(name, severity, fields, text))
        if _WEIGHT[severity] >= _state.level:
            _write(severity, text)
    except Exception:  # noqa: BLE001, S110 - what is logged must never stop what is done
        pass


@contextlib.contextmanager
def capture() -> Iterator[list[Line]]:
    """Collect the events logged meanwhile, of every severity; for tests."""
    lines: list[Line] = []
    _state.captures.append(lines)
    try:
        yield lines
    finally:
        _state.captures[:] = [other for other in _state.captures if other is not lines]


def _write(severity: str, text: str) -> None:
    prefix = f"<{_PRIORITY[severity]}>" if os.environ.get("JOURNAL_STREAM") else ""
    # one write a line, so that lines of several processes do not mix
    with _lock, contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{prefix}{text}\n")
        sys.stderr.flush()


def _line(severity: str, name: str, fields: dict[str, Any]) -> str:
    parts = [severity, name]
    for key, value in fields.items():
        if value is None:
            continue
        parts.append(f"{key}={_shown(key, value)}")
        if severity == "bug" and isinstance(value, BaseException):
            parts.append(f"at={_quoted(_place(value))}")
    return " ".join(parts)


def _shown(key: str, value: object) -> str:
    if _SECRET_KEY.search(key) and not isinstance(value, bool):
        return "***"
    return _quoted(_withheld(_text(value)))


def _withheld(text: str) -> str:
    for secret in _state.secrets:
        text = text.replace(secret, "***")
    return _USERINFO.sub(r"\1:***@", text)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, (bytes, bytearray)):
        return f"{len(value)}_bytes"
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}" if str(value) else type(value).__name__
    if isinstance(value, (tuple, list, set, frozenset)):
        return ",".join(_text(item) for item in value)
    return str(value)


def _quoted(text: str) -> str:
    """text as it is where it cannot be misread, else a JSON string: no line break or escape gets through."""
    cut = text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}... ({len(text)} characters)"
    if _PLAIN.fullmatch(cut) and cut.isprintable():
        return cut
    return json.dumps(cut, ensure_ascii=not cut.isprintable())


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return " < ".join(f"{frame.name}:{frame.lineno} {Path(frame.filename).name}" for frame in frames[:-6:-1])


class _LibraryHandler(logging.Handler):
    """What comes by the standard library's logging: our own lines as they are, a library's as an event.

    intake logs that way, so that it can be used alone: its messages are `event key=value` already.
    """

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):
            error = record.exc_info[1] if record.exc_info else None
            if record.name.startswith("mailbridge."):
                _own_record(record, error)
                return
            name = "library_error" if record.levelno >= logging.ERROR else "library_warning"
            event(name, logger=record.name, message=record.getMessage(), error=error)


def _own_record(record: logging.LogRecord, error: BaseException | None) -> None:
    """A room logs "name key=%s key=%d": each value is shown like that of any other event."""
    name, _, template = str(record.msg).partition(" ")
    if name not in EVENTS:
        name, _, rest = record.getMessage().partition(" ")
        event("unknown_event", name=name, message=rest)
        return
    try:
        fields = _fields(template, record.args if isinstance(record.args, tuple) else ())
    except (TypeError, ValueError):  # a template that is no list of pairs: rather an ugly line than none
        fields = {"message": record.getMessage().partition(" ")[2]}
    event(name, **(fields if error is None else fields | {"error": error}))


def _fields(template: str, values: tuple[object, ...]) -> dict[str, Any]:
    """key -> its part of the template, filled in; what stands there without a key is called message."""
    fields: dict[str, Any] = {}
    left = list(values)
    for key, part in _PAIR.findall(template):
        count = len(_CONVERSION.findall(part))
        fields[key or "message"] = part % tuple(left[:count])
        del left[:count]
    return fields
