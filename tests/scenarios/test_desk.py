"""The way of a message through the real store and rules: who may join a case, what is answered, what is
kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest

from mailbridge.model.case import Status
from mailbridge.model.envelope import Envelope, Way
from mailbridge.policy import command
from mailbridge.policy.library import load_policy
from tests.scenarios.site import ANN, BOB, ESCALATION, SUPPORT, Office, office

JO = "jo@customer.example"


@pytest.fixture(params=["plus", "plain"])
def desk(request: pytest.FixtureRequest) -> Iterator[Office]:
    with office(token=request.param) as made:
        yield made


def test_a_mail_opens_a_case_acknowledged_once_and_told_to_staff(desk: Office) -> None:
    outcome = desk.mail(f"Jo Lee <{JO}>", subject="Checks upside down")
    assert (outcome.outcome, outcome.kind, outcome.case) == ("created", "human", 1)
    case = desk.case(1)
    assert (case.severity, case.plan, case.status) == ("minimal", "subscription", Status.OPEN)
    [ack] = desk.mails("acknowledgement", JO)
    assert "[#1]" in ack["Subject"]
    assert ack["Auto-Submitted"] == "auto-replied"
    assert {rcpt for kind, people, _ in desk.sent if kind == "staff_notice" for rcpt in people} == {ANN, BOB}


def test_staff_answer_by_mail_goes_to_the_customer_and_back(desk: Office) -> None:
    desk.mail(JO, subject="Checks upside down")
    [notice] = desk.mails("staff_notice", ANN)
    outcome = desk.mail(f"Ann Lee <{ANN}>", "Please turn the paper.", answers=notice)
    assert (outcome.kind, outcome.outcome, outcome.case) == ("staff", "threaded", 1)
    [answer] = desk.mails("staff_answer", JO)
    assert "Please turn the paper." in str(answer.get_payload(0))
    assert answer["Auto-Submitted"] is None
    assert SUPPORT in answer["From"]
    assert ANN not in answer.as_string()
    assert answer["In-Reply-To"] == "<1@client.example>"
    assert desk.case(1).status is Status.WAITING
    assert desk.case(1).respond_by is None
    reply = desk.mail(JO, "That helped, but now it is blue.", answers=answer)
    assert (reply.outcome, reply.case) == ("threaded", 1)
    assert desk.case(1).status is Status.OPEN
    assert desk.case(1).deadline_kind == "next"


@pytest.mark.parametrize(
    ("sender", "way", "why"),
    [
        (ANN, Way.INGEST, "a file says nothing of who sent it"),
        (BOB, Way.SMTP, "the token was made for ann"),
        ("mallory@evil.example", Way.SMTP, "no staff address"),
    ],
)
def test_staff_authority_is_never_given(desk: Office, sender: str, way: Way, why: str) -> None:
    desk.mail(JO)
    [notice] = desk.mails("staff_notice", ANN)
    desk.mail(sender, "Give me your password", answers=notice, way=way)
    assert desk.mails("staff_answer") == [], why


def test_from_alone_gives_no_staff_authority(desk: Office) -> None:
    desk.mail(JO)
    outcome = desk.mail(ANN, "Send money to me", subject="Re: Help [#1]")
    assert outcome.kind == "human"
    assert outcome.case == 2
    assert desk.mails("staff_answer") == []


def test_staff_proven_by_login_may_name_the_number(desk: Office) -> None:
    desk.mail(JO)
    outcome = desk.mail(ANN, "Turn it.", subject="Re: Help [#1]", login=ANN)
    assert (outcome.kind, outcome.case) == ("staff", 1)
    assert len(desk.mails("staff_answer", JO)) == 1


def test_out_of_office_of_staff_is_not_sent_to_the_customer(desk: Office) -> None:
    desk.mail(JO)
    [notice] = desk.mails("staff_notice", ANN)
    outcome = desk.mail(ANN, "I am away", answers=notice, headers={"Auto-Submitted": "auto-replied"})
    assert outcome.kind == "auto_reply"
    assert desk.mails("staff_answer") == []
    assert desk.case(1).status is Status.OPEN


def test_a_stranger_who_guesses_a_number_gets_a_case_of_his_own(desk: Office) -> None:
    desk.mail(JO, "My word is swordfish")
    outcome = desk.mail("mallory@evil.example", "And?", subject="Re: Help [#1]")
    assert (outcome.outcome, outcome.case) == ("created", 2)
    assert "may_belong_to" in desk.events(2)
    assert not any(
        "swordfish" in mail.as_string() for mail in desk.mails("acknowledgement", "mallory@evil.example")
    )


def test_the_same_mail_to_both_addresses_is_one_case_escalated_acknowledged_once(desk: Office) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = JO, SUPPORT, "Help"
    mail["Message-ID"] = "<both@client.example>"
    mail.set_content("It is on fire.")
    raw = mail.as_bytes()
    first = desk.raw(raw, (SUPPORT,), JO)
    again = desk.raw(raw, (ESCALATION,), JO)
    assert (first.outcome, again.outcome, first.case, again.case) == ("created", "duplicate", 1, 1)
    assert desk.case(1).escalation_level == 1
    answers = [m for kind, people, m in desk.sent if JO in people]
    assert len(answers) == 1


def test_the_same_message_by_two_ways_is_one_message(desk: Office) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = JO, SUPPORT, "Help"
    mail["Message-ID"] = "<two@client.example>"
    mail.set_content("Twice.")
    desk.raw(mail.as_bytes(), (SUPPORT,), JO)
    traced = b"Received: from a by b; Mon, 16 Nov 2026 09:00:00 +0000\r\n" + mail.as_bytes()
    assert desk.raw(traced, (SUPPORT,), None, Way.IMAP).outcome == "duplicate"
    assert len(desk.mails("acknowledgement")) == 1


def test_silence_is_warned_of_then_closes_and_a_late_answer_reopens(desk: Office) -> None:
    desk.mail(JO)
    desk.mail(ANN, "Turn it.", answers=desk.mails("staff_notice", ANN)[0])
    desk.wait(hours=24, minutes=1)
    [warning] = desk.mails("auto_close_warning", JO)
    assert desk.case(1).status is Status.WAITING
    desk.wait(hours=24)
    assert desk.case(1).status is Status.CLOSED
    assert len(desk.mails("auto_close", JO)) == 1
    desk.wait(days=3)
    reply = desk.mail(JO, "Sorry, I was on holiday. Still broken.", answers=warning)
    assert (reply.outcome, reply.case) == ("threaded", 1)
    assert desk.case(1).status is Status.OPEN
    assert len(desk.mails("reopened", JO)) == 1


def test_escalation_by_the_quoted_original_finds_the_case(desk: Office) -> None:
    desk.mail(JO, "The printer ate my homework.", subject="Printer")
    inner = EmailMessage()
    inner["From"], inner["To"], inner["Subject"] = JO, SUPPORT, "Printer"
    inner["Message-ID"] = "<1@client.example>"
    inner.set_content("The printer ate my homework.")
    outer = EmailMessage()
    outer["From"], outer["To"], outer["Subject"] = JO, ESCALATION, "No answer yet"
    outer["Message-ID"] = "<esc@client.example>"
    outer.set_content("Nobody answered this.")
    outer.add_attachment(inner)
    outcome = desk.raw(outer.as_bytes(), (ESCALATION,), JO)
    assert (outcome.outcome, outcome.case) == ("threaded", 1)
    assert desk.case(1).escalation_level == 1
    assert desk.case(1).severity == "minimal"
    assert len(desk.mails("escalation")) == 2
    assert len(desk.mails("escalation_acknowledgement", JO)) == 1


def test_a_bounce_of_our_answer_tells_staff_and_opens_nothing(desk: Office) -> None:
    desk.mail(JO)
    desk.mail(ANN, "Turn it.", answers=desk.mails("staff_notice", ANN)[0])
    [answer] = desk.mails("staff_answer", JO)
    raw = BOUNCE.format(ref=answer["Message-ID"], to=JO).replace("\n", "\r\n").encode()
    outcome = desk.raw(raw, (SUPPORT,), "")
    assert (outcome.kind, outcome.outcome, outcome.case) == ("bounce", "threaded", 1)
    assert len(desk.mails("undeliverable")) == 2
    assert len(desk.desk.cases.listing()) == 1
    assert desk.case(1).status is Status.WAITING


BOUNCE = """From: MAILER-DAEMON@mx.customer.example
To: support@desk.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry, I could not deliver your message.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.customer.example

Final-Recipient: rfc822; {to}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {ref}
From: support@desk.example
To: {to}
Subject: Re: Help

--b--
"""


def test_ten_thousand_like_mails_are_one_quiet_case() -> None:
    with office() as desk:
        for index in range(120):
            desk.mail("robot@customer.example", f"alarm {index}", subject=f"Alarm {index}")
        assert len(desk.mails("acknowledgement")) <= 10
        assert len(desk.desk.cases.listing()) <= 52
        other = desk.mail(JO)
        assert other.outcome == "created"
        assert len(desk.mails("acknowledgement", JO)) == 1


def test_a_promise_counts_from_arrival_however_late_it_is_processed() -> None:
    with office() as desk:
        envelope = Envelope(Way.SMTP, JO, (SUPPORT,), desk.clock.now())
        arrived = desk.clock.now()
        desk.desk.inbox.put_batch(
            [(envelope, b"From: jo@customer.example\r\nSubject: Help\r\n\r\nIt broke.\r\n")]
        )
        desk.clock.move_to(arrived + timedelta(hours=2))
        desk.drain()
        case = desk.case(1)
        assert case.created_at == arrived
        assert case.respond_by == arrived + timedelta(hours=6)


def test_the_holder_of_a_leaked_token_writes_to_the_case_and_reads_nothing(desk: Office) -> None:
    desk.mail(JO, "My word is swordfish")
    [acknowledgement] = desk.mails("acknowledgement", JO)
    other = desk.mail("pat@elsewhere.example", "I was forwarded this.", answers=acknowledgement)
    assert (other.outcome, other.case) == ("threaded", 1)
    assert "unverified_participant" in desk.events(1)
    desk.mail(ANN, "The word is mine.", answers=desk.mails("staff_notice", ANN)[0])
    [(_, people, _)] = [row for row in desk.sent if row[0] == "staff_answer"]
    assert people == (JO,)


def test_cases_of_another_policy_go_on_under_the_new_one() -> None:
    with office("mekorma") as desk:
        desk.mail(JO, subject="First")
        desk.mail("pat@customer.example", subject="Second")
        made = desk.case(1).respond_by
        old, desk.desk = desk.desk, desk.under("tekstack")
        assert old.cases.get(1).severity == "minimal"
        [acknowledgement] = desk.mails("acknowledgement", JO)
        assert desk.mail(JO, "Hello?", answers=acknowledgement).outcome == "threaded"
        case = desk.case(1)
        assert (case.severity, case.plan) == ("normal", load_policy("tekstack").default_plan)
        assert case.respond_by == made, "the promise that was made stays"
        assert "policy_changed" in desk.events(1)
        desk.mail(ANN, "Here.", answers=desk.mails("staff_notice", ANN)[0])
        assert desk.case(1).status is Status.WAITING
        desk.desk.on_case(2, lambda f, c, now: command.severity(f, c, now, author=ANN, severity="normal"))
        assert desk.case(2).severity == "normal"
        desk.wait(days=3)
