"""`mailbridge deadline`: explains a promise, by when an answer is due and which time was counted.

What it promises: the very count of the daemon; with --json one document and nothing else. A policy named on
the command line needs no configuration. How it fails: Permanent (65) for a time that is not ISO 8601 with
offset; NotFound (65) for a policy, plan, severity or kind that is not there, naming what is; ConfigInvalid
(78) for a broken policy or no configuration.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click
from click import option

from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import print_json, print_table, say
from mailbridge.errors import Permanent

if TYPE_CHECKING:
    from mailbridge.model.policy import Policy, Promise


def parse_instant(text: str) -> datetime:
    """An instant of ISO 8601 with offset or Z. Raises Permanent: without offset it could be any of 38."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Permanent(f"--received {text!r} is no time; write it like 2026-11-30T09:30:00-08:00") from None
    if found.tzinfo is None:
        example = "2026-11-30T09:30:00-08:00, or end it with Z for UTC"
        raise Permanent(f"--received {text!r} has no offset from UTC; write it like {example}")
    return found


@click.command("deadline")
@option("--received", required=True, metavar="T", help="When the message came, ISO 8601 with offset.")
@option("--policy", "policy_name", metavar="P", help="Shipped policy or path; else the site's.")
@option("--plan", metavar="P", help="The customer's plan; else the policy's default plan.")
@option("--severity", metavar="S", help="Severity; else what the policy gives to e-mail.")
@option(
    "--kind",
    type=click.Choice(["first", "next", "update"]),
    default="first",
    show_default=True,
    help="First answer, answer to a further message, or status update.",
)
@option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def command(
    context: Context,
    received: str,
    policy_name: str | None,
    plan: str | None,
    severity: str | None,
    kind: str,
    as_json: bool,
) -> None:
    """Explain a promise: by when an answer is due, and why."""
    from mailbridge.model.policy import TargetKind
    from mailbridge.policy.targets import promise

    received_at = parse_instant(received)
    policy = context.policy(policy_name)
    made = promise(policy, plan=plan, severity=severity, kind=TargetKind(kind), received_at=received_at)
    if as_json:
        print_json(_document(policy, made))
    else:
        _show(policy, made)


def _document(policy: Policy, made: Promise) -> dict[str, object]:
    from mailbridge.policy import words
    from mailbridge.policy.targets import promise_data

    return {
        **promise_data(made),
        "in_words": words.deadline_in_words(policy, made),
        "why_later": words.why_later(policy, made).text,
    }


def _show(policy: Policy, made: Promise) -> None:
    """For a person: the promise, the deadline, and the count line by line."""
    from mailbridge.policy import words

    why = words.why_later(policy, made).text
    cell = f"plan {made.plan}, severity {made.severity}"
    say(f"{made.policy} (version {made.policy_version}), {cell}: {made.rule}")
    say(f"Due {words.deadline_in_words(policy, made)}.{' ' + why if why else ''}")
    rows = [
        ("received", made.received_at.isoformat()),
        ("counts from", made.opens_at.isoformat()),
        ("warning", made.warn_at.isoformat() if made.warn_at else "none"),
        ("due", made.respond_by.isoformat()),
        ("calendar", made.calendar),
    ]
    print_table(("", ""), rows)
    proof = [
        (low.isoformat(), high.isoformat(), _clock(counted), why) for low, high, counted, why in made.proof
    ]
    print_table(("from", "to", "counted", "why"), proof)


def _clock(seconds: int) -> str:
    """h:mm:ss, "" for nothing."""
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}" if seconds else ""
