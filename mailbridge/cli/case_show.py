"""`mailbridge case list` and `case show`: JSON for scripts, a table and a card for people.

`show --raw` and `--attachment` hand out original bytes, exactly as they came; a file that is there is never
overwritten without --force. Fails with NotFound (65), CannotWrite (73).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli import case_data
from mailbridge.cli.case_who import number, sentence
from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import local, plain, print_json, print_table, say
from mailbridge.cli.records import Records, records_of
from mailbridge.errors import CannotWrite, NotFound, Permanent

if TYPE_CHECKING:
    from mailbridge.model.case import Case

LEAST_DIGEST = 6
"""So many hex digits of a file's SHA-256 are enough to name it."""


@click.command("list")
@option(
    "--status",
    "statuses",
    multiple=True,
    type=click.Choice(["open", "waiting", "closed"]),
    help="Only these.",
)
@option("--assigned", default="", metavar="ADDRESS", help="Only this staff member's.")
@option("--limit", type=click.IntRange(0), default=0, help="At most so many; 0 for all.")
@option("--json", "as_json", is_flag=True, help="One JSON array.")
@pass_context
def list_(context: Context, statuses: tuple[str, ...], assigned: str, limit: int, as_json: bool) -> None:
    """List cases by number: all of them, or some."""
    with records_of(context) as records:
        cases = records.cases.listing(statuses=statuses, assigned_to=assigned.strip().lower(), limit=limit)
        zone = records.zone
    if as_json:
        print_json([case_data.list_row(case) for case in cases])
        return
    if not cases:
        say("No cases.")
        return
    columns = ("case", "status", "severity", "level", "answer due", "requester", "subject")
    print_table(columns, (_row(case, zone) for case in cases))


def _row(case: Case, zone: tzinfo) -> tuple[object, ...]:
    status = f"merged into {case.duplicate_of}" if case.duplicate_of else case.status.value
    due = local(case.respond_by, zone)
    if case.held:
        status += ", held"
    if case.deadline_state.value == "missed" and case.respond_by:
        due += " missed"
    who = case.requester or case.requester_name
    return (case.number, status, case.severity, case.escalation_level or "", due, who, case.subject)


@click.command("show")
@number
@option("--raw", default="", metavar="MESSAGE", help="The original bytes of message n, or of <id>.")
@option("--attachment", default="", metavar="NAME", help="A file by its name or SHA-256.")
@option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write there, not to the output.")
@option("--force", is_flag=True, help="Overwrite FILE.")
@option("--json", "as_json", is_flag=True, help="One JSON document.")
@pass_context
def show(
    context: Context,
    number: int,
    raw: str,
    attachment: str,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Show a case: its thread, its deadline with the proof, and everything that happened and why.

    With --raw or --attachment, give out original bytes instead.
    """
    if (raw and attachment) or (out and not (raw or attachment)):
        raise click.UsageError("give --raw or --attachment, and --out only with one of them")
    with records_of(context) as records:
        case = records.cases.get(number)
        if raw:
            _give(_raw(records, case, raw), out, force)
        elif attachment:
            _give(_attachment(records, case, attachment), out, force)
        elif as_json:
            print_json(case_data.document(records, case))
        else:
            _card(records, case)


# --- for a person ------------------------------------------------------------------------------------------


def _card(records: Records, case: Case) -> None:
    say(f"#{case.number}  {case.subject}")
    say(sentence(case, records.zone))
    print_table(("", ""), _about(case, records.zone))
    if case.proof:
        _proof(case.proof, records.zone)
    for message in case_data.messages(records, case):
        _thread(message, records.zone)
    rows = [
        (_read(event.pop("at"), records.zone), event.pop("event"), _data(event))
        for event in case_data.events(records, case)
    ]
    print_table(("at", "event", ""), rows, title="What happened")


def _about(case: Case, zone: tzinfo) -> list[tuple[str, object]]:
    rows = [
        ("requester", f"{case.requester_name} {case.requester}".strip()),
        ("account", case.account),
        ("entitled", case.entitled.value),
        ("channel", case.channel.value),
        ("plan", f"{case.plan}, policy {case.policy} {case.policy_version}"),
        ("opened", local(case.created_at, zone)),
        ("follows", f"case {case.follows}" if case.follows else ""),
        ("update due", local(case.update_due_at, zone)),
        ("closed", f"{local(case.closed_at, zone)}: {case.close_reason}" if case.closed_at else ""),
        ("also in it", ", ".join(who for who in case.participants if who != case.requester)),
    ]
    return [(name, value) for name, value in rows if value]


def _read(text: str | None, zone: tzinfo) -> str:
    """A time of the JSON, for a person."""
    return local(datetime.fromisoformat(text), zone) if text else ""


def _proof(proof: Mapping[str, Any], zone: tzinfo) -> None:
    """The deadline, and the count line by line."""
    due = _read(proof.get("respond_by"), zone)
    say(f"Deadline {due}: {proof.get('rule')} on calendar {proof.get('calendar')}")
    rows = [
        (_read(row["from"], zone), _read(row["to"], zone), _hours(row["seconds"]), row["why"])
        for row in proof.get("proof", ())
    ]
    print_table(("from", "to", "counted", "why"), rows)


def _hours(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours}:{minutes:02} h"


def _thread(message: Mapping[str, Any], zone: tzinfo) -> None:
    arrow = {"in": "<-", "out": "->"}.get(message["direction"], "--")
    who = message["author"] or message["from"] or "somebody"
    say(f"{arrow} {message['n']}. {_read(message['received_at'], zone)}  {who}  {message['kind']}")
    if message["transcript"]:
        heard = message["transcript"]
        say(f"   transcript ({heard['state']}, confidence {heard['confidence']}): {heard['text']}")
    if not message["transcript"] or message["transcript"]["text"] != message["text"]:
        say("\n".join(f"   {line}" for line in message["text"].splitlines()) or "   (no text)")
    for file in message["attachments"]:
        careful = f"  careful: {file['dangerous']}" if file["dangerous"] else ""
        digest = (file["sha256"] or "")[:12]
        gone = f"  removed {_read(file['removed_at'], zone)}" if file.get("removed_at") else ""
        say(f"   + {file['filename']}  {file['content_type']}  {file['size']} bytes  {digest}{careful}{gone}")
    say("")


def _data(event: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in event.items() if value not in (None, "", [], {})}
    return "  ".join(f"{key}={plain(value)}" for key, value in shown.items())


# --- original bytes ----------------------------------------------------------------------------------------


def _raw(records: Records, case: Case, wanted: str) -> bytes:
    for place, row in enumerate(records.cases.entries(case.id), start=1):
        if wanted in (str(place), row["message_ref"]):
            octets = _original(records, row)
            if octets is None:
                raise NotFound(
                    f"message {wanted} of case {case.number} has no mail behind it: a note, a call"
                )
            if not octets:
                raise NotFound(f"message {wanted} of case {case.number} was removed; its texts stay")
            return octets
    raise NotFound(f"case {case.number} has no message {wanted}; `case show {case.number}` numbers them")


def _original(records: Records, row: Mapping[str, Any]) -> bytes | None:
    """The mail behind an entry: what we sent, or what we received. None for a note."""
    if row["direction"] == "out":
        sent = records.outbox.get(row["outbox_id"]) if row["outbox_id"] else None
        return bytes(sent["raw"]) if sent else None
    if row["direction"] == "note" or not row["message_id"]:
        return None
    return records.inbox.raw(row["message_id"])


def _attachment(records: Records, case: Case, wanted: str) -> bytes:
    found = dict(_named(records, case, wanted))
    if not found:
        raise NotFound(f"case {case.number} has no file {wanted!r}")
    if len(found) > 1:
        digests = ", ".join(digest[:12] for digest in found)
        raise Permanent(
            f"case {case.number} has several files {wanted!r}; name one by its SHA-256: {digests}"
        )
    digest, row = next(iter(found.items()))
    if row["direction"] == "in" and row["message_id"]:
        fetched = records.fetched.by_digest(row["message_id"], digest)
        if fetched is not None:
            return fetched.data
    return _part(_original(records, row), digest)


def _named(records: Records, case: Case, wanted: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    digest = wanted.lower() if len(wanted) >= LEAST_DIGEST else "no digest"
    for row in records.cases.entries(case.id):
        for item in row["attachments"] or ():
            here = str(item.get("sha256") or "")
            if item.get("filename") == wanted or here.startswith(digest):
                yield here, row


def _part(octets: bytes | None, digest: str) -> bytes:
    """The part with this digest, whatever its place: parts are found by their bytes."""
    from mailbridge.mail.parse import parse, part_bytes

    if octets is not None:
        for item in parse(octets).attachments:
            if item.sha256 == digest:
                return part_bytes(octets, item.part)
    raise NotFound(f"the mail that held the file {digest[:12]} is not there any more")


def _give(octets: bytes, out: Path | None, force: bool) -> None:
    if out is None:
        if sys.stdout.isatty():
            # a stranger's bytes can steer a terminal
            raise click.UsageError("these bytes are not for a terminal: give --out FILE, or a pipe")
        sys.stdout.buffer.write(octets)
        return
    try:
        with out.open("wb" if force else "xb") as file:
            file.write(octets)
    except FileExistsError:
        raise CannotWrite(f"{out} is there already; --force overwrites it") from None
    except OSError as error:
        raise CannotWrite(f"{out} cannot be written: {error.strerror or error}") from None
    say(f"{len(octets)} bytes written to {out}")


COMMANDS = (list_, show)
