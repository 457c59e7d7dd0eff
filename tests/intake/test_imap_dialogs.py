"""IMAP against a server that does at an exact moment what real ones do now and then, and that can little."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from imapclient.exceptions import LoginError

from mailbridge.intake.imap import ImapIntake
from mailbridge.intake.imap_config import Mailbox
from tests.intake.fakes import MemoryStore
from tests.intake.test_imap import raw, running, until
from tests.servers.small_imap import SmallImap, small_imap

IDLE = "IMAP4rev1 IDLE"


def mailbox(imap: SmallImap, **more: object) -> Mailbox:
    basis = Mailbox("support", "127.0.0.1", "support", "support@desk.example", imap.port, "none", "geheim")
    return replace(basis, poll_s=600, idle_renew_s=600, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("moment", ["SELECT", "UID_SEARCH", "UID_FETCH", "UID_STORE"])
def test_mail_that_comes_while_looking_does_not_wait_for_the_next_poll(moment: str) -> None:
    """EXISTS is told once, with the answer to whatever command is running."""
    imap = SmallImap(IDLE, {1: raw(1)})
    imap.at[moment] = lambda: imap.put(raw(2))
    store = MemoryStore()
    with small_imap(imap), running(ImapIntake(mailbox(imap, after="delete"), store)):
        until(lambda: len(store.items) == 2)


def test_news_glued_to_the_continuation_of_idle_is_heard() -> None:
    """One segment holds "+ idling" and EXISTS: the second line lies in a buffer, out of poll's sight."""
    imap = SmallImap(IDLE, {1: raw(1)})
    store = MemoryStore()
    imap.at["IDLE+"] = lambda: imap.put(raw(2))
    with small_imap(imap), running(ImapIntake(mailbox(imap), store)):
        until(lambda: len(store.items) == 2)


def test_without_move_and_uidplus_it_is_copied_and_marked() -> None:
    """A plain EXPUNGE would delete other people's mail too."""
    imap = SmallImap("IMAP4rev1", {1: raw(1), 2: raw(2)})
    store = MemoryStore()
    with small_imap(imap):
        assert ImapIntake(mailbox(imap, after="move"), store).look_once() == 2
        assert ImapIntake(mailbox(imap, after="move"), store).look_once() == 0
    assert imap.folders == {"Processed": [raw(1), raw(2)]}
    assert imap.deleted == {1, 2}
    assert sorted(imap.messages) == [1, 2]
    assert "EXPUNGE" not in imap.commands


def test_uidplus_removes_these_alone() -> None:
    imap = SmallImap("IMAP4rev1 UIDPLUS", {1: raw(1), 2: raw(2)})
    with small_imap(imap):
        assert ImapIntake(mailbox(imap, after="delete"), MemoryStore()).look_once() == 2
    assert imap.messages == {}


def test_xoauth2_says_user_and_token() -> None:
    said = b"user=support\x01auth=Bearer t0ken\x01\x01"
    imap = SmallImap("IMAP4rev1 AUTH=XOAUTH2", {1: raw(1)}, token=base64.b64encode(said).decode())
    with small_imap(imap):
        assert ImapIntake(mailbox(imap, token=lambda: "t0ken"), MemoryStore()).look_once() == 1


def test_xoauth2_refused_is_a_login_error_that_does_not_tell_the_token() -> None:
    imap = SmallImap("IMAP4rev1 AUTH=XOAUTH2", token="other")
    with small_imap(imap), pytest.raises(LoginError) as refused:
        ImapIntake(mailbox(imap, token=lambda: "t0ken"), MemoryStore()).look_once()
    assert "t0ken" not in str(refused.value)
    assert "LOGIN" not in imap.commands
