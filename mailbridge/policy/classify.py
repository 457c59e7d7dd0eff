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
    """One row: its name, the kind it gives, and the question (the evidence as words, or "")."""

    name: str
    kind: Kind
    ask: Callable[[Look], str]


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
    Rule("own-loop", Kind.LOOP, rules_auto.own_loop),
    Rule("feedback-report", Kind.REPORT, rules_auto.feedback_report),
    Rule("read-receipt", Kind.REPORT, rules_auto.read_receipt),
    Rule("challenge", Kind.AUTO_REPLY, rules_auto.challenge),
    Rule("bounce", Kind.BOUNCE, rules_auto.bounce),
    Rule("voicemail", Kind.VOICEMAIL, _voicemail),
    Rule("calendar-answer", Kind.CALENDAR, _calendar_answer),
    Rule("auto-reply-header", Kind.AUTO_REPLY, rules_auto.auto_reply_header),
    Rule("desk-acknowledgement", Kind.AUTO_REPLY, rules_auto.desk_acknowledgement),
    Rule("auto-reply-words", Kind.AUTO_REPLY, rules_auto.auto_reply_words),
    Rule("robot-shape", Kind.AUTO_REPLY, rules_auto.robot_answer),
    Rule("auto-generated", Kind.AUTO_GENERATED, rules_machines.auto_generated_header),
    Rule("answer-through-a-list", Kind.HUMAN, rules_machines.person_in_a_list),
    Rule("list", Kind.LIST, rules_machines.list_mail),
    Rule("system-mail", Kind.AUTO_GENERATED, rules_machines.auto_generated_system),
    Rule("telephone-system", Kind.AUTO_GENERATED, telephone_system),
    Rule("invitation", Kind.CALENDAR, _invitation),
)


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
