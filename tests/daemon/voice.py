"""Voicemail for tests: mails of telephone systems, samples, a desk with the tiny model, the case as told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from mailbridge.cli.case_data import document
from mailbridge.clock import VirtualClock
from mailbridge.work.desk import Desk
from mailbridge.work.listen import Listener
from mailbridge.work.worker import Worker
from tests.daemon.site import MONDAY, open_desk, put
from tests.needs import ROOT
from transcription.pool import Pool

MODEL = ROOT / "transcription" / "data" / "vosk-model-tiny-en-voicemail"
SAMPLES = ROOT / "tests" / "transcription" / "samples"
VOICEMAIL = f"[voicemail]\nmodel = {MODEL}\ntimeout_s = 60\n"
CALLER = "2025550143"


def sample(name: str) -> bytes:
    """The bytes of a recording, by the beginning of its name."""
    return next(path for path in sorted(SAMPLES.glob(f"{name}*")) if path.suffix != ".txt").read_bytes()


def call(
    number: int,
    audio: bytes,
    *,
    caller: str = CALLER,
    file: str = "msg0001.wav",
    kind: str = "audio/x-wav",
    text: str = "You were left a new voicemail.\n",
    mailbox: str = "",
) -> bytes:
    """A mail as Asterisk sends it, each number another one."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = "PBX <voicemail@pbx.example>", "support@desk.example"
    mail["Subject"] = (
        f"New message {number} in mailbox {mailbox}" if mailbox else f"New voicemail from {caller}"
    )
    if caller:
        mail["X-Asterisk-CallerID"] = caller
    mail["Message-ID"] = f"<Asterisk-{number}-{number}-100-1@pbx.example>"
    mail.set_content(text)
    maintype, _, subtype = kind.partition("/")
    mail.add_attachment(audio, maintype=maintype, subtype=subtype, filename=file)
    return mail.as_bytes()


@contextmanager
def voice_desk(folder: Path, more: str = "", clock: VirtualClock | None = None) -> Iterator[Desk]:
    """A desk that listens with the tiny model."""
    with open_desk(folder, VOICEMAIL + more, clock or VirtualClock(MONDAY)) as desk:
        yield desk


def take(desk: Desk, raw: bytes, pool: Pool | None = None) -> None:
    """Mail comes in, is decided and, with a pool, listened to."""
    put(desk, raw, "voicemail@pbx.example")
    Worker(desk).drain()
    if pool is not None:
        Listener(desk, pool).drain()


def shown(desk: Desk, number: int) -> dict[str, Any]:
    """`case show NUMBER --json`."""
    told: dict[str, Any] = json.loads(json.dumps(document(desk, desk.cases.get(number)), default=str))
    return told


def incoming(desk: Desk, number: int) -> list[dict[str, Any]]:
    """The messages that came in on the case."""
    return [one for one in shown(desk, number)["messages"] if one["direction"] == "in"]


def happened(desk: Desk, number: int, name: str) -> list[dict[str, Any]]:
    """The events of this name on the case."""
    return [one for one in shown(desk, number)["events"] if one["event"] == name]


def known(desk: Desk, *, phone: str = "+12025550143", name: str = "Kim Lee", **more: Any) -> None:
    """A contact with an address and a telephone number."""
    row = {
        "account": "Western Supply",
        "name": name,
        "addresses": ("kim@customer.example",),
        "phones": (phone,),
    }
    desk.customers.put_batch([row | more])


def deaf_model(folder: Path) -> Path:
    """The tiny model with so narrow a beam that it hears other words."""
    made = folder / "vosk-model-narrow"
    shutil.copytree(MODEL, made)
    conf = made / "conf" / "model.conf"
    lines = [
        line for line in conf.read_text().splitlines() if not line.startswith(("--beam", "--max-active"))
    ]
    conf.write_text("\n".join([*lines, "--beam=4.0", "--max-active=200"]) + "\n")
    return made
