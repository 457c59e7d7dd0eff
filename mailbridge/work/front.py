"""The intake process: SMTP and LMTP in one event loop, the writer, a thread a mailbox, the spool, the bell.

Promises: nothing here parses a message; what is taken is committed first. The listening sockets belong to the
master, so that connections wait while this process is started again. Told to stop, it takes no new commands,
ends running DATA and commits, then ends. Told to reload, it reads the certificates again.
Fails by ConfigInvalid for a certificate or a secret that cannot be read: its master starts it again later.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Mapping, Sequence

from mailbridge import log
from mailbridge.config import Config, Imap
from mailbridge.config.credentials import password, token
from mailbridge.errors import ConfigInvalid
from mailbridge.intake.accept import Accept
from mailbridge.intake.imap import ImapIntake
from mailbridge.intake.imap_config import Mailbox
from mailbridge.intake.limits import Limits
from mailbridge.intake.logins import Logins
from mailbridge.intake.server import Receiver
from mailbridge.intake.spool import Spool, SpoolIntake
from mailbridge.intake.tls import Certificate
from mailbridge.model.envelope import Way
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.writer import Writer
from mailbridge.work.process import Start
from mailbridge.work.schedule import Bellringer

INTAKES = ("smtp", "lmtp", "imap", "spool", "scheduler")
MEBIBYTE = 1 << 20
_BEAT_S = 1.0
Sockets = Mapping[str, Sequence[socket.socket]]


def intake(start: Start, config: Config, roles: frozenset[str], sockets: Sockets) -> None:
    """Main of the intake process. sockets: those bound for "smtp" and "lmtp"."""
    # the master has told where we listen; the receiver would tell it anew at each start
    server_log = logging.getLogger("mailbridge.intake.server")
    server_log.addFilter(lambda record: not record.getMessage().startswith("listening"))
    asyncio.run(_Front(start, config, roles).run(sockets))


class _Front:
    def __init__(self, start: Start, config: Config, roles: frozenset[str]) -> None:
        self._start = start
        self._config = config
        self._roles = roles
        self._receivers: list[Receiver] = []
        self._stops: list[Callable[[], None]] = []
        self._threads: list[threading.Thread] = []

    async def run(self, sockets: Sockets) -> None:
        store = Store.of(self._config.store, urgent=True)
        writer = self._writer(store)
        try:
            for way in ("smtp", "lmtp"):
                if way in self._roles and sockets.get(way):
                    receiver = self._receiver(way, writer)
                    await receiver.start(sockets=list(sockets[way]))
                    self._receivers.append(receiver)
            self._watch_mailboxes(store, writer)
            self._start.ready()
            await self._until_told()
        finally:
            await self._end(writer, store)

    def _writer(self, store: Store) -> Writer:
        smtp = self._config.smtp
        in_flight = smtp.bytes_in_flight_mb if smtp else 256
        reserve = self._config.store.reserve_mb * MEBIBYTE
        ring = self._start.ring("worker")
        return Writer(store, max_bytes=in_flight * MEBIBYTE, reserve_bytes=reserve, on_stored=ring)

    def _receiver(self, way: str, writer: Writer) -> Receiver:
        config = self._config
        return Receiver(
            writer,
            Accept.of(config.site.own_addresses),
            limits=limits_of(config, way),
            hostname=config.site.host_name,
            certificate=certificate_of(config) if way == "smtp" else None,
            logins=logins_of(config) if way == "smtp" else None,
            way=Way(way),
        )

    def _watch_mailboxes(self, store: Store, writer: Writer) -> None:
        """One thread a mailbox, one for the spool, one for the bell."""
        config, ring = self._config, self._start.ring("worker")
        for section in config.imap if "imap" in self._roles else ():
            watcher = ImapIntake(mailbox_of(config, section), Inbox(store), on_stored=ring)
            self._thread(f"imap-{section.name}", watcher.run, watcher.stop)
        spool = spool_of(config) if "spool" in self._roles else None
        if spool is not None:
            looker = SpoolIntake(spool, writer, on_stored=ring)
            self._thread("spool", looker.run, looker.stop)
        if "scheduler" in self._roles:
            bell = Bellringer(config, store, ring)
            bell.start()
            self._stops.append(bell.stop)

    def _thread(self, name: str, run: Callable[[], None], stop: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)
        self._stops.append(stop)

    async def _until_told(self) -> None:
        """Until the master says stop. The beat comes out of the serving loop: one that hangs is silent."""
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        line = self._start.line
        loop.add_reader(line.fileno(), told.set)
        while not line.stopped:
            if line.heard() == "reload":
                self._reload()
            if all(thread.is_alive() for thread in self._threads):
                self._start.hand.beat()
            told.clear()
            try:
                await asyncio.wait_for(told.wait(), _BEAT_S)
            except TimeoutError:
                continue
        loop.remove_reader(line.fileno())

    def _reload(self) -> None:
        for receiver in self._receivers:
            try:
                receiver.reload_certificate()
            except ConfigInvalid as error:
                log.event("reload_refused", error=error)
        log.event("certificate_reloaded")

    async def _end(self, writer: Writer, store: Store) -> None:
        for stop in self._stops:
            stop()
        drain_s = max(0.5, self._config.worker.stop_s * 0.8)
        await asyncio.gather(*(receiver.close(drain_s) for receiver in self._receivers))
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, writer.close)
        for thread in self._threads:
            await loop.run_in_executor(None, thread.join, 5.0)
        store.close()


def limits_of(config: Config, way: str) -> Limits:
    """The limits of a listener by its section."""
    if way == "lmtp" and config.lmtp is not None:
        lmtp = config.lmtp
        return Limits(
            size_bytes=lmtp.max_size_mb * MEBIBYTE,
            connections=lmtp.max_connections,
            connections_per_peer=lmtp.max_connections,  # all of them come from this machine's mail server
            recipients=lmtp.max_recipients,
            command_s=float(lmtp.timeout_s),
        )
    smtp = config.smtp
    assert smtp is not None
    return Limits(
        size_bytes=smtp.max_size_mb * MEBIBYTE,
        connections=smtp.max_connections,
        connections_per_peer=smtp.max_connections_per_peer,
        recipients=smtp.max_recipients,
        errors=smtp.max_errors,
        in_flight_bytes=smtp.bytes_in_flight_mb * MEBIBYTE,
        command_s=float(smtp.timeout_s),
        min_rate_bytes_s=float(smtp.min_rate_bytes_s),
    )


def certificate_of(config: Config) -> Certificate | None:
    """The certificate of [smtp], or None. Raises ConfigInvalid where it cannot be loaded."""
    smtp = config.smtp
    return Certificate(smtp.cert, smtp.key) if smtp is not None and smtp.cert is not None else None


def logins_of(config: Config) -> Logins | None:
    """Who may log in to [smtp], or None. Raises ConfigInvalid where the file has a wrong line."""
    smtp = config.smtp
    return Logins(smtp.logins) if smtp is not None and smtp.logins is not None else None


def mailbox_of(config: Config, section: Imap) -> Mailbox:
    """The mailbox as [imap NAME] describes it; its secret is read anew at each login."""
    return Mailbox(
        name=section.name,
        host=section.host,
        user=section.user,
        address=config.mailbox_address(section),
        port=section.port,
        tls=section.tls,
        password=lambda: password(section, config.source),
        token=token(section),
        folder=section.folder,
        after=section.after,
        move_to=section.move_to,
        poll_s=float(section.poll_s),
        idle=section.idle,
        first=section.first,
        answer_within_s=section.answer_hours * 3600.0,
        size_limit_bytes=section.max_size_mb * MEBIBYTE,
        read_s=float(section.timeout_s),
        ca_file=section.ca,
        plain_login=section.plain_login,
    )


def spool_of(config: Config) -> Spool | None:
    """The watched spool of [voicemail], or None."""
    section = config.voicemail
    if section is None or section.spool is None:
        return None
    return Spool(
        folder=section.spool,
        address=config.site.support[0].address,
        move_to=section.spool_move_to if section.spool_after == "move" else None,
        size_limit_bytes=section.max_mb * MEBIBYTE,
    )
