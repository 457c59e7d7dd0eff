"""What a message is, by an ordered table of rules whose every question is recorded.

The order is the safety: our own loop first, then delivery and other reports (half of the bounces also say
Auto-Submitted), voicemail before anything that would take a telephone system for a robot, automatic answers
before lists, words last. classify() is pure and never raises; STAFF is for the caller, who knows who is
proven.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mailbridge.model.envelope import Envelope
from mailbridge.model.message import Classification, Kind, ParsedMessage, RuleHit, Voicemail
from mailbridge.model.own import Own
from mailbridge.policy import rules_auto, rules_machines
from mailbridge.policy.look import Look, look_at
from mailbridge.policy.rules_answer import no_answer_reason
from mailbridge.policy.rules_voice import find_voicemail, telephone_system

_MACHINE_METHODS = frozenset(("REPLY", "CANCEL", "COUNTER", "DECLINECOUNTER", "REFRESH"))


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: its name, the kind it gives, the question (the evidence as words, or ""), and what it looks
    for in an administrator's words."""

    name: str
    kind: Kind
    ask: Callable[[Look], str]
    looks_for: str


def _calendar_answer(look: Look) -> str:
    method = look.message.calendar_method
    return f"iTIP method {method}" if method in _MACHINE_METHODS else ""


def _invitation(look: Look) -> str:
    """An invitation or a published event. A customer's text with an .ics beside it stays human."""
    method = look.message.calendar_method
    if not method or look.message.in_reply_to or look.message.references:
        return ""
    root = look.message.content_type == "text/calendar"
    parts = [one for one in look.message.attachments if one.content_type == "text/calendar"]
    inline = root or any(
        not one.filename.lower().endswith(".ics") or one.filename.startswith(("part-", "invite", "meeting"))
        for one in parts
    )
    return f"iTIP method {method}" if inline and method in ("REQUEST", "PUBLISH", "ADD") else ""


def _voicemail(look: Look) -> str:
    found = find_voicemail(look)
    return found[1] if found else ""


RULES: tuple[Rule, ...] = (
    Rule(
        "own-loop",
        Kind.LOOP,
        rules_auto.own_loop,
        "our own mail come back, or a message that goes in a circle",
    ),
    Rule("feedback-report", Kind.REPORT, rules_auto.feedback_report, "a provider's abuse report"),
    Rule("read-receipt", Kind.REPORT, rules_auto.read_receipt, "a read receipt"),
    Rule(
        "challenge",
        Kind.AUTO_REPLY,
        rules_auto.challenge,
        "a challenge service that wants a click before it delivers",
    ),
    Rule(
        "bounce",
        Kind.BOUNCE,
        rules_auto.bounce,
        "a delivery report: something that we sent did not arrive, or late",
    ),
    Rule("voicemail", Kind.VOICEMAIL, _voicemail, "a telephone system's mail with a recording"),
    Rule("calendar-answer", Kind.CALENDAR, _calendar_answer, "a calendar's answer to an invitation"),
    Rule(
        "auto-reply-header",
        Kind.AUTO_REPLY,
        rules_auto.auto_reply_header,
        "an automatic answer, by a header field that says so",
    ),
    Rule(
        "desk-acknowledgement",
        Kind.AUTO_REPLY,
        rules_auto.desk_acknowledgement,
        "another help desk's acknowledgement",
    ),
    Rule(
        "auto-reply-words",
        Kind.AUTO_REPLY,
        rules_auto.auto_reply_words,
        "an automatic answer, by its subject and a second sign",
    ),
    Rule(
        "robot-shape",
        Kind.AUTO_REPLY,
        rules_auto.robot_answer,
        "an answer to us in a robot's shape: its own subject, no quote, no question, a robot's words",
    ),
    Rule(
        "auto-generated",
        Kind.AUTO_GENERATED,
        rules_machines.auto_generated_header,
        "a machine's report, by its own word (Auto-Submitted)",
    ),
    Rule(
        "answer-through-a-list",
        Kind.HUMAN,
        rules_machines.person_in_a_list,
        "a person who answers us through a group or a list",
    ),
    Rule("list", Kind.LIST, rules_machines.list_mail, "a mailing list or a newsletter"),
    Rule(
        "system-mail",
        Kind.AUTO_GENERATED,
        rules_machines.auto_generated_system,
        "a machine's report, by its program or its sender's name",
    ),
    Rule("telephone-system", Kind.AUTO_GENERATED, telephone_system, "a telephone system's other mail"),
    Rule("invitation", Kind.CALENDAR, _invitation, "an invitation or a published event"),
)


LOOKS_FOR = {rule.name: rule.looks_for for rule in RULES} | {
    "may-answer": "whether an automatic answer may go out",
    "token": "our signed token, in the address or in an id",
    "staff_token": "the signed token of a notice to staff",
    "message_id": "an id of a message on the case",
    "thread_index": "Outlook's own thread",
    "number": "a case number in the subject or the new text",
    "original": "an original of the case, attached or quoted",
    "quoted": "our case number or address in what is quoted",
    "subject": "the same subject by the same sender, recently",
}


def classify(message: ParsedMessage, envelope: Envelope, site: Own) -> Classification:
    """Kind, rule, evidence, every rule asked, whether an automatic answer is allowed, and the voicemail if
    it is one."""
    look = look_at(message, envelope, site)
    hits: list[RuleHit] = []
    for rule in RULES:
        detail = rule.ask(look)
        hits.append(RuleHit(rule.name, bool(detail), detail))
        if detail:
            return _made(look, rule.kind, rule.name, detail, hits)
    return _made(look, Kind.HUMAN, "human", "no rule says otherwise", hits)


def _made(look: Look, kind: Kind, rule: str, detail: str, hits: list[RuleHit]) -> Classification:
    silent = no_answer_reason(look, kind)
    hits.append(RuleHit("may-answer", not silent, silent))
    voicemail: Voicemail | None = None
    if kind is Kind.VOICEMAIL:
        found = find_voicemail(look)
        voicemail = found[0] if found else None
    return Classification(kind, rule, detail, tuple(hits), not silent, silent, voicemail)
