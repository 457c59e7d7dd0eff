"""What the demo's story says of events, times and mails, in words. Pure: data in, text out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mailbridge.model.policy import Policy
from mailbridge.ops.demo_news import Arrived, Event, Gone, News
from mailbridge.policy.words import moment_in_words

# What a listener wants to hear; the rest stands on the case and in --json.
TELLING = (
    "deadline_set",
    "deadline_met",
    "deadline_warning",
    "deadline_missed",
    "escalated",
    "auto_close_warning",
    "auto_closed",
    "reopened",
    "may_belong_to",
)
MAX_EXCERPT = 240
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


def excerpt(gone: Gone, news: News, most: int = MAX_EXCERPT) -> str:
    """The mail's own words that matter, whole sentences: those that tell a moment that was decided, else how
    it begins."""
    paragraphs = [" ".join(part.split()) for part in _paragraphs(gone.text)]
    days = {f"{at:%B} {at.day}" for at in _moments(news)}
    telling = (part for part in paragraphs if any(day in part for day in days))
    chosen = next(telling, paragraphs[0] if paragraphs else "")
    whole = ""
    for sentence in re.split(r"(?<=[.?!]) (?=[A-Z])", chosen):
        if whole and len(whole) + len(sentence) > most:
            break
        whole = f"{whole} {sentence}".strip()
    return whole if len(whole) <= MAX_EXCERPT else whole[: MAX_EXCERPT - 3].rstrip() + "..."


def _moments(news: News) -> list[datetime]:
    told = (event.data.get(key) for event in news.events for key in _TIMES)
    return [datetime.fromisoformat(str(at)) for at in told if at]


def _paragraphs(text: str) -> list[str]:
    """What stands between the greeting and the signature."""
    body = re.split(r"^-- ?$", text.replace("\r\n", "\n"), maxsplit=1, flags=re.MULTILINE)[0]
    found = [part.strip() for part in re.split(r"\n\s*\n", body) if part.strip()]
    return found[1:] if len(found) > 1 and found[0].endswith(",") else found


def own_words(text: str) -> str:
    """What the writer of a mail wrote himself, on one line; a quoted or forwarded original is only named."""
    for mark in ("\n\nOn ", "-----Original Message-----"):
        head, found, _ = text.partition(mark)
        if found:
            rest = " [his original mail follows]" if mark.startswith("-") else ""
            return " ".join(head.split()) + rest
    return " ".join(text.split())


def why(arrived: Arrived) -> str:
    """What a message was taken for, by which rule, and where it belongs."""
    done = {"created": "opens case", "threaded": "belongs to case"}.get(arrived.outcome, arrived.outcome)
    case = f" {arrived.case}" if arrived.case else ""
    how = next((rule for rule in reversed(arrived.rules) if ": yes" in rule or "no case found" in rule), "")
    by_place = how and arrived.kind in ("human", "staff", "voicemail")
    reason = (how.removesuffix(": yes") if by_place else arrived.reason).replace("_", " ")
    proof = f", {arrived.reason}" if arrived.kind == "staff" else ""
    kind = arrived.kind.replace("_", " ")
    return f"{kind} (rule {arrived.rule}){proof}: {done}{case}, {reason}"


def event_words(event: Event, policy: Policy) -> str:
    """One event of a case's record."""
    data = event.data
    at = next((data[key] for key in _TIMES if data.get(key)), "")
    level = f" to level {data['level']}, {data['title']}" if "level" in data else ""
    number = f" {data['number']}" if event.event == "may_belong_to" else ""
    told = when(policy, datetime.fromisoformat(str(at))) if at else data.get("reason") or data.get("by") or ""
    about = {"auto_close_warning": " sent; the close is on", "deadline_set": " to"}.get(event.event, "")
    link = f"{about} {told}" if about else f": {told}" if told else ""
    return f"case {event.case}, {event.event.replace('_', ' ')}{level}{number}{link}"
