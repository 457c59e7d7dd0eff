# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""Voicemail by system: caller, mailbox, length, transcript; and recordings that people send."""

from __future__ import annotations

import pytest

from mailbridge.mail.parse import parse, part_bytes
from mailbridge.model.message import Kind, Voicemail
from mailbridge.model.own import Own, VoicemailRule
from tests.mail.make import FROM, WAV, judge, raw, with_audio

PBX = "From: PBX <pbx@customer.example>\nTo: support@desk.example\n"
SYSTEMS = (
    ("freeswitch", PBX + 'Subject: Voicemail from "JOHN DOE" <+14155550133> 00:00:12\nX-Voicemail-Length: 12', "x", "+14155550133", 12.0),
    ("fusionpbx", PBX + "Subject: Voicemail from JOHN <+14155550133> 0:12\nX-FusionPBX-Email-Type: voicemail", "Length: 0:12", "+14155550133", 12.0),
    ("kazoo", PBX + "Subject: New voicemail from Jane Roe (4155550133)", "Length: 0:12", "4155550133", 12.0),
    ("mitel", PBX + "Message-ID: <MITEL-VM-1@x>\nSubject: Voicemail from JANE", "From: 4155550133\nLength: 0:04", "4155550133", 4.0),
    ("inter-tel", PBX + "Subject: 0:32 Message for MB 100 from x 200", "x", "200", 32.0),
    ("matrix", PBX + "Subject: [VMS] New Message received from 04012345", "x", "04012345", None),
    ("cisco-unity", "From: UnityConnection@cuc.example\nSubject: +14155550133", "x", "+14155550133", None),
    ("ringcentral", "From: RingCentral <service@ringcentral.com>\nSubject: New Voice Message from JOHN SMITH (415) 555-0133 on 03/03/2026 2:05 PM", "Length: 00:07", "4155550133", 7.0),
    ("3cx", "From: 3CX <noreply@3cx.net>\nSubject: New Voicemail from 04012345", 'From: "Bob" 04012345\nDuration: "00:12"', "04012345", 12.0),
    ("telekom", "From: Telekom <noreply@telekom.de>\nSubject: Neue Sprachnachricht von +49 40 123456", "Dauer: 0:12", "+4940123456", 12.0),
    ("exchange-um", PBX + "Subject: Voice Mail (7 seconds)\nContent-Class: Voice-CA\nX-CallingTelephoneNumber: +49405551234", "x", "+49405551234", 7.0),
    ("asterisk", PBX + "Subject: New urgent message 3 in mailbox 100", 'just left a 0:12 long message (number 3) in mailbox 100 from "Jane" <4155550133>, on x', "4155550133", 12.0),
    ("asterisk", PBX + "Subject: x\nX-Asterisk-CallerID: anonymous", "x", "", None),
)  # fmt: skip
ATTACHED_BY_PEOPLE = (
    ("Subject: Voicemail I got from your courier", "voicemail.m4a"),
    ("Subject: Voice message", "audio.m4a"),
    ("Subject: noise of the machine", "noise.wav"),
    (
        "Subject: Recall: offer\nX-CallingTelephoneNumber: IPM.Note\nX-VoiceMessageDuration: 1\nX-FaxNumberOfPages: 0",
        "a.wav",
    ),
)


@pytest.mark.parametrize(("system", "headers", "text", "caller", "seconds"), SYSTEMS)
def test_systems(system: str, headers: str, text: str, caller: str, seconds: float | None) -> None:
    kind, body = with_audio(text)
    verdict = judge(f"{headers}\n{kind}", body)
    assert (verdict.kind, verdict.may_answer) == (Kind.VOICEMAIL, False), verdict.reason
    assert isinstance(verdict.voicemail, Voicemail)
    assert (verdict.voicemail.system, verdict.voicemail.caller, verdict.voicemail.duration_s) == (
        system,
        caller,
        seconds,
    )
    assert verdict.voicemail.audio_parts == ("2",)
    assert part_bytes(raw(f"{headers}\n{kind}", body), "2") == WAV


@pytest.mark.parametrize(("headers", "name"), ATTACHED_BY_PEOPLE)
def test_recordings_that_people_send(headers: str, name: str) -> None:
    kind, body = with_audio(
        "Please listen to this", name, "audio/mp4" if name.endswith("m4a") else "audio/wav"
    )
    verdict = judge(f"{FROM}{headers}\n{kind}", body)
    assert (verdict.kind, verdict.may_answer) == (Kind.HUMAN, True)


def test_links_count_only_from_a_listed_sender() -> None:
    text = "Hi this is Bob\n\nplay message <https://voice.example/fm/123>"
    listed = judge(
        "From: Google Voice <voice-noreply@google.com>\nSubject: New voicemail from (917) 359-5785 at 3:18 PM",
        text,
    )
    assert listed.voicemail is not None
    assert (listed.voicemail.caller, listed.voicemail.links) == (
        "9173595785",
        ("https://voice.example/fm/123",),
    )
    lure = judge("From: Voice <voice@lure.example>\nSubject: New voicemail from (917) 359-5785", text)
    assert lure.voicemail is None


def test_the_transcript_of_the_telephone_system() -> None:
    kind, body = with_audio(
        "Below is the message transcription you requested:\nLocale: en\nConfidence: 73.8\nMessage: call me"
    )
    verdict = judge(f"From: Voip <noreply@voip.ms>\nSubject: New Voicemail Message\n{kind}", body)
    assert verdict.voicemail is not None
    assert verdict.voicemail.text == "call me"


def test_the_administrators_rule_comes_first() -> None:
    site = Own(
        voicemail_rules=(VoicemailRule("old pbx", from_address="@pbx.example", subject="Nachricht *"),)
    )
    kind, body = with_audio("x")
    headers = f"From: box@pbx.example\nSubject: Nachricht 5\n{kind}"
    assert judge(headers, body, site).kind is Kind.VOICEMAIL
    assert judge(headers.replace("Nachricht", "Notiz"), body, site).kind is Kind.HUMAN


def test_a_recording_named_only_by_its_bytes_is_found() -> None:
    kind, body = with_audio("x", "file.dat", "application/octet-stream")
    assert parse(raw(f"{PBX}Subject: x\n{kind}", body)).attachments[0].sniffed_type == "audio/wav"
