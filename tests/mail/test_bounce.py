# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""Delivery reports: standard, not standard, quoted by people; what they name."""

from __future__ import annotations

import pytest

from mailbridge.mail.parse import parse
from mailbridge.model.message import Kind
from tests.mail.make import FROM, judge

DSN = (
    "From: MAILER-DAEMON@mx.example (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender\n"
    "Auto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
    "--b\n\nI'm sorry to have to inform you\n--b\nContent-Type: {kind}\n\nReporting-MTA: dns; mx.example\n\n{fields}\n"
    "--b\nContent-Type: message/rfc822\n\nMessage-ID: <ours@desk.example>\nReferences: <first@x>\nSubject: Re: [#12] x\n"
    "To: Pat <pat@customer.example>\n\nbody\n--b--\n"
)


def report(fields: str, kind: str = "message/delivery-status") -> bytes:
    return DSN.format(fields=fields, kind=kind).encode()


def test_a_standard_report_wins_over_auto_submitted() -> None:
    found = parse(
        report(
            "Final-Recipient: rfc822; pat@customer.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 no"
        )
    ).bounce
    assert found is not None
    assert [(one.address, one.action, one.status, one.address_dead) for one in found.recipients] == [
        ("pat@customer.example", "failed", "5.1.1", True)
    ]
    assert (found.original_message_id, found.original_references, found.original_subject) == (
        "<ours@desk.example>",
        ("<first@x>",),
        "Re: [#12] x",
    )


@pytest.mark.parametrize(
    ("fields", "row"),
    [
        ("Original-Recipient: rfc822;a@b.example\nFinal-Recipient: rfc822;x@y.example\nAction: failed\nStatus: 5.2.2", ("a@b.example", "failed", "5.2.2")),
        ("Final-Recipient: rfc822; <a@b.example>\nAction: delayed\nStatus: 4.4.1", ("a@b.example", "delayed", "4.4.1")),
        ("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 unknown", ("a@b.example", "failed", "5.1.1")),
        ("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.7.1 blacklisted", ("a@b.example", "failed", "5.7.1")),
        ("Final-Recipient: rfc822; a@b.example\n\n\nAction: failed\n\nStatus: 5.1.1", ("a@b.example", "failed", "5.1.1")),
        ("Final-Recipient: utf-8; j\\x{F6}rg@b.example\nAction: failed\nStatus: 5.1.1", ("jörg@b.example", "failed", "5.1.1")),
        ("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 requires confirmation", ("a@b.example", "delayed", "4.7.0")),
    ],
)  # fmt: skip
def test_recipient_fields(fields: str, row: tuple[str, str, str]) -> None:
    found = parse(report(fields)).bounce
    assert found is not None
    assert [(one.address, one.action, one.status) for one in found.recipients] == [row]


QMAIL = (
    "From: MAILER-DAEMON@mx.example\nSubject: failure notice",
    (
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message.\n\n"
        "<pat@customer.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
        "Return-Path: <support@desk.example>\nMessage-ID: <ours@desk.example>\nSubject: hi\n\nbody"
    ),
)
EXIM = (
    "From: Mail Delivery System <Mailer-Daemon@mx.example>\nX-Failed-Recipients: pat@customer.example\nSubject: Mail delivery failed",
    (
        "The following address(es) failed:\n\n  pat@customer.example\n    Unrouteable address\n\n"
        "------ This is a copy of the message, including all the headers. ------\n\nMessage-ID: <ours@desk.example>\nSubject: hi\n\nbody"
    ),
)
GERMAN = (
    "From: Postmaster <postmaster@mx.example>\nSubject: Unzustellbar: hi",
    "Ihre Nachricht konnte nicht zugestellt werden.\n\npat@customer.example\nDas Postfach ist voll. 552 5.2.2\n",
)


@pytest.mark.parametrize(
    ("headers", "text", "status", "original"),
    [
        (*QMAIL, "5.1.1", "<ours@desk.example>"),
        (*EXIM, "5.1.1", "<ours@desk.example>"),
        (*GERMAN, "5.2.2", ""),
    ],
)
def test_reports_that_are_none_by_the_standard(headers: str, text: str, status: str, original: str) -> None:
    found = parse(f"{headers}\n\n{text}".encode()).bounce
    assert found is not None
    assert [(one.address, one.status) for one in found.recipients] == [("pat@customer.example", status)]
    assert found.original_message_id == original


@pytest.mark.parametrize(
    "subject", ["FW: Undelivered Mail Returned to Sender", "Re: failure notice", "What is this?"]
)
def test_people_who_quote_a_report(subject: str) -> None:
    verdict = judge(f"{FROM}Subject: {subject}", "I get this:\n\n" + QMAIL[1])
    assert (verdict.kind, verdict.may_answer) == (Kind.HUMAN, True)


def test_a_challenge_dressed_as_a_report_is_none() -> None:
    raw = report("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.0.0").replace(
        b"MAILER-DAEMON@mx.example", b"noreply@boxbe.com"
    )
    assert parse(raw).bounce is None
