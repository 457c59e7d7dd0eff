"""Apply a Decision in one transaction: the case, its thread, timers, outbox, and the job done, or nothing at
all.

Clash means that the world moved since the facts were loaded (another version of the case, a lost lease, a
unique key taken): the caller loads the facts again and decides again. No lock is held across thinking; only
rendering a notice happens inside, because its case number is known only here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from mailbridge.model.decision import Decision
from mailbridge.store import cases, jobs
from mailbridge.store.effects import Clash, Compose, History, Mail, Run
from mailbridge.store.engine import Store
from mailbridge.store.jobs import Job
from mailbridge.store.prepared import Prepared, new_row
from mailbridge.store.schema import event, message
from mailbridge.store.text import clean

__all__ = ["Applier", "Clash", "Compose", "History", "Mail", "Verdict"]

# Made once: to build a statement anew for each message costs more than to run it.
_NEW_EVENT = new_row(event)
_MESSAGE_STATE = Prepared(select(message.c.state).where(message.c.id == bindparam("this")))
_SETTLE = Prepared(
    update(message).where(message.c.id == bindparam("this")),
    columns=(
        *("state", "outcome", "kind", "rule", "reason", "case_id", "message_ref", "content_digest"),
        *("text_digest", "author", "subject", "rules", "authentic", "processed_at", "error"),
    ),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the worker learned of a message, to be written on its row."""

    message_id: int
    kind: str = ""
    rule: str = ""
    message_ref: str = ""
    content_digest: str = ""
    text_digest: str = ""
    author: str = ""
    subject: str = ""
    rules: tuple[Any, ...] = ()
    authentic: Mapping[str, Any] = field(default_factory=dict)


class Applier:
    """Carries out decisions. compose renders notices; it is given the case as it is after the decision."""

    def __init__(self, store: Store, compose: Compose) -> None:
        self._store = store
        self._compose = compose

    def apply(
        self,
        decision: Decision,
        now: datetime,
        *,
        job: Job | None = None,
        verdict: Verdict | None = None,
        versions: Mapping[int, int] | None = None,
        expect: Callable[[Connection], None] | None = None,
    ) -> int | None:
        """Write it all; returns the id of the case concerned. Raises Clash, StoreUnavailable, StoreFull.

        versions: id and version of each case the decision was made on. expect may raise Clash after a last
        look.
        """
        with self._writing() as connection:
            if job is not None and not jobs.finish(connection, job):
                raise Clash("the lease was lost")
            if expect is not None:
                expect(connection)
            case_id = self._carry_out(connection, decision, now, versions or {}, verdict)
            if verdict is not None:
                _settle(connection, verdict, decision, case_id, now)
        return case_id

    def apply_split(
        self,
        openings: Sequence[Decision],
        then: Callable[[tuple[int, ...]], Decision],
        now: datetime,
        versions: Mapping[int, int],
    ) -> tuple[int, ...]:
        """New cases and what their numbers mean for the case that they come from: all of it or nothing.

        versions: of that case. Returns the numbers. Raises Clash, StoreUnavailable, StoreFull.
        """
        with self._writing() as connection:
            ids = [self._carry_out(connection, opening, now, {}) for opening in openings]
            numbers = tuple(cases.number_of(connection, case_id) for case_id in ids if case_id is not None)
            self._carry_out(connection, then(numbers), now, versions)
        return numbers

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._store.write() as connection:
                yield connection
        except IntegrityError as error:
            raise Clash(f"somebody was quicker: {error.orig}") from error

    def _carry_out(
        self,
        connection: Connection,
        decision: Decision,
        now: datetime,
        versions: Mapping[int, int],
        verdict: Verdict | None = None,
    ) -> int | None:
        """The effects of one decision; the id of the case concerned."""
        run = Run(connection, now, self._compose, verdict.message_id if verdict else None)
        run.gather(decision.effects)
        run.fence(versions)
        for effect in decision.effects:
            run.carry_out(effect)
        run.flush()
        return run.real(decision.case) if decision.case is not None else None


def _settle(
    connection: Connection, verdict: Verdict, decision: Decision, case_id: int | None, now: datetime
) -> None:
    """Write on the message what became of it. A second processing leaves a first outcome standing."""
    states = {"ignored": "ignored", "quarantined": "quarantined"}
    if decision.outcome == "ignored" and case_id is None:
        withheld = {"notice": "answer", "to": clean(verdict.author), "reason": clean(decision.reason)}
        about = {"case_id": None, "message_id": verdict.message_id, "at": now}
        _NEW_EVENT.change(connection, {"event": "suppressed", "data": withheld, **about})
    if decision.outcome == "duplicate":
        known = _MESSAGE_STATE.scalar(connection, {"this": verdict.message_id})
        if known == "filed":
            return
    values = {
        "state": states.get(decision.outcome, "filed"),
        "outcome": decision.outcome,
        "kind": verdict.kind,
        "rule": verdict.rule[:80],
        "reason": clean(decision.reason)[:500],
        "case_id": case_id,
        "message_ref": clean(verdict.message_ref)[:512],
        "content_digest": verdict.content_digest,
        "text_digest": verdict.text_digest,
        "author": clean(verdict.author)[:320],
        "subject": clean(verdict.subject)[:500],
        "rules": [*verdict.rules, *decision.rules],
        "authentic": dict(verdict.authentic),
        "processed_at": now,
        "error": "",
    }
    _SETTLE.change(connection, {"this": verdict.message_id, **values})
