"""Attachments larger than the policy takes: the customer is told once a message, staff see it on the case.

The message itself is stored whole, whatever its size: the limit is a promise about files, not a way to lose
mail. Pure; fails never.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailbridge.model.decision import Facts
from mailbridge.model.message import Kind, ParsedMessage
from mailbridge.policy.draft import Draft
from mailbridge.policy.thread import knows

MOST_NAMED = 20
_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def size_in_words(size_bytes: int) -> str:
    """A size as people say it: 25 MB, 1.5 MB, 800 bytes (decimal units, as mail programs show them)."""
    for unit, name in _UNITS:
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size_bytes} bytes"


def marked(rows: tuple[Mapping[str, Any], ...], limit_bytes: int) -> tuple[Mapping[str, Any], ...]:
    """The attachments, with a word for staff on those beyond the limit; 0 is no limit."""
    return tuple(_marked(row, limit_bytes) if _beyond(row, limit_bytes) else row for row in rows)


def tell_refused(draft: Draft, facts: Facts, message: ParsedMessage) -> None:
    """Record files beyond the policy's limit, and tell the one who sent them, if a person did."""
    limit = facts.policy.attachment_limit_bytes
    files = [row for row in facts.attachments if _beyond(row, limit)][:MOST_NAMED]
    if not files or facts.classification.kind is not Kind.HUMAN:
        return
    most = size_in_words(limit)
    names = [
        f"{row.get('filename') or '?'} ({size_in_words(int(row['size']))}, limit {most})" for row in files
    ]
    draft.record("attachment_refused", files=names, limit_bytes=limit)
    note = "\n".join(names)
    if knows(draft.case, facts, message):
        once = f"attachment_refused:{facts.message_id}"
        told = {"note": note, "greet": message.author.name}
        draft.send_customer(facts, "attachment_refused", once, to=message.author.key, **told)


def _beyond(row: Mapping[str, Any], limit_bytes: int) -> bool:
    return 0 < limit_bytes < int(row.get("size") or 0)


def _marked(row: Mapping[str, Any], limit_bytes: int) -> Mapping[str, Any]:
    why = f"larger than the {size_in_words(limit_bytes)} that the policy takes"
    return {**row, "dangerous": "; ".join(part for part in (row.get("dangerous"), why) if part)}
