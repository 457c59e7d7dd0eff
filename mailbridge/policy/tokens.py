"""Tokens that bind a message to a case: in our Message-IDs and reply addresses.

A token says the case number and the role and recipient that it was made for, and carries 80 bits of
HMAC-SHA256,
so that nobody makes one by guessing numbers. It is lower-case base32: some systems fold the case of local
parts. Staff authority needs a token made for that very staff address; a customer's token never gives it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

MAC_BYTES = 10
BODY_BYTES = 9  # role, case number (4), recipient hash (4)
_FIND = re.compile(r"(?<![a-z2-7])([a-z2-7]{31})(?![a-z2-7])")

STAFF = "s"
CUSTOMER = "c"


@dataclass(frozen=True, slots=True)
class Token:
    """A verified token. recipient is four bytes of a hash, compared by `made_for`."""

    number: int
    role: str
    recipient: bytes

    def made_for(self, address: str) -> bool:
        return hmac.compare_digest(self.recipient, _recipient_hash(address))


def _recipient_hash(address: str) -> bytes:
    return hashlib.sha256(address.strip().lower().encode()).digest()[:4]


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, b"mailbridge token 1" + body, "sha256")[:MAC_BYTES]


@lru_cache(maxsize=1024)
def sign(secret: bytes, number: int, role: str, recipient: str) -> str:
    """A token for case number, made for recipient in this role. number below 2**32."""
    body = role.encode() + number.to_bytes(4, "big") + _recipient_hash(recipient)
    return base64.b32encode(body + _mac(secret, body)).decode().rstrip("=").lower()


def verify(secrets: Sequence[bytes], text: str) -> Token | None:
    """The token if any of the secrets signed it (several while a secret is being changed), else None."""
    try:
        data = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None
    if len(data) != BODY_BYTES + MAC_BYTES:
        return None
    body, mac = data[:BODY_BYTES], data[BODY_BYTES:]
    if not any(hmac.compare_digest(mac, _mac(secret, body)) for secret in secrets):
        return None
    return Token(int.from_bytes(body[1:5], "big"), body[:1].decode("latin-1"), body[5:9])


def find(secrets: Sequence[bytes], texts: Iterable[str]) -> list[Token]:
    """All verified tokens in these Message-IDs and addresses, in order, each once."""
    found: list[Token] = []
    for text in texts:
        for match in _FIND.finditer(text.lower()):
            token = verify(secrets, match.group(1))
            if token is not None and token not in found:
                found.append(token)
    return found


def message_id(token: str, unique: str, domain: str) -> str:
    """A Message-ID that carries the token. unique: letters and digits, the same for the same notice."""
    return f"<{token}.{unique}@{domain}>"


def reply_address(address: str, token: str) -> str:
    """support@desk.example -> support+TOKEN@desk.example (RFC 5233 subaddress)."""
    local, _, domain = address.partition("@")
    return f"{local}+{token}@{domain}"
