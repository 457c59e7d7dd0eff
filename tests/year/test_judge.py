"""The judge is judged: each short story is clean, and with one thing broken on purpose it is not.

A mutant is a part of the program that does its work wrong; `caught` is what the judge must say of it. Without
these an invariant that can never fail would look like one that always holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mailbridge.model.case import DeadlineState, Timer
from mailbridge.model.customer import Entitled
from mailbridge.model.decision import ChangeCase, Decision, OpenCase, Sent
from mailbridge.model.message import Kind
from mailbridge.model.policy import TargetKind
from mailbridge.policy import command, command_open, decide, draft, due, words
from mailbridge.policy.draft import Draft
from mailbridge.policy.thread import Place
from mailbridge.store import cases, effects, jobs
from mailbridge.store.jobs import Jobs
from mailbridge.store.lookups import Lookup
from mailbridge.store.transcripts import Transcripts
from mailbridge.work import deliver, facts, heard
from mailbridge.work.desk import Desk
from tests.year import world
from tests.year.run import Result, main, play, told
from tests.year.story import from_lines
from tests.year.tales import TALES, tale, written

Break = Callable[[pytest.MonkeyPatch], None]
MINUTE = timedelta(minutes=1)


@cache
def clean(name: str) -> tuple[str, ...]:
    return tuple(play(tale(name)))


@pytest.mark.parametrize("name", TALES)
def test_the_short_story_is_clean(name: str) -> None:
    assert clean(name) == ()


@dataclass(frozen=True)
class Mutant:
    """What is broken, in which story, and words of what the judge says of it."""

    what: str
    story: str
    caught: str
    broken: Break


def changed(owner: Any, name: str, made: Callable[[Any], Any]) -> Break:
    """owner.name is replaced by what `made` makes of it."""

    def break_it(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner, name, made(getattr(owner, name)))

    return break_it


def instead(owner: Any, name: str, result: Any = None) -> Break:
    """The function does nothing but return this."""
    return changed(owner, name, lambda _old: lambda *_args, **_values: result)


def branch(table: dict[Any, Any], key: Any, made: Callable[[Any], Any]) -> Break:
    return lambda patch: patch.setitem(table, key, made(table[key]))


def result(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function's result, changed."""
    return lambda old: lambda *args, **values: change(old(*args, **values))


def unless(skip: Callable[..., bool]) -> Callable[[Any], Any]:
    """The function, but not where skip says so."""
    return lambda old: lambda *args, **values: None if skip(*args, **values) else old(*args, **values)


def shifted(promise: Any) -> Any:
    return replace(promise, respond_by=promise.respond_by + MINUTE)


def warned_late(promise: Any) -> Any:
    return replace(promise, warn_at=promise.warn_at + MINUTE)


def silence_short(pair: Any) -> Any:
    return pair and (pair[0], pair[1] - MINUTE)


def twice(old: Any) -> Any:
    def send(self: Draft, facts_: Any, kind: str, once: str, *args: Any, **values: Any) -> bool:
        sent = bool(old(self, facts_, kind, once, *args, **values))
        if kind == "acknowledgement":
            self.send(kind, (self.case.requester,), f"{once}:2")
        return sent

    return send


def misfire(old: Any) -> Any:
    """What is late by more than a minute is dropped, as APScheduler's default grace does."""

    def claim(self: Jobs, kinds: Any, now: Any, lease_s: float, limit: int = 1) -> Any:
        found = old(self, kinds, now, lease_s, limit)
        late = [job for job in found if job.kind == "due" and job.due_at < now - MINUTE]
        for job in late:
            self.finish(job)
        return [job for job in found if job not in late]

    return claim


def _later(job: Any) -> Any:
    return replace(job, due_at=job.due_at + MINUTE) if job.kind == "process" else job


def without_effects(*kinds: type) -> Callable[[Any], Any]:
    def strip(decision: Decision) -> Decision:
        return replace(decision, effects=tuple(e for e in decision.effects if not isinstance(e, kinds)))

    return result(strip)


def _again(_old: Any) -> Any:
    """A missed deadline stays pending and rings once more."""

    def missed(facts_: Any, d: Draft) -> Decision:
        assert d.case.respond_by is not None
        d.tell_staff(
            *(facts_, "deadline_missed", f"x:{d.now}"),
            event="deadline_missed",
            event_data={"respond_by": d.case.respond_by.isoformat()},
        )
        if d.now < d.case.respond_by + 90 * MINUTE:
            d.timer(Timer.DEADLINE, d.now + 60 * MINUTE)
        return d.decision("done", "missed")

    return missed


def _lost(self: Desk, job: Any) -> None:
    self.jobs.finish(job)


def _renewing(facts_: Any, case: Any, now: Any, **_values: Any) -> Decision:
    made = Draft(case, facts_.policy, now)
    made.renew_promise()
    return made.decision("noted", "counted anew")


MUTANTS = [
    Mutant(
        "an acknowledgement is dropped",
        "answered and silent",
        "0 acknowledgements",
        changed(Draft, "send", unless(lambda _self, kind, *_a, **_v: kind == "acknowledgement")),
    ),
    Mutant(
        "an acknowledgement goes out twice",
        "answered and silent",
        "2 acknowledgements",
        changed(Draft, "send_customer", twice),
    ),
    Mutant(
        "a deadline is a minute late", "missed", "deadline_set", changed(draft, "promise", result(shifted))
    ),
    Mutant(
        "a warning is a minute late",
        "missed",
        "deadline_warning",
        changed(draft, "promise", result(warned_late)),
    ),
    Mutant(
        "a machine is answered",
        "machine",
        "was sent to robot1@machines.example",
        changed(facts, "classify", result(lambda c: replace(c, may_answer=True, no_answer=""))),
    ),
    Mutant(
        "a case closes a minute early",
        "answered and silent",
        "auto_closed",
        changed(draft, "silence_due", result(silence_short)),
    ),
    Mutant(
        "no case closes", "answered and silent", "auto_close_warning: none", instead(Draft, "start_silence")
    ),
    Mutant(
        "nobody is warned of a close in time",
        "answered and silent",
        "auto_close_warning",
        branch(due._BRANCHES, Timer.AUTO_CLOSE_WARNING, lambda _old: lambda _f, d: d.decision("stale", "")),
    ),
    Mutant(
        "a close does not wait for unread mail",
        "unread",
        "auto_closed",
        instead(Lookup, "unread_mail", False),
    ),
    Mutant(
        "a close does not wait for its warning to go",
        "undelivered",
        "auto_closed",
        changed(cases, "_snapshot", result(lambda case: replace(case, warning_state="sent"))),
    ),
    Mutant(
        "an out-of-office is an answer",
        "away and held",
        "a machine's, led to",
        branch(decide._BRANCHES, Kind.AUTO_REPLY, lambda _old: decide._customer),
    ),
    Mutant(
        "a bounce is ignored",
        "bounced",
        "is of our mail, and ignored",
        branch(
            decide._BRANCHES, Kind.BOUNCE, lambda _old: lambda *_: Decision("ignored", "a bounce", (), None)
        ),
    ),
    Mutant(
        "a close goes on though the warning bounced",
        "bounced",
        "auto_close_at is",
        branch(decide._BRANCHES, Kind.BOUNCE, without_effects(ChangeCase)),
    ),
    Mutant(
        "a dead address is warned",
        "no such user",
        "auto_close_stopped",
        instead(Lookup, "is_dead", False),
    ),
    Mutant(
        "a message is lost",
        "answered and silent",
        "is received",
        changed(Desk, "process", lambda _old: _lost),
    ),
    Mutant(
        "a message is placed nowhere",
        "answered and silent",
        "filed on no case",
        branch(decide._BRANCHES, Kind.HUMAN, lambda _old: lambda *_: Decision("threaded", "?", (), None)),
    ),
    Mutant(
        "a message is not on its case",
        "reopened",
        "stands 0 times",
        changed(Draft, "add_message", lambda _old: lambda *_a, **_v: None),
    ),
    Mutant(
        "an answer opens a new case",
        "reopened",
        "answers mail of case",
        changed(decide, "place", lambda _old: lambda *_: Place(None, "new")),
    ),
    Mutant(
        "mail gets the severity that it claims",
        "severities",
        "severity is",
        branch(
            effects._HANDLERS, OpenCase, lambda old: lambda run, e: old(run, replace(e, severity="critical"))
        ),
    ),
    Mutant(
        "a plan counts for nothing",
        "severities",
        "deadline_set",
        changed(Lookup, "account_by_domain", result(lambda account: account and replace(account, plan=""))),
    ),
    Mutant(
        "a lapsed subscription is taken for a running one",
        "escalated",
        "is known, not lapsed",
        instead(facts, "entitled", Entitled.KNOWN),
    ),
    Mutant("a hold holds nothing", "held", "auto_close", instead(Draft, "stop_silence")),
    Mutant(
        "a hold does not end",
        "away and held",
        "released",
        branch(due._BRANCHES, Timer.RELEASE, lambda _old: lambda _f, d: d.decision("stale", "")),
    ),
    Mutant(
        "staff's answer stays here",
        "answered and silent",
        "by its events open",
        changed(Draft, "send", unless(lambda _self, kind, *_a, **_v: kind == "staff_answer")),
    ),
    Mutant(
        "mail is never handed over",
        "answered and silent",
        "nothing gets on",
        instead(deliver.Deliverer, "run_once", 0),
    ),
    Mutant(
        "mail is handed over twice",
        "answered and silent",
        "went 2 times",
        changed(deliver.Deliverer, "_try", lambda old: lambda self, mail: (old(self, mail), old(self, mail))),
    ),
    Mutant(
        "a message waits though somebody is there",
        "answered and silent",
        "was taken up at",
        changed(jobs, "insert_new", lambda old: lambda c, new: old(c, [_later(one) for one in new])),
    ),
    Mutant(
        "an acknowledgement names another hour",
        "answered and silent",
        "acknowledgement 1 does not say",
        changed(words, "_time", lambda old: lambda at, *where: old(at + 60 * MINUTE, *where)),
    ),
    Mutant("an escalation raises nothing", "escalated", "escalated it 0 times", instead(Draft, "escalate")),
    Mutant(
        "an escalation raises twice",
        "escalated",
        "escalated it 2 times",
        changed(Draft, "escalate", lambda old: lambda *a, **v: (old(*a, **v), old(*a, **v))),
    ),
    Mutant(
        "another policy counts open deadlines anew",
        "another policy",
        "deadline_set",
        changed(command, "note", lambda _old: _renewing),
    ),
    Mutant(
        "a deadline is missed twice",
        "missed",
        "deadline_missed",
        branch(due._BRANCHES, Timer.DEADLINE, _again),
    ),
    Mutant(
        "what came due in an outage is skipped",
        "forgotten",
        "deadline_missed",
        changed(Jobs, "claim", misfire),
    ),
    Mutant("a clock that jumps skips a moment", "ahead", "deadline_missed", changed(Jobs, "claim", misfire)),
    Mutant(
        "a late answer is in time",
        "late",
        "deadline_missed: none",
        instead(Draft, "_kept", DeadlineState.MET),
    ),
    Mutant(
        "resolved closes nothing",
        "severities",
        "closed: none",
        changed(world, "policy_named", result(lambda policy: replace(policy, resolved_words=()))),
    ),
    Mutant(
        "thanks reopen a case",
        "reopened",
        "deadline_set",
        changed(world, "policy_named", result(lambda policy: replace(policy, thanks_words=()))),
    ),
    Mutant(
        "a further message has no promise",
        "reopened",
        "deadline_set",
        changed(Draft, "owe_answer", unless(lambda _self, kind, *_a, **_v: kind == "next")),
    ),
    Mutant(
        "a caller joins whatever case he names",
        "named by a caller",
        "a call of stranger was moved",
        instead(heard, "_same_customer", True),
    ),
    Mutant("a merge loses the promise", "merged", "deadline_set", instead(command, "_carry_promise")),
    Mutant(
        "a split is not acknowledged",
        "split",
        "0 acknowledgements",
        changed(command_open, "_promise", lambda _old: lambda d, _f, at: d.owe_answer(TargetKind.FIRST, at)),
    ),
    Mutant("status updates are forgotten", "updates", "status_update_due", instead(Draft, "owe_update")),
    Mutant("a duplicate is a message", "twice", "though it came before", instead(Lookup, "seen")),
    Mutant("a transcript is lost", "machine", "0 transcripts", instead(Transcripts, "put")),
    Mutant(
        "an event is not written",
        "reopened",
        "status is",
        changed(effects.Run, "record", unless(lambda _self, effect: effect.event == "staff_answered")),
    ),
    Mutant("the governor lets all through", "flood", "is one too many", instead(Lookup, "sent", Sent())),
    Mutant(
        "the governor lets nothing through",
        "answered and silent",
        "no acknowledgement to",
        instead(Lookup, "sent", Sent(to_address_day=99)),
    ),
]


def test_what_is_noticed_is_told_by_the_fewest_steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    story = written(
        "mekorma", "0 mail known; 9 note; 2: 20 mail known; 60 answer; 90 outage 30; 2: 95 upset thread"
    )
    monkeypatch.setattr(Draft, "escalate", lambda *_args, **_values: None)
    found = play(story)
    said = told(Result(story, tuple(found), 0.0, Counter()), tmp_path)
    (file,) = tmp_path.iterdir()
    assert f"python -m tests.year story {file}" in said
    short = from_lines(file.read_text().splitlines())
    assert [(step.topic, step.do) for step in short.steps] == [(2, "mail"), (2, "upset")]
    assert main(["story", str(file)]) == 1
    monkeypatch.undo()
    assert main(["story", str(file)]) == 0


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_what_is_broken_is_noticed(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert clean(mutant.story) == ()
    mutant.broken(monkeypatch)
    found = play(tale(mutant.story))
    assert any(mutant.caught in sentence for sentence in found), found
