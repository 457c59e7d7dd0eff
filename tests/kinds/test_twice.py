"""The same message by several ways and at several times: once on the case, acknowledged once; and messages
that only look the same: both kept."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailbridge.model.envelope import Way
from tests.scenarios.site import ESCALATION, SUPPORT, Office, office

JO = "jo@customer.example"
TRACE = "Received: from a by {by}; Tue, 17 Nov 2026 17:00:00 +0000\r\nReturn-Path: <jo@customer.example>\r\n"
ARRIVALS = (
    (SUPPORT, Way.SMTP, ""),
    (SUPPORT, Way.IMAP, TRACE.format(by="imap.desk.example")),
    (SUPPORT, Way.LMTP, TRACE.format(by="mx2.desk.example")),
    (ESCALATION, Way.SMTP, TRACE.format(by="mx1.desk.example")),
    (ESCALATION, Way.IMAP, "X-Gmail-Labels: inbox\r\n"),
)


@pytest.fixture
def desk() -> Iterator[Office]:
    with office() as made:
        yield made


def message(ref: str = "<1@customer.example>", text: str = "It does not work since Monday.") -> str:
    fields = f"Message-ID: {ref}\r\n" if ref else ""
    return (
        f"From: Jo <{JO}>\r\nTo: {SUPPORT}\r\nCc: {ESCALATION}\r\nSubject: Help\r\n"
        f"Date: Tue, 17 Nov 2026 16:59:00 +0000\r\n{fields}\r\n{text}\r\n"
    )


def said(desk: Office, number: int = 1) -> list[str]:
    rows = desk.desk.cases.entries(desk.case(number).id)
    return [str(row["text"]) for row in rows if row["direction"] == "in"]


@pytest.mark.parametrize("first", range(len(ARRIVALS)))
def test_one_mail_by_every_way_and_to_both_addresses_is_one_escalated_case(desk: Office, first: int) -> None:
    for to, way, trace in (*ARRIVALS[first:], *ARRIVALS[:first]):
        desk.raw((trace + message()).encode(), (to,), JO if way is Way.SMTP else None, way)
    assert len(desk.desk.cases.listing()) == 1
    assert len(said(desk)) == 1
    assert desk.case(1).escalation_level == 1
    assert len(desk.mails("acknowledgement", JO)) + len(desk.mails("escalation_acknowledgement", JO)) <= 2
    assert len(desk.mails("acknowledgement", JO)) == 1


@pytest.mark.parametrize("hours", [0, 1, 100])
def test_a_mail_sent_again_after_our_answer_was_lost_is_the_same(desk: Office, hours: int) -> None:
    desk.raw(message().encode(), (SUPPORT,), JO)
    desk.wait(hours=hours)
    again = desk.raw((TRACE.format(by="retry") + message()).encode(), (SUPPORT,), JO)
    assert (again.outcome, again.case) == ("duplicate", 1)
    assert len(said(desk)) == 1


def test_the_same_id_with_another_text_is_another_message(desk: Office) -> None:
    desk.raw(message().encode(), (SUPPORT,), JO)
    other = desk.raw(message(text="And the scanner beeps.").encode(), (SUPPORT,), JO)
    assert other.outcome in ("created", "threaded")
    assert sum(len(said(desk, case.number)) for case in desk.desk.cases.listing()) == 2


def test_the_same_text_under_another_id_minutes_later_is_one_case(desk: Office) -> None:
    desk.raw(message().encode(), (SUPPORT,), JO)
    desk.wait(minutes=5)
    again = desk.raw(message("<2@customer.example>").encode(), (SUPPORT,), JO)
    assert (again.outcome, again.case) == ("threaded", 1)
    assert len(said(desk)) == 2
    assert len(desk.mails("acknowledgement", JO)) == 1


def test_the_same_text_under_another_id_days_later_is_a_new_matter(desk: Office) -> None:
    once, again = (
        message(ref).replace(f"Cc: {ESCALATION}\r\n", "") for ref in ("<1@c.example>", "<2@c.example>")
    )
    desk.raw(once.encode(), (SUPPORT,), JO)
    desk.wait(days=3)
    assert desk.raw(again.encode(), (SUPPORT,), JO).outcome == "created"


def test_the_same_text_of_somebody_else_is_another_case(desk: Office) -> None:
    desk.raw(message().encode(), (SUPPORT,), JO)
    other = message("<2@else.example>").replace(JO, "pat@else.example")
    assert desk.raw(other.encode(), (SUPPORT,), "pat@else.example").case == 2


def test_a_mail_without_an_id_is_known_by_what_it_says(desk: Office) -> None:
    desk.raw(message("").encode(), (SUPPORT,), JO)
    again = desk.raw((TRACE.format(by="imap") + message("")).encode(), (SUPPORT,), None, Way.IMAP)
    assert again.outcome == "duplicate"
    assert len(said(desk)) == 1
