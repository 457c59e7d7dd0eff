# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""Any bytes, mutated messages and the shapes that made other parsers slow: read in time, never an exception."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailbridge.mail.limits import Limits
from mailbridge.mail.parse import parse
from mailbridge.policy.classify import classify
from tests.fuzz.targets import understood
from tests.mail.make import ENVELOPE, REPLY, SITE, raw, with_audio
from tests.mail.test_bounce import report

KIND, BODY = with_audio("Length: 0:12")
SEEDS = (
    raw(f"{REPLY}Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n{KIND}", BODY),
    report("Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1"),
    raw(f"{REPLY}Subject: x\nContent-Type: text/html; charset=gb2312", "<p>hello</p>"),
    raw(f"{REPLY}Subject: x", "begin 644 a.txt\n#0V%T\n`\nend"),
)
FAST = settings(max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.too_slow])


@FAST
@given(st.binary(max_size=4000))
@example(b"")
@example(b"\0")
@example(b"\r")
@example(b"From: \xff\nContent-Type: text/plain; charset=utf-7\n\n+AAA")
@example(b"Content-Disposition: attachment; filename*" + b"9" * 5000 + b"=a\n\nx")
def test_any_bytes(data: bytes) -> None:
    understood(data)


@FAST
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 40), st.binary(max_size=30)), max_size=6),
)
def test_mutated_messages(seed: bytes, changes: list[tuple[int, int, bytes]]) -> None:
    data = seed
    for place, length, new in changes:
        at = place % (len(data) + 1)
        data = data[:at] + new + data[at + length :]
    understood(data)


MEGA = 300_000
HEAD = b"From: a@b.example\nSubject: x\n"
SHAPES = {
    "empty lines": b"\n" * MEGA,
    "one long fold": HEAD + b" x\n" * (MEGA // 3),
    "fields": b"a:\n" * (MEGA // 3),
    "addresses": b"To: " + b'"a, b" <a@b.example>, ' * 20000 + b"\n\n",
    "encoded words": b"Subject: " + b"=?utf-8?q?a?= " * 30000 + b"\n\n",
    "openings of words": b"Subject: " + b"=?utf-8?q?" * 30000 + b"\n\n",
    "comments": b"From: " + b"(" * 9000 + b"\n\n",
    "nesting": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(3000)
    ),
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 40000,
    "messages in messages": b"Content-Type: message/rfc822\n\n" * 9000,
    "parameters": b"Content-Type: text/plain; " + b"".join(b"n*%d=a; " % i for i in range(6000)) + b"\n\n",
    "armour": HEAD + b"\n" + b"-----BEGIN PGP SIGNED MESSAGE-----\n" * 8000,
    "uuencode": HEAD + b"\n" + b"begin 644 x\n" * 25000,
    "winmail": HEAD
    + b"Content-Type: application/ms-tnef\n\n\x78\x9f\x3e\x22\x01\x00"
    + b"\x01\x00\x80\x01\x00\0\0\0\0\0\0" * 27000,
    "signed octets": HEAD
    + b"Content-Type: application/pkcs7-mime\n\n"
    + bytes.fromhex("06092a864886f70d01070206092a864886f70d010701a080")
    + b"\x24\x80" * 100000,
    "dashes of a bounce": b"From: mailer-daemon@x.example\n\n" + b"-" * MEGA,
    "stray bytes": HEAD + b"Content-Type: text/plain; charset=utf-8\n\n" + b"\xc3\xa4\xff" * (MEGA // 3),
    "recipients": report("Final-Recipient: rfc822; a@b.example\nAction: failed\n\n" * 5000),
}


@pytest.mark.parametrize("name", SHAPES)
def test_hostile_shapes_are_bounded(name: str) -> None:
    start = time.process_time()
    message = parse(SHAPES[name])
    classify(message, ENVELOPE, SITE)
    assert time.process_time() - start < 2.0
    assert not any(defect.startswith("beyond reading") for defect in message.defects)


def test_limits_are_kept_and_told() -> None:
    message = parse(SHAPES["parts"], Limits(parts=20))
    assert "too many parts" in message.defects
    assert len(parse(SHAPES["fields"]).headers.fields) <= 1000
    assert len(parse(SHAPES["addresses"]).to) <= 1000
