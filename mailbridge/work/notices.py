"""From an effect "send this notice" to the bytes of a mail: the facts for its template, its token, its
headers.

Called inside the applying transaction, where the case number is known; it reads nothing but what it is given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mailbridge.clock import Clock
from mailbridge.config import Config
from mailbridge.mail.compose import Outgoing, compose
from mailbridge.model.case import Case, Channel, DeadlineState
from mailbridge.model.decision import Send
from mailbridge.model.message import Address
from mailbridge.model.notice import Audience, Notice, NoticeAttachment, NoticeKind
from mailbridge.model.policy import Policy, TargetKind
from mailbridge.outgoing.notices import Renderer
from mailbridge.policy import tokens, words
from mailbridge.policy.policyfile import TOPICS
from mailbridge.policy.targets import has_target, promise, target_of
from mailbridge.store.apply import Compose, History, Mail

MAX_SHOWN_TEXT = 20_000
MOST_HISTORY = 20
NOBODY = Address("", "")
NULL_SENDER_KINDS = (NoticeKind.ACKNOWLEDGEMENT, NoticeKind.ESCALATION_ACKNOWLEDGEMENT, NoticeKind.REOPENED)


@dataclass(frozen=True, slots=True)
class InHand:
    """The message that the decision was made on, for notices that show it."""

    author: Address = NOBODY
    text: str = ""
    received_at: datetime | None = None
    attachments: tuple[Mapping[str, Any], ...] = ()
    files: Callable[[Sequence[str]], tuple[NoticeAttachment, ...]] = lambda _parts: ()
    transcript: str = ""
    caller: str = ""
    duration_s: float | None = None
    pending_transcript: bool = False


class NoticeWriter:
    """Makes mails of Send effects for one site."""

    def __init__(
        self, config: Config, policy: Policy, renderer: Renderer, secrets: tuple[bytes, ...], clock: Clock
    ) -> None:
        self._config = config
        self._policy = policy
        self._renderer = renderer
        self._secrets = secrets
        self._clock = clock

    def writer_for(self, hand: InHand) -> Compose:
        """The compose function for one decision on the message in hand."""
        return lambda case, send, key, history: self._write(case, send, key, hand, history)

    def _write(
        self,
        case: Case,
        send: Send,
        key: str,
        hand: InHand,
        history: History,
    ) -> Mail:
        kind = NoticeKind(send.kind)
        site = self._config.site
        tag = site.subject_tag.replace("{number}", str(case.number))
        files = hand.files(send.attachments) if send.attachments and not kind.automatic else ()
        data = self._data(kind, case, send, hand, history, tag)
        notice = Notice(
            kind=kind,
            to=send.to,
            cc=send.cc,
            data=data,
            language=case.language or self._policy.language,
            policy=self._policy.name,
            subject_tag=tag,
            attachments=files,
        )
        rendered = self._renderer.render(notice)
        role = tokens.STAFF if kind.audience is Audience.STAFF else tokens.CUSTOMER
        token = tokens.sign(self._secrets[0], case.number, role, send.to[0])
        sender = site.sender
        if not kind.automatic:
            sender = Address(self._staff_name(send), sender.address)
        unique = hashlib.sha256(key.encode()).hexdigest()[:16]
        ref = tokens.message_id(token, unique, sender.domain)
        replies = kind.audience is Audience.CUSTOMER
        raw = compose(
            Outgoing(
                sender=sender,
                to=tuple(Address("", address) for address in send.to),
                cc=tuple(Address("", address) for address in send.cc),
                subject=rendered.subject,
                text=rendered.text,
                html=rendered.html,
                message_id=ref,
                sent_at=self._clock.now(),
                reply_to=tokens.reply_address(sender.address, token) if self._config.plus_tokens else "",
                in_reply_to=case.last_message_id if replies else "",
                references=case.references if replies else (),
                subject_tag=tag,
                auto_submitted=kind.auto_submitted,
                loop_marker=f"{site.host_name} {site.support[0].key}" if kind.automatic else "",
                language=notice.language,
                attachments=files,
            )
        )
        return Mail(
            mail_from="" if kind in NULL_SENDER_KINDS else sender.address,
            rcpt_to=(*send.to, *send.cc),
            subject=f"{rendered.subject}" if tag in rendered.subject else f"{rendered.subject} {tag}",
            message_ref=ref,
            raw=raw,
            text=rendered.text,
            from_=sender.address,
            automatic=kind.automatic,
            attachments=tuple(
                {
                    "filename": f.filename,
                    "content_type": f.content_type,
                    "size": len(f.content),
                    "sha256": hashlib.sha256(f.content).hexdigest(),
                }
                for f in files
            ),
        )

    def _staff_name(self, send: Send) -> str:
        author = str(send.data.get("author", "")).lower()
        name = next((p.name for p in self._config.site.staff if p.key == author and p.name), "")
        return f"{name} at {self._config.site.name}" if name else self._config.site.name

    def _data(
        self,
        kind: NoticeKind,
        case: Case,
        send: Send,
        hand: InHand,
        history: History,
        tag: str,
    ) -> dict[str, Any]:
        policy, site = self._policy, self._config.site
        extra = dict(send.data)
        escalation = dict(extra.get("escalation") or {})
        if escalation:
            level = next((row for row in policy.levels if row.number == escalation.get("level")), None)
            escalation.setdefault("title", level.title if level else f"Level {escalation.get('level')}")
            escalation.setdefault("reason", "")
            rows = history()[-MOST_HISTORY:] if kind is NoticeKind.ESCALATION else []
            escalation["history"] = [self._past(row) for row in rows]
        text = str(extra.get("text", hand.text))[:MAX_SHOWN_TEXT]
        author = str(extra.get("author", ""))
        return {
            "site": {
                "name": site.name,
                "support": site.support[0].address,
                "escalation": site.escalation[0].address if site.escalation else "",
            },
            "case": self._case(case, tag),
            "promise": self._promise(case),
            "policy": {
                "title": policy.title,
                "texts": dict.fromkeys(TOPICS, "") | dict(policy.texts),
                "links": dict(policy.links)
                | {
                    "portal": policy.links.get("portal", ""),
                    "phone": policy.links.get("phone", ""),
                    "knowledge_base": policy.links.get("knowledge-base", ""),
                },
            },
            "message": {
                "author_name": hand.author.name or (author if not hand.author.address else ""),
                "author_address": hand.author.address or author,
                "text": text,
                "received_at_words": self._when(hand.received_at) if hand.received_at else "",
                "attachments": [_shown(item) for item in hand.attachments if not item.get("inline")],
            }
            if text or hand.author.address
            else None,
            "close": self._close(case),
            "escalation": escalation or None,
            "voicemail": self._voicemail(case, hand),
            "entitled": {"state": case.entitled.value, "words": self._entitled_words(case)},
            "undeliverable": extra.get("undeliverable"),
            "note": str(extra.get("why") or extra.get("note") or ""),
        }

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
            "plan": case.plan,
            "plan_title": plan,
            "requester_name": case.requester_name,
            "requester_address": case.requester,
            "account": case.account,
            "channel": case.channel.value,
            "created_at_words": self._when(case.created_at),
            "escalation_level": case.escalation_level,
            "assigned_to": case.assigned_to,
        }

    def _promise(self, case: Case) -> dict[str, Any] | None:
        """The promise in the customer's words, counted anew by the same rule that set it."""
        policy = self._policy
        since = case.awaiting_since
        owed = case.deadline_state in (DeadlineState.PENDING, DeadlineState.MISSED)
        if since is None or not owed or not case.deadline_kind:
            return None
        kind = TargetKind(case.deadline_kind)
        if not has_target(policy, case.plan, case.severity, kind):
            return None
        made = promise(policy, plan=case.plan, severity=case.severity, kind=kind, received_at=since)
        calendar = policy.calendars[made.calendar]
        why = words.why_later(policy, made)
        return {
            "respond_by_words": words.deadline_in_words(policy, made).removeprefix("by "),
            "target_words": words.target_in_words(target_of(policy, case.plan, case.severity, kind)),
            "why_later": why.text,
            "hours_words": words.hours_in_words(
                calendar, made.received_at.date(), policy.second_zones, policy.language
            ).split("; "),
            "holidays_words": list(why.names),
            "is_acknowledgement_answer": policy.acknowledgement_counts,
        }

    def _close(self, case: Case) -> dict[str, Any] | None:
        rule = self._policy.auto_close
        if rule is None:
            return None
        now = self._clock.now()
        return {
            "close_at_words": self._when(case.auto_close_at) if case.auto_close_at else "",
            "silence_words": words.silence_in_words(rule),
            "reopen_until_words": self._when(now + timedelta(seconds=rule.reopen_within_s), year=True),
        }

    def _voicemail(self, case: Case, hand: InHand) -> dict[str, Any] | None:
        if case.channel is not Channel.VOICEMAIL:
            return None
        return {
            "caller": hand.caller,
            "duration_words": words.duration_in_words(round(hand.duration_s)) if hand.duration_s else "",
            "transcript": hand.transcript,
            "pending": hand.pending_transcript,
        }

    def _past(self, row: Mapping[str, Any]) -> dict[str, str]:
        who = str(row["author"] or row["direction"])
        return {"at_words": self._when(row["at"]), "who": who, "text": str(row["text"])[:1500]}

    def _entitled_words(self, case: Case) -> str:
        texts = self._policy.texts
        if case.entitled.value == "known":
            return ""
        return texts.get("register", "") if case.entitled.value == "unknown" else texts.get("entitlement", "")

    def _when(self, instant: datetime, *, year: bool = False) -> str:
        return words.instant_in_words(self._policy, instant, year=year).removeprefix("by ")


def _shown(item: Mapping[str, Any]) -> str:
    name = str(item.get("filename") or "a file without a name")
    danger = item.get("dangerous")
    return f"{name} (careful: {danger})" if danger else name
