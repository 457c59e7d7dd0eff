"""`mailbridge demo`: the whole job on loopback, with embedded defaults and nothing configured.

What it promises: real SMTP, IMAP, relay, speech recogniser and database; nothing leaves this machine, and
nothing stays on it. No escape codes into a pipe.
How it fails: one sentence; exit 69 where a part of the world cannot run here, 70 where what was seen is not
what is promised.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click
from click import option

from mailbridge.cli.output import print_json

if TYPE_CHECKING:
    from mailbridge.ops.demo_tell import Teller
    from mailbridge.ops.demo_world import World


@click.command("demo")
@option("--keep", is_flag=True, help="Leave it running afterwards, until Ctrl-C.")
@option("--json", "as_json", is_flag=True, help="The story's facts as one JSON document.")
def command(keep: bool, as_json: bool) -> None:
    """Show the whole job on this machine, with nothing configured.

    Mail by SMTP and IMAP and a voicemail come in; cases, acknowledgements, a transcript, deadlines, a staff
    answer, an escalation and an auto-close come of it, on a clock that jumps over the waiting.
    """
    from mailbridge.ops.demo_ends import missing_part
    from mailbridge.ops.demo_story import START
    from mailbridge.ops.demo_tell import Teller
    from mailbridge.ops.demo_world import StoryClock, world

    begun = time.monotonic()
    missing_part()
    teller = Teller(None) if as_json else Teller.to(_lenient(sys.stdout))
    with _folder() as folder, world(folder, StoryClock(START)) as made:
        facts = _tell(made, teller, begun)
        if as_json:
            print_json(facts)
        if keep:
            from mailbridge.ops.demo_keep import keep_running

            keep_running(made, Teller(None) if as_json else teller)


def _tell(made: World, teller: Teller, begun: float) -> dict[str, Any]:
    """The story with its first and last words; returns its facts."""
    from mailbridge.ops.demo_frame import finish, introduce
    from mailbridge.ops.demo_story import Story

    introduce(made, teller)
    story = Story(made, teller)
    story.play()
    seconds = time.monotonic() - begun
    cases = story.cases()
    finish(made, teller, cases, seconds)
    return {
        "ok": True,
        "policy": made.desk.policy.name,
        "ended_at": made.clock.now(),
        "seconds": round(seconds, 3),
        "scenes": story.facts,
        "cases": cases,
    }


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder for configuration and database, gone afterwards."""
    from mailbridge.errors import CannotWrite

    try:
        made = tempfile.TemporaryDirectory(prefix="mailbridge-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise CannotWrite(f"{tempfile.gettempdir()}: no folder can be made for the demo: {error}") from error
    with made as name:
        yield Path(name)


def _lenient(file: TextIO) -> TextIO:
    """Standard output that writes "?" for what its encoding does not have, instead of failing."""
    reconfigure = getattr(file, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    return file
