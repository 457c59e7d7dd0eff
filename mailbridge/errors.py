"""What can fail, as a tree. Each error is one sentence for a person; its class says who acts.

    MailbridgeError          exit 75  anything foreseen; unknown means temporary
    +-- Temporary            exit 75  try again later: nothing is lost (SMTP 451)
    |   +-- StoreUnavailable exit 75  the database cannot be reached or is locked
    |   +-- StoreFull        exit 75  the disk is (nearly) full (SMTP 452)
    |   +-- Busy             exit 75  too much in flight (SMTP 451 4.3.1)
    +-- Unavailable          exit 69  a service that the command needs is not there
    |   +-- SchemaUnknown    exit 69  the database was made by a newer mailbridge
    +-- Permanent            exit 65  the input itself is wrong: only this may refuse
    |   +-- NotFound         exit 65  no such case, message, model
    +-- CannotWrite          exit 73  an output file or folder cannot be made
    +-- ConfigInvalid        exit 78  carries every Problem found, not only the first

Exit codes are those of sysexits.h.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a configuration: where it stands, what stands there, and what would be accepted."""

    source: str
    section: str
    key: str
    message: str

    def __str__(self) -> str:
        place = f"[{self.section}] {self.key}".strip() if self.key else f"[{self.section}]"
        return f"{self.source}: {place}: {self.message}" if self.section else f"{self.source}: {self.message}"


class MailbridgeError(Exception):
    """Root of what mailbridge foresees."""

    exit_code = 75


class Temporary(MailbridgeError):  # noqa: N818 - the name is the verdict
    """Try again later; nothing is lost."""


class StoreUnavailable(Temporary):
    """The database cannot be reached, or stayed locked."""


class StoreFull(Temporary):
    """No room on the disk, or less than the configured reserve."""


class Busy(Temporary):
    """The limit of bytes or messages in flight is reached."""


class Unavailable(MailbridgeError):  # noqa: N818
    """A service that a command needs (model, relay, IMAP) is not there."""

    exit_code = 69


class SchemaUnknown(Unavailable):
    """The database has a schema that this mailbridge does not know, since a newer one made it."""


class Permanent(MailbridgeError):  # noqa: N818
    """The input is wrong and will stay wrong."""

    exit_code = 65


class NotFound(Permanent):
    """No such case, message, policy or model."""


class CannotWrite(MailbridgeError):  # noqa: N818
    """An output cannot be written."""

    exit_code = 73


class ConfigInvalid(MailbridgeError):  # noqa: N818
    """The configuration or policy is wrong; problems holds every mistake found."""

    exit_code = 78

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
