"""Whether an automatic answer to a message is allowed: stricter than its kind, each refusal with its reason.

A person's mail stays a case whatever is refused here. RFC 3834 section 2 and 4; RFC 5230 section 4.6;
MS-OXCMAIL X-Auto-Response-Suppress is an instruction, not a label.
"""

from __future__ import annotations

import re

from mailbridge.model.message import Kind
from mailbridge.policy.look import Look, without_plus
from mailbridge.policy.rules_machines import list_mail, list_path, other_desk, own_list
from mailbridge.policy.rules_words import NOT_ANSWERED_LOCAL

_SILENT = {
    Kind.VOICEMAIL: "the sender is a telephone system",
    Kind.AUTO_REPLY: "it is an automatic answer",
    Kind.AUTO_GENERATED: "a machine wrote it",
    Kind.BOUNCE: "it is a delivery report",
    Kind.REPORT: "it is a report",
    Kind.CALENDAR: "a calendar wrote it",
    Kind.LIST: "it is list mail",
    Kind.LOOP: "it is our own mail come back",
}


def no_answer_reason(look: Look, kind: Kind) -> str:
    """Why no automatic answer may be sent, or ""."""
    return _SILENT.get(kind, "") or _by_transport(look) or _by_header(look) or _by_sender(look)


def _by_transport(look: Look) -> str:
    if not look.envelope.answer:
        return "it was imported, not received"
    if look.null_sender:
        return "the return path is empty (RFC 3834)"
    path = look.envelope.mail_from if look.envelope.mail_from is not None else look.message.return_path
    ours = path and path.lower().rpartition("@")[2] in look.site.domains and own_list(look)
    if path and not ours and NOT_ANSWERED_LOCAL.match(path.partition("@")[0]):
        return f"the return path {path[:80]} takes no answers"
    return ""


def _by_header(look: Look) -> str:
    if look.automatic:
        return f"Auto-Submitted: {look.value('auto-submitted')[:60]}"
    suppress = {
        word.strip().lower()
        for word in re.split(r"[,;\s]+", ",".join(look.message.headers.get_all("x-auto-response-suppress")))
    }
    hit = suppress & {"all", "autoreply", "oof"}
    if hit:
        return f"X-Auto-Response-Suppress: {', '.join(sorted(hit))}"
    for name in ("precedence", "x-precedence"):
        if look.value(name).lower() == "list" and own_list(look):
            continue
        if look.value(name).lower() in ("bulk", "junk", "list", "auto_reply", "auto-reply"):
            return f"Precedence: {look.value(name)}"
    if look.has("x-ms-exchange-inbox-rules-loop", "x-loop", "x-no-loop", "feedback-id"):
        return (
            f"{look.has('x-ms-exchange-inbox-rules-loop', 'x-loop', 'x-no-loop', 'feedback-id')} is present"
        )
    if (
        look.value("x-spam-flag").lower().startswith("yes")
        or look.value("x-spam").lower().startswith("yes")
        or look.value("x-spam-status").lower().startswith("yes")
    ):
        return "a filter calls it spam"
    desk = other_desk(look)
    if desk:
        return f"another help desk wrote it ({desk})"
    listed = list_mail(look) or list_path(look)
    return listed and f"list mail: {listed}"


def _by_sender(look: Look) -> str:
    message = look.message
    author = message.author
    if not message.from_ and not message.reply_to:
        return "it names no sender"
    target = message.reply_to[0] if message.reply_to else author
    if not re.fullmatch(r"[^\s@]+@[^\s@]+\.[^\s@]+|[^\s@]+@localhost", target.address):
        return "its sender is no address"
    for one in (target, author):
        if NOT_ANSWERED_LOCAL.match(one.key.partition("@")[0]):
            return f"{one.key[:80]} takes no answers"
    if look.from_own or any(without_plus(one.key) in look.site.addresses for one in message.reply_to):
        return "it would answer an address of ours"
    if len({one.key for one in message.from_}) > 1:
        return "it has several authors"
    if target is not author and _organisation(target.domain) != _organisation(author.domain):
        return "Reply-To leads elsewhere, and the sender is not proven"
    return ""


def _organisation(domain: str) -> str:
    """The last two labels, three where the second is short (co.uk): near enough for comparing two domains."""
    labels = domain.split(".")
    return ".".join(
        labels[-3:] if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2 else labels[-2:]
    )
