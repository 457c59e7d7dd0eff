"""The master is killed: what its processes had in hand is given back by the next one, at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

from aiosmtpd.controller import Controller

from mailbridge.store.engine import Store
from mailbridge.store.outbox import Outbox
from mailbridge.work.hand import Hand, Lease
from mailbridge.work.held import HeldFile, left_behind
from tests.daemon.running import Captured, send, start, write_site
from tests.daemon.site import mail
from tests.daemon.test_serve import until
from tests.servers.ports import free_port

CUSTOMER = "carla@customer.example"
DAEMON = """
import sys
from pathlib import Path
from mailbridge.work.hand import Hand, Lease
from mailbridge.work.held import HeldFile
file = HeldFile(Path(sys.argv[1]))
for number, role in enumerate(("worker", "relay")):
    hand = Hand(file.place(role, number))
    hand.hold([Lease(7, 1, 1), Lease(8 + number, 3, 2)])
    hand.begin(1)
print("held", flush=True)
sys.stdin.read()
"""


class Stuck(Captured):
    """A relay that never answers its first mail, and takes all others."""

    def __init__(self) -> None:
        super().__init__(free_port())
        self.taken = threading.Event()

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        if not self.taken.is_set():
            self.taken.set()
            await asyncio.Event().wait()
        return await super().handle_DATA(server, session, envelope)


def test_a_dead_daemon_leaves_what_it_held_and_a_living_one_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with left_behind(tmp_path) as left:
            assert left == ()
        other.kill()
        other.wait(10)
    with left_behind(tmp_path) as left:
        assert [(one.role, one.step) for one in left] == [
            ("worker", Lease(8, 3, 2)),
            ("relay", Lease(9, 3, 2)),
        ]
        assert left[0].held == (Lease(7, 1, 1), Lease(8, 3, 2))
    assert list(tmp_path.iterdir()) == []


def test_what_was_finished_is_not_left_behind(tmp_path: Path) -> None:
    file = HeldFile(tmp_path)
    hand = Hand(file.place("worker", 0))
    hand.hold([Lease(7, 1, 1)])
    hand.begin(0)
    hand.done()
    hand.empty()
    (path,) = tmp_path.iterdir()
    copy = tmp_path / "held-of-the-dead"
    copy.write_bytes(path.read_bytes())
    with left_behind(tmp_path) as left:
        assert left == ()
    file.close()
    assert list(tmp_path.iterdir()) == []


def test_a_broken_or_foreign_file_is_nothing_to_take_over(tmp_path: Path) -> None:
    (tmp_path / "held-short").write_bytes(b"worker")
    (tmp_path / "held-noise").write_bytes(b"\xff" * 3000)
    (tmp_path / "held-empty").touch()
    with left_behind(tmp_path) as left:
        assert [one.role for one in left] == []


def test_without_a_place_to_write_the_work_goes_on(tmp_path: Path) -> None:
    file = HeldFile(tmp_path / "not there")
    assert file.place("worker", 0) is None
    file.close()


def test_mail_in_the_hand_of_a_killed_daemon_goes_out_at_the_next_start(tmp_path: Path) -> None:
    relay = Stuck()
    server = Controller(relay, hostname="127.0.0.1", port=relay.port)
    server.start()
    config = write_site(tmp_path, relay=relay.port)
    config.write_text(config.read_text().replace("lease_s = 10\n", "lease_s = 3000\n"))
    store = Store(f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}")
    daemon = start(config)
    try:
        daemon.ready()
        send(daemon.address(), CUSTOMER, mail(1))
        assert relay.taken.wait(40)
        daemon.process.kill()
        daemon.process.wait(10)
        assert Outbox(store).count("sending") > 0
        daemon = start(config)
        daemon.ready()
        until(lambda: Outbox(store).count("sent") == 2, 90)
        assert "leases_taken_over role=relay" in daemon.text
        assert daemon.stop() == 0
        assert list((tmp_path / "state").glob("held-*")) == []
    finally:
        daemon.stop()
        server.stop()
        store.close()
