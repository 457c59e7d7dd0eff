"""`mailbridge contacts`: accounts, plans, contacts, their addresses and telephone numbers, as CSV.

Promises: each bad row is reported by its line with what is wrong, and the rest is taken; a row that is there
already is brought up to date, so that importing a file twice is importing it once; export gives what import
takes. An address that came back as dead is shown with the reason, and sent to again only when somebody says
so. How it fails: 65 where some row was bad (the rest is in), where the file is no such CSV, or cannot be
read, or an address to revive was not dead (the others are done).
"""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli.contact_rows import COLUMNS, Reader
from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.group import Group
from mailbridge.cli.output import local, print_json, print_table, say
from mailbridge.cli.site_store import site_store
from mailbridge.errors import Permanent

if TYPE_CHECKING:
    from mailbridge.store.customers import Customers

BATCH = 2000
SHOWN = 100


@click.group("contacts", cls=Group)
def command() -> None:
    """Import, export and list accounts and contacts; see and revive dead addresses."""


@command.command("import")
@click.argument("file", metavar="FILE")
@option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def import_(context: Context, file: str, as_json: bool) -> int:
    """Take contacts from a CSV file, - for standard input.

    The first line names the columns: account, plan, starts_on, ends_on, domains, zone, name, addresses,
    phones. Several values in a field are divided by blanks, commas or semicolons (telephone numbers: not by
    blanks).
    """
    reader = Reader(context.policy(), context.config().region)
    rows = reader.rows(_decoded(_read(file), file), file)
    with site_store(context) as store:
        from mailbridge.store.customers import Customers

        taken = _put(Customers(store), rows)
    if as_json:
        bad = [{"line": line, "reason": reason} for line, reason in reader.bad]
        print_json({"rows": taken + len(bad), "taken": taken, "bad": bad})
    else:
        _report(reader, file, taken)
    return Permanent.exit_code if reader.bad else 0


def _put(customers: Customers, rows: Iterator[dict[str, Any]]) -> int:
    taken = 0
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            customers.put_batch(batch)
            taken, batch = taken + len(batch), []
    if batch:
        customers.put_batch(batch)
    return taken + len(batch)


def _report(reader: Reader, source: str, taken: int) -> None:
    for line, reason in reader.bad[:SHOWN]:
        click.echo(f"mailbridge: {source}: line {line}: {reason}", err=True)
    if len(reader.bad) > SHOWN:
        more = len(reader.bad) - SHOWN
        click.echo(f"mailbridge: {source}: {more} more bad rows; --json shows all", err=True)
    bad = len(reader.bad)
    say(f"{taken} row{'' if taken == 1 else 's'} taken" + (f", {bad} left out" if bad else ""))


def _read(file: str) -> bytes:
    """The bytes of a file, of standard input for "-". Raises Permanent."""
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Permanent(f"{file} cannot be read: {error.strerror or error}") from error


def _decoded(raw: bytes, source: str) -> str:
    """The text: UTF-8 with or without a mark, else what a spreadsheet on Windows writes (cp1252)."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    if "\x00" in text:
        raise Permanent(f"{source}: is no text; wanted: CSV with a header line such as {','.join(COLUMNS)}")
    return text


@command.command("export")
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def export(context: Context, as_json: bool) -> None:
    """Write all of it as CSV to standard output."""
    rows = _all(context)
    if as_json:
        print_json(rows)
        return
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_flat(row) for row in rows)
    sys.stdout.buffer.write(text.getvalue().encode("utf-8", "replace"))
    sys.stdout.flush()


def _flat(row: dict[str, Any]) -> dict[str, str]:
    return {
        key: "; ".join(value) if isinstance(value, list) else "" if value is None else str(value)
        for key, value in row.items()
    }


def _all(context: Context) -> list[dict[str, Any]]:
    from mailbridge.store.customers import Customers

    with site_store(context) as store:
        return Customers(store).listing()


@command.command("list")
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def list_(context: Context, as_json: bool) -> None:
    """List accounts and their contacts."""
    rows = _all(context)
    if as_json:
        print_json(rows)
    elif rows:
        columns = ("account", "plan", "ends_on", "name", "addresses", "phones", "domains")
        print_table(columns, [[_flat(row)[name] for name in columns] for row in rows])
    else:
        say(f"There are no contacts; mailbridge contacts import {Path('FILE.csv')} takes some.")


@command.command("dead")
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def dead(context: Context, as_json: bool) -> None:
    """List addresses that mail came back from for good: nothing automatic is sent there."""
    from mailbridge.store.customers import Customers

    with site_store(context) as store:
        found = Customers(store).dead()
    if as_json:
        print_json([{"address": one.address, "since": one.at, "reason": one.reason} for one in found])
    elif found:
        zone = context.zone()
        print_table(
            ("address", "since", "reason"), [(one.address, local(one.at, zone), one.reason) for one in found]
        )
        say("To send to one again: mailbridge contacts revive ADDRESS")
    else:
        say("No address is dead.")


@command.command("revive")
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def revive(context: Context, addresses: tuple[str, ...], as_json: bool) -> int:
    """Send to dead addresses again, such as after a mailbox was full or mistyped at the other end."""
    from mailbridge.store.customers import Customers

    with site_store(context) as store:
        customers = Customers(store)
        rows = [{"address": one, "revived": customers.revive(one)} for one in dict.fromkeys(addresses)]
    if as_json:
        print_json(rows)
    for row in rows if not as_json else ():
        if row["revived"]:
            say(f"{row['address']}: is sent to again")
        else:
            click.echo(f"mailbridge: {row['address']} is not dead; see: mailbridge contacts dead", err=True)
    return 0 if all(row["revived"] for row in rows) else Permanent.exit_code
