"""IMAP against a real Dovecot: everything taken once, in bounded pieces, whatever breaks in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from imapclient.exceptions import LoginError

from mailbridge.clock import SystemClock
from mailbridge.errors import StoreUnavailable
from mailbridge.intake.imap import ImapIntake, connect
from mailbridge.intake.imap_config import Mailbox
from tests.intake.fakes import MemoryStore
from tests.servers.dovecot import Dovecot
from tests.servers.dovecot import dovecot as run_dovecot


def mailbox(server: Dovecot, **more: object) -> Mailbox:
    basis = Mailbox(
        "support", "127.0.0.1", server.user, "support@desk.example", server.port, "none", server.password
    )
    return replace(basis, **more)  # type: ignore[arg-type]


def raw(number: int, size_bytes: int = 0) -> bytes:
    return f"Subject: {number}\r\n\r\n".encode() + b"0123456789abcdef" * (size_bytes // 16) + b"\r\n"


def test_everything_once_and_then_what_is_new(dovecot: Dovecot) -> None:
    store = MemoryStore()
    for number in range(5):
        dovecot.put(f"{number}", raw(number))
    intake = ImapIntake(mailbox(dovecot, batch_messages=2), store)
    assert intake.look_once() == 5
    assert intake.look_once() == 0
    dovecot.put("5", raw(5))
    assert intake.look_once() == 1
    assert [data for _, data in store.items] == [raw(number) for number in range(6)]
    envelope = store.items[0][0]
    assert (envelope.way, envelope.mail_from, envelope.rcpt_to) == ("imap", None, ("support@desk.example",))
    polled_at = store.cursors["support"].polled_at
    assert polled_at is not None
    client = connect(mailbox(dovecot))
    client.select_folder("INBOX", readonly=True)
    assert len(client.search(["KEYWORD", "$Mailbridge"])) == 6
    assert client.search(["SEEN"]) == []
    client.logout()


@pytest.mark.parametrize("after", ["move", "delete", "leave"])
def test_what_becomes_of_them(dovecot: Dovecot, after: str) -> None:
    for number in range(3):
        dovecot.put(f"{number}", raw(number))
    assert ImapIntake(mailbox(dovecot, after=after, batch_messages=2), MemoryStore()).look_once() == 3
    assert len(dovecot.files()) == (3 if after == "leave" else 0)
    assert len(dovecot.files(".Processed")) == (3 if after == "move" else 0)


def test_a_big_one_comes_in_pieces_and_a_too_big_one_is_cut_and_stays(dovecot: Dovecot) -> None:
    dovecot.put("1", raw(1, 100_000))
    dovecot.put("2", raw(2, 300_000))
    store = MemoryStore()
    config = mailbox(dovecot, piece_bytes=30_000, size_limit_bytes=200_000, after="delete")
    assert ImapIntake(config, store).look_once() == 2
    by_size = sorted(store.items, key=lambda item: len(item[1]))
    assert by_size[0][1] == raw(1, 100_000)
    assert by_size[1][1] == raw(2, 300_000)[:200_000]
    assert by_size[1][0].source.endswith(":cut")
    assert len(dovecot.files()) == 1


def test_a_store_error_leaves_the_cursor_and_the_mailbox(dovecot: Dovecot) -> None:
    store = MemoryStore()
    intake = ImapIntake(mailbox(dovecot, after="move"), store)
    intake.look_once()
    before = store.cursors["support"].last_uid
    dovecot.put("1", raw(1))
    store.fail = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        intake.look_once()
    assert store.cursors["support"].last_uid == before
    assert len(dovecot.files()) == 1
    store.fail = None
    assert intake.look_once() == 1
    assert len(dovecot.files()) == 0


def test_a_crash_between_store_and_move_is_made_good(dovecot: Dovecot) -> None:
    dovecot.put("1", raw(1))
    store = MemoryStore()
    intake = ImapIntake(mailbox(dovecot, after="move"), store)
    intake.look_once()
    dovecot.put("2", raw(2))
    done = store.cursors["support#done"]
    ImapIntake(mailbox(dovecot, after="leave"), store).look_once()  # stored, not moved
    assert store.cursors["support#done"] == done
    assert intake.look_once() == 0
    assert len(dovecot.files(".Processed")) == 2
    assert len(store.items) == 2


def test_changed_uidvalidity_rescans_without_answers_to_the_old(dovecot: Dovecot) -> None:
    long_ago = (datetime.now(UTC) - timedelta(days=3)).timestamp()
    dovecot.put("1", raw(1), at=long_ago)
    dovecot.put("2", raw(2))
    store = MemoryStore()
    intake = ImapIntake(mailbox(dovecot), store)
    assert intake.look_once() == 2
    assert {data[9:10]: envelope.answer for envelope, data in store.items} == {b"1": False, b"2": True}
    store.cursors["support"] = replace(store.cursors["support"], uidvalidity=1)
    dovecot.put("3", raw(3), at=long_ago)
    assert intake.look_once() == 3
    assert [envelope.answer for envelope, data in store.items if data == raw(3)] == [False]
    dovecot.put("4", raw(4), at=long_ago)  # came while we were away for days: a customer waits
    assert intake.look_once() == 1
    assert store.items[-1][0].answer is True
    assert len(store.items) == 4


def test_first_new_takes_only_what_comes(dovecot: Dovecot) -> None:
    dovecot.put("1", raw(1))
    store = MemoryStore()
    intake = ImapIntake(mailbox(dovecot, first="new", after="move"), store)
    assert intake.look_once() == 0
    dovecot.put("2", raw(2))
    assert intake.look_once() == 1
    assert len(dovecot.files()) == 1


def test_idle_wakes_the_thread_and_stop_ends_it(dovecot: Dovecot) -> None:
    store = MemoryStore()
    with running(ImapIntake(mailbox(dovecot, poll_s=600), store)):
        until(lambda: polled(store))
        dovecot.put("1", raw(1))
        until(lambda: len(store.items) == 1)


def test_a_dead_connection_is_noticed_and_made_anew() -> None:
    store = MemoryStore()
    with ExitStack() as ends:
        with run_dovecot() as server:
            intake = ImapIntake(mailbox(server, poll_s=600, backoff_most_s=0.05), store)
            thread = ends.enter_context(running(intake))
            until(lambda: polled(store))
        until(lambda: intake.trouble != "")
        assert thread.is_alive()


def test_a_wrong_password_is_told_and_waits_long(dovecot: Dovecot) -> None:
    intake = ImapIntake(mailbox(dovecot, password="wrong"), MemoryStore())
    with pytest.raises(LoginError) as refused:
        intake.look_once()
    assert 30 <= intake._note(refused.value) <= 60
    assert [intake._note(OSError("x")) <= limit for limit in (2, 4, 8)] == [True] * 3


@pytest.mark.parametrize("tls", ["tls", "starttls"])
def test_tls_is_verified(tmp_path: Path, tls: str) -> None:
    authority = trustme.CA()
    pem, ca = tmp_path / "both.pem", tmp_path / "ca.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(ca))
    with run_dovecot(pem) as server:
        port = server.tls_port if tls == "tls" else server.port
        config = mailbox(server, host="localhost", port=port, tls=tls)
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            ImapIntake(config, MemoryStore()).look_once()
        assert ImapIntake(replace(config, ca_file=ca), MemoryStore()).look_once() == 0


def test_starttls_is_not_given_up_silently(dovecot: Dovecot) -> None:
    with pytest.raises(Exception, match=r"STARTTLS|CAPABILITY|capab"):
        ImapIntake(mailbox(dovecot, tls="starttls"), MemoryStore()).look_once()


def test_no_password_in_clear_over_the_network() -> None:
    with pytest.raises(ValueError, match="in clear"):
        Mailbox("x", "imap.desk.example", "u", "a@b.example", tls="none")


@pytest.mark.slow
def test_first_run_of_ten_thousand(dovecot: Dovecot) -> None:
    for number in range(10_000):
        dovecot.put(f"{number:05}", raw(number))
    store = MemoryStore()
    began = SystemClock().now()
    assert ImapIntake(mailbox(dovecot), store).look_once() == 10_000
    assert len({data for _, data in store.items}) == 10_000
    assert max(store.batches) <= 100
    print("10,000 messages:", SystemClock().now() - began)


@contextmanager
def running(intake: ImapIntake) -> Iterator[threading.Thread]:
    """In a thread of its own, which is ended whatever happens."""
    thread = threading.Thread(target=intake.run, daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        intake.stop()
        thread.join(10)
    assert not thread.is_alive()


def polled(store: MemoryStore) -> bool:
    cursor = store.cursors.get("support")
    return cursor is not None and cursor.polled_at is not None


def until(true: Callable[[], bool], within_s: float = 15.0) -> None:
    """Return as soon as it is true."""
    ends = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < ends, "did not happen"
        threading.Event().wait(0.01)
