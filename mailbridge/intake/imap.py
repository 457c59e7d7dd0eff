"""The life of one IMAP mailbox: connect, look, wait (IDLE, with polling behind it), again; a thread each.

Promises: never gives up and never hurries: each failure is followed by a wait that doubles, with jitter, up
to backoff_most_s; each socket operation has a timeout; `stop` ends it within a moment, even while it waits. A
message is in the store before anything is done to it in the mailbox.
Fails: never out of `run`; what went wrong is logged, and `trouble` tells it to a health check.

Traps: EXISTS is told once, with the answer to any command or in one segment with IDLE's continuation, so both
places are looked at before a wait; `idle_check` on a dead connection returns [] at once, for ever, so every
round ends with DONE and its answer, where EOF shows; without timeouts a read hangs; IDLE notifications get
lost, in TLS buffers too, so every round ends with a look; an XOAUTH2 refusal is a continuation that wants an
empty line; Exchange punishes reconnecting in a loop.
"""

from __future__ import annotations

import imaplib
import logging
import secrets
import socket
import ssl
import threading
from collections.abc import Callable

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientError, LoginError

from mailbridge.clock import Clock, SystemClock
from mailbridge.errors import MailbridgeError
from mailbridge.intake.imap_config import Mailbox
from mailbridge.intake.imap_sync import Sync
from mailbridge.intake.ports import Inbox

log = logging.getLogger("mailbridge.intake.imap")

_LOGIN_REFUSED_S = 60.0  # a refused login tried again at once locks accounts


class ImapIntake:
    """Watches one mailbox. Run `run` in a thread of its own; call `stop` from any other."""

    def __init__(
        self,
        mailbox: Mailbox,
        inbox: Inbox,
        clock: Clock | None = None,
        *,
        on_stored: Callable[[], None] | None = None,
    ) -> None:
        """on_stored: a hint that there is work, after each look that stored something."""
        self.mailbox = mailbox
        self.trouble = ""
        self._inbox = inbox
        self._clock = clock or SystemClock()
        self._on_stored = on_stored
        self._stopping = threading.Event()
        self._client: IMAPClient | None = None
        self._failures = 0

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopping.is_set():
            try:
                self._session()
            except Exception as error:  # noqa: BLE001 - a mailbox thread must outlive whatever a server does
                if not self._stopping.is_set():
                    self._stopping.wait(self._note(error))
            finally:
                self._client = None

    def stop(self) -> None:
        """End the thread soon, waking it from IDLE or a read."""
        self._stopping.set()
        client = self._client
        if client is not None:
            try:
                # The plain socket's shutdown: the TLS one would take its object from the reading thread.
                socket.socket.shutdown(client.socket(), socket.SHUT_RDWR)
            except (OSError, AttributeError):
                log.debug("imap_stop mailbox=%s already closed", self.mailbox.name)

    def look_once(self) -> int:
        """Connect, take what is new, log out. For a first run or a check by hand. Raises what goes wrong."""
        client = connect(self.mailbox)
        try:
            return Sync(client, self.mailbox, self._inbox, self._clock).look()
        finally:
            _leave(client)

    def _session(self) -> None:
        client = self._client = connect(self.mailbox)
        try:
            sync = Sync(client, self.mailbox, self._inbox, self._clock)
            again = False
            while not self._stopping.is_set():
                taken = sync.look()
                if taken and self._on_stored:
                    self._on_stored()
                self.trouble = ""
                # Some servers repeat EXISTS with each answer: no third look after a second in vain.
                again = _came_meanwhile(client) and (taken > 0 or not again)
                if again:
                    continue
                self._wait(client)
                # Only now: a server that hangs up on every IDLE must meet a growing wait.
                self._failures = 0
        finally:
            _leave(client)

    def _wait(self, client: IMAPClient) -> None:
        """Until something happens in the mailbox, or it is time to look anyway."""
        if not (self.mailbox.idle and client.has_capability("IDLE")):
            self._stopping.wait(self.mailbox.poll_s)
            return
        client.idle()
        if not _lies_in_buffer(client):
            client.idle_check(timeout=min(self.mailbox.idle_renew_s, self.mailbox.poll_s))
        client.idle_done()

    def _note(self, error: Exception) -> float:
        """Log the failure; how long to wait before the next try, in seconds."""
        self.trouble = f"{type(error).__name__}: {error}"[:300]
        self._failures += 1
        expected = isinstance(error, OSError | imaplib.IMAP4.error | IMAPClientError | MailbridgeError)
        log.error(
            "imap_failed mailbox=%s failures=%d error=%s",
            self.mailbox.name,
            self._failures,
            self.trouble,
            exc_info=None if expected else error,
        )
        least = _LOGIN_REFUSED_S if isinstance(error, LoginError) else self.mailbox.backoff_first_s
        wait_s = min(self.mailbox.backoff_most_s, least * 2 ** min(self._failures - 1, 20))
        return float(wait_s * secrets.SystemRandom().uniform(0.5, 1.0))


def _came_meanwhile(client: IMAPClient) -> bool:
    """Whether EXISTS was told again since the folder was selected: IDLE will not repeat it."""
    _, told = client._imap.response("EXISTS")
    return len(told) > 1


def _lies_in_buffer(client: IMAPClient) -> bool:
    """Whether news came in one segment with IDLE's continuation: no poll of the socket would show them."""
    sock, imap = client.socket(), client._imap
    sock.settimeout(0)
    try:
        return bool((getattr(imap, "_file", None) or imap.file).peek(1))  # _file: since Python 3.14
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    finally:
        sock.settimeout(client._timeout.read if client._timeout else None)


def connect(mailbox: Mailbox) -> IMAPClient:
    """A connection that is logged in. Raises OSError, ssl.SSLError, LoginError, IMAPClientError."""
    context = ssl.create_default_context(cafile=str(mailbox.ca_file) if mailbox.ca_file else None)
    client = IMAPClient(
        mailbox.host,
        mailbox.port,
        ssl=mailbox.tls == "tls",
        ssl_context=context if mailbox.tls == "tls" else None,
        timeout=SocketTimeout(connect=mailbox.connect_s, read=mailbox.read_s),
    )
    client.normalise_times = False  # naive local times would skip or repeat an hour on DST nights
    try:
        if mailbox.tls == "starttls":
            client.starttls(context)  # raises where it is not offered: no silent downgrade
        _log_in(client, mailbox)
    except BaseException:
        _leave(client)
        raise
    return client


def _log_in(client: IMAPClient, mailbox: Mailbox) -> None:
    if mailbox.token is not None:
        _xoauth2(client, mailbox.user, mailbox.token())
        return
    secret = mailbox.password
    client.login(mailbox.user, secret() if callable(secret) else secret)


def _xoauth2(client: IMAPClient, user: str, token: str) -> None:
    """XOAUTH2 with an empty answer to the refusal's continuation; never log what goes over the wire here."""
    first = [f"user={user}\x01auth=Bearer {token}\x01\x01".encode()]
    try:
        client._imap.authenticate("XOAUTH2", lambda _: first.pop() if first else b"")
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise LoginError(f"XOAUTH2 refused for {user}: {error}"[:300]) from None
    client._cached_capabilities = None


def _leave(client: IMAPClient) -> None:
    """Close without waiting for a server that may be gone."""
    try:
        client.shutdown()
    except (OSError, imaplib.IMAP4.error, IMAPClientError):
        log.debug("imap_close failed")
