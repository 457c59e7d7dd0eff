"""Applying a decision: all of it or nothing, fenced by versions, numbers without gaps."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, insert

from mailbridge.model.decision import ChangeCase, Decision, Merge, Record
from mailbridge.store.apply import Applier, Clash, Verdict
from mailbridge.store.cases import Cases, by_message_refs
from mailbridge.store.check import check
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.jobs import Jobs
from mailbridge.store.outbox import Outbox
from mailbridge.store.schema import thread
from tests.store.make import MINUTE, NOW, ONLY_SQLITE, compose, envelope, opening, raw


def test_a_decision_is_applied_whole(store: Store) -> None:
    stored = Inbox(store).put_batch([(envelope(), raw())])[0]
    (job,) = Jobs(store).claim(["process"], NOW, 60)
    verdict = Verdict(stored.message_id, kind="human", author="pat@customer.example")
    case_id = Applier(store, compose).apply(opening(), NOW, job=job, verdict=verdict)
    received = Inbox(store).load(stored.message_id)
    assert received is not None
    assert (received.state, received.case_id) == ("filed", case_id)
    assert Cases(store).get(1).requester == "pat@customer.example"
    assert [row["subject"] for row in Outbox(store).listing(["waiting"])] == ["[#1] acknowledgement"]
    assert Jobs(store).next_due(["due"]) == NOW + 60 * MINUTE
    assert Jobs(store).count("process", "running") == 0
    assert check(store) == []


def test_a_lost_lease_leaves_nothing_of_the_decision(store: Store) -> None:
    Inbox(store).put_batch([(envelope(), raw())])
    (old,) = Jobs(store).claim(["process"], NOW, 60)
    Jobs(store).claim(["process"], NOW + 2 * MINUTE, 60)
    with pytest.raises(Clash):
        Applier(store, compose).apply(opening(), NOW, job=old)
    assert Cases(store).listing() == []
    assert Outbox(store).count("waiting") == 0


def test_a_notice_that_cannot_be_written_leaves_nothing(store: Store) -> None:
    def broken(*_: object) -> None:
        raise ValueError("template")

    with pytest.raises(ValueError, match="template"):
        Applier(store, broken).apply(opening(), NOW)  # type: ignore[arg-type]
    assert Cases(store).listing() == []


def test_a_split_is_all_of_it_or_nothing(store: Store) -> None:
    """Each part was opened on its own: a split that was killed and said again opened parts twice."""
    case_id = Applier(store, compose).apply(opening(), NOW)
    assert case_id is not None
    parts = [opening("Ink"), opening("Paper")]

    def noted(numbers: tuple[int, ...]) -> Decision:
        return Decision("split", "", (Record(case_id, "split", {"numbers": list(numbers)}),), case=case_id)

    def killed(_numbers: tuple[int, ...]) -> Decision:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Applier(store, compose).apply_split(parts, killed, NOW, {case_id: 1})
    with pytest.raises(Clash):
        Applier(store, compose).apply_split(parts, noted, NOW, {case_id: 7})
    assert [case.subject for case in Cases(store).listing()] == ["Printer"]
    assert Applier(store, compose).apply_split(parts, noted, NOW, {case_id: 1}) == (2, 3)
    assert [case.subject for case in Cases(store).listing()] == ["Printer", "Ink", "Paper"]
    assert Cases(store).events(case_id)[-1]["data"] == {"numbers": [2, 3]}
    assert Outbox(store).count("waiting") == 3


def test_two_decisions_on_one_version_clash(store: Store) -> None:
    case_id = Applier(store, compose).apply(opening(), NOW)
    assert case_id is not None
    change = Decision("changed", "", (ChangeCase(case_id, {"severity": "critical"}),), case=case_id)
    Applier(store, compose).apply(change, NOW, versions={case_id: 1})
    with pytest.raises(Clash):
        Applier(store, compose).apply(change, NOW, versions={case_id: 1})
    assert Cases(store).get(1).version == 2


def test_case_numbers_have_neither_gaps_nor_twins_under_concurrency(store: Store) -> None:
    def open_one(number: int) -> None:
        for _ in range(20):
            try:
                Applier(store, compose).apply(opening(f"s{number}"), NOW)
            except Clash:
                continue
            return
        raise AssertionError("twenty clashes")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_one, range(24)))
    assert [case.number for case in Cases(store).listing()] == list(range(1, 25))


def test_check_finds_what_is_wrong(store: Store) -> None:
    from sqlalchemy import text

    Inbox(store).put_batch([(envelope(), raw())])
    assert check(store) == []
    with store.write() as connection:
        connection.execute(text("DELETE FROM job"))
    assert check(store) == ["1 in message (1): is received, but has no job"]


@ONLY_SQLITE
def test_a_case_with_more_messages_than_a_statement_takes_parameters_can_be_merged(store: Store) -> None:
    """All of its Message-IDs were asked for in one statement: merging said "try again later", for ever."""
    source, target = (Applier(store, compose).apply(opening(subject), NOW) for subject in ("a", "b"))
    assert source is not None
    assert target is not None
    with store.write() as connection:
        rows = [{"message_ref": f"<{n}@pbx.example>", "case_id": source} for n in range(1500)]
        connection.execute(insert(thread), rows)
    few = sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER
    event.listen(store.engine, "checkout", lambda driver, *_: driver.setlimit(few, 999))
    store.close()  # and its connections, which were made without this limit
    Applier(store, compose).apply(Decision("merged", "", (Merge(source, target),), case=source), NOW)
    with store.read() as connection:
        found = by_message_refs(connection, ["<1499@pbx.example>"])
    assert {case.id for _, case in found} == {source, target}
    assert Cases(store).transcripts(range(1500)) == {}
