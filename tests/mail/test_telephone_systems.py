"""Each telephone system of the table is known, its call read, and it is never answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailbridge.model.message import Kind
from tests.mail.make import SITE, judge, with_audio
from tests.mail.telephone_systems import LINKED, ROWS, TO, Row

MACHINE = "Auto-Submitted: auto-generated\nPrecedence: bulk\nX-Auto-Response-Suppress: All\n"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_the_call_is_read(row: Row) -> None:
    kind, body = with_audio(row.text, row.file, row.type)
    verdict = judge(f"{TO}{row.headers}\n{kind}", body)
    assert (verdict.kind, verdict.may_answer) == (Kind.VOICEMAIL, False), verdict.reason
    found = verdict.voicemail
    assert found is not None
    assert (found.system, found.caller, found.caller_name) == (row.system, row.caller, row.name)
    assert (found.mailbox, found.duration_s) == (row.mailbox, row.seconds)
    assert found.audio_parts == ("2",)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_it_is_a_voicemail_before_it_is_a_machines_mail(row: Row) -> None:
    kind, body = with_audio(row.text, row.file, row.type)
    verdict = judge(f"{MACHINE}{TO}{row.headers}\n{kind}", body)
    assert (verdict.kind, verdict.may_answer) == (Kind.VOICEMAIL, False), verdict.reason


@pytest.mark.parametrize(("headers", "text"), [row[1:] for row in LINKED], ids=[row[0] for row in LINKED])
def test_a_link_is_no_voicemail_of_a_stranger_and_is_never_answered(headers: str, text: str) -> None:
    stranger = judge(f"{TO}{headers}", text, replace(SITE, voicemail_link_senders=frozenset()))
    assert stranger.kind is not Kind.VOICEMAIL
    assert not stranger.may_answer, f"{stranger.kind} {stranger.rule}"
    sender = headers.partition("\n")[0].rpartition("@")[2].rstrip(">")
    listed = judge(f"{TO}{headers}", text, replace(SITE, voicemail_link_senders=frozenset((f"@{sender}",))))
    assert listed.kind is Kind.VOICEMAIL
    assert listed.voicemail is not None
    assert listed.voicemail.caller == "4155550133"
    assert listed.voicemail.links
    assert not listed.may_answer


TRAP = (
    "From: Pat <pat@customer.example>\nMessage-ID: <a@customer.example>\n{0}"
    "X-CallingTelephoneNumber: IPM.Note\nX-VoiceMessageDuration: 1\nX-FaxNumberOfPages: 0"
)


@pytest.mark.parametrize("subject", ["Recall: the invoice", "Printer", "Voice of the customer"])
@pytest.mark.parametrize("attached", [False, True])
def test_exchange_headers_on_ordinary_mail_are_no_voicemail(subject: str, attached: bool) -> None:
    kind, body = with_audio("Please listen to the noise of it.", "noise.wav") if attached else ("", "Hello")
    headers = TRAP.format(f"Subject: {subject}\n") + (f"\n{kind}" if kind else "")
    assert judge(f"{TO}{headers}", body).kind is not Kind.VOICEMAIL
