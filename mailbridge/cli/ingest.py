"""`mailbridge ingest`: raw messages from files, folders or standard input, by the durable path that SMTP
takes.

What it promises: each message is committed before it is looked at; a JSON line each says what became of it.
For an alias or procmail: `|mailbridge ingest`. A plain ingest says nothing of who sent a message: it gives no
staff authority. Where a worker of the daemon was quicker to take a message up and does not end in time, the
outcome is "received": it is stored, and will be decided. How it fails: exit 75 where the store is not
available, and nothing is lost; 65 where a file cannot be read, after the others are done.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click
from click import option

from mailbridge.cli import envelope
from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import print_jsonl, say
from mailbridge.errors import CannotWrite, SchemaUnknown, StoreUnavailable

if TYPE_CHECKING:
    from mailbridge.intake.files import Found
    from mailbridge.work.desk import Desk, Outcome

EX_DATAERR = 65
PATIENCE_S = 10.0  # with a worker of the daemon that took the message up before this command did
PAUSE_S = 0.05


@click.command("ingest")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@option("--no-answer", is_flag=True, help="Import without acknowledging.")
@envelope.sender
@envelope.recipients
@option("--json", "as_json", is_flag=True, help="JSON lines (also the default into a pipe).")
@pass_context
def command(
    context: Context,
    files: tuple[str, ...],
    no_answer: bool,
    sender: str | None,
    recipients: tuple[str, ...],
    as_json: bool,
) -> int:
    """Take raw RFC 5322 messages: files, Maildir or mbox paths, or standard input."""
    from mailbridge.work.desk import Desk

    failed = 0
    with _temporary_store(), Desk.open(context.config()) as desk:
        for found in _alone_by_its_name(_found(files)):
            if found.problem and found.problem != "empty":
                click.echo(f"mailbridge: {found.name}: {found.problem}", err=True)
                failed += 1
                continue
            row = _take(desk, found, not no_answer, sender, recipients)
            if as_json or not sys.stdout.isatty():
                print_jsonl([row])
            else:
                case = f"case {row['case']}" if row["case"] else "no case"
                say(f"{row['file']}: {row['outcome']} ({row['kind']}), {case}: {row['reason']}")
    return EX_DATAERR if failed else 0


@contextmanager
def _temporary_store() -> Iterator[None]:
    """A state folder that cannot be written, or a database of a newer version in the middle of an upgrade, is
    the store not being available: the mail server tries again."""
    try:
        yield
    except (CannotWrite, SchemaUnknown) as error:
        raise StoreUnavailable(str(error)) from error


def _found(files: tuple[str, ...]) -> Iterator[Found]:
    from mailbridge.intake.files import read_paths, read_stream

    for name in files or ("-",):
        yield from read_stream(sys.stdin.buffer) if name == "-" else read_paths([Path(name)])


def _alone_by_its_name(found: Iterator[Found]) -> Iterator[Found]:
    """A file that begins like an mbox but holds one message is that message, by the file's own name."""
    before: Found | None = None
    for item in found:
        if before is not None:
            yield before if item.name.endswith(":2") else _plain(before)
        before = item
    if before is not None:
        yield _plain(before)


def _plain(item: Found) -> Found:
    from dataclasses import replace

    return replace(item, name=item.name.removesuffix(":1"))


class _Patience:
    """Waits a moment at each call, up to PATIENCE_S in all; False where it has run out."""

    def __init__(self) -> None:
        self._left = round(PATIENCE_S / PAUSE_S)

    def __call__(self) -> bool:
        self._left -= 1
        Event().wait(PAUSE_S)
        return self._left > 0


def _take(
    desk: Desk, found: Found, answer: bool, sender: str | None, recipients: tuple[str, ...]
) -> dict[str, object]:
    from mailbridge.model.envelope import Envelope, Way

    # what nobody knows to be a machine's counts as a person's, and an empty mail by SMTP does too
    row: dict[str, object] = {"file": found.name, "outcome": "ignored", "kind": "human", "case": None}
    if found.problem:
        return row | {"reason": f"there is no message in it: {found.problem}"}
    arrival = Envelope(
        way=Way.INGEST,
        mail_from=sender,
        rcpt_to=recipients or (desk.config.site.support[0].address,),
        received_at=desk.clock.now(),
        source=found.name,
        answer=answer,
    )
    outcome = desk.take(arrival, found.raw, _Patience())
    undecided = outcome.outcome == "received" or (outcome.outcome == "duplicate" and not outcome.kind)
    return row | {
        "outcome": outcome.outcome,
        "kind": outcome.kind or ("" if undecided else "human"),
        "case": outcome.case,
        "reason": _waits(outcome) if undecided else outcome.reason,
    }


def _waits(outcome: Outcome) -> str:
    """Stored for good, and in the hands of a worker of the daemon that is slow, or died over it."""
    item = f"in-{outcome.message_id}"
    return (
        f"stored as {item}, and not decided within {PATIENCE_S:g} seconds; see: mailbridge queue show {item}"
    )
