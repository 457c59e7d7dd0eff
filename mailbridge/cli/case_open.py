"""`mailbridge case open`: a case on behalf of a customer, by text or by a recording.

A recording goes the way of all mail: it becomes a message in the inbox with the audio attached, is stored
first and then decided, acknowledged and transcribed as a call would be. The same recording of the same caller
once more is the same message: nothing new is opened, and it says so.
Fails with Permanent (65) for what is no address, severity, plan or readable recording.
"""

from __future__ import annotations

import re
from pathlib import Path

import click
from click import option

from mailbridge.cli.case_who import acting, as_json, author, desk_of, text_of, told, words
from mailbridge.cli.context import Context, pass_context
from mailbridge.errors import Permanent

MOST_AUDIO_BYTES = 100 << 20


@click.command("open")
@words
@option("--from", "requester", default="", metavar="ADDRESS", help="The customer.")
@option("--name", default="", metavar="NAME", help="The customer's name.")
@option("--subject", default="", metavar="S", help="What it is about.")
@option(
    "--channel",
    type=click.Choice(["portal", "email", "voicemail", "staff"]),
    default="portal",
    show_default=True,
    help="How it came.",
)
@option("--severity", default="", metavar="S", help="Severity; else the policy's for the channel.")
@option("--plan", default="", metavar="P", help="Plan; else the account's.")
@option("--voicemail", type=click.Path(path_type=Path), metavar="FILE", help="A recording, instead of TEXT.")
@option("--caller", default="", metavar="NUMBER", help="Who called, with --voicemail.")
@acting()
@as_json
@pass_context
def open_(
    context: Context,
    words: tuple[str, ...],
    requester: str,
    name: str,
    subject: str,
    channel: str,
    severity: str,
    plan: str,
    voicemail: Path | None,
    caller: str,
    who: str,
    as_json: bool,
) -> None:
    """Open a case for a customer: TEXT from the line or standard input, or a recording.

    Only here, and by `case severity`, does a case get another severity than the policy gives to mail.
    """
    if voicemail is not None:
        if words or requester or subject or severity or plan:
            raise click.UsageError("--voicemail goes with --caller and --name alone")
        _open_voicemail(context, voicemail, caller, name, as_json)
        return
    if caller:
        raise click.UsageError("--caller goes with --voicemail")
    if not subject.strip():
        raise click.UsageError("a case needs a --subject")
    if channel != "voicemail" and not requester.strip():
        raise click.UsageError("whose case is it? Give the customer's address by --from")
    values = {"subject": subject, "requester": requester, "requester_name": name}
    _open_text(context, values | {"severity": severity, "plan": plan}, channel, words, who, as_json)


def _open_text(
    context: Context, values: dict[str, str], channel: str, words: tuple[str, ...], who: str, as_json: bool
) -> None:
    from mailbridge.model.case import Channel
    from mailbridge.policy.command_open import open_by_staff

    text = text_of(words, "message")
    with desk_of(context) as desk:
        me = author(desk, who)
        case = desk.open_case(
            lambda facts, now: open_by_staff(
                facts, now, author=me, text=text, channel=Channel(channel), **values
            ),
            contact_of=values["requester"].strip().lower(),
        )
        told(desk, case, as_json, "Opened. ")


def _open_voicemail(context: Context, file: Path, caller: str, name: str, as_json: bool) -> None:
    from mailbridge.intake.voicefile import Call, compose
    from mailbridge.model.envelope import Envelope, Way

    recording, suffix = _recording(file), _suffix(file)
    callerid = f'"{_bare(name)}" <{_bare(caller)}>'
    with desk_of(context) as desk:
        address = desk.config.site.support[0].address
        raw = compose(Call({"callerid": callerid}), recording, suffix, address)
        envelope = Envelope(Way.SHELL, None, (address,), desk.clock.now(), source=file.name[:200])
        outcome = desk.take(envelope, raw)
        if outcome.case is None:
            raise Permanent(f"{file}: {outcome.outcome}: {outcome.reason or 'no case was opened'}")
        known = "This recording of this caller is known already. " if outcome.outcome == "duplicate" else ""
        told(desk, desk.cases.get(outcome.case), as_json, known or "Opened. ")


def _recording(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            found = stream.read(MOST_AUDIO_BYTES + 1)
    except OSError as error:
        raise Permanent(f"{file}: {error.strerror or error}") from None
    if not found:
        raise Permanent(f"{file} is empty")
    if len(found) > MOST_AUDIO_BYTES:
        raise Permanent(f"{file} is bigger than {MOST_AUDIO_BYTES >> 20} MiB")
    return found


def _suffix(file: Path) -> str:
    suffix = file.suffix.removeprefix(".")
    if not re.fullmatch(r"[A-Za-z0-9]{1,5}", suffix):
        raise Permanent(f"{file}: a recording's name ends in its format, such as .wav or .mp3")
    return suffix if suffix == "WAV" else suffix.lower()


def _bare(value: str) -> str:
    """One line without what would end a name or a number."""
    return " ".join("".join(c if c.isprintable() and c not in '<>"' else " " for c in value).split())[:200]


COMMANDS = (open_,)
