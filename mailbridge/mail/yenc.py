"""yEnc in the body of a message: files that news readers write between "=ybegin" and "=yend" (yEnc 1.3).

Promises: linear, never raises; what has no end, or another size than it says, stays in the text.
"""

from __future__ import annotations

import re
from typing import Final

from mailbridge.mail.charset import decode
from mailbridge.mail.containers import Found
from mailbridge.mail.limits import DEFAULTS, Limits

_BEGIN: Final = re.compile(
    rb"^=ybegin (?=[^\r\n]{0,200}\bsize=(\d{1,12}))[^\r\n]{0,200}?\bname=([^\r\n]{1,255})\r?\n", re.M
)
_END: Final = re.compile(rb"\r?\n=yend[^\r\n]{0,300}(?:\r?\n|\Z)")
_PART: Final = re.compile(rb"=ypart [^\r\n]{0,200}\r?\n")
_PLAIN: Final = bytes((byte - 42) & 255 for byte in range(256))
_ESCAPED: Final = re.compile(rb"=(.)", re.S)


def split_yenc(text: bytes, limits: Limits = DEFAULTS) -> tuple[bytes, tuple[Found, ...]]:
    """The text without its yEnc files, and the files."""
    if b"=ybegin" not in text:
        return text, ()
    kept: list[bytes] = []
    found: list[Found] = []
    position = 0
    for start in _BEGIN.finditer(text):
        if start.start() < position or len(found) >= limits.expanded_parts:
            continue
        end = _END.search(text, start.end() - 1)
        if end is None:
            break
        data = _decoded(text[start.end() : end.start()])
        if len(data) != int(start[1]):
            continue
        kept.append(text[position : start.start()])
        found.append(Found(decode(start[2].strip())[0], data))
        position = end.end()
    kept.append(text[position:])
    return b"".join(kept), tuple(found)


def _decoded(body: bytes) -> bytes:
    body = _PART.sub(b"", body, count=1) if body.startswith(b"=ypart ") else body
    body = body.replace(b"\r", b"").replace(b"\n", b"")
    return _ESCAPED.sub(lambda hit: bytes([(hit[1][0] - 64) & 255]), body).translate(_PLAIN)
