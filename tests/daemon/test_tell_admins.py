"""Admins hear of what was set aside: once, bundled, and in a mail that cannot start a loop."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

from mailbridge import log
from mailbridge.clock import VirtualClock
from mailbridge.mail.parse import parse
from mailbridge.outgoing.relay import Delivery, Outcome, RecipientResult
from mailbridge.store.upkeep import Upkeep
from mailbridge.work.deliver import Captured, CaptureRelay, Deliverer
from mailbridge.work.desk import Desk
from mailbridge.work.schedule import Bellringer
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, mail, open_desk, put

DAY = timedelta(days=1)
ADMINS = "admins = root@desk.example, Eve Admin <eve@other.example>\n"


class Refusing(CaptureRelay):
    """Refuses each recipient for good."""

    def deliver(self, mail_from: str, recipients: object, raw: bytes) -> Delivery:
        self.mails.append(Captured(mail_from, tuple(recipients), raw))  # type: ignore[arg-type]
        refused = tuple(RecipientResult(one, Outcome.PERMANENT, 550, "5.1.1 nobody") for one in recipients)  # type: ignore[attr-defined]
        return Delivery(refused, relay_response="250")


def bell(desk: Desk) -> Bellringer:
    return Bellringer(desk.config, desk.store, lambda: None, desk.clock)


def told(desk: Desk) -> list[bytes]:
    rows = [row for row in desk.outbox.listing(["waiting", "sent", "dead"]) if row["kind"] == "admin_notice"]
    raws = [desk.outbox.get(row["id"]) for row in rows]
    return [bytes(row["raw"]) for row in raws if row is not None]


def quarantine(desk: Desk, number: int) -> int:
    message = put(desk, mail(number))
    desk.inbox.quarantine(message, "Traceback\nKeyError: unforeseen", desk.clock.now())
    return message


def test_the_first_trouble_is_told_at_once_and_the_next_a_day_later_together(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, ADMINS, clock) as desk:
        look = bell(desk).admins
        look()
        assert told(desk) == []
        first = quarantine(desk, 1)
        with log.capture() as lines:
            look()
            look()
        assert [line.event for line in lines] == ["admins_told"]
        (raw,) = told(desk)
        message = parse(raw)
        assert "1 thing needs an admin" in message.subject
        assert f"in-{first}" in message.text
        assert "KeyError: unforeseen" in message.text
        for number in (2, 3):
            quarantine(desk, number)
            clock.advance(timedelta(hours=1))
            look()
        assert len(told(desk)) == 1
        clock.advance(DAY)
        look()
        look()
        text = parse(told(desk)[1]).text
        assert f"in-{first}:" not in text
        assert text.count("quarantined") == 2
        assert "still there: 1" in text
        clock.advance(DAY)
        look()
        assert len(told(desk)) == 2


def test_what_was_mended_and_fails_again_is_told_again(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, ADMINS, clock) as desk:
        look = bell(desk).admins
        message = quarantine(desk, 1)
        look()
        Upkeep(desk.store).retry(f"in-{message}", clock.now())
        look()
        desk.inbox.quarantine(message, "again", clock.now())
        clock.advance(DAY)
        look()
        assert len(told(desk)) == 2


def test_dead_steps_and_dead_mail_are_told_and_a_quarantined_message_only_once(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, ADMINS, clock) as desk:
        bad = put(desk, mail(1))
        (held,) = desk.jobs.claim(["process"], clock.now(), 60)
        desk.inbox.quarantine(bad, "KeyError: in it", clock.now(), held)
        put(desk, mail(2))
        Worker(desk).drain()
        Deliverer(desk, Refusing()).drain()
        due = desk.jobs.next_due(["due"])
        assert due is not None
        clock.move_to(due)
        (timer,) = desk.jobs.claim(["due"], clock.now(), 60)
        desk.jobs.bury(timer, "Traceback\nValueError: of a timer")
        bell(desk).admins()
        text = parse(told(desk)[0]).text
        assert text.count(f"in-{bad}: ") == 1
        assert "job-" in text
        assert "ValueError: of a timer" in text
        assert "mail (acknowledgement) to carla@customer.example, not delivered" in text
        assert "5.1.1 nobody" in text


def test_the_mail_cannot_start_a_loop(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, ADMINS, clock) as desk:
        quarantine(desk, 1)
        look = bell(desk).admins
        look()
        relay = Refusing()
        Deliverer(desk, relay).drain()  # its own failure is told to nobody, and is no trouble
        (sent,) = relay.mails[:1]
        assert sent.mail_from == ""
        assert sent.recipients == ("root@desk.example", "eve@other.example")
        clock.advance(2 * DAY)
        look()
        assert len(told(desk)) == 1
        head = message_from_bytes(sent.raw)
        assert head["Auto-Submitted"] == "auto-generated"
        assert head["Reply-To"] == "root@desk.example"
        came_back = put(desk, sent.raw, "root@desk.example")
        Worker(desk).drain()
        assert desk.outcome(came_back).outcome == "ignored"
        assert [case.number for case in desk.cases.listing()] == [1]  # of the first message, not of ours


def test_without_admins_nothing_is_sent(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        quarantine(desk, 1)
        Bellringer(desk.config, desk.store, lambda: None, desk.clock).admins()
        assert told(desk) == []
