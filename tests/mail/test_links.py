"""Whose links are fetched: the author on the list, and a DKIM signature that our own server found right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailbridge.mail.parse import parse
from mailbridge.model.message import Voicemail
from mailbridge.policy.authentic import read_authentic
from mailbridge.policy.links import judge_link
from tests.mail.make import SITE, judge, raw, with_audio

AT = "Authentication-Results: mx.desk.example; "
GOOD = "dkim=pass header.d=pbx.example"
MAIL = "From: PBX <vm@pbx.example>\nTo: support@desk.example\nSubject: New voicemail from (415) 555-0133"
TEXT = "Hi\n\nlisten https://files.example/play/7"


def call(
    listed: str = "@pbx.example",
    results: str = AT + GOOD,
    mail: str = MAIL,
    text: str = TEXT,
    *,
    proves: bool = True,
    trusted: tuple[str, ...] = ("mx.desk.example",),
) -> Voicemail:
    """The voicemail as judged."""
    own = replace(SITE, voicemail_link_senders=frozenset((listed,)), authserv_ids=trusted)
    headers = f"{results}\n{mail}" if results else mail
    found = judge(headers, text, own).voicemail
    assert found is not None
    message = parse(raw(headers, text))
    return judge_link(found, message, read_authentic(message, trusted), own, proves=proves)


@pytest.mark.parametrize(
    ("listed", "sender", "signer"),
    [
        ("@pbx.example", "vm@pbx.example", "pbx.example"),
        ("vm@pbx.example", "vm@pbx.example", "pbx.example"),
        ("vm@pbx.example", "VM@PBX.example", "PBX.example"),
        ("@voice.pbx.example", "vm@voice.pbx.example", "voice.pbx.example"),
        ("@voice.pbx.example", "vm@voice.pbx.example", "pbx.example"),
        ("@voice.pbx.co.uk", "vm@voice.pbx.co.uk", "pbx.co.uk"),
    ],
)
def test_a_listed_sender_whose_signature_passed(listed: str, sender: str, signer: str) -> None:
    mail = MAIL.replace("vm@pbx.example", sender)
    found = call(listed, f"{AT}dkim=pass header.d={signer}", mail)
    assert (found.link, found.no_link) == ("https://files.example/play/7", "")


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ("", "no DKIM signature of pbx.example"),
        (AT + "dkim=fail header.d=pbx.example", "no DKIM signature"),
        (AT + "dkim=pass header.d=other.example", "passed: other.example"),
        (AT + "dkim=pass header.d=notpbx.example", "passed: notpbx.example"),
        (AT + "dkim=pass header.d=sub.pbx.example", "no DKIM signature"),
        (AT + "dkim=pass header.d=example", "no DKIM signature"),
        (AT + "spf=pass smtp.mailfrom=vm@pbx.example", "no DKIM signature"),
        (AT + "dmarc=pass header.from=pbx.example", "no DKIM signature"),
        (AT + f"{GOOD}; dmarc=fail header.from=pbx.example", "no DKIM signature"),
        (f"Authentication-Results: mx.elsewhere.example; {GOOD}", "no result of a trusted server"),
        (f"Received: from x by mx.pbx.example; y\n{AT}{GOOD}", "no result of a trusted server"),
    ],
)
def test_a_listed_sender_who_is_not_proven(results: str, words: str) -> None:
    found = call(results=results)
    assert (found.link, found.links) == ("", ("https://files.example/play/7",))
    assert words in found.no_link


def test_nobody_is_believed_while_no_server_of_ours_is_named() -> None:
    assert "no authserv-id is configured" in call(trusted=()).no_link


def test_a_shared_second_level_is_nobodys_signature() -> None:
    mail = MAIL.replace("pbx.example", "pbx.co.uk")
    assert call("@pbx.co.uk", AT + "dkim=pass header.d=co.uk", mail).link == ""


def test_a_way_that_proves_nothing() -> None:
    assert call(proves=False).no_link == "the way that the mail came proves nothing of its sender"


def test_two_authors_are_nobody() -> None:
    found = call(mail=MAIL.replace("From: PBX <vm@pbx.example>", "From: vm@pbx.example, eve@evil.example"))
    assert (found.link, found.no_link) == ("", "the mail names several authors")


def test_a_sender_who_is_not_listed_is_not_asked_for() -> None:
    """By the administrator's rule, or its own header, it may be a voicemail all the same."""
    found = Voicemail("asterisk", links=("https://files.example/a.wav",))
    headers = f"{AT}{GOOD}\n{MAIL}"
    message = parse(raw(headers))
    authentic = read_authentic(message, ("mx.desk.example",))
    for names in (frozenset[str](), frozenset(("@other.example",)), frozenset(("ann@pbx.example",))):
        own = replace(SITE, voicemail_link_senders=names)
        assert judge_link(found, message, authentic, own, proves=True) == found


def test_a_voicemail_with_sound_has_no_link_to_fetch() -> None:
    kind, body = with_audio(TEXT)
    found = call(mail=f"{MAIL}\n{kind}", text=body)
    assert (found.audio_parts, found.link, found.no_link) == (("2",), "", "")


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (
            "voicemail settings https://pbx.example/voicemail\nhttps://pbx.example/f/7.mp3?x=1",
            "https://pbx.example/f/7.mp3?x=1",
        ),
        ("https://pbx.example/help https://pbx.example/listen/7", "https://pbx.example/listen/7"),
        ("https://pbx.example/a https://pbx.example/b", "https://pbx.example/a"),
    ],
)
def test_the_link_that_is_meant(text: str, link: str) -> None:
    assert call(text=text).link == link
