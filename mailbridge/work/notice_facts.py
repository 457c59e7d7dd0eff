"""The facts of a notice, read off the case as it is after the decision: docs/templates.md is their contract.

What it promises: nothing is told that the policy does not promise to this case. A promise that is met, or
that nobody made, is None; our own automatic mails stand in a history by name alone. It reads nothing but what
it is given. Fails: never for what a customer wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from mailbridge.clock import Clock
from mailbridge.config import Config
from mailbridge.model.case import Case, Channel, DeadlineState
from mailbridge.model.decision import Send
from mailbridge.model.message import Address
from mailbridge.model.notice import NoticeAttachment, NoticeKind
from mailbridge.model.policy import Policy, TargetKind
from mailbridge.outgoing.facts import Standing
from mailbridge.policy import words
from mailbridge.policy.people import people_of, title_of
from mailbridge.policy.policyfile import TOPICS
from mailbridge.policy.saying import RESOLVED
from mailbridge.policy.targets import has_target, promise, target_of
from mailbridge.store.apply import History

MOST_HISTORY = 20
LONGEST_PAST = 1_500  # characters of one message in a history
# What a person said; the rest of what comes in is machines talking.
_SPOKEN = ("human", "voicemail", "portal", "email", "staff", "split")
_WITH_LAST_WORDS = (
    NoticeKind.STAFF_NOTICE,
    NoticeKind.DEADLINE_WARNING,
    NoticeKind.DEADLINE_MISSED,
    NoticeKind.STATUS_UPDATE_DUE,
)


_NOBODY = Address("", "")


@dataclass(frozen=True, slots=True)
class InHand:
    """The message that the decision was made on, for notices that show it."""

    author: Address = _NOBODY
    text: str = ""
    received_at: datetime | None = None
    attachments: tuple[Mapping[str, Any], ...] = ()
    files: Callable[[Sequence[str]], tuple[NoticeAttachment, ...]] = lambda _parts: ()
    transcript: str = ""
    caller: str = ""
    duration_s: float | None = None
    pending_transcript: bool = False


class NoticeFacts:
    """Makes the data of notices for one site."""

    def __init__(self, config: Config, policy: Policy, clock: Clock, *, written_in: str = "") -> None:
        """written_in: language of the policy's own words, where it is not the one to be told in."""
        self._config = config
        self._policy = policy
        self._clock = clock
        self._written_in = written_in or policy.language
        self._hours: dict[tuple[str, date], list[str]] = {}  # by calendar and Monday
        self._policy_told = self._told_policy()
        self._when = lru_cache(maxsize=1024)(self._in_words)  # the notices of a case tell the same moments,
        self._promised = lru_cache(maxsize=256)(self._told_promise)  # and of a message the same promise
        self._others: dict[tuple[str, tuple[str, ...]], NoticeFacts] = {}  # by language and zones

    def told(self, language: str, zone: str = "") -> NoticeFacts:
        """The same facts in this language, and in one zone more."""
        policy = self._policy
        zones = tuple(dict.fromkeys((*policy.second_zones, zone))) if zone else policy.second_zones
        if (language, zones) == (policy.language, policy.second_zones):
            return self
        if (found := self._others.get((language, zones))) is None:
            policy = replace(policy, language=language, second_zones=zones)
            found = NoticeFacts(self._config, policy, self._clock, written_in=self._written_in)
            self._others[(language, zones)] = found
        return found

    def of(
        self, kind: NoticeKind, case: Case, send: Send, hand: InHand, history: History, tag: str
    ) -> dict[str, Any]:
        """Everything that a template of this kind may say."""
        site, policy, extra = self._config.site, self._policy, send.data
        return {
            "site": {
                "name": site.name,
                "support": site.support[0].address,
                "escalation": site.escalation[0].address if site.escalation else "",
            },
            "language": policy.language,
            "case": self._case(case, tag),
            "promise": self._promise(kind, case),
            "update": self._update(case),
            "policy": self._policy_told,
            "message": self._message(kind, case, extra, hand, history),
            "close": self._close(case),
            "escalation": self._escalation(kind, case, extra, hand, history),
            "voicemail": self._voicemail(kind, case, hand),
            "entitled": {"state": case.entitled.value, "words": self._entitled_words(case)},
            "undeliverable": extra.get("undeliverable"),
            "note": self._named(str(extra.get("why") or extra.get("note") or "")),
        }

    # --- case and policy -----------------------------------------------------------------------------------

    def _case(self, case: Case, tag: str) -> dict[str, Any]:
        policy = self._policy
        severity = next((s.title for s in policy.severities if s.name == case.severity), case.severity)
        plan = next((p.title for p in policy.plans if p.name == case.plan), case.plan)
        return {
            "number": case.number,
            "tag": tag,
            "subject": case.subject,
            "status": case.status.value,
            "severity": case.severity,
            "severity_title": severity,
            "severity_only": len(policy.severities) == 1,
            "severity_chosen": case.severity != policy.mail_severity,
            "resolution": policy.resolution.get((case.plan, case.severity), ""),
            "said_resolved": case.close_reason == RESOLVED,
            "foreign": case.language[:2] not in ("", policy.language),
            "plan": case.plan,
            "plan_title": plan,
            "requester_name": case.requester_name,
            "requester_address": case.requester,
            "account": case.account,
            "channel": case.channel.value,
            "created_at_words": self._when(case.created_at),
            "escalation_level": case.escalation_level,
            "assigned_to": self._named(case.assigned_to),
        }

    def _told_policy(self) -> Standing:
        policy = self._policy
        links = {
            "portal": policy.links.get("portal", ""),
            "phone": policy.links.get("phone", ""),
            "knowledge_base": policy.links.get("knowledge-base", ""),
        }
        return Standing(
            title=policy.title,
            language=self._written_in,
            links_words=list(words.links_in_words(policy.links, policy.language)),
            texts=dict.fromkeys(TOPICS, "") | dict(policy.texts),
            links=dict(policy.links) | links,
        )

    def _entitled_words(self, case: Case) -> str:
        texts = self._policy.texts
        if case.entitled.value == "known":
            return ""
        return texts.get("register", "") if case.entitled.value == "unknown" else texts.get("entitlement", "")

    # --- promises ------------------------------------------------------------------------------------------

    def _promise(self, kind: NoticeKind, case: Case) -> dict[str, Any] | None:
        """The promise in the customer's words, counted anew by the same rule that set it.

        Of an acknowledgement that counts as the answer, the promise that it keeps: nothing more is owed.
        """
        policy = self._policy
        keeps = kind is NoticeKind.ACKNOWLEDGEMENT and policy.acknowledgement_counts
        owed = case.deadline_state in (DeadlineState.PENDING, DeadlineState.MISSED)
        if case.awaiting_since is None or not case.deadline_kind or not (owed or keeps):
            return None
        target_kind = TargetKind(case.deadline_kind)
        if not has_target(policy, case.plan, case.severity, target_kind):
            return None
        told, respond_by = self._promised(case.plan, case.severity, target_kind, case.awaiting_since)
        late = respond_by <= self._clock.now()
        return told | {"late": late, "is_acknowledgement_answer": keeps}

    def _told_promise(
        self, plan: str, severity: str, kind: TargetKind, received_at: datetime
    ) -> tuple[dict[str, Any], datetime]:
        """A promise in words, and its end; nothing of it is of one case or of the clock."""
        policy = self._policy
        made = promise(policy, plan=plan, severity=severity, kind=kind, received_at=received_at)
        why = words.why_later(policy, made)
        day = made.received_at.astimezone(policy.calendars[made.calendar].zone).date()
        told = {
            "respond_by_words": words.deadline_in_words(policy, made, bare=True),
            "target_words": words.target_in_words(target_of(policy, plan, severity, kind), policy.language),
            "why_later": why.text,
            "hours_words": self._hours_of(made.calendar, made.received_at.date()),
            "holidays_words": list(why.names),
            "on_holiday": why.cause == "holiday" and day in why.days,
        }
        return told, made.respond_by

    def _hours_of(self, name: str, day: date) -> list[str]:
        """The hours of the week of day, told once a week."""
        key = (name, day - timedelta(days=day.weekday()))
        if key not in self._hours:
            policy = self._policy
            told = words.hours_in_words(policy.calendars[name], day, policy.second_zones, policy.language)
            self._hours[key] = told.split("; ")
        return self._hours[key]

    def _update(self, case: Case) -> dict[str, str] | None:
        """The next status update, where the policy promises them."""
        policy = self._policy
        due = case.update_due_at
        if due is None or not has_target(policy, case.plan, case.severity, TargetKind.UPDATE):
            return None
        target = target_of(policy, case.plan, case.severity, TargetKind.UPDATE)
        return {
            "due_words": self._when(due),
            "target_words": words.target_in_words(target, policy.language),
        }

    def _close(self, case: Case) -> dict[str, Any] | None:
        rule = self._policy.auto_close
        if rule is None:
            return None
        now = self._clock.now()
        return {
            "close_at_words": self._when(case.auto_close_at) if case.auto_close_at else "",
            "silence_words": words.silence_in_words(rule, self._policy.language),
            "reopen_until_words": self._when(now + timedelta(seconds=rule.reopen_within_s), year=True),
        }

    # --- what was said -------------------------------------------------------------------------------------

    def _message(
        self, kind: NoticeKind, case: Case, extra: Mapping[str, Any], hand: InHand, history: History
    ) -> dict[str, Any] | None:
        author = str(extra.get("author", ""))
        text = str(extra.get("text", hand.text))
        if not text and not hand.author.address:
            return self._last_words(case, history) if kind in _WITH_LAST_WORDS else None
        called = self._voicemail(kind, case, hand) is not None
        return {
            "author_name": self._author_name(case, hand, author),
            "author_address": hand.author.address or author,
            "text": "" if called and text == hand.transcript else text,
            "received_at_words": self._when(hand.received_at) if hand.received_at else "",
            "attachments": [_shown(item) for item in hand.attachments if not item.get("inline")],
        }

    def _author_name(self, case: Case, hand: InHand, author: str) -> str:
        """The name on the mail, else the one that the case knows its writer by."""
        if not hand.author.address:
            return self._named(author)
        own = hand.author.key == case.requester.lower()
        return hand.author.name or (case.requester_name if own else "")

    def _last_words(self, case: Case, history: History) -> dict[str, Any] | None:
        """What the customer said last, for a notice to staff that no message triggered."""
        said = [row for row in history() if row["direction"] == "in" and row["kind"] in _SPOKEN]
        if not said or not str(said[-1]["text"]).strip():
            return None
        row = said[-1]
        own = str(row["author"]).lower() == case.requester.lower()
        return {
            "author_name": case.requester_name if own else "",
            "author_address": str(row["author"]),
            "text": str(row["text"]),
            "received_at_words": self._when(row["at"]),
            "attachments": [],
        }

    def _escalation(
        self, kind: NoticeKind, case: Case, extra: Mapping[str, Any], hand: InHand, history: History
    ) -> dict[str, Any] | None:
        """Of an acknowledgement too, where the case was opened by mail to the escalation address."""
        found = dict(extra.get("escalation") or {})
        if kind is NoticeKind.ACKNOWLEDGEMENT and case.escalation_level:
            found = {"level": case.escalation_level}
        if not found:
            return None
        level = int(found.get("level") or 0)
        found.setdefault("title", title_of(self._policy, level))
        site = self._config.site
        staff = [person.address for person in site.staff]
        found["told"] = people_of(self._policy, level, staff, site.own_addresses)[1]
        found["reason"] = self._named(str(found.get("reason", "")))
        rows = history()[-MOST_HISTORY:] if kind is NoticeKind.ESCALATION else []
        newest = _newest(rows, hand.text) if hand.text else None
        rows = [row for row in rows if row is not newest]
        found["history"] = [self._past(row) for row in rows]
        return found

    def _past(self, row: Mapping[str, Any]) -> dict[str, str]:
        """One row of a history; of our own automatic mails the name is enough."""
        who = self._named(str(row["author"] or row["direction"]))
        text = str(row["text"])
        if who == "mailbridge":
            who, text = self._config.site.name, f"({str(row['kind']).replace('_', ' ')})"
        cut = text if len(text) <= LONGEST_PAST else text[:LONGEST_PAST].rstrip() + " [...]"
        return {"at_words": self._when(row["at"]), "who": who, "text": cut}

    def _voicemail(self, kind: NoticeKind, case: Case, hand: InHand) -> dict[str, Any] | None:
        """The call that this notice is about; a mail on a case that began with a call is none."""
        in_hand = bool(hand.caller or hand.duration_s or hand.transcript or hand.pending_transcript)
        opening = kind is NoticeKind.ACKNOWLEDGEMENT or case.last_customer_at == case.created_at
        began = case.channel is Channel.VOICEMAIL and opening and hand.received_at is not None
        if not (in_hand or began):
            return None
        return {
            "caller": hand.caller,
            "duration_words": words.duration_in_words(round(hand.duration_s), self._policy.language)
            if hand.duration_s
            else "",
            "transcript": hand.transcript,
            "pending": hand.pending_transcript,
        }

    # --- small words ---------------------------------------------------------------------------------------

    def _named(self, text: str) -> str:
        """text with the addresses of staff replaced by their names."""
        for person in self._config.site.staff:
            if person.name and person.key in text.lower():
                at = text.lower().index(person.key)
                text = text[:at] + person.name + text[at + len(person.key) :]
        return text

    def _in_words(self, instant: datetime, *, year: bool = False) -> str:
        return words.instant_in_words(self._policy, instant, year=year, bare=True)


def _newest(rows: Sequence[Mapping[str, Any]], text: str) -> Mapping[str, Any] | None:
    """The row of the message that the notice shows in full already."""
    same = [row for row in rows if row["direction"] == "in" and str(row["text"]) == text]
    return same[-1] if same else None


def _shown(item: Mapping[str, Any]) -> str:
    name = str(item.get("filename") or "a file without a name")
    danger = item.get("dangerous")
    return f"{name} (careful: {danger})" if danger else name
