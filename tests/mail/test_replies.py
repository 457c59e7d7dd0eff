"""The new text in the clients and languages of the tables beside this file, and mails that must stay whole.

"first" was written before the mending, "later" and "last" each after one and before the next: of their own
kind, unseen by the tables of words when they were written.
"""

from __future__ import annotations

import pytest

from tests.mail import replies

EVERY = [*replies.first(), *replies.later(), *replies.last()]


@pytest.mark.parametrize("reply", EVERY, ids=[reply.name for reply in EVERY])
def test_new_text(reply: replies.Reply) -> None:
    got, wanted = reply.got()
    assert got == wanted


def test_there_are_enough_of_each_kind() -> None:
    kept = [reply for reply in EVERY if reply.wanted is None or "keep" in reply.name]
    assert len(kept) >= 60
    assert len(EVERY) - len(kept) >= 200
