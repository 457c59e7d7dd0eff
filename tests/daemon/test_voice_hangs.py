"""A recogniser that hangs under the daemon: it is replaced, its recording heard, mail goes on meanwhile."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from tests.daemon.running import Running, running, send, write_site
from tests.daemon.test_serve import until
from tests.daemon.test_voice_served import children, deliver, models
from tests.daemon.voice import MODEL

LIMIT_S = 5  # the least that may be configured
MAIL = (
    b"From: Jo <jo@customer.example>\r\nTo: support@desk.example\r\nSubject: Printer\r\n"
    b"Message-ID: <hangs@customer.example>\r\n\r\nIt does not print.\r\n"
)


def recogniser(daemon: Running) -> int:
    """The process that hears, as soon as there is one."""
    parent = daemon.pids("transcriber")[-1]
    until(lambda: children(parent), 60)
    return children(parent)[0]


def test_a_recogniser_that_hangs_is_replaced_and_holds_up_no_mail(tmp_path: Path) -> None:
    config = write_site(tmp_path, more=f"[voicemail]\nmodel = {MODEL}\ntimeout_s = {LIMIT_S}\n")
    store = Store(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}")
    with running(config) as daemon:
        deliver(daemon, 1)
        until(lambda: models(store, 1) == [MODEL.name], 90)
        hanging = recogniser(daemon)
        os.kill(hanging, signal.SIGSTOP)
        deliver(daemon, 2)
        send(daemon.address(), "jo@customer.example", MAIL)
        until(lambda: len(Cases(store).listing()) == 3)
        assert "transcriber_died" not in daemon.text, "mail became a case while the recogniser hung"
        assert models(store, 2) == []
        daemon.until(lambda text: "transcriber_died message=2 attempt=1" in text, "time limit", 90)
        assert f"longer than {LIMIT_S} seconds" in daemon.text
        until(lambda: models(store, 2) == [MODEL.name], 90)
        assert recogniser(daemon) != hanging
        assert not Path(f"/proc/{hanging}").exists()
        assert daemon.stop() == 0
    store.close()
