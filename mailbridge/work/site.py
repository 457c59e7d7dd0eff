"""From the configuration to what the pure core knows of the site."""

from __future__ import annotations

from dataclasses import replace

from mailbridge.config import Config
from mailbridge.model.decision import Limits, Site
from mailbridge.model.own import Own, VoicemailRule
from mailbridge.model.policy import Policy
from mailbridge.policy.library import configured_policy

UNLIMITED = 10**9


def site_policy(config: Config) -> Policy:
    """The policy of the site, in the site's own language where [site] language names one.

    Raises ConfigInvalid.
    """
    policy = configured_policy(config.site.policy, config.source)
    return replace(policy, language=config.site.language) if config.site.language else policy


def make_site(config: Config) -> Site:
    """The frozen site for Facts: addresses, staff, limits."""
    site = config.site
    governor = config.governor
    return Site(
        own=make_own(config),
        name=site.name,
        support=site.support[0].address,
        escalation=site.escalation[0].address if site.escalation else "",
        staff=tuple(person.key for person in site.staff),
        staff_proof=tuple(site.staff_proof),
        limits=Limits(
            per_address_hour=governor.per_address_per_hour or UNLIMITED,
            per_domain_hour=governor.per_domain_per_hour or UNLIMITED,
            overall_hour=governor.overall_per_hour or UNLIMITED,
            shared_domains=frozenset(governor.shared_domains),
        ),
        language=site.language or "en",
        same_caller_s=site.duplicate_window_s,
    )


def make_own(config: Config) -> Own:
    """What classification must know of our own addresses, people and telephone systems."""
    site = config.site
    addresses = site.own_addresses
    return Own(
        addresses=addresses,
        domains=frozenset(address.rpartition("@")[2] for address in addresses),
        escalation=frozenset(address.key for address in site.escalation),
        staff=frozenset(person.key for person in site.staff),
        authserv_ids=tuple(name.lower() for name in site.trusted_authserv),
        voicemail_rules=tuple(
            VoicemailRule(
                rule.name,
                from_address=rule.sender,
                header=rule.header[0] if rule.header else "",
                value=rule.header[1] if rule.header else "",
                subject=rule.subject,
            )
            for rule in config.voicemail_rules
        ),
        voicemail_link_senders=frozenset(config.voicemail.link_senders if config.voicemail else ()),
        loop_marker=f"{site.host_name} {site.support[0].key}",
    )
