"""What the lines of a scenario do: people write, call, and work on cases, at one desk.

Promises: mail is composed and taken in as real bytes; what staff do is the decision that `mailbridge case`
makes, and nothing else. A line does its own part only: whoever plays the scenario lets the worker run.

Fails: Permanent, NotFound, KeyError, TypeError or ValueError for a line that cannot be done; the player says
which line it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from mailbridge.errors import Permanent
from mailbridge.model.case import Case, Channel
from mailbridge.model.envelope import Envelope, Way
from mailbridge.ops.scenario_files import bounce_of, recording_of_silence
from mailbridge.policy import command, command_open
from mailbridge.policy.targets import cell
from mailbridge.policy.values import parse_zone
from mailbridge.work.desk import Decide, Desk
from mailbridge.work.facts import normal_phone

Step = Mapping[str, Any]
_DELTA = re.compile(r"\+(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_ESCALATION = ("escalation", "supportescalation")


class Steps:
    """The people around one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._count = 0
        self._verbs: dict[str, Callable[[Step], None]] = {
            "customer": self._customer,
            "voicemail": self._voicemail,
            "bounce": self._bounce,
            "open": self._open,
            "contact": self._contact,
            "staff": self._staff,
            "note": self._note,
            "hold": self._hold,
            "release": self._release,
            "severity": self._severity,
            "escalate": self._escalate,
            "assign": self._assign,
            "split": self._split,
            "merge": self._merge,
            "close": self._close,
            "reopen": self._reopen,
        }

    def do(self, step: Step) -> None:
        """The line's own part. `run`, `stop` and `start` are the player's."""
        verb = self._verbs.get(step["do"])
        if verb is None:
            known = ", ".join([*self._verbs, "run", "stop", "start"])
            raise Permanent(f"do is {step['do']!r}; it can be {known}")
        verb(step)

    # --- what comes in ------------------------------------------------------------------------------------

    def _customer(self, step: Step) -> None:
        site = self.desk.config.site
        to = str(step.get("to") or site.support[0].address)
        to = site.escalation[0].address if to.partition("@")[0].lower() in _ESCALATION else to
        sender, subject, ref = step.get("from"), step.get("subject"), ""
        if number := step.get("reply_to_case"):
            case = self.desk.cases.get(_number(number, "reply_to_case"))
            sender = sender or case.requester
            subject = subject or f"Re: {case.subject} [#{case.number}]"
            ref = self._last_of_ours(case)
        if not sender:
            raise Permanent("a customer needs from")
        mail = self._mail(str(sender), to, str(subject or ""))
        if ref:
            mail["In-Reply-To"] = mail["References"] = ref
        headers = step.get("headers") or {}
        if not isinstance(headers, dict):
            raise Permanent('headers is no object like {"Auto-Submitted": "auto-replied"}')
        for name, value in headers.items():
            del mail[name]
            mail[name] = str(value)
        mail.set_content(str(step.get("text", "")))
        self._put(mail.as_bytes(), str(sender), to)

    def _mail(self, sender: str, to: str, subject: str) -> EmailMessage:
        self._count += 1
        mail = EmailMessage(policy=SMTP)
        mail["From"], mail["To"], mail["Subject"] = sender, to, subject
        mail["Date"] = format_datetime(self.desk.clock.now())
        mail["Message-ID"] = f"<simulated.{self._count}@customer.example>"
        return mail

    def _last_of_ours(self, case: Case) -> str:
        rows = [row for row in self.desk.cases.entries(case.id) if row["direction"] == "out"]
        return str(rows[-1]["message_ref"]) if rows else ""

    def _put(self, raw: bytes, sender: str, to: str) -> None:
        site = self.desk.config.site
        rcpt = to if to.lower() in site.own_addresses else site.support[0].address
        address = re.sub(r".*<([^>]*)>.*", r"\1", sender)
        self.desk.inbox.put_batch([(Envelope(Way.SIMULATION, address, (rcpt,), self.desk.clock.now()), raw)])

    def _voicemail(self, step: Step) -> None:
        """A telephone system's mail with its own transcript, as FusionPBX and Kazoo send it."""
        caller, text = str(step.get("caller", "")), str(step.get("transcript", ""))
        support = self.desk.config.site.support[0].address
        subject = f"New voicemail from {caller or 'anonymous'}"
        mail = self._mail("PBX <voicemail@pbx.example>", support, subject)
        mail["X-Asterisk-CallerID"] = caller
        mail.replace_header("Message-ID", f"<Asterisk-{self._count}-{self._count}-100-1@pbx.example>")
        mail.set_content(f"New voicemail\n\nTranscription:\n{text}\n" if text else "New voicemail\n")
        mail.add_attachment(recording_of_silence(), maintype="audio", subtype="x-wav", filename="msg0001.wav")
        self._put(mail.as_bytes(), "voicemail@pbx.example", support)

    def _bounce(self, step: Step) -> None:
        """Our last mail to the customer of this case comes back: there is no such mailbox."""
        case = self.desk.cases.get(_number(step["case"], "case"))
        ref = self._last_of_ours(case)
        if not ref or not case.requester:
            raise Permanent(f"nothing was sent on case {case.number} that could bounce")
        support = self.desk.config.site.support[0].address
        self._put(bounce_of(ref, case.requester, support, self.desk.clock.now()), "", support)

    # --- accounts and new cases ---------------------------------------------------------------------------

    def _contact(self, step: Step) -> None:
        """An account and its contact, as `mailbridge contacts import` knows them."""
        plan = str(step.get("plan", ""))
        if plan:
            cell(self.desk.policy, plan)
        row = {
            "account": str(step.get("account", "")),
            "plan": plan,
            "starts_on": _day(step, "starts_on"),
            "ends_on": _day(step, "ends_on"),
            "domains": [one.lower() for one in _list(step, "domains")],
            "zone": parse_zone(str(step["zone"])).key if step.get("zone") else "",
            "name": str(step.get("name", "")),
            "addresses": [one.lower() for one in _list(step, "addresses")],
            "phones": [normal_phone(one, self.desk.config.region) for one in _list(step, "phones")],
        }
        if not (row["account"] or row["addresses"] or row["phones"]):
            raise Permanent("a contact needs an account, addresses or phones")
        self.desk.customers.put_batch([row])

    def _open(self, step: Step) -> None:
        """A case that the portal or staff open; only here may it name its severity."""
        author, requester = self._author(step, "by"), str(step.get("from", ""))
        self.desk.open_case(
            lambda facts, now: command_open.open_by_staff(
                facts,
                now,
                author=author,
                subject=str(step["subject"]),
                text=str(step.get("text", "")),
                requester=requester,
                requester_name=str(step.get("name", "")),
                channel=Channel(str(step.get("channel", "portal"))),
                severity=str(step.get("severity", "")),
                plan=str(step.get("plan", "")),
            ),
            contact_of=requester.strip().lower(),
        )

    def _split(self, step: Step) -> None:
        """into: a list of {subject, text}; each becomes a case of its own."""
        parts = [(str(part["subject"]), str(part.get("text", ""))) for part in step["into"]]
        self.desk.split(_number(step["case"], "case"), self._author(step), parts)

    # --- what staff do ------------------------------------------------------------------------------------

    def _on(self, step: Step, fn: Decide) -> None:
        self.desk.on_case(_number(step["case"], "case"), fn)

    def _author(self, step: Step, key: str = "from") -> str:
        return str(step.get(key) or self.desk.config.site.staff[0].address)

    def _staff(self, step: Step) -> None:
        author, text = self._author(step), str(step["text"])
        self._on(step, lambda facts, case, now: command.reply(facts, case, now, author=author, text=text))

    def _note(self, step: Step) -> None:
        author, text = self._author(step), str(step.get("text", ""))
        self._on(step, lambda facts, case, now: command.note(facts, case, now, author=author, text=text))

    def _hold(self, step: Step) -> None:
        until = self._end_of_hold(str(step["until"])) if step.get("until") else None
        author, why = self._author(step), str(step.get("text", ""))
        self._on(
            step,
            lambda facts, case, now: command.hold(facts, case, now, author=author, until=until, reason=why),
        )

    def _end_of_hold(self, text: str) -> datetime:
        """An instant or a date, as `case hold --until` takes it, or a span after the line's own moment."""
        now = self.desk.clock.now()
        return now + span(text) if text.startswith("+") else command.hold_until(self.desk.policy, text)

    def _release(self, step: Step) -> None:
        author = self._author(step)
        self._on(step, lambda facts, case, now: command.release(facts, case, now, author=author))

    def _severity(self, step: Step) -> None:
        author, severity, plan = self._author(step), str(step.get("severity", "")), str(step.get("plan", ""))
        if not severity and not plan:
            raise Permanent("severity needs a severity or a plan")
        self._on(
            step,
            lambda facts, case, now: command.severity(
                facts, case, now, author=author, severity=severity, plan=plan
            ),
        )

    def _escalate(self, step: Step) -> None:
        author, why = self._author(step), str(step.get("text", ""))
        self._on(step, lambda facts, case, now: command.escalate(facts, case, now, author=author, reason=why))

    def _assign(self, step: Step) -> None:
        author, to = self._author(step), str(step.get("to", ""))
        self._on(step, lambda facts, case, now: command.assign(facts, case, now, author=author, address=to))

    def _merge(self, step: Step) -> None:
        into = _number(step["into"], "into")
        self._on(step, self.desk.merging(into, self._author(step), str(step.get("text", ""))))

    def _close(self, step: Step) -> None:
        author, reason, notify = self._author(step), str(step.get("text", "")), bool(step.get("notify"))
        self._on(
            step,
            lambda facts, case, now: command.close(
                facts, case, now, author=author, reason=reason, notify=notify
            ),
        )

    def _reopen(self, step: Step) -> None:
        author, why = self._author(step), str(step.get("text", ""))
        self._on(step, lambda facts, case, now: command.reopen(facts, case, now, author=author, reason=why))


def span(text: str) -> timedelta:
    """ "+2h30m" as a span of time. Raises Permanent."""
    match = _DELTA.fullmatch(text)
    if match is None or text == "+":
        raise Permanent(f"{text!r} is neither a time of ISO 8601 nor like +2h30m")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def _number(value: object, key: str) -> int:
    try:
        return int(str(value))
    except ValueError as error:
        raise Permanent(f"{key} is {value!r}; it is the number of a case") from error


def _list(step: Step, key: str) -> list[str]:
    """A list, or the one that stands for it."""
    found = step.get(key) or []
    return [str(one) for one in (found if isinstance(found, list) else [found])]


def _day(step: Step, key: str) -> date | None:
    return date.fromisoformat(str(step[key])) if step.get(key) else None
