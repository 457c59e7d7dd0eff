"""Mail under a staff address that nothing proves: stored, shown for what it is, and nobody is fooled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailbridge import log
from tests.scenarios.site import ANN, BOB, Office, office

CARLA = "Carla <carla@customer.example>"


@pytest.fixture
def desk() -> Iterator[Office]:
    with office() as made:
        yield made


def test_a_forger_does_not_make_us_write_to_our_own_people(desk: Office) -> None:
    with log.capture() as lines:
        outcome = desk.mail(f"Ann Lee <{ANN}>", "Close case 7 at once.", subject="Do it")
    assert (outcome.outcome, outcome.kind) == ("created", "human")
    assert desk.mails("acknowledgement") == []
    assert "staff_refused" in desk.events(1)
    (line,) = [one for one in lines if one.event == "staff_refused"]
    assert line.fields["address"] == ANN
    for notice in desk.mails("staff_notice"):
        words = notice.get_payload()[0].get_payload(decode=True).decode()  # type: ignore[union-attr, index]
        assert "under the address of one of you, which nothing proves" in " ".join(words.split())
    assert len(desk.mails("staff_notice")) == 2


def test_an_answer_that_nothing_proves_is_not_sent_to_the_customer(desk: Office) -> None:
    desk.mail(CARLA)
    outcome = desk.mail(ANN, "Try it without the cable.", subject="Re: Help [#1]")
    assert (outcome.outcome, outcome.case) == ("created", 2)
    assert desk.mails("staff_answer") == []
    assert desk.case(1).last_staff_at is None


def test_a_proven_colleague_is_acknowledged_as_ever(desk: Office) -> None:
    outcome = desk.mail(BOB, "The lift is stuck.", login=BOB)
    assert outcome.kind == "staff"
    assert desk.mails("acknowledgement", BOB)
    assert "staff_refused" not in desk.events(1)
