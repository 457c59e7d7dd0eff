"""Plays a story in a world: what customers, machines and staff do is mail as bytes wherever they would mail.

A step whose topic has no case yet (its opening was dropped, or waits out an outage) is skipped, and so is
what staff cannot do now, so that any part of a story can be played. What each message was meant to be is
kept for the judge: `did` by the digest of its bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

from mailbridge.errors import NotFound, Permanent
from mailbridge.policy import command
from mailbridge.work.desk import Decide
from tests.year import people
from tests.year.mails import ESCALATION, STAFF, SUPPORT, mail, report, voicemail
from tests.year.story import AGAIN, MINUTE, SETTLED, TROUBLES, Step, Story
from tests.year.world import World

WORDS = {
    "again": "One thing more: it is still broken, see part {n}.",
    "thanks": "Thank you!",
    "resolved": "It is resolved, thank you.",
    "upset": "Nobody helps me with part {n}. This takes too long.",
    "away": "I am out of the office until Monday.",
    "robot": "Your request is important to us.",
}


@dataclass
class Topic:
    """One trouble: whose, the last message of it, and the case that was split off for it."""

    number: int
    address: str = ""
    last_raw: bytes = b""
    last_digest: str = ""
    case_id: int | None = None


@dataclass(frozen=True, slots=True)
class Did:
    """What a message was meant to be; of: Message-ID of our mail that it answers or reports of."""

    step: Step
    sender: str
    of: str = ""


class Year:
    """One story under way."""

    def __init__(self, story: Story) -> None:
        self.story, self.policy = story, story.policy
        self.world = World(story.policy)
        self.topics: dict[int, Topic] = {}
        self.did: dict[str, Did] = {}
        self._written = 0
        callers = {step.topic: step.what for step in story.steps if step.do == "call"}
        self.world.desk.customers.put_batch(people.rows(callers))

    def close(self) -> None:
        self.world.close()

    def play(self) -> None:
        """The whole story, then time for what is still owed."""
        for step in self.story.steps:
            self.world.until(step.at)
            self._do(step)
            self.world.drain()
        self.world.until(SETTLED)

    def _do(self, step: Step) -> None:
        topic = self.topics.setdefault(step.topic, Topic(step.topic))
        _STEPS[step.do](self, topic, step)

    # --- customers ----------------------------------------------------------------------------------------

    def _opens(self, topic: Topic, step: Step) -> None:
        if topic.address:
            return
        topic.address = people.address(topic.number, step.what)
        to = ESCALATION if step.do == "escalation" else SUPPORT
        text = f"Number {topic.number} does not work since this morning. What can we do?"
        self._write(topic, step, to, f"Trouble number {topic.number}", text)

    def _report(self, topic: Topic, step: Step) -> None:
        topic.address = topic.address or f"robot{topic.number}@machines.example"
        headers = ("Auto-Submitted: auto-generated",)
        self._write(topic, step, SUPPORT, f"Backup of host {topic.number} failed", "Exit code 3.", headers)

    def _call(self, topic: Topic, step: Step) -> None:
        if not topic.address:
            topic.address = people.address(topic.number, step.what)
            raw = voicemail(people.phone(topic.number), self._ref("pbx"), self.world.clock.now())
            about = self._case(self.topics[step.other]) if step.other in self.topics else None
            if about is not None:
                digits = " ".join(_DIGITS[int(digit)] for digit in str(self._number(about)))
                self.world.said[hashlib.sha256(raw).hexdigest()] = f"about case number {digits} please help"
            self._send(topic, step, raw, "voicemail@pbx.example", SUPPORT)

    def _again(self, topic: Topic, step: Step) -> None:
        """An answer to our last mail; or one that has only the number; or to the escalation address."""
        case = self._case(topic)
        if case is None or not topic.address:
            return
        last = self.world.last_to.get(topic.address)
        to, of = SUPPORT, ""
        headers: tuple[str, ...] = ()
        subject = f"About [#{self._number(case)}]"
        if last is not None and step.what != "number":
            found = _headers(last[1])
            of, to = last[0], str(found["Reply-To"] or found["From"])
            subject = f"Re: {' '.join(str(found['Subject']).split())}"
            headers = (f"In-Reply-To: {of}", f"References: {of}")
        if step.do == "upset":
            to = ESCALATION
        text = WORDS[step.do].format(n=self._written)
        self._write(topic, step, to, subject, text, headers, of=of)

    def _away(self, topic: Topic, step: Step) -> None:
        """The customer's own mail program answers our last mail while he is away."""
        if (last := self.world.last_to.get(topic.address)) is None:
            return
        found = _headers(last[1])
        to = str(found["Reply-To"] or found["From"])
        headers = (f"In-Reply-To: {last[0]}", "Auto-Submitted: auto-replied")
        subject = f"Automatic reply: {' '.join(str(found['Subject']).split())}"
        self._write(topic, step, to, subject, WORDS["away"], headers, of=last[0])

    def _robot(self, topic: Topic, step: Step) -> None:
        """A machine that says of itself nothing at all answers whatever we send, at once."""
        answered = ""
        for _ in range(step.minutes):
            last = self.world.last_to.get(topic.address)
            if last is None or last[0] == answered:
                return
            answered = last[0]
            self._again(topic, step)
            self.world.drain()

    def _flood(self, topic: Topic, step: Step) -> None:
        """Many mails of one sender at the same minute, each of another trouble."""
        topic.address = topic.address or people.address(topic.number, people.STRANGER)
        for count in range(step.minutes):
            subject = f"Urgent {topic.number}.{count}"
            self._write(topic, step, SUPPORT, subject, f"Help with {topic.number}.{count}, please.")

    def _twice(self, topic: Topic, step: Step) -> None:
        """The same message by a second way; a duplicate is no message of its own."""
        if not topic.last_raw:
            return
        raw, to = topic.last_raw, ESCALATION if step.what == "escalation" else SUPPORT
        if step.what == "relayed":
            raw = b"Received: from elsewhere by mx.desk.example; Fri, 2 Jan 2026 12:00:00 +0000\r\n" + raw
            self.did[hashlib.sha256(raw).hexdigest()] = Did(step, topic.address, of=topic.last_digest)
        self.world.receive(raw, topic.address, to)

    def _bounce(self, topic: Topic, step: Step) -> None:
        if (last := self.world.last_to.get(topic.address)) is not None:
            raw = report(step.what, topic.address, last[0], self._ref("mx"), self.world.clock.now())
            self.did[hashlib.sha256(raw).hexdigest()] = Did(step, "MAILER-DAEMON@mx.example", of=last[0])
            self.world.receive(raw, "", SUPPORT)

    def _refused(self, topic: Topic, _step: Step) -> None:
        if topic.address:
            self.world.refused.add(topic.address)

    # --- staff --------------------------------------------------------------------------------------------

    def _answer(self, topic: Topic, _step: Step) -> None:
        text = "Please restart it and tell us what you see."
        self._staff(topic, lambda facts, case, now: command.reply(facts, case, now, author=STAFF, text=text))

    def _answer_by_mail(self, topic: Topic, step: Step) -> None:
        """Staff answer the notice of the case in their mail client, also while nobody works."""
        case = self._case(topic)
        found = self.world.last_notice(case, STAFF) if case is not None else None
        if found is None:
            return
        head = _headers(found)
        headers = (f"In-Reply-To: {head['Message-ID']}",)
        subject = f"Re: {' '.join(str(head['Subject']).split())}"
        to = str(head["Reply-To"] or head["From"])
        raw = mail(
            STAFF, to, subject, "Restarted by mail.", self._ref("desk"), self.world.clock.now(), headers
        )
        self.did[hashlib.sha256(raw).hexdigest()] = Did(step, STAFF)
        self.world.receive(raw, STAFF, to)

    def _note(self, topic: Topic, _step: Step) -> None:
        text = "He told me on the telephone that it is better."
        self._staff(topic, lambda facts, case, now: command.note(facts, case, now, author=STAFF, text=text))

    def _severity(self, topic: Topic, step: Step) -> None:
        self._staff(
            topic,
            lambda facts, case, now: command.severity(facts, case, now, author=STAFF, severity=step.what),
        )

    def _hold(self, topic: Topic, step: Step) -> None:
        until = self.world.clock.now() + MINUTE * step.minutes if step.minutes else None
        self._staff(topic, lambda facts, case, now: command.hold(facts, case, now, author=STAFF, until=until))

    def _release(self, topic: Topic, _step: Step) -> None:
        self._staff(topic, lambda facts, case, now: command.release(facts, case, now, author=STAFF))

    def _closes(self, topic: Topic, _step: Step) -> None:
        self._staff(topic, lambda facts, case, now: command.close(facts, case, now, author=STAFF))

    def _reopen(self, topic: Topic, _step: Step) -> None:
        self._staff(topic, lambda facts, case, now: command.reopen(facts, case, now, author=STAFF))

    def _escalate(self, topic: Topic, _step: Step) -> None:
        self._staff(topic, lambda facts, case, now: command.escalate(facts, case, now, author=STAFF))

    def _split(self, topic: Topic, step: Step) -> None:
        """As `case split` does; what follows of the other topic is of the new case."""
        other = self.topics.setdefault(step.other, Topic(step.other))
        case = self._case(topic)
        if case is None or other.address or not self.world.up:
            return
        desk = self.world.desk
        with suppress(Permanent):
            parts = [(f"The second thing {other.number}", "And?")]
            (number,) = desk.split(self._number(case), STAFF, parts)
            made = desk.cases.get(number)
            other.case_id, other.address = made.id, made.requester

    def _merge(self, topic: Topic, step: Step) -> None:
        other = self.topics.get(step.other)
        target = self._case(other) if other is not None else None
        if target is None:
            return
        self._staff(topic, self.world.desk.merging(self._number(target), STAFF))

    def _staff(self, topic: Topic, decide: Decide) -> None:
        case = self._case(topic)
        if case is not None and self.world.up:
            with suppress(Permanent, NotFound):  # staff are told that it is closed, and leave it
                self.world.desk.on_case(self._number(case), decide)

    # --- the world ----------------------------------------------------------------------------------------

    def _trouble(self, _topic: Topic, step: Step) -> None:
        world = self.world
        by_minutes = {"outage": world.outage, "down": world.down, "unread": world.unread}
        by_minutes["deferred"] = world.defer
        if step.do in by_minutes:
            by_minutes[step.do](step.minutes)
        elif step.do == "policy":
            world.site(step.what)
        else:
            world.jump(step.minutes)

    # --- hands --------------------------------------------------------------------------------------------

    def _case(self, topic: Topic) -> int | None:
        """The row of the topic's case now: of its last message, or into which it was merged."""
        case = topic.case_id
        if topic.last_digest:
            rows = self.world.peek("SELECT case_id FROM message WHERE digest = ?", topic.last_digest)
            case = rows[0][0] if rows and rows[0][0] is not None else case
        while case is not None:
            rows = self.world.peek("SELECT duplicate_of FROM case_ WHERE id = ?", case)
            if rows[0][0] is None:
                break
            case = self.world.peek("SELECT id FROM case_ WHERE number = ?", rows[0][0])[0][0]
        topic.case_id = case
        return case

    def topics_of(self, numbers: set[int]) -> set[int]:
        """Whose cases have these numbers now."""
        cases = {topic.number: self._case(topic) for topic in self.topics.values()}
        return {topic for topic, case in cases.items() if case is not None and self._number(case) in numbers}

    def _number(self, case_id: int) -> int:
        return int(self.world.peek("SELECT number FROM case_ WHERE id = ?", case_id)[0][0])

    def _ref(self, host: str) -> str:
        self._written += 1
        return f"<y{self._written}@{host}.example>"

    def _write(
        self,
        topic: Topic,
        step: Step,
        to: str,
        subject: str,
        text: str,
        headers: tuple[str, ...] = (),
        *,
        of: str = "",
    ) -> None:
        at, ref = self.world.clock.now(), self._ref("customer")
        raw = mail(topic.address, to, subject, text, ref, at, headers)
        self._send(topic, step, raw, topic.address, to, of=of)

    def _send(self, topic: Topic, step: Step, raw: bytes, sender: str, to: str, of: str = "") -> None:
        digest = hashlib.sha256(raw).hexdigest()
        self.did[digest] = Did(step, sender, of)
        if step.do not in ("away", "robot"):
            topic.last_raw = raw
            topic.last_digest = digest
        self.world.receive(raw, sender, to)


_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def _headers(head: bytes) -> Message:
    return BytesHeaderParser().parsebytes(head)


_STEPS: dict[str, Callable[[Year, Topic, Step], None]] = {
    **dict.fromkeys(("mail", "escalation"), Year._opens),
    **dict.fromkeys(AGAIN, Year._again),
    **dict.fromkeys(TROUBLES, Year._trouble),
    "report": Year._report,
    "call": Year._call,
    "away": Year._away,
    "robot": Year._robot,
    "flood": Year._flood,
    "twice": Year._twice,
    "bounce": Year._bounce,
    "refused": Year._refused,
    "answer": Year._answer,
    "answer_by_mail": Year._answer_by_mail,
    "note": Year._note,
    "severity": Year._severity,
    "hold": Year._hold,
    "release": Year._release,
    "close": Year._closes,
    "reopen": Year._reopen,
    "escalate": Year._escalate,
    "split": Year._split,
    "merge": Year._merge,
}
