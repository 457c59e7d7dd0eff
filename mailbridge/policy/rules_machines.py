"""Rules that know what nobody answers but everybody may want to read: reports of machines, mailing lists,
newsletters.

Each rule takes a Look and gives the evidence as words, or "". Traps: a group address of the site (Google,
Microsoft, Mailman) puts a list's fields on every customer's mail; gateways put Precedence on people's.
"""

from __future__ import annotations

import re

from mailbridge.policy import rules_fields as fields
from mailbridge.policy import rules_words as words
from mailbridge.policy.look import Look, without_plus
from mailbridge.policy.rules_signs import asks, asks_or_greets, bulk, unattended


def auto_generated_header(look: Look) -> str:
    """A machine reports, by its own word."""
    if look.automatic:
        return f"Auto-Submitted: {look.value('auto-submitted')[:80]}"
    return ""


def auto_generated_system(look: Look) -> str:
    """A machine reports, by the fields of its program or the name of its sender."""
    hit = look.has(*fields.GENERATED)
    # What an inbox rule of Exchange hands on was written by whoever wrote it.
    if hit and look.value(hit).lower() not in ("no", "false", "0", "mailbox rules agent"):
        return f"{hit} is present"
    if fields.PROGRAMS.search(look.value("x-mailer")):
        return f"X-Mailer: {look.value('x-mailer')[:60]}"
    if look.null_sender and not look.answers and unattended(look):
        return "no return path, and the sender is a robot's name"
    if look.null_sender and look.fresh.strip() and not look.message.protection and not asks_or_greets(look):
        return "no return path, and nobody who asks, greets or thanks"
    if unattended(look) and (bulk(look) or look.has("x-auto-response-suppress")):
        return "the sender is a robot's name, and the message says bulk"
    if unattended(look) and not look.answers and words.ALARM_SUBJECT.match(look.subject):
        return "" if asks_or_greets(look) else "the sender is a robot's name, and the subject an alarm's"
    if _no_reply(look) and not look.answers_us:
        return "the sender says that it takes no answers"
    return ""


def _no_reply(look: Look) -> bool:
    """A no-reply address. A form on a web site has one, too: with the person in Reply-To, or asking in its
    text."""
    author = look.message.author
    elsewhere = any(one.key and one.key != author.key for one in look.message.reply_to)
    local = author.key.partition("@")[0]
    return bool(words.NO_REPLY_LOCAL.match(local)) and not elsewhere and not asks(look)


def list_mail(look: Look) -> str:
    """A mailing list or a newsletter: its fields, or Precedence where nothing says that a person wrote to
    us."""
    own = own_list(look)
    hit = look.has(*fields.MAILINGS, *(() if own else fields.LIST_FIELDS))
    if hit:
        return f"{hit} is present"
    precedence = (look.value("precedence") or look.value("x-precedence")).lower()
    if precedence == "list" and not own:
        return "Precedence: list"
    if precedence in ("bulk", "junk") and not unattended(look) and not _to_us_by_hand(look):
        return f"Precedence: {precedence}"
    if look.message.sender and re.search(
        r"(?:^owner-|-bounces?$|-owner$|-request$)", look.message.sender.key.partition("@")[0]
    ):
        return f"Sender: {look.message.sender.address}"
    return _tagged(look)


def own_list(look: Look) -> bool:
    """Our own address is a group (Google, Microsoft, Mailman): what it hands on has a list's fields, and was
    written to us."""
    told = " ".join(
        value for name in fields.GROUP_FIELDS for value in look.message.headers.get_all(name)
    ).lower()
    return any(
        re.search(rf"(?<![\w.+-]){re.escape(form)}(?![\w-]|\.\w)", told)
        for one in look.site.addresses
        for form in (one, one.replace("@", "."))
    )


def _to_us_by_hand(look: Look) -> bool:
    """Some gateways put Precedence: bulk on the mail of people. Theirs names us, and offers no way out."""
    named = {without_plus(one.key) for one in (*look.message.to, *look.message.cc)}
    return bool(named & look.site.addresses) and not words.UNSUBSCRIBE.search(look.top)


def person_in_a_list(look: Look) -> str:
    """A person who answers us through a group address, or through a list that he reads us on."""
    if look.answers_us and not look.automatic and not unattended(look) and not bulk(look):
        return (
            "answers a message of ours"
            if look.has("list-id", "list-post", "mailing-list", "list-unsubscribe")
            else ""
        )
    return ""


def _tagged(look: Look) -> str:
    """A subject tagged with the name of the address it was sent to, which is not ours: [users] to
    users@lists..."""
    hit = fields.TAG.match(words.REPLY_PREFIX.sub("", look.subject))
    if hit is None:
        return ""
    tag = hit[1].strip()
    for one in (*look.message.to, *look.message.cc):
        if (
            one.key.partition("@")[0] == tag
            and without_plus(one.key) not in look.site.addresses
            and one.domain not in look.site.domains
        ):
            return f"the subject is tagged with the list's name [{tag}]"
    return ""


def list_path(look: Look) -> str:
    """A return path of list software. People's mail has it too, through groups and mailing services."""
    if own_list(look):
        return ""
    path = (look.envelope.mail_from or look.message.return_path or "").lower()
    if re.search(r"^owner-|-bounces?[@+]|-owner@|-request@|^sentto-|^listserv@|^majordomo@", path):
        return f"the return path {path[:80]} is a list's"
    return ""


def other_desk(look: Look) -> str:
    """The field by which another help desk's mail is known, or ""."""
    return look.has(*fields.DESKS)
