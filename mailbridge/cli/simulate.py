"""`mailbridge simulate`: plays a scenario on a virtual clock; sends nothing, prints what would happen as
JSON lines.

Fails: Permanent (65) with the line's number for a scenario that cannot be read; NotFound (65) for a policy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click import option

from mailbridge import log
from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import print_jsonl
from mailbridge.errors import Permanent


@click.command("simulate")
@click.argument("scenario", metavar="SCENARIO")
@option("--policy", "policy_name", metavar="P", help="Shipped policy or path; else the site's.")
@option("--all", "all_events", is_flag=True, help="Also events beyond the contract: held, released, filed...")
@option("--json", "as_json", is_flag=True, help="JSON lines (always so).")
@pass_context
def command(
    context: Context, scenario: str, policy_name: str | None, all_events: bool, as_json: bool
) -> None:
    """Play a scenario (JSONL, - for standard input) on a virtual clock."""
    from mailbridge.ops.simulate import Simulation

    del as_json  # JSON lines are the only form
    policy = context.policy(policy_name)
    if not context.verbose:
        log.setup(log.Level.FATAL)  # a missed deadline that was only played is nobody's alarm
    try:
        raw = sys.stdin.buffer.read() if scenario == "-" else Path(scenario).read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        raise Permanent(f"{scenario} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Permanent(f"{scenario} is no UTF-8: byte {error.start} cannot be read") from error
    try:
        print_jsonl(Simulation(policy, all_events=all_events).run(text.split("\n")))
    except Permanent as error:
        raise Permanent(f"{scenario}: {error}") from error
