"""How one value of the configuration is read: from the text of an INI file to a typed value.

What it promises: each form knows in words what it accepts, so that an error says what stands there and what
would be accepted. A value that is not text passes untouched: sections are also built in code (demo, tests).
How it fails: ValueError with one sentence; a form marked secret never repeats the value in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, ValidationInfo

from mailbridge.model.message import Address

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LOCAL = re.compile(r"[^\s@<>()\[\],;:\\\"]{1,64}")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_SHOWN_MAX = 80


@dataclass(frozen=True, slots=True)
class Form:
    """One way to read a value. wanted says what is accepted, as words after a colon."""

    wanted: str
    read: Callable[[str, Path], Any]
    secret: bool = False

    def __call__(self, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        base = (info.context or {}).get("base", Path())
        try:
            return self.read(value, base)
        except ValueError as error:
            raise ValueError(self._sentence(value, str(error))) from None

    def _sentence(self, value: str, detail: str) -> str:
        stands = "what stands there is not accepted" if self.secret else f"{shown(value)} is not accepted"
        return f"{stands}{f' ({detail})' if detail else ''}; wanted: {self.wanted}"


def form(wanted: str, read: Callable[[str, Path], Any], *, secret: bool = False) -> BeforeValidator:
    """A pydantic validator for use in Annotated[...]."""
    return BeforeValidator(Form(wanted, read, secret))


def shown(value: str) -> str:
    """value quoted for a message, bounded, controls escaped.

    A line break tells of an indented line: configparser takes it as more of the value above.
    """
    cut = value if len(value) <= _SHOWN_MAX else value[: _SHOWN_MAX - 3] + "..."
    hint = " (an indented line continues the line above it)" if "\n" in value else ""
    comment = " (a comment needs a line of its own)" if re.search(r"\s[;#]", value) else ""
    return f"{cut!r}{hint or comment}"


def line(wanted: str, longest: int = 200) -> BeforeValidator:
    """One line of text without control characters."""

    def read(value: str, _: Path) -> str:
        if CONTROLS.search(value):
            raise ValueError("a control character or a line break is in it")
        if len(value) > longest:
            raise ValueError(f"longer than {longest} characters")
        return value

    return form(wanted, read)


def whole(low: int, high: int, unit: str = "") -> BeforeValidator:
    """A whole number from low to high."""

    def read(value: str, _: Path) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,15}", value):
            raise ValueError("")
        number = int(value)
        if not low <= number <= high:
            raise ValueError("out of range")
        return number

    return form(f"a whole number from {low} to {high}{f', in {unit}' if unit else ''}", read)


def decimal(low: float, high: float, unit: str) -> BeforeValidator:
    """A number, with a decimal point where wanted."""

    def read(value: str, _: Path) -> float:
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value):
            raise ValueError("")
        number = float(value)
        if not low <= number <= high:
            raise ValueError("out of range")
        return number

    return form(f"a number from {low:g} to {high:g}, in {unit}", read)


def _yes_no(value: str, _: Path) -> bool:
    words = {
        "yes": True,
        "true": True,
        "on": True,
        "1": True,
        "no": False,
        "false": False,
        "off": False,
        "0": False,
    }
    if value.lower() not in words:
        raise ValueError("")
    return words[value.lower()]


yes_no = form("yes or no", _yes_no)


def choice(*words: str) -> BeforeValidator:
    """One of some words, in any case."""

    def read(value: str, _: Path) -> str:
        if value.lower() not in words:
            raise ValueError("")
        return value.lower()

    return form("one of " + ", ".join(words), read)


def choices(*words: str) -> BeforeValidator:
    """A comma list of some words; the word none is the empty list."""

    def read(value: str, _: Path) -> tuple[str, ...]:
        found = tuple(item.lower() for item in split_list(value))
        unknown = [item for item in found if item not in words]
        if unknown and found != ("none",):
            raise ValueError(f"{unknown[0]!r} is none of them")
        return () if found == ("none",) else found

    return form(f"a comma list of {', '.join(words)}, or the word none", read)


def split_list(value: str) -> tuple[str, ...]:
    """Items between commas or line ends, outside of quotes; empty items are dropped."""
    parts = re.findall(r'(?:"[^"\n]*"|[^,\n])+', value)
    return tuple(part.strip() for part in parts if part.strip())


def words(wanted: str) -> BeforeValidator:
    """A comma list of words in lower case, such as host names or domains."""

    return form(wanted, lambda value, _: _words(value))


def _words(value: str) -> tuple[str, ...]:
    items = split_list(value)
    bad = next((item for item in items if re.search(r"\s", item) or CONTROLS.search(item)), None)
    if bad is not None:
        raise ValueError(f"{bad!r} holds a blank")
    return tuple(item.lower() for item in items)


def senders(wanted: str) -> BeforeValidator:
    """A comma list of addresses ("a@b") and domains ("b" or "@b", kept as "@b"), in lower case."""

    def read(value: str, _: Path) -> tuple[str, ...]:
        found = _words(value)
        for item in found:
            local, _at, domain = item.rpartition("@")
            # a pattern would let in more than is meant: "*" is a letter of an address like any other
            if "*" in item or "." not in domain or not (is_address(item) if local else is_domain(domain)):
                raise ValueError(f"{item!r} is no address and no domain")
        return tuple(item if "@" in item else f"@{item}" for item in found)

    return form(wanted, read)


def names(wanted: str) -> BeforeValidator:
    """A comma list of names as people write them, blanks and capitals kept."""

    def read(value: str, _: Path) -> tuple[str, ...]:
        items = split_list(value)
        if any(CONTROLS.search(item) for item in items):
            raise ValueError("a control character stands in it")
        return tuple(items)

    return form(wanted, read)


def is_address(address: str) -> bool:
    """Whether address is a plain local@domain; dots in odd places pass (a..b@docomo.ne.jp is real)."""
    local, at, domain = address.rpartition("@")
    return bool(at) and len(address) <= 254 and bool(_LOCAL.fullmatch(local)) and is_domain(domain)


def is_domain(domain: str) -> bool:
    """Whether domain is made of labels as in DNS; letters of other alphabets pass (RFC 6531)."""
    return len(domain) <= 253 and all(_LABEL.fullmatch(label) for label in domain.split("."))


def read_address(text: str) -> Address:
    """'Ann Lee <ann@desk.example>' or 'ann@desk.example'. Raises ValueError with the reason."""
    match = re.fullmatch(r"(?:(?P<name>[^<>]*?)\s*<(?P<angle>[^<>]+)>|(?P<bare>[^<>\s]+))", text)
    if match is None or CONTROLS.search(text):
        raise ValueError(f"{text!r} is no mail address")
    address = (match["angle"] or match["bare"]).strip()
    if not is_address(address):
        raise ValueError(f"{address!r} is no mail address")
    return Address((match["name"] or "").strip().strip('"').strip(), address)


def addresses(what: str, *, none: bool = False) -> BeforeValidator:
    """A comma list of mail addresses, with or without names, none of them twice."""

    def read(value: str, _: Path) -> tuple[Address, ...]:
        if none and value.lower() == "none":
            return ()
        found = tuple(read_address(item) for item in split_list(value))
        seen: set[str] = set()
        for address in found:
            if address.key in seen:
                raise ValueError(f"{address.address} stands there twice")
            seen.add(address.key)
        return found

    return form(f"{what}, separated by commas{', or the word none' if none else ''}", read)


def _zone(value: str, _: Path) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError, LookupError):
        raise ValueError("no such zone") from None
    return value


zone = form("a zone of the IANA database, such as America/Los_Angeles", _zone)


def read_language(value: str, _: Path) -> str:
    """A language code in lower case, with - between its parts. Raises ValueError."""
    if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", value):
        raise ValueError("")
    return value.replace("_", "-").lower()


language = form("a language code, such as en or de", read_language)


def _region(value: str, _: Path) -> str:
    if value != "US":
        # phonenumbers takes a moment to load: only who names another region pays for it
        from phonenumbers import SUPPORTED_REGIONS

        if value.upper() not in SUPPORTED_REGIONS:
            raise ValueError("no telephone numbers are known for it")
    return value.upper()


region = form("a country code of two letters, such as US or DE", _region)


def _subject_tag(value: str, _: Path) -> str:
    if value.count("{number}") != 1 or re.search(r"[{}]", value.replace("{number}", "")):
        raise ValueError("{number} must stand in it once, and no other brace")
    before, after = value.split("{number}")
    if CONTROLS.search(value) or len(value) > 40 or not before.strip() or not after.strip():
        raise ValueError("a sign must stand before and after the number, and 40 characters is the longest")
    return value


subject_tag = form("a short mark with {number} in it, such as [#{number}]", _subject_tag)


def _mode(value: str, _: Path) -> int:
    if not re.fullmatch(r"0?[0-7]{3}", value):
        raise ValueError("")
    return int(value, 8)


mode = form("three octal digits, such as 660", _mode)


def _header_match(value: str, _: Path) -> tuple[str, str]:
    name, _colon, pattern = (part.strip() for part in value.partition(":"))
    if not re.fullmatch(r"[!-9;-~]{1,76}", name) or CONTROLS.search(pattern):
        raise ValueError("")
    return name, pattern or "*"


header_match = form("a header's name and a pattern, such as X-PBX: voicemail*", _header_match)
