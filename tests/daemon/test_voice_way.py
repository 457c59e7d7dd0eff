"""The whole way of a voicemail: mail in, decided, heard by real Vosk, told; as `case show --json` has it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

from mailbridge.clock import VirtualClock
from mailbridge.mail.parse import parse
from mailbridge.policy import command
from mailbridge.work.desk import Desk
from mailbridge.work.listen import Listener
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, open_desk, put
from tests.daemon.test_listen import Scripted, said
from tests.daemon.voice import (
    CALLER,
    MODEL,
    VOICEMAIL,
    call,
    deaf_model,
    happened,
    incoming,
    known,
    sample,
    shown,
)
from tests.daemon.voice import take as take_in
from transcription.engine import Hints, Transcript
from transcription.pool import Pool

CALL_BACK = "please call me back at two oh two five five five oh one four three"
CARD = "four one one one one one one one one one one one one one one one"
HOUR = timedelta(hours=1)
ANNA: dict[str, Any] = {
    "phone": "+13035550177",
    "name": "Anna Berg",
    "account": "Blue Sky",
    "addresses": ("anna@blue.example",),
}


class Noting(Scripted):
    """Answers as given, and remembers what it was asked."""

    def __init__(self, *answers: Transcript | Exception) -> None:
        super().__init__(*answers)
        self.hints: list[Hints] = []
        self.models: list[str] = []

    def submit(self, job_id, source, hints=None, *, model=None):  # type: ignore[no-untyped-def]
        self.hints.append(hints)
        self.models.append(Path(model).name if model else "")
        return super().submit(job_id, source, hints)


@contextmanager
def desk_of(folder: Path, more: str = "", clock: VirtualClock | None = None) -> Iterator[Desk]:
    with open_desk(folder, VOICEMAIL + more, clock or VirtualClock(MONDAY)) as desk:
        known(desk)
        yield desk


def outgoing(desk: Desk, kind: str = "") -> list[Mapping[str, Any]]:
    """The outgoing mails of this kind, with their bytes."""
    rows = [desk.outbox.get(row["id"]) for row in desk.outbox.listing(["waiting"])]
    return [row for row in rows if row is not None and kind in ("", row["kind"])]


def mails(desk: Desk, kind: str) -> list[str]:
    """Their texts, each as one line."""
    return [" ".join(parse(row["raw"]).text.split()) for row in outgoing(desk, kind)]


def everything(desk: Desk, number: int) -> str:
    """All that is stored, shown and mailed of a case, but for what came in."""
    sent = [parse(row["raw"]) for row in outgoing(desk)]
    return " ".join([json.dumps(shown(desk, number)), *(one.text + one.html for one in sent)])


# --- which case ---------------------------------------------------------------------------------------------


def test_several_calls_within_minutes_are_one_case_and_a_mail_of_just_now_is_another(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        written = (
            b"From: kim@customer.example\r\nTo: support@desk.example\r\nSubject: Invoice\r\n\r\nHelp.\r\n"
        )
        put(desk, written, "kim@customer.example")
        for number in (1, 2):
            clock.advance(timedelta(minutes=3))
            take_in(desk, call(number, sample("vm01")))
        assert desk.cases.get(1).subject == "Invoice"
        assert [len(incoming(desk, case.number)) for case in desk.cases.listing()] == [1, 2]
        clock.advance(timedelta(minutes=11))
        take_in(desk, call(3, sample("vm01")))
        assert [len(incoming(desk, case.number)) for case in desk.cases.listing()] == [1, 2, 1]
        clock.advance(timedelta(days=1))
        desk.split(3, "ann@desk.example", [("The second thing", "And the paper.")])
        take_in(desk, call(4, sample("vm01")))
        assert len(desk.cases.listing()) == 5, "a split is no call"


# --- what was understood, and who reads it -----------------------------------------------------------------


def test_the_caller_reads_what_was_understood_and_how_to_put_it_right(tmp_path: Path, pool: Pool) -> None:
    with desk_of(tmp_path) as desk:
        take_in(desk, call(1, sample("vm01")), pool)
        (text,) = mails(desk, "transcript")
        (message,) = incoming(desk, 1)
        assert message["transcript"]["text"][:40] in text
        assert "just reply to this mail and put it right" in text
        assert len(mails(desk, "acknowledgement")) == 1
        (row,) = outgoing(desk, "transcript")
        assert row["rcpt_to"] == ["kim@customer.example"]
        assert (row["mail_from"], parse(row["raw"]).headers.get("auto-submitted")) == ("", "auto-replied")
        assert happened(desk, 1, "transcript_sent")
        case = shown(desk, 1)
        assert (case["requester"], case["account"]) == ("kim@customer.example", "Western Supply")


@pytest.mark.parametrize("name", ["vm07", "vm08"])
def test_who_said_nothing_gets_no_transcript(tmp_path: Path, pool: Pool, name: str) -> None:
    with desk_of(tmp_path) as desk:
        take_in(desk, call(1, sample(name)), pool)
        assert mails(desk, "transcript") == []
        assert incoming(desk, 1)[0]["transcript"]["state"] in ("silence", "noise")


def test_a_stranger_is_told_nothing_by_mail(tmp_path: Path, pool: Pool) -> None:
    with desk_of(tmp_path) as desk:
        take_in(desk, call(1, sample("vm14"), caller="3035550177"), pool)
        assert mails(desk, "transcript") == mails(desk, "acknowledgement") == []
        assert all("pbx.example" not in " ".join(row["rcpt_to"]) for row in outgoing(desk))


# --- card numbers ------------------------------------------------------------------------------------------


def test_a_spoken_card_number_is_nowhere(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        take_in(desk, call(1, b"RIFF"))
        words = f"my card is {CARD} security code one two three thank you".split()
        Listener(desk, Scripted(said(*words))).drain()
        (message,) = incoming(desk, 1)
        assert "[card number removed]" in message["text"]
        assert "[security code removed]" in message["text"]
        told = everything(desk, 1)
        assert "4111" not in told
        assert "one one one" not in told
        assert "one two three" not in told


def test_a_card_number_in_the_telephone_systems_own_transcript_is_nowhere(tmp_path: Path) -> None:
    text = "New voicemail\n\nTranscription:\nmy card is 4111 1111 1111 1111 and the CVV is 123\n"
    with desk_of(tmp_path) as desk:
        take_in(desk, call(1, b"RIFF", text=text))
        assert "[card number removed]" in incoming(desk, 1)[0]["text"]
        told = everything(desk, 1)
        assert "4111" not in told
        assert " 123" not in told


# --- words of the store ------------------------------------------------------------------------------------


def test_names_of_the_store_and_products_are_what_callers_may_say(tmp_path: Path) -> None:
    with desk_of(tmp_path, "names = Mekorma MICR, Legacy Layout\n") as desk:
        known(desk, **ANNA)
        take_in(desk, call(1, b"RIFF"))
        pool = Noting(said("hello", "there"))
        Listener(desk, pool).drain()
        words = pool.hints[0].words
        assert words[:2] == ("Western Supply", "Kim Lee")  # his own come first
        assert {"Blue Sky", "Anna Berg", "Mekorma MICR", "Legacy Layout"} <= set(words)


# --- models ------------------------------------------------------------------------------------------------


GERMAN = "Sie haben eine neue Nachricht auf der Mailbox, bitte hören Sie sie ab. Danke, die Anlage."


@pytest.mark.parametrize(
    ("mailbox", "text", "model"),
    [("200", GERMAN, "by-box"), ("300", GERMAN, "by-language"), ("300", "New.", "plain")],
)
def test_a_model_for_each_language_and_mailbox(tmp_path: Path, mailbox: str, text: str, model: str) -> None:
    more = "[voicemail]\nmodel = plain\nmodels = 200: by-box, de: by-language\n"
    with open_desk(tmp_path, more, VirtualClock(MONDAY)) as desk:
        take_in(desk, call(1, b"RIFF", mailbox=mailbox, text=text))
        pool = Noting(said("hello"))
        Listener(desk, pool).drain()
        assert pool.models == [model]


def test_a_model_for_an_address(tmp_path: Path) -> None:
    more = "[voicemail]\nmodel = plain\nmodels = support@desk.example: ours\n"
    with open_desk(tmp_path, more, VirtualClock(MONDAY)) as desk:
        take_in(desk, call(1, b"RIFF"))
        pool = Noting(said("hello"))
        Listener(desk, pool).drain()
        assert pool.models == ["ours"]


def test_two_models_hear_by_turns_in_one_pool(tmp_path: Path, pool: Pool) -> None:
    more = f"models = 200: {deaf_model(tmp_path)}\n"
    with desk_of(tmp_path, more) as desk:
        take_in(desk, call(1, sample("vm14"), mailbox="200"), pool)
        take_in(desk, call(2, sample("vm14"), mailbox="300", caller="3035550177"), pool)
        assert incoming(desk, 1)[0]["transcript"]["model"] == "vosk-model-narrow"
        assert incoming(desk, 2)[0]["transcript"]["model"] == MODEL.name


# --- who and which -----------------------------------------------------------------------------------------


def spoken(number: str) -> Transcript:
    return said(*f"this is about case number {number} thanks".split())


def test_a_spoken_case_number_threads_the_voicemail_itself_into_the_callers_case(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        take_in(desk, call(1, b"RIFF"))
        clock.advance(HOUR)
        take_in(desk, call(2, b"RIFF2"))
        Listener(desk, Scripted(said("first", "call"), spoken("one"))).drain()
        assert [one["text"] for one in incoming(desk, 1)] == [
            "First call.",
            "This is about case number 1 thanks.",
        ]
        assert incoming(desk, 1)[1]["transcript"]["case_numbers"] == ["1"]
        assert incoming(desk, 2) == []
        assert shown(desk, 2)["duplicate_of"] == 1
        assert happened(desk, 1, "transcript_ready")[-1]["part"]
        assert desk.inbox.load(2).case_id == desk.cases.get(1).id  # type: ignore[union-attr]


def test_a_case_closed_a_moment_ago_is_opened_again_by_its_caller(tmp_path: Path) -> None:
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        take_in(desk, call(1, b"RIFF"))
        Listener(desk, Scripted(said("first", "call"))).drain()
        desk.on_case(1, lambda facts, case, now: command.close(facts, case, now, author="ann@desk.example"))
        clock.advance(HOUR)
        take_in(desk, call(2, b"RIFF2"))
        Listener(desk, Scripted(spoken("one"))).drain()
        assert shown(desk, 1)["status"] == "open"
        assert len(incoming(desk, 1)) == 2


def test_anybody_elses_case_is_named_to_staff_alone(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        known(desk, **ANNA)
        take_in(desk, call(1, b"RIFF"))
        take_in(desk, call(2, b"RIFF2", caller="3035550177"))
        Listener(desk, Scripted(said("first", "call"), spoken("one"))).drain()
        assert len(incoming(desk, 1)) == len(incoming(desk, 2)) == 1
        assert [one["number"] for one in happened(desk, 2, "may_belong_to")] == [1]
        assert any("may belong to case 1" in text for text in mails(desk, "staff_notice"))
        assert all("may belong" not in text for text in mails(desk, "transcript"))


def test_a_colleague_of_the_same_account_may_name_its_case(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        known(desk, phone="+13035550177", name="Anna Berg", addresses=("anna@customer.example",))
        take_in(desk, call(1, b"RIFF"))
        take_in(desk, call(2, b"RIFF2", caller="3035550177"))
        Listener(desk, Scripted(said("first", "call"), spoken("one"))).drain()
        assert len(incoming(desk, 1)) == 2


def test_calls_within_minutes_are_one_case_and_an_unknown_number_one_contact(
    tmp_path: Path, pool: Pool
) -> None:
    clock = VirtualClock(MONDAY)
    with desk_of(tmp_path, clock=clock) as desk:
        for number in (1, 2, 3):
            take_in(desk, call(number, sample("vm14") + bytes(number), caller="3035550177"), pool)
            clock.advance(timedelta(minutes=3))
        clock.advance(HOUR)
        take_in(desk, call(4, sample("vm14") + bytes(4), caller="(303) 555-0177"), pool)
        assert len(incoming(desk, 1)) == 3
        assert all(one["transcript"]["state"] == "speech" for one in incoming(desk, 1))
        assert len(desk.cases.listing()) == 2
        found = [row for row in desk.customers.listing() if "+13035550177" in row["phones"]]
        assert [row["provisional"] for row in found] == [True]


def test_who_withholds_his_number_and_says_it_is_found(tmp_path: Path) -> None:
    with desk_of(tmp_path) as desk:
        take_in(desk, call(1, b"RIFF", caller="anonymous"))
        assert shown(desk, 1)["account"] == ""
        words = CALL_BACK.split()
        Listener(desk, Scripted(said(*words))).drain()
        case = shown(desk, 1)
        assert (case["account"], case["requester"]) == ("Western Supply", "kim@customer.example")
        assert happened(desk, 1, "caller_identified")
        assert mails(desk, "transcript") == []  # a spoken number proves nothing


# --- what is attached --------------------------------------------------------------------------------------


def test_an_intro_is_not_taken_for_the_message(tmp_path: Path, pool: Pool) -> None:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = (
        "PBX <vm@pbx.example>",
        "support@desk.example",
        "New voicemail from 2025550143",
    )
    mail["X-Asterisk-CallerID"] = CALLER
    mail.set_content("New.")
    for name, file in (("vm13", "msgintro0001.wav"), ("vm14", "msg0001.wav")):
        mail.add_attachment(sample(name), maintype="audio", subtype="x-wav", filename=file)
    with desk_of(tmp_path) as desk:
        take_in(desk, mail.as_bytes(), pool)
        (message,) = incoming(desk, 1)
        assert len(message["attachments"]) == 2
        assert message["transcript"]["duration"] < 4
        assert len(message["transcripts"]) == 1


def by_hand(raw: bytes, sender: bytes, subject: bytes) -> bytes:
    """The mail as somebody else sends it, without a word of the telephone system."""
    raw = raw.replace(b"PBX <voicemail@pbx.example>", sender).replace(b"Asterisk-", b"a-")
    return raw.replace(b"New voicemail from", subject)


def test_exchange_headers_on_a_letter_with_a_recording_are_no_call(tmp_path: Path) -> None:
    raw = call(1, sample("vm14"), text="This is how the machine sounds. Kim", file="noise.wav", caller="")
    head = b"X-CallingTelephoneNumber: IPM.Note\r\nX-VoiceMessageDuration: 1\r\n"
    with desk_of(tmp_path) as desk:
        put(desk, head + by_hand(raw, b"Kim <kim@customer.example>", b"Noise of it"), "kim@customer.example")
        Worker(desk).drain()
        assert shown(desk, 1)["channel"] == "email"
        assert desk.jobs.count("transcribe") == 0
        assert len(mails(desk, "acknowledgement")) == 1


@pytest.mark.parametrize("rule", ["sender = *@door.example", "header = X-Door: voice*", "subject = Door*"])
def test_the_admins_own_rule_makes_a_voicemail(tmp_path: Path, pool: Pool, rule: str) -> None:
    raw = call(1, sample("vm14"), file="d.wav", caller="", text="x").replace(b"Asterisk-", b"a-")
    raw = b"X-Door: voice 7\r\n" + by_hand(raw, b"door@door.example", b"Door 7 said")
    with desk_of(tmp_path / "without") as desk:
        take_in(desk, raw)
        assert shown(desk, 1)["channel"] == "email"
    with desk_of(tmp_path / "with", f"\n[voicemail-rule door]\n{rule}\n") as desk:
        take_in(desk, raw, pool)
        assert shown(desk, 1)["channel"] == "voicemail"
        assert incoming(desk, 1)[0]["transcript"]["state"] == "speech"
        assert mails(desk, "acknowledgement") == []
