"""`mailbridge serve` as its own process, as an admin runs it, with a relay that catches what goes out."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any, TypeVar

from aiosmtpd.smtp import SMTP

from mailbridge.policy.library import shipped_text
from tests.servers.ports import free_port

PATIENCE_S = 60.0
T = TypeVar("T")

CONFIG = """
[site]
name = Example Support
support = support@desk.example
escalation = supportescalation@desk.example
staff = Ann Lee <ann@staff.example>
policy = {policy}
state = {state}
reply_token = plus

[smtp]
listen = 127.0.0.1:{smtp_port}

[relay]
host = 127.0.0.1
port = {relay_port}
tls = none

[worker]
poll_s = 0.1
{more}
"""


class Relay:
    """Catches mail; `refuse` answers 550 for these recipients."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, tuple[str, ...], Message]] = []
        self.port = free_port()

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        self.mails.append(
            (envelope.mail_from, tuple(envelope.rcpt_tos), message_from_bytes(envelope.content))
        )
        return "250 2.0.0 caught"

    def to(self, address: str, word: str = "") -> list[Message]:
        """What went to this address, with word in its text or subject."""
        found = [mail for _, people, mail in list(self.mails) if address in people]
        return [mail for mail in found if word in words(mail)]

    @contextmanager
    def serving(self) -> Iterator[Relay]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        made = loop.create_server(lambda: SMTP(self, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", self.port)
        server = asyncio.run_coroutine_threadsafe(made, loop).result(10)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)


def words(mail: Message) -> str:
    """Subject and plain text of a mail."""
    subject = " ".join(str(mail["Subject"]).split())
    for part in mail.walk():
        if part.get_content_type() == "text/plain":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return subject + "\n" + payload.decode(part.get_content_charset() or "utf-8")
    return subject


@dataclass
class Daemon:
    """A running daemon. log collects its standard error."""

    folder: Path
    relay: Relay
    smtp_port: int
    process: subprocess.Popen[str]
    log: list[str] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "config.ini"

    def run(self, *args: str) -> Any:
        """A command of mailbridge with --json."""
        done = mailbridge(self.config, *args, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def wait(self, what: str, look: Callable[[], T | None]) -> T:
        """Look until it is there, or fail with the log's end."""
        ends = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends:
            if found := look():
                return found
            assert self.process.poll() is None, "\n".join(["the daemon ended", *self.log[-40:]])
            time.sleep(0.1)
        raise AssertionError("\n".join([f"waited in vain for {what}", *self.log[-60:]]))

    def mail_to(self, address: str, word: str, count: int = 1) -> Message:
        """The count-th mail to this address with that word."""

        def look() -> Message | None:
            found = self.relay.to(address, word)
            return found[count - 1] if len(found) >= count else None

        return self.wait(f"mail to {address} with {word!r}", look)

    def status(self, number: int) -> str:
        return next(row["status"] for row in self.run("case", "list") if row["number"] == number)

    def wait_status(self, number: int, status: str) -> None:
        self.wait(f"case {number} {status}", lambda: self.status(number) == status or None)


def mailbridge(config: Path, *args: str, data: bytes | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mailbridge", "-c", str(config), *args]
    done = subprocess.run(command, input=data, capture_output=True, timeout=120, check=False)
    return subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode(), done.stderr.decode("utf-8", "replace")
    )


def quick_policy(folder: Path, *, after_s: int = 48 * 3600, warn_s: int = 24 * 3600) -> Path:
    """Mekorma's policy with a shorter silence, so that a real clock can show it."""
    text = shipped_text("mekorma").replace("after = 48 hours", f"after = {after_s} seconds")
    text = text.replace("warn-before = 24 hours", f"warn-before = {warn_s} seconds")
    path = folder / "policy.ini"
    path.write_text(text, "utf-8")
    return path


@contextmanager
def daemon(folder: Path, relay: Relay, *, more: str = "", policy: str = "mekorma") -> Iterator[Daemon]:
    """serve until the block ends; SIGTERM must drain it with exit 0."""
    port = free_port()
    text = CONFIG.format(
        policy=policy, state=folder / "state", smtp_port=port, relay_port=relay.port, more=more
    )
    (folder / "config.ini").write_text(text.lstrip(), "utf-8")
    command = [sys.executable, "-m", "mailbridge", "-c", str(folder / "config.ini"), "serve"]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    made = Daemon(folder, relay, port, process)
    reader = threading.Thread(target=_read, args=(process, made.log), daemon=True)
    reader.start()
    try:
        made.wait("ready", lambda: any(" ready" in line for line in made.log) or None)
        yield made
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, "\n".join(made.log[-40:])
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join(10)


def _read(process: subprocess.Popen[str], log: list[str]) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        log.append(line.rstrip())
