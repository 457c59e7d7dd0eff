"""Whether voicemail stands in the way of mail: SMTP answers with and without a backlog of recordings.

The real daemon takes so many mails a second from several senders; once with nothing else to do, once with a
backlog that it works off. The 99th percentiles of the time from DATA to the 250 are compared: the same
mails, the same daemon, the same rate; only the backlog differs. Rounds take turns, so that a busy machine
disturbs both alike.
"""

from __future__ import annotations

import re
import signal
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from mailbridge import log
from mailbridge.clock import SystemClock
from mailbridge.config import parse_config
from mailbridge.model.envelope import Envelope, Way
from mailbridge.work.desk import Desk
from mailbridge.work.worker import Worker

SENDERS = 10
ROOT = Path(__file__).resolve().parent.parent
RUN = "from mailbridge.cli.main import run; run()"
SITE = """
[site]
name = Bench
support = support@desk.example
escalation = up@desk.example
staff = ann@desk.example
policy = mekorma
state = {state}
hostname = mail.desk.example
[smtp]
listen = 127.0.0.1:0
max_connections_per_peer = 100
[voicemail]
model = {model}
"""
CALL = (
    "From: PBX <vm@pbx.example>\r\nTo: support@desk.example\r\nSubject: New message {0} in mailbox 1\r\n"
    "Message-ID: <Asterisk-{0}-1-1@pbx.example>\r\nX-Asterisk-CallerID: 303{0:07d}\r\nMIME-Version: 1.0\r\n"
    'Content-Type: audio/x-wav; name="msg.wav"\r\nContent-Transfer-Encoding: base64\r\n\r\n{1}\r\n'
)
MAIL = (
    "From: c{0}@customer.example\r\nTo: support@desk.example\r\nSubject: Printer {0}\r\n"
    "Message-ID: <{0}@customer.example>\r\n\r\nIt does not print since this morning. Please help.\r\n"
)


@dataclass
class Load:
    """Mails at a steady rate by several senders, each on a connection of its own."""

    address: tuple[str, int]
    each_s: float
    ends_s: float
    number: int
    took: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> float:
        """The 99th percentile in seconds."""
        senders = [threading.Thread(target=self._send, args=(at,)) for at in range(SENDERS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        ordered = sorted(self.took)
        return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]

    def _send(self, at: int) -> None:
        due_s = time.monotonic() + at * self.each_s / SENDERS
        with smtplib.SMTP(*self.address, timeout=60) as client:
            client.ehlo()
            while (now_s := time.monotonic()) < self.ends_s:
                if now_s < due_s:
                    time.sleep(due_s - now_s)
                due_s += self.each_s
                self._one(client)

    def _one(self, client: smtplib.SMTP) -> None:
        with self.lock:
            self.number += 1
            number = self.number
        client.mail(f"c{number}@customer.example")
        client.rcpt("support@desk.example")
        begin = time.monotonic()
        client.data(MAIL.format(number))
        with self.lock:
            self.took.append(time.monotonic() - begin)


@dataclass(frozen=True, slots=True)
class Measured:
    """The 99th percentile in seconds; mails taken; recordings still waiting at the end."""

    p99_s: float
    taken: int
    left: int


def p99(
    model: Path, voicemails: int, audio: str, per_second: int, seconds: float, *, decided: bool = True
) -> Measured:
    """Beside so many voicemails. decided: they have their cases and wait to be heard; else both is to do."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.ini")
        config.write_text(SITE.format(state=Path(folder, "state"), model=model))
        made = parse_config(config.read_text(), str(config), Path(folder))
        with Desk.open(made, SystemClock()) as desk:
            _queue(desk, voicemails, audio, decided)
            daemon, address = _serve(config)
            try:
                load = Load(address, SENDERS / per_second, time.monotonic() + seconds, 0)
                measured = load.run()
                left = desk.jobs.count("transcribe")
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(60)
    return Measured(measured, len(load.took), left)


def _queue(desk: Desk, voicemails: int, audio: str, decided: bool) -> None:
    """Mails of calls, taken; where decided, with their cases made, so that only the recordings wait."""
    log.setup("error")
    now = desk.clock.now()
    envelope = Envelope(Way.SMTP, "vm@pbx.example", ("support@desk.example",), now)
    calls = [(envelope, CALL.format(number, audio).encode()) for number in range(voicemails)]
    for at in range(0, len(calls), 100):
        desk.inbox.put_batch(calls[at : at + 100])
    if decided:
        Worker(desk).drain()


def _serve(config: Path) -> tuple[subprocess.Popen[bytes], tuple[str, int]]:
    """The daemon, ready, and where it listens."""
    told = config.parent / "log"
    with told.open("wb") as out:
        daemon = subprocess.Popen(
            [sys.executable, "-c", RUN, "-c", str(config), "serve"], stdout=out, stderr=out, cwd=ROOT
        )
    ends_s = time.monotonic() + 120
    while "info ready" not in told.read_text():
        if daemon.poll() is not None or time.monotonic() > ends_s:
            daemon.kill()
            raise RuntimeError(f"the daemon did not start: {told.read_text()[-1000:]}")
        time.sleep(0.1)
    found = re.search(r"listening way=smtp address=(\S+):(\d+)", told.read_text())
    assert found is not None
    return daemon, (found[1], int(found[2]))
