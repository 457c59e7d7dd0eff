"""The demo's story: a support desk in Thanksgiving week, each scene done for real, told from what is there.

Promises: a scene tells and returns only what the store and the caught mails say, and checks that it is what a
user was promised. Fails: StoryBroken (70), one sentence that names the scene and what is wrong; Unavailable
where a part of the world does not work.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from mailbridge.errors import MailbridgeError
from mailbridge.model.case import Case
from mailbridge.ops import demo_people as people
from mailbridge.ops.demo_news import Arrived, Event, Gone, News, Reporter, case_facts
from mailbridge.ops.demo_tell import Teller
from mailbridge.ops.demo_words import (
    MAX_EXCERPT,
    event_words,
    events_worth_telling,
    excerpt,
    own_words,
    stretch,
    when,
    why,
)
from mailbridge.ops.demo_world import ANN, ESCALATION, SUPPORT, World, address_in

START = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)  # Wednesday, 2 PM Pacific, the day before Thanksgiving
INVOICES = "Invoices print blank since the update"
BATCH = "Cannot post a batch"


class StoryBroken(MailbridgeError):  # noqa: N818 - the name is the verdict
    """The demo saw something else than mailbridge promises: a bug."""

    exit_code = 70


class Story:
    """Plays the scenes one after the other; `facts` is what the JSON document tells."""

    def __init__(self, world: World, teller: Teller) -> None:
        self._world = world
        self._teller = teller
        self._reporter = Reporter(world)
        self._policy = world.desk.policy
        self._scene = ""
        self._mails: dict[str, Gone] = {}
        self.facts: list[dict[str, Any]] = []

    def play(self) -> None:
        """All of it. Raises StoryBroken, Unavailable."""
        self._world.desk.customers.put_batch(people.CONTACTS)
        for scene in self._scenes():
            scene()

    def _scenes(self) -> tuple[Callable[[], None], ...]:
        return (
            self.mail_by_smtp,
            self.robot,
            self.mail_by_imap,
            self.voicemail,
            self.staff_answers,
            self.escalation,
            self.silence,
            self.late_reply,
            self.stranger,
        )

    # --- scenes ----------------------------------------------------------------------------------------

    def mail_by_smtp(self) -> None:
        self._open("smtp", "a customer writes, three hours before the holiday")
        mail = self._world.compose(people.DANA, INVOICES, people.DANA_ASKS)
        news = self._send(mail)
        self._expect_one(news, "human", "created", 1)
        ack = self._expect_sent(news, "acknowledgement", people.DANA)
        self._mails["notice"] = self._expect_sent(news, "staff_notice", ANN)
        self._mails["ack"] = ack
        self._deadline(news, ack)
        self._expect("#1" in ack.subject, "the acknowledgement does not carry the case number")

    def robot(self) -> None:
        self._pass(minutes=1)
        self._open("robot", "her out-of-office robot answers our acknowledgement")
        ack = self._mails["ack"].mail.message
        mail = self._world.answer(ack, people.DANA, people.ROBOT_SAYS, Auto_Submitted="auto-replied")
        news = self._send(mail)
        self._expect_one(news, "auto_reply", "threaded", 1)
        self._expect(not news.gone, "a robot was answered")
        suppressed = news.event("suppressed")
        reason = suppressed.data.get("reason", "") if suppressed else ""
        self._teller.line("not", f"answered: {reason}")

    def mail_by_imap(self) -> None:
        self._pass(minutes=39)
        self._open("imap", "another customer's mail lies in the IMAP mailbox")
        mail = self._world.compose(people.RAVI, BATCH, people.RAVI_ASKS)
        taken = self._world.by_imap(mail)
        cursor = self._world.desk.inbox.cursor("mailbox")
        self._expect(taken == 1 and cursor is not None, f"{taken} messages were fetched, cursor {cursor}")
        assert cursor is not None
        self._told(mail, "IMAP", f"fetched and stored; the next look begins after UID {cursor.last_uid}")
        news = self._look()
        self._expect_one(news, "human", "created", 2)
        self._expect_sent(news, "acknowledgement", people.RAVI)

    def voicemail(self) -> None:
        self._pass(minutes=20)
        self._open("voicemail", "a customer calls; the telephone system mails the recording")
        news = self._send(people.voicemail(self._world))
        self._expect_one(news, "voicemail", "created", 3)
        self._expect_sent(news, "acknowledgement", people.KAREN)
        rows = self._world.desk.cases.transcripts([arrived.message_id for arrived in news.arrived])
        heard = next((row for found in rows.values() for row in found), None)
        self._expect(heard is not None and heard["state"] == "speech", f"nothing was heard: {heard}")
        assert heard is not None
        numbers = list(heard["data"]["phone_numbers"])
        self._expect(bool(numbers), "no number to call back was found in the recording")
        about = f"{heard['duration_s']:.0f} s of speech, {heard['confidence']:.0%} sure, by {heard['model']}"
        self._teller.line("heard", about, heard["text"])
        self._teller.line("", f"a number to call back: {', '.join(numbers)}")
        self._keep(transcript=heard["text"], confidence=heard["confidence"], phone_numbers=numbers)

    def staff_answers(self) -> None:
        self._pass(minutes=30)
        self._open(
            "staff_answer", "Ann answers Dana from her own mail client: she replies to the staff notice"
        )
        news = self._send(self._world.answer(self._mails["notice"].mail.message, ANN, people.ANN_ANSWERS))
        self._expect_one(news, "staff", "threaded", 1)
        answer = self._expect_sent(news, "staff_answer", people.DANA)
        self._mails["answer"] = answer
        self._expect(address_in(answer.sender) == SUPPORT, "the answer does not come from support@")
        self._expect(news.event("deadline_met") is not None, "the answer did not end the deadline")
        case = self._case(1, "waiting")
        self._expect(case.auto_close_at is not None, "no silence is counted")

    def escalation(self) -> None:
        self._pass(minutes=60)
        self._open(
            "escalation", "Ravi is impatient: he sends his original mail, no number, to supportescalation@"
        )
        text = people.RAVI_ESCALATES.format(subject=BATCH, original=people.RAVI_ASKS)
        news = self._send(self._world.compose(people.RAVI, "Urgent!", text, to=ESCALATION))
        self._expect_one(news, "human", "threaded", 2)
        self._expect_sent(news, "escalation_acknowledgement", people.RAVI)
        self._expect_sent(news, "escalation", ANN)
        case = self._case(2, "open")
        self._expect(case.escalation_level == 1, f"the escalation level is {case.escalation_level}")

    def silence(self) -> None:
        closes_at = self._case(1, "waiting").auto_close_at
        assert closes_at is not None
        self._pass(minutes=1)
        self._open("silence", "the clock jumps: 48 hours in which Dana says nothing")
        self._world.wait_until(closes_at)
        news = self._look()
        self._expect_sent(news, "auto_close_warning", people.DANA)
        self._mails["closed"] = self._expect_sent(news, "auto_close", people.DANA)
        case = self._case(1, "closed")
        self._expect(case.closed_at == closes_at, f"the case closed at {case.closed_at}, not at {closes_at}")

    def late_reply(self) -> None:
        self._world.wait_until(START + timedelta(days=4, hours=17))
        self._open("late_reply", "Dana is back from the holiday, and answers the closing mail")
        closing = self._mails["closed"].mail.message
        news = self._send(self._world.answer(closing, people.DANA, people.DANA_RETURNS))
        self._expect_one(news, "human", "threaded", 1)
        self._expect_sent(news, "reopened", people.DANA)
        self._expect(news.event("reopened") is not None, "the case was not reopened")
        self._case(1, "open")

    def stranger(self) -> None:
        self._pass(minutes=5)
        self._open("stranger", "a stranger guesses a case number")
        news = self._send(self._world.compose(people.MALLORY, "[#1] any news?", people.MALLORY_ASKS))
        self._expect_one(news, "human", "created", 4)
        ack = self._expect_sent(news, "acknowledgement", people.MALLORY)
        told = " ".join(
            gone.text + gone.subject for gone in news.gone if address_in(people.MALLORY) in gone.to
        )
        private = (INVOICES, "Dana", "Legacy layout", "Northgate")
        leaked = [word for word in private if word in told]
        self._expect(not leaked, f"the stranger was told {leaked}")
        self._expect("[#4]" in ack.subject, "the stranger's mail got no case of its own")
        self._teller.line(
            "not", "told to the stranger: one word of case 1 (checked in the mail that went out)"
        )

    # --- how a scene goes ------------------------------------------------------------------------------

    def _pass(self, **delta: float) -> None:
        self._world.wait_until(self._world.clock.now() + timedelta(**delta))

    def _open(self, name: str, title: str) -> None:
        self._scene = name
        now = self._world.clock.now()
        self._teller.scene(when(self._policy, now), title)
        self.facts.append({"scene": name, "at": now, "arrived": [], "events": [], "sent": []})

    def _keep(self, **facts: Any) -> None:
        self.facts[-1] |= facts

    def _send(self, mail: EmailMessage) -> News:
        self._told(mail, "SMTP", f"our reply: {self._world.by_smtp(mail)}")
        return self._look()

    def _told(self, mail: EmailMessage, way: str, reply: str) -> None:
        body = mail.get_body(("plain",))
        assert body is not None
        self._teller.line("in", f"{way}, {mail['From']}: {mail['Subject']}", own_words(body.get_content()))
        for part in mail.iter_attachments():
            size = len(part.get_payload(decode=True))
            self._teller.line("", f"attached: {part.get_filename()}, {size:,} bytes")
        self._teller.line("", reply)
        self._keep(way=way.lower(), reply=reply)

    def _look(self) -> News:
        """Read what came of it, tell it, keep it."""
        news = self._reporter.news()
        for arrived in news.arrived:
            self._teller.line("why", why(arrived))
        for event in events_worth_telling(news.events):
            self._teller.line("case", self._stamped(event.at, event_words(event, self._policy)))
            self._count(event)
        for gone in news.gone:
            quote = "" if gone.kind == "staff_notice" else excerpt(gone, news, self._most())
            about = f": {gone.subject}" if gone.kind == "staff_notice" else ""
            self._teller.line("out", f"{gone.kind.replace('_', ' ')} to {', '.join(gone.to)}{about}", quote)
        facts = self.facts[-1]
        facts["arrived"] += [_arrived_facts(arrived) for arrived in news.arrived]
        facts["events"] += [{"at": e.at, "event": e.event, "case": e.case, **e.data} for e in news.events]
        facts["sent"] += [_sent_facts(gone, news) for gone in news.gone]
        return news

    def _stamped(self, at: datetime, text: str) -> str:
        """text, with its own time where the scene began at another."""
        return text if at == self.facts[-1]["at"] else f"{when(self._policy, at)}: {text}"

    def _deadline(self, news: News, ack: Gone) -> None:
        """The promise on the case and the one in the acknowledgement are the same."""
        self._expect(news.event("deadline_set") is not None, "no deadline was set")
        case = self._case(1, "open")
        assert case.respond_by is not None
        self._keep(respond_by=case.respond_by, rule=case.proof.get("rule"), proof=case.proof.get("proof"))
        promised = when(self._policy, case.respond_by)
        self._expect(promised in " ".join(ack.text.split()), "the acknowledgement does not tell the deadline")

    def _count(self, event: Event) -> None:
        """How a deadline was counted, the first time that there is one: the rows kept with its case."""
        if self._scene != "smtp" or event.event != "deadline_set" or event.case is None:
            return
        proof = self._world.desk.cases.get(event.case).proof
        self._teller.line("due", f"{proof.get('rule')}, counted so:")
        for row in proof.get("proof", ()):
            self._teller.line("", stretch(row))

    def _most(self) -> int:
        """How much of an outgoing mail is shown: the first ones at length, then no more than is new."""
        return MAX_EXCERPT if self._scene == "smtp" else MAX_EXCERPT // 2

    def cases(self) -> list[dict[str, Any]]:
        """All cases as they are now."""
        return [case_facts(case) for case in self._world.desk.cases.listing()]

    # --- what is promised ------------------------------------------------------------------------------

    def _expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise StoryBroken(f"the demo's scene {self._scene!r} went wrong: {otherwise}")

    def _expect_one(self, news: News, kind: str, outcome: str, case: int) -> None:
        seen = [(a.kind, a.outcome, a.case) for a in news.arrived]
        self._expect(
            seen == [(kind, outcome, case)], f"expected {kind}, {outcome}, case {case}, and saw {seen}"
        )

    def _expect_sent(self, news: News, kind: str, to: str) -> Gone:
        found = news.sent(kind)
        self._expect(found is not None and address_in(to) in found.to, f"no {kind} went to {address_in(to)}")
        assert found is not None
        return found

    def _case(self, number: int, status: str) -> Case:
        case = self._world.desk.cases.get(number)
        self._expect(case.status.value == status, f"case {number} is {case.status.value}, not {status}")
        return case


def _arrived_facts(arrived: Arrived) -> dict[str, Any]:
    return {
        "kind": arrived.kind,
        "outcome": arrived.outcome,
        "case": arrived.case,
        "rule": arrived.rule,
        "reason": arrived.reason,
        "from": arrived.author,
        "subject": arrived.subject,
    }


def _sent_facts(gone: Gone, news: News) -> dict[str, Any]:
    return {"kind": gone.kind, "to": gone.to, "subject": gone.subject, "says": excerpt(gone, news)}
