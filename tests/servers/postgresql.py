"""A PostgreSQL of one's own in a folder, on loopback, with its default durability."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.needs import need_postgresql
from tests.servers.folders import open_folder
from tests.servers.ports import free_port


@contextmanager
def postgresql() -> Iterator[str]:
    """Run one in a folder of its own; yields an SQLAlchemy URL of its empty database postgres."""
    programs = need_postgresql()
    with open_folder("postgresql") as folder:
        yield from _running(programs, folder)


def _running(programs: Path, folder: Path) -> Iterator[str]:
    port = free_port()
    user = {}
    if os.getuid() == 0:  # it refuses to run as root
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid}
    data, options = str(folder / "data"), f"-p {port} -c listen_addresses=127.0.0.1"
    init = ["initdb", "-D", data, "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8"]
    start = ["pg_ctl", "-w", "-D", data, "-l", str(folder / "log")]
    start += ["-o", f"{options} -c unix_socket_directories={folder}", "start"]
    for command in (init, start):
        _run(programs, command, folder, user)
    try:
        yield f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    finally:
        _run(programs, ["pg_ctl", "-w", "-D", data, "-m", "fast", "stop"], folder, user)


def _run(programs: Path, command: list[str], folder: Path, user: dict[str, int]) -> None:
    # Files, not pipes, for the output: pg_ctl's child keeps them open and a pipe would never end.
    with (folder / "commands.log").open("ab") as out:
        subprocess.run(
            [programs / command[0], *command[1:]], check=True, cwd=folder, stdout=out, stderr=out, **user
        )
