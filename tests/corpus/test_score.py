# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""The figures that the corpus must reach; ../shared/corpus is wanted, its messages never enter the repository."""

from __future__ import annotations

from functools import lru_cache

import pytest

from tests.corpus.score import FLOOR, NEVER_ANSWERED, Score, score, table
from tests.needs import need_shared


@lru_cache(maxsize=1)
def judged() -> Score:
    return score(need_shared("corpus"))


@pytest.mark.parametrize("route", sorted(FLOOR))
def test_share_of_right_kinds(route: str) -> None:
    assert judged().share(route) >= FLOOR[route], table(judged())


def test_no_automatic_message_is_answered() -> None:
    assert [one.file for one in judged().answered] == []


@pytest.mark.parametrize("route", sorted(NEVER_ANSWERED - {"autoreply", "bounce"}))
def test_other_routes_are_recognised(route: str) -> None:
    assert judged().share(route) >= 0.9, [one.file for one in judged().of(route) if not one.right]


def test_every_message_is_read_in_time() -> None:
    """Two seconds is the promise; a tenth of it is what an idle machine needs for the slowest."""
    slow = [(one.file, one.seconds) for one in judged().judged if one.seconds > 2]
    beyond = [
        one.file
        for one in judged().judged
        if any(defect.startswith("beyond") for defect in one.message.defects)
    ]
    assert (slow, beyond) == ([], [])


def test_nothing_that_a_database_refuses() -> None:
    for one in judged().judged:
        message = one.message
        words = [message.text, message.new_text, message.html, message.subject, message.message_id]
        words += [value for _, value in message.headers.fields] + [
            file.filename for file in message.attachments
        ]
        for text in words:
            text.encode("utf-8")
            assert "\0" not in text, one.file


def test_no_replacement_characters_but_the_senders_own() -> None:
    for one in judged().judged:
        raw = (need_shared("corpus") / one.file).read_bytes()
        said = b"\xef\xbf\xbd" in raw or b"=EF=BF=BD" in raw.upper() or b"77+9" in raw
        if not said:
            assert "\ufffd" not in one.message.text + one.message.subject, one.file


def test_text_that_the_sources_expect() -> None:
    """Subjects and senders of a help desk's own fixtures. Left out: where that help desk falls back to Reply-To,
    guesses another charset for a name without one, or keeps control characters."""
    wrong = []
    for one in judged().judged:
        expected = one.entry["expected"]
        assert isinstance(expected, dict)
        told = expected.get("zammad") or {}
        subject, sender = told.get("subject"), told.get("from_email")
        if subject and " ".join(subject.split()) != " ".join(one.message.subject.split()):
            wrong.append((one.file, subject, one.message.subject))
        if (
            sender
            and one.message.author.address
            and sender.lower() not in (one.message.author.key, f"test {one.message.author.key}")
        ):
            wrong.append((one.file, sender, one.message.author.address))
    assert len(wrong) <= 1, wrong


def test_bounces_name_their_recipients() -> None:
    """By two libraries' own tests: recipients exactly, class of the status, and no address marked dead that a
    library for bounces calls alive."""
    recipients = statuses = told = reports = 0
    for one in judged().of("bounce"):
        found = one.message.bounce
        assert found is not None, one.file
        expected = one.entry["expected"]
        assert isinstance(expected, dict)
        if "bounce_recipients" in expected:
            wanted = {
                address.lower()
                for kind in ("permanent", "temporary")
                for address in expected["bounce_recipients"][kind]
            }
            told += 1
            recipients += wanted == {recipient.address.lower() for recipient in found.recipients}
        if "sisimai_v5" in expected:
            reports += 1
            statuses += [row["status"][:1] for row in expected["sisimai_v5"]] == [
                row.status[:1] for row in found.recipients
            ]
    assert recipients >= 0.85 * told
    assert statuses >= 0.95 * reports
