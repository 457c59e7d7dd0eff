"""One governor for all automatic mail: may this notice go to this address?

Headers cannot be trusted, so it counts too, over sliding windows kept in the store: per address and hour, the
policy's number a day, per domain, overall. A refusal is a reason in words, recorded on the case; it stops
answers, never intake (RFC 3834 section 2).
"""

from __future__ import annotations

from mailbridge.model.decision import Facts
from mailbridge.model.message import Kind


def refusal(facts: Facts, to: str) -> str:
    """Why an automatic notice may not go to this customer address; "" where it may."""
    return _of_message(facts, to) or over_limits(facts, to)


def address_refusal(facts: Facts, to: str) -> str:
    """Why no mail at all should go to this address; "" where it may."""
    if not to or "@" not in to:
        return "no address is known"
    if to.lower() in facts.site.own.addresses:
        return "our own address"
    if to.lower() in facts.dead_addresses:
        return "mail to this address could not be delivered"
    return ""


def _of_message(facts: Facts, to: str) -> str:
    if not facts.answer:
        return "imported without answers"
    if not facts.classification.may_answer:
        return facts.classification.no_answer or "an automatic message is never answered"
    if to.lower() in facts.site.own.staff and facts.classification.kind is Kind.HUMAN:
        return "a staff address that nothing proves: a forger must not make us write to our own people"
    return address_refusal(facts, to)


def over_limits(facts: Facts, to: str) -> str:
    """Which limit would be passed by one more automatic mail to this address; "" for none."""
    sent, limits = facts.sent, facts.site.limits
    domain = to.rpartition("@")[2].lower()
    if sent.to_address_day >= facts.policy.answers_per_address_per_day:
        return f"{sent.to_address_day} automatic mails to this address within a day"
    if sent.to_address_hour >= limits.per_address_hour:
        return f"{sent.to_address_hour} automatic mails to this address within an hour"
    if domain not in limits.shared_domains and sent.to_domain_hour >= limits.per_domain_hour:
        return f"{sent.to_domain_hour} automatic mails to this domain within an hour"
    if sent.overall_hour >= limits.overall_hour:
        return f"{sent.overall_hour} automatic mails within an hour: the breaker is open"
    if sent.from_sender_hour > limits.flood_per_sender_hour:
        return f"{sent.from_sender_hour} messages from this sender within an hour"
    if sent.same_text_recent >= 3:
        return "the same text from the same sender, again and again"
    return ""


def staff_flooded(facts: Facts) -> bool:
    """Whether staff should not be told of each further message of this sender."""
    return facts.sent.from_sender_hour > facts.site.limits.flood_per_sender_hour
