"""The bytes behind a link, for a mail that is believed: one https request that can reach nothing of ours.

Promises: https on its usual port alone, with a certificate that fits the name; the name is resolved once,
each of its addresses must be a public one, and the connection goes to one of these very addresses, so that a
name which changes its mind leads nowhere else; a redirection is a link like the first, and asked the same. No
cookies, no credentials, no proxy. Size and total time are bounded, whatever the server says of itself.
Fails with LinkRefused where another try is useless and LinkFailed where it is not, each in words that go on
from "the recording was not fetched: ".
"""

from __future__ import annotations

import http
import http.client
import ipaddress
import mimetypes
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urljoin, urlsplit

from mailbridge.errors import Permanent, Temporary

TOTAL_S = 30.0
MOST_REDIRECTS = 3
_PORT = 443
_READ = 1 << 16
_LONGEST_URL = 2000
_REDIRECTS = (301, 302, 303, 307, 308)
_LATER = (408, 425, 429)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class LinkRefused(Permanent):
    """The link leads where we do not go, or to nothing that we take."""


class LinkFailed(Temporary):
    """Its server could not be reached, or had a bad moment."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a link led to. url is that of the last redirection."""

    url: str
    filename: str
    content_type: str
    data: bytes = field(repr=False)


def resolve(host: str) -> list[str]:
    """The addresses of a host name, as the system resolves it."""
    found = socket.getaddrinfo(host, _PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """Whether an address is one of the internet at large, and hides no other one in itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:  # what a network without IPv4 makes of an IPv4 address
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip.scope_id or ip.ipv4_mapped or ip.sixtofour or ip.teredo or ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


class Fetcher:
    """Fetches for one listener. trust, resolver, allowed and port are other ones in tests alone."""

    def __init__(
        self,
        max_bytes: int,
        *,
        trust: ssl.SSLContext | None = None,
        resolver: Callable[[str], list[str]] = resolve,
        allowed: Callable[[str], bool] = is_public,
        port: int = _PORT,
        total_s: float = TOTAL_S,
    ) -> None:
        self._max_bytes = max_bytes
        self._trust = trust
        self._resolver = resolver
        self._allowed = allowed
        self._port = port
        self._total_s = total_s

    def fetch(self, url: str) -> Found:
        """What the link leads to. Raises LinkRefused, LinkFailed."""
        with _limit(self._total_s) as limit:
            for _ in range(MOST_REDIRECTS + 1):
                answer = self._get(_read_url(url), limit)
                if isinstance(answer, Found):
                    return answer
                url = answer
        raise LinkRefused(f"its server redirects more than {MOST_REDIRECTS} times")

    def _get(self, target: _Target, limit: _Limit) -> Found | str:
        """The bytes, or where the server says they are."""
        try:
            with closing(self._connect(target.host, limit)) as line:
                connection = http.client.HTTPConnection(target.host, _PORT)
                connection.sock = line
                connection.request("GET", target.path, headers={**_HEADERS, "Host": target.named})
                with connection.getresponse() as answer:
                    found = self._take(answer, target)
        except (OSError, http.client.HTTPException, ValueError) as error:
            limit.check()
            raise LinkFailed(f"the line to {target.host} broke ({_words(error)})") from error
        limit.check()  # a line that we cut ourselves may look like a proper end
        return found

    def _take(self, answer: http.client.HTTPResponse, target: _Target) -> Found | str:
        place = answer.headers.get("Location", "")
        if answer.status in _REDIRECTS and place:
            return urljoin(target.url, place)
        if answer.status >= 500 or answer.status in _LATER:
            raise LinkFailed(f"its server answered {_status(answer.status)}")
        if answer.status != 200:
            raise LinkRefused(f"its server answered {_status(answer.status)}")
        kind = answer.headers.get_content_type()
        return Found(target.url, _filename(target.url, kind), kind, self._body(answer))

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        """All of it, read piece by piece: a length that is told may be a lie."""
        told = answer.length
        pieces, size = [], 0
        too_large = LinkRefused(f"it is larger than {self._max_bytes >> 20} MiB (max_mb of [voicemail])")
        if told is not None and told > self._max_bytes:
            raise too_large
        while piece := answer.read(_READ):
            pieces.append(piece)
            size += len(piece)
            if size > self._max_bytes:
                raise too_large
        if told is not None and size < told:
            raise LinkFailed("its server broke off in the middle")
        return b"".join(pieces)

    # --- the line ------------------------------------------------------------------------------------------

    def _connect(self, host: str, limit: _Limit) -> ssl.SSLSocket:
        """A line with TLS to an address of this host that is public: the very address that was looked at."""
        addresses = self._addresses(host)
        for place, address in enumerate(addresses, start=1):
            try:
                plain = socket.create_connection((address, self._port), timeout=limit.left_s())
                break
            except OSError as error:
                limit.check()
                if place == len(addresses):
                    raise LinkFailed(f"{host} cannot be reached ({_words(error)})") from error
        with ExitStack() as stack:
            stack.enter_context(plain)
            line = self._context().wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
            stack.enter_context(line)
            limit.holds(line)
            try:
                line.do_handshake()
            except ssl.SSLCertVerificationError as error:
                words = f"the certificate of {host} is not right ({error.verify_message})"
                raise LinkRefused(words) from error
            stack.pop_all()
        return line

    def _addresses(self, host: str) -> list[str]:
        try:
            found = self._resolver(host)
        except (OSError, UnicodeError) as error:
            raise LinkFailed(f"the name {host} cannot be resolved ({_words(error)})") from error
        for address in found:
            if not self._allowed(address):
                raise LinkRefused(f"{host} has the address {address}, which is not a public one")
        if not found:
            raise LinkFailed(f"the name {host} has no address")
        return found

    def _context(self) -> ssl.SSLContext:
        """Made at the first link: a listener that meets none reads no certificates."""
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust


_HEADERS = {
    "User-Agent": "mailbridge",
    "Accept": "audio/*, */*;q=0.5",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


# --- the total time -----------------------------------------------------------------------------------------


class _Limit:
    """A moment at which the line is cut: timeouts of sockets are for each read, and a server that sends a
    byte now and then never meets them."""

    def __init__(self, total_s: float) -> None:
        self._total_s = total_s
        self._ends_s = time.monotonic() + total_s
        self._line: socket.socket | None = None
        self._lock = threading.Lock()
        self._over = False

    def left_s(self) -> float:
        self.check()
        return max(0.01, self._ends_s - time.monotonic())

    def holds(self, line: socket.socket) -> None:
        """This is the line to cut."""
        with self._lock:
            self._line = line
        self.check()
        line.settimeout(self.left_s())

    def check(self) -> None:
        """Raises LinkFailed where the time is over."""
        if self._over or time.monotonic() >= self._ends_s:
            raise LinkFailed(f"its server took longer than {self._total_s:g} seconds")

    def cut(self) -> None:
        with self._lock:
            self._over = True
            if self._line is not None:
                with suppress(OSError):  # it was closed meanwhile
                    # not the shutdown of ssl, which would take the state away from the thread that reads
                    socket.socket.shutdown(self._line, socket.SHUT_RDWR)


@contextmanager
def _limit(total_s: float) -> Iterator[_Limit]:
    limit = _Limit(total_s)
    bell = threading.Timer(total_s, limit.cut)
    bell.daemon = True
    bell.start()
    try:
        yield limit
    finally:
        bell.cancel()


# --- addresses of links -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    """Where to ask: the host for DNS and TLS, the host as the request names it, and the path."""

    url: str
    host: str
    named: str
    path: str


def _read_url(url: str) -> _Target:
    """Raises LinkRefused for what is no plain https address."""
    if len(url) > _LONGEST_URL or re.search(r"[\x00-\x20\x7f\\]", url):
        raise LinkRefused("its address is no proper one")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        name = host if ":" in host else host.encode("idna").decode("ascii").lower()
        path = (_ascii(parts.path) or "/") + (f"?{_ascii(parts.query)}" if parts.query else "")
    except (ValueError, UnicodeError):
        raise LinkRefused("its address is no proper one") from None
    if parts.scheme.lower() != "https":
        raise LinkRefused("its address does not begin with https")
    if "@" in parts.netloc:
        raise LinkRefused("its address holds a name or a password")
    if port not in (None, _PORT):
        raise LinkRefused(f"its address names the port {port}; only that of https ({_PORT}) is used")
    if not _HOST.fullmatch(name) and not _is_ip(name):
        raise LinkRefused("its address names no proper host")
    name = name.rstrip(".")
    named = f"[{name}]" if ":" in name else name
    return _Target(url, name, named, path)


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _ascii(text: str) -> str:
    return quote(text, safe="/%:=&?+,;@!$'()*~-._[]|")


def _filename(url: str, kind: str) -> str:
    """A name for the file: that of the address, with the ending of its type where it has none."""
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    name = re.sub(r"[^\w.-]+", "_", last).strip("._")[-80:] or "recording"
    return name if "." in name else name + (mimetypes.guess_extension(kind) or "")


def _status(code: int) -> str:
    """In our own words: a server's could be anything."""
    known = next((one.phrase for one in http.HTTPStatus if one.value == code), "")
    return f"{code} {known}".strip()


def _words(error: BaseException) -> str:
    text = str(getattr(error, "strerror", "") or getattr(error, "reason", "") or error)
    return " ".join(text.split())[:200] or type(error).__name__
