"""Read-only questions that loading facts asks, all within one snapshot of the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, func, literal_column, or_, select

from mailbridge.errors import NotFound
from mailbridge.model.case import Case
from mailbridge.model.customer import Account, Contact
from mailbridge.model.decision import BouncedNotice, Seen, Sent
from mailbridge.store import cases, customers
from mailbridge.store import outbox as outbox_store
from mailbridge.store.inbox import clean
from mailbridge.store.prepared import Prepared
from mailbridge.store.schema import arrival, cursor, entry, message, outbox

SAME_TEXT = timedelta(minutes=15)
MACHINE_KINDS = frozenset(("auto_generated", "list", "auto_reply", "bounce", "report"))


# Made once: to build a statement anew for each message costs more than to run it.
_TEXTS = Prepared(
    select(entry.c.text)
    .where(entry.c.case_id == bindparam("of"), entry.c.direction == "in")
    .order_by(entry.c.id)
    .limit(5)
)
_KINDS = Prepared(
    select(entry.c.kind).where(entry.c.case_id == bindparam("of"), entry.c.direction == "in").distinct()
)
_DECIDED = message.c.state.in_([literal_column("'filed'"), literal_column("'ignored'")])
_OWN = and_(message.c.id == bindparam("id"), message.c.state == "filed")
_SAME = and_(
    message.c.content_digest == bindparam("digest"),
    message.c.id != bindparam("id"),
    message.c.message_ref == bindparam("ref"),
    _DECIDED,
)
_SEEN = Prepared(
    select(message.c.id, message.c.case_id, message.c.state)
    .where(or_(_OWN, _SAME))
    .order_by((message.c.id == bindparam("id")).desc(), message.c.id)
    .limit(1)
)
_BY_AUTHOR = (message.c.author == bindparam("author"), message.c.id != bindparam("id"))
_WROTE = Prepared(
    select(
        select(func.count())
        .select_from(message)
        .where(*_BY_AUTHOR, message.c.received_at > bindparam("hour"))
        .scalar_subquery(),
        select(func.count())
        .select_from(message)
        .where(
            *_BY_AUTHOR,
            message.c.received_at > bindparam("lately"),
            message.c.text_digest == bindparam("digest"),
            message.c.text_digest != "",
        )
        .scalar_subquery(),
    )
)
_WAITING = Prepared(
    select(message.c.id)
    .where(message.c.state == "received", message.c.received_at <= bindparam("since"))
    .limit(1)
)
_POLLED = Prepared(select(cursor.c.mailbox, cursor.c.polled_at))
_BY_REF = Prepared(
    select(
        outbox.c.id, outbox.c.kind, outbox.c.case_id, outbox.c.rcpt_to, outbox.c.subject, outbox.c.message_ref
    ).where(outbox.c.message_ref.in_(bindparam("refs", expanding=True))),
    lists=("refs",),
)


class Lookup:
    """Questions on one open connection; it lives as long as the snapshot."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._who: dict[str, customers.Who] = {}

    def numbers(self, numbers: Iterable[int]) -> dict[int, Case]:
        return cases.by_numbers(self._connection, numbers)

    def refs(self, refs: Sequence[str]) -> list[tuple[str, Case]]:
        return cases.by_message_refs(self._connection, [clean(ref) for ref in refs])

    def customer_texts(self, case_id: int) -> list[str]:
        """What customers wrote in a case, its first few messages."""
        return list(_TEXTS.scalars(self._connection, {"of": case_id}))

    def case(self, case_id: int) -> Case:
        """Raises NotFound."""
        if (found := cases.by_id(self._connection, case_id)) is None:
            raise NotFound(f"there is no case in row {case_id}")
        return found

    def require(self, number: int) -> Case:
        """Raises NotFound."""
        return cases.require(self._connection, number)

    def recent(self, sender: str, contact_id: int | None) -> tuple[Case, ...]:
        return cases.recent_of(self._connection, requester=clean(sender)[:320], contact_id=contact_id)

    def contact_by_address(self, address: str) -> Contact | None:
        return customers.contact_of(self._connection, self._asked(address).contact_id) if address else None

    def _asked(self, address: str) -> customers.Who:
        """One question for all that is known of an address."""
        address = clean(address).lower()
        if address not in self._who:
            self._who[address] = customers.who(self._connection, address)
        return self._who[address]

    def contact_by_phone(self, phone: str) -> Contact | None:
        return customers.contact_by_phone(self._connection, phone)

    def account_by_domain(self, domain: str) -> Account | None:
        wanted = clean(domain).lower()
        known = next((who for who in self._who.values() if who.domain == wanted), None)
        if known is not None:
            return customers.account_of(self._connection, known.account_id)
        return customers.account_by_domain(self._connection, wanted) if wanted else None

    def is_dead(self, address: str) -> bool:
        return self._asked(address).dead

    def seen(self, message_id: int, message_ref: str, content_digest: str) -> Seen | None:
        """An earlier message with the same content; of its own row, where it was decided before."""
        values = {"digest": content_digest, "id": message_id, "ref": clean(message_ref)[:512]}
        row = _SEEN.first(self._connection, values)
        return None if row is None else self._seen(row.id, row.case_id, row.state)

    def _seen(self, message_id: int, case_id: int | None, state: str) -> Seen:
        found = cases.by_id(self._connection, case_id) if case_id is not None else None
        return Seen(message_id, found, bool(found and found.escalation_level), state)

    def sent(self, to: str, author: str, text_digest: str, message_id: int, now: datetime) -> Sent:
        """What the governor counts."""
        per_hour, per_day, domain, overall = (
            outbox_store.counts(self._connection, to, now) if to else (0, 0, 0, 0)
        )
        received, same = self._wrote(author, text_digest, message_id, now) if author else (0, 0)
        return Sent(
            to_address_hour=per_hour,
            to_address_day=per_day,
            to_domain_hour=domain,
            overall_hour=overall,
            from_sender_hour=received,
            same_text_recent=same,
        )

    def _wrote(self, author: str, text_digest: str, message_id: int, now: datetime) -> tuple[int, int]:
        """Other messages of the author: of the last hour, and of late with the very same words."""
        values = {
            "author": clean(author)[:320],
            "id": message_id,
            "hour": now - timedelta(hours=1),
            "lately": now - SAME_TEXT,
            "digest": text_digest,
        }
        received, same = _WROTE.first(self._connection, values)
        return int(received), int(same)

    def bounced(self, refs: Sequence[str]) -> tuple[BouncedNotice, ...]:
        """Our outgoing mails among these Message-IDs, in their order."""
        wanted = [clean(ref)[:512] for ref in refs if ref][:50]
        if not wanted:
            return ()
        rows = _BY_REF.rows(self._connection, {"refs": wanted})
        found = sorted(rows, key=lambda row: wanted.index(row.message_ref))
        return tuple(
            BouncedNotice(
                row.id,
                row.kind,
                cases.by_id(self._connection, row.case_id) if row.case_id is not None else None,
                tuple(row.rcpt_to),
                row.subject,
            )
            for row in found
        )

    def unread_mail(self, mailboxes: Sequence[str], since: datetime) -> bool:
        """Whether mail of before `since` may wait undecided: received rows, or a mailbox not read since
        then.
        """
        if _WAITING.first(self._connection, {"since": since}) is not None:
            return True
        if not mailboxes:
            return False
        rows = _POLLED.rows(self._connection)
        polled = {row.mailbox: row.polled_at for row in rows if "#" not in row.mailbox}
        return any((at := polled.get(name)) is None or at < since for name in mailboxes)

    def only_machines(self, case_id: int) -> bool:
        """Whether all that came in on the case was written by machines or lists."""
        found = set(_KINDS.scalars(self._connection, {"of": case_id}))
        return bool(found) and found <= MACHINE_KINDS

    def recipients(self, message_id: int) -> tuple[str, ...]:
        rows = self._connection.execute(select(arrival.c.rcpt_to).where(arrival.c.message_id == message_id))
        return tuple(address for row in rows for address in row.rcpt_to)
