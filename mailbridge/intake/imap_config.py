"""One IMAP mailbox as configured: where it is, how to log in, what to do with what was taken.

Promises: frozen, checked when made; secrets do not show in repr. Fails by ValueError, one sentence, for a
password that would cross the network in clear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

Secret = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """name: the NAME of [imap NAME], key of its cursor. address: whom its mail is for (Envelope.rcpt_to).

    password and token are asked at each connection, so that a renewed secret needs no restart; token is an
    OAuth2 access token for XOAUTH2. after: "flag" sets the keyword `flag`, "move" moves to move_to, "delete"
    removes, "leave" touches nothing. first: take what lies there at the first run ("all"), or only what comes
    ("new"). answer_within_s: what is older than this at the first run, or after a UIDVALIDITY change, is
    taken without an acknowledgement. size_limit_bytes: a bigger message is taken up to here, and stays in the
    mailbox. batch_bytes: most octets of messages held at once (one bigger message is held alone).
    """

    name: str
    host: str
    user: str
    address: str
    port: int = 993
    tls: Literal["tls", "starttls", "none"] = "tls"
    password: str | Secret = field(default="", repr=False)
    token: Secret | None = field(default=None, repr=False)
    folder: str = "INBOX"
    after: Literal["flag", "move", "leave", "delete"] = "flag"
    flag: str = "$Mailbridge"
    move_to: str = "Processed"
    poll_s: float = 60.0
    idle: bool = True
    idle_renew_s: float = 540.0
    first: Literal["all", "new"] = "all"
    answer_within_s: float = 86400.0
    batch_messages: int = 100
    batch_bytes: int = 16 << 20
    piece_bytes: int = 8 << 20
    size_limit_bytes: int = 100 << 20
    connect_s: float = 15.0
    read_s: float = 60.0
    backoff_first_s: float = 1.0
    backoff_most_s: float = 300.0
    ca_file: Path | None = None
    plain_login: bool = False

    def __post_init__(self) -> None:
        if self.tls == "none" and not self.plain_login and not _is_loopback(self.host):
            raise ValueError(f"mailbox {self.name}: tls none would send the password to {self.host} in clear")
        if "#" in self.name:
            raise ValueError(
                f"mailbox {self.name}: a name has no '#', which marks the further cursors of a mailbox"
            )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
