"""The database goes away under the running daemon and comes back: senders wait, nothing needs a hand."""

from __future__ import annotations

import os
import pwd
import smtplib
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbridge.errors import StoreUnavailable
from mailbridge.store.cases import Cases
from mailbridge.store.engine import Store
from tests.daemon.running import capturing, running, send, write_site
from tests.daemon.site import mail
from tests.needs import need_postgresql
from tests.servers.ports import free_port
from tests.servers.postgresql import postgresql

CUSTOMER = "carla@customer.example"


@pytest.fixture
def server() -> Iterator[tuple[str, Path]]:
    """The URL of a database server of this test's own, and its folder."""
    with postgresql() as url:
        store = Store(url)
        with store.read() as connection:
            data = Path(str(connection.exec_driver_sql("SHOW data_directory").scalar()))
        store.close()
        yield url, data.parent


def control(folder: Path, *words: str) -> None:
    """pg_ctl, as the user that owns the data."""
    user = {}
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        user = {"user": account.pw_uid, "group": account.pw_gid}
    command = [
        need_postgresql() / "pg_ctl",
        "-w",
        "-D",
        str(folder / "data"),
        "-l",
        str(folder / "log"),
        *words,
    ]
    subprocess.run(
        command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user
    )


def sent_in_the_end(address: tuple[str, int], raw: bytes, within_s: float = 40.0) -> None:
    """As a mail server does it: again after each 4xx."""
    ends = time.monotonic() + within_s
    while True:
        try:
            send(address, CUSTOMER, raw)
        except smtplib.SMTPDataError as error:
            if not 400 <= error.smtp_code < 500 or time.monotonic() > ends:
                raise
            threading.Event().wait(0.3)
        else:
            return


def test_postgresql_restarts_under_the_daemon(tmp_path: Path, server: tuple[str, Path]) -> None:
    url, folder = server
    port = url.rpartition(":")[2].partition("/")[0]
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    with capturing() as relay:
        config = write_site(
            tmp_path, listen=f"127.0.0.1:{free_port()}", relay=relay.port, store=f"url = {url}"
        )
        with running(config) as daemon:
            address = daemon.address()
            sent_in_the_end(address, mail(1))
            control(folder, "-m", "immediate", "stop")
            with pytest.raises(smtplib.SMTPDataError) as refused:
                send(address, CUSTOMER, mail(2))
            assert refused.value.smtp_code == 451
            assert "connection" not in str(refused.value.smtp_error).lower()
            daemon.until(lambda text: "store_unavailable" in text, "trouble told")
            control(folder, "-o", options, "start")
            sent_in_the_end(address, mail(2))
            store = Store(url)
            ends = time.monotonic() + 60
            found = 0
            while (found < 2 or len(relay.mails) < 4) and time.monotonic() < ends:
                threading.Event().wait(0.2)
                try:
                    found = len(Cases(store).listing())
                except StoreUnavailable:
                    found = 0
            store.close()
            assert found == 2
            assert len(relay.mails) == 4
            assert daemon.stop() == 0
