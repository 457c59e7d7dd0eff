"""Where a message belongs: to which case, and by what right.

Evidence is asked in the order of its strength. A token that cannot be guessed binds alone. Everything that a
stranger could know or guess (a Message-ID he saw, a number, a quoted original, a subject) binds only for a
participant of the case or a colleague of its account; else the case is named to staff as a suggestion and the
message opens a case of its own. A stranger never reads or joins a case by guessing.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailbridge.model.case import Case, Channel, Status
from mailbridge.model.decision import Facts, Reference
from mailbridge.model.message import Kind, ParsedMessage
from mailbridge.model.policy import Policy
from mailbridge.policy.subjects import is_reply, report_key, subject_key

BINDS_ALONE = ("token", "staff_token")
SUBJECT_DAYS = 30
SAME_TEXT_MINUTES = 15
REPORT_HOURS = 24


@dataclass(frozen=True, slots=True)
class Place:
    """case None: open one. how names the evidence; suggestions are case numbers for staff to look at;
    follows is the closed case that the new one continues."""

    case: Case | None = None
    how: str = ""
    suggestions: tuple[int, ...] = ()
    follows: int | None = None
    rules: tuple[str, ...] = field(default=())


def thread_key(thread_index: str) -> str:
    """Outlook's conversation as a reference among Message-IDs, "" where there is none: the first 22 bytes of
    Thread-Index (MS-OXOMSG 2.2.1.3), to which each answer adds five. Known to every reader of a mail, and
    kept by "resend" for another matter: weak evidence."""
    try:
        data = base64.b64decode(thread_index + "=" * (-len(thread_index) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    return f"<{data[:22].hex()}@thread-index.invalid>" if len(data) >= 22 else ""


def knows(case: Case, facts: Facts, message: ParsedMessage) -> bool:
    """Whether the author is a participant of the case or a colleague of its account.

    Of several authors (RFC 5322 3.6.2) each must be a participant: else a stranger would come in behind the
    name of one that he has read in a To field.
    """
    authors = {one.key for one in message.from_} or {message.author.key}
    if all(one and (one == case.requester.lower() or one in case.participants) for one in authors):
        return True
    if len(authors) > 1:
        return False
    if facts.contact is not None and facts.contact.id == case.contact_id:
        return True
    return facts.account is not None and facts.account.id == case.account_id


def place(facts: Facts, message: ParsedMessage, now: datetime) -> Place:
    """Find the case of a message. Raises nothing; an unknown message opens a case."""
    rules: list[str] = []
    suggestions: list[int] = []
    for reference in facts.references:
        if _binds(reference, facts, message):
            rules.append(f"{reference.how}: {reference.detail or reference.case.number}: yes")
            return _within_window(reference, facts, now, tuple(rules))
        rules.append(f"{reference.how}: {reference.detail or reference.case.number}: not from a participant")
        if reference.case.number not in suggestions:
            suggestions.append(reference.case.number)
    recent = None if facts.forged else _recent(facts, message, now)
    if recent is not None:
        rules.append(f"{recent.how}: {recent.case.number}: yes")
        return _within_window(recent, facts, now, tuple(rules))
    rules.append("no case found: a new one")
    return Place(None, "new", tuple(suggestions), None, tuple(rules))


def _binds(reference: Reference, facts: Facts, message: ParsedMessage) -> bool:
    if reference.how in BINDS_ALONE:
        return True
    # What the From says is disproved: then only what a stranger has never seen speaks for its author.
    if facts.forged and reference.how != "message_id":
        return False
    return knows(reference.case, facts, message)


def _within_window(reference: Reference, facts: Facts, now: datetime, rules: tuple[str, ...]) -> Place:
    """A closed case takes answers that come within the reopen window; later a new case names the old."""
    case = reference.case
    arrived = min(facts.received_at or now, now)  # it may have lain unread
    if case.status is Status.CLOSED and not reopen_within(case, facts.policy, arrived):
        rule = f"case {case.number} was closed too long ago: a new case follows it"
        return Place(None, "follow_up", (), case.number, (*rules, rule))
    return Place(case, reference.how, (), None, rules)


def reopen_within(case: Case, policy: Policy, now: datetime) -> bool:
    """Whether a closed case still takes what its customer says."""
    days_s = policy.auto_close.reopen_within_s if policy.auto_close else 14 * 86400
    return case.closed_at is None or now <= case.closed_at + timedelta(seconds=days_s)


def _recent(facts: Facts, message: ParsedMessage, now: datetime) -> Reference | None:
    """The sender's own latest cases: dropped headers, the same text again, a machine's repeated report."""
    kind = facts.classification.kind
    for case in facts.recent:
        age = now - (case.last_customer_at or case.created_at)
        if kind is Kind.VOICEMAIL:
            if _same_caller(case, facts, age):
                return Reference(case, "caller", facts.caller)
        elif kind in (Kind.AUTO_GENERATED, Kind.LIST):
            if _same_report(case, facts, message, age):
                return Reference(case, "same_report")
        elif knows(case, facts, message) and _same_subject(case, facts, message, age):
            return Reference(case, "subject")
    return None


def _same_caller(case: Case, facts: Facts, age: timedelta) -> bool:
    """Several calls within minutes are one case; what he mailed of just now may be another matter."""
    called = case.channel is Channel.VOICEMAIL and case.status is not Status.CLOSED
    return called and age <= timedelta(seconds=facts.site.same_caller_s)


def _same_report(case: Case, facts: Facts, message: ParsedMessage, age: timedelta) -> bool:
    if not facts.site.limits.collapse_reports or case.status is Status.CLOSED:
        return False
    return age <= timedelta(hours=REPORT_HOURS) and report_key(message.subject) == report_key(case.subject)


def _same_subject(case: Case, facts: Facts, message: ParsedMessage, age: timedelta) -> bool:
    if case.duplicate_of is not None:
        return False
    if not facts.from_files and facts.sent.from_sender_hour > facts.site.limits.flood_per_sender_hour:
        return case.status is not Status.CLOSED  # a flood is one case, counted, not thousands
    if subject_key(message.subject) != case.subject_key:
        return False
    if facts.sent.same_text_recent and age <= timedelta(minutes=SAME_TEXT_MINUTES):
        return True
    dropped = not message.in_reply_to and not message.references
    return dropped and is_reply(message.subject) and age <= timedelta(days=SUBJECT_DAYS)
