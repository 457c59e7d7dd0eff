"""SIGHUP and SIGTERM under load: an orderly reload or restart loses nothing and does nothing twice.

As test_kill, but gently: with nobody killed in the middle there is no excuse for a mail that goes out twice.
MAILBRIDGE_CHAOS_ROUNDS sets the number of restarts too, a fiftieth of it.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.chaos.test_kill import ROUNDS, Senders, _verify
from tests.daemon.running import capturing, start, write_site
from tests.servers.ports import free_port

RESTARTS = max(1, ROUNDS // 50)
RELOADS = 1  # in the life of each


def _reloads(wanted: int) -> Callable[[str], bool]:
    return lambda text: text.count("info reloaded") >= wanted


def _ready(wanted: int) -> Callable[[str], bool]:
    return lambda text: text.count("info ready") >= wanted


def _more(senders: list[Senders], wanted: int) -> Callable[[str], bool]:
    return lambda _: sum(len(sender.acknowledged) for sender in senders) >= wanted


def test_reload_and_restart_under_load(tmp_path: Path) -> None:
    port = free_port()
    with capturing() as relay:
        config = write_site(tmp_path, listen=f"127.0.0.1:{port}", relay=relay.port)
        daemon = start(config)
        senders = [Senders(port, letter) for letter in "ab"]
        try:
            daemon.ready()
            for sender in senders:
                sender.start()
            for turn in range(RESTARTS):
                for reload in range(RELOADS):
                    wanted = turn * RELOADS + reload + 1
                    daemon.signal(signal.SIGHUP)
                    daemon.until(_reloads(wanted), "reload")
                got = sum(len(sender.acknowledged) for sender in senders)
                daemon.until(_more(senders, got + 5), "more mail")
                assert daemon.stop() == 0
                assert "stopped clean=yes" in daemon.text
                assert "role_died" not in daemon.text
                daemon = start(config)
                # the log goes on: of several, the new one; a program that only starts is ended by SIGHUP
                daemon.until(_ready(turn + 2), "ready")
            _verify(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}", senders, relay, Counter(), daemon)
        finally:
            for sender in senders:
                sender.ended = True
                sender.go_on.set()
            daemon.stop()
