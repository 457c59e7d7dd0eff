"""The real daemon as a process of its own, and a relay that captures, both on loopback."""

from __future__ import annotations

import re
import signal
import smtplib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiosmtpd.controller import Controller

from tests.servers.ports import free_port

SITE = """
[site]
name = Example Support
support = support@desk.example
escalation = supportescalation@desk.example
staff = ann@desk.example
policy = mekorma
state = {state}
hostname = mail.desk.example

[store]
{store}

[smtp]
listen = {listen}
max_connections_per_peer = 100
{smtp}

[relay]
host = 127.0.0.1
port = {relay}

[worker]
poll_s = 0.2
lease_s = 10
message_timeout_s = 5
stop_s = 10

[governor]
per_address_per_hour = 0
per_domain_per_hour = 0
overall_per_hour = 0
"""
RUN = "from mailbridge.cli.main import run; run()"
ROOT = Path(__file__).resolve().parents[2]


def write_site(
    folder: Path,
    *,
    listen: str = "127.0.0.1:0",
    relay: int = 9,
    store: str = "",
    smtp: str = "",
    more: str = "",
) -> Path:
    """A configuration file in folder."""
    path = folder / "config.ini"
    state = folder / "state"
    path.write_text(SITE.format(state=state, listen=listen, relay=relay, store=store, smtp=smtp) + more)
    return path


@dataclass
class Running:
    """One `mailbridge serve`. Its standard error goes to log."""

    config: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def until(self, there: Callable[[str], object], what: str, within_s: float = 40.0) -> None:
        """Wait until the log says so."""
        ends = time.monotonic() + within_s
        while not there(self.text):
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended while waiting for {what}:\n{self.text[-3000:]}")
            if time.monotonic() > ends:
                raise AssertionError(f"no {what} within {within_s} s:\n{self.text[-3000:]}")
            threading.Event().wait(0.05)

    def ready(self) -> None:
        self.until(lambda text: "info ready" in text, "ready")

    def address(self, way: str = "smtp") -> tuple[str, int]:
        """Where it listens."""
        self.until(lambda text: f"listening way={way} " in text, "an address")
        host, port = re.findall(rf"listening way={way} address=(\S+):(\d+)", self.text)[-1]
        return host, int(port)

    def pids(self, role: str) -> list[int]:
        """Process ids of this role, the latest last."""
        return [int(pid) for pid in re.findall(rf"role_started role={role} pid=(\d+)", self.text)]

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def stop(self, within_s: float = 30.0) -> int:
        """SIGTERM, and its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.process.wait(within_s)


def start(config: Path, *arguments: str) -> Running:
    """Start it; it need not be ready yet."""
    log = config.parent / "daemon.log"
    command = [sys.executable, "-c", RUN, "-c", str(config), "serve", *arguments]
    with log.open("ab") as out:
        return Running(config, log, subprocess.Popen(command, stderr=out, stdout=out, cwd=ROOT))


@contextmanager
def running(config: Path, *arguments: str) -> Iterator[Running]:
    """A daemon that is ready; it is gone when the block ends, whatever happened."""
    daemon = start(config, *arguments)
    try:
        daemon.ready()
        yield daemon
    finally:
        try:
            daemon.stop()
        except subprocess.TimeoutExpired:
            daemon.process.kill()
            daemon.process.wait(10)


@dataclass
class Captured:
    """What a capturing relay took, in order: (recipients, raw)."""

    port: int
    mails: list[tuple[tuple[str, ...], bytes]] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: object) -> str:
        self.mails.append((tuple(envelope.rcpt_tos), bytes(envelope.content)))  # type: ignore[attr-defined]
        return "250 2.0.0 captured"


@contextmanager
def capturing() -> Iterator[Captured]:
    """An SMTP server on loopback that takes all mail and keeps it."""
    captured = Captured(free_port())
    server = Controller(captured, hostname="127.0.0.1", port=captured.port)
    server.start()
    try:
        yield captured
    finally:
        server.stop()


def send(address: tuple[str, int], sender: str, raw: bytes, to: str = "support@desk.example") -> None:
    """One mail by a real client. Raises what smtplib and the socket raise."""
    with smtplib.SMTP(*address, timeout=15) as client:
        client.sendmail(sender, [to], raw)
