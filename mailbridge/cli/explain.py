"""`mailbridge explain FILE`: what would happen to this message and why, rule by rule, writing nothing.

What it promises: the very code that decides in the daemon, on the facts as they are now; nothing is stored.
`explain in-12` tells the recorded reasons of a message that was taken. How it fails: NotFound (65) for a
message that is not there, Permanent (65) for a file that cannot be read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli import envelope
from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import print_json, say
from mailbridge.errors import Permanent
from mailbridge.policy.classify import LOOKS_FOR

if TYPE_CHECKING:
    from mailbridge.work.desk import Desk

_ID = re.compile(r"in-[0-9]{1,18}")


@click.command("explain")
@click.argument("file", metavar="FILE|in-ID")
@option(
    "--way", type=click.Choice(["ingest", "smtp", "lmtp", "imap"]), default="ingest", help="As if by this."
)
@envelope.sender
@envelope.recipients
@option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def command(
    context: Context, file: str, way: str, sender: str | None, recipients: tuple[str, ...], as_json: bool
) -> None:
    """Say why a message was treated as it was, or what would be done with a file."""
    with _desk(context) as desk:
        if _ID.fullmatch(file):
            told = _recorded(desk, file)
        else:
            told = _would(desk, _read(file), way, sender, recipients)
    if as_json:
        print_json(told)
        return
    for key in ("kind", "rule", "outcome", "reason", "case", "author", "subject", "may_answer", "no_answer"):
        if told.get(key) not in (None, ""):
            say(f"{key:>11}: {told[key]}")
    say("\nrules asked, in this order:")
    for row in told["rules"]:
        say(f"  {in_words(row)}")
    if told.get("effects"):
        say("\nwhat would be done:")
        for row in told["effects"]:
            say(f"  {row}")


@contextmanager
def _desk(context: Context) -> Iterator[Desk]:
    """The site's desk. Of a site that has no database yet, one in memory: explaining makes no files."""
    from mailbridge.store.engine import MEMORY_URL, Store
    from mailbridge.work.desk import Desk

    config = context.config()
    if config.store.file is None or config.store.file.exists():
        with Desk.open(config) as desk:
            yield desk
        return
    store = Store(MEMORY_URL)
    try:
        with Desk.open(config, store=store) as desk:
            yield desk
    finally:
        store.close()


def in_words(row: str) -> str:
    """A recorded rule with what it looks for: "no   a read receipt (read-receipt)"."""
    name, _, rest = row.partition(": ")
    hit, _, detail = rest.partition(" ")
    if name not in LOOKS_FOR or hit not in ("yes", "no"):
        return row
    return f"{hit:<4} {LOOKS_FOR[name]} ({name})" + (f": {detail}" if detail else "")


def _read(file: str) -> bytes:
    from mailbridge.intake.files import read_paths, read_stream

    found = next(iter(read_stream(sys.stdin.buffer) if file == "-" else read_paths([Path(file)])), None)
    if found is None or found.problem:
        raise Permanent(f"{file}: {found.problem if found else 'no message in it'}")
    return found.raw


def _would(
    desk: Desk, raw: bytes, way: str, sender: str | None, recipients: tuple[str, ...]
) -> dict[str, Any]:
    from mailbridge.mail.parse import parse
    from mailbridge.model.envelope import Envelope, Way
    from mailbridge.policy.decide import decide
    from mailbridge.store.inbox import Received

    now = desk.clock.now()
    to = recipients or (desk.config.site.support[0].address,)
    arrival = Envelope(Way(way), sender, to, now)
    message = parse(raw)
    understood = desk.understand(Received(0, raw, now, "received", True, (arrival,)), message)
    message = understood.message
    decision = decide(understood.facts, message, now)
    known = [ref.case for ref in understood.facts.references] + list(understood.facts.recent)
    known += [seen.case] if (seen := understood.facts.seen) and seen.case else []
    numbers = {case.id: case.number for case in known}
    classification = understood.facts.classification
    return {
        "kind": classification.kind.value,
        "rule": classification.rule,
        "outcome": decision.outcome,
        "reason": decision.reason,
        "case": numbers.get(decision.case or 0) if decision.case else None,
        "author": message.author.address,
        "subject": message.subject,
        "may_answer": classification.may_answer,
        "no_answer": classification.no_answer,
        "rules": [*understood.verdict.rules, *decision.rules],
        "effects": [_effect(effect) for effect in decision.effects],
        "new_text": message.new_text,
        "defects": list(message.defects),
        "authentic": dict(understood.verdict.authentic),
    }


def _effect(effect: object) -> str:
    names = [name for name in getattr(effect, "__slots__", ()) if name not in ("case", "html", "references")]
    shown = []
    for name in names:
        value = getattr(effect, name)
        if value in ("", None, (), {}):
            continue
        told = _in_words(value)
        shown.append(f"{name}={told if len(told) <= 120 else told[:117] + '...'}")
    return f"{type(effect).__name__}: {', '.join(shown)}"


def _in_words(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_in_words(one)}" for key, one in value.items() if one not in ("", None))
    if isinstance(value, tuple | list):
        return " ".join(_in_words(one) for one in value)
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str(value)


def _recorded(desk: Desk, item_id: str) -> dict[str, Any]:
    from mailbridge.store.upkeep import Upkeep

    item, more = Upkeep(desk.store).details(item_id)
    return {
        "kind": item.kind,
        "rule": more["rule"],
        "outcome": more["outcome"],
        "reason": item.reason,
        "case": item.case,
        "author": item.from_,
        "subject": item.subject,
        "rules": more["rules"] or [],
    }
