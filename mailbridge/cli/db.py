"""`mailbridge db`: schema migrations, a consistent backup while running, integrity.

Promises: upgrade may run beside a running daemon and twice; backup blocks no writer; check changes nothing.
How it fails: 69 where check finds something or pg_dump is wanted and missing, 73 where the backup cannot be
written, 75 where the database is away.
"""

from __future__ import annotations

from pathlib import Path

import click

from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.group import Group
from mailbridge.cli.output import print_json, say
from mailbridge.cli.site_store import site_store
from mailbridge.errors import Unavailable


@click.group("db", cls=Group)
def command() -> None:
    """Upgrade, back up and check the database."""


@command.command("upgrade")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def upgrade(context: Context, as_json: bool) -> None:
    """Bring the schema to what this version wants."""
    from mailbridge.store.migrate import current, newest
    from mailbridge.store.migrate import upgrade as bring_up

    with site_store(context, migrate=False) as store:
        before = current(store)
        bring_up(store)
    if as_json:
        print_json({"from": before, "to": newest(), "changed": before != newest()})
    elif before == newest():
        say(f"The schema is at {newest()} already.")
    else:
        say(f"The schema is at {newest()} now (was {before or 'empty'}).")


@command.command("backup")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def backup(context: Context, file: Path, as_json: bool) -> None:
    """Write a consistent copy to FILE while the daemon runs. A PostgreSQL database goes through pg_dump."""
    from mailbridge.store.backup import backup as copy

    with site_store(context, migrate=False) as store:
        size = copy(store, file)
    if as_json:
        print_json({"file": str(file), "size": size})
    else:
        say(f"{file}: {size} bytes, checked")


@command.command("check")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def check(context: Context, as_json: bool) -> int:
    """Check integrity, foreign keys, and that every message is in exactly one place."""
    from mailbridge.store.check import check as look

    with site_store(context, migrate=False) as store:
        found = look(store)
    if as_json:
        print_json({"sound": not found, "problems": found})
    elif not found:
        say("The database is sound.")
    for problem in found if not as_json else ():
        click.echo(f"mailbridge: {problem}", err=True)
    return Unavailable.exit_code if found else 0
