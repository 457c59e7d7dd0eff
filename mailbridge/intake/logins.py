"""The file of staff logins for SMTP AUTH: who may log in, and a checker for the listener.

A line is `address:scrypt$N$R$P$SALT$KEY` (RFC 7914; salt and key in base64), as `mailbridge login` prints it;
empty lines and lines that start with "#" are comments. A colon cannot stand in a hash, so the address ends at
the last one.
Promises: the file holds no password; an unknown address takes as long as a wrong password, so that nobody
learns from the clock who works here; a file that has changed is read again at the next login, and a broken
one lets in nobody that the last good one did not. Parameters are bounded: a line cannot ask for all memory.
Fails by ConfigInvalid naming file and line; a checker fails never: it answers yes or no.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from mailbridge.errors import ConfigInvalid, Problem

log = logging.getLogger("mailbridge.intake.logins")
# 16 MiB and some 50 ms a try: five tries a connection are no way to fill a machine
COST_N, COST_R, COST_P = 1 << 14, 8, 1
SALT_BYTES = KEY_BYTES = 16
MAX_MEMORY = 64 << 20
MAX_PASSWORD_BYTES = 1024
MAX_FILE_BYTES = 1 << 20
_FORM = "wanted: address:scrypt$..., as `mailbridge login ADDRESS` prints it"


@dataclass(frozen=True, slots=True)
class Hash:
    """One scrypt hash with its own parameters, so that they can be raised without new passwords."""

    n: int
    r: int
    p: int
    salt: bytes = field(repr=False)
    key: bytes = field(repr=False)

    def matches(self, password: str) -> bool:
        """Whether the password is the one, in constant time."""
        octets = password.encode("utf-8", "surrogatepass")
        if len(octets) > MAX_PASSWORD_BYTES:
            return False
        return hmac.compare_digest(_scrypt(octets, self), self.key)

    def __str__(self) -> str:
        salt, key = (base64.b64encode(part).decode("ascii") for part in (self.salt, self.key))
        return f"scrypt${self.n}${self.r}${self.p}${salt}${key}"


def _scrypt(password: bytes, like: Hash) -> bytes:
    return hashlib.scrypt(
        password, salt=like.salt, n=like.n, r=like.r, p=like.p, maxmem=MAX_MEMORY, dklen=len(like.key)
    )


def make_hash(password: str) -> Hash:
    """A new hash under a new salt. Raises ValueError for an empty or an oversized password."""
    octets = password.encode("utf-8")
    if not 0 < len(octets) <= MAX_PASSWORD_BYTES:
        raise ValueError(f"a password has 1 to {MAX_PASSWORD_BYTES} bytes")
    blank = Hash(COST_N, COST_R, COST_P, secrets.token_bytes(SALT_BYTES), bytes(KEY_BYTES))
    return Hash(blank.n, blank.r, blank.p, blank.salt, _scrypt(octets, blank))


def read_hash(text: str) -> Hash:
    """The hash of its written form. Raises ValueError."""
    name, *numbers, salt, key = text.split("$") if text.count("$") == 5 else [""] * 6
    if name != "scrypt" or not all(number.isascii() and number.isdigit() for number in numbers):
        raise ValueError(_FORM)
    n, r, p = (int(number[:9]) for number in numbers)
    bounded = n > 1 and n & (n - 1) == 0 and 0 < r <= 64 and 0 < p <= 16
    if not bounded or 128 * r * (n + p + 2) > MAX_MEMORY:
        raise ValueError(f"the parameters {n}, {r}, {p} are out of range")
    try:
        octets = [base64.b64decode(part, validate=True) for part in (salt, key)]
    except (binascii.Error, ValueError):
        raise ValueError(_FORM) from None
    if not (8 <= len(octets[0]) <= 64 and 16 <= len(octets[1]) <= 64):
        raise ValueError("the hash is cut short or too long")
    return Hash(n, r, p, octets[0], octets[1])


def read_logins(path: Path) -> dict[str, Hash]:
    """The hashes of the file by address, lower case. Raises ConfigInvalid with every wrong line."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_FILE_BYTES).decode("utf-8")
    except OSError as error:
        raise ConfigInvalid([_problem(path, 0, f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigInvalid([_problem(path, 0, "is not UTF-8 text")]) from None
    found: dict[str, Hash] = {}
    problems: list[Problem] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        address, _, written = line.strip().rpartition(":")
        key = address.strip().lower()
        try:
            if "@" not in key:
                raise ValueError(_FORM)
            if key in found:
                raise ValueError("the address stands in the file twice")
            found[key] = read_hash(written.strip())
        except ValueError as error:
            problems.append(_problem(path, number, str(error)))
    if problems:
        raise ConfigInvalid(problems)
    return found


def _problem(path: Path, line: int, message: str) -> Problem:
    # never the line itself: a password may stand in it by mistake
    return Problem(f"{path}:{line}" if line else str(path), "smtp", "logins", message)


class Logins:
    """Checks (login, password) against the file; safe to call from several threads."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigInvalid where the file cannot be read or a line is wrong."""
        self._path = path
        self._lock = Lock()
        self._nobody = make_hash(secrets.token_hex())
        self._read_at = self._stamp()
        self._hashes = read_logins(path)

    def __call__(self, login: str, password: str) -> bool:
        """Whether this login has this password. Never raises."""
        self._renew()
        known = self._hashes.get(login.strip().lower())
        right = (known or self._nobody).matches(password)
        return known is not None and right

    def _stamp(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)

    def _renew(self) -> None:
        """Read a changed file: somebody who has left must be shut out without a restart."""
        with self._lock:
            stamp = self._stamp()
            if stamp == self._read_at:
                return
            self._read_at = stamp
            try:
                self._hashes = read_logins(self._path)
            except ConfigInvalid as error:
                for problem in error.problems:
                    log.error("logins_unreadable reason=%r", str(problem))  # noqa: TRY400 - the sentence says it all
