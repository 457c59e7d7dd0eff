"""From the outbox to the relay: each mail handed over, tried again for days, or dead and somebody told.

Promises: a mail leaves the outbox as sent only after the relay's word for each recipient; a crash between
that word and our commit sends the one mail that was in the air once more, the same bytes with the same
Message-ID. Recipients part ways: the accepted are done, the refused are told to staff on
their case, the rest is tried again. Nobody is told that a notice to staff could not be delivered, or notices
would breed notices. A relay that is away costs no mail its life before give_up_days are over.
Fails never out of `serve`; `run_once` raises StoreUnavailable or StoreFull.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from mailbridge import log
from mailbridge.errors import Temporary
from mailbridge.model.case import Case
from mailbridge.model.decision import Decision, Facts, MarkAddress
from mailbridge.model.notice import Audience, NoticeKind
from mailbridge.outgoing.relay import Delivery, Outcome, RecipientResult
from mailbridge.policy import stale
from mailbridge.policy.backoff import retry_delay
from mailbridge.policy.draft import Draft
from mailbridge.store.outbox import Outbound
from mailbridge.work.bell import Stop
from mailbridge.work.desk import Desk
from mailbridge.work.hand import Hand, Lease

BATCH = 10
DAYS = 5  # where no [relay] says otherwise
AWAY = timedelta(seconds=30)
"""How soon mail is looked at again that was not tried, because the relay was away for the one before it."""
UNFORESEEN = timedelta(hours=1)
_TROUBLES = {"login": "relay_login_refused", "tls": "relay_tls_failed"}
_SLOWEST = 16  # attempt from which the wait no longer grows
_LEAST_TRIES = 3
_NO_MAILBOX = re.compile(r"\b5\.1\.(?:1|2|3|10)\b")


class Courier(Protocol):
    """Who takes mail: outgoing.relay.Relay, or a CaptureRelay."""

    def deliver(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> Delivery:
        """Hand over; never raises."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Captured:
    """One mail that a CaptureRelay took."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes


class CaptureRelay:
    """A relay that takes everything and sends nothing, for simulation and demo."""

    def __init__(self) -> None:
        self.mails: list[Captured] = []

    def deliver(self, mail_from: str, recipients: Sequence[str], raw: bytes) -> Delivery:
        self.mails.append(Captured(mail_from, tuple(recipients), raw))
        results = tuple(RecipientResult(one, Outcome.ACCEPTED, 250, "captured") for one in recipients)
        return Delivery(results, relay_response="250 captured")

    def close(self) -> None:
        """Nothing is open."""


class Deliverer:
    """Hands over the outbox of one desk. hand: where a master looks on.

    together: note a batch in one commit, where no mail leaves this process (a CaptureRelay), so that nothing
    can go out twice.
    """

    def __init__(
        self, desk: Desk, relay: Courier, *, hand: Hand | None = None, together: bool = False
    ) -> None:
        self.desk = desk
        self._relay = relay
        self._hand = hand or Hand()
        self._away = False
        self._trouble = self._reply = ""
        self._away_until: datetime | None = None
        self._together = together
        self._accepted: list[tuple[Outbound, datetime, str]] = []  # not noted yet
        days = desk.config.relay.give_up_days if desk.config.relay else DAYS
        self._give_up = timedelta(days=days)

    def run_once(self, limit: int = BATCH) -> int:
        """One batch of mail that is due; how many were tried. 0: nothing is due, or the relay is away."""
        self._note_accepted()  # what could not be noted while the store was away
        start = self.desk.clock.now()
        if self._away_until is not None and start < self._away_until:
            return 0
        held = self.desk.outbox.claim(start, self.desk.config.worker.lease_s, min(limit, BATCH))
        # half the lease: a slow relay must not keep a mail until somebody else may send it too
        ends = start + timedelta(seconds=self.desk.config.worker.lease_s / 2)
        self._hand.hold([Lease(mail.id, mail.lease, mail.attempt) for mail in held])
        tried = 0
        try:
            for index, mail in enumerate(held):
                if self._away or self.desk.clock.now() > ends:
                    self._not_tried(mail)
                    continue
                self._hand.begin(index)
                self._hand_over(mail)
                self._hand.done()
                tried += 1
                if not self._together:
                    self._note_accepted()
        finally:
            try:
                self._note_accepted()
            finally:
                self._hand.empty()
        if tried:
            self._note_relay(start)
        return tried

    def drain(self) -> int:
        """Until nothing is due; how many mails were tried."""
        tried = 0
        while count := self.run_once():
            tried += count
        return tried

    def serve(self, stop: Stop) -> None:
        """Until stopped: hand over what is due, then wait for a hint, or look again after [worker] poll_s."""
        trouble = False
        while not stop.stopped:
            self._hand.beat()
            try:
                tried = self.run_once()
            except Temporary as error:
                if not trouble:
                    log.event("store_unavailable", error=error)
                trouble, tried = True, 0
            else:
                if trouble:
                    log.event("store_recovered")
                trouble = False
            if not tried:
                self._relay.close()  # an idle connection is closed by the other side anyway
                stop.wait(self.desk.config.worker.poll_s)
        self._relay.close()

    # --- one mail ------------------------------------------------------------------------------------------

    def _hand_over(self, mail: Outbound) -> None:
        """Raises only what the store raises: one mail must not hold up the others."""
        try:
            self._try(mail)
        except Temporary:
            raise
        except Exception as error:  # noqa: BLE001 - unknown means temporary
            log.event("unforeseen", mail=mail.id, error=error)
            self.desk.outbox.retry(mail, self.desk.clock.now() + UNFORESEEN, f"unforeseen: {error}")

    def _try(self, mail: Outbound) -> None:
        if why := self._stale(mail):
            log.event("not_sent", mail=mail.id, kind=mail.kind, reason=why)
            self.desk.outbox.drop(mail, why)
            return
        delivery = self._relay.deliver(mail.mail_from, mail.rcpt_to, mail.raw)
        if delivery.sender_refused and not mail.mail_from:
            # some relays refuse "<>"; RFC 3834 section 3.3 lets a responder name an address that takes errors
            sender = self.desk.config.site.support[0].address
            delivery = self._relay.deliver(sender, mail.rcpt_to, mail.raw)
        self._settle(mail, delivery)

    def _stale(self, mail: Outbound) -> str:
        """Why a mail that lay here while the relay was away is not worth sending any more."""
        now = self.desk.clock.now()
        if mail.kind not in stale.KINDS or mail.case_id is None or now - mail.created_at <= stale.WAITED:
            return ""
        case = self.desk.cases.by_id(mail.case_id)
        return stale.stale(NoticeKind(mail.kind), case, mail.created_at, now) if case is not None else ""

    def _settle(self, mail: Outbound, delivery: Delivery) -> None:
        now = self.desk.clock.now()
        refused = list(delivery.permanent)
        left = list(delivery.temporary)
        # a login that is refused is refused for the next mail too, and servers lock out who tries too often
        self._away = bool(left) and (not _spoken(delivery) or bool(delivery.trouble))
        self._trouble = delivery.trouble
        reply = self._reply = _words(delivery)
        delay = self._delay(mail, now) if left else None
        if left and delay is None:
            refused += [one for one in delivery.recipients if one.outcome is Outcome.TEMPORARY]
            left = []
        if refused:
            self._tell_staff(mail, refused)
        if left and delay is not None:
            self._log(mail, "deferred", left, reply)
            self.desk.outbox.retry(mail, now + delay, reply, left)
        elif delivery.accepted:
            self._log(mail, "delivered", delivery.accepted, reply)
            self._accepted.append((mail, now, reply))
        else:
            self.desk.outbox.dead(mail, reply)

    def _note_accepted(self) -> None:
        self.desk.outbox.sent_all(self._accepted)
        self._accepted.clear()

    def _delay(self, mail: Outbound, now: datetime) -> timedelta | None:
        """How long to wait, None to give up: the age decides, as tries are many while the relay is away."""
        if mail.attempt > _LEAST_TRIES and now - mail.created_at > self._give_up:
            return None
        delay = retry_delay(min(mail.attempt, _SLOWEST), mail.message_ref) or timedelta(hours=4)
        # nothing was said of this mail: it goes soon after the relay is back
        return min(delay, timedelta(minutes=5)) if self._away else delay

    def _note_relay(self, now: datetime) -> None:
        """Leave a relay alone for a while that was away at the last mail; tell of a change, once."""
        if self._away and self._away_until is None:
            name = _TROUBLES.get(self._trouble, "relay_unavailable")
            log.event(name, again_s=AWAY.total_seconds(), reason=self._reply)
        if not self._away and self._away_until is not None:
            log.event("relay_recovered")
        self._away_until = now + AWAY if self._away else None
        self._away = False

    def _not_tried(self, mail: Outbound) -> None:
        self.desk.outbox.retry(mail, self.desk.clock.now() + AWAY, "not tried: the relay was away")

    def _log(self, mail: Outbound, name: str, to: Sequence[str], reply: str) -> None:
        log.event(name, mail=mail.id, kind=mail.kind, to=to, attempt=mail.attempt, reply=reply)

    # --- what cannot be delivered --------------------------------------------------------------------------

    def _tell_staff(self, mail: Outbound, refused: Sequence[RecipientResult]) -> None:
        """Before the mail is dead: a crash in between tells it once more, and the key makes that harmless."""
        first = refused[0]
        self._log(mail, "undeliverable", [one.address for one in refused], f"{first.code} {first.text}")
        number = self.desk.cases.number_of(mail.case_id)
        if number is None:
            return
        try:
            self.desk.on_case(number, _undelivered(mail, refused))
        except Temporary:
            raise
        except Exception as error:  # noqa: BLE001 - a notice that cannot be made must not keep the mail alive
            log.event("unforeseen", mail=mail.id, error=error)


def _undelivered(
    mail: Outbound, refused: Sequence[RecipientResult]
) -> Callable[[Facts, Case, datetime], Decision]:
    """The decision on a case whose mail was refused."""

    def decide(facts: Facts, case: Case, now: datetime) -> Decision:
        draft = Draft(case, facts.policy, now)
        draft.record(
            "undeliverable",
            notice=mail.kind,
            to=[one.address for one in refused],
            reason=f"{refused[0].code} {refused[0].text}".strip(),
        )
        to_customer = NoticeKind(mail.kind).audience is Audience.CUSTOMER
        for one in refused if to_customer else ():
            if _NO_MAILBOX.search(one.text):
                draft.add(MarkAddress(one.address.lower(), f"{one.code} {one.text}"[:300]))
        if to_customer:
            _stop_close(draft, mail)
            draft.tell_staff(facts, "undeliverable", _once(mail, refused), undeliverable=_told(mail, refused))
        return draft.decision("undeliverable", f"our {mail.kind} was refused")

    return decide


def _stop_close(draft: Draft, mail: Outbound) -> None:
    """No case is closed for silence whose customer was not warned."""
    if mail.kind == NoticeKind.AUTO_CLOSE_WARNING and draft.case.auto_close_at is not None:
        draft.stop_silence()
        draft.record("auto_close_stopped", reason="the warning could not be delivered")


def _once(mail: Outbound, refused: Sequence[RecipientResult]) -> str:
    return f"undeliverable:{mail.id}:" + ",".join(sorted(one.address.lower() for one in refused))


def _told(mail: Outbound, refused: Sequence[RecipientResult]) -> dict[str, str]:
    first = refused[0]
    return {
        "recipient": ", ".join(one.address for one in refused),
        "status": str(first.code or ""),
        "diagnostic": first.text[:500],
        "what": mail.kind,
    }


def _spoken(delivery: Delivery) -> bool:
    """Whether a server said anything of this mail; a code of 0 is our own."""
    return any(one.code for one in delivery.recipients)


def _words(delivery: Delivery) -> str:
    """What the relay said, for the row and the log."""
    if delivery.accepted:
        return delivery.relay_response or "250"
    first = next(iter(delivery.recipients), None)
    return f"{first.code or ''} {first.text}".strip() if first else "no recipient"
