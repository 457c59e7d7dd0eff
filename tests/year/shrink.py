"""The shortest story that still fails: drop halves, then quarters, down to single steps, while it fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

S = TypeVar("S")


def shortened(steps: Sequence[S], fails: Callable[[Sequence[S]], bool], tries: int = 150) -> list[S]:
    """A part of the failing steps that fails as well; at most `tries` parts are played."""
    story, size = list(steps), max(len(steps) // 2, 1)
    while tries > 0:
        at, smaller = 0, False
        while at < len(story) and tries > 0:
            part = story[:at] + story[at + size :]
            tries -= 1
            if part and fails(part):
                story, smaller = part, True
            else:
                at += size
        if size == 1 and not smaller:
            break
        size = size if smaller and size == 1 else max(size // 2, 1)
    return story
