"""The command `mailbridge`: global options, commands loaded by name, errors turned into exit codes.

What it promises: a command's module is imported only when the command is used, so that --help is fast and one
broken part leaves the others usable. An error is one sentence on standard error, a line a problem where a
configuration is wrong; a traceback only with -vv or MAILBRIDGE_DEBUG=1.
How it fails: exit codes of sysexits.h: 64 usage, what a MailbridgeError says, 70 for what nobody foresaw (75
in `ingest`: a mail server that pipes to us must try again, never bounce), 130 after Ctrl-C.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
import traceback
from pathlib import Path

import click
from click import option

import mailbridge
from mailbridge.cli.context import DEFAULT_PATH, VARIABLE, Context
from mailbridge.errors import ConfigInvalid, MailbridgeError, Unavailable

EX_USAGE, EX_SOFTWARE, EX_CANTCREAT, EX_TEMPFAIL = 64, 70, 73, 75
EX_INTERRUPTED, EX_PIPE = 130, 141  # as a shell reports SIGINT and SIGPIPE
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
COMMANDS = {
    "demo": "Show the whole job on this machine, with nothing configured.",
    "serve": "Run the daemon.",
    "check": "Say everything that is wrong with configuration, policy and templates.",
    "ingest": "Take raw messages from files or standard input.",
    "case": "List, show, answer, close and otherwise work on cases.",
    "queue": "See and steer what waits, failed or is quarantined.",
    "contacts": "Import, export and list accounts and contacts; revive dead addresses.",
    "deadline": "Explain a promise: by when an answer is due, and why.",
    "simulate": "Play a scenario on a virtual clock.",
    "explain": "Say why a message was treated as it was.",
    "replay": "Run a message that was set aside through the rules again.",
    "status": "Show queues, deadlines at risk, mailboxes, model and disk.",
    "transcribe": "Turn recordings into text.",
    "model": "List and install speech models.",
    "login": "Make the line that lets a staff member log in by SMTP.",
    "db": "Upgrade, back up, restore and check the database.",
}


class LazyGroup(click.Group):
    """A group whose commands are modules mailbridge.cli.<name>, each with a click command named `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        return load_command(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands by the table above: nothing is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"there is no command {args[0]!r}{_nearest(args[0])}")
        return super().resolve_command(ctx, args)


def _nearest(word: str) -> str:
    import difflib

    found = difflib.get_close_matches(word, COMMANDS, n=1)
    return f"; did you mean {found[0]}?" if found else f"; known are {', '.join(COMMANDS)}"


def load_command(name: str) -> click.Command:
    """The command of module mailbridge.cli.<name>. Raises Unavailable where the part is not installed."""
    module = f"mailbridge.cli.{name}"
    try:
        command = importlib.import_module(module).command
    except ModuleNotFoundError as error:
        missing = error.name or "a module"
        what = (
            "is not part of this installation" if missing == module else f"needs {missing}, which is missing"
        )
        raise Unavailable(f"the command {name} {what}; install mailbridge again") from error
    assert isinstance(command, click.Command)
    return command


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@option(
    "-c",
    "--config",
    "config_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Site configuration; else ${VARIABLE}, else {DEFAULT_PATH}.",
)
@option("-v", "--verbose", count=True, help="Log more; twice also shows tracebacks.")
@click.version_option(mailbridge.__version__, prog_name="mailbridge", message="%(prog)s %(version)s")
@click.pass_context
def main(ctx: click.Context, config_path: Path | None, verbose: int) -> None:
    """Support mail and voicemail become cases, and the promises of a support policy are kept.

    Start with `mailbridge demo`; then write a configuration and try `mailbridge check`.
    """
    from mailbridge import log

    # serve sets its own level from the configuration; any other command is quiet unless asked
    log.setup([log.Level.WARNING, log.Level.INFO, log.Level.DEBUG][min(verbose, 2)])
    if ctx.obj is None:
        ctx.obj = Context(config_path, verbose)


def run(args: list[str] | None = None) -> None:
    """Entry point of the program: runs the command and exits."""
    words = sys.argv[1:] if args is None else args
    code = execute(words)
    sys.exit(code)


def execute(words: list[str]) -> int:
    """Run a command line. Returns its exit code; prints the sentence of an error on standard error."""
    try:
        code = main.main(args=words, prog_name="mailbridge", standalone_mode=False)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the last line of defence: no traceback reaches a person
        return _failed(error, words)
    return code if isinstance(code, int) else 0


def _failed(error: BaseException, words: list[str]) -> int:
    """Say what went wrong in one sentence, and return the exit code."""
    if isinstance(error, SystemExit):
        # click takes EPIPE itself, wraps standard output in this class and exits with 1
        if "PacifyFlushWrapper" in type(sys.stdout).__name__:
            return EX_PIPE
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return EX_INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _drop_output()
        return EX_PIPE
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, OSError) and error.errno in _FULL and error.filename is None:
        _drop_output()
        click.echo(f"mailbridge: standard output cannot be written: {error.strerror}", err=True)
        return EX_CANTCREAT
    if _debug(words):
        traceback.print_exception(error)
    if isinstance(error, MailbridgeError):
        _sentence(error)
        return error.exit_code
    return _unforeseen(error, words)


def _usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.ctx.get_help() if error.ctx else error.message, err=True)
    else:
        hint = (
            f" (see {error.ctx.command_path} --help)"
            if isinstance(error, click.UsageError) and error.ctx
            else ""
        )
        click.echo(f"mailbridge: {_one_line(error.format_message())}{hint}", err=True)
    return EX_CANTCREAT if isinstance(error, click.FileError) else EX_USAGE


def _sentence(error: MailbridgeError) -> None:
    if isinstance(error, ConfigInvalid):
        for problem in error.problems:
            click.echo(f"mailbridge: {_one_line(str(problem))}", err=True)
    else:
        click.echo(f"mailbridge: {_one_line(str(error) or type(error).__name__)}", err=True)


def _unforeseen(error: BaseException, words: list[str]) -> int:
    """What nobody foresaw: our bug, but temporary for a mail server that pipes to us."""
    ingesting = next((word for word in words if word in COMMANDS), "") == "ingest"
    where = f"{type(error).__name__}: {_one_line(str(error))}"
    retry = "; nothing is lost, try again" if ingesting else ""
    click.echo(f"mailbridge: unforeseen: {where}{retry} (a bug; -vv shows where)", err=True)
    return EX_TEMPFAIL if ingesting else EX_SOFTWARE


def _one_line(text: str) -> str:
    from mailbridge.cli.output import clean

    return clean(" ".join(text.split()))


def _debug(words: list[str]) -> bool:
    verbose = sum(word.count("v") for word in words if word.strip("v") == "-")
    return verbose >= 2 or os.environ.get("MAILBRIDGE_DEBUG", "") not in ("", "0")


def _drop_output() -> None:
    """Point standard output nowhere, or Python complains once more when it exits."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
