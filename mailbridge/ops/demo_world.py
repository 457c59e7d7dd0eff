"""The demo's world on loopback: our intakes, a foreign IMAP server, a relay that catches all, one desk.

Everything is real but the clock and the customers: SMTP by smtplib into our own receiver, IMAP from a pymap
server in its own process, mail out by our relay client into an aiosmtpd server, voicemail through the pool of
transcribers, SQLite in a folder.
Fails: Unavailable with one sentence where a part does not start or mail cannot be handed over.
"""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage, Message
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from pathlib import Path

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

import transcription
from mailbridge.clock import SystemClock, VirtualClock
from mailbridge.config import Config, parse_config
from mailbridge.errors import Unavailable
from mailbridge.intake.accept import Accept
from mailbridge.intake.imap import ImapIntake
from mailbridge.intake.imap_config import Mailbox
from mailbridge.intake.server import Listen, Receiver
from mailbridge.ops.demo_ends import (
    IMAP_PASSWORD,
    IMAP_USER,
    STEP_S,
    Caught,
    Loop,
    free_ports,
    imap_server,
    relay_server,
)
from mailbridge.outgoing.relay import Relay
from mailbridge.outgoing.session import RelaySettings
from mailbridge.store.writer import Writer
from mailbridge.work.deliver import Deliverer
from mailbridge.work.desk import Desk
from mailbridge.work.listen import Listener
from mailbridge.work.worker import Worker
from transcription.pool import Pool

SUPPORT, ESCALATION = "support@desk.example", "supportescalation@desk.example"
ANN = "Ann Lee <ann@desk.example>"
HOST = "127.0.0.1"
MODEL = Path(transcription.__file__).parent / "data" / "vosk-model-tiny-en-voicemail"
TIMERS = ("process", "due", "transcribe")
CONFIG = """\
[site]
name = Example Support
support = {support}
escalation = {escalation}
staff = {ann}
policy = mekorma
state = {state}
hostname = desk.example
reply_token = plus

[smtp]
listen = 127.0.0.1:{smtp_port}

[imap mailbox]
host = 127.0.0.1
port = {imap_port}
tls = none
user = {imap_user}
password = {imap_password}
address = {support}

[relay]
host = 127.0.0.1
port = {relay_port}
tls = none

[voicemail]
model = {model}
"""


class StoryClock(VirtualClock):
    """Virtual while the story is told; from `run_free` on the machine's own time, for --keep."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._system: SystemClock | None = None

    def now(self) -> datetime:
        return self._system.now() if self._system else super().now()

    def run_free(self) -> None:
        """The story is over: show the real time."""
        self._system = SystemClock()


class World:
    """What the story acts on."""

    def __init__(self, desk: Desk, caught: Caught, config: Config, clock: StoryClock) -> None:
        assert config.smtp is not None
        assert config.relay is not None
        self.desk = desk
        self.caught = caught
        self.config = config
        self.clock = clock
        self.smtp_port = config.smtp.listen[0].port
        self.imap_port = config.imap[0].port
        self.relay_port = config.relay.port
        self._count = 0
        self._worker = Worker(desk)
        self._relay = Relay(RelaySettings(HOST, self.relay_port, timeout_s=STEP_S))
        self._deliverer = Deliverer(desk, self._relay)
        self._pool = Pool(MODEL, timeout_s=STEP_S * 3, background=False)  # somebody looks on: no low priority
        self._listener = Listener(desk, self._pool)
        self.mailbox = ImapIntake(_mailbox(config), desk.inbox, clock)

    # --- what people do --------------------------------------------------------------------------------

    def compose(
        self, sender: str, subject: str, text: str, *, to: str = SUPPORT, **headers: str
    ) -> EmailMessage:
        """A mail as a client writes it, dated now; headers by name, "_" for "-"."""
        self._count += 1
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Date"] = format_datetime(self.clock.now())
        mail["Message-ID"] = f"<{self._count}.demo@{address_in(sender).rpartition('@')[2]}>"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content(text)
        return mail

    def answer(self, original: Message, sender: str, text: str, **headers: str) -> EmailMessage:
        """A reply as a mail client writes it: to Reply-To, threaded, the original quoted below."""
        to = str(original["Reply-To"] or original["From"])
        subject = "Re: " + " ".join(str(original["Subject"]).split())
        quoted = "\n".join(f"> {line}".rstrip() for line in text_of(original).splitlines()[:20])
        body = f"{text}\n\nOn {original['Date']}, {original['From']} wrote:\n{quoted}\n"
        mail = self.compose(sender, subject, body, to=to, **headers)
        mail["In-Reply-To"] = str(original["Message-ID"])
        mail["References"] = " ".join(f"{original['References'] or ''} {original['Message-ID']}".split())
        return mail

    def by_smtp(self, mail: EmailMessage) -> str:
        """Send it as a mail server would; returns our words to the final dot."""
        try:
            with smtplib.SMTP(HOST, self.smtp_port, local_hostname="mx.example", timeout=STEP_S) as client:
                client.ehlo()
                client.mail(address_in(str(mail["From"])))
                client.rcpt(address_in(str(mail["To"])))
                code, words = client.data(mail.as_bytes())
        except (OSError, smtplib.SMTPException) as error:
            raise Unavailable(f"the demo's SMTP intake did not take a mail: {error}") from error
        self.settle()
        return f"{code} {words.decode('utf-8', 'backslashreplace')}"

    def by_imap(self, mail: EmailMessage) -> int:
        """Put it into the mailbox at the IMAP server, and let our intake fetch it; how many it took."""
        try:
            with IMAPClient(HOST, self.imap_port, ssl=False, timeout=STEP_S) as client:
                client.login(IMAP_USER, IMAP_PASSWORD)
                # INTERNALDATE by the virtual clock: old mail would be taken as an import, unanswered
                client.append("INBOX", mail.as_bytes(), msg_time=self.clock.now())
        except (OSError, IMAPClientError) as error:
            raise Unavailable(f"the demo's IMAP server did not take a mail: {error}") from error
        taken = self.look()
        self.settle()
        return taken

    # --- what time does --------------------------------------------------------------------------------

    def look(self) -> int:
        """Poll the mailbox once; returns how many messages were taken."""
        try:
            return self.mailbox.look_once()
        except (OSError, IMAPClientError) as error:
            raise Unavailable(f"the demo's IMAP mailbox cannot be read: {error}") from error

    def settle(self) -> None:
        """Process, listen and deliver until nothing is due."""
        while self._worker.drain() + self._listener.drain() + self._deliverer.drain():
            pass

    def wait_until(self, at: datetime) -> None:
        """Let time pass on the virtual clock, each timer at its own moment, the mailbox polled before it."""
        clock = self.clock
        while (due := self._next_due()) is not None and due <= at:
            clock.move_to(due)
            self.look()  # no case is closed for silence while mail may lie unread
            self.settle()
        clock.move_to(at)

    def _next_due(self) -> datetime | None:
        moments = (self.desk.jobs.next_due(TIMERS), self.desk.outbox.next_due())
        return min((moment for moment in moments if moment is not None), default=None)

    def close(self) -> None:
        """Leave the relay, and end the transcribing process."""
        self._relay.close()
        self._pool.close()


def text_of(mail: Message) -> str:
    """The plain words of a mail."""
    for part in mail.walk():
        payload = part.get_payload(decode=True) if part.get_content_type() == "text/plain" else None
        if isinstance(payload, bytes):
            return payload.decode(part.get_content_charset() or "utf-8", "backslashreplace")
    return ""


def address_in(text: str) -> str:
    """The bare address of "Name <address>"."""
    return parseaddr(text)[1]


def _mailbox(config: Config) -> Mailbox:
    read = config.imap[0]
    return Mailbox(
        name=read.name,
        host=read.host,
        port=read.port,
        tls="none",
        user=read.user,
        password=read.password,
        address=config.mailbox_address(read),
        poll_s=1.0,
    )


def make_config(folder: Path) -> Config:
    """The demo's configuration; also written down, so that it can be read, and used with --keep."""
    smtp_port, imap_port, relay_port = free_ports(3)
    text = CONFIG.format(
        support=SUPPORT,
        escalation=ESCALATION,
        ann=ANN,
        state=folder,
        smtp_port=smtp_port,
        imap_port=imap_port,
        imap_user=IMAP_USER,
        imap_password=IMAP_PASSWORD,
        relay_port=relay_port,
        model=MODEL,
    )
    path = folder / "config.ini"
    path.write_text(text, "utf-8")
    return parse_config(text, str(path), folder)


@contextlib.contextmanager
def world(folder: Path, clock: StoryClock) -> Iterator[World]:
    """All parts up, and down again at the end."""
    config = make_config(folder)
    with contextlib.ExitStack() as stack:
        imap_is_up = stack.enter_context(imap_server(config.imap[0].port))  # it starts while we do
        loop = Loop()
        stack.callback(loop.close)
        desk = stack.enter_context(Desk.open(config, clock))
        caught = Caught()
        made = World(desk, caught, config, clock)
        stack.enter_context(relay_server(loop, caught, made.relay_port))
        stack.callback(made.close)
        stack.enter_context(_receiver(loop, desk, made.smtp_port))
        imap_is_up()
        made.look()  # the first run of a mailbox is over: what comes now is new mail
        yield made


@contextlib.contextmanager
def _receiver(loop: Loop, desk: Desk, port: int) -> Iterator[None]:
    """Our SMTP intake, as the daemon runs it."""
    site = desk.config.site
    writer = Writer(desk.store)
    accept = Accept.of(site.own_addresses)
    receiver = Receiver(writer, accept, clock=desk.clock, hostname=site.host_name)
    try:
        loop.run(receiver.start([Listen(HOST, port)]))
        yield
    finally:
        loop.run(receiver.close(1))
        writer.close()
