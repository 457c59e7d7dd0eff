"""The outbox on its way to a relay: accepted, deferred, refused, and each of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from mailbridge import log
from mailbridge.clock import VirtualClock
from mailbridge.mail.parse import parse
from mailbridge.outgoing.relay import Delivery, Outcome, RecipientResult
from mailbridge.policy import command
from mailbridge.work.deliver import CaptureRelay, Deliverer
from mailbridge.work.desk import Desk
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, mail, open_desk, put

CUSTOMER = "carla@customer.example"
Answer = tuple[Outcome, int, str]
ACCEPTED: Answer = (Outcome.ACCEPTED, 250, "2.0.0 ok")
LATER: Answer = (Outcome.TEMPORARY, 451, "4.3.0 try later")
SILENT: Answer = (Outcome.TEMPORARY, 0, "Connection refused")
NO_MAILBOX: Answer = (Outcome.PERMANENT, 550, "5.1.1 no such mailbox")


class Scripted:
    """A courier that answers by a function of the recipient and keeps what it was given."""

    def __init__(self, answer: Callable[[str], Answer], trouble: str = "") -> None:
        self.answer = answer
        self.trouble = trouble
        self.tries: list[tuple[str, tuple[str, ...], bytes]] = []

    def deliver(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> Delivery:
        self.tries.append((mail_from, tuple(recipients), raw))
        results = tuple(RecipientResult(one, *self.answer(one)) for one in recipients)
        return Delivery(results, relay_response="said", trouble=self.trouble)

    def close(self) -> None:
        pass


def _one_case(desk: Desk) -> None:
    put(desk, mail(1))
    Worker(desk).drain()


def _events(desk: Desk) -> list[str]:
    case = desk.cases.get(1)
    return [row["event"] for row in desk.cases.events(case.id)]


def test_everything_goes_out_once(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        _one_case(desk)
        relay = CaptureRelay()
        assert Deliverer(desk, relay).drain() == 3
        assert sorted(one.recipients[0] for one in relay.mails) == [
            "ann@desk.example",
            "bob@desk.example",
            CUSTOMER,
        ]
        assert Deliverer(desk, relay).drain() == 0
        assert desk.outbox.count("sent") == 3
        ack = next(one for one in relay.mails if one.recipients == (CUSTOMER,))
        assert ack.mail_from == ""
        assert "[#1]" in parse(ack.raw).subject


def test_deferred_mail_is_the_same_mail_again(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        _one_case(desk)
        relay = Scripted(lambda _one: LATER)
        deliverer = Deliverer(desk, relay)
        assert deliverer.drain() == 3
        assert deliverer.drain() == 0
        relay.answer = lambda _one: ACCEPTED
        due = desk.outbox.next_due()
        assert due is not None
        assert timedelta(seconds=50) < due - MONDAY < timedelta(seconds=70)
        clock.advance(timedelta(minutes=2))
        assert deliverer.drain() == 3
        assert sorted(relay.tries[:3]) == sorted(relay.tries[3:])


def test_given_up_after_days_and_staff_told(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, "[relay]\nhost = 127.0.0.1\ngive_up_days = 2\n", clock) as desk:
        _one_case(desk)
        relay = Scripted(lambda one: LATER if one == CUSTOMER else ACCEPTED)
        deliverer = Deliverer(desk, relay)
        for _ in range(100):
            deliverer.drain()
            due = desk.outbox.next_due()
            if due is None:
                break
            clock.move_to(due)
        assert timedelta(days=2) < clock.now() - MONDAY < timedelta(days=2, hours=5)
        assert desk.outbox.count("dead") == 1
        told = [one for one in desk.outbox.listing(["sent"]) if one["kind"] == "undeliverable"]
        assert sorted(one["rcpt_to"][0] for one in told) == ["ann@desk.example", "bob@desk.example"]
        assert _events(desk).count("undeliverable") == 1


def test_an_unknown_mailbox_is_told_and_remembered(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        _one_case(desk)
        relay = Scripted(lambda one: NO_MAILBOX if one == CUSTOMER else ACCEPTED)
        Deliverer(desk, relay).drain()
        assert desk.outbox.count("dead") == 1
        sender, to, told = relay.tries[-1]
        assert (sender, to) == ("support@desk.example", ("bob@desk.example",))
        assert "5.1.1 no such mailbox" in parse(told).text
        put(desk, mail(2, text="And another thing entirely."))
        Worker(desk).drain()
        assert not [one for one in desk.outbox.listing(["waiting"]) if one["rcpt_to"] == [CUSTOMER]]


def test_a_refused_notice_to_staff_breeds_no_notice(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        _one_case(desk)
        relay = Scripted(lambda one: ACCEPTED if one == CUSTOMER else NO_MAILBOX)
        assert Deliverer(desk, relay).drain() == 3
        assert desk.outbox.count("waiting") == 0
        assert desk.outbox.count("dead") == 2
        assert _events(desk).count("undeliverable") == 2


def test_recipients_of_one_mail_part_ways(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        _one_case(desk)
        Deliverer(desk, CaptureRelay()).drain()
        raw = mail(2, "dora@customer.example").replace(
            b"Date:", b"In-Reply-To: <m1@customer.example>\r\nReferences: <m1@customer.example>\r\nDate:"
        )
        put(desk, mail(3, CUSTOMER).replace(b"Date:", b"Cc: dora@customer.example\r\nDate:"))
        put(desk, raw, "dora@customer.example")
        Worker(desk).drain()
        Deliverer(desk, CaptureRelay()).drain()
        case = next(one for one in desk.cases.listing() if len(set(one.participants)) > 1)
        desk.on_case(
            case.number,
            lambda f, c, now: command.reply(f, c, now, author="ann@desk.example", text="Both of you."),
        )
        answers = {case.requester: ACCEPTED}
        relay = Scripted(lambda one: answers.get(one, LATER))
        deliverer = Deliverer(desk, relay)
        deliverer.drain()
        first = relay.tries[-1][1]
        assert len(first) == 2
        relay.answer = lambda _one: ACCEPTED
        clock.advance(timedelta(minutes=3))
        deliverer.drain()
        assert relay.tries[-1][1] == tuple(one for one in first if one != case.requester)


def test_a_relay_that_is_away_is_not_asked_for_each_mail(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        for number in range(5):
            put(desk, mail(number, f"c{number}@customer.example"), f"c{number}@customer.example")
        Worker(desk).drain()
        relay = Scripted(lambda _one: SILENT)
        deliverer = Deliverer(desk, relay)
        deliverer.run_once()
        assert len(relay.tries) == 1
        relay.answer = lambda _one: ACCEPTED
        for _ in range(20):
            clock.advance(timedelta(minutes=1))
            deliverer.drain()
        assert desk.outbox.count("sent") == 15


@pytest.mark.parametrize(
    ("trouble", "event"), [("login", "relay_login_refused"), ("tls", "relay_tls_failed")]
)
def test_a_relay_that_refuses_the_login_is_not_asked_for_each_mail(
    tmp_path: Path, trouble: str, event: str
) -> None:
    """A server locks out who tries a wrong password ten times in a row; the log names what to mend, once."""
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk, log.capture() as lines:
        for number in range(5):
            put(desk, mail(number, f"c{number}@customer.example"), f"c{number}@customer.example")
        Worker(desk).drain()
        relay = Scripted(lambda _one: (Outcome.TEMPORARY, 535, "5.7.8 no"), trouble)
        deliverer = Deliverer(desk, relay)
        for _ in range(3):
            deliverer.drain()
        assert len(relay.tries) == 1
        relay.answer, relay.trouble = (lambda _one: ACCEPTED), ""
        for _ in range(20):
            clock.advance(timedelta(minutes=1))
            deliverer.drain()
        assert desk.outbox.count("sent") == 15
        told = [line for line in lines if line.event in (event, "relay_unavailable", "relay_recovered")]
        assert [line.event for line in told] == [event, "relay_recovered"]
        assert "5.7.8 no" in told[0].text


def test_a_relay_that_is_away_for_a_day_kills_no_mail(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with open_desk(tmp_path, clock=clock) as desk:
        _one_case(desk)
        relay = Scripted(lambda _one: SILENT)
        deliverer = Deliverer(desk, relay)
        for _ in range(24 * 30):
            clock.advance(timedelta(minutes=2))
            deliverer.drain()
        relay.answer = lambda _one: ACCEPTED
        clock.advance(timedelta(minutes=10))
        for _ in range(10):
            clock.advance(timedelta(minutes=1))
            deliverer.drain()
        assert desk.outbox.count("sent") == 3


def test_a_relay_that_refuses_the_null_sender_gets_another(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        _one_case(desk)

        class Strict(Scripted):
            def deliver(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> Delivery:
                done = super().deliver(mail_from, recipients, raw)
                if mail_from:
                    return done
                results = tuple(RecipientResult(one, Outcome.TEMPORARY, 553, "no") for one in recipients)
                return Delivery(results, sender_refused=True)

        relay = Strict(lambda _one: ACCEPTED)
        Deliverer(desk, relay).drain()
        assert [sender for sender, to, _ in relay.tries if to == (CUSTOMER,)] == ["", "support@desk.example"]
        assert desk.outbox.count("sent") == 3


def test_after_days_without_a_relay_staff_are_told_what_is_overdue_and_not_what_was_due_soon(
    tmp_path: Path,
) -> None:
    """The warning lay in the outbox until its moment had passed; the miss itself is told."""
    with open_desk(tmp_path) as desk:
        clock = desk.clock
        assert isinstance(clock, VirtualClock)
        _one_case(desk)
        away = Scripted(lambda _: SILENT)
        for hours in (5, 6, 24):
            clock.move_to(MONDAY + timedelta(hours=hours))
            Worker(desk).drain()
            Deliverer(desk, away).drain()
        assert [name for name in _events(desk) if name.startswith("deadline_")] == [
            "deadline_set", "deadline_warning", "deadline_missed",
        ]  # fmt: skip
        clock.advance(timedelta(hours=5))
        relay = CaptureRelay()
        Deliverer(desk, relay).drain()
        subjects = [parse(one.raw).subject for one in relay.mails]
        assert [one for one in subjects if "due soon" in one] == []
        assert len([one for one in subjects if "overdue" in one]) == 2
        dropped = desk.outbox.listing(["dropped"])
        assert {row["reply"] for row in dropped} == {"the moment that it warns of has passed"}


def test_a_warning_that_is_still_ahead_goes_late(tmp_path: Path) -> None:
    with open_desk(tmp_path) as desk:
        clock = desk.clock
        assert isinstance(clock, VirtualClock)
        _one_case(desk)
        clock.move_to(MONDAY + timedelta(hours=5))
        Worker(desk).drain()
        clock.advance(timedelta(minutes=40))
        relay = CaptureRelay()
        Deliverer(desk, relay).drain()
        assert len([one for one in relay.mails if "due soon" in parse(one.raw).subject]) == 2
