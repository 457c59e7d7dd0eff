"""Rows of a contacts CSV, read and checked one by one.

Promises: a row comes out complete and valid, or its line and everything that is wrong with it stand in `bad`.
Fails with Permanent where the header line names no column that we know, or two that mean the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

import phonenumbers

from mailbridge.config import forms
from mailbridge.errors import Permanent
from mailbridge.model.policy import Policy

COLUMNS = ("account", "plan", "starts_on", "ends_on", "domains", "zone", "name", "addresses", "phones")
ALIASES = {
    "company": "account",
    "organisation": "account",
    "organization": "account",
    "customer": "account",
    "account_name": "account",
    "service_plan": "plan",
    "starts": "starts_on",
    "start": "starts_on",
    "start_date": "starts_on",
    "ends": "ends_on",
    "end": "ends_on",
    "end_date": "ends_on",
    "expires": "ends_on",
    "expires_on": "ends_on",
    "domain": "domains",
    "time_zone": "zone",
    "timezone": "zone",
    "contact": "name",
    "contact_name": "name",
    "full_name": "name",
    "address": "addresses",
    "email": "addresses",
    "e_mail": "addresses",
    "emails": "addresses",
    "mail": "addresses",
    "email_address": "addresses",
    "phone": "phones",
    "telephone": "phones",
    "phone_number": "phones",
    "mobile": "phones",
}
LONGEST = 500
_DATES = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%Y/%m/%d")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Reader:
    """Reads rows for one policy's plans. bad: (line, reason) of each row that was left out.

    region: country by which a telephone number without a prefix is read.
    """

    def __init__(self, policy: Policy, region: str) -> None:
        self._plans = {plan.name for plan in policy.plans}
        self._policy = policy.name
        self._region = region
        self._zones = available_timezones()
        self._phones: dict[str, str | None] = {}
        self.bad: list[tuple[int, str]] = []

    def rows(self, text: str, source: str) -> Iterator[dict[str, Any]]:
        """The good rows of a CSV text. Raises Permanent for a header that cannot be used."""
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
        try:
            names = self._header(next(lines, []), source)
        except csv.Error as error:
            raise Permanent(f"{source}: line 1: cannot be read as CSV: {error}") from error
        line = lines.line_num + 1
        while True:
            try:
                fields = next(lines, None)
                if fields is None:
                    return
                if any(field.strip() for field in fields):
                    yield from self._one(names, fields, line)
            except csv.Error as error:
                self.bad.append((line, f"cannot be read as CSV: {error}"))
            line = lines.line_num + 1

    def _header(self, fields: list[str], source: str) -> list[str]:
        keys = [re.sub(r"[^a-z]+", "_", field.strip().lower()).strip("_") for field in fields]
        names = [ALIASES.get(key, key) for key in keys]
        known = [name for name in names if name in COLUMNS]
        wanted = f"wanted: a header line with columns of {', '.join(COLUMNS)}"
        if not {"account", "addresses", "phones"} & set(known):
            raise Permanent(f"{source}: line 1: names neither account, addresses nor phones; {wanted}")
        unknown = [field for field, name in zip(fields, names, strict=True) if name not in COLUMNS]
        if unknown:
            raise Permanent(f"{source}: line 1: unknown column {unknown[0]!r}; {wanted}")
        single = [name for name in known if name not in ("addresses", "phones", "domains")]
        if twice := next((name for name in single if single.count(name) > 1), None):
            raise Permanent(f"{source}: line 1: the column {twice} stands there twice")
        return names

    def _one(self, names: list[str], fields: list[str], line: int) -> Iterator[dict[str, Any]]:
        if len(fields) > len(names) and any(field.strip() for field in fields[len(names) :]):
            self.bad.append((line, f"has {len(fields)} fields, the header line {len(names)}"))
            return
        values: dict[str, list[str]] = {}
        for name, field in zip(names, fields, strict=False):
            values.setdefault(name, []).append(field.strip())
        problems: list[str] = []
        row = self._read(values, problems)
        if problems:
            self.bad.append((line, "; ".join(problems)))
        else:
            yield row

    def _read(self, values: dict[str, list[str]], problems: list[str]) -> dict[str, Any]:
        one = {name: " ".join(found) for name, found in values.items()}
        for name, value in one.items():
            if name not in ("addresses", "phones", "domains") and (
                len(value) > LONGEST or _CONTROL.search(value)
            ):
                problems.append(f"{name} is longer than {LONGEST} characters or holds control characters")
        row: dict[str, Any] = {
            "account": one.get("account", ""),
            "name": one.get("name", ""),
            "plan": self._plan(one.get("plan", ""), problems),
            "zone": self._zone(one.get("zone", ""), problems),
            "starts_on": _date("starts_on", one.get("starts_on", ""), problems),
            "ends_on": _date("ends_on", one.get("ends_on", ""), problems),
            "domains": _domains(values.get("domains", []), problems),
            "addresses": _addresses(values.get("addresses", []), problems),
            "phones": self._numbers(values.get("phones", []), problems),
        }
        if not problems:
            problems.extend(_together(row))
        return row

    def _plan(self, text: str, problems: list[str]) -> str:
        plan = re.sub(r"[\s_]+", "-", text.lower())
        if plan and plan not in self._plans:
            known = ", ".join(sorted(self._plans))
            problems.append(f"unknown plan {text[:60]!r}; the policy {self._policy} has {known}")
        return plan

    def _zone(self, text: str, problems: list[str]) -> str:
        if text and text not in self._zones:
            problems.append(f"unknown zone {text[:60]!r}; wanted: a name such as America/Los_Angeles")
        return text

    def _numbers(self, fields: list[str], problems: list[str]) -> list[str]:
        found: dict[str, None] = {}
        for text in (part.strip() for field in fields for part in re.split(r"[;,|/\n]", field)):
            if not text:
                continue
            if text not in self._phones:
                self._phones[text] = _phone(text, self._region)
            number = self._phones[text]
            if number is None:
                problems.append(f"{text[:40]!r} is no telephone number (region {self._region})")
            else:
                found[number] = None
        return list(found)


def _delimiter(text: str) -> str:
    """What divides the header line: a spreadsheet in Europe writes semicolons."""
    first = text.partition("\n")[0]
    return max(",;\t", key=lambda mark: (first.count(mark), mark == ","))


def _phone(text: str, region: str) -> str | None:
    """E.164, or None. A number that the numbering plan allows by its length is taken: plans change."""
    try:
        parsed = phonenumbers.parse(text[:60], region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _date(name: str, text: str, problems: list[str]) -> date | None:
    if not text:
        return None
    for form in _DATES:
        try:
            found = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        if 1970 <= found.year <= 2200:
            return found
    problems.append(f"{name} {text[:40]!r} is no date; write it like 2026-11-30")
    return None


def _addresses(fields: list[str], problems: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for text in (part for field in fields for part in re.split(r"[\s;,|]+", field)):
        address = text.strip("<>").lower()
        if address and forms.is_address(address):
            found[address] = None
        elif address:
            problems.append(f"{text[:80]!r} is no mail address")
    return list(found)


def _domains(fields: list[str], problems: list[str]) -> list[str]:
    found: dict[str, None] = {}
    for text in (part for field in fields for part in re.split(r"[\s;,|]+", field)):
        domain = text.lstrip("@").lower().rstrip(".")
        if domain and "." in domain and forms.is_domain(domain):
            found[domain] = None
        elif text:
            problems.append(f"{text[:80]!r} is no mail domain")
    return list(found)


def _together(row: dict[str, Any]) -> Iterator[str]:
    """What is wrong between fields that are right each for itself."""
    if row["starts_on"] and row["ends_on"] and row["ends_on"] < row["starts_on"]:
        yield f"ends_on {row['ends_on']} is before starts_on {row['starts_on']}"
    if not (row["account"] or row["addresses"] or row["phones"]):
        yield "names neither an account, an address nor a telephone number"
    if not row["account"] and any(row[key] for key in ("plan", "domains", "zone", "starts_on", "ends_on")):
        yield "has a plan, dates, domains or zone, but no account that they belong to"
