"""A served worker that is killed at a message gives its row back at once, not when the lease runs out."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from tests.daemon.running import running, send, write_site
from tests.daemon.site import mail
from tests.daemon.test_serve import until


def test_a_killed_worker_delays_mail_by_less_than_a_lease(tmp_path: Path) -> None:
    config = write_site(tmp_path)
    config.write_text(config.read_text().replace("lease_s = 10\n", "lease_s = 3000\n"))
    with running(config) as daemon:
        address, store = daemon.address(), Store(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}")
        began = time.monotonic()
        for number in range(30):
            send(address, f"c{number}@customer.example", mail(number, f"c{number}@customer.example"))
            if number in (5, 15):
                before = len(daemon.pids("worker"))
                os.kill(daemon.pids("worker")[-1], signal.SIGKILL)
                daemon.until(lambda _text, n=before: len(daemon.pids("worker")) > n, "new worker")
        until(lambda: len(Cases(store).listing()) == 30, 90)
        assert time.monotonic() - began < 120
        store.close()
