"""Facts for notices as each shipped policy tells them: real promises, hours and words, at one fixed moment.

The moment is the afternoon before Thanksgiving 2026, so that holidays, weekend and closing hours all show.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mailbridge.model.notice import NoticeKind
from mailbridge.outgoing.notices import example
from mailbridge.policy import words
from mailbridge.policy.library import load_policy
from mailbridge.policy.targets import promise, target_of

POLICIES = ("mekorma", "memsource", "gotomyerp", "standard-enterprise", "tekstack")
RECEIVED_AT = datetime(2026, 11, 26, 0, 10, tzinfo=UTC)  # Wednesday, November 25, 4:10 PM Pacific


def facts(policy_name: str, kind: NoticeKind, **more: Any) -> dict[str, Any]:
    """The example of kind in the words of a policy; more replaces whole sections."""
    policy = load_policy(policy_name)
    data = example(kind)
    made = promise(policy, received_at=RECEIVED_AT, severity=policy.mail_severity)
    why = words.why_later(policy, made)
    calendar = policy.calendars[made.calendar]
    hours = words.hours_in_words(calendar, RECEIVED_AT.date(), policy.second_zones, policy.language)
    target = target_of(policy, made.plan, made.severity, made.kind)
    severity = next(one.title for one in policy.severities if one.name == made.severity)
    plan = next(one.title for one in policy.plans if one.name == made.plan)
    data["case"] = {
        **data["case"],
        "severity": made.severity,
        "severity_title": severity,
        "plan": made.plan,
        "plan_title": plan,
    }
    data["promise"] = {
        "respond_by_words": words.deadline_in_words(policy, made),
        "target_words": words.target_in_words(target),
        "why_later": why.text,
        "hours_words": hours.split("; "),
        "holidays_words": list(why.names),
        "is_acknowledgement_answer": policy.acknowledgement_counts,
    }
    links = {"portal": policy.links.get("portal", ""), "phone": policy.links.get("phone", "")}
    data["case"]["resolution"] = policy.resolution.get((made.plan, made.severity), "")
    told = list(words.links_in_words(policy.links))
    data["policy"] = {"title": policy.title, "texts": dict(policy.texts), "links": links, "links_words": told}
    return data | more
