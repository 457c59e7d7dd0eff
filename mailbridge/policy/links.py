"""Whether the link of a voicemail without sound may be fetched, and which one.

Promises: only where the one author of the mail is on the administrator's list and our own server found a DKIM
signature of that very domain, or of one above it; a From address alone is anybody's to write. Else words that
say what is missing. Whether the address behind the link is a decent one is for the fetcher to find. Pure.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mailbridge.model.message import ParsedMessage, Voicemail
from mailbridge.model.own import Own
from mailbridge.policy import rules_voice_words as table
from mailbridge.policy.authentic import Authentic, signed_for

PART = "link"
"""What stands for the part of the message where the sound is behind its link."""


def judge_link(
    voicemail: Voicemail, message: ParsedMessage, authentic: Authentic, own: Own, *, proves: bool
) -> Voicemail:
    """The voicemail with its link, or the reason why none is fetched; unchanged where it brings sound.

    proves: the message came by a way, and as it was written, that its server's verdict speaks for.
    """
    if voicemail.audio_parts or not voicemail.links or not listed(message, own):
        return voicemail
    wanting = _wanting(message, authentic, proves)
    if wanting:
        return replace(voicemail, no_link=wanting)
    return replace(voicemail, link=_best(voicemail.links))


def listed(message: ParsedMessage, own: Own) -> bool:
    """Whether an author's address or domain is on the list of senders whose links count."""
    names = own.voicemail_link_senders
    return any(one.key in names or f"@{one.domain}" in names for one in message.from_ if one.key)


def _wanting(message: ParsedMessage, authentic: Authentic, proves: bool) -> str:
    """What is missing for the mail to be believed, or ""."""
    if len(message.from_) != 1:
        return "the mail names several authors"
    domain = message.author.domain
    if not proves:
        return "the way that the mail came proves nothing of its sender"
    if not signed_for(authentic.signers, domain):
        found = ", ".join(authentic.signers[:3]) or f"none: {authentic.source}"
        return f"no DKIM signature of {domain} passed at our own server (passed: {found})"
    return ""


def _best(links: tuple[str, ...]) -> str:
    """A link to a sound file before one that only speaks of listening; else the first."""
    return next((link for link in links if table.AUDIO_NAME.search(re.split(r"[?#]", link)[0])), links[0])
