"""Retry: minutes first, then hours, gone after five days, spread by a seed."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailbridge.policy.backoff import GIVE_UP, retry_delay


def _delays(seed: str = "", give_up: timedelta = GIVE_UP) -> list[timedelta]:
    delays: list[timedelta] = []
    while (delay := retry_delay(len(delays) + 1, seed, give_up)) is not None:
        delays.append(delay)
    return delays


def test_minutes_first_then_hours_then_five_days() -> None:
    delays = _delays("a")
    assert delays[0] < timedelta(minutes=1.2)
    assert delays[3] < timedelta(minutes=11.1)
    assert timedelta(hours=3.5) < delays[-1] < timedelta(hours=4.5)
    assert timedelta(days=4.5) < sum(delays, timedelta()) < timedelta(days=5.5)


@given(st.text(max_size=40), st.integers(1, 40))
def test_jitter_is_steady_and_a_tenth(seed: str, attempt: int) -> None:
    delay, plain = retry_delay(attempt, seed), retry_delay(attempt, "other")
    assert delay == retry_delay(attempt, seed)
    if delay is not None:
        assert plain is not None
        assert 0.8 < delay / plain < 1.25


def test_thousands_do_not_come_back_together() -> None:
    assert len({retry_delay(1, str(number)) for number in range(1000)}) > 990


def test_the_ends() -> None:
    assert retry_delay(0) == retry_delay(1)
    assert retry_delay(10**12) is None
    assert _delays(give_up=timedelta(minutes=10))[2:] == [retry_delay(3)]
    assert retry_delay(1, give_up=timedelta(0)) is None
