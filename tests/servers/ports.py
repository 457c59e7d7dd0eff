"""Free loopback ports, and waiting for a server to answer on one."""

from __future__ import annotations

import socket
import time


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, within_s: float = 20.0) -> None:
    """Return when something listens; TimeoutError when nothing does."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")
