"""The daemon as it is served: mail through, SIGTERM, SIGHUP, activation, trouble with the store; all real."""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from mailbridge.store.outbox import Outbox
from tests.daemon.running import ROOT, RUN, capturing, running, send, start, write_site
from tests.daemon.site import mail
from tests.servers.ports import free_port, wait_for

CUSTOMER = "carla@customer.example"


def until(there: Callable[[], object], within_s: float = 30.0) -> None:
    """Wait until it is so."""
    ends = time.monotonic() + within_s
    while not there():
        assert time.monotonic() < ends, "it did not come about"
        threading.Event().wait(0.05)


def database(folder: Path) -> Store:
    return Store(f"sqlite:///{folder / 'state' / 'mailbridge.db'}")


def test_mail_in_acknowledgement_out_and_sigterm_ends_well(tmp_path: Path) -> None:
    with capturing() as relay:
        with running(write_site(tmp_path, relay=relay.port)) as daemon:
            send(daemon.address(), CUSTOMER, mail(1))
            until(lambda: len(relay.mails) == 2)
            assert daemon.stop() == 0
        assert sorted(to[0] for to, _ in relay.mails) == ["ann@desk.example", CUSTOMER]
        assert "info stopped clean=yes" in daemon.text
        for role in ("intake", "worker", "relay"):
            assert f"role_stopped role={role}" in daemon.text


def test_sigterm_lets_running_data_end(tmp_path: Path) -> None:
    with running(write_site(tmp_path)) as daemon:
        client = socket.create_connection(daemon.address(), 15)
        talk = client.makefile("rwb", buffering=0)

        def say(line: bytes, wanted: bytes) -> None:
            talk.write(line)
            reply = talk.readline()
            while reply[3:4] == b"-":
                reply = talk.readline()
            assert reply.startswith(wanted), reply

        say(b"", b"220")
        say(b"EHLO c.example\r\n", b"250")
        say(b"MAIL FROM:<carla@customer.example>\r\n", b"250")
        say(b"RCPT TO:<support@desk.example>\r\n", b"250")
        say(b"DATA\r\n", b"354")
        talk.write(mail(1)[:80])
        daemon.signal(signal.SIGTERM)
        daemon.until(lambda text: "info draining" in text, "drain")
        say(mail(1)[80:] + b".\r\n", b"250")
        assert daemon.process.wait(20) == 0
        store = database(tmp_path)
        with store.read() as connection:
            assert connection.exec_driver_sql("select count(*) from message").scalar() == 1
        store.close()


def test_sighup_takes_a_right_configuration_over_and_keeps_the_old_for_a_wrong_one(tmp_path: Path) -> None:
    config = write_site(tmp_path)
    with running(config) as daemon:
        first = daemon.address()
        right = config.read_text()
        config.write_text(right.replace("policy = mekorma", "policy = no-such-policy"))
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda text: "reload_refused" in text, "refusal")
        send(first, CUSTOMER, mail(1))
        other = free_port()
        config.write_text(right.replace("127.0.0.1:0", f"127.0.0.1:{other}"))
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda text: "info reloaded" in text, "reload")
        wait_for(other)
        send(("127.0.0.1", other), CUSTOMER, mail(2))
        with pytest.raises(OSError):
            socket.create_connection(first, 2)
        assert "no-such-policy" in next(line for line in daemon.text.splitlines() if "reload_refused" in line)


def test_sighup_renews_the_certificate_without_a_break(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme")
    pem = tmp_path / "mail.pem"

    def renew() -> None:
        cert = trustme.CA().issue_cert("mail.desk.example")
        cert.private_key_and_cert_chain_pem.write_to_path(pem)

    def serial(address: tuple[str, int]) -> bytes:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP(*address, timeout=15) as client:
            client.starttls(context=context)
            assert isinstance(client.sock, ssl.SSLSocket)
            return client.sock.getpeercert(binary_form=True) or b""

    renew()
    with running(write_site(tmp_path, smtp=f"cert = {pem}")) as daemon:
        address = daemon.address()
        old, intakes = serial(address), daemon.pids("intake")
        renew()
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda text: "certificate_reloaded" in text, "new certificate")
        assert serial(address) != old
        assert daemon.pids("intake") == intakes
        new = serial(address)
        pem.write_text("rubbish")
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda text: "reload_refused" in text, "refusal")
        assert serial(address) == new


def test_full_disk_puts_senders_off_and_room_lets_them_in(tmp_path: Path) -> None:
    config = write_site(tmp_path, store="reserve_mb = 1000000")
    if shutil.disk_usage(tmp_path).free > 1_000_000 << 20:
        pytest.skip("wants a disk with less than a tebibyte free")
    with running(config) as daemon:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send(daemon.address(), CUSTOMER, mail(1))
        assert refused.value.smtp_code == 452
        config.write_text(config.read_text().replace("1000000", "1"))
        daemon.signal(signal.SIGHUP)
        daemon.until(lambda text: "info reloaded" in text, "reload")
        until(lambda: daemon.text.count("role_started role=intake") == 2)
        send(daemon.address(), CUSTOMER, mail(1))
        store = database(tmp_path)
        until(lambda: len(Cases(store).listing()) == 1)
        store.close()


def test_roles_alone_work_on_what_others_took(tmp_path: Path) -> None:
    with capturing() as relay:
        config = write_site(tmp_path, relay=relay.port)
        with running(config, "--role", "smtp") as daemon:
            send(daemon.address(), CUSTOMER, mail(1))
            assert daemon.pids("worker") == []
        store = database(tmp_path)
        assert Cases(store).listing() == []
        (tmp_path / "daemon.log").unlink()
        with running(config, "--role", "worker,relay") as daemon:
            until(lambda: len(relay.mails) == 2)
            assert "listening" not in daemon.text
        assert Outbox(store).count("sent") == 2
        store.close()


def test_an_address_in_use_is_told_and_ends_with_69(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = "{}:{}".format(*taken.getsockname())
        daemon = start(write_site(tmp_path, listen=address))
        assert daemon.process.wait(40) == 69
        assert address in daemon.text
        assert "Traceback" not in daemon.text


def test_unknown_role_is_usage(tmp_path: Path) -> None:
    daemon = start(write_site(tmp_path), "--role", "smtp,postman")
    assert daemon.process.wait(30) == 64
    assert "postman" in daemon.text


def test_socket_activation_and_notify(tmp_path: Path) -> None:
    """As systemd does it: the bound socket is descriptor 3, readiness comes by a datagram."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.settimeout(40)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    config = write_site(tmp_path, listen="127.0.0.1:1")  # what it must not try to bind
    script = (
        "import os, sys\n"
        f"os.dup2({bound.fileno()}, 3, inheritable=True)\n"
        "os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), WATCHDOG_USEC='8000000')\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        f"{RUN.replace('run()', '')}\n"
        f"run(['-c', {str(config)!r}, 'serve', '--role', 'smtp,worker'])\n"
    )
    script = script.replace("import run; ", "import run")
    with (tmp_path / "daemon.log").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", script],
            pass_fds=[bound.fileno()],
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stderr=out,
        )
    try:
        seen = told.recv(4096).decode()
        while "READY=1" not in seen or "WATCHDOG=1" not in seen:
            seen += told.recv(4096).decode()
        send(bound.getsockname(), CUSTOMER, mail(1))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        while "STOPPING=1" not in seen:
            seen += told.recv(4096).decode()
    finally:
        process.kill()
        process.wait(10)
        told.close()
        bound.close()
