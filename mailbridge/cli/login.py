"""`mailbridge login ADDRESS`: the line of the logins file ([smtp] logins) that lets a staff member log in.

Promises: the password is asked twice without echo, or read from standard input where that is no terminal; it
is never an argument, which every user of the machine could read in the process list. Writes no file.
How it fails: usage (64) for an address that is none, two passwords that differ, or an empty one.
"""

from __future__ import annotations

import sys

import click

from mailbridge.config.forms import is_address
from mailbridge.intake.logins import MAX_PASSWORD_BYTES, make_hash


@click.command("login")
@click.argument("address")
def command(address: str) -> None:
    """Print the line that lets ADDRESS log in by SMTP AUTH.

    Add it to the file that [smtp] logins names. The password is asked for, or read from standard input.
    """
    if not is_address(address) or ":" in address:
        raise click.BadParameter(f"{address[:100]!r} is no mail address", param_hint="ADDRESS")
    try:
        hashed = make_hash(_password())
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"{address.lower()}:{hashed}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    # one octet more than is allowed, so that a longer one is refused, not cut
    return sys.stdin.readline(MAX_PASSWORD_BYTES + 2).rstrip("\r\n")
