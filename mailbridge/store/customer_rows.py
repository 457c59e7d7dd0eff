"""Accounts and contacts put in by the thousand: a few statements a batch, not a dozen a row.

Promises what putting the rows in one after the other would do: a row is a known contact by its addresses; by
a telephone number only where it, or the contact, has no address (colleagues share a switchboard). Names,
accounts and plans are brought up to date, and what a row leaves empty stays. Fails as the caller's
transaction does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, bindparam, delete, insert, select, update

from mailbridge.store.schema import (
    account,
    account_domain,
    contact,
    contact_address,
    contact_phone,
    dead_address,
)
from mailbridge.store.text import clean

CHUNK = 2000  # below SQLite's 32,766 parameters a statement
ACCOUNT_KEYS = ("plan", "starts_on", "ends_on", "zone")


def put_rows(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert or bring up to date, in the caller's transaction."""
    accounts = _put_accounts(connection, rows)
    _put_domains(connection, rows, accounts)
    _Contacts(connection, rows).put(accounts)


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    wanted = list(values)
    for start in range(0, len(wanted), CHUNK):
        yield wanted[start : start + CHUNK]


def _known(
    connection: Connection, key: Column[Any], value: Column[Any], wanted: Iterable[str]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in _chunks(wanted):
        for name, number in connection.execute(select(key, value).where(key.in_(chunk))):
            found[name] = number
    return found


def _put_accounts(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Ids by name."""
    wanted: dict[str, dict[str, Any]] = {}
    for row in rows:
        if name := clean(row.get("account", "")):
            given = {key: row[key] for key in ACCOUNT_KEYS if row.get(key)}
            wanted.setdefault(name, {}).update(given)
    known = _known(connection, account.c.name, account.c.id, wanted)
    for name, values in wanted.items():
        if values and name in known:
            connection.execute(update(account).where(account.c.id == known[name]).values(**values))
    empty = {"plan": "", "starts_on": None, "ends_on": None, "zone": ""}
    new = [empty | {"name": name} | values for name, values in wanted.items() if name not in known]
    if new:
        made = insert(account).returning(account.c.name, account.c.id)
        known |= {row.name: row.id for row in connection.execute(made, new)}
    return known


def _put_domains(
    connection: Connection, rows: Sequence[Mapping[str, Any]], accounts: Mapping[str, int]
) -> None:
    owner = {
        domain: accounts[clean(row["account"])]
        for row in rows
        for domain in row.get("domains", ())
        if row.get("account")
    }
    for chunk in _chunks(owner):
        connection.execute(delete(account_domain).where(account_domain.c.domain.in_(chunk)))
        connection.execute(
            insert(account_domain), [{"domain": domain, "account_id": owner[domain]} for domain in chunk]
        )


class _Contacts:
    """The contacts of one batch. A key is the id of a known contact, or negative for one yet to be made."""

    def __init__(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        self._connection = connection
        self._rows = [row for row in rows if row.get("addresses") or row.get("phones")]
        addresses = {address for row in self._rows for address in row.get("addresses", ())}
        phones = {phone for row in self._rows for phone in row.get("phones", ())}
        c = contact_address.c
        self._by_address = _known(connection, c.address, c.contact_id, sorted(addresses))
        p = contact_phone.c
        self._by_phone = _known(connection, p.phone, p.contact_id, sorted(phones))
        self._reachable = self._with_address(set(self._by_phone.values()))
        self._values: dict[int, dict[str, Any]] = {}

    def _with_address(self, ids: set[int]) -> set[int]:
        found: set[int] = set()
        wanted = sorted(ids)
        for start in range(0, len(wanted), CHUNK):
            here = contact_address.c.contact_id.in_(wanted[start : start + CHUNK])
            found |= set(self._connection.execute(select(contact_address.c.contact_id).where(here)).scalars())
        return found

    def put(self, accounts: Mapping[str, int]) -> None:
        addresses: dict[str, int] = {}
        phones: dict[str, int] = {}
        for row in self._rows:
            key = self._key(row)
            # before setdefault: that would make the key known, and no contact new
            named = self._named(row, accounts, new=key not in self._values)
            self._values.setdefault(key, {}).update(named)
            for address in row.get("addresses", ()):
                addresses[address] = self._by_address[address] = key
                self._reachable.add(key)
            for phone in row.get("phones", ()):
                phones[phone] = self._by_phone[phone] = key
        ids = self._write()
        self._reach(contact_address.c.address, {value: ids.get(key, key) for value, key in addresses.items()})
        self._reach(contact_phone.c.phone, {value: ids.get(key, key) for value, key in phones.items()})
        for chunk in _chunks(addresses):
            self._connection.execute(delete(dead_address).where(dead_address.c.address.in_(chunk)))

    def _key(self, row: Mapping[str, Any]) -> int:
        addresses = row.get("addresses", ())
        for address in addresses:
            if address in self._by_address:
                return self._by_address[address]
        for phone in row.get("phones", ()):
            found = self._by_phone.get(phone)
            if found is not None and not (addresses and found in self._reachable):
                return found
        return -1 - len(self._values)

    def _named(self, row: Mapping[str, Any], accounts: Mapping[str, int], *, new: bool) -> dict[str, Any]:
        values: dict[str, Any] = {"provisional": False} if new else {}
        if row.get("name"):
            values["name"] = clean(row["name"])
        elif new:
            values["fallback"] = next(iter([*row.get("addresses", ()), *row.get("phones", ())]))
        if row.get("account"):
            values["account_id"] = accounts[clean(row["account"])]
        return values

    def _write(self) -> dict[int, int]:
        """Insert the new ones, update the known ones; ids of the new by their keys."""
        new = [key for key in self._values if key < 0]
        plain = [
            {
                "name": values.get("name") or values["fallback"],
                "account_id": values.get("account_id"),
                "provisional": False,
            }
            for values in (self._values[key] for key in new)
        ]
        self._update()
        if not new:
            return {}
        made = insert(contact).returning(contact.c.id, sort_by_parameter_order=True)
        return dict(zip(new, self._connection.execute(made, plain).scalars(), strict=True))

    def _update(self) -> None:
        """Only the columns that rows gave, one executemany for each set of them."""
        shapes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for key, values in self._values.items():
            given = {name: value for name, value in values.items() if name != "fallback"}
            if key > 0:
                shapes.setdefault(tuple(sorted(given)), []).append(given | {"this": key})
        for names, found in shapes.items():
            columns: dict[str, Any] = {name: bindparam(name) for name in names}
            here = contact.c.id == bindparam("this")
            self._connection.execute(update(contact).where(here).values(**columns), found)

    def _reach(self, key: Column[Any], owner: Mapping[str, int]) -> None:
        for chunk in _chunks(owner):
            self._connection.execute(delete(key.table).where(key.in_(chunk)))
            rows = [{key.name: value, "contact_id": owner[value]} for value in chunk]
            self._connection.execute(insert(key.table), rows)
