"""A scenario on a virtual clock: the daemon's own desk on an in-memory store, only the clock and the ends
swapped.

Promises: same rules, same code; mail is composed and read as real bytes; every timer fires at its own moment;
nothing is sent. Fails: Permanent (65) with the line's number for a scenario that cannot be read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from mailbridge.clock import VirtualClock
from mailbridge.config import parse_config
from mailbridge.errors import MailbridgeError, Permanent
from mailbridge.model.envelope import Envelope, Way
from mailbridge.model.policy import Policy
from mailbridge.ops.scenario_files import recording_of_silence
from mailbridge.outgoing.notices import Renderer, default_template_dir
from mailbridge.policy import command
from mailbridge.store.engine import MEMORY_URL, Store
from mailbridge.store.migrate import upgrade
from mailbridge.work.desk import Desk

SITE = """
[site]
name = Example Support
support = support@desk.example
escalation = supportescalation@desk.example
staff = staff@desk.example
policy = {policy}
reply_token = plus
"""
TOLD = frozenset(
    {
        "case_created",
        "message_added",
        "ack_sent",
        "deadline_set",
        "deadline_warning",
        "deadline_missed",
        "escalated",
        "status_update_due",
        "auto_close_warning",
        "auto_closed",
        "reopened",
        "closed",
        "suppressed",
    }
)
START = datetime(2026, 1, 5, 17, 0, tzinfo=UTC)  # a Monday morning in the Americas
_DELTA = re.compile(r"\+(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_KINDS = ("process", "due")
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class Simulation:
    """One scenario under way. all_events also tells what the contract does not list (held, released, ...)."""

    def __init__(self, policy: Policy, *, all_events: bool = False) -> None:
        self._policy = policy
        self._all = all_events
        self._clock: VirtualClock | None = None
        self._desk: Desk | None = None
        self._last_event = 0
        self._count = 0

    def run(self, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
        """Play the lines; yields the events in time order."""
        store = Store(MEMORY_URL)
        try:
            yield from self._run(store, lines)
        finally:
            store.close()

    def _run(self, store: Store, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
        before = START
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            try:
                step = _step(line)
                at = _moment(step, before)
                if at < before and self._clock is not None:
                    raise Permanent(f"{at.isoformat()} is before the line above")
                if self._desk is None:
                    self._desk = self._open(store, at)
                yield from self._until(at)
                self._do(step)
                yield from self._drain()
            except (MailbridgeError, KeyError, TypeError, ValueError, AttributeError) as error:
                what = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
                raise Permanent(f"line {number}: {what}") from error
            before = at

    def _open(self, store: Store, start: datetime) -> Desk:
        self._clock = VirtualClock(start)
        upgrade(store)
        config = parse_config(SITE.format(policy=self._policy.name), "simulation", Path("/"))
        renderer = Renderer([default_template_dir()])
        return Desk(config, store, self._policy, renderer, self._clock)

    @property
    def desk(self) -> Desk:
        """The desk at work. Only after the first line."""
        assert self._desk is not None
        return self._desk

    # --- time ---------------------------------------------------------------------------------------------

    def _until(self, at: datetime) -> Iterator[dict[str, Any]]:
        """Let time pass: each timer at its own moment, then on to `at`."""
        assert self._clock is not None
        while (due := self.desk.jobs.next_due(_KINDS)) is not None and due <= at:
            self._clock.move_to(due)
            yield from self._drain()
        self._clock.move_to(at)

    def _drain(self) -> Iterator[dict[str, Any]]:
        desk = self.desk
        while jobs := desk.jobs.claim(_KINDS, desk.clock.now(), 300, limit=50):
            for job in jobs:
                (desk.process if job.kind == "process" else desk.due)(job)
            self._deliver()
        self._deliver()
        yield from self._told()

    def _deliver(self) -> None:
        """The relay of a simulation takes everything at once and sends nothing."""
        now = self.desk.clock.now()
        while held := self.desk.outbox.claim(now, 300, limit=100):
            for mail in held:
                self.desk.outbox.sent(mail, now, "250 simulated")

    def _told(self) -> Iterator[dict[str, Any]]:
        zone = self._policy.calendars[self._policy.calendar].zone
        for row in self.desk.cases.events_after(self._last_event):
            self._last_event = row["id"]
            if row["event"] in TOLD or self._all:
                data = {key: value for key, value in (row["data"] or {}).items() if value not in ("", None)}
                yield {
                    "at": row["at"].astimezone(zone).isoformat(),
                    "event": row["event"],
                    "case": row["number"],
                    **data,
                }

    # --- what lines do ------------------------------------------------------------------------------------

    def _do(self, step: Mapping[str, Any]) -> None:
        handlers: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "customer": self._customer,
            "voicemail": self._voicemail,
            "staff": self._staff,
            "note": self._note,
            "hold": self._hold,
            "release": self._release,
            "severity": self._severity,
            "close": self._close,
            "run": lambda _step: None,
        }
        handler = handlers.get(step["do"])
        if handler is None:
            raise Permanent(f"do is {step['do']!r}; it can be {', '.join(handlers)}")
        handler(step)

    def _customer(self, step: Mapping[str, Any]) -> None:
        desk = self.desk
        site = desk.config.site
        to = str(step.get("to") or site.support[0].address)
        to = site.escalation[0].address if to.partition("@")[0] in ("escalation", "supportescalation") else to
        mail = EmailMessage(policy=SMTP)
        sender, subject = step.get("from"), step.get("subject")
        if number := step.get("reply_to_case"):
            case = desk.cases.get(int(number))
            sender = sender or case.requester
            subject = subject or f"Re: {case.subject} [#{case.number}]"
            if ref := self._last_of_ours(case.id):
                mail["In-Reply-To"] = mail["References"] = ref
        if not sender:
            raise Permanent("a customer needs from")
        self._count += 1
        mail["From"], mail["To"], mail["Subject"] = str(sender), to, str(subject or "")
        mail["Date"] = format_datetime(desk.clock.now())
        mail["Message-ID"] = f"<simulated.{self._count}@customer.example>"
        for name, value in dict(step.get("headers") or {}).items():
            del mail[name]
            mail[name] = str(value)
        mail.set_content(str(step.get("text", "")))
        self._put(mail.as_bytes(), str(sender), to)

    def _last_of_ours(self, case_id: int) -> str:
        rows = [row for row in self.desk.cases.entries(case_id) if row["direction"] == "out"]
        return str(rows[-1]["message_ref"]) if rows else ""

    def _put(self, raw: bytes, sender: str, to: str) -> None:
        site = self.desk.config.site
        rcpt = to if to.lower() in site.own_addresses else site.support[0].address
        now = self.desk.clock.now()
        address = re.sub(r".*<([^>]*)>.*", r"\1", sender)
        self.desk.inbox.put_batch([(Envelope(Way.SIMULATION, address, (rcpt,), now), raw)])

    def _voicemail(self, step: Mapping[str, Any]) -> None:
        """A telephone system's mail with its own transcript, as FusionPBX and Kazoo send it."""
        caller, text = str(step.get("caller", "")), str(step.get("transcript", ""))
        self._count += 1
        mail = EmailMessage(policy=SMTP)
        support = self.desk.config.site.support[0].address
        mail["From"], mail["To"] = "PBX <voicemail@pbx.example>", support
        mail["Subject"] = f"New voicemail from {caller or 'anonymous'}"
        mail["X-Asterisk-CallerID"] = caller
        mail["Message-ID"] = f"<Asterisk-{self._count}-{self._count}-100-1@pbx.example>"
        mail["Date"] = format_datetime(self.desk.clock.now())
        mail.set_content(f"New voicemail\n\nTranscription:\n{text}\n" if text else "New voicemail\n")
        mail.add_attachment(recording_of_silence(), maintype="audio", subtype="x-wav", filename="msg0001.wav")
        self._put(mail.as_bytes(), "voicemail@pbx.example", support)

    def _on(self, step: Mapping[str, Any], fn: Any) -> None:
        self.desk.on_case(int(step["case"]), fn)

    def _author(self, step: Mapping[str, Any]) -> str:
        return str(step.get("from") or self.desk.config.site.staff[0].address)

    def _staff(self, step: Mapping[str, Any]) -> None:
        author, text = self._author(step), str(step["text"])
        self._on(step, lambda facts, case, now: command.reply(facts, case, now, author=author, text=text))

    def _note(self, step: Mapping[str, Any]) -> None:
        author, text = self._author(step), str(step.get("text", ""))
        self._on(step, lambda facts, case, now: command.note(facts, case, now, author=author, text=text))

    def _hold(self, step: Mapping[str, Any]) -> None:
        until = self._end_of_hold(str(step["until"])) if step.get("until") else None
        author = self._author(step)
        self._on(step, lambda facts, case, now: command.hold(facts, case, now, author=author, until=until))

    def _end_of_hold(self, text: str) -> datetime:
        """An instant or a date, as `case hold --until` takes it, or a span after the line's own moment."""
        now = self.desk.clock.now()
        return _moment({"at": text}, now) if text.startswith("+") else command.hold_until(self._policy, text)

    def _release(self, step: Mapping[str, Any]) -> None:
        author = self._author(step)
        self._on(step, lambda facts, case, now: command.release(facts, case, now, author=author))

    def _severity(self, step: Mapping[str, Any]) -> None:
        author, severity = self._author(step), str(step["severity"])
        self._on(
            step,
            lambda facts, case, now: command.severity(facts, case, now, author=author, severity=severity),
        )

    def _close(self, step: Mapping[str, Any]) -> None:
        author, reason = self._author(step), str(step.get("text", ""))
        self._on(step, lambda facts, case, now: command.close(facts, case, now, author=author, reason=reason))


def _step(line: str) -> Mapping[str, Any]:
    try:
        step = json.loads(line)
    except ValueError as error:
        raise Permanent(f"is no JSON: {error}") from error
    if not isinstance(step, dict) or not isinstance(step.get("do"), str):
        raise Permanent("is no object with at and do")
    return step


def _moment(step: Mapping[str, Any], before: datetime) -> datetime:
    text = str(step.get("at", "+0s"))
    if not text.startswith("+"):
        return _instant(text)
    match = _DELTA.fullmatch(text)
    if match is None:
        raise Permanent(f"at {text!r} is neither a time of ISO 8601 nor like +2h30m")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return before + timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Permanent(f"{text!r} is no time of ISO 8601") from error
    if found.tzinfo is None:
        raise Permanent(f"{text!r} has no offset; write it like 2026-11-30T09:30:00-08:00")
    return found.astimezone(UTC)
