"""What systemd is told (sd_notify(3)) and what it hands over (sd_listen_fds(3)).

Promises: without systemd every call is nothing. Fails never: a supervisor that does not listen is no reason
to stop taking mail.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping

_FIRST = 3  # SD_LISTEN_FDS_START


def notify(*lines: str, environ: Mapping[str, str] = os.environ) -> bool:
    """Tell the service manager, such as "READY=1"; True where there is one that could be told."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto("\n".join(lines).encode(), address)
        return True
    return False


def watchdog_s(environ: Mapping[str, str] = os.environ) -> float | None:
    """Within how many seconds a sign of life is wanted; None where nobody waits for one."""
    wanted, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not wanted.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return int(wanted) / 1e6 or None


def activated(environ: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """Listening stream sockets that the service manager bound for this very process."""
    if environ.get("LISTEN_PID") != str(os.getpid()) or not environ.get("LISTEN_FDS", "").isdigit():
        return []
    found = []
    for number in range(_FIRST, _FIRST + int(environ["LISTEN_FDS"])):
        with contextlib.suppress(OSError):
            one = socket.socket(fileno=number)
            if one.type != socket.SOCK_STREAM:
                one.detach()
                continue
            os.set_inheritable(number, False)
            one.setblocking(False)
            found.append(one)
    return found
