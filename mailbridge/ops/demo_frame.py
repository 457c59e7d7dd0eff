"""The demo's first and last words: what is real in it, what stands at the end, where to go next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from mailbridge.ops.demo_tell import Teller
from mailbridge.ops.demo_world import HOST, World


def introduce(world: World, teller: Teller) -> None:
    """What the user looks at."""
    policy = world.desk.policy
    teller.say("mailbridge demo: a support desk in Thanksgiving week", "bold")
    teller.say(
        f"Real: SMTP on {HOST}:{world.smtp_port}, IMAP on {HOST}:{world.imap_port}, "
        f"a relay on {HOST}:{world.relay_port}, SQLite, the Vosk speech recogniser, "
        f"and the policy of the {policy.title}. Invented: the people, and the clock, which jumps."
    )


def finish(world: World, teller: Teller, cases: Sequence[Mapping[str, Any]], seconds: float) -> None:
    """The cases as they stand, how long it took, and what to try now."""
    zone = world.desk.policy.calendars[world.desk.policy.calendar].zone
    teller.say()
    rows = [
        (
            f"#{case['number']}",
            case["subject"],
            case["status"] + (f", level {case['escalation_level']}" if case["escalation_level"] else ""),
            case["requester"],
            _short(case["respond_by"], zone),
        )
        for case in cases
    ]
    columns = ("case", "subject", "status", "customer", "answer due")
    teller.table(columns, rows)
    teller.say(
        f"That was five days of support in {seconds:.1f} seconds; {len(world.caught.mails)} mails went out."
    )
    teller.say("Where to go next:")
    teller.say("  mailbridge demo --keep      leaves it running, so that you can write to it")
    teller.say("  README.md                   how to install it for real; config.example.ini has every key")
    teller.say("  mailbridge -c FILE check    says everything that is wrong with a configuration at once")


def _short(instant: datetime | None, zone: Any) -> str:
    return f"{instant.astimezone(zone):%a %d, %H:%M}" if instant else ""
