"""What an SMTP or LMTP peer may take of us, and the gate that counts it.

Promises: every figure of a session is bounded; what the gate has admitted or reserved is given back once.
The gate lives in the event loop's thread and needs no lock. Fails never: it answers yes or no.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a listener. Sizes in bytes, times in seconds.

    command_s: from one command to the next (RFC 5321 section 4.5.3.2.7 says five minutes or more).
    min_rate_bytes_s: floor of DATA, looked at every rate_window_s; a stalled or trickling sender is cut.
    session_s: a whole connection. commit_s: how long a sender waits for the store before 451.
    """

    size_bytes: int = 50 << 20
    line_bytes: int = 1 << 20
    connections: int = 200
    connections_per_peer: int = 20
    recipients: int = 100
    messages: int = 1000
    errors: int = 10
    commands: int = 100
    received_fields: int = 100
    in_flight_bytes: int = 256 << 20
    command_s: float = 600.0
    rate_window_s: float = 120.0
    min_rate_bytes_s: float = 100.0
    session_s: float = 7200.0
    commit_s: float = 240.0

    def call_limits(self) -> dict[str, int]:
        """How often each command may come in one connection, for aiosmtpd's command_call_limit."""
        many = dict.fromkeys(("MAIL", "DATA", "RSET"), self.messages + 1)
        return {"*": self.commands, **many, "RCPT": self.messages * self.recipients + 1, "AUTH": 5}


def peer_key(address: str) -> str:
    """What counts as one peer: an IPv4 address, or the /64 that one IPv6 customer is given. "" is nobody."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return parsed.exploded[:19]
    return str(parsed)


class Gate:
    """Counts connections, per peer and overall, and message octets that are held and not yet committed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._peers: Counter[str] = Counter()
        self.connections = 0
        self.bytes = 0

    def enter(self, peer: str) -> bool:
        """Admit a connection; a peer without address (a Unix socket) counts only overall."""
        key = peer_key(peer)
        if self.connections >= self._limits.connections:
            return False
        if key and self._peers[key] >= self._limits.connections_per_peer:
            return False
        self.connections += 1
        self._peers[key] += 1
        return True

    def leave(self, peer: str) -> None:
        """Give back what enter took."""
        key = peer_key(peer)
        self.connections -= 1
        self._peers[key] -= 1
        if self._peers[key] <= 0:
            del self._peers[key]

    def room(self, size_bytes: int) -> bool:
        """Whether so many octets could be taken now. The first may always try."""
        return self.bytes == 0 or self.bytes + size_bytes <= self._limits.in_flight_bytes

    def hold(self, size_bytes: int) -> None:
        self.bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        self.bytes -= size_bytes


class Hold:
    """The octets of one message in the gate, released once, whoever does it."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._bytes = 0

    def more(self, size_bytes: int) -> bool:
        """Hold more; False where the gate is over its limit now."""
        self._bytes += size_bytes
        self._gate.hold(size_bytes)
        return self._gate.room(0)

    def release(self) -> None:
        self._gate.release(self._bytes)
        self._bytes = 0

    def hand_over(self) -> Callable[[], None]:
        """Give the duty to release to the returned function; release() does nothing from now on."""
        successor = Hold(self._gate)
        successor._bytes, self._bytes = self._bytes, 0
        return successor.release
