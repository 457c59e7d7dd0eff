"""A Postfix of one's own in a folder: takes mail on loopback, hands it all to one next hop. Wants root."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.needs import need_program
from tests.servers.folders import open_folder
from tests.servers.ports import free_port, wait_for

MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file_prefixes = {folder}
maillog_file = {folder}/mail.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = front.desk.example
mydestination =
mynetworks = 127.0.0.0/8
relay_domains = {domain}
relay_transport = {next_hop}
default_transport = discard
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_tls_security_level = {tls}
in_flow_delay = 0s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
queue_run_delay = 2s
alias_maps =
alias_database =
"""
MASTER = """
127.0.0.1:{port} inet n - n - 100 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 2 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """port: where it takes mail."""

    folder: Path
    port: int

    def log(self) -> str:
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextmanager
def postfix(next_hop: str, *, domain: str = "desk.example", tls: str = "may") -> Iterator[Postfix]:
    """Run one in a folder of its own. next_hop: a transport: smtp:[127.0.0.1]:2525 or lmtp:unix:/path."""
    program = need_program("postfix", "postfix")
    with open_folder("postfix") as folder:
        yield from _running(program, folder, next_hop, domain, tls)


def _running(program: str, folder: Path, next_hop: str, domain: str, tls: str) -> Iterator[Postfix]:
    for part in ("etc", "spool", "data"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
    port = free_port()
    (folder / "etc/main.cf").write_text(MAIN.format(folder=folder, domain=domain, next_hop=next_hop, tls=tls))
    (folder / "etc/master.cf").write_text(MASTER.format(port=port))
    command = [program, "-c", str(folder / "etc")]
    subprocess.run([*command, "check"], check=True, capture_output=True)
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        wait_for(port)
        yield Postfix(folder, port)
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)
