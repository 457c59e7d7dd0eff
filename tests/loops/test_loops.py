"""Mail loops end by themselves, quietly, with a trace on the case; other customers do not notice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mailbridge.model.case import Status
from mailbridge.policy import command
from tests.loops.two import Two, two
from tests.scenarios.site import ANN, SUPPORT, Office, office

JO = "jo@customer.example"
REPORTS = 300


def start(both: Two) -> None:
    """Somebody forges the left desk's address in a request to the right one."""
    both.right.mail("support@left.example", "It does not work.", subject="Help")


def others_are_served(desk: Office) -> None:
    """A customer who comes in the middle of it is acknowledged at once."""
    now = desk.clock.now()
    support = desk.desk.ground.site.support
    outcome = desk.mail(JO, "The printer is on fire.", subject="Printer", to=support)
    assert outcome.outcome == "created"
    [ack] = desk.mails("acknowledgement", JO)
    assert ack["Date"] is not None
    assert desk.clock.now() == now


def answered(desk: Office, number: int = 1) -> None:
    desk.desk.on_case(
        number, lambda facts, case, now: command.reply(facts, case, now, author=ANN, text="Restart it.")
    )
    desk.drain()


@pytest.mark.parametrize("token", ["plus", "plain"])
def test_two_desks_are_silent_after_at_most_one_message_each(token: str) -> None:
    with two(token=token) as both:
        start(both)
        both.settle()
        assert both.carried["right"] == 1, "the acknowledgement of the forged request went over"
        assert both.carried["left"] <= 1
        others_are_served(both.left)
        others_are_served(both.right)


@pytest.mark.parametrize("rude", ["machine", "all"])
def test_two_desks_behind_a_rude_gateway_stop_at_the_governor_s_cap(rude: str) -> None:
    with two(rude) as both:
        start(both)
        both.settle()
        cap = both.left.desk.policy.answers_per_address_per_day
        assert 1 <= both.carried["left"] <= cap
        assert 1 <= both.carried["right"] <= cap
        assert max(len(desk.desk.cases.listing()) for desk in (both.left, both.right)) <= cap + 1
        others_are_served(both.left)
        others_are_served(both.right)


@pytest.mark.parametrize("rude", ["", "machine", "all"])
def test_a_day_after_a_loop_nothing_starts_it_anew(rude: str) -> None:
    """Warnings and closes of what the loop left behind must not wake it up."""
    with two(rude) as both:
        start(both)
        both.settle()
        before = sum(both.carried.values())
        answered(both.right)
        both.settle()
        for _ in range(8):
            end = both.left.clock.now() + timedelta(hours=12)
            for desk in (both.left, both.right):
                desk.drain()
            while (due := _next(both)) is not None and due <= end:
                both.left.clock.move_to(due)
                both.settle()
            both.left.clock.move_to(end)
        assert sum(both.carried.values()) - before <= both.left.desk.policy.answers_per_address_per_day


def _next(both: Two) -> object:
    moments = [desk.desk.jobs.next_due(("process", "due")) for desk in (both.left, both.right)]
    return min((moment for moment in moments if moment is not None), default=None)


def test_an_out_of_office_against_our_warning_changes_nothing() -> None:
    with office() as desk:
        desk.mail(JO)
        answered(desk)
        desk.wait(hours=24)
        [warning] = desk.mails("auto_close_warning", JO)
        sent = len(desk.sent)
        away = desk.mail(JO, "I am away.", answers=warning, headers={"Auto-Submitted": "auto-replied"})
        assert (away.kind, away.outcome, away.case) == ("auto_reply", "threaded", 1)
        assert len(desk.sent) == sent
        assert desk.case(1).status is Status.WAITING
        desk.wait(hours=24)
        assert desk.case(1).status is Status.CLOSED
        closing = desk.mails("auto_close", JO)[0]
        desk.mail(JO, "I am still away.", answers=closing, headers={"X-Autoreply": "yes"})
        assert desk.case(1).status is Status.CLOSED
        assert desk.mails("reopened") == []


def test_our_own_address_as_sender_is_never_answered() -> None:
    with office() as desk:
        outcome = desk.mail(SUPPORT, "Hello, me.")
        assert outcome.outcome == "ignored"
        assert desk.sent == []
        others_are_served(desk)


def test_a_mailing_list_subscribed_to_support_is_not_answered() -> None:
    with office() as desk:
        listed = {
            "List-Id": "<users.lists.example>",
            "Precedence": "list",
            "List-Post": "<mailto:u@lists.example>",
        }
        for index in range(30):
            desk.mail(f"member{index}@else.example", "I think so.", subject="[users] Colours", headers=listed)
        people = {to for _kind, to_all, _mail in desk.sent for to in to_all}
        assert not any(to.endswith(("else.example", "lists.example")) for to in people)
        others_are_served(desk)


def test_300_monitoring_reports_are_a_case_with_a_count() -> None:
    with office() as desk:
        for index in range(REPORTS):
            desk.mail(
                "nagios@customer.example",
                f"CRITICAL - load average: {index}",
                subject=f"** PROBLEM Service Alert: db{index % 3}/Load is CRITICAL **",
                headers={"Auto-Submitted": "auto-generated"},
            )
        assert desk.mails("acknowledgement") == []
        cases = desk.desk.cases.listing()
        assert len(cases) <= 3
        joined = [
            row for case in cases for row in desk.desk.cases.entries(case.id) if row["direction"] == "in"
        ]
        assert len(joined) == REPORTS
        assert len(desk.mails("staff_notice")) <= 60
        others_are_served(desk)
