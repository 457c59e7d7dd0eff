"""Where mail is listened for: sockets that the master binds once and keeps for its intake processes.

Promises: each address is bound once and told once (`listening address=...`); a change of the configuration
binds what is new and closes what is gone, and leaves the others alone, connections waiting on them too.
Fails by Unavailable naming the address; then nothing has changed.
"""

from __future__ import annotations

import grp
import os
import socket
import stat
from collections.abc import Iterable
from pathlib import Path

from mailbridge import log
from mailbridge.config import Config, Endpoint
from mailbridge.errors import Unavailable

BACKLOG = 200
Place = tuple[str, Endpoint]


class Places:
    """The bound sockets of one daemon, by way in ("smtp", "lmtp") and endpoint.

    given: sockets that the service manager bound; they stand for [smtp] listen, or for [lmtp] where they are
    Unix sockets.
    """

    def __init__(self, given: Iterable[socket.socket] = ()) -> None:
        self._bound: dict[Place, list[socket.socket]] = {}
        self._given: dict[str, list[socket.socket]] = {}
        for one in given:
            way = "lmtp" if one.family == socket.AF_UNIX else "smtp"
            self._given.setdefault(way, []).append(one)
            log.event("listening", way=way, address=shown(one), by="service manager")

    def use(self, config: Config, roles: frozenset[str]) -> dict[str, list[socket.socket]]:
        """The sockets for this configuration. Raises Unavailable."""
        wanted = self._wanted(config, roles)
        new = [place for place in wanted if place not in self._bound]
        made: dict[Place, list[socket.socket]] = {}
        try:
            for place in new:
                made[place] = list(_bind(config, *place))
        except Unavailable:
            for bound in made.values():
                _close(bound)
            raise
        for place, bound in made.items():
            for one in bound:
                log.event("listening", way=place[0], address=shown(one))
        for place in [place for place in self._bound if place not in wanted]:
            _close(self._bound.pop(place))
        self._bound |= made
        return self._by_way(roles)

    def close(self) -> None:
        """Close all of them."""
        for bound in (*self._bound.values(), *self._given.values()):
            _close(bound)
        self._bound, self._given = {}, {}

    def _wanted(self, config: Config, roles: frozenset[str]) -> list[Place]:
        sections = {"smtp": config.smtp, "lmtp": config.lmtp}
        return [
            (way, endpoint)
            for way, section in sections.items()
            if section is not None and way in roles and way not in self._given
            for endpoint in section.listen
        ]

    def _by_way(self, roles: frozenset[str]) -> dict[str, list[socket.socket]]:
        found = {way: list(given) for way, given in self._given.items() if way in roles}
        for (way, _), bound in self._bound.items():
            found.setdefault(way, []).extend(bound)
        return found


def shown(bound: socket.socket) -> str:
    """The address as people write it: host:port, or the path."""
    name = bound.getsockname()
    if isinstance(name, tuple):
        host = f"[{name[0]}]" if ":" in name[0] else name[0]
        return f"{host}:{name[1]}"
    return str(name)


def _bind(config: Config, way: str, endpoint: Endpoint) -> list[socket.socket]:
    try:
        if endpoint.path is not None:
            return [_bind_path(config, endpoint.path)]
        return _bind_port(endpoint)
    except (OSError, KeyError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unavailable(f"[{way}] listen: cannot listen on {endpoint}: {reason}") from error


def _bind_port(endpoint: Endpoint) -> list[socket.socket]:
    """One socket an address; "*" is every interface, IPv4 and IPv6."""
    host = None if endpoint.host in ("", "*") else endpoint.host.strip("[]")
    found = socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    bound: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            bound.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.listen(BACKLOG)
            one.setblocking(False)
    except OSError:
        _close(bound)
        raise
    return bound


def _bind_path(config: Config, path: Path) -> socket.socket:
    """A Unix socket with [lmtp] mode and group; a socket left behind by a dead daemon is replaced."""
    lmtp = config.lmtp
    assert lmtp is not None
    if path.exists() and not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(0, "a file that is no socket stands there")
    if path.exists() and _answers(path):
        raise OSError(0, "another process listens there")
    path.unlink(missing_ok=True)
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        one.bind(str(path))
        if lmtp.group:
            os.chown(path, -1, grp.getgrnam(lmtp.group).gr_gid)
        path.chmod(lmtp.mode)
        one.listen(BACKLOG)
        one.setblocking(False)
    except BaseException:
        one.close()
        raise
    return one


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _close(bound: Iterable[socket.socket]) -> None:
    for one in bound:
        name = one.getsockname() if one.fileno() >= 0 else ""
        one.close()
        if isinstance(name, str) and name:
            Path(name).unlink(missing_ok=True)
