"""The bulk reader: the same message whatever the chunk edges, checked against reading line by line."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mailbridge.intake.data import DataBuffer, Fault, count_received

OCTETS = st.lists(st.sampled_from([b"\r\n", b".", b"\n", b"\r", b"x", b"\x00", b"\xff"]), max_size=40).map(
    b"".join
)


def by_lines(stream: bytes) -> tuple[bytes, bytes]:
    """RFC 5321 section 4.5.2, word for word: message and what follows."""
    message, rest = b"", stream
    while True:
        line, crlf, rest = rest.partition(b"\r\n")
        assert crlf
        if line == b".":
            return message, rest
        message += (line[1:] if line.startswith(b".") else line) + crlf


@given(OCTETS, OCTETS, st.lists(st.integers(0, 60), max_size=6))
def test_chunk_edges_do_not_matter(text: bytes, after: bytes, cuts: list[int]) -> None:
    stream = text + b"\r\n.\r\n" + after
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    buffer = DataBuffer(10_000, 10_000)
    rest, consumed = None, 0
    for start, end in pairwise(edges):
        rest, consumed = buffer.feed(stream[start:end]), end
        if rest is not None:
            break
    assert (buffer.content(), (rest or b"") + stream[consumed:]) == by_lines(stream)
    assert buffer.fault is None


@given(OCTETS, st.integers(1, 5))
def test_a_dropped_message_still_finds_its_end(text: bytes, step: int) -> None:
    stream = text + b"\r\n.\r\n"
    buffer = DataBuffer(0, 10_000)
    for start in range(0, len(stream), step):
        rest = buffer.feed(stream[start : start + step])
        buffer.give_up(Fault.NO_ROOM)
        if rest is not None:
            assert rest + stream[start + step :] == by_lines(stream)[1]
            return
    raise AssertionError("no end found")


def test_a_dropped_message_takes_no_room() -> None:
    buffer = DataBuffer(1000, 10_000_000)
    for _ in range(100):
        assert buffer.feed(b"x" * 1000) is None
    assert buffer.fault is Fault.TOO_BIG
    assert len(buffer._kept) < 10


def test_received_fields_are_counted_in_the_header_only() -> None:
    assert (
        count_received(b"RECEIVED: x\r\nSubject: Received: y\r\nReceived : z\r\n\r\nReceived: body\r\n") == 2
    )
    assert count_received(b"Received: x\nReceived: y") == 2
    assert count_received(b"") == 0
