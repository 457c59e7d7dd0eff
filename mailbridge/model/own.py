"""What a site knows of itself, as far as classifying a message needs it. Frozen, made by the shell from the
configuration and the loaded facts; all addresses and domains lower case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VoicemailRule:
    """An administrator's word on what is voicemail: every field that is not "" must fit.

    from_address, value and subject are globs ("*@pbx.example", "New voice message*"), whatever the case; a
    domain alone, or as "@pbx.example", stands for all its addresses. header: name of the field whose value is
    meant.
    """

    name: str
    from_address: str = ""
    header: str = ""
    value: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Own:
    """The site. own_message is a fact of the message at hand: it refers to a Message-ID or token of ours
    that the
    store (or the token's signature) confirmed."""

    addresses: frozenset[str] = frozenset()  # support and escalation, all aliases
    domains: frozenset[str] = frozenset()
    escalation: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    authserv_ids: tuple[str, ...] = ()
    own_message: bool = False
    voicemail_rules: tuple[VoicemailRule, ...] = ()
    voicemail_link_senders: frozenset[str] = frozenset()  # "a@b" or "@b": voicemail with a link alone counts
    loop_marker: str = ""  # value of our X-Mailbridge-Loop field
