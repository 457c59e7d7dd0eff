"""What is told once and kept: the same as told anew, and never longer than it is true."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailbridge.clock import VirtualClock
from mailbridge.config import parse_config
from mailbridge.model.notice import Notice, NoticeKind
from mailbridge.model.policy import Policy
from mailbridge.outgoing.facts import Standing, complete
from mailbridge.outgoing.notices import _tidy, example
from mailbridge.policy.library import load_policy
from mailbridge.work import notices
from mailbridge.work.notice_facts import NoticeFacts
from tests.outgoing.notices_of_desk import MONDAY, POLICIES, RENDERER, SITE, WORDS, site

CONFIG = parse_config(SITE.format(policy="mekorma", escalation="escalation = none"), "test", Path("/"))
JO, ANN = "jo@customer.example", "ann@desk.example"


def _told(policy: Policy) -> Any:
    return NoticeFacts(CONFIG, policy, VirtualClock(MONDAY))._policy_told


@pytest.mark.parametrize("policy", POLICIES)
def test_facts_told_before_are_those_told_anew(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each notice of a busy week, once with what the site's facts keep and once with facts made for it."""
    differ = []
    of = NoticeFacts.of

    def twice(self: NoticeFacts, *given: Any) -> dict[str, Any]:
        found = of(self, *given)
        fresh = NoticeFacts(self._config, self._policy, self._clock, written_in=self._written_in)
        anew = of(fresh, *given)
        plain = dict(anew) | {"policy": dict(anew["policy"])}
        if complete(found) != complete(anew) or complete(anew) != complete(plain):
            differ.append(found)
        seen.append(found)
        return found

    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(notices.NoticeFacts, "of", twice)
    with site(policy) as office:
        for words in (WORDS, WORDS + " Again."):
            office.mail(f"Jo Lee <{JO}>", words, subject="Checks upside down")
            office.wait(days=2)
        office.wait(days=5)
    assert len(seen) > 5
    assert differ == []


def test_a_changed_policy_is_told_at_once() -> None:
    policy = load_policy("mekorma")
    other = replace(policy, title="Changed", texts={**policy.texts, "holidays": "We are away."})
    data = example(NoticeKind.ACKNOWLEDGEMENT)
    for known, title in ((policy, policy.title), (other, "Changed"), (policy, policy.title)):
        facts = complete(data | {"policy": _told(known)})
        assert facts["policy"]["title"] == title
    assert complete(data | {"policy": _told(other)})["policy"]["texts"]["holidays"] == "We are away."


def test_what_is_kept_is_tame_and_stays_as_it_was() -> None:
    """Two sections that say the same are two; of one, all notices share what was tamed."""
    evil = Standing(title="Desk\r\nBcc: all\u202e", texts={"holidays": "a\x00b"}, links={})
    data = example(NoticeKind.ACKNOWLEDGEMENT) | {"policy": evil}
    before = complete(data)["policy"]
    assert before["title"] == "Desk Bcc: all"
    assert before["texts"]["holidays"] == "a b"
    RENDERER.render(Notice(NoticeKind.ACKNOWLEDGEMENT, (JO,), data))
    assert complete(data)["policy"] is before
    assert before == complete(data | {"policy": dict(evil)})["policy"]
    assert complete(data | {"policy": Standing(evil)})["policy"] is not before


@pytest.mark.parametrize(
    ("written", "tidy"),
    [
        ("a  \nb\t\n", "a\nb\n"),
        ("\n\na\n\n\n\n\nb", "a\n\nb\n"),
        ("a\n-- \nme", "a\n-- \nme\n"),
        ("a\n--   \nme", "a\n-- \nme\n"),
        ("a\n--\nme", "a\n--\nme\n"),
        ("a\n--- \nme", "a\n---\nme\n"),
        ("a\n-- b \nme", "a\n-- b\nme\n"),
        ("a\n -- \nme", "a\n --\nme\n"),
        ("a\n \t \n\n\nb", "a\n\nb\n"),
    ],
)
def test_tidy(written: str, tidy: str) -> None:
    assert _tidy(written) == tidy
