"""The desk: the shell around the pure core. Load facts, decide, apply; load again where the world moved.

`Desk.open` is the composition root that commands, workers, simulation and tests share: the same code,
whatever
the clock and the ends are. An unforeseen error while a message is processed is retried by its job and, after
too many attempts, the message is quarantined whole, with its error; nothing is ever dropped.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from mailbridge import log
from mailbridge.clock import Clock, SystemClock
from mailbridge.config import Config
from mailbridge.errors import NotFound, Temporary
from mailbridge.mail.parse import parse, part_bytes
from mailbridge.model.case import Case, Timer
from mailbridge.model.customer import Contact
from mailbridge.model.decision import NEW, Decision, Facts, Send, Transcribe
from mailbridge.model.envelope import Envelope
from mailbridge.model.message import Classification, Kind, ParsedMessage
from mailbridge.model.notice import NoticeAttachment
from mailbridge.model.policy import Policy
from mailbridge.outgoing.notices import Renderer
from mailbridge.policy import command, command_open
from mailbridge.policy.decide import decide
from mailbridge.policy.due import FOR_STAFF, decide_due
from mailbridge.policy.words import instant_in_words
from mailbridge.store.apply import Applier, Clash
from mailbridge.store.cases import Cases
from mailbridge.store.customers import Customers, site_secrets
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox, Received
from mailbridge.store.jobs import Job, Jobs
from mailbridge.store.lookups import Lookup
from mailbridge.store.migrate import upgrade
from mailbridge.store.outbox import Outbox
from mailbridge.work.facts import Ground, Understood, entitled, understand
from mailbridge.work.notices import InHand, NoticeWriter
from mailbridge.work.site import make_site, site_policy
from mailbridge.work.tell_log import tell_log, told

MOST_CLASHES = 20
MOST_ATTEMPTS = 5  # at one message, before it is quarantined with its error
LOOKED_AT_LEAST = timedelta(minutes=5)  # ago, or a mailbox counts as unread before a case is closed
Decide = Callable[[Facts, Case, datetime], Decision]
_NO_MESSAGE = Classification(Kind.HUMAN, "none", "no message")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: the words of `ingest --json`. case is its number."""

    message_id: int
    outcome: str
    kind: str
    case: int | None
    reason: str


class Desk:
    """One site at work on its store."""

    def __init__(
        self, config: Config, store: Store, policy: Policy, renderer: Renderer, clock: Clock
    ) -> None:
        self.config = config
        self.store = store
        self.policy = policy
        self.clock = clock
        self.cases = Cases(store)
        self.inbox = Inbox(store)
        self.jobs = Jobs(store)
        self.outbox = Outbox(store)
        self.customers = Customers(store)
        secrets = site_secrets(store)
        model = config.voicemail.model if config.voicemail else None
        self.ground = Ground(
            site=make_site(config),
            policy=policy,
            secrets=secrets,
            tag=config.site.subject_tag,
            region=config.region,
            transcribe=model is not None,
        )
        self._renderer = renderer
        self._notices = NoticeWriter(config, policy, renderer, secrets, clock)

    @classmethod
    @contextmanager
    def open(
        cls, config: Config, clock: Clock | None = None, *, store: Store | None = None
    ) -> Iterator[Desk]:
        """A desk on the configured store, migrated. Raises ConfigInvalid, StoreUnavailable, CannotWrite."""
        policy = site_policy(config)
        if store is None:
            config.prepare_state()
        own = store or Store.of(config.store)
        try:
            upgrade(own)
            yield cls(config, own, policy, Renderer(template_folders(config)), clock or SystemClock())
        finally:
            if store is None:
                own.close()

    @property
    def zone(self) -> tzinfo:
        """The zone of times for people: [site] zone, else that of the policy's calendar."""
        return ZoneInfo(self.config.site.zone or self.policy.calendars[self.policy.calendar].zone.key)

    def warm(self) -> None:
        """Do beforehand what the first notices would else do under the write lock: for long-lived desks."""
        self._renderer.warm()
        instant_in_words(self.policy, self.clock.now())  # loads what Babel knows of the language

    # --- messages -----------------------------------------------------------------------------------------

    def take(self, envelope: Envelope, raw: bytes, pause: Callable[[], bool] = lambda: False) -> Outcome:
        """Store one message durably, then process it now; the daemon may be quicker, the result is the same.

        pause waits a moment for whoever took it up before; False ends the waiting, with outcome "received".
        """
        stored = self.inbox.put_batch([(envelope, raw)])[0]
        outcome = self.process_message(stored.message_id)
        while outcome.outcome == "received" and pause():  # a worker was quicker to take it up: wait for it
            outcome = self.process_message(stored.message_id)
        if not stored.duplicate:
            return outcome
        return replace(outcome, outcome="duplicate", reason=f"the same bytes as message {stored.message_id}")

    def process_message(self, message_id: int) -> Outcome:
        """Run the message's own process jobs until it is decided. Raises Temporary when it cannot be now."""
        first = f"process:{message_id}"
        # with "+": made while a worker held the one of that name (store.jobs.add)
        for key in (first, f"{first}+", f"{first}:again", f"{first}:again+"):
            for _ in range(MOST_ATTEMPTS):
                job = self.jobs.claim_key(key, self.clock.now(), self.config.worker.lease_s)
                if job is None:
                    break
                self.process(job)
        return self.outcome(message_id)

    def outcome(self, message_id: int) -> Outcome:
        found = self.inbox.settled(message_id)
        if found is None:
            raise NotFound(f"there is no message {message_id}")
        return Outcome(message_id, found.outcome or found.state, found.kind, found.number, found.reason)

    def process(self, job: Job) -> None:
        """Decide a received message. A failure puts the job back, and at last the message into quarantine."""
        message_id = int(job.payload["message"])
        try:
            received = self.inbox.load(message_id)
            if received is None:
                self.jobs.finish(job)
                return
            self._process(job, received)
        except Temporary:
            raise
        except Exception as error:  # noqa: BLE001 - unknown means temporary: retried, then set aside whole
            if isinstance(error, MemoryError):
                log.event("memory_exceeded", message=message_id)
            self._failed(job, message_id, traceback.format_exc())

    def _process(self, job: Job, received: Received) -> None:
        message = parse(received.raw)

        def once() -> None:
            now = self.clock.now()
            understood = self.understand(received, message)
            decision = decide(understood.facts, understood.message, now)
            applier = Applier(self.store, self._compose(understood, received, decision))
            versions = _touched(decision, understood.versions)
            case_id = applier.apply(decision, now, job=job, verdict=understood.verdict, versions=versions)
            if events := told(decision):
                tell_log(events, self.cases.number_of(case_id))

        self._until_no_clash(once, job)

    def understand(self, received: Received, message: ParsedMessage) -> Understood:
        """The facts of a message as they are now (also what `explain` shows)."""
        with self.store.read() as connection:
            return understand(self.ground, Lookup(connection), received, message, self.clock.now())

    def _until_no_clash(self, once: Callable[[], Any], job: Job | None = None) -> Any:
        for attempt in range(MOST_CLASHES):
            try:
                return once()
            except Clash:
                if attempt == MOST_CLASHES - 1 or (job is not None and not self.jobs.holds(job)):
                    raise
        raise AssertionError("unreachable")

    def _failed(self, job: Job, message_id: int, error: str) -> None:
        now = self.clock.now()
        if job.attempt >= MOST_ATTEMPTS:
            self.inbox.quarantine(message_id, error, now, job)
        else:
            self.jobs.retry(job, now + timedelta(seconds=min(2**job.attempt, 300)), error)

    def _compose(self, understood: Understood, received: Received, decision: Decision) -> Any:
        voicemail = understood.facts.classification.voicemail
        message = understood.message
        hand = InHand(
            author=message.author,
            text=understood.facts.text or message.new_text,
            received_at=received.received_at,
            attachments=understood.facts.attachments,
            files=lambda parts: _files(received.raw, message, parts),
            caller=understood.facts.caller or (voicemail.caller_name if voicemail else ""),
            duration_s=voicemail.duration_s if voicemail else None,
            transcript=voicemail.text if voicemail else "",
            pending_transcript=any(isinstance(effect, Transcribe) for effect in decision.effects),
        )
        return self._notices.writer_for(hand)

    # --- cases --------------------------------------------------------------------------------------------

    def on_case(self, number: int, fn: Decide, *, job: Job | None = None, hand: InHand | None = None) -> Case:
        """Decide on a case and apply it; returns the case as it is then. Raises NotFound, Permanent."""
        self._decide_on(lambda lookup: lookup.require(number), fn, job, hand)
        return self.cases.get(number)

    def _decide_on(
        self,
        find: Callable[[Lookup], Case],
        fn: Decide,
        job: Job | None,
        hand: InHand | None = None,
        facts_of: Callable[[Lookup, Case], Facts] | None = None,
    ) -> None:
        load = facts_of or self.case_facts

        def once() -> None:
            now = self.clock.now()
            with self.store.read() as connection:
                lookup = Lookup(connection)
                case = find(lookup)
                facts = load(lookup, case)
            decision = fn(facts, case, now)
            versions = _touched(decision, {case.id: case.version, **decision.versions})
            applier = Applier(self.store, self._notices.writer_for(hand or InHand()))
            applier.apply(decision, now, job=job, versions=versions)
            tell_log(told(decision), case.number)

        self._until_no_clash(once, job)

    def open_case(self, fn: Callable[[Facts, datetime], Decision], contact_of: str = "") -> Case:
        """Open a case by a decision that staff or the portal made. contact_of: address to look up."""

        def once() -> Case:
            now = self.clock.now()
            with self.store.read() as connection:
                facts = self._bare_facts(Lookup(connection), contact_of)
            applier = Applier(self.store, self._notices.writer_for(InHand()))
            case_id = applier.apply(fn(facts, now), now)
            opened = self.cases.by_id(case_id) if case_id is not None else None
            assert opened is not None
            return opened

        result = self._until_no_clash(once)
        assert isinstance(result, Case)
        return result

    def split(self, number: int, author: str, parts: Sequence[tuple[str, str]]) -> list[int]:
        """A case of its own for each (subject, text) of a mail with several issues, or none; their numbers.

        Where a text is "" it is that of the mail that opened the case. Raises NotFound, Permanent.
        """

        def once() -> tuple[int, ...]:
            now = self.clock.now()
            with self.store.read() as connection:
                lookup = Lookup(connection)
                original = lookup.require(number)
                facts = self.case_facts(lookup, original)
                whole = next(iter(lookup.customer_texts(original.id)), "")
            openings, each = [], facts
            for subject, text in parts:
                opening = command_open.split_off(
                    each, original, now, author=author, subject=subject, text=text or whole
                )
                openings.append(opening)
                if any(isinstance(effect, Send) for effect in opening.effects):
                    each = replace(each, sent=each.sent.one_more())  # the governor sees the parts one by one
            applier = Applier(self.store, self._notices.writer_for(InHand()))
            return applier.apply_split(
                openings,
                lambda numbers: command_open.note_split(facts, original, now, author=author, numbers=numbers),
                now,
                {original.id: original.version},
            )

        return list(self._until_no_clash(once))

    def merging(self, into: int, author: str, reason: str = "", message: int | None = None) -> Decide:
        """For `on_case`: make that case a part of case into, which is read anew at each try.

        message: one that moves along. Raises NotFound, Permanent.
        """

        def decide(facts: Facts, case: Case, now: datetime) -> Decision:
            target = self.cases.get(into)
            with self.store.read() as connection:
                machine = Lookup(connection).only_machines(target.id)
            return command.merge(
                facts,
                case,
                now,
                author=author,
                target=target,
                reason=reason,
                message=message,
                machine=machine,
            )

        return decide

    def case_facts(self, lookup: Lookup, case: Case) -> Facts:
        """Facts for a decision that no message triggered."""
        return _unless_machine(lookup, case.id, self._bare_facts(lookup, case.requester))

    def _silence_facts(self, lookup: Lookup, case: Case) -> Facts:
        """With whether mail waits unread: what came before the moment in question, or just now, must have
        been read before silence counts."""
        mailboxes = [mailbox.name for mailbox in self.config.imap]
        since = min(case.auto_close_at or self.clock.now(), self.clock.now() - LOOKED_AT_LEAST)
        return replace(self.case_facts(lookup, case), unread_mail=lookup.unread_mail(mailboxes, since))

    def _staff_facts(self, _lookup: Lookup, _case: Case) -> Facts:
        """Where only staff are told, nothing is asked of the customer."""
        return Facts(self.ground.site, self.policy, _NO_MESSAGE)

    def _bare_facts(self, lookup: Lookup, address: str) -> Facts:
        contact: Contact | None = lookup.contact_by_address(address)
        account = contact.account if contact and contact.account else None
        if account is None and "@" in address:
            account = lookup.account_by_domain(address.rpartition("@")[2])
        return Facts(
            site=self.ground.site,
            policy=self.policy,
            classification=_NO_MESSAGE,
            contact=contact,
            account=account,
            entitled=entitled(self.policy, contact, account, self.clock.now()),
            sent=lookup.sent(address, "", "", 0, self.clock.now()),
            dead_addresses=(address.lower(),) if address and lookup.is_dead(address) else (),
            transcribe=self.ground.transcribe,
        )

    def due(self, job: Job) -> None:
        """A moment of a case has come."""
        timer = Timer(str(job.payload["timer"]))
        case_id = int(job.payload["case"])
        try:
            self._decide_on(
                lambda lookup: lookup.case(case_id),
                lambda facts, case, now: decide_due(facts, case, timer, now),
                job,
                facts_of=self._staff_facts if timer in FOR_STAFF else self._silence_facts,
            )
        except NotFound:
            self.jobs.finish(job)


def template_folders(config: Config) -> tuple[Any, ...]:
    """The admin's own templates before the shipped ones."""
    from mailbridge.outgoing.notices import default_template_dir

    own = (config.site.templates,) if config.site.templates else ()
    return (*own, default_template_dir())


def _unless_machine(lookup: Lookup, case_id: int | None, facts: Facts) -> Facts:
    """Staff may answer a robot, but nothing automatic follows on its case."""
    if case_id is None or not lookup.only_machines(case_id):
        return facts
    silent = replace(facts.classification, may_answer=False, no_answer="a machine wrote it")
    return replace(facts, classification=silent)


def _touched(decision: Decision, known: Mapping[int, int]) -> dict[int, int]:
    """The cases that the decision changes, with the versions it was made on."""
    ids = {getattr(effect, "case", NEW) for effect in decision.effects} - {NEW, None}
    return {case_id: known[case_id] for case_id in ids if case_id in known}


def _files(raw: bytes, message: ParsedMessage, parts: Sequence[str]) -> tuple[NoticeAttachment, ...]:
    by_part = {item.part: item for item in message.attachments}
    return tuple(
        NoticeAttachment(by_part[part].filename, by_part[part].content_type, part_bytes(raw, part))
        for part in parts
        if part in by_part
    )
