"""The sections of the site configuration as frozen models: every key, its form, its default.

What it promises: a value here has been read and is in range; what two keys say of each other is checked by
conflicts(), which yields (key, sentence) pairs so that all of them are told at once. Units are in the names
(_s seconds, _mb mebibytes, _days days). Secrets do not show in repr. config.example.ini tells the keys to
people; a test holds the two together. Nothing here opens a file.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mailbridge.config import forms, places
from mailbridge.config.places import Endpoint
from mailbridge.model.message import Address

Conflict = tuple[str, str]
Secret = Annotated[str, forms.line("one line of text", 4096)]
OptionalPath = Annotated[Path | None, places.path]
Addresses = tuple[Address, ...]


class Section(BaseModel):
    """Frozen, no unknown keys, and text of a secret never in an error."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
        populate_by_name=True,
    )

    def conflicts(self) -> Iterator[Conflict]:
        """What is wrong between keys that are right each for itself."""
        yield from ()


class Site(Section):
    """[site]: who we are, to whom we belong, what we promise."""

    name: Annotated[str, forms.line("the name of the desk, such as Example Support", 100)]
    support: Annotated[Addresses, forms.addresses("the addresses that customers write to")]
    escalation: Annotated[Addresses, forms.addresses("the addresses for escalations", none=True)]
    staff: Annotated[Addresses, forms.addresses("the addresses of the people who answer")]
    policy: Annotated[str, forms.line("the name of a shipped policy or the path of a policy file", 1000)]
    state: Annotated[Path, places.path] = Path("/var/lib/mailbridge")
    admins: Annotated[Addresses, forms.addresses("the addresses of the people who run it", none=True)] = ()
    hostname: Annotated[str, places.host] = ""
    zone: Annotated[str, forms.zone] = ""
    language: Annotated[str, forms.language] = ""
    templates: OptionalPath = None
    subject_tag: Annotated[str, forms.subject_tag] = "[#{number}]"
    reply_token: Annotated[Literal["auto", "plus", "plain"], forms.choice("auto", "plus", "plain")] = "auto"  # noqa: S105
    staff_proof: Annotated[tuple[str, ...], forms.choices("token", "dkim", "login")] = ("token", "login")
    trusted_authserv: Annotated[tuple[str, ...], forms.words("a comma list of host names")] = ()
    duplicate_window_s: Annotated[int, forms.whole(0, 86_400, "seconds")] = 600
    region: Annotated[str, forms.region] = "US"
    retention_days: Annotated[int, forms.whole(0, 36_500, "days")] = 0
    ignored_retention_days: Annotated[int, forms.whole(0, 36_500, "days")] = 90
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], forms.choice("debug", "info", "warning", "error")
    ] = "info"

    @property
    def host_name(self) -> str:
        """The configured host name, or this machine's."""
        return self.hostname or socket.gethostname()

    @property
    def sender(self) -> Address:
        """The address that our mail comes from: the first support address, under the desk's name."""
        first = self.support[0]
        return Address(first.name or self.name, first.address)

    @property
    def own_addresses(self) -> frozenset[str]:
        """Keys of all addresses that we receive for."""
        return frozenset(address.key for address in (*self.support, *self.escalation))

    def conflicts(self) -> Iterator[Conflict]:
        support = {address.key for address in self.support}
        for address in self.escalation:
            if address.key in support:
                yield "escalation", f"{address.address} is a support address too; it can be one of them only"
        for key, people in (("staff", self.staff), ("admins", self.admins)):
            for address in people:
                if address.key in self.own_addresses:
                    # mail to staff would come in again as a customer's
                    yield key, f"{address.address} is an address that mailbridge receives for: that is a loop"


class Store(Section):
    """[store]: the database, the one durable queue."""

    url: Annotated[str, places.url] = Field(default="", repr=False)
    reserve_mb: Annotated[int, forms.whole(0, 1_000_000, "mebibytes")] = 200
    pool_size: Annotated[int, forms.whole(2, 200)] = 5
    timeout_s: Annotated[int, forms.whole(1, 600, "seconds")] = 30

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database, or None."""
        return places.sqlite_path(self.url)

    @property
    def shown_url(self) -> str:
        """The URL for logs and people, without its password."""
        before, at, after = self.url.rpartition("@")
        head, colon, _ = before.rpartition(":") if before.count(":") > 1 else (before, "", "")
        return f"{head}{colon and ':***'}{at}{after}".partition("?")[0]


class Smtp(Section):
    """[smtp]: mail straight from the senders' servers."""

    listen: Annotated[
        tuple[Endpoint, ...],
        places.endpoints("a comma list of host:port, such as 0.0.0.0:25, [::]:25 or *:25"),
    ]
    cert: OptionalPath = None
    key: OptionalPath = None
    max_size_mb: Annotated[int, forms.whole(1, 1000, "mebibytes")] = 50
    max_connections: Annotated[int, forms.whole(1, 100_000)] = 200
    max_connections_per_peer: Annotated[int, forms.whole(1, 100_000)] = 20
    max_recipients: Annotated[int, forms.whole(1, 10_000)] = 100
    max_errors: Annotated[int, forms.whole(1, 1000)] = 10
    timeout_s: Annotated[int, forms.whole(5, 3600, "seconds")] = 600
    min_rate_bytes_s: Annotated[int, forms.whole(0, 1_000_000, "bytes a second")] = 100
    bytes_in_flight_mb: Annotated[int, forms.whole(1, 100_000, "mebibytes")] = 256
    logins: OptionalPath = None

    def conflicts(self) -> Iterator[Conflict]:
        if not self.listen:
            yield "listen", "names no place to listen on; wanted: host:port, such as 0.0.0.0:25"
        if self.key is not None and self.cert is None:
            yield "cert", "is missing, though a key is given; wanted: the path of the certificate (PEM)"
        if self.logins is not None and self.cert is None:
            yield "logins", "needs cert: a password is taken over TLS only"
        if self.bytes_in_flight_mb < self.max_size_mb:
            yield (
                "bytes_in_flight_mb",
                f"{self.bytes_in_flight_mb} is less than max_size_mb ({self.max_size_mb})",
            )
        if self.max_connections_per_peer > self.max_connections:
            yield "max_connections_per_peer", f"is more than max_connections ({self.max_connections})"


class Lmtp(Section):
    """[lmtp]: mail from a mail server on this machine."""

    listen: Annotated[
        tuple[Endpoint, ...],
        places.endpoints("unix:/path/of/socket or host:port, such as 127.0.0.1:24", unix=True),
    ]
    mode: Annotated[int, forms.mode] = 0o660
    group: Annotated[str, forms.line("a group of this machine, such as postfix", 32)] = ""
    max_size_mb: Annotated[int, forms.whole(1, 1000, "mebibytes")] = 50
    max_connections: Annotated[int, forms.whole(1, 100_000)] = 100
    max_recipients: Annotated[int, forms.whole(1, 10_000)] = 100
    timeout_s: Annotated[int, forms.whole(5, 3600, "seconds")] = 600

    def conflicts(self) -> Iterator[Conflict]:
        if not self.listen:
            yield "listen", "names no place to listen on; wanted: unix:/path or host:port"


def is_loopback(host: str) -> bool:
    """Whether host is this machine for certain."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Login(Section):
    """What [imap NAME] and [relay] share: a server, how it is protected, how one logs in."""

    host: Annotated[str, places.host]
    user: Annotated[str, forms.line("the login name", 500)] = ""
    password: Secret = Field(default="", repr=False)
    password_file: OptionalPath = None
    token_command: Annotated[tuple[str, ...], places.command] = Field(default=(), repr=False)
    ca: OptionalPath = None
    timeout_s: Annotated[int, forms.whole(1, 3600, "seconds")] = 60
    plain_login: Annotated[bool, forms.yes_no] = False

    @property
    def credentials(self) -> tuple[str, ...]:
        """The keys by which a secret is given; one at most in a valid section."""
        keys = ("password", "password_file", "token_command")
        return tuple(key for key in keys if getattr(self, key))

    def login_conflicts(self, tls: str) -> Iterator[Conflict]:
        if len(self.credentials) > 1:
            yield self.credentials[1], f"stands beside {self.credentials[0]}; wanted: one of them only"
        if self.credentials and not self.user:
            yield "user", f"is missing, though {self.credentials[0]} is given"
        if self.credentials and tls == "none" and not is_loopback(self.host) and not self.plain_login:
            yield "tls", "none would send the password over the network in clear; wanted: tls or starttls"


class Imap(Login):
    """[imap NAME]: a mailbox that is polled. name is the NAME of the section."""

    name: str
    tls: Annotated[Literal["tls", "starttls", "none"], forms.choice("tls", "starttls", "none")] = "tls"
    port: Annotated[int, forms.whole(1, 65_535)] = 993
    user: Annotated[str, forms.line("the login name", 500)]
    folder: Annotated[str, forms.line("a folder's name", 500)] = "INBOX"
    address: Annotated[str, forms.line("the mail address that the mailbox belongs to", 254)] = ""
    after: Annotated[Literal["flag", "move", "leave"], forms.choice("flag", "move", "leave")] = "flag"
    move_to: Annotated[str, forms.line("a folder's name", 500)] = "Processed"
    poll_s: Annotated[int, forms.whole(1, 86_400, "seconds")] = 60
    idle: Annotated[bool, forms.yes_no] = True
    first: Annotated[Literal["all", "new"], forms.choice("all", "new")] = "all"
    answer_hours: Annotated[int, forms.whole(0, 8760, "hours")] = 24
    max_size_mb: Annotated[int, forms.whole(1, 1000, "mebibytes")] = 100

    @model_validator(mode="before")
    @classmethod
    def _port_by_tls(cls, data: Any) -> Any:
        if isinstance(data, dict) and "port" not in data and str(data.get("tls", "tls")).lower() != "tls":
            return {**data, "port": 143}
        return data

    def conflicts(self) -> Iterator[Conflict]:
        if not self.credentials:
            yield "password_file", "is missing; wanted: one of password_file, password, token_command"
        yield from self.login_conflicts(self.tls)
        if self.after == "move" and self.move_to.lower() == self.folder.lower():
            yield "move_to", f"{self.move_to!r} is the folder that is read; wanted: another one"
        if self.address and not forms.is_address(self.address):
            yield "address", f"{self.address!r} is no mail address"


class Relay(Login):
    """[relay]: the server that takes our mail. tls auto is none for this machine, starttls for any other."""

    tls: Annotated[
        Literal["auto", "none", "starttls", "tls"], forms.choice("auto", "none", "starttls", "tls")
    ] = "auto"
    port: Annotated[int, forms.whole(1, 65_535)] = 0
    give_up_days: Annotated[int, forms.whole(1, 30, "days")] = 5

    @model_validator(mode="before")
    @classmethod
    def _settle(cls, data: Any) -> Any:
        """Put what auto means, and the port that goes with it (RFC 8314: 465 for TLS, 587 for STARTTLS)."""
        if not isinstance(data, dict):
            return data
        tls = str(data.get("tls", "auto")).lower()
        if tls == "auto":
            tls = "none" if is_loopback(str(data.get("host", ""))) else "starttls"
        port = {"none": 25, "starttls": 587, "tls": 465}.get(tls, 25)
        return {"port": port, **data, "tls": tls}

    def conflicts(self) -> Iterator[Conflict]:
        if self.user and not self.credentials:
            yield "password_file", "is missing, though user is given"
        yield from self.login_conflicts(self.tls)


class VoicemailRule(Section):
    """[voicemail-rule NAME]: mail of a telephone system that no shipped rule knows. Patterns are globs.

    All keys that are given must match, and an audio file must be attached.
    """

    name: str
    sender: Annotated[str, forms.line("a pattern for the From address, such as *@pbx.example")] = ""
    subject: Annotated[str, forms.line("a pattern for the subject, such as New voice message*")] = ""
    header: Annotated[tuple[str, str] | None, forms.header_match] = None

    def conflicts(self) -> Iterator[Conflict]:
        if not (self.sender or self.subject or self.header):
            yield "sender", "is missing; wanted: at least one of sender, subject, header"


class Voicemail(Section):
    """[voicemail]: recordings and their transcripts."""

    model: OptionalPath = None
    models: Annotated[tuple[tuple[str, Path], ...], places.models] = ()
    spool: OptionalPath = None
    spool_after: Annotated[Literal["leave", "move"], forms.choice("leave", "move")] = "leave"
    spool_move_to: OptionalPath = None
    processes: Annotated[int, forms.whole(1, 64)] = 1
    timeout_s: Annotated[int, forms.whole(5, 86_400, "seconds")] = 600
    memory_mb: Annotated[int, forms.whole(0, 1_000_000, "mebibytes")] = 0
    max_seconds: Annotated[int, forms.whole(1, 86_400, "seconds")] = 600
    max_mb: Annotated[int, forms.whole(1, 1000, "mebibytes")] = 25
    region: Annotated[str, forms.region] = ""
    retention_days: Annotated[int, forms.whole(0, 36_500, "days")] = 0
    transcript_retention_days: Annotated[int, forms.whole(0, 36_500, "days")] = 0
    names: Annotated[tuple[str, ...], forms.names("a comma list of names that callers say")] = ()
    link_senders: Annotated[tuple[str, ...], forms.senders("a comma list of addresses or domains")] = ()
    rules: tuple[VoicemailRule, ...] = ()

    def conflicts(self) -> Iterator[Conflict]:
        if self.spool_after == "move" and self.spool_move_to is None:
            yield "spool_move_to", "is missing, though spool_after is move; wanted: the path of a folder"
        if self.models and self.model is None:
            yield "model", "is missing, though models is given; wanted: the model of all other languages"


class Worker(Section):
    """[worker]: the processes that parse, decide and deliver. processes 0: one less than the cores."""

    processes: Annotated[int, forms.whole(0, 256)] = 0
    poll_s: Annotated[float, forms.decimal(0.05, 60, "seconds")] = 1.0
    lease_s: Annotated[int, forms.whole(10, 86_400, "seconds")] = 300
    max_attempts: Annotated[int, forms.whole(1, 1000)] = 12
    message_timeout_s: Annotated[int, forms.whole(1, 3600, "seconds")] = 60
    memory_mb: Annotated[int, forms.whole(128, 1_000_000, "mebibytes")] = 1024
    stop_s: Annotated[int, forms.whole(1, 600, "seconds")] = 30

    def conflicts(self) -> Iterator[Conflict]:
        if self.lease_s <= self.message_timeout_s:
            # a lease that ends while its holder still works gives the job to a second worker
            yield "lease_s", f"{self.lease_s} is not more than message_timeout_s ({self.message_timeout_s})"


class Governor(Section):
    """[governor]: most automatic answers, so that nothing of ours can become a flood. 0 is no limit."""

    per_address_per_hour: Annotated[int, forms.whole(0, 1_000_000)] = 10
    per_domain_per_hour: Annotated[int, forms.whole(0, 1_000_000)] = 100
    overall_per_hour: Annotated[int, forms.whole(0, 10_000_000)] = 1000
    shared_domains: Annotated[tuple[str, ...], forms.words("a comma list of domains")] = (
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "yahoo.com",
        "icloud.com",
        "aol.com",
        "gmx.net",
        "gmx.de",
        "web.de",
        "proton.me",
        "protonmail.com",
    )
