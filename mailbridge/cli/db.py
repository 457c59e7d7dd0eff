"""`mailbridge db`: schema migrations, a consistent backup while running and its way back, integrity.

Promises: upgrade may run beside a running daemon and twice; backup blocks no writer; check changes nothing;
restore keeps what was there before. How it fails: 65 for a FILE that is no backup, 69 where check finds
something or pg_dump is wanted and missing, 73 where something cannot be written, 75 where the database is
away, or the daemon runs during a restore.
"""

from __future__ import annotations

from pathlib import Path

import click
from click import option

from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.group import Group
from mailbridge.cli.output import local, print_json, say
from mailbridge.cli.site_store import site_store
from mailbridge.errors import Busy, Unavailable


@click.group("db", cls=Group)
def command() -> None:
    """Upgrade, back up, restore and check the database."""


@command.command("upgrade")
@option("--json", "as_json", is_flag=True, help="One JSON document.")
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
@option("--json", "as_json", is_flag=True, help="One JSON document.")
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


@command.command("restore")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@option(
    "--gap",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    help="Case numbers to leave out, as those after the backup were given to customers.",
)
@option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def restore(context: Context, file: Path, gap: int, as_json: bool) -> None:
    """Put a backup in the place of the SQLite database, while the daemon is stopped."""
    from dataclasses import asdict

    from mailbridge.store.engine import Store
    from mailbridge.store.restore import restore as put_back
    from mailbridge.work.held import is_held

    config = context.config()
    if is_held(config.prepare_state()):
        raise Busy("the daemon is running; stop it first, such as by: systemctl stop mailbridge")
    store = Store.of(config.store)
    try:
        found = put_back(file, store, gap)
    finally:
        store.close()
    if as_json:
        print_json(asdict(found))
        return
    newest = f", the newest message of {local(found.newest, context.zone())}" if found.newest else ""
    cases = f"{found.cases} case{'' if found.cases == 1 else 's'}"
    say(f"{file} is the database now: {cases}{newest}.")
    say(f"The next case is number {found.next_number}: numbers given after the backup are not used again.")
    if found.kept:
        say(f"What was there before is kept: {found.kept}")
    if found.waiting:
        say(
            f"Outgoing mail waits in it ({found.waiting}), and some may have left after the backup: look at "
            "`mailbridge queue list`, and drop those, before you start the daemon."
        )


@command.command("check")
@option("--json", "as_json", is_flag=True, help="One JSON document.")
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
