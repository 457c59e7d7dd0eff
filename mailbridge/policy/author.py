"""Who wrote a message that bears our own address as its sender.

Groups (Google, Microsoft, Mailman) rewrite the From of strict domains to the group's own address, and forms
on a web site send from the site's: the person stands in Reply-To, or in the field where the group keeps the
old From. written_by() puts that person back as the author. It proves nothing of him: the shell must not
take what our own server says of the rewritten From for a proof of the person. Pure; a message that names
nobody, and an automatic one, stay as they are: those are our own come back.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mailbridge.mail.addresses import read_addresses
from mailbridge.model.message import Address, ParsedMessage
from mailbridge.model.own import Own
from mailbridge.policy.look import without_plus

OLD_FROM = ("x-original-from", "x-original-sender", "x-google-original-from")
_VIA = re.compile(r"^['\"]?(?P<name>.*?)['\"]?\s+(?:via|über|par|vía|tramite|przez|через)\s+.{1,80}$", re.I)


def written_by(message: ParsedMessage, own: Own) -> ParsedMessage:
    """The message with its person as the author, where its From is an address of ours and nothing else."""
    automatic = message.headers.get("auto-submitted").strip().lower() not in ("", "no")
    if automatic or not message.from_ or not all(_ours(one, own) for one in message.from_):
        return message
    old = [one for name in OLD_FROM for one in read_addresses(list(message.headers.get_all(name)))]
    people = {one.key: one for one in (*old, *message.reply_to) if one.domain and not _ours(one, own)}
    if len(people) != 1:
        return message
    [person] = people.values()
    author = Address(person.name or _name(message.from_[0].name), person.address)
    return replace(message, from_=(author,), reply_to=tuple(o for o in message.reply_to if not _ours(o, own)))


def _ours(one: Address, own: Own) -> bool:
    return one.key in own.addresses or without_plus(one.key) in own.addresses


def _name(via: str) -> str:
    hit = _VIA.match(via.strip())
    return hit["name"].strip("'\" ") if hit else ""
