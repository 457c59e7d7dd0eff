"""Who is told at a level of escalation.

Promises: the level's own people, else the staff, never an address that we receive for (that would be a loop),
and which of the two it was: a notice must not say that somebody was told who was not. Pure; fails never.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mailbridge.model.policy import Policy

LEVEL, STAFF, NOBODY = "level", "staff", ""


def people_of(
    policy: Policy, level: int, staff: Sequence[str], own: Collection[str]
) -> tuple[tuple[str, ...], str]:
    """(addresses, LEVEL, STAFF or NOBODY) of a level."""
    row = next((row for row in policy.levels if row.number == level), None)
    for people, who in ((row.addresses if row else (), LEVEL), (staff, STAFF)):
        to = tuple(address for address in people if address.lower() not in own)
        if to:
            return to, who
    return (), NOBODY


def title_of(policy: Policy, level: int) -> str:
    """What the policy calls a level; "Level 4" where it has none of that number."""
    return next((row.title for row in policy.levels if row.number == level), f"Level {level}")
