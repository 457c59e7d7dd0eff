"""Cases as rows: snapshots for deciding, listings and full views for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select

from mailbridge.errors import NotFound
from mailbridge.model.case import Case, Channel, DeadlineState, Status
from mailbridge.model.customer import Entitled
from mailbridge.store.engine import Store, all_of
from mailbridge.store.prepared import Prepared
from mailbridge.store.schema import case, entry, event, message, outbox, participant, thread, transcript

MOST_ASKED = 500  # a database takes a bounded number of parameters; a case may have more messages
_PLAIN = [column.name for column in case.c if column.name in Case.__slots__]
_ENUMS = {"status": Status, "channel": Channel, "deadline_state": DeadlineState, "entitled": Entitled}


_PEOPLE = select(all_of(participant.c.address)).where(participant.c.case_id == case.c.id).scalar_subquery()
_WARNING = select(outbox.c.state).where(outbox.c.key == case.c.warning_key).scalar_subquery()
# Made once: to build a statement anew for each look costs more than to run it.
_CASE = select(case, _PEOPLE.label("people"), _WARNING.label("warning_state"))
_BY_ID = Prepared(_CASE.where(case.c.id == bindparam("id")))
_BY_NUMBER = Prepared(_CASE.where(case.c.number == bindparam("number")))
_BY_IDS = Prepared(_CASE.where(case.c.id.in_(bindparam("ids", expanding=True))), lists=("ids",))
_BY_NUMBERS = Prepared(
    _CASE.where(case.c.number.in_(bindparam("numbers", expanding=True))), lists=("numbers",)
)
_BY_REFS = Prepared(
    select(thread).where(thread.c.message_ref.in_(bindparam("refs", expanding=True))), lists=("refs",)
)
_NUMBER_OF = Prepared(select(case.c.number).where(case.c.id == bindparam("id")))
_ENTRIES = Prepared(select(entry).where(entry.c.case_id == bindparam("of")).order_by(entry.c.at, entry.c.id))
_BY_REQUESTER = case.c.requester == bindparam("requester")
_BY_CONTACT = case.c.contact_id == bindparam("contact_id")


def _recent(*tests: ColumnElement[bool]) -> Prepared:
    wanted = _CASE.where(or_(*tests), case.c.duplicate_of.is_(None))
    return Prepared(wanted.order_by(case.c.id.desc()).limit(bindparam("most")))


_RECENT = {
    (True, False): _recent(_BY_REQUESTER),
    (False, True): _recent(_BY_CONTACT),
    (True, True): _recent(_BY_REQUESTER, _BY_CONTACT),
}


def snapshots(rows: Sequence[Any]) -> list[Case]:
    """Rows of _CASE as frozen snapshots, with their participants and what became of the last warning."""
    return [_snapshot(row) for row in rows]


def _snapshot(row: Any) -> Case:
    values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    values |= {name: kind(values[name]) for name, kind in _ENUMS.items()}
    values["references"] = tuple(values["references"] or ())
    values["proof"] = values["proof"] or {}
    people = tuple(sorted(row.people or ()))
    return Case(participants=people, warning_state=row.warning_state or "", **values)


def by_id(connection: Connection, case_id: int) -> Case | None:
    rows = _BY_ID.rows(connection, {"id": case_id})
    return next(iter(snapshots(rows)), None)


def by_numbers(connection: Connection, numbers: Iterable[int]) -> dict[int, Case]:
    """Cases by number, in the order asked for; a merged one answers with the case it was merged into."""
    wanted = [number for number in numbers if 0 < number < 2**32]
    if not wanted:
        return {}
    rows = _BY_NUMBERS.rows(connection, {"numbers": wanted})
    found = {snap.number: snap for snap in snapshots(rows)}
    return {number: _target(connection, found[number]) for number in wanted if number in found}


def _target(connection: Connection, snap: Case) -> Case:
    seen = {snap.number}
    while snap.duplicate_of is not None and snap.duplicate_of not in seen:
        seen.add(snap.duplicate_of)
        rows = _BY_NUMBER.rows(connection, {"number": snap.duplicate_of})
        if not rows:
            break
        snap = snapshots(rows)[0]
    return snap


def by_message_refs(connection: Connection, refs: Sequence[str]) -> list[tuple[str, Case]]:
    """(Message-ID, case) for each of these that a case knows, in the order given, the latest case first."""
    wanted = [ref[:512] for ref in refs if ref][:100]
    if not wanted:
        return []
    rows = _BY_REFS.rows(connection, {"refs": wanted})
    cases: dict[int, Case] = {}
    if rows:
        ids = sorted({row.case_id for row in rows})
        found = _BY_IDS.rows(connection, {"ids": ids})
        cases = {snap.id: _target(connection, snap) for snap in snapshots(found)}
    pairs = [(row.message_ref, row.case_id) for row in rows if row.case_id in cases]
    pairs.sort(key=lambda pair: (wanted.index(pair[0]), -pair[1]))
    return [(ref, cases[case_id]) for ref, case_id in pairs]


def recent_of(
    connection: Connection, *, requester: str = "", contact_id: int | None = None, limit: int = 10
) -> tuple[Case, ...]:
    """The latest cases of a sender or contact, newest first."""
    query = _RECENT.get((bool(requester), contact_id is not None))
    if query is None:
        return ()
    values = {"requester": requester, "contact_id": contact_id, "most": limit}
    rows = query.rows(connection, values)  # a value that the query does not name is not looked at
    return tuple(snapshots(rows))


def require(connection: Connection, number: int) -> Case:
    """The case of this number itself (also a merged one). Raises NotFound."""
    rows = _BY_NUMBER.rows(connection, {"number": number})
    if not rows:
        raise NotFound(f"there is no case {number}")
    return snapshots(rows)[0]


def number_of(connection: Connection, case_id: int) -> int:
    return int(_NUMBER_OF.scalar(connection, {"id": case_id}))


def entries(connection: Connection, case_id: int) -> list[Mapping[str, Any]]:
    """Messages and notes of a case in order."""
    return [row._asdict() for row in _ENTRIES.rows(connection, {"of": case_id})]


class Cases:
    """What people ask of cases."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, number: int) -> Case:
        """Raises NotFound."""
        with self._store.read() as connection:
            return require(connection, number)

    def by_id(self, case_id: int) -> Case | None:
        with self._store.read() as connection:
            return by_id(connection, case_id)

    def number_of(self, case_id: int | None) -> int | None:
        if case_id is None:
            return None
        with self._store.read() as connection:
            number: int | None = _NUMBER_OF.scalar(connection, {"id": case_id})
        return number

    def listing(self, *, statuses: Sequence[str] = (), assigned_to: str = "", limit: int = 0) -> list[Case]:
        """Cases by number, optionally only of these statuses or of one staff member."""
        query = _CASE.order_by(case.c.number)
        if statuses:
            query = query.where(case.c.status.in_(statuses))
        if assigned_to:
            query = query.where(case.c.assigned_to == assigned_to)
        if limit:
            query = query.limit(limit)
        with self._store.read() as connection:
            rows = connection.execute(query).all()
            return snapshots(rows)

    def count(self) -> dict[str, int]:
        query = select(case.c.status, func.count()).group_by(case.c.status)
        with self._store.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def at_risk(self, before: datetime) -> list[Case]:
        """Open cases whose answer is due before this instant, the most urgent first."""
        query = _CASE.where(
            case.c.status == "open", case.c.deadline_state == "pending", case.c.respond_by < before
        ).order_by(case.c.respond_by)
        with self._store.read() as connection:
            return snapshots(connection.execute(query).all())

    def entries(self, case_id: int) -> list[Mapping[str, Any]]:
        with self._store.read() as connection:
            return entries(connection, case_id)

    def events(self, case_id: int) -> list[Mapping[str, Any]]:
        with self._store.read() as connection:
            rows = connection.execute(select(event).where(event.c.case_id == case_id).order_by(event.c.id))
            return [dict(row._mapping) for row in rows]

    def events_after(self, event_id: int, limit: int = 10_000) -> list[Mapping[str, Any]]:
        """Events of all cases in the order they happened, with the case's number."""
        query = (
            select(event, case.c.number)
            .join(case, case.c.id == event.c.case_id, isouter=True)
            .where(event.c.id > event_id)
            .order_by(event.c.id)
            .limit(limit)
        )
        with self._store.read() as connection:
            return [dict(row._mapping) for row in connection.execute(query)]

    def transcripts(self, message_ids: Sequence[int]) -> dict[int, list[Mapping[str, Any]]]:
        """All transcripts of these messages, the newest last."""
        found: dict[int, list[Mapping[str, Any]]] = {}
        with self._store.read() as connection:
            for start in range(0, len(message_ids), MOST_ASKED):
                these = transcript.c.message_id.in_(message_ids[start : start + MOST_ASKED])
                for row in connection.execute(select(transcript).where(these).order_by(transcript.c.id)):
                    found.setdefault(row.message_id, []).append(dict(row._mapping))
        return found

    def last_voicemails(self, since: datetime) -> list[int]:
        """Messages of kind voicemail since then, for retranscription."""
        query = select(message.c.id).where(message.c.kind == "voicemail", message.c.received_at >= since)
        with self._store.read() as connection:
            return list(connection.execute(query.order_by(message.c.id)).scalars())
