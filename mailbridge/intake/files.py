"""Messages from files for `ingest`: an RFC 5322 file, a Maildir, an mbox, a folder of .eml, standard input.

Promises: yields one message at a time, so a mailbox of any size needs the memory of its biggest message; the
bytes are those of the file, line ends included. Of an mbox two things are taken back that its writer added:
the "From " line with the blank line before the next one, and one ">" of each ">From " line, the mboxrd way
(an mboxo file, which most programs write, comes out right too, but for a line that began with ">From " in the
original). A "From " or ">From " line at the top of a single file is transport junk, not a header, and goes.
Fails: a file that cannot be read or is too big comes as a Found with problem, and the rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_LINE = 1 << 20
# A body line that begins with "From " after a blank line is told from a separator by its time of day.
_FROM = re.compile(rb"From \S+.* \d{1,2}:\d{2}.*\d{4}")
_QUOTED_FROM = re.compile(rb">+From ")
SIZE_LIMIT = 100 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """One message, or one problem. name is the path as given, with ":n" for the nth message of an mbox."""

    name: str
    raw: bytes = b""
    problem: str = ""


def read_paths(paths: Iterable[Path], size_limit_bytes: int = SIZE_LIMIT) -> Iterator[Found]:
    """The messages of files and folders, in order; folders sorted by name. Raises nothing."""
    for path in paths:
        try:
            yield from _read_path(path, size_limit_bytes)
        except OSError as error:
            yield Found(str(path), problem=f"cannot be read: {error.strerror or error}")


def read_stream(stream: BinaryIO, name: str = "-", size_limit_bytes: int = SIZE_LIMIT) -> Iterator[Found]:
    """The message, or the mbox, on a stream such as standard input. Raises OSError."""
    first = _first_line(stream)
    if first.startswith(b"From "):
        yield from _split(stream, name, size_limit_bytes)
        return
    whole = bytearray(b"" if first.startswith(b">From ") else first)
    while len(whole) <= size_limit_bytes and (chunk := stream.read(_LINE)):
        whole += chunk
    yield _found(name, whole, size_limit_bytes)


def _read_path(path: Path, size_limit_bytes: int) -> Iterator[Found]:
    if not path.is_dir():
        with path.open("rb") as stream:
            yield from read_stream(stream, str(path), size_limit_bytes)
        return
    files = _maildir(path) if (path / "cur").is_dir() else sorted(path.rglob("*.[eE][mM][lL]"))
    for file in files:
        yield from _read_one(file, size_limit_bytes)


def _maildir(path: Path) -> list[Path]:
    """Files of new and cur; tmp is half-written by definition, and dot files are the server's own."""
    found = [file for part in ("new", "cur") if (path / part).is_dir() for file in (path / part).iterdir()]
    return sorted(
        (file for file in found if not file.name.startswith(".")), key=lambda file: (file.name, str(file))
    )


def _read_one(file: Path, size_limit_bytes: int) -> Iterator[Found]:
    """One file of a folder is one message, whatever its first line looks like."""
    try:
        if not file.is_file():
            return
        with file.open("rb") as stream:
            first = _first_line(stream)
            whole = bytearray(b"" if first.startswith((b"From ", b">From ")) else first)
            whole += stream.read(max(0, size_limit_bytes + 1 - len(whole)))
        yield _found(str(file), whole, size_limit_bytes)
    except OSError as error:
        yield Found(str(file), problem=f"cannot be read: {error.strerror or error}")


def _first_line(stream: BinaryIO) -> bytes:
    """The first line; a stray byte order mark before it stays, for it is what arrived."""
    return stream.readline(_LINE)


def _found(name: str, whole: bytearray, size_limit_bytes: int) -> Found:
    if len(whole) > size_limit_bytes:
        return Found(name, problem=f"bigger than {size_limit_bytes} bytes")
    return Found(name, bytes(whole)) if whole else Found(name, problem="empty")


def _split(stream: BinaryIO, name: str, size_limit_bytes: int) -> Iterator[Found]:
    """The messages of an mbox whose first "From " line has been read."""
    message, number, blank, starts = bytearray(), 1, False, True
    while line := stream.readline(_LINE):
        if starts and blank and _FROM.match(line):
            yield _found(f"{name}:{number}", _without_separator(message), size_limit_bytes)
            message, number, blank = bytearray(), number + 1, False
            continue
        blank = starts and not line.strip(b"\r\n")
        if starts and _QUOTED_FROM.match(line):
            if not message:
                continue
            line = line[1:]
        starts = line.endswith(b"\n")
        if len(message) <= size_limit_bytes:
            message += line
    if not blank or message.strip():
        yield _found(f"{name}:{number}", _without_separator(message) if blank else message, size_limit_bytes)


def _without_separator(message: bytearray) -> bytearray:
    """Without the blank line that an mbox has between messages."""
    for end in (b"\r\n", b"\n"):
        if message.endswith(end):
            return message[: -len(end)]
    return message
