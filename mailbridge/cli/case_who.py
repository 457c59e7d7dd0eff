"""What the case commands share: the desk, who acts, texts from the line or standard input, the last word.

Who acts is told by --as, $MAILBRIDGE_STAFF or the first of [site] staff, and must be one of the staff: the
name stands on the record and, of an answer, in front of the customer.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click import option

from mailbridge.cli.context import Context
from mailbridge.cli.output import local, print_json, say
from mailbridge.errors import Permanent

if TYPE_CHECKING:
    from mailbridge.model.case import Case
    from mailbridge.work.desk import Decide, Desk

VARIABLE = "MAILBRIDGE_STAFF"
MOST_BYTES = 1 << 20
_F = TypeVar("_F", bound=Callable[..., Any])


def case_number(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """A case's number, also as it stands in subjects: 1042, #1042, [#1042]."""
    if value is None:
        return None
    digits = re.fullmatch(r"\[?#?([0-9]{1,10})\]?", value.strip())
    if digits is None or not 1 <= int(digits[1]) < 2**32:
        raise click.BadParameter(f"{value!r} is no case number; write it like 1042")
    return int(digits[1])


number = click.argument("number", callback=case_number, metavar="N")
words = click.argument("words", nargs=-1, metavar="[TEXT | -]")
as_json = option("--json", "as_json", is_flag=True, help="Print the case as JSON.")
why = option("--reason", default="", metavar="WORDS", help="Why; stands on the case's record.")


def acting(*names: str) -> Callable[[_F], _F]:
    """The option that says who acts, under these further names."""
    help_ = f"Who you are; else ${VARIABLE}, else the first of [site] staff."
    return option("--as", *names, "who", default="", metavar="ADDRESS", help=help_)


@contextmanager
def desk_of(context: Context) -> Iterator[Desk]:
    """The desk on the configured store. Raises ConfigInvalid, StoreUnavailable, CannotWrite."""
    from mailbridge.work.desk import Desk

    with Desk.open(context.config()) as desk:
        yield desk


def author(desk: Desk, who: str) -> str:
    """The address of the staff member who acts, lower case. Raises Permanent for anybody else."""
    staff = [person.key for person in (*desk.config.site.staff, *desk.config.site.admins)]
    found = (who or os.environ.get(VARIABLE, "") or next(iter(staff), "")).strip().lower()
    if found not in staff:
        raise Permanent(f"{found or 'nobody'} is not of the staff; [site] staff names {', '.join(staff)}")
    return found


def text_of(given: Sequence[str], what: str) -> str:
    """The words of the command line, or standard input where there are none or a single "-"."""
    if given and tuple(given) != ("-",):
        return " ".join(given)
    if sys.stdin.isatty():
        click.echo(f"Type the {what}; end it with Ctrl-D.", err=True)
    octets = sys.stdin.buffer.read(MOST_BYTES + 1)
    if len(octets) > MOST_BYTES:
        raise Permanent(f"the {what} is longer than {MOST_BYTES} bytes")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Permanent(f"the {what} is not UTF-8 at byte {error.start}") from None


def act(
    context: Context,
    number: int,
    who: str,
    as_json: bool,
    fn: Callable[[Desk, str], Decide],
) -> Case:
    """Apply one decision to a case and say what came of it. fn: (desk, author) -> the decide function."""
    with desk_of(context) as desk:
        case = desk.on_case(number, fn(desk, author(desk, who)))
        told(desk, case, as_json)
        return case


def told(desk: Desk, case: Case, as_json: bool, before: str = "") -> None:
    """The last word of a command: the case as JSON, or in a sentence or two."""
    from mailbridge.cli import case_data

    if as_json:
        print_json(case_data.document(desk, case))
        return
    say(f"{before}{sentence(case, desk.zone)}")
    sys.stdout.flush()


def sentence(case: Case, zone: tzinfo) -> str:
    """The case in one line for a person; times in zone."""
    if case.duplicate_of is not None:
        return f"Case {case.number} is closed: merged into case {case.duplicate_of}."
    parts = [f"Case {case.number} is {case.status.value}, {case.severity}"]
    if case.escalation_level:
        parts.append(f"escalated to level {case.escalation_level}")
    if case.assigned_to:
        parts.append(f"with {case.assigned_to}")
    if case.held:
        parts.append(f"held until {local(case.hold_until, zone) or 'released'}")
    if case.respond_by and case.deadline_state.value in ("pending", "missed"):
        verb = "was due" if case.deadline_state.value == "missed" else "is due"
        parts.append(f"an answer {verb} {local(case.respond_by, zone)}")
    if case.auto_close_at:
        parts.append(f"closes by silence {local(case.auto_close_at, zone)}")
    return ", ".join(parts) + "."
