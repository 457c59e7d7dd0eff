"""SMTP and LMTP of a real daemon, byte for byte, as a mail server speaks them: one daemon for all dialogs."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blackbox.judge import Site

PATIENCE_S = 60.0


class Peer:
    """A client: what it says, and the last line of each answer."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_S)
        self._connection = connection
        self._answers = connection.makefile("rb")
        self.greeting = self.hear()

    def hear(self) -> str:
        while line := self._answers.readline():
            if line[3:4] != b"-":
                return line.decode().rstrip()
        return ""

    def say(self, *lines: bytes) -> list[str]:
        """The answers to these lines, one each."""
        return [self._one(line) for line in lines]

    def _one(self, line: bytes) -> str:
        try:
            self._connection.sendall(line + b"\r\n")
            return self.hear()
        except OSError:
            return ""  # sent away

    def codes(self, *lines: bytes) -> list[str]:
        """Of each answer the code and the enhanced code."""
        return [" ".join(answer.split(" ")[:2]) for answer in self.say(*lines)]

    def close(self) -> None:
        self._connection.close()


class Daemon:
    """`mailbridge serve` with SMTP and LMTP."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.path = folder / "lmtp"
        more = f"[smtp]\nlisten = 127.0.0.1:{self.port}\nmax_size_mb = 1\nmax_recipients = 3\n"
        self.site = Site(folder, more=f"{more}[lmtp]\nlisten = unix:{self.path}\n[worker]\nprocesses = 1\n")
        words = [sys.executable, "-m", "mailbridge", "-c", str(self.site.config), "serve"]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if b"ready" in line:
                return
        raise AssertionError("the daemon ended before it was ready")

    def smtp(self) -> Peer:
        return Peer(socket.create_connection(("127.0.0.1", self.port), PATIENCE_S))

    def lmtp(self) -> Peer:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(self.path))
        return Peer(connection)


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    running = Daemon(tmp_path_factory.mktemp("daemon"))
    with running.process:
        yield running
        with contextlib.suppress(ProcessLookupError):
            running.process.kill()


MAIL = (b"MAIL FROM:<jo@customer.example>", b"RCPT TO:<support@desk.example>", b"DATA")
STORED = ["250 2.1.0", "250 2.1.5", "354 End"]


def test_only_our_mailboxes_are_taken_and_a_stored_mail_is_250(daemon: Daemon) -> None:
    peer = daemon.smtp()
    assert peer.greeting.startswith("220 ")
    assert peer.codes(
        b"EHLO customer.example", b"MAIL FROM:<jo@customer.example>", b"RCPT TO:<nobody@desk.example>",
        b"RCPT TO:<x@elsewhere.example>", b"DATA", b"RCPT TO:<SUPPORT@Desk.Example>", b"RCPT TO:<postmaster>",
        b"RCPT TO:<support+token@desk.example>", b"RCPT TO:<supportescalation@desk.example>", b"DATA",
        b"Subject: By SMTP\r\nFrom: jo@customer.example\r\n\r\n..dot\r\n.", b"QUIT",
    )[1:] == [
        "250 2.1.0", "550 5.1.1", "550 5.7.1", "503 5.5.1", "250 2.1.5", "250 2.1.5", "250 2.1.5",
        "452 4.5.3", "354 End", "250 2.0.0", "221 2.0.0",
    ]  # fmt: skip


def test_too_big_is_552_and_the_dialog_goes_on(daemon: Daemon) -> None:
    peer = daemon.smtp()
    assert peer.codes(b"EHLO x", b"MAIL FROM:<a@b.example> SIZE=2000000")[1] == "552 5.3.4"
    big = b"Subject: big\r\n\r\n" + (b"x" * 76 + b"\r\n") * 15_000 + b"."
    assert peer.codes(*MAIL, big) == [*STORED, "552 5.3.4"]
    assert peer.codes(*MAIL, b"Subject: small\r\n\r\n.") == [*STORED, "250 2.0.0"]


def test_a_dot_between_bare_line_feeds_ends_no_mail(daemon: Daemon) -> None:
    peer = daemon.smtp()
    smuggled = b"Subject: smuggled\r\n\r\nx\n.\nMAIL FROM:<evil@x.example>\r\n."
    assert peer.codes(b"HELO x", *MAIL, smuggled, b"NOOP")[-2:] == ["250 2.0.0", "250 2.0.0"]


def test_what_is_said_all_at_once_is_answered_in_order(daemon: Daemon) -> None:
    peer = daemon.smtp()
    peer.say(b"EHLO x")
    peer.say(b"\r\n".join((*MAIL, b"Subject: piped\r\n\r\n.", b"QUIT")))
    assert [peer.hear()[:3] for _ in range(4)] == ["250", "354", "250", "221"]


def test_rubbish_is_refused_until_the_peer_is_sent_away(daemon: Daemon) -> None:
    peer = daemon.smtp()
    answers = peer.say(b"\x00\xff", b"A" * 3000, b"MAIL FROM:<>", *[b"X"] * 12)
    assert [answer[:3] for answer in answers[:3]] == ["500", "500", "503"]
    assert answers[-1] == ""
    assert not any("Traceback" in answer or ("Error:" in answer and ".py" in answer) for answer in answers)


def test_lmtp_answers_for_each_recipient(daemon: Daemon) -> None:
    peer = daemon.lmtp()
    assert peer.codes(b"EHLO x")[0].startswith("500")
    more = (b"RCPT TO:<supportescalation@desk.example>", b"RCPT TO:<no@desk.example>")
    assert peer.codes(b"LHLO x", *MAIL[:2], *more)[1:] == ["250 2.1.0", "250 2.1.5", "250 2.1.5", "550 5.1.1"]
    mail = b"Subject: By LMTP\r\nFrom: kim@customer.example\r\n\r\nx\r\n."
    assert peer.codes(b"DATA", mail) == ["354 End", "250 2.0.0"]
    assert peer.hear().startswith("250 2.0.0")


def test_a_peer_that_vanishes_leaves_nothing_and_at_the_end_all_that_was_stored_is_there(
    daemon: Daemon,
) -> None:
    peer = daemon.smtp()
    peer.say(b"EHLO x", *MAIL)
    peer.close()
    waiting = daemon.smtp()
    waiting.say(b"EHLO x")
    daemon.process.send_signal(signal.SIGTERM)
    assert waiting.hear()[:9] in ("", "421 4.3.2")
    assert daemon.process.wait(PATIENCE_S) == 0
    stored = daemon.site.run("status", "--json").json()["inbox"]
    assert sum(stored.values()) == 5
