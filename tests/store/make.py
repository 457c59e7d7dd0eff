"""Small values for the store's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailbridge.model.case import Case, Channel, Timer
from mailbridge.model.decision import NEW, AddEntry, Decision, OpenCase, Send, SetTimer
from mailbridge.model.envelope import Envelope, Way
from mailbridge.store.apply import Mail

ONLY_SQLITE = pytest.mark.parametrize("empty_store", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("empty_store", ["postgresql"], indirect=True)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def envelope(*to: str, sender: str = "pat@customer.example") -> Envelope:
    return Envelope(Way.SMTP, sender, to or ("support@desk.example",), NOW, peer="127.0.0.1")


def raw(number: int = 1) -> bytes:
    return b"From: Pat <pat@customer.example>\r\nSubject: Printer %d\r\n\r\nIt is on fire.\r\n" % number


def opening(subject: str = "Printer") -> Decision:
    """Opens a case with one entry, one timer and one acknowledgement."""
    case = OpenCase(subject, Channel.EMAIL, "minimal", "gold", "pat@customer.example", "Pat")
    return Decision(
        "created",
        "new",
        (
            case,
            AddEntry(
                NEW, "in", "pat@customer.example", "It is on fire.", message_ref=f"<{subject}@c.example>"
            ),
            SetTimer(NEW, Timer.DEADLINE, NOW + 60 * MINUTE),
            Send(NEW, "acknowledgement", ("pat@customer.example",), "ack:1", event="ack_sent"),
        ),
        case=NEW,
    )


def compose(case: Case, send: Send, key: str, *_: object) -> Mail:
    subject = f"[#{case.number}] {send.kind}"
    body = f"Subject: {subject}\r\n\r\nwords\r\n".encode()
    return Mail("", send.to, subject, f"<{key}@desk.example>", body, "words", "support@desk.example", True)
