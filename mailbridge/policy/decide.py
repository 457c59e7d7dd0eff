"""What to do with one message: ordered by what it is, each branch a few effects with their reasons.

`decide(facts, message, now)` is pure: the same facts give the same decision, so a clash in the store means
only "load the facts again, decide again".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mailbridge.model.case import Case, Channel, Status
from mailbridge.model.customer import Entitled
from mailbridge.model.decision import (
    NEW,
    Decision,
    Facts,
    MakeContact,
    OpenCase,
    Record,
    Transcribe,
)
from mailbridge.model.message import Kind, ParsedMessage
from mailbridge.model.policy import TargetKind
from mailbridge.policy.bounced import decide_bounce
from mailbridge.policy.draft import Draft
from mailbridge.policy.govern import staff_flooded
from mailbridge.policy.links import PART
from mailbridge.policy.oversize import tell_refused
from mailbridge.policy.saying import RESOLVED, asks_for_contacts, only_thanks, says_resolved
from mailbridge.policy.subjects import subject_key, without_tags
from mailbridge.policy.thread import Place, knows, place, thread_key

MAX_SUBJECT = 200


def decide(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    """The decision for a message as it stands in the inbox."""
    if facts.seen is not None:
        return _seen_before(facts, now)
    return _BRANCHES[facts.classification.kind](facts, message, now)


def is_escalation(facts: Facts) -> bool:
    """Whether it was mailed to the escalation address."""
    return any(address in facts.site.own.escalation for address in facts.recipients)


def is_staff(facts: Facts, message: ParsedMessage) -> str:
    """How the author is proven to be staff ("token", "login", "dkim"), else "": never by From alone."""
    author = message.author.key
    if author not in facts.site.own.staff or len(message.from_) != 1:
        return ""
    if facts.staff_token_for == author and "token" in facts.site.staff_proof:
        return "token"
    if facts.authenticated in facts.site.staff_proof:
        return facts.authenticated
    return ""


def arrived(facts: Facts, now: datetime) -> datetime:
    """The moment from which promises count: the message's arrival, not its processing after an outage."""
    return min(facts.received_at, now) if facts.received_at is not None else now


# --- branches, one a kind ----------------------------------------------------------------------------------


def _seen_before(facts: Facts, now: datetime) -> Decision:
    """The same message once more: nothing, unless this arrival came to the escalation address as well."""
    seen = facts.seen
    assert seen is not None
    kinds = (Kind.HUMAN, Kind.VOICEMAIL)
    if (
        seen.case is None
        or seen.escalated
        or not is_escalation(facts)
        or facts.classification.kind not in kinds
    ):
        return Decision(
            "duplicate", f"the same as message {seen.message_id}", (), seen.case.id if seen.case else None
        )
    draft = Draft(seen.case, facts.policy, now)
    draft.escalate(facts, "mailed to the escalation address as well", f"escalation:{facts.message_id}")
    return draft.decision(
        "duplicate", f"the same as message {seen.message_id}, now for the escalation address"
    )


def _customer(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    where = place(facts, message, now)
    if where.case is None:
        return _open(facts, message, now, where, Channel.EMAIL)
    draft = Draft(where.case, facts.policy, now)
    _add_message(draft, facts, message, where)
    if is_escalation(facts):
        _escalate_existing(draft, facts, message)
    elif where.case.status is Status.CLOSED:
        _answer_to_closed(draft, facts, message)
    elif says_resolved(facts, message):
        _resolved(draft, facts, message)
    else:
        _customer_answers(draft, facts, message)
    tell_refused(draft, facts, message)
    return draft.decision("threaded", f"by {where.how}", where.rules)


def _resolved(draft: Draft, facts: Facts, message: ParsedMessage) -> None:
    """Closed by the customer's own word; he reads it once more, and how to take it back."""
    draft.close(RESOLVED)
    draft.send_customer(facts, "closed", f"closed:{facts.message_id}")
    _tell_staff(draft, facts, message, f"{RESOLVED}: the case is closed")


def _customer_answers(draft: Draft, facts: Facts, message: ParsedMessage) -> None:
    """Support owes an answer again; on hold or not, the silence is over."""
    if only_thanks(facts, message) and draft.case.status is Status.WAITING:
        draft.record("thanked", reason="only thanks: nothing to answer")
        return
    draft.stop_silence()
    first = draft.case.last_staff_at is None
    draft.change(status=Status.OPEN)
    draft.owe_answer(TargetKind.FIRST if first else TargetKind.NEXT, arrived(facts, draft.now))
    _tell_staff(draft, facts, message, "the customer writes again")


def _answer_to_closed(draft: Draft, facts: Facts, message: ParsedMessage) -> None:
    if only_thanks(facts, message):
        draft.record("thanked", reason="only thanks: the case stays closed")
        return
    draft.reopen("the customer answered")
    draft.owe_answer(TargetKind.NEXT, arrived(facts, draft.now))
    draft.send_customer(facts, "reopened", f"reopened:{facts.message_id}")
    _tell_staff(draft, facts, message, "the customer reopened the case")


def _escalate_existing(draft: Draft, facts: Facts, message: ParsedMessage) -> None:
    """Leadership is told; the severity stays; feedback on a case in work is a review, not a new promise."""
    if draft.case.status is Status.CLOSED:
        draft.reopen("escalated by the customer")
    draft.stop_silence()
    in_work = draft.case.last_staff_at is not None
    draft.change(status=Status.OPEN)
    if not (in_work and facts.policy.escalation_is_review):
        draft.owe_answer(TargetKind.NEXT if in_work else TargetKind.FIRST, arrived(facts, draft.now))
    draft.escalate(facts, "the customer wrote to the escalation address", f"escalation:{facts.message_id}")
    level = draft.case.escalation_level
    if not message.author.key:
        return
    # to the one who escalated and to nobody else: a colleague waits for it; who holds a token
    # of the case has a mail of ours, which says more than this one
    data = {"escalation": {"level": level}, "greet": message.author.name}
    once = f"escalation_ack:{facts.message_id}"
    draft.send_customer(
        facts, "escalation_acknowledgement", once, event="ack_sent", to=message.author.key, **data
    )


def _open(facts: Facts, message: ParsedMessage, now: datetime, where: Place, channel: Channel) -> Decision:
    draft = open_case(facts, message, now, channel, follows=where.follows)
    born = {"subject": draft.case.subject, "channel": channel.value, "why": where.how}
    draft.add(Record(NEW, "case_created", born | ({"follows": where.follows} if where.follows else {})))
    _add_message(draft, facts, message, where)
    for number in where.suggestions:
        draft.record("may_belong_to", number=number, reason="named, but not by a participant of that case")
    if facts.entitled is not Entitled.KNOWN:
        draft.record("entitlement", state=facts.entitled.value)
    draft.owe_answer(TargetKind.FIRST, arrived(facts, now))
    escalated = is_escalation(facts) and facts.classification.kind in (Kind.HUMAN, Kind.VOICEMAIL)
    if draft.send_customer(facts, "acknowledgement", "acknowledgement", event="ack_sent"):
        draft.acknowledged()
    tell_refused(draft, facts, message)
    if escalated:
        draft.escalate(facts, "opened by mail to the escalation address", f"escalation:{facts.message_id}")
    _tell_staff(draft, facts, message, "a new case")
    return draft.decision("created", where.how, where.rules)


def open_case(
    facts: Facts, message: ParsedMessage, now: datetime, channel: Channel, follows: int | None = None
) -> Draft:
    """A new case at the severity that the policy gives to mail, whatever the mail claims."""
    author = message.author
    requester = author.key
    name = author.name
    if channel is Channel.VOICEMAIL:
        requester = next(iter(facts.contact.addresses), "") if facts.contact else ""
        name = facts.contact.name if facts.contact else ""
    account = facts.account
    plan_names = {plan.name for plan in facts.policy.plans}
    plan = account.plan if account and account.plan in plan_names else facts.policy.default_plan
    subject = subject_line(facts, message, channel)
    others = tuple(
        a.key for a in (*message.to, *message.cc) if a.key and a.key not in facts.site.own.addresses
    )
    opened = OpenCase(
        subject=subject,
        channel=channel,
        severity=facts.policy.mail_severity,
        plan=plan,
        requester=requester,
        requester_name=name or (facts.contact.name if facts.contact else ""),
        contact_id=facts.contact.id if facts.contact else None,
        account_id=account.id if account else None,
        account=account.name if account else "",
        entitled=facts.entitled,
        language=message.language,
        participants=tuple(
            dict.fromkeys(a for a in (requester, *others) if a and a not in facts.site.own.staff)
        ),
        follows=follows,
        created_at=arrived(facts, now),
    )
    return Draft(new_snapshot(opened, facts, now), facts.policy, now).opened(opened)


def new_snapshot(opened: OpenCase, facts: Facts, now: datetime) -> Case:
    """The case as it will be right after OpenCase; its id is NEW and its number not known yet."""
    return Case(
        id=NEW,
        number=0,
        version=0,
        subject=opened.subject,
        subject_key=subject_key(opened.subject),
        status=Status.OPEN,
        channel=opened.channel,
        severity=opened.severity,
        plan=opened.plan,
        requester=opened.requester,
        requester_name=opened.requester_name,
        created_at=opened.created_at or now,
        account_id=opened.account_id,
        account=opened.account,
        contact_id=opened.contact_id,
        entitled=opened.entitled,
        language=opened.language,
        policy=facts.policy.name,
        policy_version=facts.policy.version,
        participants=opened.participants,
    )


def subject_line(facts: Facts, message: ParsedMessage, channel: Channel) -> str:
    if channel is Channel.VOICEMAIL:
        voicemail = facts.classification.voicemail
        who = (facts.contact.name if facts.contact and facts.contact.name else "") or facts.caller
        who = who or (voicemail.caller_name if voicemail else "")
        return f"Voicemail from {who or 'an unknown caller'}"
    # another case's tag in our subject would send the answers there
    return " ".join(without_tags(message.subject).split())[:MAX_SUBJECT] or "(no subject)"


def _voicemail(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    where = place(facts, message, now)
    voicemail = facts.classification.voicemail
    parts = (voicemail.audio_parts or ((PART,) if voicemail.link else ())) if voicemail else ()
    if where.case is None:
        decision = _open(facts, message, now, where, Channel.VOICEMAIL)
        effects = decision.effects
        if facts.contact is None and facts.caller:
            effects = (MakeContact(facts.caller, voicemail.caller_name if voicemail else ""), *effects)
        case_id = NEW
    else:
        draft = Draft(where.case, facts.policy, now)
        _add_message(draft, facts, message, where)
        if draft.case.status is Status.CLOSED:
            draft.reopen("the customer called")
        _customer_answers(draft, facts, message)
        decision = draft.decision("threaded", f"by {where.how}", where.rules)
        effects = decision.effects
        case_id = where.case.id
    if parts and facts.transcribe:
        effects = (*effects, Transcribe(case_id, parts))
    elif parts:
        effects = (
            *effects,
            Record(case_id, "transcript_missing", {"reason": "no speech model is configured"}),
        )
    elif voicemail and voicemail.no_link:
        effects = (*effects, Record(case_id, "link_not_fetched", {"reason": voicemail.no_link}))
    return Decision(decision.outcome, decision.reason, effects, decision.case, decision.rules)


def _staff(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    """A staff member's answer by mail goes to the customer from the support address."""
    proof = is_staff(facts, message)
    where = place(facts, message, now)
    case = next((r.case for r in facts.references if r.how in ("staff_token", "token")), None)
    if case is None and facts.authenticated:
        case = where.case or next((r.case for r in facts.references), None)
    if case is None:
        return _open(facts, message, now, where, Channel.STAFF)
    draft = Draft(case, facts.policy, now)
    staff_answer(draft, facts, message.author.key, message.new_text, once=f"staff_answer:{facts.message_id}")
    return draft.decision("threaded", f"staff, proven by {proof}", where.rules)


def staff_answer(draft: Draft, facts: Facts, author: str, text: str, once: str) -> None:
    """Send the answer on, end the deadline, wait for the customer."""
    if not text.strip() and not facts.attachments:
        draft.entry("note", author, text, kind="staff", event="note_added", attachments=facts.attachments)
        return
    if draft.case.status is Status.CLOSED:
        draft.reopen("staff answered")
    own = facts.site.own
    known = [a for a in draft.case.participants if a not in own.addresses and a not in own.staff]
    to = draft.case.requester if draft.case.requester and draft.case.requester not in own.addresses else ""
    cc = tuple(a for a in known if a != to and a not in facts.dead_addresses)[:20]
    draft.answered()
    if to:
        parts = tuple(str(a["part"]) for a in facts.attachments if a.get("part"))
        draft.send(
            "staff_answer",
            (to,),
            once,
            data={"text": text, "author": author},
            cc=cc,
            attachments=parts,
            event="staff_answered",
        )
    else:
        draft.entry(
            "out", author, text, kind="staff_answer", event="staff_answered", attachments=facts.attachments
        )
        draft.record("suppressed", notice="staff_answer", to="", reason="no address of the customer is known")


def _machine_answer(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    """An automatic answer, receipt or reply to an invitation: filed to its case; changes and opens
    nothing.
    """
    kind = facts.classification.kind
    for reference in facts.references:
        if reference.how in ("token", "staff_token", "message_id") or knows(reference.case, facts, message):
            draft = Draft(reference.case, facts.policy, now)
            draft.entry(
                "in",
                message.author.key,
                message.new_text,
                **_mail_values(facts, message),
                kind=kind.value,
                event="filed",
                participant=False,
            )
            draft.record(
                "suppressed", notice="answer", to=message.author.key, reason=facts.classification.reason
            )
            return draft.decision(
                "threaded", f"{kind.value}, by {reference.how}: no answer, nothing reopened"
            )
    return Decision("ignored", facts.classification.reason or kind.value, (), None)


def _calendar(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    if message.calendar_method in ("REPLY", "CANCEL", "COUNTER", "REFRESH"):
        return _machine_answer(facts, message, now)
    return _machine_report(facts, message, now)


def _machine_report(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    """A machine reports, a list posts: a case, unanswered; the same report again joins it with a count."""
    where = place(facts, message, now)
    if where.case is None:
        return _open(facts, message, now, where, Channel.EMAIL)
    draft = Draft(where.case, facts.policy, now)
    _add_message(draft, facts, message, where)
    if where.how != "same_report":
        if draft.case.status is not Status.CLOSED:
            draft.stop_silence()
            draft.change(status=Status.OPEN)
            draft.owe_answer(
                TargetKind.NEXT if draft.case.last_staff_at else TargetKind.FIRST, arrived(facts, now)
            )
        _tell_staff(draft, facts, message, "a machine writes again")
    return draft.decision("threaded", f"by {where.how}", where.rules)


def _loop(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    """Our own mail come back, or ping-pong: stored, never answered, opens nothing."""
    for reference in facts.references:
        if reference.how in ("token", "staff_token"):
            draft = Draft(reference.case, facts.policy, now)
            draft.record(
                "suppressed", notice="answer", to=message.author.key, reason=facts.classification.reason
            )
            return draft.decision("ignored", facts.classification.reason)
    return Decision("ignored", facts.classification.reason, (), None)


_BRANCHES: dict[Kind, Callable[[Facts, ParsedMessage, datetime], Decision]] = {
    Kind.HUMAN: _customer,
    Kind.STAFF: _staff,
    Kind.VOICEMAIL: _voicemail,
    Kind.BOUNCE: decide_bounce,
    Kind.AUTO_REPLY: _machine_answer,
    Kind.REPORT: _machine_answer,
    Kind.CALENDAR: _calendar,
    Kind.LIST: _machine_report,
    Kind.AUTO_GENERATED: _machine_report,
    Kind.LOOP: _loop,
}


# --- shared steps ------------------------------------------------------------------------------------------


def _mail_values(facts: Facts, message: ParsedMessage) -> dict[str, object]:
    return {
        "from_": message.author.address,
        "to": tuple(a.address for a in (*message.to, *message.cc))[:50] or facts.recipients,
        "subject": message.subject,
        "message_ref": message.message_id,
        "references": message.references,
        "attachments": facts.attachments,
        # a telephone system's page holds a transcript in which card numbers still stand
        "html": "" if facts.classification.kind is Kind.VOICEMAIL else message.html,
        "thread_key": thread_key(message.thread_index),
    }


def _add_message(draft: Draft, facts: Facts, message: ParsedMessage, where: Place) -> None:
    """The customer's message on the case; he becomes a participant only where he was let in by right."""
    text = facts.text or message.new_text
    author = draft.case.requester if draft.case.channel is Channel.VOICEMAIL else message.author.key
    if facts.classification.kind is Kind.VOICEMAIL:
        author = facts.caller or (
            facts.classification.voicemail.caller_name if facts.classification.voicemail else ""
        )
    # a token may have been forwarded or leaked: its holder writes to the case, and gets no copy of answers
    token = where.case is not None and where.how in ("token", "staff_token")
    unverified = token and where.case is not None and not knows(where.case, facts, message)
    values = _mail_values(facts, message) | {"participant": not unverified}
    draft.add_message(author, text, values, kind=facts.classification.kind.value)
    if _claims_staff(facts, message):
        draft.record("staff_refused", address=message.author.key, reason="a staff address without proof")
    if unverified:
        draft.record(
            "unverified_participant", address=message.author.key, reason="holds a token of this case"
        )


def _claims_staff(facts: Facts, message: ParsedMessage) -> bool:
    """Whether it bears a staff address and was not proven: a forgery, or a colleague who did not answer to
    the notice. It is taken for a customer's, is never sent on, and staff are told what it is."""
    return facts.classification.kind is Kind.HUMAN and message.author.key in facts.site.own.staff


def _tell_staff(draft: Draft, facts: Facts, message: ParsedMessage, why: str) -> None:
    if _claims_staff(facts, message):
        why += " under the address of one of you, which nothing proves: it was not sent on to anybody"
    if asks_for_contacts(facts, message):
        # only staff change contacts: a mail proves no right to it
        draft.record("contact_change_asked", reason="nothing is changed by a mail: it is for staff to do")
        why += ": it asks for a change of contacts, which is for you to make; nothing was changed"
    if staff_flooded(facts):
        draft.record("suppressed", notice="staff_notice", to="staff", reason="a flood of one sender")
        return
    draft.tell_staff(facts, "staff_notice", f"staff_notice:{facts.message_id}", why=why)
