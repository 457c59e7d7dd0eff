"""When to try again to hand over an outgoing mail: minutes first, then hours, then give up after days.

Pure: the jitter comes from a seed (say, the Message-ID), so the same attempt always waits equally long, and a
thousand mails that failed together do not come back together. RFC 5321 section 4.5.4.1 asks for at least 30
minutes on average and for 4-5 days before giving up; the relay is ours and near, so the first tries are
sooner.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

GIVE_UP = timedelta(days=5)
_FIRST_MINUTES = (1, 2, 5, 10, 20, 30, 60, 60, 120)
_THEN_MINUTES = 240
_JITTER = 0.1  # a tenth to either side
_MOST_ATTEMPTS = 10_000  # a bound on the sum below, far beyond any give_up


def retry_delay(attempt: int, seed: str = "", give_up: timedelta = GIVE_UP) -> timedelta | None:
    """How long to wait after attempt number `attempt` (from 1) failed for now; None: give up.

    give_up bounds the sum of all (unjittered) waits. An attempt below 1 counts as the first.
    """
    attempt = max(attempt, 1)
    if attempt > _MOST_ATTEMPTS or _waited(attempt) > give_up:
        return None
    return _nominal(attempt) * (1 + _JITTER * (2 * _fraction(f"{seed}#{attempt}") - 1))


def _nominal(attempt: int) -> timedelta:
    minutes = _FIRST_MINUTES[attempt - 1] if attempt <= len(_FIRST_MINUTES) else _THEN_MINUTES
    return timedelta(minutes=minutes)


def _waited(attempt: int) -> timedelta:
    """Sum of the unjittered waits after attempts 1 to attempt."""
    later = max(attempt - len(_FIRST_MINUTES), 0)
    return timedelta(minutes=sum(_FIRST_MINUTES[:attempt]) + later * _THEN_MINUTES)


def _fraction(seed: str) -> float:
    """A steady number in [0, 1) made of seed."""
    digest = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
