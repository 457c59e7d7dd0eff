"""Secrets of [imap NAME] and [relay]: read when they are needed, so that a renewed one needs no restart.

What it promises: a secret comes from one place, is told to the log so that it never shows there, and a token
program runs without a shell, for a bounded time. How it fails: ConfigInvalid with section and key, never with
the secret, for a file that cannot be read; Unavailable for a token program that gives none.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from mailbridge import log
from mailbridge.config.sections import Imap, Login
from mailbridge.errors import ConfigInvalid, Problem, Unavailable

TOKEN_S = 30
MAX_BYTES = 16_384


def section_name(login: Login) -> str:
    """The section's name as it stands in the file."""
    return f"imap {login.name}" if isinstance(login, Imap) else "relay"


def password(login: Login, source: str = "") -> str:
    """The password, or "" where the section names none. Raises ConfigInvalid."""
    if login.password_file is not None:
        secret = _read(login.password_file, section_name(login), source)
    else:
        secret = login.password
    log.keep_secret(secret)
    return secret


def token(login: Login) -> Callable[[], str] | None:
    """What gives a fresh OAuth2 access token at each login, or None. The callable raises Unavailable."""
    if not login.token_command:
        return None
    return lambda: _run(login.token_command, section_name(login))


def _read(path: Path, section: str, source: str) -> str:
    """The first line of the file: editors end it with a line break, which is no part of a password."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES).decode("utf-8")
    except OSError as error:
        raise _wrong(source, section, f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _wrong(source, section, f"{path} is not UTF-8 text") from None
    secret = text.split("\n", 1)[0].rstrip("\r")
    if not secret:
        raise _wrong(source, section, f"{path} is empty; wanted: the password on its first line")
    return secret


def _wrong(source: str, section: str, message: str) -> ConfigInvalid:
    return ConfigInvalid([Problem(source, section, "password_file", message)])


def _run(command: tuple[str, ...], section: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the admin's own program, by its whole path, without a shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TOKEN_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"[{section}] token_command: gave no token within {TOKEN_S} seconds") from None
    except OSError as error:
        raise Unavailable(f"[{section}] token_command: cannot be run: {error.strerror}") from None
    found = done.stdout[:MAX_BYTES].decode("ascii", "ignore").strip()
    if done.returncode != 0 or not found or len(found.split()) != 1:
        raise Unavailable(
            f"[{section}] token_command: exit {done.returncode}, and no token on standard output"
        )
    log.keep_secret(found)
    return found
