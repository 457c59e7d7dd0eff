"""A site in a folder: configuration, store, desk on a clock turned by hand, and mail to put in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mailbridge.clock import VirtualClock
from mailbridge.config import Config, parse_config
from mailbridge.model.envelope import Envelope, Way
from mailbridge.work.desk import Desk

MONDAY = datetime(2026, 1, 5, 18, 0, tzinfo=UTC)
SITE = """
[site]
name = Example Support
support = support@desk.example
escalation = supportescalation@desk.example
staff = ann@desk.example, bob@desk.example
policy = mekorma
state = {state}
hostname = mail.desk.example
"""


def configured(folder: Path, more: str = "") -> Config:
    """The least configuration, and more sections."""
    return parse_config(SITE.format(state=folder / "state") + more, str(folder / "config.ini"), folder)


@contextmanager
def open_desk(folder: Path, more: str = "", clock: VirtualClock | None = None) -> Iterator[Desk]:
    """A desk on its own SQLite file."""
    with Desk.open(configured(folder, more), clock or VirtualClock(MONDAY)) as desk:
        yield desk


def mail(number: int, sender: str = "carla@customer.example", text: str = "It does not print.") -> bytes:
    """A customer's mail, each number another one."""
    return (
        f"From: Carla <{sender}>\r\nTo: support@desk.example\r\nSubject: Printer {number}\r\n"
        f"Message-ID: <m{number}@customer.example>\r\nDate: Mon, 05 Jan 2026 10:00:00 -0800\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()


def put(desk: Desk, raw: bytes, sender: str = "carla@customer.example") -> int:
    """Store one message as the SMTP intake would; its id."""
    envelope = Envelope(Way.SMTP, sender, ("support@desk.example",), desk.clock.now())
    return desk.inbox.put_batch([(envelope, raw)])[0].message_id
