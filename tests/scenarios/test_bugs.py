"""Bugs that the scenario files and the year found, one test each, named after the bug."""

from __future__ import annotations

from mailbridge.model.case import DeadlineState, Status
from mailbridge.policy import command
from tests.scenarios.site import ANN, Office, office

JO = "jo@customer.example"


def _answered(desk: Office, text: str) -> None:
    desk.desk.on_case(1, lambda facts, case, now: command.reply(facts, case, now, author=ANN, text=text))
    desk.drain()


def test_resolved_said_politely_left_the_case_open() -> None:
    with office("gotomyerp") as desk:
        desk.mail(JO)
        _answered(desk, "Better now?")
        [answer] = desk.mails("staff_answer", JO)
        desk.mail(JO, "It is resolved, thank you.", answers=answer)
        assert desk.case(1).status is Status.CLOSED
        desk.mail(JO, "Thank you.", answers=answer)
        assert desk.case(1).status is Status.CLOSED


def test_only_thanks_was_no_resolution() -> None:
    with office("gotomyerp") as desk:
        desk.mail(JO)
        _answered(desk, "Better now?")
        desk.mail(JO, "Thank you.", answers=desk.mails("staff_answer", JO)[0])
        assert desk.case(1).status is Status.WAITING


def test_another_severity_made_a_first_promise_for_a_further_message() -> None:
    with office("tekstack") as desk:
        desk.mail(JO)
        _answered(desk, "What do you see?")
        desk.mail(JO, "An empty page.", answers=desk.mails("staff_answer", JO)[0])
        assert desk.case(1).deadline_state is DeadlineState.NONE
        desk.desk.on_case(
            1, lambda facts, case, now: command.severity(facts, case, now, author=ANN, severity="critical")
        )
        assert desk.case(1).deadline_state is DeadlineState.NONE
        assert desk.case(1).respond_by is None


def test_a_robot_was_warned_that_its_case_closes() -> None:
    with office() as desk:
        desk.mail("robot@customer.example", subject="Disk full", headers={"Auto-Submitted": "auto-generated"})
        _answered(desk, "We look at it.")
        desk.wait(days=4)
        assert [
            mail["To"]
            for kind, to, mail in desk.sent
            if "robot@customer.example" in to and kind != "staff_answer"
        ] == []
        assert desk.case(1).status is Status.WAITING
        assert "auto_close_stopped" in desk.events(1)
