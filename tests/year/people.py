"""Who writes to us: strangers, and people of organisations with each kind of subscription.

Each topic has an address of its own, so that the governor's limits of one do not hush another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

BETTER = {
    "gotomyerp": ("silver", "gold", "platinum"),
    "standard-enterprise": ("enterprise",),
}
DEFAULT_PLANS = {
    "mekorma": "subscription",
    "memsource": "subscription",
    "gotomyerp": "starter",
    "standard-enterprise": "standard",
    "tekstack": "subscription",
}


@dataclass(frozen=True, slots=True)
class House:
    """An organisation as the site knows it."""

    name: str
    plan: str = ""
    starts_on: date | None = None
    ends_on: date | None = None

    @property
    def domain(self) -> str:
        return f"{self.name.lower()}.example"

    def entitled(self, day: date) -> str:
        """What a case of its people says that was written on that day, by the policy's calendar."""
        early = self.starts_on is not None and day < self.starts_on
        late = self.ends_on is not None and day > self.ends_on
        return "lapsed" if early or late else "known"


HOUSES = {
    "known": House("Acme"),
    "lapsed": House("Bygone", ends_on=date(2025, 12, 31)),
    "lapsing": House("Autumn", ends_on=date(2026, 6, 30)),
    "coming": House("Spring", starts_on=date(2026, 6, 1)),
    "oddplan": House("Oddity", plan="diamond"),
    "silver": House("Silver", plan="silver"),
    "gold": House("Gold", plan="gold"),
    "platinum": House("Platinum", plan="platinum"),
    "enterprise": House("Enterprise", plan="enterprise"),
}
STRANGER = "stranger"


def kinds(policy: str) -> tuple[str, ...]:
    """Who may write under this policy."""
    common = (STRANGER, "known", "lapsed", "lapsing", "coming", "oddplan")
    return (*common, *BETTER.get(policy, ()))


def address(topic: int, who: str) -> str:
    house = HOUSES.get(who)
    return f"c{topic}@{house.domain if house else 'walkin.example'}"


def phone(topic: int) -> str:
    return f"+1503{5550000 + topic:07d}"


def house_of(mail_address: str) -> House | None:
    domain = mail_address.rpartition("@")[2]
    return next((house for house in HOUSES.values() if house.domain == domain), None)


def rows(callers: dict[int, str]) -> list[dict[str, Any]]:
    """What `contacts import` would have put in: the houses, and those who call (topic: who)."""
    found: list[dict[str, Any]] = [
        {
            "account": house.name,
            "plan": house.plan,
            "starts_on": house.starts_on,
            "ends_on": house.ends_on,
            "domains": [house.domain],
        }
        for house in HOUSES.values()
    ]
    for topic, who in callers.items():
        if house := HOUSES.get(who):
            person: dict[str, Any] = {
                "name": f"Caller {topic}",
                "addresses": [address(topic, who)],
                "phones": [phone(topic)],
            }
            found.append({"account": house.name, **person})
    return found
