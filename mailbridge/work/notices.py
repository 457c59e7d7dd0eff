"""From an effect "send this notice" to the bytes of a mail: the facts for its template, its token, its
headers.

Called inside the applying transaction, where the case number is known; it reads nothing but what it is given.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from mailbridge import log
from mailbridge.clock import Clock
from mailbridge.config import Config
from mailbridge.mail.compose import Outgoing, compose
from mailbridge.model.case import Case
from mailbridge.model.decision import Send
from mailbridge.model.message import Address
from mailbridge.model.notice import Audience, Notice, NoticeKind
from mailbridge.model.policy import Policy
from mailbridge.outgoing.notices import Renderer
from mailbridge.policy import tokens
from mailbridge.store.apply import Compose, History, Mail
from mailbridge.work.notice_facts import InHand, NoticeFacts

__all__ = ["InHand", "NoticeWriter"]

NULL_SENDER_KINDS = (
    NoticeKind.ACKNOWLEDGEMENT,
    NoticeKind.TRANSCRIPT,
    NoticeKind.ESCALATION_ACKNOWLEDGEMENT,
    NoticeKind.REOPENED,
)


class NoticeWriter:
    """Makes mails of Send effects for one site."""

    def __init__(
        self, config: Config, policy: Policy, renderer: Renderer, secrets: tuple[bytes, ...], clock: Clock
    ) -> None:
        self._config = config
        self._policy = policy
        self._facts = NoticeFacts(config, policy, clock)
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
        language = self._language(kind, case)
        told = self._facts.told(language, str(send.data.get("zone", "")))
        data = told.of(kind, _greeting(case, send), send, hand, history, tag)
        notice = Notice(
            kind=kind,
            to=send.to,
            cc=send.cc,
            data=data,
            language=language,
            policy=self._policy.name,
            subject_tag=tag,
            attachments=files,
        )
        rendered = self._renderer.render(notice)
        if rendered.problem:
            log.event("template_failed", case=case.number, reason=rendered.problem)
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
                language=rendered.language,
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

    def _language(self, kind: NoticeKind, case: Case) -> str:
        """The customer's, as guessed, where the policy answers in it; staff read the policy's."""
        policy = self._policy
        own = case.language if kind.audience is Audience.CUSTOMER else ""
        spoken = not policy.languages or own in policy.languages
        return self._renderer.language_of(kind, policy.name, (own if spoken else "", policy.language))


def _greeting(case: Case, send: Send) -> Case:
    """The case as its notice shows it: one to somebody else greets him, not the requester."""
    if "greet" not in send.data or send.to[0].lower() == case.requester.lower():
        return case
    return replace(case, requester_name=str(send.data["greet"]))
