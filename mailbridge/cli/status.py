"""`mailbridge status`: queues, deadlines at risk, last IMAP poll, model, disk; for a person and for a probe.

Promises: changes nothing, needs no daemon, but says whether one runs on this machine; 0 means that nobody
needs to look. How it fails: 69 with a sentence for each thing that is wrong, also where the database is away.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

import click
from click import option

from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import local, print_json, print_table, say
from mailbridge.cli.site_store import site_store
from mailbridge.errors import Unavailable

if TYPE_CHECKING:
    from mailbridge.ops.health import Health


@click.command("status")
@option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def command(context: Context, as_json: bool) -> int:
    """Show queues, deadlines at risk, mailboxes, model and disk."""
    from mailbridge.clock import SystemClock
    from mailbridge.ops.health import look
    from mailbridge.work.held import is_held

    fresh = (file := context.config().store.file) is not None and not file.exists()
    with site_store(context, migrate=fresh) as store:
        health = look(context.config(), store, SystemClock().now())
    daemon = is_held(context.config().site.state)
    if as_json:
        print_json(health.as_json() | {"daemon": daemon})
    else:
        _show(health, context.zone(), daemon=daemon)
    return 0 if health.healthy else Unavailable.exit_code


def _show(health: Health, zone: tzinfo, *, daemon: bool) -> None:
    say("healthy" if health.healthy else "NOT healthy")
    for problem in health.problems:
        say(f"  ! {problem}")
    if health.figures is None:
        return
    known = health.figures
    free, size = (health.disk_free_bytes or 0) // 2**20, known.size_bytes // 2**20
    rows = [
        ("daemon", "runs on this machine" if daemon else "does not run on this machine"),
        ("inbox", _counts(known.messages)),
        ("outbox", _counts(known.outbox)),
        ("cases", _counts(known.cases)),
        *(_jobs(kind, states) for kind, states in sorted(known.jobs.items())),
        *((f"imap {name}", _polled(at, zone)) for name, at in health.mailboxes.items()),
        ("model", _model(health)),
        ("disk", f"{free} MB free, database {size} MB"),
    ]
    print_table(("", ""), rows)
    for case in health.at_risk:
        say(f"case {case.number} is due {local(case.respond_by, zone)}: {case.subject}")


def _jobs(kind: str, states: dict[str, int]) -> tuple[str, str]:
    """Timers of cases lie ready until their time comes: that is no backlog, and must not look like one."""
    if kind == "due" and set(states) == {"ready"}:
        return "timers", f"{states['ready']} set"
    return f"jobs: {kind}", _counts(states)


def _polled(at: datetime | None, zone: tzinfo) -> str:
    return f"read {local(at, zone)}" if at else "never read"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing"


def _model(health: Health) -> str:
    if health.model is None:
        return "none configured: recordings are not transcribed; see: mailbridge model list"
    return f"{health.model} ({'there' if health.model_present else 'missing'})"
