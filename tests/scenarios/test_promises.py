"""Small promises of the policies' texts, each at the real desk."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest

from mailbridge.model.envelope import Envelope, Way
from mailbridge.policy import command
from mailbridge.policy.people import people_of
from mailbridge.policy.policyfile import parse_policy
from mailbridge.policy.wordlists import is_only, is_resolved, speaks_of
from tests.policy.test_policyfile import GOOD
from tests.scenarios.site import ANN, ESCALATION, Office, office

JO = "Jo Lee <jo@customer.example>"


def text_of(mail: object) -> str:
    part = mail.get_payload(0)  # type: ignore[attr-defined]
    return " ".join(part.get_payload(decode=True).decode().split())


def answered(desk: Office, text: str = "Please try again.") -> None:
    desk.desk.on_case(1, lambda f, c, n: command.reply(f, c, n, author=ANN, text=text))
    desk.drain()


def reply(desk: Office, text: str) -> str:
    desk.mail(JO, text, answers=desk.mails("staff_answer")[-1])
    return str(desk.case(1).status)


# --- who is told of an escalation -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "staff", "expected"),
    [
        (1, ["ann@desk.example"], (("boss@desk.example",), "level")),
        (2, ["ann@desk.example"], (("ann@desk.example",), "staff")),
        (2, [], ((), "")),
        (2, ["Support@desk.example"], ((), "")),
        (9, ["ann@desk.example"], (("ann@desk.example",), "staff")),
    ],
)
def test_who_is_told_at_a_level(level: int, staff: list[str], expected: tuple[object, str]) -> None:
    levels = "[escalation]\nlevel.1 = Lead: boss@desk.example\nlevel.2 = Director\n"
    policy = parse_policy(f"{GOOD.partition('[escalation]')[0]}\n{levels}", "p.ini")
    assert people_of(policy, level, staff, {"support@desk.example"}) == expected


def test_nobody_is_said_to_be_told_who_was_not() -> None:
    """standard-enterprise names three levels and nobody at them: staff are told, and asked to bring it on."""
    with office("standard-enterprise") as desk:
        desk.mail(JO)
        for level in ("Support team lead", "Department manager", "Executive management"):
            desk.mail(JO, "Still nothing.", to=ESCALATION, subject="Re: Help [#1]")
            told = text_of(desk.mails("escalation_acknowledgement")[-1])
            assert f"({level}); our team has been told." in told
            assert "people there have been told" not in told
            assert f"bring it to the right person ({level})" in text_of(desk.mails("escalation", ANN)[-1])


# --- what customers say -----------------------------------------------------------------------------------


def test_contact_changes_by_mail_are_a_task_for_staff() -> None:
    """tekstack: "Changes or additions of contacts can be submitted to support"; a mail changes nothing."""
    with office("tekstack") as desk:
        before = desk.desk.customers.listing()
        desk.mail(JO, "Please add Uma Roy, uma@customer.example, to our contacts.", subject="New colleague")
        assert "contact_change_asked" in desk.events(1)
        assert "it asks for a change of contacts, which is for you to make" in text_of(
            desk.mails("staff_notice", ANN)[0]
        )
        assert [row for row in desk.desk.customers.listing() if "uma" in str(row)] == []
        assert before == []
        desk.mail("kim@customer.example", "The contact form is broken.", subject="Form")
        assert "contact_change_asked" not in desk.events(2)


def test_a_case_closed_by_the_customers_word_is_told_to_him_and_to_staff() -> None:
    with office("gotomyerp") as desk:
        desk.mail(JO)
        answered(desk)
        assert reply(desk, "It is resolved, thank you.\n\nJo") == "closed"
        assert "You told us that it is resolved." in text_of(desk.mails("closed", "jo@customer.example")[0])
        assert "the case is closed" in text_of(desk.mails("staff_notice", ANN)[-1])


def test_thanks_signed_with_the_own_name_are_only_thanks() -> None:
    with office("mekorma") as desk:
        desk.mail(JO)
        answered(desk)
        due = desk.case(1).auto_close_at
        assert reply(desk, "Thank you so much!\n\nJo Lee") == "waiting"
        assert desk.case(1).auto_close_at == due
        assert reply(desk, "Thanks, but it prints nothing") == "open"


@pytest.mark.parametrize(
    ("text", "name", "only"),
    [
        ("Thanks, Jo", "Jo Lee jo", True),
        ("THANK YOU!!!", "", True),
        ("Jo", "Jo Lee", False),
        ("", "Jo Lee", False),
        ("Thanks Ann", "Jo Lee", False),
        ("Thanks. Jo Lee, 555 0100", "Jo Lee", False),
        ("thanksgiving", "", False),
    ],
)
def test_only_thanks(text: str, name: str, only: bool) -> None:
    assert is_only(text, ("thanks", "thank you"), name) is only
    assert is_resolved(f"Solved. {text}", ("solved",), ("thanks", "thank you"), name) is (
        only or not text or text == "Jo"
    )


def test_words_are_found_whole() -> None:
    assert speaks_of("Please update: Our contacts!", ("our contacts",))
    assert not speaks_of("your contacts and our contactless card", ("our contacts",))
    assert not speaks_of("anything", ("", "  "))


# --- status updates, zones, outages -----------------------------------------------------------------------


def test_a_reopened_case_owes_status_updates_again() -> None:
    with office("tekstack") as desk:
        desk.mail(JO)
        desk.desk.on_case(1, lambda f, c, n: command.severity(f, c, n, author=ANN, severity="critical"))
        answered(desk)
        desk.desk.on_case(1, lambda f, c, n: command.close(f, c, n, author=ANN))
        desk.wait(days=1)
        assert reply(desk, "It failed again.") == "open"
        desk.wait(days=2)
        assert desk.events(1).count("status_update_due") == 2


def test_moments_are_told_in_the_zone_of_the_customers_account_too() -> None:
    with office("gotomyerp") as desk:
        row = {"account": "Acme", "domains": ["customer.example"], "zone": "America/Denver"}
        desk.desk.customers.put_batch([row])
        desk.mail(JO)
        told = text_of(desk.mails("acknowledgement")[0])
        assert "by Thursday, November 19, 6:00 PM Eastern Time (4:00 PM Mountain Time)." in told
        assert "5 AM to 7 PM (Mountain)" in told
        assert "Mountain" not in text_of(desk.mails("staff_notice", ANN)[0])


def test_an_acknowledgement_after_an_outage_names_no_moment_that_has_passed() -> None:
    with office("mekorma", start=datetime(2026, 11, 16, 17, 0, tzinfo=UTC)) as desk:
        put(desk, "It does not work.", "<1@client.example>")
        desk.clock.move_to(datetime(2026, 11, 19, 17, 0, tzinfo=UTC))
        desk.drain()
        told = text_of(desk.mails("acknowledgement")[0])
        assert "Our answer should have reached you by now. We are sorry" in told
        assert "November" not in told
        assert desk.events(1).count("deadline_missed") == 1
        assert desk.events(1).count("deadline_warning") == 0


def test_nobody_gets_more_automatic_mail_in_a_day_than_the_policy_says() -> None:
    """Each message still becomes a case, and staff hear of it; the next day is a new one."""
    with office("memsource") as desk:
        for number in range(12):
            desk.mail(JO, subject=f"Problem number {number}")
            desk.wait(hours=1, minutes=50)
        assert len(desk.mails("acknowledgement")) == 10
        assert [number for number in range(1, 13) if "suppressed" in desk.events(number)] == [11, 12]
        assert len(desk.mails("staff_notice", ANN)) == 12
        desk.wait(hours=22)
        desk.mail(JO, subject="The next day")
        assert len(desk.mails("acknowledgement")) == 11


def put(desk: Office, text: str, ref: str) -> None:
    """A mail that lies in the inbox, unread."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = JO, "support@desk.example", "Re: Help [#1]"
    mail["Message-ID"] = ref
    mail.set_content(text)
    envelope = Envelope(Way.SMTP, "jo@customer.example", ("support@desk.example",), desk.clock.now())
    desk.desk.inbox.put_batch([(envelope, mail.as_bytes())])


def test_an_answer_that_came_in_the_reopen_window_reopens_though_it_is_read_later() -> None:
    with office("mekorma") as desk:
        desk.mail(JO)
        desk.desk.on_case(1, lambda f, c, n: command.close(f, c, n, author=ANN))
        desk.drain()
        desk.clock.advance(timedelta(days=13, hours=23))
        put(desk, "It is the same again.", "<late@client.example>")
        desk.clock.advance(timedelta(days=1))
        desk.drain()
        assert "reopened" in desk.events(1)


@pytest.mark.parametrize(
    ("zone", "state"),
    [("", "known"), ("America/New_York", "known"), ("Asia/Tokyo", "lapsed"), ("No/Where", "known")],
)
def test_the_last_day_of_a_subscription_ends_at_the_accounts_own_midnight(zone: str, state: str) -> None:
    """The evening of 31 December in California is 1 January in UTC, and the plan still runs."""
    with office("mekorma", start=datetime(2027, 1, 1, 4, 30, tzinfo=UTC)) as desk:
        row = {
            "account": "Acme",
            "domains": ["customer.example"],
            "zone": zone,
            "ends_on": date(2026, 12, 31),
        }
        desk.desk.customers.put_batch([row])
        desk.mail(JO)
        assert desk.case(1).entitled == state
