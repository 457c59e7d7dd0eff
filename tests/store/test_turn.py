"""SQLite among several connections: who waits for its one write lock, who goes first, who empties its log."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mailbridge.errors import StoreUnavailable
from mailbridge.store.engine import CHECKPOINT_PAGES, LATE_CHECKPOINT_PAGES, Store
from mailbridge.store.turn import COURTESY_S, Turn, in_front, pause_s, somebody_in_front


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'mailbridge.db'}"


@pytest.fixture
def first(url: str) -> Iterator[Store]:
    store = Store(url)
    with store.write() as connection:
        connection.execute(text("CREATE TABLE said (word TEXT)"))
    yield store
    store.close()


def _say(store: Store, word: str) -> None:
    with store.write() as connection:
        connection.execute(text("INSERT INTO said VALUES (:word)"), {"word": word})


def _said(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(text("SELECT word FROM said ORDER BY rowid")).scalars())


def test_who_waits_looks_often_however_long_it_takes() -> None:
    """SQLite's own waiting sleeps up to 100 ms: mail would wait for a lock that is free."""
    assert max(pause_s(waited_s) for waited_s in (0.0, 0.3, 5.0, 3600.0)) <= 0.005
    assert pause_s(0.0) <= 0.001


class _Seen(Turn):
    """Says when it was refused the lock for the first time."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 30, urgent=False, courtesy_s=60)
        self.refused = threading.Semaphore(0)

    def _wait(self, connection: Connection) -> None:
        self.refused.release()
        super()._wait(connection)


def test_a_waiting_intake_comes_before_who_waited_longer(first: Store, url: str, tmp_path: Path) -> None:
    """Without precedence the lock goes to whoever looks at the right moment: to one of many workers."""
    behind, intake = Store(url), Store(url, urgent=True)
    seen = behind._turn = _Seen(tmp_path)
    for _ in range(3):
        workers = [threading.Thread(target=_say, args=(behind, "worker")) for _ in range(6)]
        mail = threading.Thread(target=_say, args=(intake, "mail"))
        with first.write() as connection:
            connection.execute(text("DELETE FROM said"))
            for worker in workers:
                worker.start()
            assert all(seen.refused.acquire(timeout=30) for _ in workers)
            mail.start()
            _until_somebody_waits_in_front(tmp_path)
        for thread in (*workers, mail):
            thread.join(30)
        assert _said(first) == ["mail", *["worker"] * 6]
    assert not somebody_in_front(tmp_path)
    behind.close()
    intake.close()


def _until_somebody_waits_in_front(folder: Path) -> None:
    ends_s = time.monotonic() + 30
    while not somebody_in_front(folder):
        assert time.monotonic() < ends_s, "the intake never said that it waits"
        threading.Event().wait(0.005)


def test_more_threads_than_a_pool_holds_write_at_once(first: Store) -> None:
    """Connections are kept, not given back: the sixteenth thread waited for the pool until it gave up."""
    assert first.path is not None
    ready = threading.Barrier(24)

    def work(number: int) -> None:
        with first.read():
            ready.wait(20)  # all of them have a connection now
        _say(first, str(number))

    with ThreadPoolExecutor(24) as pool:
        list(pool.map(work, range(24)))
    assert len(_said(first)) == 24


def test_courtesy_has_an_end(first: Store, tmp_path: Path) -> None:
    """A flood of mail, or an intake that is stopped while it waits, must not stop all other work."""
    with in_front(tmp_path):
        since_s = time.monotonic()
        _say(first, "worker")
        assert time.monotonic() - since_s >= COURTESY_S, "and it is shown until then"
    assert _said(first) == ["worker"]


def test_who_waits_in_front_and_is_killed_is_forgotten(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom mailbridge.store.turn import in_front\n"
        "with in_front(Path(sys.argv[1])):\n    print('waits', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"waits\n"
        assert somebody_in_front(tmp_path)
        other.kill()
        other.wait(30)
        assert not somebody_in_front(tmp_path)


def test_nobody_is_in_front_where_there_is_no_folder(tmp_path: Path) -> None:
    with in_front(tmp_path / "missing"):
        assert not somebody_in_front(tmp_path / "missing")


@pytest.mark.parametrize("urgent", [False, True])
def test_a_stranger_who_holds_the_lock_is_waited_for_no_longer_than_told(first: Store, urgent: bool) -> None:
    """Such as an admin's sqlite3 shell with an open transaction. Afterwards readers wait as SQLite does."""
    assert first.path is not None
    patient = Store(first.url, timeout_s=1, urgent=urgent)
    stranger = sqlite3.connect(first.path, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="cannot be used now"), patient.write():
        pass
    stranger.execute("ROLLBACK")
    _say(patient, "after")
    with patient.read() as connection:
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 1000
    stranger.close()
    patient.close()


def _grow(store: Store, pages: int) -> None:
    with store.write() as connection:
        for _ in range(pages):
            connection.execute(text("INSERT INTO said VALUES (:word)"), {"word": "x" * 4096})


def test_an_intake_leaves_the_log_to_others_but_not_for_ever(first: Store, url: str) -> None:
    """Carrying the log into the database takes longer than a commit: no sender shall wait for it."""
    assert first.path is not None
    intake = Store(url, urgent=True)
    before = first.path.stat().st_size
    _grow(intake, 2 * CHECKPOINT_PAGES)
    assert first.path.stat().st_size == before
    _grow(first, 1)
    worked = first.path.stat().st_size
    assert worked > before + 2 * CHECKPOINT_PAGES * 4096
    _grow(intake, LATE_CHECKPOINT_PAGES + 100)
    assert first.path.stat().st_size > worked, "where nobody else writes, the log has an end as well"
    intake.close()
