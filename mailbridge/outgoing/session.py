"""A connection to the relay, up to the point where mail can be handed over: connect, TLS, login.

Promises: TLS is never skipped where it is configured, certificates are verified unless the settings say not
to, and a password never goes in clear to another machine. Fails: OSError (ssl.SSLError and timeouts among
them) or smtplib.SMTPException.
"""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Tls(StrEnum):
    """How the connection is protected: not, by STARTTLS (RFC 3207), or from the first byte (RFC 8314)."""

    NONE = "none"
    STARTTLS = "starttls"
    IMPLICIT = "tls"


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Where the relay is and how to log in.

    token: gives an OAuth2 access token for XOAUTH2, asked at each login; it goes before password. ca: PEM
    file of the authorities to trust instead of the system's. timeout_s: for each step (connect, each reply).
    """

    host: str
    port: int = 25
    tls: Tls = Tls.NONE
    user: str = ""
    password: str = field(default="", repr=False)
    token: Callable[[], str] | None = field(default=None, repr=False)
    ca: str = ""
    verify: bool = True
    timeout_s: float = 60.0
    hostname: str = ""  # what EHLO says; "" for this machine's name


def connect(settings: RelaySettings) -> smtplib.SMTP:
    """A connection past EHLO, TLS and login. Raises OSError or smtplib.SMTPException."""
    name = settings.hostname or None
    server: smtplib.SMTP
    if settings.tls is Tls.IMPLICIT:
        server = smtplib.SMTP_SSL(
            settings.host,
            settings.port,
            name,
            timeout=settings.timeout_s,
            context=_tls_context(settings),
        )
    else:
        server = smtplib.SMTP(settings.host, settings.port, name, timeout=settings.timeout_s)
    try:
        server.ehlo_or_helo_if_needed()
        if settings.tls is Tls.STARTTLS:
            _start_tls(server, settings)
        _log_in(server, settings)
    except BaseException:
        server.close()
        raise
    return server


def _start_tls(server: smtplib.SMTP, settings: RelaySettings) -> None:
    """STARTTLS or nothing: a relay that stops offering it may be somebody in between (RFC 3207 section 6)."""
    if not server.has_extn("starttls"):
        raise smtplib.SMTPNotSupportedError("it offers no STARTTLS, and tls = starttls asks for it")
    code, text = server.starttls(context=_tls_context(settings))
    if code != 220:
        raise smtplib.SMTPResponseException(code, text)
    server.ehlo()


def _tls_context(settings: RelaySettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca or None)
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _log_in(server: smtplib.SMTP, settings: RelaySettings) -> None:
    """XOAUTH2, PLAIN or LOGIN, as the settings and the server allow."""
    if not settings.user:
        return
    if settings.tls is Tls.NONE and not _is_near(server):
        raise smtplib.SMTPNotSupportedError("a password goes to another machine only under TLS: set tls")
    offered = server.esmtp_features.get("auth", "").upper().split()
    server.user, server.password = settings.user, settings.password
    if settings.token is not None:
        bearer = f"user={settings.user}\x01auth=Bearer {settings.token()}\x01\x01"
        # A refusal comes as a 334 with JSON; the answer to it is an empty line, then comes the 535.
        server.auth("XOAUTH2", lambda challenge=None: bearer if challenge is None else "")
    elif "PLAIN" in offered:
        server.auth("PLAIN", server.auth_plain)
    elif "LOGIN" in offered:
        server.auth("LOGIN", server.auth_login)
    else:
        raise smtplib.SMTPNotSupportedError("it offers neither AUTH PLAIN nor AUTH LOGIN")


def _is_near(server: smtplib.SMTP) -> bool:
    """Whether the peer is this machine."""
    peer = server.sock.getpeername() if server.sock is not None else ("",)
    try:
        return ipaddress.ip_address(str(peer[0]).partition("%")[0]).is_loopback
    except ValueError:
        return server.sock is not None and server.sock.family == getattr(socket, "AF_UNIX", None)
