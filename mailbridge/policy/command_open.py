"""Cases that staff or the portal open: a new one, or one split off another.

Pure. Only here, and by policy.command.severity, may a case get another severity than mail gets.
A case split off keeps the arrival of the mail that it came from: its promise is counted from there, its
acknowledgement threads under the customer's own mail, and an answer to it finds the new case by its token.
An unknown severity or plan raises NotFound, an empty subject or an address that is none Permanent.
"""

from __future__ import annotations

from datetime import datetime

from mailbridge.errors import Permanent
from mailbridge.model.case import Case, Channel, Status
from mailbridge.model.customer import Entitled
from mailbridge.model.decision import Decision, Facts, OpenCase
from mailbridge.model.message import Kind
from mailbridge.model.policy import TargetKind
from mailbridge.policy.command import signed
from mailbridge.policy.decide import MAX_SUBJECT, new_snapshot
from mailbridge.policy.draft import Draft
from mailbridge.policy.targets import cell

MAX_ADDRESS = 320


def open_by_staff(
    facts: Facts,
    now: datetime,
    *,
    author: str,
    subject: str,
    text: str,
    requester: str,
    requester_name: str = "",
    channel: Channel = Channel.PORTAL,
    severity: str = "",
    plan: str = "",
) -> Decision:
    """A case on behalf of a customer, acknowledged as if he had written himself.

    facts.contact and facts.account are those of requester, which may be "" (a caller without an address).
    Without a severity, e-mail and voicemail get the policy's e-mail severity, the portal its default.
    """
    opened = _opened(facts, subject, requester, requester_name, channel, severity, plan)
    draft = Draft(new_snapshot(opened, facts, now), facts.policy, now).opened(opened)
    draft.record("case_created", subject=opened.subject, channel=channel.value, why="opened by staff")
    _customer_says(draft, requester, text, opened.subject, kind=channel.value)
    if facts.entitled is not Entitled.KNOWN:
        draft.record("entitlement", state=facts.entitled.value)
    _promise(draft, facts, now)
    if opened.requester not in facts.site.own.staff:
        draft.tell_staff(facts, "staff_notice", "staff_notice:opened", why=f"opened by {author}")
    return signed(draft.decision("created", "opened by staff"), author)


def _opened(
    facts: Facts, subject: str, requester: str, name: str, channel: Channel, severity: str, plan: str
) -> OpenCase:
    policy, account = facts.policy, facts.account
    usual = policy.default_severity if channel is Channel.PORTAL else policy.mail_severity
    plans = {row.name for row in policy.plans}
    own_plan = account.plan if account and account.plan in plans else policy.default_plan
    at = cell(policy, plan or own_plan, severity or usual)
    address = _address(requester)
    return OpenCase(
        subject=_subject(subject),
        channel=channel,
        severity=at[1],
        plan=at[0],
        requester=address,
        requester_name=name or (facts.contact.name if facts.contact else ""),
        contact_id=facts.contact.id if facts.contact else None,
        account_id=account.id if account else None,
        account=account.name if account else "",
        entitled=facts.entitled,
        participants=(address,) if address else (),
    )


def split_off(
    facts: Facts, original: Case, now: datetime, *, author: str, subject: str, text: str
) -> Decision:
    """One new case out of original, for the part of the customer's mail that text quotes."""
    if original.duplicate_of is not None:
        raise Permanent(
            f"case {original.number} was merged into case {original.duplicate_of}: split that one"
        )
    opened = OpenCase(
        subject=_subject(subject),
        channel=original.channel,
        severity=original.severity,
        plan=original.plan,
        requester=original.requester,
        requester_name=original.requester_name,
        contact_id=original.contact_id,
        account_id=original.account_id,
        account=original.account,
        entitled=original.entitled,
        language=original.language,
        participants=original.participants,
    )
    draft = Draft(new_snapshot(opened, facts, now), facts.policy, now).opened(opened)
    draft.record("case_created", subject=opened.subject, why="split", split_from=original.number)
    draft.change(last_message_id=original.last_message_id, references=original.references)
    # a machine's words stay a machine's: neither this case nor its timers may write to it
    kind = "split" if facts.classification.may_answer else Kind.AUTO_GENERATED.value
    _customer_says(draft, original.requester, text, opened.subject, kind=kind)
    draft.change(last_customer_at=original.last_customer_at or original.created_at)  # then, not now
    _promise(draft, facts, _arrival(original, now))
    return signed(draft.decision("created", f"split off case {original.number}"), author)


def note_split(facts: Facts, case: Case, now: datetime, *, author: str, numbers: tuple[int, ...]) -> Decision:
    """The original's record of the numbers that were split off it."""
    draft = Draft(case, facts.policy, now)
    names = ", ".join(str(number) for number in numbers)
    draft.entry(
        "note", author, f"Split off: case {names}", kind="split", event="note_added", participant=False
    )
    draft.record("split", numbers=list(numbers))
    return signed(draft.decision("split", f"into case {names}"), author)


def _arrival(original: Case, now: datetime) -> datetime:
    """When the mail came that is split: the unanswered one's arrival; now where support owed nothing."""
    return original.awaiting_since if original.awaiting_since and original.status is Status.OPEN else now


def _customer_says(draft: Draft, requester: str, text: str, subject: str, *, kind: str) -> None:
    draft.entry(
        "in", requester.strip().lower(), text.strip("\r\n"), from_=requester, subject=subject, kind=kind
    )
    draft.change(last_customer_at=draft.now)


def _promise(draft: Draft, facts: Facts, received_at: datetime) -> None:
    draft.owe_answer(TargetKind.FIRST, received_at)
    if draft.send_customer(facts, "acknowledgement", "acknowledgement", event="ack_sent"):
        draft.acknowledged()


def _subject(subject: str) -> str:
    line = " ".join(subject.split())[:MAX_SUBJECT]
    if not line:
        raise Permanent("a case needs a subject")
    return line


def _address(address: str) -> str:
    """As compared: lower case. "" stays "": a caller may have none."""
    found = address.strip().lower()
    local, at, domain = found.rpartition("@")
    odd = len(found) > MAX_ADDRESS or any(char.isspace() or not char.isprintable() for char in found)
    if found and (odd or not (local and at and domain) or set(found) & set('<>(),;:"')):
        raise Permanent(f"{address[:80]!r} is not an address; write it like kim@customer.example")
    return found
