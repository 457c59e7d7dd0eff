"""What admins are told of: found in all three tables, told once whoever looks."""

from __future__ import annotations

from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.jobs import Jobs
from mailbridge.store.outbox import Outbox
from mailbridge.store.trouble import AdminMail, Told, look, remember, tell
from tests.store.make import MINUTE, NOW, envelope, raw


def test_two_nodes_tell_once(store: Store) -> None:
    (stored,) = Inbox(store).put_batch([(envelope(), raw())])
    (held,) = Jobs(store).claim(["process"], NOW, 60)
    assert look(store) == ([], Told())
    assert Inbox(store).quarantine(stored.message_id, "Traceback\nKeyError: x", NOW, held)
    for turn in range(2):
        found, old = look(store)
        assert [(one.id, one.reason) for one in found] == [(f"in-{stored.message_id}", "KeyError: x")]
        ids = [one.id for one in found]
        mails = [AdminMail(("root@desk.example",), "s", f"<{turn}{n}@x.example>", b"x") for n in "ab"]
        assert [tell(store, old, ids, mail, NOW + turn * MINUTE) for mail in mails] == [True, False]
    assert Outbox(store).count("waiting") == 2
    assert look(store)[1].at == NOW + MINUTE


def test_a_dead_mail_to_admins_is_no_trouble(store: Store) -> None:
    mail = AdminMail(("root@desk.example",), "s", "<1@x.example>", b"x")
    assert tell(store, Told(), [], mail, NOW)
    (held,) = Outbox(store).claim(NOW, 60)
    assert Outbox(store).dead(held, "550 5.1.1 nobody")
    assert look(store)[0] == []


def test_what_was_mended_is_forgotten(store: Store) -> None:
    assert remember(store, Told(), NOW, ["in-1", "out-7"])
    _, old = look(store)
    assert old.ids == {"in-1", "out-7"}
    assert remember(store, old, old.at, ["out-7"])
    assert not remember(store, old, old.at, [])
    assert look(store)[1].ids == {"out-7"}
