"""A desk for tests: the real store in memory, the virtual clock, real bytes in and out, nothing sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from mailbridge.clock import VirtualClock
from mailbridge.config import parse_config
from mailbridge.model.case import Case
from mailbridge.model.envelope import Envelope, Way
from mailbridge.outgoing.notices import Renderer, default_template_dir
from mailbridge.policy.library import load_policy
from mailbridge.store.engine import MEMORY_URL, Store
from mailbridge.store.migrate import upgrade
from mailbridge.work.desk import Desk, Outcome

SUPPORT, ESCALATION = "support@desk.example", "supportescalation@desk.example"
ANN, BOB = "ann@desk.example", "bob@desk.example"
START = datetime(2026, 11, 16, 17, 0, tzinfo=UTC)  # Monday, 9 AM Pacific
SITE = """
[site]
name = Example Support
support = support@desk.example
escalation = supportescalation@desk.example
staff = Ann Lee <ann@desk.example>, bob@desk.example
policy = {policy}
reply_token = {token}
"""
RUNNING = ("process", "due")


class Office:
    """A desk with hands: people write to it, and what it writes can be read."""

    def __init__(self, desk: Desk, clock: VirtualClock) -> None:
        self.desk, self.clock = desk, clock
        self.sent: list[tuple[str, tuple[str, ...], Message]] = []
        self._count = 0

    def under(self, policy: str) -> Desk:
        """The same store and clock under another policy."""
        config = parse_config(SITE.format(policy=policy, token="plus"), "test", Path("/"))
        renderer = Renderer([default_template_dir()])
        return Desk(config, self.desk.store, load_policy(policy), renderer, self.clock)

    def mail(
        self,
        sender: str,
        text: str = "It does not work.",
        *,
        subject: str = "Help",
        to: str = SUPPORT,
        rcpt: tuple[str, ...] = (),
        answers: Message | None = None,
        way: Way = Way.SMTP,
        login: str = "",
        headers: dict[str, str] | None = None,
    ) -> Outcome:
        """One mail to us by this way; answers: the mail that the person replies to in the client."""
        self._count += 1
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Message-ID"] = f"<{self._count}@client.example>"
        mail["Date"] = format_datetime(self.clock.now())
        if answers is not None:
            to = str(answers["Reply-To"] or answers["From"])
            mail.replace_header("To", to)
            mail.replace_header("Subject", "Re: " + " ".join(str(answers["Subject"]).split()))
            mail["In-Reply-To"] = str(answers["Message-ID"])
            mail["References"] = f"{answers['References'] or ''} {answers['Message-ID']}".strip()
        for name, value in (headers or {}).items():
            del mail[name]
            mail[name] = value
        mail.set_content(text)
        return self.raw(mail.as_bytes(), rcpt or (address_in(to),), address_in(sender), way, login)

    def raw(
        self, raw: bytes, rcpt: tuple[str, ...], mail_from: str | None, way: Way = Way.SMTP, login: str = ""
    ) -> Outcome:
        envelope = Envelope(way, mail_from, rcpt, self.clock.now(), login=login)
        outcome = self.desk.take(envelope, raw)
        self.drain()
        return outcome

    def drain(self) -> None:
        """Do what is due now, and let the relay take what waits."""
        while jobs := self.desk.jobs.claim(RUNNING, self.clock.now(), 300, limit=50):
            for job in jobs:
                (self.desk.process if job.kind == "process" else self.desk.due)(job)
            self._post()
        self._post()

    def _post(self) -> None:
        while held := self.desk.outbox.claim(self.clock.now(), 300):
            for mail in held:
                self.sent.append((mail.kind, mail.rcpt_to, message_from_bytes(mail.raw)))
                self.desk.outbox.sent(mail, self.clock.now(), "250 ok")

    def wait(self, **delta: float) -> None:
        """Let time pass, every timer at its own moment."""
        end = self.clock.now() + timedelta(**delta)
        while (due := self.desk.jobs.next_due(RUNNING)) is not None and due <= end:
            self.clock.move_to(due)
            self.drain()
        self.clock.move_to(end)

    def case(self, number: int) -> Case:
        return self.desk.cases.get(number)

    def mails(self, kind: str, to: str = "") -> list[Message]:
        """What was sent of this kind, to this address."""
        return [mail for k, rcpt, mail in self.sent if k == kind and (not to or to in rcpt)]

    def events(self, number: int) -> list[str]:
        return [str(row["event"]) for row in self.desk.cases.events(self.case(number).id)]


def address_in(text: str) -> str:
    return text.rpartition("<")[2].rstrip("> ").strip() if "<" in text else text


@contextmanager
def office(
    policy: str = "mekorma", token: str = "plus", start: datetime = START, extra: str = ""
) -> Iterator[Office]:
    store = Store(MEMORY_URL)
    upgrade(store)
    clock = VirtualClock(start)
    config = parse_config(SITE.format(policy=policy, token=token) + extra, "test", Path("/"))
    try:
        yield Office(
            Desk(config, store, load_policy(policy), Renderer([default_template_dir()]), clock), clock
        )
    finally:
        store.close()
