"""Every way in which an answer finds its case, each as far as it can be trusted: a token alone, all else for
a participant or a colleague only. A stranger joins nothing and is sent nothing."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.policy import SMTP
from itertools import count

import pytest

from mailbridge.model.case import Status
from mailbridge.policy import command
from mailbridge.policy.thread import thread_key
from tests.scenarios.site import ANN, ESCALATION, SUPPORT, Office, office

SERVER = "mx.desk.example"
NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Scene:
    """A customer with a case that staff have answered. eve is a stranger; ref the customer's Message-ID."""

    desk: Office
    index: int
    number: int
    sent: Message

    @property
    def jo(self) -> str:
        return f"jo@customer{self.index}.example"

    @property
    def eve(self) -> str:
        return f"eve@elsewhere{self.index}.example"

    @property
    def ref(self) -> str:
        return f"<first-{self.index}@client.example>"

    @property
    def subject(self) -> str:
        return f"Printer {self.index} jams"

    @property
    def words(self) -> str:
        return f"The paper feeder of printer {self.index} takes three sheets at once since Monday."

    def thread_index(self, length: int = 22) -> str:
        return base64.b64encode(self.index.to_bytes(4) + bytes(range(length - 4))).decode()


@pytest.fixture(scope="module")
def whole() -> Iterator[Office]:
    with office(extra=f"trusted_authserv = {SERVER}\n") as made:
        yield made


@pytest.fixture
def scene(whole: Office) -> Scene:
    """One desk for all tests, a new customer for each."""
    found = Scene(whole, next(NUMBERS), 0, Message())
    headers = {"Thread-Index": found.thread_index(), "Message-ID": found.ref}
    number = whole.mail(found.jo, found.words, subject=found.subject, headers=headers).case
    assert number is not None
    whole.mail(ANN, "Clean the feeder.", answers=whole.mails("staff_notice", ANN)[-1])
    sent = whole.mails("staff_answer", found.jo)[-1]
    whole.sent.clear()
    return Scene(whole, found.index, number, sent)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client left of the thread."""

    subject: str = "Something else"
    text: str = "It still jams."
    to: str = SUPPORT
    headers: dict[str, str] = field(default_factory=dict)
    attached: Message | None = None


Way = Callable[[Scene], Answer]
WAYS: dict[str, Way] = {
    "in-reply-to": lambda at: Answer(headers={"In-Reply-To": at.ref}),
    "references": lambda at: Answer(headers={"References": f"<x@y.example> {at.ref} <z@y.example>"}),
    "references without brackets": lambda at: Answer(headers={"References": f"x@y.example, {at.ref[1:-1]}"}),
    "number in subject": lambda at: Answer(subject=f"Re: [#{at.number}] whatever"),
    "case number in subject": lambda at: Answer(subject=f"Case {at.number}"),
    "number in text": lambda at: Answer(text=f"It is about case #{at.number}. It still jams."),
    "subject of a reply": lambda at: Answer(subject=f"AW: {at.subject}"),
    "outlook's thread": lambda at: Answer(subject=at.subject, headers={"Thread-Index": at.thread_index(27)}),
    "number quoted": lambda at: Answer(
        text=f"It jams.\n\n> Subject: Re: [#{at.number}] Printer\n> Clean it."
    ),
    "original attached": lambda at: Answer(attached=_original(at)),
    "original quoted": lambda at: Answer(to=ESCALATION, text=f"Nobody helps.\n\n> {at.words}"),
    "original forwarded": lambda at: Answer(
        to=ESCALATION,
        subject=f"Fwd: {at.subject}",
        text="See below.\n\n---------- Forwarded message ---------\n"
        f"From: Jo <{at.jo}>\nSubject: {at.subject}\n\n{at.words}",
    ),
}
TOKENS: dict[str, Way] = {
    "our id": lambda at: Answer(headers={"In-Reply-To": str(at.sent["Message-ID"])}),
    "our id among others": lambda at: Answer(
        headers={"References": f"<a@b.example> {at.sent['Message-ID']}"}
    ),
    "our address": lambda at: Answer(to=str(at.sent["Reply-To"])),
    "our address in capitals": lambda at: Answer(to=str(at.sent["Reply-To"]).upper()),
    "our mail attached": lambda at: Answer(attached=at.sent),
}


def _original(at: Scene) -> Message:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = at.jo, SUPPORT, at.subject
    mail["Message-ID"] = at.ref
    mail.set_content(at.words)
    return mail


def send(at: Scene, sender: str, answer: Answer, **fields: str) -> int | None:
    """The number of the case that this answer came to."""
    mail = EmailMessage(policy=SMTP)
    for name, value in fields.items():
        mail[name.replace("_", "-")] = value
    mail["From"], mail["To"], mail["Subject"] = sender, answer.to, answer.subject
    mail["Message-ID"] = f"<{next(NUMBERS)}@answer.example>"
    for name, value in answer.headers.items():
        mail[name] = value
    mail.set_content(answer.text)
    if answer.attached is not None:
        data = answer.attached.as_bytes()
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename="original.eml")
    return at.desk.raw(mail.as_bytes(), (answer.to,), sender).case


@pytest.mark.parametrize("way", [*WAYS, *TOKENS])
def test_the_customer_is_found_by(scene: Scene, way: str) -> None:
    assert send(scene, scene.jo, (WAYS | TOKENS)[way](scene)) == scene.number
    assert scene.desk.case(scene.number).status is Status.OPEN


@pytest.mark.parametrize("way", WAYS)
def test_a_stranger_joins_and_reads_nothing_by(scene: Scene, way: str) -> None:
    desk = scene.desk
    assert send(scene, scene.eve, WAYS[way](scene)) not in (None, scene.number)
    assert not any("takes three sheets" in mail.as_string() for _, to, mail in desk.sent if scene.eve in to)
    assert scene.eve not in desk.case(scene.number).participants
    desk.desk.on_case(
        scene.number, lambda facts, case, now: command.reply(facts, case, now, author=ANN, text="For Jo.")
    )
    desk.drain()
    assert [to for kind, to, _ in desk.sent if kind == "staff_answer"] == [(scene.jo,)]


@pytest.mark.parametrize("way", TOKENS)
def test_who_holds_a_token_writes_to_the_case_and_is_sent_no_answers(scene: Scene, way: str) -> None:
    assert send(scene, scene.eve, TOKENS[way](scene)) == scene.number
    assert scene.eve not in scene.desk.case(scene.number).participants
    assert "unverified_participant" in scene.desk.events(scene.number)


LOOK_ALIKE = (
    '"{jo}" <{eve}>',
    '"Jo ({jo})" <{jo}.evil.example>',
    "{jo}.evil.example",
    "jо@{domain}",  # a Cyrillic letter
    "{jo}, {eve}",
    "{eve}, {jo}",
    "Customers: {jo}, {eve};",
    "undisclosed-recipients:;",
)


@pytest.mark.parametrize("sender", LOOK_ALIKE)
def test_somebody_who_looks_like_the_customer_is_a_stranger(scene: Scene, sender: str) -> None:
    author = sender.format(jo=scene.jo, eve=scene.eve, domain=scene.jo.partition("@")[2])
    assert _bare(scene, author) != scene.number


@pytest.mark.parametrize("sender", ["{upper}", "Jo Miller <{jo}>", "Us: {jo};", '"eve@else.example" <{jo}>'])
def test_the_same_address_in_another_dress_is_the_customer(scene: Scene, sender: str) -> None:
    assert _bare(scene, sender.format(jo=scene.jo, upper=scene.jo.upper())) == scene.number


def _bare(at: Scene, author: str) -> int | None:
    subject = f"Re: [#{at.number}] {at.subject}"
    raw = f"From: {author}\r\nTo: {SUPPORT}\r\nSubject: {subject}\r\n\r\nIt jams, says {author}.\r\n"
    return at.desk.raw(raw.encode(), (SUPPORT,), "x@elsewhere.example").case


def test_an_answer_to_a_merged_case_goes_to_the_one_it_became(scene: Scene) -> None:
    desk = scene.desk
    other = desk.mail(scene.jo, "And the scanner beeps.", subject="Scanner").case
    assert other is not None
    target = desk.case(other)
    desk.desk.on_case(
        scene.number,
        lambda facts, case, now: command.merge(facts, case, now, author=ANN, target=target),
    )
    for way in ("our id", "in-reply-to", "number in subject"):
        assert send(scene, scene.jo, (WAYS | TOKENS)[way](scene)) == other


def test_an_answer_to_a_split_case_goes_to_that_one(scene: Scene) -> None:
    desk = scene.desk
    [number] = desk.desk.split(scene.number, ANN, [("The lamp", "The lamp blinks, too.")])
    desk.desk.on_case(
        number, lambda facts, case, now: command.reply(facts, case, now, author=ANN, text="Change the lamp.")
    )
    desk.drain()
    split = Scene(desk, scene.index, number, desk.mails("staff_answer", scene.jo)[-1])
    assert send(split, scene.jo, TOKENS["our id"](split)) == number
    assert send(scene, scene.jo, TOKENS["our id"](scene)) == scene.number


@pytest.mark.parametrize("index", ["", "AdwA", "not base64!", "ÄÖÜ", "AAECAwQFBgcICQoLDA0O"])
def test_what_is_no_thread_index_is_none(index: str) -> None:
    assert thread_key(index) == ""


def test_outlooks_thread_under_another_subject_is_another_matter(scene: Scene) -> None:
    answer = Answer(subject="Invoice", headers={"Thread-Index": scene.thread_index(27)})
    assert send(scene, scene.jo, answer) != scene.number


@pytest.mark.parametrize(("verdict", "joins"), [("fail", False), ("pass", True), ("none", True)])
def test_a_from_that_our_server_disproved_brings_nobody_in_by_number(
    scene: Scene, verdict: str, joins: bool
) -> None:
    told = f"{SERVER}; dmarc={verdict} header.from={scene.jo.partition('@')[2]}"
    answer = Answer(subject=f"Re: [#{scene.number}] {scene.subject}")
    case = send(scene, scene.jo, answer, Authentication_Results=told)
    assert (case == scene.number) is joins


def test_a_closed_case_is_reopened_by_its_thread_and_followed_when_it_is_old() -> None:
    with office() as desk:
        number = desk.mail("jo@customer.example").case
        assert number == 1
        desk.mail(ANN, "Clean the feeder.", answers=desk.mails("staff_notice", ANN)[-1])
        [sent] = desk.mails("staff_answer")
        desk.wait(days=4)
        assert desk.case(1).status is Status.CLOSED
        assert desk.mail("jo@customer.example", "It is back.", answers=sent).case == 1
        assert desk.case(1).status is Status.OPEN
        desk.desk.on_case(1, lambda facts, case, now: command.close(facts, case, now, author=ANN))
        desk.wait(days=60)
        assert desk.mail("jo@customer.example", "Once more.", answers=sent).case == 2
        assert desk.case(1).status is Status.CLOSED
