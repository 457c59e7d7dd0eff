"""Address fields and Message-IDs of real mail.

Addresses are split on the raw value, names decoded afterwards: a comma or an @ inside an encoded word must
not become a second mailbox. mail-parser's structural reader is asked first (it recovers broken quoting and
refuses to promote an address out of a display name), the standard library second.
Message-IDs keep their angle brackets; broken forms that mailers write are read, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import getaddresses

from mailparser.utils import get_addresses

from mailbridge.mail.limits import DEFAULTS, Limits
from mailbridge.mail.words import decode_words, header_text, one_line, raw_text
from mailbridge.model.message import Address

_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"\\@]+(?:\.[^\s<>()\[\],;:\"\\@]*)*@[^\s<>()\[\],;:\"\\@]+", re.I)
_BRACKETED = re.compile(r"<\s*([^<>]{1,998}?)\s*>")
# Some clients join ids by commas and lose the brackets of a few; a phrase beside an id ("Message from Jo of
# today") has no comma on its sides, and its address is none.
_WORD = r"[^\s<>,;\"'()@]{1,490}"
_BRACKETED_OR_LISTED = re.compile(_BRACKETED.pattern + rf"|(?:^|,)\s*({_WORD}@{_WORD})(?=\s*(?:,|$))")
_DEEP = re.compile(r"[(\[]{8}|(?:\([^()]*){20}")
_NAME_BYTES = 320
_EASY = re.compile(r"^[^\"(),:;<>@\\\[\]=]*<([^\s\"(),:;<>@\\\[\]]+@[^\s\"(),:;<>@\\\[\]]+)>$")
_BARE = re.compile(r"^[^\s\"(),:;<>@\\\[\]=]+@[^\s\"(),:;<>@\\\[\]]+$")


def read_addresses(values: Sequence[object], limits: Limits = DEFAULTS) -> tuple[Address, ...]:
    """Every mailbox of the fields of one name, in order; groups are flattened, empty ones vanish."""
    found: list[Address] = []
    for value in values:
        found += _one_field(raw_text(value)[: limits.field_bytes], limits.addresses - len(found))
        if len(found) >= limits.addresses:
            break
    return tuple(found)


def _one_field(text: str, room: int) -> list[Address]:
    text = text.strip()
    if not text or room <= 0:
        return []
    easy = _easy(text)
    if easy is not None:
        return [easy]
    pairs = _split(text)
    if any(" " in address.strip() for _, address in pairs):
        return _salvage(text)[:room]
    made = [made for name, address in pairs[:room] if (made := _address(name, address)) is not None]
    return made or _salvage(text)[:room]


def _easy(text: str) -> Address | None:
    """The usual form, without paying for a structural parser."""
    if _BARE.match(text):
        return _address("", text)
    hit = _EASY.match(text)
    return _address(text[: hit.start(1) - 1], hit[1]) if hit else None


def _split(text: str) -> list[tuple[str, str]]:
    """(name, addr-spec) pairs; [] where no parser dares. Deep comments make every parser recurse: not
    asked."""
    if _DEEP.search(text):
        return []
    # A long list costs the structural reader quadratic time; the plain one is linear.
    if len(text) < 8192:
        try:
            pairs: list[tuple[str, str]] = get_addresses(text)
            if any(address for _, address in pairs):
                return pairs
        except Exception:  # noqa: BLE001, S110 - a third-party parser on hostile input: the next one is asked
            pass
    try:
        return getaddresses([text])
    except Exception:  # noqa: BLE001
        return []


def _address(name: str, address: str) -> Address | None:
    name = one_line(decode_words(name)).strip("\"' ")
    address = one_line(decode_words(address)).replace(" ", "").strip("<>")
    if not address and not name:
        return None
    if not address and _ADDRESS.fullmatch(name):
        name, address = "", name
    return Address(name[:_NAME_BYTES], address[:_NAME_BYTES])


def _salvage(text: str) -> list[Address]:
    """Whatever looks like an address, where the structure is beyond reading; else the words as a name."""
    decoded = one_line(decode_words(text))
    hit = list(_ADDRESS.finditer(decoded[:8192]))[:50]
    if len(hit) == 1:
        name = decoded[: hit[0].start()].strip("\"'<([ ")
        return [Address(name[:_NAME_BYTES], hit[0][0][:_NAME_BYTES])]
    if hit:
        return [Address("", one[0][:_NAME_BYTES]) for one in hit]
    name = re.sub(r"[<>\"();:,]+", " ", decoded).strip()
    return [Address(name[:_NAME_BYTES], "")] if name and "undisclosed" not in name.lower() else []


def read_ids(values: Sequence[object], limit: int = 200) -> tuple[str, ...]:
    """Message-IDs of a field, in order, once each, with brackets. Of too many the first and the last are
    kept."""
    found: dict[str, None] = {}
    for value in values:
        found.update(dict.fromkeys(_ids_of(header_text(value))))
    ids = list(found)
    return tuple(ids if len(ids) <= limit else [ids[0], *ids[-(limit - 1) :]])


def _ids_of(text: str) -> list[str]:
    if _BRACKETED.search(text):
        hits = (hit[1] or hit[2] for hit in _BRACKETED_OR_LISTED.finditer(text))
        ids = ["<" + re.sub(r"\s+", "", hit)[:998] + ">" for hit in hits if hit.strip()]
        if ids:
            return ids
    words = (word.strip("<>\"'()") for word in re.split(r"[\s,;]+", text))
    return [f"<{word[:998]}>" for word in words if "@" in word]


def read_id(values: Sequence[object]) -> str:
    """The Message-ID: the first that is one, "" where there is none."""
    ids = read_ids(values)
    if ids:
        return ids[0]
    for value in values:
        word = header_text(value).strip("<> ").replace(" ", "")
        if word:
            return f"<{word[:998]}>"
    return ""
