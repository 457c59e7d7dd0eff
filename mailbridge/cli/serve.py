"""`mailbridge serve`: run the daemon, with all roles or some of them.

Promises: SIGTERM drains and exits 0; SIGHUP reloads. Fails: 64 for an unknown role, 69 where an address is
taken, 73 where the state folder cannot be made, 78 with every mistake of the configuration.
"""

from __future__ import annotations

import click
from click import option

from mailbridge.cli.context import Context, pass_context

ROLES = "smtp, lmtp, imap, spool, scheduler, worker, relay, transcriber"


@click.command(help="Run the daemon.", epilog=f"Roles: {ROLES}; master watches over those that run here.")
@option(
    "--role",
    "named",
    multiple=True,
    metavar="ROLE,...",
    help="Run these roles only; else all that the configuration asks for.",
)
@pass_context
def command(context: Context, named: tuple[str, ...]) -> int:
    """Run the daemon."""
    from mailbridge.config import Config, load_config
    from mailbridge.daemon import ROLES as KNOWN
    from mailbridge.daemon import serve

    roles = [word.strip().lower() for text in named for word in text.split(",") if word.strip()]
    unknown = [role for role in roles if role not in (*KNOWN, "all", "master")]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; known are {ROLES}", param_hint="--role")
    wanted = KNOWN if not roles or "all" in roles else [role for role in roles if role != "master"]
    first: list[Config] = [context.config()]

    def load() -> Config:
        """The configuration as it was checked at the start, then read anew at each SIGHUP."""
        return first.pop() if first else load_config(context.config_path)

    return serve(load, wanted)
