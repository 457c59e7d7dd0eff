"""A Dovecot of one's own in a folder: one user, a Maildir, loopback only. Wants root, as Debian's does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.needs import need_program
from tests.servers.folders import open_folder
from tests.servers.ports import free_port, wait_for

NOBODY = 65534
CONF = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail
mail_fsync = never
first_valid_uid = 100
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  client_limit = 300
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/passwd
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/home
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """user "support", password "geheim". tls_port is 0 without a certificate."""

    folder: Path
    port: int
    tls_port: int
    user: str = "support"
    password: str = "geheim"

    def put(self, name: str, raw: bytes, at: float | None = None, folder: str = "") -> None:
        """Deliver a file into the Maildir; at becomes the INTERNALDATE."""
        base = self.folder / "mail" / folder
        for part in ("cur", "new", "tmp"):
            (base / part).mkdir(parents=True, exist_ok=True)
        path = base / "new" / name
        (base / "tmp" / name).write_bytes(raw)
        os.chown(base / "tmp" / name, NOBODY, NOBODY)
        if at is not None:
            os.utime(base / "tmp" / name, (at, at))
        (base / "tmp" / name).rename(path)
        for one in (self.folder / "mail", base, *(base / part for part in ("cur", "new", "tmp"))):
            os.chown(one, NOBODY, NOBODY)

    def files(self, folder: str = "") -> list[str]:
        """Names of what lies in the Maildir."""
        base = self.folder / "mail" / folder
        return sorted(path.name for part in ("cur", "new") for path in (base / part).glob("*"))


@contextmanager
def dovecot(certificate_file: Path | None = None) -> Iterator[Dovecot]:
    """Run one in a folder of its own until the block ends."""
    program = need_program("dovecot", "dovecot-imapd")
    with open_folder("dovecot") as folder:
        yield from _running(program, folder, certificate_file)


def _running(program: str, folder: Path, certificate_file: Path | None) -> Iterator[Dovecot]:
    for part in ("run", "home", "mail"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        os.chown(folder / part, *((NOBODY, NOBODY) if part != "run" else (0, 0)))
    (folder / "passwd").write_text("support:geheim\n")
    port, tls_port = free_port(), free_port() if certificate_file else 0
    pem = f"ssl_cert = <{certificate_file}\nssl_key = <{certificate_file}" if certificate_file else ""
    text = CONF.format(
        folder=folder, port=port, tls_port=tls_port, ssl="yes" if pem else "no", certificate=pem
    )
    (folder / "dovecot.conf").write_text(text)
    server = subprocess.Popen([program, "-F", "-c", str(folder / "dovecot.conf")])
    try:
        wait_for(port)
        yield Dovecot(folder, port, tls_port)
    finally:
        server.terminate()
        server.wait(20)
