"""Delivery reports on the real desk: tied to what we sent, marking what is dead, telling staff, opening
nothing."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message

import pytest

from mailbridge.model.case import Status
from tests.kinds.rows import OURS, Row, rows
from tests.scenarios.site import ANN, SUPPORT, Office, office

JO = "jo@customer.example"
HEAPS = ("tuned", "fresh")


@pytest.fixture
def desk() -> Iterator[Office]:
    with office() as made:
        yield made


def answer_to(desk: Office, customer: str) -> tuple[int, Message]:
    """A case of this customer that staff have answered: its number and the answer as sent."""
    number = desk.mail(customer, f"It does not work at {customer}.").case
    assert number is not None
    notice = desk.mails("staff_notice", ANN)[-1]
    desk.mail(ANN, "Turn it off and on again.", answers=notice)
    return number, desk.mails("staff_answer", customer)[-1]


def returned(row: Row, sent: Message, customer: str) -> bytes:
    """The row's report as it comes back for this mail."""
    raw = row.raw().decode().replace(OURS.strip("<>"), str(sent["Message-ID"]).strip("<>"))
    return raw.replace(row.expect[0], customer).encode()


@pytest.mark.parametrize("heap", HEAPS)
def test_every_report_that_names_our_mail_is_tied_to_its_case(heap: str) -> None:
    wrong: list[tuple[object, ...]] = []
    with office() as desk:
        carrying = [
            row
            for row in rows(heap)
            if row.kind == "bounce" and row.expect and {"DSN", "COPY", "RFC"} & set(row.codes)
        ]
        for index, row in enumerate(carrying):
            customer = f"c{index}@gone.example"
            number, sent = answer_to(desk, customer)
            outcome = desk.raw(returned(row, sent, customer), (SUPPORT,), "")
            told = len(desk.mails("undeliverable", ANN))
            events = desk.events(number)
            passing = row.expect[2:] != () or row.expect[1].startswith(("2", "4"))
            if (outcome.outcome, outcome.case) != ("threaded", number) or desk.case(
                number
            ).status is not Status.WAITING:
                wrong.append((row.place, outcome))
            if passing and ("address_dead" in events or told):
                wrong.append((row.place, "a passing trouble marked the address or told staff"))
            if not passing and not told:
                wrong.append((row.place, "staff were not told"))
            desk.sent.clear()
        assert len(desk.desk.cases.listing()) == len(carrying)
    assert wrong == []


def report(sent_id: str, *recipients: tuple[str, str, str], fields: str = "") -> bytes:
    """A standard report on several recipients: (address, action, status)."""
    blocks = "".join(
        f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n\n"
        for address, action, status in recipients
    )
    text = (
        "From: MAILER-DAEMON@mx.example\nTo: support@desk.example\nSubject: Undelivered Mail\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\n\nSorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"{blocks}\n--b\nContent-Type: text/rfc822-headers\n\n"
        f"Message-ID: {sent_id}\n{fields}Subject: Re: [#1] Help\n\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def test_of_several_recipients_only_the_dead_one_is_marked(desk: Office) -> None:
    desk.mail(JO, headers={"Cc": "pat@customer.example, kim@customer.example"})
    desk.mail(ANN, "Turn it.", answers=desk.mails("staff_notice", ANN)[0])
    [answer] = desk.mails("staff_answer", JO)
    raw = report(
        str(answer["Message-ID"]),
        ("pat@customer.example", "failed", "5.1.1"),
        ("kim@customer.example", "failed", "4.2.2"),
        (JO, "delivered", "2.0.0"),
    )
    assert desk.raw(raw, (SUPPORT,), "").case == 1
    assert _dead(desk) == ["pat@customer.example"]
    assert "pat@customer.example" in desk.mails("undeliverable", ANN)[0].as_string()


def _dead(desk: Office, number: int = 1) -> list[object]:
    rows_of = desk.desk.cases.events(desk.case(number).id)
    return [row["data"]["address"] for row in rows_of if row["event"] == "address_dead"]


@pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "5.0.0", "4.1.1"])
def test_a_full_box_or_a_refusal_leaves_the_address_alive(desk: Office, status: str) -> None:
    _, answer = answer_to(desk, JO)
    desk.raw(report(str(answer["Message-ID"]), (JO, "failed", status)), (SUPPORT,), "")
    assert _dead(desk) == []
    assert len(desk.mails("undeliverable", ANN)) == 1


def test_the_token_ties_where_a_relay_gave_the_mail_another_id(desk: Office) -> None:
    _, answer = answer_to(desk, JO)
    raw = report("<0100-x@mail.example>", (JO, "failed", "5.1.1"), fields=f"Reply-To: {answer['Reply-To']}\n")
    assert desk.raw(raw, (SUPPORT,), "").case == 1
    assert _dead(desk) == [JO]


def test_a_report_to_the_token_address_is_tied_though_it_returns_nothing(desk: Office) -> None:
    _, answer = answer_to(desk, JO)
    raw = report("", (JO, "failed", "5.1.1"))
    assert desk.raw(raw, (str(answer["Reply-To"]),), "").case == 1
    assert _dead(desk) == [JO]


def test_a_token_of_one_customer_marks_no_other(desk: Office) -> None:
    _, answer = answer_to(desk, JO)
    raw = report("", ("boss@customer.example", "failed", "5.1.1"))
    desk.raw(raw, (str(answer["Reply-To"]),), "")
    assert _dead(desk) == []


def test_a_number_files_the_report_and_marks_nobody(desk: Office) -> None:
    answer_to(desk, JO)
    assert desk.raw(report("", (JO, "failed", "5.1.1")), (SUPPORT,), "").case == 1
    assert _dead(desk) == []
    assert len(desk.mails("undeliverable", ANN)) == 1


@pytest.mark.parametrize("victim", ["eve@customer.example", "ann@desk.example"])
def test_a_forged_report_with_nothing_of_ours_is_ignored(desk: Office, victim: str) -> None:
    answer_to(desk, JO)
    outcome = desk.raw(report("<made-up@desk.example>", (victim, "failed", "5.1.1")), (SUPPORT,), "")
    assert (outcome.outcome, outcome.case) == ("ignored", None)
    assert _dead(desk) == []
    assert desk.mails("undeliverable") == []


def test_a_report_on_a_closed_case_opens_nothing(desk: Office) -> None:
    _, answer = answer_to(desk, JO)
    desk.wait(days=4)
    assert desk.case(1).status is Status.CLOSED
    desk.raw(report(str(answer["Message-ID"]), (JO, "failed", "5.1.1")), (SUPPORT,), "")
    assert desk.case(1).status is Status.CLOSED
    assert len(desk.desk.cases.listing()) == 1


def test_a_dead_address_gets_no_further_automatic_mail(desk: Office) -> None:
    _, answer = answer_to(desk, JO)
    desk.raw(report(str(answer["Message-ID"]), (JO, "failed", "5.1.1")), (SUPPORT,), "")
    desk.sent.clear()
    desk.wait(days=4)
    assert desk.mails("auto_close_warning", JO) == desk.mails("auto_close", JO) == []
    assert "suppressed" in desk.events(1)
