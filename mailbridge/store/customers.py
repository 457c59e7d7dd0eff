"""Accounts, contacts, their addresses and telephone numbers; dead addresses; the secrets of the site."""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from mailbridge.model.customer import Account, Contact
from mailbridge.store.customer_rows import put_rows
from mailbridge.store.engine import Store
from mailbridge.store.prepared import Prepared
from mailbridge.store.schema import (
    account,
    account_domain,
    contact,
    contact_address,
    contact_phone,
    dead_address,
    setting,
)

# Made once: to build a statement anew for each message costs more than to run it.
_ACCOUNT = Prepared(select(account).where(account.c.id == bindparam("id")))
_CONTACT = Prepared(select(contact).where(contact.c.id == bindparam("id")))
_ADDRESSES = Prepared(
    select(contact_address.c.address).where(contact_address.c.contact_id == bindparam("of"))
)
_PHONES = Prepared(select(contact_phone.c.phone).where(contact_phone.c.contact_id == bindparam("of")))
_BY_PHONE = Prepared(select(contact_phone.c.contact_id).where(contact_phone.c.phone == bindparam("phone")))
_BY_DOMAIN = (
    select(account_domain.c.account_id)
    .where(account_domain.c.domain.in_(bindparam("domains", expanding=True)))
    .order_by(func.length(account_domain.c.domain).desc())
    .limit(1)
)
_BY_ADDRESS = select(contact_address.c.contact_id).where(contact_address.c.address == bindparam("address"))
_DEAD = exists(select(dead_address.c.address).where(dead_address.c.address == bindparam("address")))
_WHO = Prepared(
    select(_BY_ADDRESS.scalar_subquery(), _BY_DOMAIN.scalar_subquery(), _DEAD), lists=("domains",)
)


@dataclass(frozen=True, slots=True)
class Who:
    """What is known of an address: the rows of its contact and of its domain's account, dead or not."""

    domain: str
    contact_id: int | None
    account_id: int | None
    dead: bool


def who(connection: Connection, address: str) -> Who:
    """One question for all of it. address: lower case."""
    domain = address.rpartition("@")[2]
    values = {"address": address, "domains": _parents(domain)}
    contact_id, account_id, dead = _WHO.first(connection, values)
    return Who(domain, contact_id, account_id, bool(dead))


def _parents(domain: str) -> list[str]:
    """The domain and those above it, but for the last label alone."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def account_of(connection: Connection, account_id: int | None) -> Account | None:
    if account_id is None:
        return None
    row = _ACCOUNT.first(connection, {"id": account_id})
    return None if row is None else Account(row.id, row.name, row.plan, row.starts_on, row.ends_on, row.zone)


def contact_of(connection: Connection, contact_id: int | None) -> Contact | None:
    if contact_id is None:
        return None
    row = _CONTACT.first(connection, {"id": contact_id})
    if row is None:
        return None
    addresses = _ADDRESSES.scalars(connection, {"of": contact_id})
    phones = _PHONES.scalars(connection, {"of": contact_id})
    return Contact(
        row.id,
        row.name,
        tuple(addresses),
        tuple(phones),
        account_of(connection, row.account_id),
        row.provisional,
    )


def contact_by_phone(connection: Connection, phone: str) -> Contact | None:
    return contact_of(connection, _BY_PHONE.scalar(connection, {"phone": phone}))


def account_by_domain(connection: Connection, domain: str) -> Account | None:
    """The account that this mail domain, or a parent of it, belongs to."""
    parents = _parents(domain.lower())
    found = connection.execute(_BY_DOMAIN, {"domains": parents}).scalar() if parents else None
    return account_of(connection, found)


def make_contact(connection: Connection, name: str, phone: str) -> int:
    """A provisional contact for an unknown number: one a number. Returns its id."""
    known = _BY_PHONE.scalar(connection, {"phone": phone})
    if known is not None:
        return int(known)
    made = connection.execute(
        insert(contact).values(name=name or phone, provisional=True)
    ).inserted_primary_key
    assert made is not None
    connection.execute(insert(contact_phone).values(phone=phone, contact_id=made[0]))
    return int(made[0])


def mark_dead(connection: Connection, address: str, reason: str, at: datetime) -> None:
    values = {"reason": reason, "at": at}
    here = dead_address.c.address == address.lower()
    if connection.execute(update(dead_address).where(here).values(**values)).rowcount == 0:
        connection.execute(insert(dead_address).values(address=address.lower(), **values))


@dataclass(frozen=True, slots=True)
class DeadAddress:
    """An address that nothing automatic is sent to any more: since when, and in whose words why."""

    address: str
    at: datetime
    reason: str


def site_secrets(store: Store) -> tuple[bytes, ...]:
    """The secrets that sign tokens, the newest first; made on first use, shared by all nodes."""
    with store.read() as connection:
        found = connection.execute(select(setting.c.value).where(setting.c.name == "secrets")).scalar()
    if found is None:
        try:
            with store.write() as connection:
                connection.execute(insert(setting).values(name="secrets", value=random_secrets.token_hex(32)))
        except IntegrityError:
            pass  # another node was quicker
        return site_secrets(store)
    return tuple(bytes.fromhex(part) for part in found.split())


class Customers:
    """What `contacts` does."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put_batch(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert or bring up to date, in one transaction. Keys of a row: account, plan, starts_on, ends_on,
        domains, zone, name, addresses (lower case), phones (E.164); what is missing or empty stays as it is.
        """
        with self._store.write() as connection:
            put_rows(connection, rows)

    def dead(self) -> list[DeadAddress]:
        """Addresses that came back as dead, the oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(
                select(dead_address).order_by(dead_address.c.at, dead_address.c.address)
            )
            return [DeadAddress(row.address, row.at, row.reason) for row in rows]

    def revive(self, address: str) -> bool:
        """Send to the address again; False where it was not dead."""
        here = dead_address.c.address == address.strip().lower()
        with self._store.write() as connection:
            return bool(connection.execute(delete(dead_address).where(here)).rowcount)

    def names(self, most: int = 4000) -> tuple[str, ...]:
        """Names of accounts, then of contacts, the latest first: what callers may say."""
        accounts = select(account.c.name).order_by(account.c.id.desc()).limit(most)
        contacts = select(contact.c.name).where(contact.c.name != "").order_by(contact.c.id.desc())
        with self._store.read() as connection:
            found = [*connection.execute(accounts).scalars()]
            found += connection.execute(contacts.limit(most)).scalars()
        return tuple(dict.fromkeys(found))[:most]

    def listing(self) -> list[dict[str, Any]]:
        """A row a contact, with its account, in the form that put_batch takes."""
        with self._store.read() as connection:
            accounts = {row.id: row for row in connection.execute(select(account))}
            domains: dict[int, list[str]] = {}
            for row in connection.execute(select(account_domain).order_by(account_domain.c.domain)):
                domains.setdefault(row.account_id, []).append(row.domain)
            addresses: dict[int, list[str]] = {}
            for row in connection.execute(select(contact_address).order_by(contact_address.c.address)):
                addresses.setdefault(row.contact_id, []).append(row.address)
            phones: dict[int, list[str]] = {}
            for row in connection.execute(select(contact_phone).order_by(contact_phone.c.phone)):
                phones.setdefault(row.contact_id, []).append(row.phone)
            contacts = connection.execute(select(contact).order_by(contact.c.id)).all()
        out = []
        used = set()
        for row in contacts:
            own = accounts.get(row.account_id)
            used.add(row.account_id)
            out.append(
                _line(own, domains)
                | {
                    "name": row.name,
                    "addresses": addresses.get(row.id, []),
                    "phones": phones.get(row.id, []),
                    "provisional": row.provisional,
                }
            )
        rest = [own for key, own in accounts.items() if key not in used]
        out += [
            _line(own, domains) | {"name": "", "addresses": [], "phones": [], "provisional": False}
            for own in rest
        ]
        return out


def _line(own: Any, domains: dict[int, list[str]]) -> dict[str, Any]:
    if own is None:
        return {"account": "", "plan": "", "starts_on": None, "ends_on": None, "domains": [], "zone": ""}
    starts: date | None = own.starts_on
    return {
        "account": own.name,
        "plan": own.plan,
        "starts_on": starts,
        "ends_on": own.ends_on,
        "domains": domains.get(own.id, []),
        "zone": own.zone,
    }
