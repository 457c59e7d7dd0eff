"""Bounds of what one message may cost to understand.

Everything is checked on bytes, before a parser sees them: the header block, the number and size of fields,
addresses, nesting, parts. A message over a limit is cut and says so in its defects; it is never refused here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a message is read. Sizes in bytes, the rest are counts.

    The figures are several times what real mail needs (a Received chain is 20 KB, a big Cc 30 KB) and far
    below what made parsers of others take seconds.
    """

    header_bytes: int = 256 * 1024
    part_header_bytes: int = 32 * 1024
    fields: int = 1000
    field_bytes: int = 64 * 1024
    structured_bytes: int = 8 * 1024  # Content-Type and its like: parameter parsers are quadratic
    addresses: int = 1000
    references: int = 200
    nesting: int = 30
    parts: int = 500
    text_bytes: int = 2 * 1024 * 1024  # of readable text decoded, all parts together
    attachment_bytes: int = 256 * 1024 * 1024  # decoded, all parts together
    expanded_parts: int = 100  # out of winmail.dat and uuencode
    embedded_bytes: int = 16 * 1024 * 1024  # decoded size of one container that is looked into


DEFAULTS = Limits()
