"""What a decision did that an admin wants to see pass by in the log: one line each, with the case's number.

Promises: only after the decision was committed; words of ours and addresses, never a customer's text. Fails
never.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mailbridge import log
from mailbridge.model.decision import AddEntry, Decision, Record, Send

SHOWN = ("notice", "to", "level", "address", "respond_by", "reason")
TOLD = frozenset(
    {
        "auto_closed",
        "bounced",
        "closed",
        "deadline_missed",
        "deadline_warning",
        "escalated",
        "reopened",
        "staff_refused",
        "suppressed",
    }
)


def told(decision: Decision) -> list[tuple[str, Mapping[str, Any]]]:
    """The events of a decision that are worth a line, and what stands in it."""
    return [(name, data) for name, data in _events(decision) if name in TOLD]


def tell_log(events: list[tuple[str, Mapping[str, Any]]], case: int | None) -> None:
    """Log them. case: its number."""
    for name, data in events:
        # over a limit of the governor: a loop or a flood, which somebody should look at
        event = "governor_closed" if data.get("limit") else name
        log.event(event, case=case, **{key: data[key] for key in SHOWN if data.get(key)})


def _events(decision: Decision) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for effect in decision.effects:
        if isinstance(effect, Record):
            yield effect.event, effect.data
        elif isinstance(effect, Send):
            yield effect.event, effect.data.get("event_data") or {}
        elif isinstance(effect, AddEntry):
            yield effect.event, {}
