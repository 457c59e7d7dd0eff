"""`mailbridge case`: what staff do with cases from a shell.

What it promises: each verb is one decision, applied whole or not at all; it says what happened, or with
--json prints the case as `case show --json` does. How it fails: NotFound (65) for an unknown case,
Permanent (65) where the case is in the wrong state, CannotWrite (73) for an output file, Temporary (75).
"""

from __future__ import annotations

import click

from mailbridge.cli import case_act, case_open, case_show, case_voice
from mailbridge.cli.group import Group


@click.group("case", cls=Group)
def command() -> None:
    """List, show, answer, close and otherwise work on cases.

    Who you are is told by --as, else by $MAILBRIDGE_STAFF, else it is the first of [site] staff.
    """


for _each in (*case_show.COMMANDS, *case_open.COMMANDS, *case_act.COMMANDS, *case_voice.COMMANDS):
    command.add_command(_each)
