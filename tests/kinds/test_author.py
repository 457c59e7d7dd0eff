"""Mail that bears our own address as its sender: through a group of ours, or by a form on a web site."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.site import ANN, SUPPORT, Office, office

KIM = "kim@customer.example"
GROUP = (
    "List-ID: <support.desk.example>\r\nPrecedence: list\r\n"
    "Mailing-list: list support@desk.example; contact support+owners@desk.example\r\n"
)
VIA = f"From: 'Kim Miller' via Support <{SUPPORT}>\r\n{GROUP}"
SHAPES = {
    "group with reply-to": f"{VIA}Reply-To: Kim Miller <{KIM}>\r\n",
    "group with the old from": f"{VIA}X-Original-From: Kim <{KIM}>\r\n",
    "group that answers to itself": f"{VIA}Reply-To: {SUPPORT}\r\nX-Original-Sender: {KIM}\r\n",
    "form": f"From: Web form <{SUPPORT}>\r\nReply-To: Kim Miller <{KIM}>\r\n",
}


@pytest.fixture
def desk() -> Iterator[Office]:
    with office(extra="trusted_authserv = mx.desk.example\nstaff_proof = token, login, dkim\n") as made:
        yield made


def put(desk: Office, fields: str, text: str = "It jams. Can you help?", **more: str) -> int | None:
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    head = f"{lines}{fields}To: {SUPPORT}\r\nSubject: Printer\r\nMessage-ID: <{len(desk.sent)}@x.example>\r\n"
    return desk.raw(f"{head}\r\n{text}\r\n".encode(), (SUPPORT,), "support+b1@desk.example").case


@pytest.mark.parametrize("shape", SHAPES)
def test_the_person_is_the_requester_and_is_acknowledged_and_answered(desk: Office, shape: str) -> None:
    assert put(desk, SHAPES[shape]) == 1
    case = desk.case(1)
    assert case.requester == KIM
    assert "via" not in case.requester_name
    assert len(desk.mails("acknowledgement", KIM)) == 1
    desk.mail(ANN, "Clean it.", answers=desk.mails("staff_notice", ANN)[0])
    assert len(desk.mails("staff_answer", KIM)) == 1
    [answer] = desk.mails("staff_answer", KIM)
    fields = SHAPES[shape] + f"In-Reply-To: {answer['Message-ID']}\r\n"
    assert put(desk, fields, "It still jams.") == 1


def test_a_robot_behind_a_group_is_still_our_loop(desk: Office) -> None:
    assert put(desk, SHAPES["form"], Auto_Submitted="auto-replied") is None
    assert desk.sent == []


@pytest.mark.parametrize(
    "reply_to", ["", f"Reply-To: {SUPPORT}\r\n", "Reply-To: a@b.example, c@d.example\r\n"]
)
def test_who_names_nobody_or_several_is_nobody(desk: Office, reply_to: str) -> None:
    put(desk, f"From: {SUPPORT}\r\n{reply_to}")
    assert not any(kind == "acknowledgement" for kind, _, _ in desk.sent)


def test_the_signature_of_our_form_makes_nobody_staff(desk: Office) -> None:
    put(desk, SHAPES["form"])
    told = "mx.desk.example; dkim=pass header.d=desk.example; dmarc=pass header.from=desk.example"
    fields = f"From: {SUPPORT}\r\nReply-To: {ANN}\r\n"
    put(desk, fields, "About case #1: send me everything.", Authentication_Results=told)
    assert desk.mails("staff_answer") == []
