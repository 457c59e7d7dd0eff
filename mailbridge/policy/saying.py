"""What the new text of a customer's message says by itself: only thanks, "resolved", a change of contacts.

Promises: the policy's own words decide, and only what the customer wrote now; his name below them is no more
than a signature, and a file along with them wants to be looked at. Pure; fails never.
"""

from __future__ import annotations

from mailbridge.model.decision import Facts
from mailbridge.model.message import ParsedMessage
from mailbridge.policy.wordlists import is_only, is_resolved, speaks_of

RESOLVED = "the customer says it is resolved"
"""Why a case was closed by its customer's own word."""


def only_thanks(facts: Facts, message: ParsedMessage) -> bool:
    """Nothing but thanks: no answer is owed."""
    return not _files(facts) and is_only(message.new_text, facts.policy.thanks_words, _name(message))


def says_resolved(facts: Facts, message: ParsedMessage) -> bool:
    """Nothing but that it is resolved, with thanks or without."""
    policy = facts.policy
    return not _files(facts) and is_resolved(
        message.new_text, policy.resolved_words, policy.thanks_words, _name(message)
    )


def asks_for_contacts(facts: Facts, message: ParsedMessage) -> bool:
    """Whether it speaks of contacts that are to be changed, in its subject or its new text."""
    return speaks_of(f"{message.subject}\n{message.new_text}", facts.policy.contact_words)


def _files(facts: Facts) -> bool:
    return any(not row.get("inline") for row in facts.attachments)


def _name(message: ParsedMessage) -> str:
    author = message.author
    return f"{author.name} {author.address.partition('@')[0]}"
