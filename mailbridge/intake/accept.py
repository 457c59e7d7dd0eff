"""Which recipients are ours. This is the whole of relay control: what is not on the list is refused.

Promises: pure, exact; a recipient is one of the configured addresses, one of them with a detail
("support+TOKEN@"), or postmaster (RFC 5321 section 4.5.1). No pattern, no percent hack, no source route can
make it anything else, so the server cannot be made to relay. Domains compare by their IDNA form, local parts
without case. Fails never: what cannot be read as an address is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_PATH_LIMIT = 1000  # RFC 5321 section 4.5.3.1.3 says 256; VERP senders are longer
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PATH = re.compile(rf"<(?:@[^:<>\"]*:)?((?:{_QUOTED}|[^<>\"\s])*)>\s*(.*)", re.DOTALL)
_BARE = re.compile(r"([^<>\"\s]+)(?:\s+(.*))?", re.DOTALL)
NULL_PATH = "<>"

NOT_OURS = "550 5.7.1 Relaying denied: this is not our domain"
UNKNOWN = "550 5.1.1 No such mailbox here"
MALFORMED = "553 5.1.3 Malformed address"


@dataclass(frozen=True, slots=True)
class Verdict:
    """ok, or the reply that refuses. address is the configured address that was meant, without detail."""

    ok: bool
    reply: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Accept:
    """The addresses that are ours; make it with `of`, which normalises."""

    addresses: frozenset[str]
    domains: frozenset[str]
    delimiter: str = "+"

    @classmethod
    def of(cls, addresses: Iterable[str], domains: Iterable[str] = (), delimiter: str = "+") -> Accept:
        """addresses as configured; domains beyond theirs, for which postmaster is taken too.

        Raises ValueError for an address that is not local@domain.
        """
        keys = []
        for address in addresses:
            local, domain = _split(address)
            if not local or not domain:
                raise ValueError(f"{address!r} is not an address of the form name@domain")
            keys.append(f"{local}@{domain}")
        own = {key.rpartition("@")[2] for key in keys} | {_domain_key(domain) for domain in domains}
        return cls(frozenset(keys), frozenset(own), delimiter)

    def verdict(self, recipient: str) -> Verdict:
        """Whether a recipient, as given in RCPT TO without <>, is ours."""
        local, domain = _split(recipient)
        if not local:
            return Verdict(False, MALFORMED)
        if local == "postmaster" and (not domain or domain in self.domains):
            return Verdict(True, address=recipient)
        if domain not in self.domains:
            return Verdict(False, NOT_OURS)
        base = local.partition(self.delimiter)[0] if self.delimiter else local
        for name in (local, base):
            if f"{name}@{domain}" in self.addresses:
                return Verdict(True, address=f"{name}@{domain}")
        return Verdict(False, UNKNOWN)


def split_path(text: str) -> tuple[str, str] | None:
    """The path at the start of a MAIL or RCPT argument, and what follows it; None where it is malformed.

    Source routes are cut off (RFC 5321 section 3.6.1). The null path comes back as "<>".
    """
    found = _PATH.fullmatch(text.strip()) or _BARE.fullmatch(text.strip())
    if found is None or len(found[1]) > _PATH_LIMIT or not _printable(found[1]):
        return None
    return found[1] or NULL_PATH, found[2] or ""


def _printable(text: str) -> bool:
    """No control characters, and no surrogates from octets that are not UTF-8."""
    return all(char >= " " and char != "\x7f" and not "\ud800" <= char <= "\udfff" for char in text)


def _split(address: str) -> tuple[str, str]:
    local, at, domain = address.strip().rpartition("@")
    if not at:
        local, domain = domain, ""
    if len(local) > 1 and local[0] == local[-1] == '"':
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    return local.lower(), _domain_key(domain)


def _domain_key(domain: str) -> str:
    """Lower-case A-label form; a domain that IDNA refuses (an underscore, a literal) compares as written."""
    plain = domain.strip().lower().rstrip(".")
    if plain.isascii():
        return plain
    try:
        return plain.encode("idna").decode("ascii")
    except UnicodeError:
        return plain
