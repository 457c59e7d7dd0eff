"""`mailbridge replay ID...`: run a message that was set aside through the rules again, now.

Promises: the same way as in the daemon; each message is done by itself, and one that fails again stays whole
in the store. JSONL with --json. How it fails: 65 for an id that is nowhere or a message that is filed, 75
where a message could not be decided this time either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import print_jsonl, say
from mailbridge.errors import MailbridgeError, Permanent, Temporary

if TYPE_CHECKING:
    from mailbridge.work.desk import Desk


@click.command("replay")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@option("--json", "as_json", is_flag=True, help="JSONL, an object a message.")
@pass_context
def command(context: Context, ids: tuple[str, ...], as_json: bool) -> int:
    """Run a message that was set aside through the rules again. IDs are those of queue list (in-12 or 12)."""
    from mailbridge.work.desk import Desk

    code = 0
    with Desk.open(context.config()) as desk:
        for item_id in dict.fromkeys(ids):
            row, failed = _replay(desk, item_id)
            code = code or failed
            if as_json:
                print_jsonl([row])
            elif failed:
                click.echo(f"mailbridge: {row['id']}: {row['reason']}", err=True)
            else:
                where = f" to case {row['case']}" if row["case"] else ""
                say(f"{row['id']}: {row['outcome']}{where}{': ' if row['reason'] else ''}{row['reason']}")
    return code


def _replay(desk: Desk, item_id: str) -> tuple[dict[str, Any], int]:
    """What became of it, as a row, and the exit code for it."""
    from mailbridge.store.upkeep import Upkeep, last_line, split_id

    row: dict[str, Any] = {"id": item_id, "outcome": "failed", "kind": "", "case": None, "reason": ""}
    upkeep = Upkeep(desk.store)
    try:
        where, message_id = split_id(item_id)
        if where != "in":
            raise Permanent(f"{item_id} is no message that came in; use: mailbridge queue retry {item_id}")
        upkeep.retry(item_id, desk.clock.now())
        done = desk.process_message(message_id)
        steps = upkeep.details(item_id)[1]["jobs"]
    except MailbridgeError as error:
        return row | {"reason": str(error)}, error.exit_code
    row |= {"outcome": done.outcome, "kind": done.kind, "case": done.case, "reason": done.reason}
    if done.outcome != "received":
        return row, 0
    row["reason"] = next((last_line(step["error"]) for step in steps if step["error"]), "is being processed")
    return row, Temporary.exit_code
