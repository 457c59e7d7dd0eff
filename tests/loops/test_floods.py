"""Floods and circles on the real desk: each ends quietly, is counted on a case, and delays nobody else.

MAILBRIDGE_FLOOD sets how many mails the flood of one sender has (10,000 is what the promise names).
"""

from __future__ import annotations

import os

import pytest

from mailbridge.model.case import Status
from tests.loops.test_loops import JO, answered, others_are_served
from tests.scenarios.site import ANN, SUPPORT, Office, office

FLOOD = int(os.environ.get("MAILBRIDGE_FLOOD", "90"))
LIMITS = """[governor]
per_address_per_hour = {address}
per_domain_per_hour = {domain}
overall_per_hour = {overall}
"""


def limits(address: int = 100, domain: int = 100, overall: int = 1000) -> str:
    return LIMITS.format(address=address, domain=domain, overall=overall)


def reasons(desk: Office) -> list[str]:
    """Why automatic mail was withheld, over all cases."""
    rows = [row for case in desk.desk.cases.listing() for row in desk.desk.cases.events(case.id)]
    return [str(row["data"].get("reason", "")) for row in rows if row["event"] == "suppressed"]


def counted(desk: Office) -> int:
    """Messages on all cases: nothing that came in was dropped."""
    cases = desk.desk.cases.listing()
    return sum(row["direction"] == "in" for case in cases for row in desk.desk.cases.entries(case.id))


def test_a_flood_of_one_sender_is_counted_and_answered_a_few_times() -> None:
    with office() as desk:
        for index in range(FLOOD):
            desk.mail("mad@flood.example", f"Do it now, number {index}!", subject=f"Urgent {index}")
        assert len(desk.mails("acknowledgement")) <= 10
        assert len(desk.desk.cases.listing()) <= 52
        assert counted(desk) == FLOOD
        assert len(desk.mails("staff_notice", ANN)) <= 60
        assert any(
            "from this sender within an hour" in why or "this address within" in why for why in reasons(desk)
        )
        others_are_served(desk)


@pytest.mark.parametrize(
    ("extra", "sender", "words"),
    [
        (limits(address=3), "jim@one.example", "to this address within an hour"),
        (limits(domain=3), "p{index}@many.example", "to this domain within an hour"),
        (limits(overall=3), "p@d{index}.example", "the breaker is open"),
    ],
)
def test_each_limit_stops_answers_never_intake_and_is_on_record(extra: str, sender: str, words: str) -> None:
    with office("tekstack", extra=extra) as desk:
        for index in range(8):
            outcome = desk.mail(sender.format(index=index), f"Question {index}.", subject=f"Matter {index}")
            assert outcome.outcome == "created"
        assert len(desk.mails("acknowledgement")) == 3
        told = [why for why in reasons(desk) if words in why]
        assert len(told) == 5, reasons(desk)
        desk.wait(hours=2)
        desk.sent.clear()
        assert desk.mail("new@new.example", "Hello?").outcome == "created"
        assert len(desk.mails("acknowledgement")) == 1


def test_the_out_of_office_of_staff_against_our_notice_reaches_no_customer() -> None:
    with office() as desk:
        desk.mail(JO)
        [notice] = desk.mails("staff_notice", ANN)
        sent = len(desk.sent)
        for headers in ({"Auto-Submitted": "auto-replied"}, {"Subject": "Automatic reply: a new case"}):
            away = desk.mail(ANN, "I am out of the office until Monday.", answers=notice, headers=headers)
            assert away.kind == "auto_reply"
        assert len(desk.sent) == sent
        assert desk.mails("staff_answer") == []


@pytest.mark.parametrize("subject", ["Automatic reply: [#1] Help", "Absence : [#1]", "Ihre E-Mail [#1]"])
def test_a_persons_out_of_office_without_any_header_ends_it(subject: str) -> None:
    """His robot answers each of our mails: acknowledgement, answer, warning, close."""
    text = "Ich bin nicht im Büro. / I am out of the office until Monday. Je suis absent."
    with office() as desk:
        desk.mail(JO)
        answered(desk)
        for _ in range(5):
            for kind in ("acknowledgement", "staff_answer", "auto_close_warning", "auto_close", "reopened"):
                for mail in desk.mails(kind, JO):
                    robot = desk.mail(JO, text, answers=mail, headers={"Subject": subject})
                    assert robot.kind == "auto_reply", (subject, robot)
            desk.wait(hours=24)
        assert desk.case(1).status is Status.CLOSED
        assert desk.mails("reopened") == []
        assert len(desk.mails("acknowledgement", JO)) == 1


@pytest.mark.parametrize(
    "trace",
    [
        f"Delivered-To: {SUPPORT}\r\nDelivered-To: jo@customer.example\r\nDelivered-To: {SUPPORT}\r\n",
        f"X-Loop: {SUPPORT}\r\n",
        "Received: by relay.example; Tue, 17 Nov 2026 17:00:00 +0000\r\n" * 60,
    ],
)
def test_a_mail_that_goes_in_circles_is_kept_and_left(trace: str) -> None:
    with office() as desk:
        for index in range(10):
            head = f"{trace}From: {JO}\r\nTo: {SUPPORT}\r\nSubject: Help\r\nMessage-ID: <{index}@c>\r\n"
            raw = f"{head}\r\nRound {index}.\r\n"
            assert desk.raw(raw.encode(), (SUPPORT,), JO).outcome == "ignored"
        assert desk.sent == []
        assert len(desk.desk.inbox.listing(("ignored",))) == 10
        others_are_served(desk)


def test_our_acknowledgement_sent_back_by_a_rule_is_a_loop() -> None:
    with office() as desk:
        desk.mail(JO)
        [ack] = desk.mails("acknowledgement", JO)
        sent = len(desk.sent)
        back = b"X-MS-Exchange-Inbox-Rules-Loop: jo@customer.example\r\n" + ack.as_bytes()
        for raw in (ack.as_bytes(), back, b"Resent-From: jo@customer.example\r\n" + ack.as_bytes()):
            assert desk.raw(raw, (SUPPORT,), JO).outcome in ("ignored", "duplicate")
        assert len(desk.sent) == sent
        assert len(desk.desk.cases.listing()) == 1


def test_a_robot_with_a_new_subject_each_time_and_no_header_runs_dry() -> None:
    with office() as desk:
        for index in range(30):
            desk.mail(
                "bot@robot.example", f"Your message {index} pleased us.", subject=f"Dear friend {index}"
            )
        acks = len(desk.mails("acknowledgement", "bot@robot.example"))
        assert acks <= desk.desk.policy.answers_per_address_per_day
        assert reasons(desk)
        others_are_served(desk)
