"""Where the master listens: bound once, changed without touching the others, told in one line each."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from mailbridge import log
from mailbridge.errors import Unavailable
from mailbridge.work.notify import activated, notify, watchdog_s
from mailbridge.work.places import Places, shown
from tests.daemon.site import configured

BOTH = frozenset({"smtp", "lmtp"})


def test_a_change_binds_what_is_new_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    places = Places()
    lmtp = f"[lmtp]\nlisten = unix:{tmp_path}/lmtp\nmode = 0600\n"
    with log.capture() as lines:
        first = places.use(configured(tmp_path, "[smtp]\nlisten = 127.0.0.1:0\n" + lmtp), BOTH)
        kept = first["smtp"][0]
        again = places.use(configured(tmp_path, "[smtp]\nlisten = 127.0.0.1:0\n"), BOTH)
    try:
        assert again == {"smtp": [kept]}
        assert not (tmp_path / "lmtp").exists()
        told = [line.fields["address"] for line in lines if line.event == "listening"]
        assert told == [shown(kept), f"{tmp_path}/lmtp"]
        socket.create_connection(kept.getsockname(), 5).close()
    finally:
        places.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", int(told[0].rpartition(":")[2])), 2)


def test_an_address_that_is_taken_changes_nothing(tmp_path: Path) -> None:
    places = Places()
    free = configured(tmp_path, "[smtp]\nlisten = 127.0.0.1:0\n")
    bound = places.use(free, BOTH)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wrong = f"[smtp]\nlisten = 127.0.0.1:0, 127.0.0.1:{taken.getsockname()[1]}\n"
        with pytest.raises(Unavailable, match="cannot listen on"):
            places.use(configured(tmp_path, wrong), BOTH)
    assert places.use(free, BOTH) == bound
    places.close()


def test_a_socket_left_behind_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))  # never listens: what kill -9 leaves
    config = configured(tmp_path, f"[lmtp]\nlisten = unix:{path}\nmode = 0600\n")
    places = Places()
    places.use(config, BOTH)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(Unavailable, match="another process listens there"):
        Places().use(config, BOTH)
    places.close()
    path.write_text("precious")
    with pytest.raises(Unavailable, match="no socket"):
        Places().use(config, BOTH)
    assert path.read_text() == "precious"


def test_without_a_service_manager_nothing_is_told_or_taken() -> None:
    assert not notify("READY=1", environ={})
    assert not notify("READY=1", environ={"NOTIFY_SOCKET": "/nowhere/at/all"})
    assert watchdog_s({}) is None
    assert watchdog_s({"WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1"}) is None
    assert activated({"LISTEN_FDS": "1", "LISTEN_PID": "1"}) == []
