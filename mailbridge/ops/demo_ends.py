"""The foreign ends of the demo, on loopback: an IMAP server, a relay that catches all, a loop to run them in.

The IMAP server is pymap in a process of its own that ends when ours does, however ours ends. Fails:
Unavailable with one sentence where a part does not start.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any, TypeVar

from aiosmtpd.smtp import SMTP

from mailbridge.errors import Unavailable

IMAP_USER, IMAP_PASSWORD = "support", "demo"
START_WAIT_S = 15.0
STEP_S = 20.0  # for one step of the loop or one dialog: far beyond what loopback needs
T = TypeVar("T")

# Its standard input is a pipe from us: when we are gone, killed or not, the pipe ends and so does the server.
_PYMAP = """
import os, sys, threading
def follow():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=follow, daemon=True).start()
from pymap.main import main
main()
"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that the relay was given: envelope and content."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    message: Message

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"] or "").strip()

    @property
    def subject(self) -> str:
        return " ".join(str(self.message["Subject"]).split())


class Caught:
    """The relay's other side: keeps what it was given; on_mail hears of each."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.on_mail: Callable[[Mail], None] | None = None

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802
        """aiosmtpd's hook, by its name."""
        mail = Mail(
            envelope.mail_from.strip("<>"), tuple(envelope.rcpt_tos), message_from_bytes(envelope.content)
        )
        self.mails.append(mail)
        if self.on_mail is not None:
            self.on_mail(mail)
        return f"250 2.0.0 Ok: queued as {len(self.mails):08X}"


class Loop:
    """An asyncio loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="demo-loop", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it there and wait for its result."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(STEP_S)

    def close(self) -> None:
        """End the connections that are open, then the loop."""
        with contextlib.suppress(Exception):
            self.run(_cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def missing_part() -> None:
    """Raise Unavailable where a library that only the demo needs, or the recogniser's, is not there."""
    for name in ("pymap", "vosk"):
        if importlib.util.find_spec(name) is None:
            raise Unavailable(
                f"the demo needs the package {name}, which is missing; install mailbridge again"
            )


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free now, all different."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@contextlib.contextmanager
def relay_server(loop: Loop, caught: Caught, port: int) -> Iterator[None]:
    """A relay at port that gives everything to caught."""

    def serve() -> SMTP:
        return SMTP(caught, hostname="relay.example", enable_SMTPUTF8=True, loop=loop.loop)

    async def bind() -> asyncio.Server:
        return await loop.loop.create_server(serve, "127.0.0.1", port)

    try:
        server = loop.run(bind())
    except OSError as error:
        raise Unavailable(f"the demo's relay cannot listen on 127.0.0.1:{port}: {error.strerror}") from error
    try:
        yield
    finally:
        loop.loop.call_soon_threadsafe(server.close)


@contextlib.contextmanager
def imap_server(port: int) -> Iterator[Callable[[], None]]:
    """pymap with one empty mailbox in memory; gives a function that waits until it answers."""
    words = ["--no-tls", "--no-service", "managesieve", "--no-service", "admin", "--host", "127.0.0.1"]
    words += ["--port", str(port), "dict", "--demo-user", IMAP_USER, "--demo-password", IMAP_PASSWORD]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own words
        [sys.executable, "-c", _PYMAP, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield lambda: _wait_for(port, process)
    finally:
        process.kill()  # its mail is in memory only, and a polite end takes it a second
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + START_WAIT_S
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise Unavailable("the demo's IMAP server (pymap) did not start; install mailbridge again")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise Unavailable("the demo's IMAP server (pymap) does not answer on loopback")
