"""`mailbridge queue`: what waits, failed or is quarantined, inbound and outbound, and why.

Promises: one listing; nothing that is dropped is deleted (a message stays as ignored, a mail as dropped);
what is worked on right now is left alone. Several ids are done one by one: the first that fails gives the
exit code, the others are done nevertheless. How it fails: NotFound (65), Permanent (65), Busy (75),
StoreUnavailable (75).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.group import Group
from mailbridge.cli.output import local, plain, print_json, print_table, say
from mailbridge.cli.site_store import site_store
from mailbridge.errors import MailbridgeError

if TYPE_CHECKING:
    from mailbridge.store.upkeep import Upkeep, Waiting

NO_RELAY = "no [relay] is configured"


@click.group("queue", cls=Group)
def command() -> None:
    """See and steer what waits, failed or is quarantined."""


@command.command("list")
@option("--all", "everything", is_flag=True, help="Also what was sent or dropped.")
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def list_(context: Context, everything: bool, as_json: bool) -> None:
    """List it all: inbound first, the oldest first."""
    from mailbridge.store.upkeep import Upkeep

    with site_store(context) as store:
        items = Upkeep(store).listing(everything=everything)
    rows = [as_row(item, relay=context.config().relay is not None) for item in items]
    if as_json:
        print_json(rows)
    elif rows:
        zone = context.zone()
        columns = ("id", "state", "kind", "case", "from", "to", "subject", "due_at", "attempts", "reason")
        print_table(columns, [[_shown(row[name], zone) for name in columns] for row in rows])
        say(_summary(rows))
    else:
        say("Nothing waits.")


def as_row(item: Waiting, *, relay: bool) -> dict[str, Any]:
    """A row as `queue list --json` shows it. relay: whether outgoing mail can leave at all."""
    from_, subject = _headers(item)
    reason = item.reason
    if item.direction == "out" and item.state == "waiting" and not relay:
        reason = NO_RELAY
    return {
        "id": item.id,
        "direction": item.direction,
        "state": item.state,
        "kind": item.kind,
        "case": item.case,
        "from": from_,
        "to": item.to[0] if len(item.to) == 1 else list(item.to),
        "subject": subject,
        "reason": reason,
        "due_at": item.due_at,
        "attempts": item.attempts,
    }


def _headers(item: Waiting) -> tuple[str, str]:
    """From and subject; of a message that nobody has understood yet, read from its header alone."""
    if not item.head:
        return item.from_, item.subject
    from mailbridge.mail.parse import parse

    block = item.head.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    message = parse(block + b"\n\n")
    author = message.author.address if message.author else ""
    return author or item.from_, message.subject


def _shown(value: object, zone: tzinfo) -> object:
    if isinstance(value, datetime):
        return local(value, zone)
    if isinstance(value, list):
        return ", ".join(value)
    return value[:77] + "..." if isinstance(value, str) and len(value) > 80 else value


def _summary(rows: Sequence[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        key = f"{row['direction']}bound {row['state']}"
        counts[key] = counts.get(key, 0) + 1
    return ", ".join(f"{count} {key}" for key, count in counts.items())


@command.command("show")
@click.argument("item_id", metavar="ID")
@option("--raw", "as_raw", is_flag=True, help="The exact bytes alone.")
@option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def show(context: Context, item_id: str, as_raw: bool, as_json: bool) -> None:
    """Show one item: as in the list, what else is known of it, then its headers and text."""
    from mailbridge.store.upkeep import Upkeep, split_id

    with site_store(context) as store:
        upkeep = Upkeep(store)
        if as_raw:
            sys.stdout.buffer.write(upkeep.raw(item_id))
            sys.stdout.flush()
            return
        item, details = upkeep.details(item_id)
        raw = b"" if split_id(item_id)[0] == "job" else upkeep.raw(item_id)
    content = _content(raw) if raw else {}
    known = as_row(item, relay=context.config().relay is not None) | details
    if as_json:
        print_json(known | content)
    else:
        _show(known, content, context.zone())


def _content(raw: bytes) -> dict[str, Any]:
    from mailbridge.mail.parse import parse

    message = parse(raw)
    return {
        "headers": [{"name": name, "value": value} for name, value in message.headers.fields],
        "text": message.text,
        "attachments": [
            {"filename": a.filename, "content_type": a.content_type, "size": a.size_bytes}
            for a in message.attachments
        ],
    }


def _show(known: dict[str, Any], content: dict[str, Any], zone: tzinfo) -> None:
    for key, value in known.items():
        if key not in ("arrivals", "jobs", "error") and value not in (None, "", [], {}):
            say(f"{key}: {local(value, zone) if isinstance(value, datetime) else plain(value)}")
    for one in known.get("arrivals", ()):
        where = f"{one['way']} {one['source']}".strip()
        sender = "" if one["mail_from"] is None else f" from <{one['mail_from']}>"
        to = ", ".join(one["rcpt_to"]) or "nobody"
        say(f"arrived: {local(one['at'], zone)} by {where}{sender} for {to}")
    for one in known.get("jobs", ()):
        say(f"job: {one['state']}, due {local(one['due_at'], zone)}, attempt {one['attempt']}")
    errors = [known.get("error", ""), *(one["error"] for one in known.get("jobs", ()))]
    for error in dict.fromkeys(error for error in errors if error):
        say(f"\n{error.rstrip()}")
    if content:
        say("")
        for field in content["headers"]:
            say(f"{field['name']}: {' '.join(str(field['value']).split())}")
        say(f"\n{content['text']}")
        for item in content["attachments"]:
            say(f"[attached: {item['filename']}, {item['content_type']}, {item['size']} bytes]")


@command.command("retry")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def retry(context: Context, ids: tuple[str, ...], as_json: bool) -> int:
    """Try again now. ALL means all that is dead or quarantined."""
    return _each(context, ids, as_json, "ready", lambda upkeep, one, now: upkeep.retry(one, now))


@command.command("drop")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def drop(context: Context, ids: tuple[str, ...], as_json: bool) -> int:
    """Give it up. Its bytes are kept; `retry` brings it back."""
    return _each(context, ids, as_json, "dropped", lambda upkeep, one, now: upkeep.drop(one, now))


def _each(
    context: Context,
    ids: Sequence[str],
    as_json: bool,
    done: str,
    act: Callable[[Upkeep, str, datetime], None],
) -> int:
    from mailbridge.clock import SystemClock
    from mailbridge.store.upkeep import Upkeep

    now, code, rows = SystemClock().now(), 0, []
    with site_store(context) as store:
        upkeep = Upkeep(store)
        for one in _meant(upkeep, ids, done):
            try:
                act(upkeep, one, now)
                rows.append({"id": one, "outcome": done, "reason": ""})
            except MailbridgeError as error:
                code = code or error.exit_code
                rows.append({"id": one, "outcome": "failed", "reason": str(error)})
    if as_json:
        print_json(rows)
    for row in rows if not as_json else ():
        if row["reason"]:
            click.echo(f"mailbridge: {row['reason']}", err=True)
        else:
            say(f"{row['id']}: {row['outcome']}")
    return code


def _meant(upkeep: Upkeep, ids: Sequence[str], done: str) -> list[str]:
    if ids != ("ALL",) or done == "dropped":  # dropping everything is never what somebody wants to type
        return list(dict.fromkeys(ids))
    return [item.id for item in upkeep.listing() if item.state in ("dead", "quarantined")]
