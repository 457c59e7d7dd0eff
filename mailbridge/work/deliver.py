"""Delivery: outbox rows handed to the relay, each recipient's answer kept, retried over days, given up aloud.

A row is claimed under a lease, sent outside any transaction, then settled with its attempt as the fence: a crash
between sends the same bytes again. When a mail to a customer is given up, staff are told on its case, and an
address that does not exist is marked. Without a relay nothing is claimed: mail waits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from mailbridge import log
from mailbridge.errors import Temporary
from mailbridge.model.case import Case
from mailbridge.model.decision import Decision, Facts, MarkAddress
from mailbridge.model.notice import Audience, NoticeKind
from mailbridge.outgoing.relay import Delivery, RecipientResult
from mailbridge.policy.backoff import retry_delay
from mailbridge.policy.draft import Draft
from mailbridge.store.outbox import Outbound
from mailbridge.work.desk import Desk

LEASE_S = 600.0
BATCH = 20
DEAD_CODES = (550, 551, 553)


class RelayPort(Protocol):
    """What delivery needs of a relay."""

    def deliver(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> Delivery: ...


class Deliverer:
    """Hands the outbox of one desk to a relay."""

    def __init__(self, desk: Desk, relay: RelayPort | None) -> None:
        self._desk = desk
        self._relay = relay
        days = desk.config.relay.give_up_days if desk.config.relay else 5
        self._give_up = timedelta(days=days)

    def drain(self) -> int:
        """Send all that is due; returns how many mails were tried."""
        done = 0
        while count := self.run_once():
            done += count
        return done

    def run_once(self, limit: int = BATCH) -> int:
        if self._relay is None:
            return 0
        held = self._desk.outbox.claim(self._desk.clock.now(), LEASE_S, limit)
        for mail in held:
            self._send(self._relay, mail)
        return len(held)

    def serve(self, stop: threading.Event) -> None:
        """Until stop is set."""
        while not stop.is_set():
            try:
                if self.run_once():
                    continue
            except Temporary as error:
                log.event("store_unavailable", error=str(error))
            stop.wait(self._desk.config.worker.poll_s)

    def _send(self, relay: RelayPort, mail: Outbound) -> None:
        delivery = relay.deliver(mail.mail_from, mail.rcpt_to, mail.raw)
        if delivery.sender_refused and not mail.mail_from:
            # some relays refuse the null sender (PITFALLS 2.3): our own address, whose robot is us
            sender = self._desk.config.site.sender.address
            delivery = relay.deliver(sender, mail.rcpt_to, mail.raw)
        self._settle(mail, delivery)

    def _settle(self, mail: Outbound, delivery: Delivery) -> None:
        now, outbox = self._desk.clock.now(), self._desk.outbox
        said = delivery.relay_response or "; ".join(_words(one) for one in delivery.recipients)
        for one in delivery.permanent:
            self._refused(mail, one)
        if delivery.temporary:
            self._again(mail, delivery, said, now)
        elif delivery.accepted:
            outbox.sent(mail, now, said)
            log.event("delivered", outbox=mail.id, kind=mail.kind, to=",".join(delivery.accepted))
        else:
            outbox.dead(mail, said)
            log.event("undeliverable", outbox=mail.id, kind=mail.kind, reply=said)

    def _again(self, mail: Outbound, delivery: Delivery, said: str, now: datetime) -> None:
        wait = retry_delay(mail.attempt, mail.key, self._give_up)
        if wait is not None and now < mail.created_at + self._give_up:
            self._desk.outbox.retry(mail, now + wait, said, delivery.temporary)
            log.event("deferred", outbox=mail.id, kind=mail.kind, attempt=mail.attempt, reply=said)
            return
        self._desk.outbox.dead(mail, said)
        log.event("undeliverable", outbox=mail.id, kind=mail.kind, reply=said)
        for address in delivery.temporary:
            left = next((one for one in delivery.recipients if one.address == address), None)
            if left is not None:
                self._refused(mail, left, given_up=True)

    def _refused(self, mail: Outbound, one: RecipientResult, *, given_up: bool = False) -> None:
        """Tell staff that a mail to a customer will not arrive; never about mail to staff."""
        case = self._desk.cases.by_id(mail.case_id) if mail.case_id is not None else None
        if case is None or NoticeKind(mail.kind).audience is Audience.STAFF:
            return
        text = ("given up after days: " if given_up else "") + one.text

        def tell(facts: Facts, now_case: Case, now: datetime) -> Decision:
            draft = Draft(now_case, facts.policy, now)
            what = {
                "recipient": one.address,
                "status": str(one.code or ""),
                "diagnostic": text,
                "what": mail.kind,
            }
            draft.record("undeliverable", to=one.address, code=one.code, reply=text[:300])
            if one.code in DEAD_CODES and " 5.1." in f" {one.text}":
                draft.add(MarkAddress(one.address.lower(), text[:300]))
            draft.tell_staff(
                facts, "undeliverable", f"undeliverable:{mail.id}:{one.address}", undeliverable=what
            )
            return draft.decision("done", "could not be delivered")

        self._desk.on_case(case.number, tell)


def _words(one: RecipientResult) -> str:
    return f"{one.address}: {one.code} {one.text}".strip()
