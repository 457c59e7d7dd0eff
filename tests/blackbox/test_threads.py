"""`ingest`: which case a message belongs to, and what an escalation does."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from tests.blackbox.judge import Site

ESCALATION = "supportescalation@desk.example"


def level(desk: Site, number: int) -> int:
    return int(desk.show(number)["escalation_level"])


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("[#2]", "It works."),
        ("Re: Fax [#2]", "It works."),
        ("AW: whatever [#2]", "As in case 1, it works."),
        ("Case 2", "It works."),
        ("Ticket #2", "It works."),
        ("About my fax", "This is for case #2."),
        ("About my fax", "My case number is 2. It works."),
        ("About my fax", "Case number: 2"),
        ("2", "It works."),
        ("Re: #2", "It works."),
        ("Re: Fax", "It works."),
    ],
)
def test_the_customer_names_his_case(desk: Site, subject: str, text: str) -> None:
    row = desk.ingest(desk.mail(text, subject))
    assert (row["outcome"], row["kind"], row["case"]) == ("threaded", "human", 2)


@pytest.mark.parametrize(
    "subject",
    ["[#2]", "Re: Fax [#2]", "Re: Fax", "Case 2", "2"],
    ids=["tag", "reply", "subject", "words", "bare"],
)
def test_a_stranger_opens_a_case_of_his_own_whatever_he_names(desk: Site, subject: str) -> None:
    row = desk.ingest(desk.mail("Let me in.", subject, From="eve@elsewhere.example"))
    assert (row["outcome"], row["case"]) == ("created", 3)
    assert [message["direction"] for message in desk.show(2)["messages"]] == ["in", "out"]


def test_a_number_that_no_case_has_opens_one(desk: Site) -> None:
    assert desk.ingest(desk.mail("Hello.", "About [#99]"))["case"] == 3


@pytest.mark.parametrize("header", ["In-Reply-To", "References"])
def test_an_answer_is_known_by_the_message_it_answers(desk: Site, header: str) -> None:
    named = {header.replace("-", "_"): "<m2@customer.example>"}
    assert desk.ingest(desk.mail("It works.", "A new subject", **named))["case"] == 2


def test_an_answer_to_our_mail_is_known_by_our_message_id_or_reply_address(desk: Site) -> None:
    (ours,) = [row for row in desk.queue() if row["kind"] == "acknowledgement" and row["case"] == 2]
    said = desk.run("queue", "show", ours["id"], "--raw").out
    ref = next(line.split(" ", 1)[1] for line in said.splitlines() if line.startswith("Message-ID:"))
    row = desk.ingest(desk.mail("I took over.", "Fax?", From="heir@elsewhere.example", In_Reply_To=ref))
    assert (row["outcome"], row["case"]) == ("threaded", 2)


def test_the_same_message_twice_is_one(desk: Site) -> None:
    mail = desk.mail("Once more.", "Re: Fax")
    assert [desk.ingest(mail)["outcome"] for _ in range(3)] == ["threaded", "duplicate", "duplicate"]
    assert len(desk.show(2)["messages"]) == 3
    assert desk.ingest(mail)["case"] == 2


def test_what_the_date_says_decides_nothing(desk: Site) -> None:
    for date in ("Thu, 01 Jan 1970 00:00:00 +0000", "Fri, 31 Dec 9999 23:59:59 +0000", "yesterday"):
        row = desk.ingest(desk.mail(f"Sent {date}", f"Dated {date[-6:]}", Date=date))
        assert desk.show(row["case"])["created_at"].startswith("20"), date
        assert desk.show(row["case"])["created_at"] >= desk.show(1)["created_at"]


def test_staff_by_a_plain_ingest_are_nobody(desk: Site) -> None:
    row = desk.ingest(desk.mail("Solved.", "Re: Fax [#2]", From="ann@desk.example"))
    case = desk.show(2)
    assert row["kind"] != "staff"
    assert case["status"] == "open"
    assert case["respond_by"] is not None
    assert {m["author"] for m in case["messages"]} == {"jo@customer.example", "mailbridge"}


# --- escalation ---------------------------------------------------------------------------------------------


def test_an_escalation_with_a_number_raises_that_case_tells_people_and_acknowledges(desk: Site) -> None:
    due = desk.show(2)["respond_by"]
    row = desk.ingest(desk.mail("Nobody answers.", "No answer: 2", To=ESCALATION))
    assert row["case"] != 2  # a number in a sentence names no case
    row = desk.ingest(desk.mail("Nobody answers.", "No answer on [#2]", To=ESCALATION))
    assert (row["outcome"], row["case"]) == ("threaded", 2)
    case = desk.show(2)
    assert (case["escalation_level"], case["severity"], case["respond_by"]) == (1, "minimal", due)
    kinds = [(q["kind"], q["to"]) for q in desk.queue() if q["case"] == 2]
    assert ("escalation_acknowledgement", "jo@customer.example") in kinds
    assert {to for kind, to in kinds if kind == "escalation"} == {"ann@desk.example", "bob@desk.example"}


def test_an_escalation_that_is_a_case_number_and_nothing_else(desk: Site) -> None:
    assert desk.ingest(desk.mail("2", "Please help", To=ESCALATION))["case"] == 2
    assert desk.ingest(desk.mail("2", "Please help"))["case"] == 3  # a number by itself may be anything


def test_an_escalation_that_carries_the_original_as_an_attachment(desk: Site) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"] = "jo@customer.example", ESCALATION
    mail["Subject"], mail["Message-ID"] = "Fwd: please", "<fwd@customer.example>"
    mail.set_content("See below.")
    original = EmailMessage()
    original["From"], original["To"] = "jo@customer.example", "support@desk.example"
    original["Subject"], original["Message-ID"] = "Fax", "<m2@customer.example>"
    original.set_content("The fax is dead.")
    mail.add_attachment(original)
    assert desk.ingest(mail)["case"] == 2
    assert level(desk, 2) == 1


GMAIL = """Help!

---------- Forwarded message ---------
From: Jo Lee <jo@customer.example>
Date: Mon, Nov 23, 2026 at 9:00 AM
Subject: Fax
To: <support@desk.example>

The fax is dead.
"""
OUTLOOK = """Help!

-----Original Message-----
From: Jo Lee
Sent: Monday, November 23, 2026 9:00 AM
To: support@desk.example
Subject: Fax

The fax is dead.
"""
APPLE = """Help!

Begin forwarded message:

> From: Jo Lee <jo@customer.example>
> Subject: Fax
> Date: 23 November 2026
> To: support@desk.example
>
> The fax is dead.
"""


@pytest.mark.parametrize("text", [GMAIL, OUTLOOK, APPLE], ids=["gmail", "outlook", "apple"])
def test_an_escalation_that_quotes_the_original(desk: Site, text: str) -> None:
    assert desk.ingest(desk.mail(text, "Fwd: Fax", To=ESCALATION))["case"] == 2
    assert level(desk, 2) == 1


def test_an_escalation_by_thread_alone(desk: Site) -> None:
    row = desk.ingest(
        desk.mail("Nobody answers.", "Hello?", To=ESCALATION, In_Reply_To="<m2@customer.example>")
    )
    assert (row["case"], level(desk, 2)) == (2, 1)


def test_an_escalation_without_a_case_makes_one_escalated(desk: Site) -> None:
    row = desk.ingest(desk.mail("Nobody answers.", "Hello?", From="zoe@else.example", To=ESCALATION))
    case = desk.show(row["case"])
    assert (row["outcome"], case["escalation_level"], case["status"]) == ("created", 1, "open")


@pytest.mark.parametrize(
    ("to", "raised"),
    [
        ("SupportEscalation@DESK.Example", 1),
        (f"support@desk.example, {ESCALATION}", 1),
        (f'"{ESCALATION}" <support@desk.example>', 0),
    ],
    ids=["case", "both", "display name"],
)
def test_what_is_mailed_to_the_escalation_address(desk: Site, to: str, raised: int) -> None:
    row = desk.ingest(desk.mail("Unhappy.", "New trouble", From="zoe@else.example", To=to))
    assert (row["case"], level(desk, 3), len(desk.cases())) == (3, raised, 3)


def test_the_same_mail_to_both_addresses_in_two_copies_is_one_case_escalated(desk: Site) -> None:
    mail = desk.mail(
        "Unhappy.", "New trouble", From="zoe@else.example", To=f"support@desk.example, {ESCALATION}"
    )
    first = desk.ingest(mail, "--recipient", "support@desk.example")
    second = desk.ingest(mail, "--recipient", ESCALATION)
    assert (first["outcome"], second["outcome"]) == ("created", "duplicate")
    assert (first["case"], second["case"], level(desk, 3)) == (3, 3, 1)


def test_an_escalation_reopens_a_closed_case(desk: Site) -> None:
    desk.run("case", "close", "2", "--json").json()
    assert desk.ingest(desk.mail("Not solved!", "[#2]", To=ESCALATION))["case"] == 2
    assert (desk.show(2)["status"], level(desk, 2)) == ("open", 1)


def test_an_escalation_while_the_case_waits_on_the_customer_is_owed_an_answer(desk: Site) -> None:
    desk.run("case", "reply", "2", "Please try again.", "--json").json()
    desk.ingest(desk.mail("Too slow!", "[#2]", To=ESCALATION))
    case = desk.show(2)
    assert (case["status"], case["auto_close_at"], case["escalation_level"]) == ("open", None, 1)


def test_a_robot_at_the_escalation_address_raises_nothing(desk: Site) -> None:
    away = desk.mail("I am away.", "Automatic reply: Fax [#2]", To=ESCALATION, Auto_Submitted="auto-replied")
    assert desk.ingest(away)["kind"] == "auto_reply"
    assert level(desk, 2) == 0
