"""The relay client: hands finished mail to the next mail server and says what became of each recipient.

Promises: deliver never raises for anything that a server or the network does; each recipient is accepted,
temporary or permanent with the server's code and text; what was not foreseen is temporary. A mail is accepted
only after the server's 250 to the final dot (RFC 5321 section 4.2.5): a connection lost before that is
temporary, and the second try carries the same Message-ID. A refused login, a refused TLS or a refused sender
says nothing of the mail, so it stays queued while the admin mends the configuration. A password is never
sent in clear to another machine.

Why smtplib, not aiosmtplib: the worker is a plain thread that hands over one mail after the other on one
connection; nothing would be awaited at the same time, and the standard library has every step as a call.

Not safe to share between threads: one Relay a thread.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import TracebackType
from typing import Self

from mailbridge.errors import Permanent, Unavailable
from mailbridge.mail.compose import ascii_domain, needs_smtputf8
from mailbridge.outgoing.session import RelaySettings, connect

_MOST_MAILS = 100  # a connection; common servers close after as many
# Codes of class 5 that speak of the session (syntax, sequence, login), not of the mail or the recipient.
_SESSION_CODES = frozenset({500, 502, 503, 504, 530, 534, 535, 538})
_LOGIN_CODES = frozenset({454, 530, 534, 535, 538})  # RFC 4954 section 6
_LOST = (OSError, smtplib.SMTPException, EOFError)  # ssl.SSLError and timeouts are OSError


class Outcome(StrEnum):
    """What became of one recipient."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"


@dataclass(frozen=True, slots=True)
class RecipientResult:
    """One recipient's answer; code 0 where no server spoke. text is one line, bounded."""

    address: str
    outcome: Outcome
    code: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try at handing a mail over.

    relay_response: the server's words to the final dot. relay_id: the id that it reports in them, or "": a
    Message-ID in angle brackets where the relay gives the mail a new one, else its queue id.
    sender_refused: the envelope sender was what it refused, so another one may do (some relays refuse "<>").
    trouble: "login" or "tls" where it was not the mail that failed but what an admin must mend first.
    """

    recipients: tuple[RecipientResult, ...]
    relay_response: str = ""
    relay_id: str = ""
    sender_refused: bool = False
    trouble: str = ""

    @property
    def accepted(self) -> tuple[str, ...]:
        """Recipients for whom the relay now answers."""
        return tuple(one.address for one in self.recipients if one.outcome is Outcome.ACCEPTED)

    @property
    def temporary(self) -> tuple[str, ...]:
        """Recipients to try again."""
        return tuple(one.address for one in self.recipients if one.outcome is Outcome.TEMPORARY)

    @property
    def permanent(self) -> tuple[RecipientResult, ...]:
        """Recipients that will not have it, and why."""
        return tuple(one for one in self.recipients if one.outcome is Outcome.PERMANENT)


class Relay:
    """A connection to the relay, opened when first needed and kept for the mails that follow."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._server: smtplib.SMTP | None = None
        self._mails = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check(self) -> str:
        """Connect and log in; the server's greeting words. Raises Unavailable with one sentence."""
        where = f"the relay {self._settings.host}:{self._settings.port}"
        try:
            server = self._connection()
        except _LOST as error:
            raise Unavailable(f"{where} cannot be used: {_said(error)[1]}") from error
        return _one_line(server.ehlo_resp or b"")

    def deliver(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> Delivery:
        """Hand raw over for recipients. mail_from "" is the null sender (MAIL FROM:<>).

        raw is sent as it is, save that bare CR and LF become CRLF (a bare one invites SMTP smuggling).
        """
        try:
            return self._deliver(mail_from, list(recipients), _crlf(raw))
        except Exception as error:  # noqa: BLE001 - unforeseen means temporary, never a bounce
            self._drop()
            code, text = _said(error)
            # words of our own machine, not of a server: they must say whom it could not reach
            where = "" if code else f"{self._settings.host}:{self._settings.port}: "
            failed = _all(recipients, Outcome.TEMPORARY, code, where + text)
            return replace(failed, trouble=_trouble(error))

    def close(self) -> None:
        """Say QUIT and close; never raises."""
        server, self._server = self._server, None
        if server is not None:
            with contextlib.suppress(*_LOST):
                server.quit()
            server.close()

    def _deliver(self, mail_from: str, recipients: list[str], raw: bytes) -> Delivery:
        faults = {address: _wrong(address) for address in recipients}
        unusable = [_result(address, Outcome.PERMANENT, 0, why) for address, why in faults.items() if why]
        good = [address for address, why in faults.items() if not why]
        if not good:
            return Delivery(tuple(unusable))
        server = self._fresh()
        self._mails += 1
        options, refusal = _mail_options(server, mail_from, good, raw)
        if refusal:
            return _join(unusable, _all(good, Outcome.PERMANENT, *refusal))
        code, text = server.mail(_path(mail_from), options)
        if code != 250:
            self._reset(code)
            return _join(unusable, _sender_refused(good, code, text))
        return _join(unusable, self._recipients_and_data(server, good, raw))

    def _recipients_and_data(self, server: smtplib.SMTP, recipients: list[str], raw: bytes) -> Delivery:
        refused, taken = [], []
        for address in recipients:
            code, text = server.rcpt(_path(address))
            if code in (250, 251):
                taken.append(address)
            else:
                refused.append(_result(address, _verdict(code, at_recipient=True), code, text))
            if code == 421:  # RFC 5321 section 3.8: it closes now
                raise smtplib.SMTPResponseException(code, text)
        if not taken:
            self._reset(250)
            return Delivery(tuple(refused))
        code, text = _data(server, raw)
        outcome = Outcome.ACCEPTED if code == 250 else _verdict(code)
        if code != 250:
            self._reset(code)
        return Delivery(
            (*refused, *(_result(address, outcome, code, text) for address in taken)),
            relay_response=_one_line(text),
            relay_id=_relay_id(_one_line(text)) if code == 250 else "",
        )

    def _fresh(self) -> smtplib.SMTP:
        """The open connection if it still answers, else a new one. Raises what smtplib raises."""
        if self._server is not None and self._mails < _MOST_MAILS:
            with contextlib.suppress(*_LOST):
                if self._server.rset()[0] == 250:
                    return self._server
        if self._server is not None:
            self.close()
        return self._connection()

    def _connection(self) -> smtplib.SMTP:
        if self._server is None:
            self._server, self._mails = connect(self._settings), 0
        return self._server

    def _reset(self, code: int) -> None:
        """Make ready for the next mail; a 421 or a failing RSET ends the connection."""
        if self._server is None:
            return
        try:
            if code == 421 or self._server.rset()[0] != 250:
                self._drop()
        except _LOST:
            self._drop()

    def _drop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()


def _data(server: smtplib.SMTP, raw: bytes) -> tuple[int, bytes]:
    """The reply to the final dot, or the one that refused DATA itself."""
    try:
        return server.data(raw)
    except smtplib.SMTPDataError as error:
        words = error.smtp_error
        return error.smtp_code, words if isinstance(words, bytes) else words.encode()


def _mail_options(
    server: smtplib.SMTP, mail_from: str, recipients: list[str], raw: bytes
) -> tuple[list[str], tuple[int, str] | None]:
    """Parameters of MAIL FROM, or why the server cannot take this mail at all."""
    options = []
    limit = server.esmtp_features.get("size", "")
    if server.has_extn("size"):
        if limit.isdigit() and 0 < int(limit) < len(raw):
            return [], (552, f"5.3.4 the mail has {len(raw)} bytes, the relay takes {limit}")
        options.append(f"size={len(raw)}")
    header = raw.partition(b"\r\n\r\n")[0]
    if not header.isascii() or needs_smtputf8([_path(mail_from), *map(_path, recipients)]):
        if not server.has_extn("smtputf8"):
            return [], (550, "5.6.7 an address is not ASCII, and the relay has no SMTPUTF8")
        options.append("SMTPUTF8")
        server.command_encoding = "utf-8"
    else:
        server.command_encoding = "ascii"
    if not raw.isascii() and server.has_extn("8bitmime"):
        options.append("BODY=8BITMIME")
    return options, None


def _path(address: str) -> str:
    """address for the envelope, its domain in ASCII; "" stays the null sender."""
    return ascii_domain(address) if address else ""


def _wrong(address: str) -> str:
    try:
        return "" if ascii_domain(address) else "no address"
    except Permanent as error:
        return str(error)


def _verdict(code: int, *, at_recipient: bool = False) -> Outcome:
    """What a refusing code means. 552 to RCPT is "too many recipients" (RFC 5321 section 4.5.3.1.10)."""
    if not 500 <= code <= 599 or code in _SESSION_CODES or (at_recipient and code == 552):
        return Outcome.TEMPORARY
    return Outcome.PERMANENT


def _sender_refused(recipients: Sequence[str], code: int, text: bytes) -> Delivery:
    """MAIL FROM was refused: for its size for good; else it is our sender, which an admin can mend."""
    outcome = Outcome.PERMANENT if code == 552 else Outcome.TEMPORARY
    refused = 500 <= code <= 599 and code != 552 and code not in _SESSION_CODES
    results = tuple(_result(address, outcome, code, text) for address in recipients)
    return Delivery(results, relay_response=_one_line(text), sender_refused=refused)


def _said(error: BaseException) -> tuple[int, str]:
    """Code and words of a failure."""
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code, _one_line(error.smtp_error)
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib wraps it
        return 0, "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return 0, _one_line(error.strerror)
    return 0, _one_line(str(error)) or type(error).__name__


def _trouble(error: BaseException) -> str:
    """Whether the login or TLS failed: the next mail would fail just so."""
    if isinstance(error, ssl.SSLError) or "STARTTLS" in str(error):
        return "tls"
    refused = isinstance(error, smtplib.SMTPResponseException) and error.smtp_code in _LOGIN_CODES
    return "login" if refused or "AUTH" in str(error) or "password" in str(error) else ""


def _all(recipients: Sequence[str], outcome: Outcome, code: int, text: str) -> Delivery:
    return Delivery(tuple(_result(address, outcome, code, text) for address in recipients))


def _result(address: str, outcome: Outcome, code: int, text: bytes | str) -> RecipientResult:
    return RecipientResult(address, outcome, code, _one_line(text))


def _join(results: Sequence[RecipientResult], delivery: Delivery) -> Delivery:
    return Delivery(
        (*results, *delivery.recipients),
        delivery.relay_response,
        delivery.relay_id,
        delivery.sender_refused,
    )


def _one_line(text: bytes | str) -> str:
    """A server's words as one bounded, printable line: they end in logs and in notices."""
    words = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:500]


def _relay_id(response: str) -> str:
    """The id in a server's 250: "<...@...>", "queued as X", "id=X", or the "Ok X" of Amazon SES, which puts
    it into the Message-ID that the customer sees."""
    forms = (
        r"(<[^<>\s@]+@[^<>\s@]+>)",
        r"queued as ([\w.-]+)",
        r"\bid[= ]([\w.-]+)",
        r"^(?:2\.\d\.\d )?ok:? ([\w.-]{12,})$",
    )
    for form in forms:
        if match := re.search(form, response, re.IGNORECASE):
            return match.group(1)
    return ""


def _crlf(raw: bytes) -> bytes:
    """raw with CRLF as its only line end."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
