"""`mailbridge check`: everything that is wrong, at once, before the daemon is started.

What it promises: configuration, the files that it names, policy and templates are all looked at, also where
one of them is wrong; nothing is changed and nothing sent. --connect also logs in to mailboxes and relay, asks
the database and loads the model. How it fails: exit 78 where something is configured wrongly, 69 where only a
connection fails; each trouble is one line.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click import option

from mailbridge.cli.context import Context, pass_context
from mailbridge.cli.output import print_json, say
from mailbridge.clock import SystemClock
from mailbridge.errors import ConfigInvalid, MailbridgeError, NotFound, Problem, Unavailable

if TYPE_CHECKING:
    from mailbridge.config import Config, Imap, Relay

MODEL_S = 300
CONNECT_S = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: its name, what is wrong, a note where all is well, and if it is a connection."""

    name: str
    problems: tuple[Problem, ...] = ()
    note: str = ""
    connection: bool = False

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class Report:
    """What was looked at, in order."""

    source: str
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        if any(not found.ok and not found.connection for found in self.findings):
            return ConfigInvalid.exit_code
        return 0 if all(found.ok for found in self.findings) else Unavailable.exit_code

    def look(self, name: str, at: Callable[[], str], *, connection: bool = False) -> None:
        """Call at(), which gives a note or raises; keep what came of it."""
        try:
            self.findings.append(Finding(name, note=at(), connection=connection))
        except ConfigInvalid as error:
            self.findings.append(Finding(name, error.problems, connection=False))
        except (MailbridgeError, OSError) as error:
            problem = Problem(name, "", "", " ".join(str(error).split()) or type(error).__name__)
            self.findings.append(Finding(name, (problem,), connection=connection))


@click.command("check")
@option("--connect", is_flag=True, help="Also try mailboxes, relay, database and model.")
@option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@pass_context
@click.pass_context
def command(click_context: click.Context, context: Context, connect: bool, as_json: bool) -> None:
    """Say everything that is wrong with configuration, policy and templates."""
    report = examine(context, connect=connect)
    if as_json:
        print_json(_document(report))
    else:
        _tell(report)
    click_context.exit(report.exit_code)


def examine(context: Context, *, connect: bool) -> Report:
    """Look at everything that can be looked at."""
    report = Report(str(context.config_path))
    config: list[Config] = []

    def read() -> str:
        config.append(context.config())
        return _parts(config[0])

    report.look("configuration", read)
    if not config:
        peeked = _peek(context.config_path)
        if peeked.policy:
            report.look("policy", lambda: _policy(context, peeked.policy, str(context.config_path)))
        report.look("templates", lambda: _templates(peeked.templates))
        report.look("files", lambda: _files_of_the_rest(context.config_path, report.findings[0].problems))
        return report
    report.look("files", lambda: _files(config[0]))
    report.warnings += _warnings(config[0])
    report.look("policy", lambda: _policy(context, config[0].site.policy, config[0].source))
    report.look("templates", lambda: _templates(config[0].site.templates))
    if connect:
        _connect(report, config[0])
    return report


def _parts(config: Config) -> str:
    on = [name for name in ("smtp", "lmtp", "relay", "voicemail") if getattr(config, name) is not None]
    on += [f"imap {mailbox.name}" for mailbox in config.imap]
    off = [] if config.relay else ["no relay: outgoing mail waits"]
    if config.voicemail is None:
        off.append("no [voicemail]: recordings are kept, not transcribed")
    if not (config.smtp or config.lmtp or config.imap):
        off.append("no way in: only `mailbridge ingest` brings mail")
    return "; ".join([f"on: {', '.join(on) or 'nothing'}", *off])


def _warnings(config: Config) -> list[Problem]:
    from mailbridge.config.files import file_warnings

    return file_warnings(config, SystemClock().now())


def _files(config: Config) -> str:
    from mailbridge.config.files import file_problems

    problems = file_problems(config, SystemClock().now())
    if problems:
        raise ConfigInvalid(problems)
    return f"state is {config.site.state}"


def _files_of_the_rest(path: Path, told: tuple[Problem, ...]) -> str:
    """Files are looked at also where the configuration is wrong elsewhere: all mistakes in one go."""
    from mailbridge.config import rest_of_config
    from mailbridge.config.files import file_problems
    from mailbridge.config.reader import read_text

    try:
        config = rest_of_config(read_text(path), str(path), path.absolute().parent)
    except ConfigInvalid:
        config = None
    if config is None:
        return "not looked at before the configuration is right"
    wrong = {(problem.section, problem.key) for problem in told}
    if ("site", "state") in wrong:
        wrong.add(("store", "url"))  # it lies in the state that would be the default
    found = file_problems(config, SystemClock().now())
    if left := [problem for problem in found if (problem.section, problem.key) not in wrong]:
        raise ConfigInvalid(left)
    return "those of the keys that are right"


@dataclass(frozen=True, slots=True)
class Peeked:
    """What a configuration that is wrong elsewhere says of policy and templates."""

    policy: str = ""
    templates: Path | None = None


def _peek(path: Path) -> Peeked:
    """Policy and templates are looked at also where the configuration is wrong: all mistakes in one go."""
    from mailbridge.config import policy_name
    from mailbridge.config.reader import parse_ini, read_text

    try:
        site = parse_ini(read_text(path), str(path))[0].get("site", {})
    except ConfigInvalid:
        return Peeked()
    base = path.absolute().parent
    templates = base / site["templates"] if site.get("templates") else None
    return Peeked(
        policy_name(site.get("policy", ""), base), templates if templates and templates.is_dir() else None
    )


def _policy(context: Context, name: str, source: str) -> str:
    try:
        policy = context.policy(name)
    except NotFound as error:
        raise ConfigInvalid([Problem(source, "site", "policy", str(error))]) from error
    return f"{policy.name}, version {policy.version}"


def _templates(own: Path | None) -> str:
    from mailbridge.outgoing.notices import check_templates

    problems = check_templates([own]) if own else check_templates()
    if problems:
        raise ConfigInvalid(problems)
    return "all of them render"


def _connect(report: Report, config: Config) -> None:
    report.look("database", lambda: _database(config), connection=True)
    for mailbox in config.imap:
        report.look(f"imap {mailbox.name}", lambda box=mailbox: _imap(config, box), connection=True)  # type: ignore[misc]
    if config.relay is not None:
        relay = config.relay
        report.look("relay", lambda: _relay(config, relay), connection=True)
    for path in _model_paths(config):
        report.look(f"model {path}", lambda place=path: _model(place), connection=True)  # type: ignore[misc]


def _database(config: Config) -> str:
    from mailbridge.store.engine import Store

    if config.store.file is not None and not config.store.file.exists():
        return f"{config.store.file} will be made at the first start"
    store = Store.of(config.store)
    try:
        store.ping()
    finally:
        store.close()
    return config.store.shown_url


def _imap(config: Config, mailbox: Imap) -> str:
    from imapclient.exceptions import IMAPClientError

    from mailbridge.config.credentials import password, token
    from mailbridge.intake.imap import connect
    from mailbridge.intake.imap_config import Mailbox

    secret = password(mailbox, config.source)
    target = Mailbox(
        name=mailbox.name,
        host=mailbox.host,
        user=mailbox.user,
        address=config.mailbox_address(mailbox),
        port=mailbox.port,
        tls=mailbox.tls,
        password=secret,
        token=token(mailbox),
        connect_s=min(CONNECT_S, mailbox.timeout_s),
        read_s=min(CONNECT_S, mailbox.timeout_s),
        ca_file=mailbox.ca,
        plain_login=mailbox.plain_login,
    )
    try:
        client = connect(target)
    except IMAPClientError as error:
        raise Unavailable(f"{mailbox.host}:{mailbox.port}: {_words(error)}") from None
    except OSError as error:
        raise Unavailable(f"{mailbox.host}:{mailbox.port}: {_words(error)}") from error
    with client:
        try:
            # read-only: a look must not take \\Recent away from others
            count = client.select_folder(mailbox.folder, readonly=True)[b"EXISTS"]
        except IMAPClientError as error:
            raise Unavailable(f"{mailbox.host}: folder {mailbox.folder!r}: {_words(error)}") from None
    return f"{mailbox.host}:{mailbox.port}, {count} messages in {mailbox.folder}"


def _relay(config: Config, relay: Relay) -> str:
    import smtplib

    from mailbridge.config.credentials import password, token
    from mailbridge.outgoing.session import RelaySettings, Tls, connect

    settings = RelaySettings(
        host=relay.host,
        port=relay.port,
        tls=Tls(relay.tls),
        user=relay.user,
        password=password(relay, config.source),
        token=token(relay),
        ca=str(relay.ca or ""),
        timeout_s=min(CONNECT_S, relay.timeout_s),
        hostname=config.site.hostname,
    )
    try:
        connect(settings).quit()
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"{relay.host}:{relay.port}: {_words(error)}") from None
    return f"{relay.host}:{relay.port}, {'logged in' if relay.user else 'no login'}, tls {relay.tls}"


def _words(error: BaseException) -> str:
    """An error of a library in one line; bytes of a server's answer without their b''."""
    text = " ".join(
        part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in error.args
    )
    return " ".join(text.split()) or type(error).__name__


def _model_paths(config: Config) -> Iterator[str]:
    if config.voicemail is not None:
        named = [config.voicemail.model, *(path for _, path in config.voicemail.models)]
        yield from (str(path) for path in named if path is not None)


def _model(path: str) -> str:
    """Load the model in a process of its own: a broken one can end a process (vosk calls abort)."""
    code = "import sys, vosk; vosk.SetLogLevel(-1); vosk.Model(sys.argv[1])"
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
            [sys.executable, "-c", code, path],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MODEL_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{path} was not loaded within {MODEL_S} seconds") from None
    if done.returncode != 0:
        raise Unavailable(f"{path} cannot be loaded; `mailbridge model install` gets it anew")
    return "loads"


def _document(report: Report) -> dict[str, object]:
    return {
        "ok": report.exit_code == 0,
        "exit": report.exit_code,
        "config": report.source,
        "problems": [_problem(one) for found in report.findings for one in found.problems],
        "warnings": [_problem(one) for one in report.warnings],
        "checks": [{"name": found.name, "ok": found.ok, "note": found.note} for found in report.findings],
    }


def _problem(problem: Problem) -> dict[str, str]:
    return {
        "source": problem.source,
        "section": problem.section,
        "key": problem.key,
        "message": problem.message,
    }


def _tell(report: Report) -> None:
    width = max(len(found.name) for found in report.findings)
    for found in report.findings:
        if found.ok:
            say(f"ok       {found.name:{width}}  {found.note}".rstrip())
        for problem in found.problems:
            say(f"problem  {found.name:{width}}  {problem}")
    for warning in report.warnings:
        say(f"warning  {warning}")
    count = sum(len(found.problems) for found in report.findings)
    say("Everything is well." if not count else f"{count} problem{'s' if count > 1 else ''}.")
