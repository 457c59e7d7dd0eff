"""The verbs of `mailbridge case` that change a case: each one decision of policy.command, applied at once."""

from __future__ import annotations

import click
from click import option

from mailbridge.cli.case_who import (
    act,
    acting,
    as_json,
    author,
    case_number,
    desk_of,
    number,
    text_of,
    told,
    why,
    words,
)
from mailbridge.cli.context import Context, pass_context
from mailbridge.errors import Permanent


@click.command("reply")
@number
@words
@acting("--from")
@as_json
@pass_context
def reply(context: Context, number: int, words: tuple[str, ...], who: str, as_json: bool) -> None:
    """Answer the customer from the support address; the case then waits on him.

    The text stands on the line, or comes from standard input.
    """
    from mailbridge.policy import command

    text = text_of(words, "answer")
    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: lambda facts, case, now: command.reply(facts, case, now, author=me, text=text),
    )


@click.command("note")
@number
@words
@acting("--from")
@as_json
@pass_context
def note(context: Context, number: int, words: tuple[str, ...], who: str, as_json: bool) -> None:
    """Add a note that only staff see."""
    from mailbridge.policy import command

    text = text_of(words, "note")
    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: lambda facts, case, now: command.note(facts, case, now, author=me, text=text),
    )


@click.command("close")
@number
@why
@option("--notify", is_flag=True, help="Tell the customer.")
@acting()
@as_json
@pass_context
def close(context: Context, number: int, reason: str, notify: bool, who: str, as_json: bool) -> None:
    """Close a case."""
    from mailbridge.policy import command

    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: (
            lambda facts, case, now: command.close(facts, case, now, author=me, reason=reason, notify=notify)
        ),
    )


@click.command("reopen")
@number
@why
@acting()
@as_json
@pass_context
def reopen(context: Context, number: int, reason: str, who: str, as_json: bool) -> None:
    """Open a closed case again; an answer is owed from now."""
    from mailbridge.policy import command

    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: lambda facts, case, now: command.reopen(facts, case, now, author=me, reason=reason),
    )


@click.command("hold")
@number
@option("--until", default="", metavar="DATE", help="Date, or time with offset; else until released.")
@why
@acting()
@as_json
@pass_context
def hold(context: Context, number: int, until: str, reason: str, who: str, as_json: bool) -> None:
    """Keep a case from closing by silence.

    A date means the first opening of the policy's calendar on that day or after it.
    """
    from mailbridge.policy import command

    act(
        context,
        number,
        who,
        as_json,
        lambda desk, me: (
            lambda facts, case, now: command.hold(
                facts,
                case,
                now,
                author=me,
                until=command.hold_until(desk.policy, until) if until else None,
                reason=reason,
            )
        ),
    )


@click.command("release")
@number
@why
@acting()
@as_json
@pass_context
def release(context: Context, number: int, reason: str, who: str, as_json: bool) -> None:
    """End a hold; the customer's silence counts again."""
    from mailbridge.policy import command

    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: lambda facts, case, now: command.release(facts, case, now, author=me, reason=reason),
    )


@click.command("severity")
@number
@click.argument("severity", default="", metavar="[SEVERITY]")
@option("--plan", default="", metavar="PLAN", help="Another plan as well.")
@why
@acting()
@as_json
@pass_context
def severity(
    context: Context, number: int, severity: str, plan: str, reason: str, who: str, as_json: bool
) -> None:
    """Set another severity; the deadline is counted anew from the original arrival."""
    from mailbridge.policy import command

    if not severity and not plan:
        raise click.UsageError("give a SEVERITY, or a --plan")
    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: (
            lambda facts, case, now: command.severity(
                facts, case, now, author=me, severity=severity, plan=plan, reason=reason
            )
        ),
    )


@click.command("escalate")
@number
@why
@acting()
@as_json
@pass_context
def escalate(context: Context, number: int, reason: str, who: str, as_json: bool) -> None:
    """Raise a case by one level and tell that level's people."""
    from mailbridge.policy import command

    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: lambda facts, case, now: command.escalate(facts, case, now, author=me, reason=reason),
    )


@click.command("assign")
@number
@click.argument("address", metavar="ADDRESS")
@acting()
@as_json
@pass_context
def assign(context: Context, number: int, address: str, who: str, as_json: bool) -> None:
    """Give a case to one of the staff: an address, "me", or "nobody"."""
    from mailbridge.policy import command

    act(
        context,
        number,
        who,
        as_json,
        lambda _, me: (
            lambda facts, case, now: command.assign(
                facts, case, now, author=me, address={"me": me, "nobody": ""}.get(address.lower(), address)
            )
        ),
    )


@click.command("merge")
@number
@click.argument("target", callback=case_number, metavar="INTO")
@why
@acting()
@as_json
@pass_context
def merge(context: Context, number: int, target: int, reason: str, who: str, as_json: bool) -> None:
    """Make case N part of case INTO, which then answers for both numbers."""
    act(context, number, who, as_json, lambda desk, me: desk.merging(target, me, reason))


@click.command("split")
@number
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT...")
@option("--text", "texts", multiple=True, metavar="TEXT", help="What each is about, in their order.")
@acting()
@as_json
@pass_context
def split(
    context: Context, number: int, subjects: tuple[str, ...], texts: tuple[str, ...], who: str, as_json: bool
) -> None:
    """Open a case of its own for each SUBJECT of a mail with several issues; each is acknowledged.

    Without --text each gets the text of the mail that opened case N.
    """
    if len(texts) > len(subjects):
        raise click.UsageError("there are more --text than SUBJECT")
    if not all(subject.strip() for subject in subjects):
        raise Permanent("a case needs a subject")  # before the first of them is opened
    _split(context, number, subjects, texts, who, as_json)


def _split(
    context: Context, number: int, subjects: tuple[str, ...], texts: tuple[str, ...], who: str, as_json: bool
) -> None:
    wanted = [*texts, *[""] * (len(subjects) - len(texts))]
    with desk_of(context) as desk:
        numbers = desk.split(number, author(desk, who), list(zip(subjects, wanted, strict=True)))
        told(desk, desk.cases.get(number), as_json, f"Opened {', '.join(map(str, numbers))}. ")


COMMANDS = (reply, note, close, reopen, hold, release, severity, escalate, assign, merge, split)
