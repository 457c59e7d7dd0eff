"""Every notice as the real desk sends it: real rules, real store, real bytes, only clock and relay are ours.

`notices_of(policy)` plays one week in the life of a site and returns name -> the mail that went out. What the
templates are given is thereby true by construction, which an example written by hand is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP, default
from email.utils import format_datetime
from functools import cache
from pathlib import Path

from mailbridge.clock import VirtualClock
from mailbridge.config import parse_config
from mailbridge.model.case import Channel
from mailbridge.outgoing.notices import Renderer, default_template_dir
from mailbridge.policy import command, command_open
from mailbridge.policy.library import load_policy
from mailbridge.store.engine import MEMORY_URL, Store
from mailbridge.store.migrate import upgrade
from mailbridge.work.desk import Desk
from tests.scenarios.site import ANN, BOB, ESCALATION, SUPPORT, Office

RENDERER = Renderer([default_template_dir()])  # one for all: what it compiled is the dearest part of a test
POLICIES = ("mekorma", "memsource", "gotomyerp", "standard-enterprise", "tekstack")
JO, NEW, OLD, EVA = "jo@customer.example", "kim@nowhere.example", "pat@lapsed.example", "eva@kunde.example"
MONDAY = datetime(2026, 11, 16, 17, 0, tzinfo=UTC)  # 9 AM Pacific, noon Eastern
BEFORE_HOLIDAY = datetime(2026, 11, 26, 0, 10, tzinfo=UTC)  # Wednesday, 4:10 PM Pacific; Thanksgiving follows
PHONE = "+1 555 010 0199"
HEARD = "Hello, this is Jo Lee. My checks print upside down. Please call me back."
SITE = """
[site]
name = Example Support
support = support@desk.example
{escalation}
staff = Ann Lee <ann@desk.example>, bob@desk.example
policy = {policy}
"""
CUSTOMERS = (
    {"account": "Customer Inc", "domains": ["customer.example"], "name": "Jo Lee", "addresses": [JO],
     "phones": ["+15550100199"]},
    {"account": "Lapsed Ltd", "ends_on": date(2026, 1, 31), "domains": ["lapsed.example"], "name": "Pat",
     "addresses": [OLD]},
)  # fmt: skip
GERMAN = """Guten Tag,

seit dem Update ist der Druck nicht mehr richtig und wir können die Schecks nicht verwenden.

Bitte helfen Sie uns, danke.
"""
WORDS = "Since the update the checks come out upside down.\n\nWe print on Friday, please help."


@contextmanager
def site(policy: str, start: datetime = MONDAY, *, escalation: bool = True) -> Iterator[Office]:
    """A desk with customers; escalation: whether it has an escalation address."""
    store = Store(MEMORY_URL)
    upgrade(store)
    clock = VirtualClock(start)
    line = f"escalation = {ESCALATION if escalation else 'none'}"
    config = parse_config(SITE.format(policy=policy, escalation=line), "test", Path("/"))
    try:
        desk = Desk(config, store, load_policy(policy), RENDERER, clock)
        desk.customers.put_batch(CUSTOMERS)
        yield Office(desk, clock)
    finally:
        store.close()


def call(office: Office, number: str, transcript: str = "") -> None:
    """A voicemail as a telephone system mails it, with its own transcript or with none."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = "voicemail@pbx.example", SUPPORT
    mail["Subject"] = f"New voicemail from {number}"
    mail["Message-ID"] = f"<call{len(office.sent)}@pbx.example>"
    mail["Date"] = format_datetime(office.clock.now())
    heard = f"\nTranscription:\n{transcript}\n" if transcript else ""
    mail.set_content(f"You have a new voicemail.\nFrom: {number}\nDuration: 0:42\n{heard}")
    mail.add_attachment(b"RIFF\x24\x00\x00\x00WAVEfmt ", maintype="audio", subtype="wav", filename="msg.wav")
    outcome = office.raw(mail.as_bytes(), (SUPPORT,), "voicemail@pbx.example")
    assert outcome.kind == "voicemail", outcome


@cache
def notices_of(policy: str) -> dict[str, Message]:
    """Name of the notice -> the mail, for all that this policy ever sends."""
    found: dict[str, Message] = {}
    for play in (_plain_week, _calls, _people, _escalations, _rest):
        play(policy, found)
    return found


def _plain_week(policy: str, found: dict[str, Message]) -> None:
    with site(policy) as office:
        office.mail(f"Jo Lee <{JO}>", WORDS, subject="Checks upside down")
        found["acknowledgement"] = office.mails("acknowledgement", JO)[0]
        found["staff_notice"] = notice = office.mails("staff_notice", ANN)[0]
        office.wait(days=5)
        _first(office, found, "deadline_warning", "deadline_missed", "status_update_due")
        office.mail(f"Ann Lee <{ANN}>", "Please turn the paper.\n\nDoes it help?", answers=notice)
        found["staff_answer"] = office.mails("staff_answer", JO)[0]
        office.wait(days=3)
        _first(office, found, "auto_close_warning", "auto_close")
        if not office.mails("auto_close"):
            office.desk.on_case(1, lambda f, c, n: command.close(f, c, n, author=ANN, reason="", notify=True))
            office.drain()
        office.mail(JO, "It came back.", answers=found["staff_answer"])
        found["reopened"] = office.mails("reopened", JO)[0]
        found["staff_notice-again"] = office.mails("staff_notice", ANN)[-1]
        reason = "the paper was in the wrong way round"
        office.desk.on_case(1, lambda f, c, n: command.close(f, c, n, author=ANN, reason=reason, notify=True))
        office.drain()
        found["closed"] = office.mails("closed", JO)[-1]
        office.raw(BOUNCE.format(ref=found["staff_answer"]["Message-ID"], to=JO).encode(), (SUPPORT,), "")
        found["undeliverable"] = office.mails("undeliverable", ANN)[0]


def _calls(policy: str, found: dict[str, Message]) -> None:
    with site(policy) as office:
        call(office, PHONE, HEARD)
        found["acknowledgement-voicemail-heard"] = office.mails("acknowledgement", JO)[0]
        found["staff_notice-voicemail"] = office.mails("staff_notice", ANN)[0]
    with site(policy) as office:
        office.desk.ground = replace(office.desk.ground, transcribe=True)
        call(office, PHONE)
        found["acknowledgement-voicemail-pending"] = office.mails("acknowledgement", JO)[0]
        call(office, "+1 555 010 0142")
        found["staff_notice-unknown-caller"] = office.mails("staff_notice", ANN)[-1]
    with site(policy) as office:
        call(office, PHONE)
        found["acknowledgement-voicemail-unheard"] = office.mails("acknowledgement", JO)[0]


def _people(policy: str, found: dict[str, Message]) -> None:
    with site(policy, BEFORE_HOLIDAY) as office:
        office.mail(f"Kim <{NEW}>", WORDS, subject="Checks upside down")
        found["acknowledgement-unknown-before-holiday"] = office.mails("acknowledgement", NEW)[0]
        office.mail(f"Pat <{OLD}>", WORDS, subject="Checks upside down")
        found["acknowledgement-lapsed"] = office.mails("acknowledgement", OLD)[0]
        found["staff_notice-lapsed"] = office.mails("staff_notice", ANN)[-1]
    with site(policy) as office:
        _german(office, found)
    with site(policy, escalation=False) as office:
        office.mail(f"Jo Lee <{JO}>", WORDS, subject="Checks upside down")
        found["acknowledgement-no-escalation-address"] = office.mails("acknowledgement", JO)[0]


def _german(office: Office, found: dict[str, Message]) -> None:
    """A German customer's case from its opening to its second opening."""
    office.mail(f"Eva Maier <{EVA}>", GERMAN, subject="Druck verkehrt")
    found["acknowledgement-german"] = office.mails("acknowledgement", EVA)[0]
    office.mail(f"Ann Lee <{ANN}>", "Bitte das Papier drehen.", answers=office.mails("staff_notice", ANN)[0])
    office.wait(days=3)
    for kind in ("auto_close_warning", "auto_close"):
        if office.mails(kind):
            found[f"{kind}-german"] = office.mails(kind)[0]
    if office.mails("auto_close"):
        office.mail(EVA, "Es geht noch immer nicht.", answers=office.mails("staff_answer", EVA)[0])
        found["reopened-german"] = office.mails("reopened", EVA)[0]


def _escalations(policy: str, found: dict[str, Message]) -> None:
    with site(policy) as office:
        office.mail(f"Jo Lee <{JO}>", WORDS, subject="Nobody answers", to=ESCALATION)
        found["acknowledgement-escalated"] = office.mails("acknowledgement", JO)[0]
        found["escalation-opened"] = office.mails("escalation", ANN)[0]
    with site(policy) as office:
        office.mail(f"Jo Lee <{JO}>", WORDS, subject="Checks upside down")
        office.wait(hours=2)
        office.mail(
            f"Jo Lee <{JO}>", "Two hours and no answer [#1].", subject="[#1] Nobody answers", to=ESCALATION
        )
        found["escalation"] = office.mails("escalation", ANN)[0]
        found["escalation_acknowledgement"] = office.mails("escalation_acknowledgement", JO)[0]
    with site(policy) as office:
        office.mail(f"Jo Lee <{JO}>", WORDS, subject="Checks upside down")
        office.wait(days=6)
        late = "Still no answer to case [#1]."
        office.mail(f"Jo Lee <{JO}>", late, subject="[#1] Nobody answers", to=ESCALATION)
        found["escalation_acknowledgement-late"] = office.mails("escalation_acknowledgement", JO)[0]
        found["escalation-late"] = office.mails("escalation", ANN)[0]


def _rest(policy: str, found: dict[str, Message]) -> None:
    severity = load_policy(policy).severities[0].name
    with site(policy) as office:
        office.desk.open_case(
            lambda facts, now: command_open.open_by_staff(
                facts, now, author=ANN, subject="Nothing prints", text="Since noon.", requester=JO,
                channel=Channel.PORTAL, severity=severity,
            ),
            JO,
        )  # fmt: skip
        office.drain()
        found["acknowledgement-portal"] = office.mails("acknowledgement", JO)[0]
        found["staff_notice-portal"] = office.mails("staff_notice", ANN)[0]
        office.desk.on_case(1, lambda f, c, n: command.assign(f, c, n, author=ANN, address=BOB))
        office.drain()
        found["staff_notice-assigned"] = office.mails("staff_notice", BOB)[-1]
        office.wait(days=3)
        _first(office, found, "status_update_due")


def _first(office: Office, found: dict[str, Message], *kinds: str) -> None:
    """The first of each kind that the policy sends at all."""
    for kind in kinds:
        mails = office.mails(kind)
        if mails:
            found[kind] = mails[0]


@dataclass(frozen=True, slots=True)
class Told:
    """What a reader sees."""

    subject: str
    text: str
    html: str


def told(mail: Message) -> Told:
    """Subject and both bodies, decoded as a mail client does."""
    whole = message_from_bytes(mail.as_bytes(), policy=default)
    bodies = {
        part.get_content_type(): str(part.get_content()).replace("\r\n", "\n")
        for part in whole.walk()
        if part.get_content_maintype() == "text" and not part.is_attachment()
    }
    return Told(" ".join(str(whole["Subject"]).split()), bodies["text/plain"], bodies["text/html"])


BOUNCE = """From: MAILER-DAEMON@mx.customer.example\r
To: support@desk.example\r
Subject: Undelivered Mail Returned to Sender\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r
\r
--b\r
Content-Type: text/plain\r
\r
I'm sorry, I could not deliver your message.\r
\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.customer.example\r
\r
Final-Recipient: rfc822; {to}\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
\r
--b\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: {ref}\r
From: support@desk.example\r
To: {to}\r
Subject: Re: Checks upside down\r
\r
--b--\r
"""
