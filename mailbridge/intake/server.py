"""The listeners of SMTP and LMTP: where connections arrive, what they share, how they end.

Promises: `start` returns when every address is bound; `close` refuses new commands with 421 4.3.2, lets
running DATA and commits finish, then aborts what is left after drain_s. All in one event loop, without
aiosmtpd's Controller, which runs a loop in a thread of its own and connects to itself.
Fails: `start` raises errors.Unavailable naming the address that cannot be bound, with nothing left open.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext

from mailbridge.clock import Clock, SystemClock
from mailbridge.errors import Unavailable
from mailbridge.intake import replies
from mailbridge.intake.accept import Accept
from mailbridge.intake.limits import Gate, Limits
from mailbridge.intake.lmtp import LmtpConnection
from mailbridge.intake.ports import Stored, Writer
from mailbridge.intake.smtp import Hooks, SmtpConnection
from mailbridge.intake.tls import Certificate
from mailbridge.model.envelope import Way

log = logging.getLogger("mailbridge.intake.server")
_BACKLOG = 200


@dataclass(frozen=True, slots=True)
class Listen:
    """host and port ("" or "*" is every interface), or path: a Unix socket with its mode and group id."""

    host: str = ""
    port: int = 0
    path: Path | None = None
    mode: int = 0o660
    group_id: int = -1

    def __str__(self) -> str:
        return str(self.path) if self.path else f"{self.host or '*'}:{self.port}"


class Receiver:
    """An SMTP (or, with way=Way.LMTP, an LMTP) server on any number of addresses."""

    def __init__(
        self,
        writer: Writer,
        accept: Accept,
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        hostname: str = "",
        certificate: Certificate | None = None,
        logins: Callable[[str, str], bool] | None = None,
        way: Way = Way.SMTP,
        name: str = "",
    ) -> None:
        """logins: checks (login, password) in a thread; None offers no AUTH. name: Envelope.source."""
        self.writer = writer
        self.accept = accept
        self.clock = clock or SystemClock()
        self.limits = limits or Limits()
        self.hostname = hostname or socket.gethostname()
        self.logins = logins
        self.way = way
        self.name = name or way.value
        self.gate = Gate(self.limits)
        self.hooks = Hooks(self)
        self.addresses: list[tuple[str, int]] = []
        self._certificate = certificate
        self._servers: list[asyncio.Server] = []
        self._paths: list[Path] = []
        self._connections: set[SmtpConnection] = set()
        self._commits: set[asyncio.Future[Stored]] = set()
        self._closing = False

    async def start(self, listen: Iterable[Listen] = (), sockets: Sequence[socket.socket] = ()) -> None:
        """Bind and serve in the running loop. sockets are already bound (systemd socket activation)."""
        self.loop = asyncio.get_running_loop()
        try:
            for place in listen:
                await self._bind(place)
            for bound in sockets:
                self._served(await self.loop.create_server(self._connection, sock=bound, backlog=_BACKLOG))
        except Unavailable:
            await self.close(0)
            raise

    async def close(self, drain_s: float = 30.0) -> None:
        """Stop: no new connections, 421 to new commands, running DATA to its end, the rest cut."""
        self._closing = True
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.drain()
        await self._until_quiet(drain_s)
        for connection in list(self._connections):
            connection.abort()
        for path in self._paths:
            path.unlink(missing_ok=True)
        self._servers, self._paths = [], []

    def reload_certificate(self) -> None:
        """Use the renewed certificate for STARTTLS from now on. Raises as Certificate.reload."""
        if self._certificate is not None:
            self._certificate.reload()

    @property
    def tls_context(self) -> SSLContext | None:
        return self._certificate.context if self._certificate else None

    # --- what a connection asks

    def enter(self, connection: SmtpConnection, peer: str) -> str:
        """ "" for a connection that may stay, else the reply that turns it away."""
        if self._closing:
            return replies.CLOSING
        if not self.gate.enter(peer):
            log.warning("connection_refused peer=%s connections=%d", peer, self.gate.connections)
            return replies.CROWDED
        self._connections.add(connection)
        return ""

    def leave(self, connection: SmtpConnection, peer: str) -> None:
        self._connections.discard(connection)
        self.gate.leave(peer)

    def keep(self, commit: asyncio.Future[Stored], release: Callable[[], None]) -> None:
        """Hold on to a commit, even if its connection goes, and release its bytes when it is settled."""
        self._commits.add(commit)

        def settled(future: asyncio.Future[Stored]) -> None:
            self._commits.discard(future)
            release()
            if not future.cancelled():
                future.exception()

        commit.add_done_callback(settled)

    # --- listening

    def _connection(self) -> SmtpConnection:
        return LmtpConnection(self) if self.way is Way.LMTP else SmtpConnection(self)

    async def _bind(self, place: Listen) -> None:
        try:
            if place.path is not None:
                await self._bind_path(place, place.path)
                return
            host = None if place.host in ("", "*") else place.host.strip("[]")
            self._served(await self.loop.create_server(self._connection, host, place.port, backlog=_BACKLOG))
        except OSError as error:
            raise Unavailable(f"cannot listen on {place}: {error.strerror or error}") from error

    async def _bind_path(self, place: Listen, path: Path) -> None:
        if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
            raise Unavailable(f"cannot listen on {path}: a file that is no socket stands there")
        server = await self.loop.create_unix_server(self._connection, str(path), backlog=_BACKLOG)
        path.chmod(place.mode)
        if place.group_id >= 0:
            os.chown(path, -1, place.group_id)
        self._paths.append(path)
        self._served(server)

    def _served(self, server: asyncio.Server) -> None:
        self._servers.append(server)
        for bound in server.sockets:
            name = bound.getsockname()
            if isinstance(name, tuple):
                self.addresses.append((name[0], name[1]))
            log.info("listening way=%s address=%s", self.way.value, name)

    async def _until_quiet(self, drain_s: float) -> None:
        """Wait for connections and commits to end, at most drain_s."""
        ends = self.loop.time() + drain_s
        while (self._connections or self._commits) and self.loop.time() < ends:
            await asyncio.sleep(0.02)
