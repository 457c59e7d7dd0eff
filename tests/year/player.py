"""Plays a story on the daemon's own desk: the real store in memory, worker, templates; clock, ends swapped.

What the customers and staff do is mail as bytes wherever they would mail. During an outage mail is stored and
nothing else happens; staff wait. A step whose topic has no case yet (its opening was dropped, or waits out an
outage) is skipped, so that any part of a story can be played.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from functools import cache
from pathlib import Path
from typing import Any

from mailbridge.clock import VirtualClock
from mailbridge.config import parse_config
from mailbridge.errors import Permanent
from mailbridge.model.envelope import Envelope, Way
from mailbridge.ops.scenario_files import recording_of_silence
from mailbridge.outgoing.notices import Renderer, default_template_dir
from mailbridge.policy import command
from mailbridge.policy.library import load_policy
from mailbridge.store.engine import MEMORY_URL, Store
from mailbridge.store.migrate import upgrade
from mailbridge.store.outbox import Outbound
from mailbridge.work.desk import Decide, Desk
from tests.year.story import END, MINUTE, START, Step

SUPPORT, ESCALATION, STAFF = "support@desk.example", "escalation@desk.example", "ann@desk.example"
SITE = """
[site]
name = Example Support
support = support@desk.example
escalation = escalation@desk.example
staff = ann@desk.example
policy = {policy}
"""
KINDS = ("process", "due")
SETTLED = END + timedelta(days=30)  # time for what the last messages of the year owe
WORDS = {
    "again": "One thing more: it is still broken, see number {n}.",
    "thanks": "Thank you!",
    "resolved": "It is resolved, thank you.",
    "upset": "Nobody helps me with number {n}. This takes too long.",
    "away": "I am out of the office until Monday.",
}


@dataclass
class Topic:
    """One trouble: whose, its messages, and the last mail of ours to each side."""

    number: int
    messages: list[int] = field(default_factory=list)
    last_raw: bytes = b""
    case: int | None = None


class Year:
    """One story under way on one desk; store() is there to be looked at until close()."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.store = Store(MEMORY_URL)
        upgrade(self.store)
        self.clock = VirtualClock(START)
        config = parse_config(SITE.format(policy=policy), "year", Path("/"))
        renderer = Renderer([default_template_dir()])
        self.desk = Desk(config, self.store, load_policy(policy), renderer, self.clock)
        self.topics: dict[int, Topic] = {}
        self.did: dict[int, Step] = {}  # by message
        self.outages: list[tuple[datetime, datetime]] = []
        self.down_until = START
        self.handed_over = 0
        self.to_customer: dict[int, Message] = {}  # by case row, the last one that can be answered
        self.to_staff: dict[int, Message] = {}
        self._written = 0

    def close(self) -> None:
        self.store.close()

    def play(self, steps: Iterable[Step]) -> None:
        """The whole story, then time for what is still owed."""
        for step in steps:
            self._until(step.at)
            self._do(step)
            self._drain()
        self._until(SETTLED)

    # --- time ---------------------------------------------------------------------------------------------

    def _until(self, at: datetime) -> None:
        """Let time pass: every timer at its own moment, or all at the end of an outage."""
        if self.clock.now() < self.down_until:
            self.clock.move_to(min(self.down_until, at))
            self._drain()
        while (due := self.desk.jobs.next_due(KINDS)) is not None and due <= at and self.up:
            self.clock.move_to(due)
            self._drain()
        self.clock.move_to(at)

    @property
    def up(self) -> bool:
        return self.clock.now() >= self.down_until

    def _drain(self) -> None:
        desk = self.desk
        while self.up and (jobs := desk.jobs.claim(KINDS, self.clock.now(), 300, limit=50)):
            for job in jobs:
                (desk.process if job.kind == "process" else desk.due)(job)
            self._post()
        if self.up:
            self._post()

    def _post(self) -> None:
        while held := self.desk.outbox.claim(self.clock.now(), 300, limit=100):
            for mail in held:
                self._handed(mail)
                self.desk.outbox.sent(mail, self.clock.now(), "250 ok")

    def _handed(self, mail: Outbound) -> None:
        self.handed_over += 1
        assert mail.case_id is not None
        of_whom = self.to_staff if STAFF in mail.rcpt_to else self.to_customer
        of_whom[mail.case_id] = message_from_bytes(mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    # --- steps --------------------------------------------------------------------------------------------

    def _do(self, step: Step) -> None:
        topic = self.topics.setdefault(step.topic, Topic(step.topic))
        _STEPS[step.do](self, topic, step)

    def _outage(self, _topic: Topic, step: Step) -> None:
        end = step.at + MINUTE * step.minutes
        if self.up:
            self.outages.append((step.at, end))
        else:
            self.outages[-1] = (self.outages[-1][0], max(end, self.down_until))
        self.down_until = max(end, self.down_until)

    def _opens(self, topic: Topic, step: Step) -> None:
        if topic.messages:
            return
        n, to = topic.number, ESCALATION if step.do == "escalation" else SUPPORT
        text = f"Number {n} does not work since this morning. What can we do?"
        self._take(topic, step, to, f"Trouble number {n}", text)

    def _report(self, topic: Topic, step: Step) -> None:
        self._take(
            *(topic, step, SUPPORT, f"Backup of host {topic.number} failed", "Exit code 3."),
            ("Auto-Submitted: auto-generated",),
            sender=f"robot{topic.number}@machines.example",
        )

    def _call(self, topic: Topic, step: Step) -> None:
        n = topic.number
        self._take(
            *(
                topic,
                step,
                SUPPORT,
                "New voicemail",
                f"New voicemail\n\nTranscription:\nNumber {n} is broken.\n",
            ),
            (f"X-Asterisk-CallerID: +1503{n:07d}",),
            sender="voicemail@pbx.example",
            sound=True,
        )

    def _writes_again(self, topic: Topic, step: Step) -> None:
        if (case := self._case(topic)) is None:
            return
        last = self.to_customer.get(case)
        to = ESCALATION if step.do == "upset" else SUPPORT
        headers: tuple[str, ...] = ()
        if last is not None:
            to = to if step.do == "upset" else str(last["Reply-To"] or last["From"])
            headers = (f"In-Reply-To: {last['Message-ID']}", f"References: {last['Message-ID']}")
        if step.do == "away":
            headers = (*headers, "Auto-Submitted: auto-replied")
        subject = " ".join(str(last["Subject"] if last else f"[#{self._number(case)}]").split())
        text = WORDS[step.do].format(n=self._written)
        self._take(topic, step, to, f"Re: {subject}", text, headers)

    def _twice(self, topic: Topic, step: Step) -> None:
        if topic.last_raw:
            self._put(topic.last_raw, f"c{topic.number}@customer.example", SUPPORT)

    def _answer(self, topic: Topic, _step: Step) -> None:
        text = "Please restart it and tell us what you see."
        self._staff(topic, lambda facts, case, now: command.reply(facts, case, now, author=STAFF, text=text))

    def _answer_by_mail(self, topic: Topic, step: Step) -> None:
        case = self._case(topic)
        notice = self.to_staff.get(case) if case is not None else None
        if notice is None or not self.up:
            return
        headers = (f"In-Reply-To: {notice['Message-ID']}",)
        subject = f"Re: {' '.join(str(notice['Subject']).split())}"
        to = str(notice["Reply-To"] or notice["From"])
        self._written += 1
        raw = _mail(
            STAFF,
            to,
            subject,
            "Restarted by mail.",
            f"<s{self._written}@desk.example>",
            self.clock.now(),
            headers,
        )
        self.did[self._put(raw, STAFF, to)] = step

    def _hold(self, topic: Topic, _step: Step) -> None:
        self._staff(topic, lambda facts, case, now: command.hold(facts, case, now, author=STAFF))

    def _release(self, topic: Topic, _step: Step) -> None:
        self._staff(topic, lambda facts, case, now: command.release(facts, case, now, author=STAFF))

    def _closes(self, topic: Topic, _step: Step) -> None:
        self._staff(topic, lambda facts, case, now: command.close(facts, case, now, author=STAFF))

    # --- hands --------------------------------------------------------------------------------------------

    def _staff(self, topic: Topic, decide: Decide) -> None:
        case = self._case(topic)
        if case is not None and self.up:
            with suppress(Permanent):  # staff are told that it is closed, or not held, and leave it
                self.desk.on_case(self._number(case), decide)

    def _case(self, topic: Topic) -> int | None:
        """The row of the case that the topic's last message belongs to."""
        if not topic.messages or not self.up:
            return None
        received = self.desk.inbox.load(topic.messages[-1])
        return received.case_id if received else None

    def _number(self, case_id: int) -> int:
        number = self.desk.cases.number_of(case_id)
        assert number is not None
        return number

    def _take(
        self,
        topic: Topic,
        step: Step,
        to: str,
        subject: str,
        text: str,
        headers: tuple[str, ...] = (),
        *,
        sender: str = "",
        sound: bool = False,
    ) -> None:
        self._written += 1
        sender = sender or f"c{topic.number}@customer.example"
        ref = f"<y{self._written}@{'pbx' if sound else 'customer'}.example>"
        raw = _mail(sender, to, subject, text, ref, self.clock.now(), headers, sound=sound)
        topic.last_raw = raw
        message_id = self._put(raw, sender, to)
        topic.messages.append(message_id)
        self.did[message_id] = step

    def _put(self, raw: bytes, sender: str, to: str) -> int:
        address = to.rpartition("<")[2].rstrip(">")
        envelope = Envelope(Way.SMTP, sender, (address,), self.clock.now())
        return self.desk.inbox.put_batch([(envelope, raw)])[0].message_id


_STEPS: dict[str, Callable[[Year, Topic, Step], None]] = {
    "outage": Year._outage,
    "mail": Year._opens,
    "escalation": Year._opens,
    "report": Year._report,
    "call": Year._call,
    "again": Year._writes_again,
    "upset": Year._writes_again,
    "thanks": Year._writes_again,
    "resolved": Year._writes_again,
    "away": Year._writes_again,
    "twice": Year._twice,
    "answer": Year._answer,
    "answer_by_mail": Year._answer_by_mail,
    "hold": Year._hold,
    "release": Year._release,
    "close": Year._closes,
}


@cache
def _sound() -> str:
    return base64.encodebytes(recording_of_silence(0.1)).decode("ascii").replace("\n", "\r\n")


def _mail(
    sender: str,
    to: str,
    subject: str,
    text: str,
    ref: str,
    at: datetime,
    headers: tuple[str, ...] = (),
    *,
    sound: bool = False,
) -> bytes:
    """One mail as a client or a telephone system writes it."""
    date = f"{at.astimezone(UTC):%a, %d %b %Y %H:%M:%S} +0000"
    lines = [f"From: {sender}", f"To: {to}", f"Subject: {subject}", f"Message-ID: {ref}", f"Date: {date}"]
    lines += [*headers, "MIME-Version: 1.0"]
    if sound:
        lines += ['Content-Type: multipart/mixed; boundary="b"', "", "--b"]
    lines += ["Content-Type: text/plain; charset=utf-8", "", *text.splitlines(), ""]
    if sound:
        wav = 'Content-Disposition: attachment; filename="msg0001.wav"'
        lines += ["--b", "Content-Type: audio/x-wav", "Content-Transfer-Encoding: base64", wav, "", _sound()]
        lines += ["--b--", ""]
    return "\r\n".join(lines).encode()


def rows_of(store: Store, table: Any) -> list[Any]:
    """All rows of a table in the order in which they were written."""
    from sqlalchemy import select

    with store.read() as connection:
        return list(connection.execute(select(table).order_by(table.c.id)))
