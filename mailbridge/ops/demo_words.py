"""What the demo's story says of events, times and mails, in words. Pure: data in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mailbridge.model.policy import Policy
from mailbridge.ops.demo_news import Event, Gone, News
from mailbridge.policy.words import moment_in_words

# What a listener wants to hear; the rest stands on the case and in --json.
TELLING = (
    "deadline_set deadline_met deadline_warning deadline_missed escalated auto_close_warning auto_closed "
    "reopened may_belong_to"
).split()
MAX_EXCERPT = 330
_TIMES = ("respond_by", "auto_close_at")


def when(policy: Policy, instant: datetime) -> str:
    """ "Wednesday, November 25, 2:00 PM Pacific Time", in the zone of the policy's calendar."""
    return moment_in_words(instant, policy.calendars[policy.calendar].zone.key)


def events_worth_telling(events: Iterable[Event]) -> list[Event]:
    """Those that a person would ask about."""
    return [event for event in events if event.event in TELLING]


def stretch(row: Mapping[str, Any]) -> str:
    """One line of a deadline's count: from, to, how much of it counted, or why not."""
    start, end = (datetime.fromisoformat(str(row[key])) for key in ("from", "to"))
    seconds = int(row["seconds"])
    counted = f"{seconds // 3600}:{seconds // 60 % 60:02} h" if seconds else "     -"
    last = f"{end:%a %H:%M}" if start.date() != end.date() else f"{end:%H:%M}"
    why = f"  {row['why']}" if row["why"] else ""
    return f"{counted}  {start:%a %b %d %H:%M} - {last}{why}"


def excerpt(gone: Gone, news: News) -> str:
    """The mail's own words that matter: the lines that tell a moment that was decided, else how it begins."""
    lines = _paragraphs(gone.text)
    days = {f"{at:%B} {at.day}" for at in _moments(news)}
    telling = [line for line in lines if any(day in line for day in days)]
    chosen = telling[0] if telling else " ".join(lines[:2])
    chosen = " ".join(chosen.split())
    return chosen if len(chosen) <= MAX_EXCERPT else chosen[: MAX_EXCERPT - 3].rstrip() + "..."


def _moments(news: News) -> list[datetime]:
    told = (event.data.get(key) for event in news.events for key in _TIMES)
    return [datetime.fromisoformat(str(at)) for at in told if at]


def _paragraphs(text: str) -> list[str]:
    """What stands between the greeting and the signature."""
    body = re.split(r"^-- ?$", text.replace("\r\n", "\n"), maxsplit=1, flags=re.MULTILINE)[0]
    found = [part.strip() for part in re.split(r"\n\s*\n", body) if part.strip()]
    return found[1:] if len(found) > 1 and found[0].endswith(",") else found
