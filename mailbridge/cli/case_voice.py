"""`mailbridge case retranscribe` and `case forget`: recordings once more, or no more.

Promises: each recording to be heard again is a job in the store first, so that a daemon finishes what a
closed shell has begun; whoever is quicker does it. The old transcript is kept, the case says in what the new
one differs. What is forgotten is gone from every place that repeats it, and the case says what, when and why.
Fails with NotFound (65) where there is no recording, Unavailable (69) without a usable model.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click import option

from mailbridge.cli.case_who import acting, author, case_number, desk_of, told
from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import print_json, say
from mailbridge.cli.transcribe import NO_MODEL, model_path
from mailbridge.errors import NotFound, Permanent, Unavailable

if TYPE_CHECKING:
    from mailbridge.work.desk import Desk
    from mailbridge.work.recordings import Kept

TRIES = 3
LOOK_S = 0.3
PATIENCE_S = 30.0  # beyond the time that the daemon may take for one recording

Asked = tuple["Kept", str]
"""A recording and the key of its job; "" where there is nothing left to hear."""


@click.command("retranscribe")
@click.argument("number", callback=case_number, metavar="[N]", required=False)
@option("--since", default="", metavar="DATE", help="Every recording that came since then, not one case's.")
@option("--model", default="", metavar="NAME", help="Its name or folder; else the configured one.")
@option("--queue", is_flag=True, help="Leave the work to the daemon.")
@option("--json", "as_json", is_flag=True, help="One JSON array, a row a recording.")
@click.pass_context
def retranscribe(
    ctx: click.Context, number: int | None, since: str, model: str, queue: bool, as_json: bool
) -> None:
    """Hear recordings of case N, or all since a date, once more and show what is different.

    The old transcript is kept. The case shows the newest one that has words.
    """
    if (number is None) == (not since):
        raise click.UsageError("give the number of a case, or --since DATE")
    context: Context = ctx.find_root().obj
    where = model_path(ctx, model) if model else None
    with desk_of(context) as desk:
        _need_model(desk, where)
        found = _kept(desk, number, since)
        asked = _ask(desk, found, where)
        if not queue:
            _listen(desk, [key for _, key in asked if key], where)
        rows = [_row(desk, kept, key, queue) for kept, key in asked]
    if as_json:
        print_json(rows)
    else:
        _tell(rows)


def _need_model(desk: Desk, where: Path | None) -> None:
    from transcription.engine import check_model
    from transcription.errors import ModelError

    configured = desk.config.voicemail.model if desk.config.voicemail else None
    chosen = where or configured
    if chosen is None:
        raise Unavailable(NO_MODEL)
    try:
        check_model(chosen)
    except ModelError as error:
        raise Unavailable(str(error)) from error


def _kept(desk: Desk, number: int | None, since: str) -> list[Kept]:
    from mailbridge.work import recordings

    if number is None:
        return list(recordings.kept_since(desk, _instant(desk, since)))
    found = recordings.kept(desk, number)
    if not found:
        raise NotFound(f"case {number} has no recording")
    return found


def _instant(desk: Desk, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Permanent(
            f"--since {text!r} is no date; wanted: such as 2026-01-31 or 2026-01-31T08:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=desk.zone)


def _ask(desk: Desk, found: Sequence[Kept], where: Path | None) -> list[Asked]:
    from mailbridge.store.transcripts import Transcripts

    now = desk.clock.now()
    rows = Transcripts(desk.store)
    asked = []
    for kept in found:
        model = str(where) if where else ""
        key = "" if kept.gone else rows.ask(kept.message_id, kept.part, kept.case.id, model, now)
        asked.append((kept, key))
    return asked


def _listen(desk: Desk, keys: Sequence[str], where: Path | None) -> None:
    """Hear them here, but for those that a daemon was quicker to take: wait for it."""
    if not keys:
        return
    from mailbridge.config import Voicemail
    from mailbridge.work.listen import Listener
    from transcription.pool import Pool

    voicemail = desk.config.voicemail or Voicemail()
    model = where or voicemail.model
    assert model is not None
    with Pool(model, voicemail.processes, float(voicemail.timeout_s), background=False) as pool:
        listener = Listener(desk, pool)
        size = voicemail.processes
        for some in (keys[at : at + size] for at in range(0, len(keys), size)):
            for _ in range(TRIES):
                listener.listen_to(some)
            _wait(desk, some, voicemail.timeout_s + PATIENCE_S)


def _wait(desk: Desk, keys: Sequence[str], most_s: float) -> None:
    ends_s = time.monotonic() + most_s
    while any(desk.jobs.state(key) == "running" for key in keys) and time.monotonic() < ends_s:
        time.sleep(LOOK_S)


# --- what came of it ---------------------------------------------------------------------------------------


def _row(desk: Desk, kept: Kept, key: str, queued: bool) -> dict[str, Any]:
    from mailbridge.store.transcripts import Transcripts

    row: dict[str, Any] = {"case": kept.case.number, "message": kept.message_id, "part": kept.part}
    if kept.gone:
        return row | {"state": "removed", "reason": "the recording was removed"}
    run = key.rpartition(":")[2]
    rows = [one for one in Transcripts(desk.store).of(kept.message_id) if one["part"] == kept.part]
    new = next((one for one in rows if (one["data"] or {}).get("run") == run), None)
    if new is None:
        return row | _nothing_new(desk, key, queued)
    old = next((one for one in reversed(rows) if one["id"] < new["id"] and one["state"] == "speech"), None)
    return row | _compared(old, new)


def _nothing_new(desk: Desk, key: str, queued: bool) -> dict[str, Any]:
    if desk.jobs.state(key) is not None:
        return {
            "state": "queued",
            "reason": "" if queued else "it could not be heard now; the daemon will try",
        }
    return {"state": "failed", "reason": "the recording cannot be heard; the case says why"}


def _compared(old: Any, new: Any) -> dict[str, Any]:
    from transcription.evaluate import compare

    changes = compare(_words(old), _words(new))
    return {
        "state": new["state"],
        "model": new["model"],
        "model_before": old["model"] if old else None,
        "confidence": new["confidence"],
        "confidence_before": old["confidence"] if old else None,
        "text": new["text"],
        "text_before": old["text"] if old else None,
        "changes": [{"old": was, "new": now} for was, now in changes],
        "reason": "",
    }


def _words(row: Any) -> str:
    return " ".join(str(word["word"]) for word in (row["words"] or ())) if row else ""


def _tell(rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        say("No recording came since then.")
    for row in rows:
        say("\n".join(_lines(row)))


def _lines(row: dict[str, Any]) -> Iterator[str]:
    head = f"Case {row['case']}, message {row['message']}"
    if "model" not in row:
        yield f"{head}: {row['reason'] or 'queued; the daemon will hear it'}"
        return
    was = f", before {row['model_before']} {_sure(row['confidence_before'])}" if row["model_before"] else ""
    yield f"{head}: {row['model']} {_sure(row['confidence'])}{was}"
    if row["text_before"] and not row["changes"]:
        yield "   the same words"
        return
    yield f"   {row['text']}"
    for change in row["changes"] if row["text_before"] else ():
        yield f"   - {change['old'] or '(nothing)'}   + {change['new'] or '(nothing)'}"


def _sure(confidence: float | None) -> str:
    return "(no words)" if confidence is None else f"({confidence:.2f})"


# --- no more -----------------------------------------------------------------------------------------------


@click.command("forget")
@click.argument("number", callback=case_number, metavar="N")
@option("--recordings", is_flag=True, help="The recordings, with the mails that brought them.")
@option("--transcripts", is_flag=True, help="What was understood of them, wherever it stands.")
@option("--reason", default="", metavar="WORDS", help="Why; stands on the case's record.")
@acting()
@option("--json", "as_json", is_flag=True, help="Print the case as JSON.")
@pass_context
def forget(
    context: Context,
    number: int,
    recordings: bool,
    transcripts: bool,
    reason: str,
    who: str,
    as_json: bool,
) -> None:
    """Remove the recordings or transcripts of case N for good. The case stays, and says what was removed."""
    from mailbridge.store.removal import Which, remove_mail, remove_transcripts

    if not (recordings or transcripts):
        raise click.UsageError("say what: --recordings, --transcripts, or both")
    with desk_of(context) as desk:
        case, now = desk.cases.get(number), desk.clock.now()
        which = Which(f"{author(desk, who)}: {reason or 'asked for'}", case_id=case.id)
        gone = []
        if recordings:
            gone.append(_counted(remove_mail(desk.store, which, now, voicemail_only=True), "recording"))
        if transcripts:
            gone.append(_counted(remove_transcripts(desk.store, which, now), "transcript"))
        told(desk, desk.cases.get(number), as_json, f"Removed {' and '.join(gone)}. ")


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


COMMANDS = (retranscribe, forget)
