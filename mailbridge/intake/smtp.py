"""One SMTP connection: aiosmtpd's command loop with our limits, our replies, and DATA read in bulk.

Promises: 250 only after the commit; a recipient that is not ours is refused, so nothing is ever relayed; the
bytes given to the writer are those that came, dots unstuffed; whatever fails here, the peer hears 4xx without
a word of the cause. A peer that goes away during the commit does not undo it: the commit is shielded, and the
retry that follows has the same digest.
Fails: a connection over a limit, over its time or under its rate gets 421 and is closed, then aborted.

Traps of aiosmtpd 1.4.6 met here: 500 with the exception's text (handle_exception), 250 to every recipient
without handle_RCPT, a timeout counted from the last command even during DATA and commit, cancellation of the
handler at EOF, per-class command_size_limits that grow with each EHLO, an address parser that may raise.
"""

# ruff: noqa: N802, ARG001, ARG002 - names and arguments are aiosmtpd's
from __future__ import annotations

import asyncio
import collections
import logging
import ssl
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from typing import TYPE_CHECKING, Any, AnyStr, cast

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, Session, TLSSetupException
from aiosmtpd.smtp import Envelope as SmtpEnvelope

from mailbridge.intake import replies
from mailbridge.intake.accept import NULL_PATH, split_path
from mailbridge.intake.data import DataBuffer, Fault, count_received
from mailbridge.intake.limits import Hold
from mailbridge.model.envelope import Envelope
from mailbridge.store.inbox import Stored

if TYPE_CHECKING:
    from mailbridge.intake.server import Receiver

log = logging.getLogger("mailbridge.intake.smtp")

_CHUNK = 256 << 10
_ABORT_S = 5.0
_DRAIN_FACTOR = 4  # an oversize message is read to its end (RFC 5321 section 4.2.5), but not for ever


class Phase(Enum):
    """What the connection is doing, for its clock."""

    COMMAND = "command"
    READING = "reading"
    STORING = "storing"


class Refused(asyncio.Protocol):
    """A connection over the limit: it has been told so and hears nothing more."""


class LoginSession(Session):
    """aiosmtpd sets login_data at each login and warns that it is deprecated: no news for an admin."""

    login_data: Any = None


class SmtpConnection(SMTP):
    """One connection to a Receiver."""

    line_length_limit = 64 << 10  # of the stream's buffer; lines of DATA have their own limit
    lmtp = False

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._limits = receiver.limits
        self._phase = Phase.COMMAND
        self._peer = ""
        self._entered = False
        self._errors = 0
        self._octets = 0
        self._octets_before = 0
        self._draining = False
        self._started_s = receiver.loop.time()
        super().__init__(
            receiver.hooks,
            data_size_limit=self._limits.size_bytes,
            enable_SMTPUTF8=True,
            hostname=receiver.hostname,
            ident="LMTP" if self.lmtp else "ESMTP",
            tls_context=receiver.tls_context,
            timeout=self._limits.command_s,
            authenticator=_take_login,
            command_call_limit=self._limits.call_limits(),
            loop=receiver.loop,
        )
        # The class's own dictionary is shared by all connections and grows with each EHLO.
        self.command_size_limits = collections.defaultdict(lambda: 4096, AUTH=12288)

    # --- the connection's life

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit or refuse; after STARTTLS aiosmtpd comes here a second time."""
        if self._original_transport is None:
            peername = transport.get_extra_info("peername")
            self._peer = str(peername[0]) if isinstance(peername, tuple) else ""
            refusal = self._receiver.enter(self, self._peer)
            if refusal:
                _turn_away(cast("asyncio.Transport", transport), refusal)
                return
            self._entered = True
        super().connection_made(transport)
        if self._original_transport is None:
            assert self._handler_coroutine is not None
            self._handler_coroutine.add_done_callback(_look_at)

    def connection_lost(self, error: Exception | None) -> None:
        """Give back what the connection held; a failed handshake comes here twice."""
        if self._entered:
            self._entered = False
            self._receiver.leave(self, self._peer)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._octets += len(data)
        super().data_received(data)

    def drain(self) -> None:
        """Shutting down: an idle connection ends now, one in DATA after its reply."""
        self._draining = True
        if self._phase is Phase.COMMAND:
            self._farewell(replies.CLOSING)

    def abort(self) -> None:
        """End at once, whatever is running."""
        if self.transport is not None:
            cast("asyncio.Transport", self.transport).abort()

    def _farewell(self, reply: str) -> None:
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is None or transport.is_closing():
            return
        transport.write(reply.encode("ascii") + b"\r\n")
        transport.close()
        # close() waits until the peer has read what we wrote; a peer that does not read would hold us.
        self.loop.call_later(_ABORT_S, transport.abort)

    def _reset_timeout(self, duration: float | None = None) -> None:
        left_s = self._started_s + self._limits.session_s - self.loop.time()
        super()._reset_timeout(max(0.001, min(duration or self._limits.command_s, left_s)))

    def _timeout_cb(self) -> None:
        """The clock rang: too long without a command, too few octets of DATA, or a session too old."""
        if self._phase is Phase.STORING:
            super()._reset_timeout(1.0)  # the commit has a limit of its own
            return
        gained = self._octets - self._octets_before
        enough = gained >= self._limits.min_rate_bytes_s * self._limits.rate_window_s
        old = self.loop.time() - self._started_s >= self._limits.session_s
        if self._phase is Phase.READING and enough and gained and not old:
            self._watch_rate()
            return
        log.warning("smtp_timeout peer=%s phase=%s octets=%d", self._peer, self._phase.value, self._octets)
        self._farewell(replies.TOO_SLOW)

    def _watch_rate(self) -> None:
        self._octets_before = self._octets
        self._reset_timeout(self._limits.rate_window_s)

    # --- replies and addresses

    async def push(self, status: AnyStr) -> None:
        """Send a reply, with its enhanced status; too many refusals end the connection."""
        reply = replies.with_status(status).encode() if isinstance(status, str) else status
        await super().push(reply)
        if reply[:1] in (b"4", b"5"):
            self._errors += 1
            if self._errors > self._limits.errors:
                log.warning("smtp_errors peer=%s errors=%d", self._peer, self._errors)
                self._farewell(replies.TOO_MANY_ERRORS)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        return split_path(arg) or (None, None)

    async def smtp_VRFY(self, arg: str | None) -> None:
        """Tell nobody who exists (RFC 5321 section 7.3), and echo nothing."""
        await self.push("252 2.1.5 Cannot verify, but will take mail and try")

    # --- logging in

    def _create_session(self) -> Session:
        return LoginSession(self.loop)

    async def smtp_AUTH(self, arg: str | None) -> None:
        if self._receiver.logins is None:
            await self.push(replies.NO_LOGIN)
            return
        mechanism, blank, rest = (arg or "").partition(" ")
        await super().smtp_AUTH(mechanism.upper() + blank + rest)

    async def auth_PLAIN(self, server: Any, args: list[str]) -> AuthResult:
        return await self._verify(await super().auth_PLAIN(server, args))

    async def auth_LOGIN(self, server: Any, args: list[str]) -> AuthResult:
        return await self._verify(await super().auth_LOGIN(server, args))

    async def _verify(self, result: AuthResult) -> AuthResult:
        """Ask the checker in a thread: a password hash takes long by design."""
        if not result.success or result.auth_data is None or self._receiver.logins is None:
            return result
        try:
            login, password = (part.decode("utf-8") for part in result.auth_data)
        except UnicodeDecodeError:
            return AuthResult(success=False, handled=False)
        if await self.loop.run_in_executor(None, self._receiver.logins, login, password):
            return AuthResult(success=True, auth_data=LoginPassword(login.encode(), b""))
        log.warning("smtp_login_refused peer=%s login=%.80r", self._peer, login)
        return AuthResult(success=False, handled=False)

    def _login(self) -> str:
        data = self.session.auth_data if self.session and self.session.authenticated else None
        return data.login.decode("utf-8") if isinstance(data, LoginPassword) else ""

    # --- DATA

    async def smtp_DATA(self, arg: str | None) -> None:
        """Read to CRLF.CRLF in bulk, store, and only then answer."""
        if await self.check_helo_needed():
            return
        refusal = self._refuse_data(arg)
        if refusal:
            await self.push(refusal)
            return
        recipients = len(self._mail().rcpt_tos)
        try:
            reply = await self._receive()
        finally:
            self._phase = Phase.COMMAND
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        self._reset_timeout()
        await self._answer(reply, recipients)
        if self._draining:
            self._farewell(replies.CLOSING)

    def _refuse_data(self, arg: str | None) -> str:
        if not self._mail().rcpt_tos:
            return replies.NEED_RECIPIENT
        if arg:
            return "501 5.5.4 Syntax: DATA"
        return "" if self._receiver.gate.room(1) else replies.BUSY

    async def _answer(self, reply: str, recipients: int) -> None:
        """The reply to the message; LMTP gives it once for each recipient (RFC 2033 section 4.2)."""
        for _ in range(recipients if self.lmtp else 1):
            await self.push(reply)

    async def _receive(self) -> str:
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        buffer = DataBuffer(self._limits.size_bytes, self._limits.line_bytes)
        hold = Hold(self._receiver.gate)
        try:
            await self._read(buffer, hold)
            if buffer.fault is not None:
                log.info(
                    "refused peer=%s reply=%.9s octets=%d",
                    self._peer,
                    replies.FAULTS[buffer.fault],
                    self._octets,
                )
                return replies.FAULTS[buffer.fault]
            raw = buffer.content()
            if count_received(raw) > self._limits.received_fields:
                log.warning("loop_refused peer=%s octets=%d", self._peer, len(raw))
                return replies.LOOP
            del buffer
            return await self._store(raw, hold.hand_over())
        finally:
            hold.release()

    async def _read(self, buffer: DataBuffer, hold: Hold) -> None:
        """Feed the buffer to the end of the message. ConnectionResetError: the peer left, or never ends."""
        self._phase = Phase.READING
        self._watch_rate()
        rest: bytes | None = None
        while rest is None:
            chunk = await self._reader.read(min(_CHUNK, self._limits.line_bytes))
            if not chunk:
                raise ConnectionResetError
            rest = buffer.feed(chunk)
            if not hold.more(len(chunk)):
                buffer.give_up(Fault.NO_ROOM)
            if buffer.fault is not None:
                hold.release()
            if rest is None and buffer.seen_bytes > _DRAIN_FACTOR * self._limits.size_bytes:
                self._farewell(replies.TOO_BIG)
                raise ConnectionResetError
        # A pipelined command behind the message belongs to the command loop (RFC 2920 section 3.1).
        self._reader._buffer[:0] = rest  # type: ignore[attr-defined]

    # No properties here: aiosmtpd's __init__ evaluates all members of an instance that is not ready yet.
    def _mail(self) -> SmtpEnvelope:
        assert self.envelope is not None
        return self.envelope

    async def _store(self, raw: bytes, release: Callable[[], None]) -> str:
        """Commit and say how it went. release is called once the writer has let go of the bytes."""
        self._phase = Phase.STORING
        try:
            committed = asyncio.wrap_future(self._submit(raw))
        except Exception as error:  # noqa: BLE001 - unknown means temporary
            release()
            return self._failed(error)
        self._receiver.keep(committed, release)
        try:
            stored = await asyncio.wait_for(asyncio.shield(committed), self._limits.commit_s)
        except Exception as error:  # noqa: BLE001
            return self._failed(error)
        log.info("stored message=%d size_bytes=%d peer=%s", stored.message_id, len(raw), self._peer)
        return replies.STORED

    def _failed(self, error: Exception) -> str:
        log.error("store_failed peer=%s error=%s: %s", self._peer, type(error).__name__, error)
        return replies.for_error(error)

    def _submit(self, raw: bytes) -> Future[Stored]:
        sender = self._mail().mail_from
        envelope = Envelope(
            way=self._receiver.way,
            mail_from="" if sender == NULL_PATH else sender,
            rcpt_to=tuple(dict.fromkeys(self._mail().rcpt_tos)),
            received_at=self._receiver.clock.now(),
            peer=self._peer,
            source=self._receiver.name,
            login=self._login(),
        )
        return self._receiver.writer.submit(envelope, raw)


class Hooks:
    """aiosmtpd's handler: one for all connections of a Receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver

    async def handle_EHLO(
        self, server: SmtpConnection, session: Any, envelope: Any, hostname: str, lines: list[str]
    ) -> list[str]:
        """What we can do. AUTH only where there is somebody to log in."""
        session.host_name = hostname[:255]
        kept = [line for line in lines[:-1] if self._receiver.logins or not line.startswith("250-AUTH")]
        return [*kept, "250-PIPELINING", "250-ENHANCEDSTATUSCODES", lines[-1]]

    async def handle_MAIL(
        self, server: SmtpConnection, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Take the sender; refuse early what there is no room for."""
        sizes = [option[5:] for option in options if option.startswith("SIZE=")]
        if not self._receiver.gate.room(int(sizes[0]) if sizes else 1):
            log.warning("busy peer=%s octets=%s", server._peer, sizes[0] if sizes else "")
            return replies.BUSY
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(
        self, server: SmtpConnection, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Only what is ours; LMTP needs an entry for every RCPT that it answers with 250."""
        if len(envelope.rcpt_tos) >= self._receiver.limits.recipients:
            return replies.TOO_MANY_RECIPIENTS
        verdict = self._receiver.accept.verdict(address)
        if not verdict.ok:
            log.info("recipient_refused recipient=%.200r reply=%.9s", address, verdict.reply)
            return verdict.reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """Unknown means temporary, and the peer learns nothing of it."""
        if isinstance(error, TLSSetupException | ssl.SSLError | ConnectionError):
            log.warning("smtp_tls_failed error=%s", error.__cause__ or error)
        else:
            log.error("smtp_bug error=%s: %s", type(error).__name__, error, exc_info=error)
        return replies.TROUBLE


def _take_login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Only carries the credentials out of aiosmtpd's parser; SmtpConnection._verify decides."""
    return AuthResult(success=True, auth_data=data)


def _turn_away(transport: asyncio.Transport, reply: str) -> None:
    transport.set_protocol(Refused())
    transport.write(reply.encode("ascii") + b"\r\n")
    transport.close()


def _look_at(task: asyncio.Task[None]) -> None:
    """Retrieve what a lost connection raised, so that it is not reported as forgotten."""
    if not task.cancelled():
        task.exception()
