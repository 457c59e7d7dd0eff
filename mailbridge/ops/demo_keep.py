"""`demo --keep`: the demo's world on the machine's own clock, until Ctrl-C.

Promises: the same intakes, desk and relay as in the story, now in the background; each mail that goes out is
shown; the configuration that it names works with every other command. Ends on SIGINT and SIGTERM, quietly.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mailbridge import log
from mailbridge.errors import Temporary
from mailbridge.ops.demo_ends import IMAP_PASSWORD, IMAP_USER, Mail
from mailbridge.ops.demo_tell import Teller
from mailbridge.ops.demo_world import ESCALATION, HOST, SUPPORT, World

POLL_S = 0.3
LONGEST_JOIN_S = 10.0


def keep_running(world: World, teller: Teller) -> None:
    """Say how to talk to it, and work until somebody ends it."""
    world.clock.run_free()
    stop = threading.Event()
    world.caught.on_mail = lambda mail: _show(teller, mail)
    with _ended_by_signals(stop), _mailbox_watched(world):
        _explain(world, teller)
        while not stop.wait(POLL_S):
            try:
                world.settle()
            except Temporary as error:
                log.event("store_unavailable", error=str(error))
    teller.say("\nEnded; the folder is gone.")


@contextmanager
def _ended_by_signals(stop: threading.Event) -> Iterator[None]:
    before = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _mailbox_watched(world: World) -> Iterator[None]:
    thread = threading.Thread(target=world.mailbox.run, name="demo-imap", daemon=True)
    thread.start()
    try:
        yield
    finally:
        world.mailbox.stop()
        thread.join(LONGEST_JOIN_S)


def _explain(world: World, teller: Teller) -> None:
    state, config = world.config.site.state, world.config.source
    teller.say(
        f"\nStill running, on this machine's own clock; configuration and database are in {state}", "bold"
    )
    teller.say("Write to it:")
    teller.command(f'{sys.executable} -c "{_one_liner(world.smtp_port)}"')
    for to in (SUPPORT, ESCALATION):
        teller.command(f"swaks --server {HOST}:{world.smtp_port} --from me@home.example --to {to}")
    teller.say("or put a mail into INBOX of (no TLS)")
    teller.command(f"imap://{IMAP_USER}:{IMAP_PASSWORD}@{HOST}:{world.imap_port}")
    teller.say("Look at it:")
    for words in ("case list", "case show 1", "queue list"):
        teller.command(f"mailbridge -c {config} {words}")
    teller.say("Mail that goes out is shown here. Ctrl-C ends it and removes the folder.")


def _one_liner(port: int) -> str:
    """Python that sends one mail, for between the double quotes of a shell."""
    mail = f"From: me@home.example\\nTo: {SUPPORT}\\nSubject: Hello\\n\\nDoes it work?"
    send = f"sendmail('me@home.example', '{SUPPORT}', '{mail}')"
    return f"import smtplib; smtplib.SMTP('{HOST}', {port}).{send}"


def _show(teller: Teller, mail: Mail) -> None:
    teller.line("out", f"to {', '.join(mail.rcpt_to)}: {mail.subject}")
