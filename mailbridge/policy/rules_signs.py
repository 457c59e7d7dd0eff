"""Signs that several rules ask for: whether somebody speaks like a person, whether the sender is a robot by
name or by its own word. Each takes a Look; pure."""

from __future__ import annotations

from mailbridge.policy import rules_words as words
from mailbridge.policy.look import Look


def asks_or_greets(look: Look) -> bool:
    """A person talks: a question mark, a request, a greeting or thanks."""
    return asks(look) or bool(words.GREETS.search(look.fresh))


def asks(look: Look) -> bool:
    return any(mark in look.fresh for mark in "?؟") or bool(words.ASKS.search(look.fresh[:800]))


def quotes_nothing(look: Look) -> bool:
    return look.message.text.strip() == look.message.new_text.strip()


def bulk(look: Look) -> bool:
    return bool(
        {look.value("precedence").lower(), look.value("x-precedence").lower()}
        & {"bulk", "junk", "auto_reply"}
    )


def unattended(look: Look) -> bool:
    return bool(words.NOT_ANSWERED_LOCAL.match(look.message.author.key.partition("@")[0]))
