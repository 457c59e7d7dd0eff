"""The envelope as a pipe or an admin tells it: options that `ingest` and `explain` share.

Promises: recipients are addresses, without angle brackets: a slip in an alias would else pass for years as
mail to nobody of ours. The sender is taken as it is: a stranger chose it, and it must not refuse mail.
How it fails: usage (64) for a recipient that is no address.
"""

from __future__ import annotations

import click
from click import option


def _addresses(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    from mailbridge.config.forms import is_address

    found = tuple(value.strip().removeprefix("<").removesuffix(">") for value in values)
    if wrong := next((value for value in found if not is_address(value)), None):
        raise click.BadParameter(f"{wrong[:100]!r} is no mail address")
    return found


def _bare(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    return None if value is None else value.strip().strip("<>")


sender = option(
    "--sender",
    metavar="ADDRESS",
    callback=_bare,
    help='Envelope sender, where a pipe knows it; "<>" is the null one.',
)
recipients = option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="ADDRESS",
    callback=_addresses,
    help="Envelope recipient.",
)
