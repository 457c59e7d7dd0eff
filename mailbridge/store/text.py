"""Text as both databases take it. Promises a string that can be bound; fails never."""

from __future__ import annotations


def clean(text: str) -> str:
    """text without NUL, and with lone surrogates spelled out (\\udc80): PostgreSQL refuses the one, every
    driver the other."""
    return text.replace("\x00", "").encode("utf-8", "backslashreplace").decode("utf-8")
