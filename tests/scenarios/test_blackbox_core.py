"""Defects that were found from the outside, each held by a test that is named after it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage, Message
from email.policy import SMTP

import pytest

from mailbridge.errors import Permanent
from mailbridge.model.envelope import Envelope, Way
from mailbridge.policy import command
from mailbridge.store import jobs
from tests.scenarios.site import ANN, ESCALATION, SUPPORT, Office, office

JO, DORA, MALLORY = "Jo <jo@customer.example>", "Dora <dora@customer.example>", "mallory@evil.example"
WORDS = "Since Monday the invoices fail to post.\nThe error is number 17."
QUOTED = (
    "Nobody answers me.\n\nOn Mon, Nov 16, 2026 at 9:00 AM Jo <jo@customer.example> wrote:\n\n"
    "> Since Monday the invoices fail to\n> post. The error is number 17.\n"
)


@pytest.fixture
def desk() -> Iterator[Office]:
    with office() as made:
        yield made


def _customers(desk: Office) -> None:
    desk.desk.customers.put_batch(
        [
            {
                "account": "Customer",
                "plan": "subscription",
                "name": name,
                "addresses": [f"{name}@customer.example"],
            }
            for name in ("jo", "dora")
        ]
    )


def _greeting(mail: Message) -> str:
    part = next(part for part in mail.walk() if part.get_content_type() == "text/plain")
    return part.get_payload(decode=True).decode().splitlines()[0]  # type: ignore[union-attr]


def test_a_colleague_who_escalates_is_acknowledged_himself(desk: Office) -> None:
    _customers(desk)
    desk.mail(JO, WORDS)
    outcome = desk.mail(DORA, "Case 1, please!", subject="No answer", to=ESCALATION)
    assert (outcome.outcome, outcome.case) == ("threaded", 1)
    (mail,) = desk.mails("escalation_acknowledgement")
    assert mail["To"] == "dora@customer.example"
    assert "Dora" in _greeting(mail)


def test_an_original_quoted_under_another_subject_is_found_by_its_words(desk: Office) -> None:
    desk.mail(JO, WORDS)
    outcome = desk.mail(JO, QUOTED, subject="Still waiting", to=ESCALATION)
    assert (outcome.outcome, outcome.case) == ("threaded", 1)
    assert desk.case(1).escalation_level == 1


def test_quoted_words_let_no_stranger_in(desk: Office) -> None:
    desk.mail(JO, WORDS)
    outcome = desk.mail(MALLORY, QUOTED, subject="Still waiting", to=ESCALATION)
    assert (outcome.outcome, outcome.case) == ("created", 2)
    assert desk.case(1).escalation_level == 0
    assert "may_belong_to" in desk.events(2)


def test_a_few_common_words_are_no_quotation(desk: Office) -> None:
    desk.mail(JO, "Please help!", subject="One")
    outcome = desk.mail(JO, "Please help! All is down.", subject="Two", to=ESCALATION)
    assert (outcome.outcome, outcome.case) == ("created", 2)


def _with_file(size_bytes: int) -> bytes:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
        JO,
        SUPPORT,
        "Plans",
        "<plans@customer.example>",
    )
    mail.set_content("The plans are attached.")
    mail.add_attachment(b"x" * size_bytes, maintype="application", subtype="zip", filename="plans.zip")
    return mail.as_bytes()


@pytest.mark.parametrize(("size_bytes", "told"), [(1_000, 0), (1_001, 1)])
def test_a_file_beyond_the_policys_limit_is_told_once_and_marked(
    desk: Office, size_bytes: int, told: int
) -> None:
    ground = desk.desk.ground
    desk.desk.ground = replace(ground, policy=replace(ground.policy, attachment_limit_bytes=1_000))
    for _ in range(2):
        desk.raw(_with_file(size_bytes), (SUPPORT,), "jo@customer.example")
    assert len(desk.mails("attachment_refused", "jo@customer.example")) == told
    assert desk.events(1).count("attachment_refused") == told
    (row,) = desk.desk.cases.entries(desk.case(1).id)[0]["attachments"]
    assert ("larger than the 1 kB" in row["dangerous"]) == bool(told)


@pytest.mark.parametrize("suffix", ["+", ":again", ":again+"])
def test_a_job_added_while_another_ran_is_worked_off_with_the_message(desk: Office, suffix: str) -> None:
    stored = desk.desk.inbox.put_batch(
        [(Envelope(Way.SMTP, "jo@customer.example", (SUPPORT,), desk.clock.now()), _with_file(10))]
    )[0]
    key = f"process:{stored.message_id}{suffix}"
    with desk.desk.store.write() as connection:
        jobs.add(connection, "process", key, {"message": stored.message_id}, desk.clock.now())
    assert desk.desk.process_message(stored.message_id).outcome == "created"
    assert [row for row in desk.desk.jobs.listing() if row["kind"] == "process"] == []


def test_a_message_is_set_aside_only_by_the_holder_of_its_job(desk: Office) -> None:
    stored = desk.desk.inbox.put_batch(
        [(Envelope(Way.SMTP, "jo@customer.example", (SUPPORT,), desk.clock.now()), _with_file(10))]
    )[0]
    held = desk.desk.jobs.claim_key(f"process:{stored.message_id}", desk.clock.now(), 300)
    assert held is not None
    desk.desk.inbox.quarantine(stored.message_id, "ValueError: odd", desk.clock.now(), replace(held, lease=0))
    assert desk.desk.outcome(stored.message_id).outcome == "received"
    desk.desk.inbox.quarantine(stored.message_id, "ValueError: odd", desk.clock.now(), held)
    assert desk.desk.outcome(stored.message_id).outcome == "quarantined"
    assert desk.desk.jobs.count("process", "dead") == 1


def test_a_merge_sees_what_came_to_its_target_meanwhile(desk: Office) -> None:
    """The target is fenced as well: a change between reading and writing it makes the merge think again."""
    desk.mail(JO, WORDS, subject="One")
    desk.mail(JO, "Something else entirely.", subject="Two")
    tries = itertools.count()

    def merge(facts: object, case: object, now: object) -> object:
        target = desk.desk.cases.get(1)
        if next(tries) == 0:
            desk.desk.on_case(1, lambda f, c, n: command.escalate(f, c, n, author=ANN))
        return command.merge(facts, case, now, author=ANN, target=target)  # type: ignore[arg-type]

    desk.desk.on_case(2, merge)  # type: ignore[arg-type]
    assert next(tries) == 2
    assert desk.case(1).escalation_level == 1
    with pytest.raises(Permanent):
        desk.desk.on_case(2, merge)  # type: ignore[arg-type]


def _report(desk: Office, subject: str) -> int | None:
    machine = {"Auto-Submitted": "auto-generated"}
    return desk.mail("zabbix@mon.example", f"{subject}: see there", subject=subject, headers=machine).case


def test_the_same_report_with_another_counter_is_one_case(desk: Office) -> None:
    cases = {
        _report(desk, f"PROBLEM #{n}: disk 9{n}% full on srv1 at 2026-11-16T09:0{n}:00") for n in range(5)
    }
    assert cases == {1}


def test_a_report_of_another_machine_is_another_case(desk: Office) -> None:
    names = ("srv1", "srv2", "web-01", "web-02")
    assert [_report(desk, f"PROBLEM: {name} is down") for name in names] == [1, 2, 3, 4]


def test_a_dead_address_stands_on_the_record_of_its_case(desk: Office) -> None:
    desk.mail(JO, WORDS)
    (ack,) = desk.mails("acknowledgement")
    bounce = (
        "From: MAILER-DAEMON@customer.example\r\nTo: support@desk.example\r\nSubject: Undelivered\r\n"
        "Message-ID: <b@customer.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nNo such user.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.customer.example\r\n\r\nFinal-Recipient: rfc822; jo@customer.example\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {ack['Message-ID']}\r\n\r\n--b--\r\n"
    )
    assert desk.raw(bounce.encode(), (SUPPORT,), "").outcome == "threaded"
    assert "address_dead" in desk.events(1)
    assert desk.mails("undeliverable", ANN)


def test_who_escalates_by_a_mail_of_ours_is_acknowledged_though_no_participant(desk: Office) -> None:
    desk.mail(JO, WORDS)
    (ack,) = desk.mails("acknowledgement")
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "Boss <boss@customer.example>", ESCALATION, "Look at this"
    mail["Message-ID"] = "<boss@customer.example>"
    mail.set_content("Nobody has answered us.")
    mail.add_attachment(ack.as_bytes(), maintype="application", subtype="octet-stream", filename="ack.eml")
    assert desk.raw(mail.as_bytes(), (ESCALATION,), "boss@customer.example").case == 1
    (answer,) = desk.mails("escalation_acknowledgement")
    assert answer["To"] == "boss@customer.example"
    assert "Boss" in _greeting(answer)


def test_a_duplicate_says_of_what_it_is_one(desk: Office) -> None:
    raw = _with_file(10)
    outcomes = [desk.raw(raw, (SUPPORT,), "jo@customer.example") for _ in range(2)]
    assert [one.outcome for one in outcomes] == ["created", "duplicate"]
    assert outcomes[1].reason == "the same bytes as message 1"
    assert outcomes[1].case == 1


def test_a_case_that_follows_a_closed_one_names_it_on_record(desk: Office) -> None:
    desk.mail(JO, WORDS)
    desk.desk.on_case(1, lambda facts, case, now: command.close(facts, case, now, author=ANN))
    desk.wait(days=15)
    outcome = desk.mail(JO, "It is back.", subject="Re: Help [#1]")
    assert (outcome.outcome, outcome.case) == ("created", 2)
    (born,) = [row for row in desk.desk.cases.events(desk.case(2).id) if row["event"] == "case_created"]
    assert born["data"]["follows"] == 1


@pytest.mark.parametrize(
    ("authors", "case"), [(f"{JO}, {MALLORY}", 2), (f"{MALLORY}, {JO}", 2), (f"{JO}, {DORA}", 1)]
)
def test_of_several_authors_each_must_be_a_participant(desk: Office, authors: str, case: int) -> None:
    desk.mail(JO, WORDS, headers={"Cc": "dora@customer.example"})
    assert desk.mail(JO, "Let me in.", subject="[#1]", headers={"From": authors}).case == case


def test_ingest_tells_the_outcome_though_a_worker_was_quicker(desk: Office) -> None:
    """The command's next look finds the message decided, by a worker that held its job at the first."""
    held: list[jobs.Job] = []

    class Quicker(type(desk.desk.inbox)):  # type: ignore[misc]
        """An inbox beside which a worker takes up what comes before the command can."""

        def put_batch(self, *words: object) -> object:
            stored = super().put_batch(*words)
            held.extend(desk.desk.jobs.claim(("process",), desk.clock.now(), 300))
            return stored

    def pause() -> bool:
        desk.desk.process(held.pop())
        return True

    desk.desk.inbox = Quicker(desk.desk.store)
    envelope = Envelope(Way.INGEST, None, (SUPPORT,), desk.clock.now())
    outcome = desk.desk.take(envelope, _with_file(10), pause)
    assert (outcome.outcome, outcome.kind, outcome.case) == ("created", "human", 1)
