"""What our own server found of the sender's identity: Authentication-Results (RFC 8601), and only its own.

Trusted is the topmost field whose authserv-id the site lists, as long as it stands above the first Received
field that a foreign server wrote; everything below came with the message and may be forged (RFC 8601 section
5 and 7.1). Microsoft 365 writes the field without an authserv-id: the site lists "" for that, and then only
the very topmost field counts. spf=pass alone proves nothing of the From: aligned_domain is what may be
believed (RFC 7489 section 3.1). Pure; never raises; says "none" where nothing can be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mailbridge.model.message import ParsedMessage

_RESULT = re.compile(r"^\s*(spf|dkim|dmarc|arc|auth)\s*(?:/\s*\d+\s*)?=\s*([A-Za-z]+)", re.I)
_PROPERTY = re.compile(r"\b(header|smtp|policy)\.([a-z-]+)\s*=\s*(\"[^\"]*\"|[^\s;]+)", re.I)
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_PASSES = frozenset(("pass",))


@dataclass(frozen=True, slots=True)
class Authentic:
    """Verdicts in RFC 8601 words ("pass", "fail", "none", ...). aligned_domain is the From domain where
    DMARC passes, or DKIM or SPF passes for the same organisation; "" where the From is not proven. source is
    the authserv-id, or why there is none. signers are the domains whose DKIM signature passed, whosever they
    are; none where DMARC fails."""

    spf: str = "none"
    dkim: str = "none"
    dmarc: str = "none"
    aligned_domain: str = ""
    source: str = ""
    signers: tuple[str, ...] = ()

    @property
    def proven(self) -> bool:
        """Whether the domain of the From address is the sender's own."""
        return bool(self.aligned_domain)


def read_authentic(message: ParsedMessage, trusted: tuple[str, ...]) -> Authentic:
    """Verdicts of the site's own server. trusted: authserv-ids, lower case; empty trusts nobody."""
    if not trusted:
        return Authentic(source="no authserv-id is configured")
    for position, value in enumerate(_above_the_border(message, trusted)):
        server, results = _split(value)
        if server in trusted and (server or position == 0):
            return _judge(message, server or "(topmost)", results)
    return Authentic(source="no result of a trusted server")


def _above_the_border(message: ParsedMessage, trusted: tuple[str, ...]) -> Iterator[str]:
    """Authentication-Results fields before the first Received field that is not our servers'."""
    hops = iter(message.hops)
    for name, value in message.headers.fields:
        low = name.lower()
        if low == "authentication-results":
            yield value
        elif low == "received":
            hop = next(hops, None)
            if hop is None or not _ours(hop.by, trusted):
                return


def _ours(host: str, trusted: tuple[str, ...]) -> bool:
    """A Received field without a host name, or of a private address, is an inner hop of the server above
    it."""
    if not host or re.match(
        r"^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|localhost$|fe80:|f[cd][0-9a-f]{2}:|2002:a)",
        host,
    ):
        return True
    domains = {_organisation(one) for one in trusted if one}
    microsoft = "" in trusted and host.endswith((".outlook.com", ".office365.com", ".microsoft.com"))
    return _organisation(host) in domains or microsoft


def _split(value: str) -> tuple[str, list[str]]:
    """(authserv-id, results). Comments are taken out first: they may hold anything, semicolons too."""
    first, *rest = _pieces(value[:20_000])
    if _RESULT.match(first):
        return "", [first, *rest]
    return (first.split() or [""])[0].strip("\"'").lower(), rest


def _pieces(value: str) -> list[str]:
    """What stands between the semicolons, without comments; a quoted string is one word whatever it holds.

    A sender chooses the local part that our server repeats, quoted or in a comment: "x; dkim=pass"@his.one
    must not end one result and begin another. Where a comment or quote never ends, or a quote stands in a
    comment, so that it may be read in two ways, only the authserv-id is left.
    """
    pieces, depth, quoted = [""], 0, False
    characters = iter(value)
    for char in characters:
        escaped = char == "\\" and (quoted or depth)
        text = char + next(characters, "") if escaped else char
        if char == '"':
            if depth:
                return pieces[:1]
            quoted = not quoted
        if quoted or escaped:
            pieces[-1] += "" if depth else text
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
            pieces[-1] += " "
        elif depth:
            continue
        elif char == ";":
            pieces.append("")
        else:
            pieces[-1] += text
    return pieces[:1] if quoted or depth else pieces


def _judge(message: ParsedMessage, server: str, results: list[str]) -> Authentic:
    author = message.author.domain if len(message.from_) == 1 else ""
    verdicts = {"spf": "none", "dkim": "none", "dmarc": "none"}
    aligned, signers = False, []
    for result in results[:50]:
        hit = _RESULT.match(result)
        if hit is None or hit[1].lower() not in verdicts:
            continue
        method, verdict = hit[1].lower(), hit[2].lower()
        if verdicts[method] not in _PASSES:
            verdicts[method] = verdict
        if method == "dkim" and verdict in _PASSES:
            signers += _signer(result)
        if verdict in _PASSES and author:
            aligned = aligned or _aligned(method, dict(_properties(result)), author)
    if verdicts["dmarc"] in ("fail", "permerror"):
        aligned, signers = False, []
    proven = author if aligned else ""
    known = tuple(dict.fromkeys(signers))
    return Authentic(verdicts["spf"], verdicts["dkim"], verdicts["dmarc"], proven, server, known)


def _signer(result: str) -> list[str]:
    """The domain that signed: d=, or that of i= where a server writes no other; none where it is said
    twice."""
    said = list(_properties(result))
    for name in ("header.d", "header.i"):
        domains = [value for key, value in said if key == name]
        if domains:
            return domains if len(domains) == 1 and _DOMAIN.fullmatch(domains[0]) else []
    return []


def _properties(result: str) -> Iterator[tuple[str, str]]:
    for kind, name, value in _PROPERTY.findall(result):
        yield f"{kind}.{name}".lower(), value.strip("\"'<>").rpartition("@")[2].lower()


def signed_for(signers: tuple[str, ...], domain: str) -> bool:
    """Whether one of those who signed is the domain itself, or one above it of the same organisation."""
    top = _organisation(domain)
    return any(
        (domain == one or domain.endswith(f".{one}")) and (one == top or one.endswith(f".{top}"))
        for one in signers
    )


def _aligned(method: str, properties: dict[str, str], author: str) -> bool:
    """Whether a pass speaks for the From domain. A DMARC pass does, but for the domain it names."""
    if method == "dmarc":
        named = properties.get("header.from", author)
        return _organisation(named) == _organisation(author)
    keys = (
        ("header.d", "header.i") if method == "dkim" else ("smtp.mailfrom", "smtp.mail", "smtp.envelope-from")
    )
    return any(_organisation(properties[key]) == _organisation(author) for key in keys if properties.get(key))


def _organisation(domain: str) -> str:
    """The registered domain, near enough: three labels under a short second level (co.uk), else two.

    Without the public suffix list a shared suffix (github.io) counts as one organisation: sites that give
    staff authority to such an address name it exactly.
    """
    labels = domain.strip(".").lower().split(".")
    keep = 3 if len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3 else 2
    return ".".join(labels[-keep:])
