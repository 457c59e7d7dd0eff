"""What a delivery report does to a case: it is filed there, staff are told, and a dead address is marked.

It never opens a case and never reopens one. Anybody can forge a report: only one that carries a Message-ID or
a signed token of ours marks an address, and only the address that we wrote to. A case number in the returned
subject files it and tells staff, no more. Raises nothing.
"""

from __future__ import annotations

from datetime import datetime

from mailbridge.model.decision import BouncedNotice, Decision, Facts, MarkAddress
from mailbridge.model.message import ParsedMessage, Recipient
from mailbridge.policy.draft import Draft

NOT_FAILED = ("delayed", "delivered", "relayed", "expanded")  # RFC 3464 section 2.3.3
# Staff are not told by mail that a mail to staff came back: that would be the next to come back.
TO_STAFF = ("staff_notice", "undeliverable", "deadline_warning", "escalation")


def decide_bounce(facts: Facts, message: ParsedMessage, now: datetime) -> Decision:
    """Tied to what we sent; a hard bounce marks the address and tells staff; it never opens a case."""
    tied = next((bounced for bounced in facts.bounced if bounced.case is not None), None)
    if tied is None or tied.case is None:
        return Decision("ignored", "a bounce of nothing that we sent", (), None)
    draft = Draft(tied.case, facts.policy, now)
    recipients = message.bounce.recipients if message.bounce else ()
    dead = dead_of(tied, recipients)
    _file(draft, message, recipients)
    for recipient in dead:
        why = f"{recipient.status} {recipient.diagnostic}".strip()[:300]
        draft.add(MarkAddress(recipient.address.lower(), why))
        draft.record("address_dead", address=recipient.address.lower(), reason=why)
    # A full mailbox, or a report that names nobody: whatever the reason, the customer was not told. Tied by a
    # token alone, what came back may have been the warning.
    warning = tied.kind == "auto_close_warning" or (not tied.kind and bool(tied.to))
    if failed(recipients) and draft.case.auto_close_at is not None and warning:
        draft.stop_silence()
        draft.record("auto_close_stopped", reason="the warning could not be delivered")
    if failed(recipients) and tied.kind not in TO_STAFF:
        _tell(draft, facts, message, tied, dead)
    return draft.decision("threaded", f"bounce of our {tied.kind or 'mail'}")


def dead_of(tied: BouncedNotice, recipients: tuple[Recipient, ...]) -> list[Recipient]:
    """The addresses that the report proves dead: at fault themselves, and among those that we wrote to."""
    written = {address.lower() for address in tied.to}
    return [one for one in recipients if one.address_dead and one.address.lower() in written]


def failed(recipients: tuple[Recipient, ...]) -> bool:
    """Whether anything was not delivered: a delay may pass, and a success needs nobody."""
    return not recipients or any(one.action not in NOT_FAILED for one in recipients)


def _file(draft: Draft, message: ParsedMessage, recipients: tuple[Recipient, ...]) -> None:
    told = "; ".join(
        f"{one.address}: {one.action} {one.status} {one.diagnostic}".strip() for one in recipients
    )
    draft.entry(
        "in",
        message.author.key,
        told or message.new_text[:2000],
        kind="bounce",
        event="bounced",
        participant=False,
    )


def _tell(
    draft: Draft, facts: Facts, message: ParsedMessage, tied: BouncedNotice, dead: list[Recipient]
) -> None:
    recipients = message.bounce.recipients if message.bounce else ()
    first = next((one for one in (*dead, *recipients) if one.action not in NOT_FAILED), None)
    what = {
        "recipient": first.address if first else ", ".join(tied.to),
        "status": first.status if first else "",
        "diagnostic": first.diagnostic[:500] if first else message.new_text[:500],
        "what": tied.kind or "staff_answer",
    }
    once = str(tied.outbox_id) if tied.outbox_id else f"{draft.case.number}:{what['recipient'].lower()[:100]}"
    draft.tell_staff(facts, "undeliverable", f"undeliverable:{once}", undeliverable=what)
