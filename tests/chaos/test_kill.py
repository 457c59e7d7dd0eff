"""kill -9 of any role at any moment, under load: nothing acknowledged is lost, nothing is done twice.

Real SMTP in, a capturing relay behind, the daemon as it is served, master and all. A sender behaves like a
mail server: what was not answered 250 is sent again, the same bytes. MAILBRIDGE_CHAOS_ROUNDS sets the number
of kills (5 here, 200 in CI; an eighth of it on PostgreSQL), MAILBRIDGE_CHAOS_SEED repeats a run. What a
killed master's processes had in hand is given back by the next one (many kills of it must show that in the
log); only a process that fell between its claim and its note of it leaves a lease that has to run out.
"""

from __future__ import annotations

import os
import random
import signal
import smtplib
import threading
import time
from collections import Counter
from email.parser import BytesHeaderParser
from pathlib import Path

from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from mailbridge.store.figures import figures
from tests.daemon.running import Captured, Running, capturing, start, write_site
from tests.servers.ports import free_port
from tests.servers.postgresql import postgresql

ROUNDS = int(os.environ.get("MAILBRIDGE_CHAOS_ROUNDS", "5"))
SEED = int(os.environ.get("MAILBRIDGE_CHAOS_SEED", "0")) or int(time.time())
ROLES = ("intake", "worker", "relay", "worker", "relay", "intake", "master")
QUIET_S = 60.0
LEASE_S = 25
ENOUGH = 15  # kills of the master, of which one at least must have met somebody at work


class Senders(threading.Thread):
    """Mail of ever new customers, one after the other; each is sent until it is answered 250."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.letter = name
        self.acknowledged: list[str] = []
        self.go_on = threading.Event()
        self.refused: list[Exception] = []
        self.ended = False
        self.go_on.set()

    def run(self) -> None:
        while not self.ended:
            self.go_on.wait()
            number = f"{self.letter}{len(self.acknowledged)}"
            sender = f"{number}@customer.example"
            raw = (
                f"From: {sender}\r\nTo: support@desk.example\r\nSubject: Trouble {number}\r\n"
                f"Message-ID: <{number}@customer.example>\r\n\r\nIt is {number} that fails.\r\n"
            ).encode()
            while not self._sent(sender, raw):
                if self.ended:
                    return
                threading.Event().wait(0.1)
            self.acknowledged.append(number)
            threading.Event().wait(0.05)

    def _sent(self, sender: str, raw: bytes) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10) as client:
                client.sendmail(sender, ["support@desk.example"], raw)
        except (OSError, smtplib.SMTPException) as error:
            if getattr(error, "smtp_code", 451) >= 500:
                self.refused.append(error)
            return False
        return True


def test_kill_any_role_at_any_moment(tmp_path: Path) -> None:
    _chaos(tmp_path, f"sqlite:///{tmp_path / 'state' / 'mailbridge.db'}", ROUNDS)


def test_kill_any_role_at_any_moment_on_postgresql(tmp_path: Path) -> None:
    with postgresql() as url:
        _chaos(tmp_path, url, max(3, ROUNDS // 8))


def _chaos(folder: Path, url: str, rounds: int) -> None:
    print(f"MAILBRIDGE_CHAOS_SEED={SEED} rounds={rounds}")
    dice = random.Random(SEED)
    port = free_port()
    with capturing() as relay:
        config = write_site(folder, listen=f"127.0.0.1:{port}", relay=relay.port, store=f"url = {url}")
        config.write_text(config.read_text().replace("lease_s = 10\n", f"lease_s = {LEASE_S}\n"))
        daemon = start(config)
        senders = [Senders(port, letter) for letter in "ab"]
        kills: Counter[str] = Counter()
        try:
            daemon.ready()
            for sender in senders:
                sender.start()
            for number in range(1, rounds + 1):
                threading.Event().wait(dice.uniform(0.3, 1.7))
                role = dice.choice(ROLES)
                kills[role] += 1
                daemon = _kill(daemon, role)
                if number % 50 == 0 or number == rounds:
                    _verify(url, senders, relay, kills, daemon)
        finally:
            for sender in senders:
                sender.ended = True
                sender.go_on.set()
            daemon.stop()
    assert kills["master"] < ENOUGH or "leases_taken_over" in daemon.text
    print(f"kills={dict(kills)} messages={sum(len(sender.acknowledged) for sender in senders)}")


def _kill(daemon: Running, role: str) -> Running:
    """kill -9 of one of our own children, or of the daemon that we started, which is then started again."""
    if role == "master":
        daemon.process.kill()
        daemon.process.wait(10)
        return start(daemon.config)
    pid = next(iter(reversed(daemon.pids(role))), 0)
    if _is_child(pid, daemon.process.pid):  # else it fell in the round before and is being started again
        os.kill(pid, signal.SIGKILL)
    return daemon


def _is_child(pid: int, parent: int) -> bool:
    """Whether the process is alive and the daemon's own: a number may belong to a stranger by now."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[1]) == parent


def _verify(url: str, senders: list[Senders], relay: Captured, kills: Counter[str], daemon: Running) -> None:
    """Let it come to rest, then count."""
    for sender in senders:
        sender.go_on.clear()
    store = Store(url)
    try:
        _rest(store, daemon)
        numbers = [number for sender in senders for number in sender.acknowledged]
        assert len(numbers) >= len(senders)
        assert [error for sender in senders for error in sender.refused] == []
        _one_case_each(store, numbers)
        _one_acknowledgement_each(relay, numbers, kills)
    finally:
        store.close()
    for sender in senders:
        sender.go_on.set()


def _rest(store: Store, daemon: Running) -> None:
    """Until nothing is received and undecided, and nothing waits or is being sent, twice in a row."""
    ends, quiet = time.monotonic() + QUIET_S, 0
    while quiet < 5:
        known = figures(store)
        busy = known.messages.get("received", 0) + known.outbox.get("waiting", 0)
        quiet = 0 if busy + known.outbox.get("sending", 0) else quiet + 1
        assert daemon.process.poll() is None, daemon.text[-3000:]
        assert time.monotonic() < ends, f"{known}\n{daemon.text[-5000:]}"
        threading.Event().wait(0.2)
    assert not known.messages.get("quarantined")
    assert not known.outbox.get("dead")


def _one_case_each(store: Store, numbers: list[str]) -> None:
    cases = Cases(store)
    found = Counter(case.requester.partition("@")[0] for case in cases.listing())
    assert [number for number in numbers if not found[number]] == []
    assert [number for number, count in found.items() if count > 1] == []
    for case in cases.listing():
        incoming = [row for row in cases.entries(case.id) if row["direction"] == "in"]
        assert len(incoming) == 1, case.requester


def _one_acknowledgement_each(relay: Captured, numbers: list[str], kills: Counter[str]) -> None:
    """The same mail again only where its sender was killed with it in the air: one mail for each kill."""
    sendings: Counter[str] = Counter()
    ids: dict[str, set[str]] = {}
    for recipients, raw in list(relay.mails):
        head = BytesHeaderParser().parsebytes(raw)
        sendings[str(head["Message-ID"])] += 1
        ids.setdefault(f"{recipients[0]} {head['Subject']}", set()).add(str(head["Message-ID"]))
    answered = {key.partition("@")[0] for key in ids}
    assert [number for number in numbers if number not in answered] == []
    acknowledged = {key: found for key, found in ids.items() if "@customer.example" in key}
    assert [key for key, found in acknowledged.items() if len(found) > 1] == []
    again = sum(count - 1 for count in sendings.values())
    assert again <= kills["relay"] + kills["master"], {key: n for key, n in sendings.items() if n > 1}
