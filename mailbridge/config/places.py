"""How places are read: paths, hosts, where to listen, databases, programs.

What it promises and how it fails: as config.forms. A relative path starts at the folder of the configuration.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator

from mailbridge.config.forms import CONTROLS, form, is_address, is_domain, read_language, split_list


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to listen: host and port (host "" is every interface, port 0 a free one), or a Unix socket."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    @property
    def of_this_machine(self) -> bool:
        """Whether only programs of this machine can reach it."""
        if self.path is not None or self.host == "localhost":
            return True
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return False

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        host = self.host or "*"
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


def _path(value: str, base: Path) -> Path:
    if CONTROLS.search(value):
        raise ValueError("a control character or a line break is in it")
    return base / value


path = form("a path; a relative one starts where the configuration file lies", _path)


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError(f"{text!r} is no port")
    return int(text)


def read_endpoint(text: str, base: Path = Path(), *, unix: bool = False) -> Endpoint:
    """'0.0.0.0:25', '[::]:25', '*:25', 'mail.example:25'; with unix also 'unix:/run/mailbridge/lmtp'.

    Raises ValueError with the reason.
    """
    if text.startswith("unix:"):
        if not unix or len(text) == 5:
            raise ValueError("a Unix socket is for LMTP only" if not unix else "the path is missing")
        # sun_path holds 108 bytes with its NUL (unix(7)); a longer one fails only when the daemon starts
        socket = base / text[5:]
        if len(str(socket).encode()) > 107:
            raise ValueError("the path is longer than 107 bytes, more than a Unix socket can have")
        return Endpoint(path=socket)
    host, colon, port = text.rpartition(":")
    if not colon:
        raise ValueError(f"{text!r} names no port")
    if host.startswith("[") and host.endswith("]"):
        return Endpoint(str(ip_address(host[1:-1])), _port(port))
    if ":" in host:
        raise ValueError("an IPv6 address stands in square brackets: [::1]:25")
    if host != "*" and not is_domain(host):
        raise ValueError(f"{host!r} is no host")
    return Endpoint("" if host == "*" else host, _port(port))


def endpoints(wanted: str, *, unix: bool = False) -> BeforeValidator:
    """A comma list of places to listen on."""

    def read(value: str, base: Path) -> tuple[Endpoint, ...]:
        found = tuple(read_endpoint(item, base, unix=unix) for item in split_list(value))
        if len(set(found)) < len(found):
            raise ValueError("one of them stands there twice")
        return found

    return form(wanted, read)


def _host(value: str, _: Path) -> str:
    bare = value.removeprefix("[").removesuffix("]")
    if ":" in bare:
        return str(ip_address(bare))
    if not is_domain(value):
        raise ValueError("the port has a key of its own" if ":" in value else "")
    return value


host = form("a host name or an IP address", _host)


def _command(value: str, _: Path) -> tuple[str, ...]:
    found = tuple(shlex.split(value))
    if not found or not Path(found[0]).is_absolute():
        raise ValueError("the program is named by its whole path: no shell looks for it")
    return found


command = form("a program by its whole path, with its arguments", _command, secret=True)


def database_url(value: str, base: Path) -> str:
    """A database URL in the one spelling that the store opens; the path of an SQLite file made absolute."""
    parts = urlsplit(value)
    if parts.scheme in ("sqlite", "sqlite+pysqlite"):
        return _sqlite_url(value, base)
    if parts.scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        _check_netloc(parts)
        if len(parts.path) < 2:
            raise ValueError("the name of the database is missing")
        return "postgresql+psycopg:" + value.partition(":")[2]
    raise ValueError(f"{parts.scheme!r} is no kind of database known here" if parts.scheme else "no URL")


def _check_netloc(parts: SplitResult) -> None:
    """Own words: those of urllib repeat what may be half of a password."""
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("the port is no number; in a password / is written %2F and @ %40") from None


def _sqlite_url(value: str, base: Path) -> str:
    rest = value.partition(":")[2]
    if not rest.startswith("///") or rest[3:].partition("?")[0] in ("", ":memory:"):
        raise ValueError("an SQLite database is a file here: what is only in memory is lost")
    name, mark, query = rest[3:].partition("?")
    return f"sqlite:///{base / name}{mark}{query}"


def sqlite_path(url: str) -> Path | None:
    """The file of an SQLite URL made by database_url, or None for another database."""
    if not url.startswith("sqlite:///"):
        return None
    return Path(url[len("sqlite:///") :].partition("?")[0])


url = form(
    "sqlite:////path/to/file.db or postgresql://user:password@host/database", database_url, secret=True
)


def _model_items(value: str, base: Path) -> Iterator[tuple[str, Path]]:
    for item in split_list(value):
        code, colon, place = (part.strip() for part in item.partition(":"))
        if not colon or not place:
            raise ValueError(f"{item!r} is no 'language: path'")
        yield _whose(code, base), _path(place, base)


def _whose(code: str, base: Path) -> str:
    """A language, the number of a telephone mailbox, or one of our addresses, in lower case."""
    if (code.isascii() and code.isdigit()) or is_address(code):
        return code.lower()
    return read_language(code, base)


def _models(value: str, base: Path) -> tuple[tuple[str, Path], ...]:
    found = tuple(_model_items(value, base))
    if len({code for code, _ in found}) < len(found):
        raise ValueError("a language or mailbox stands there twice")
    return found


models = form(
    "a comma list of 'language: path of a model', such as 'de: /srv/models/vosk-model-small-de-0.15';"
    " a telephone mailbox (200) or an address may stand for the language",
    _models,
)
