"""Frames over a pipe: a JSON head and a body of bytes, never a pickle (a hostile recording must not become
code).

A frame is 4 bytes of head length (big-endian), the head, and as many bytes as its "size" says. Channel is the
parent's end, with a deadline on every byte; read_frame and write_frame are the child's, which may block. How
it fails: TimeoutError past the deadline, EOFError when the other side is gone.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time
from typing import Any, BinaryIO

Head = dict[str, Any]
_LENGTH = struct.Struct(">I")
_MOST_HEAD = 64 * 1024 * 1024  # an hour of words is 4 MB
_PIECE = 1 << 16


def frame(head: Head, body: bytes = b"") -> bytes:
    """The bytes of one frame up to its body, which follows unchanged."""
    raw = json.dumps({**head, "size": len(body)}).encode()
    return _LENGTH.pack(len(raw)) + raw


def read_frame(source: BinaryIO) -> tuple[Head, bytes] | None:
    """Block for the next frame; None at the end."""
    length = source.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    head: Head = json.loads(source.read(_LENGTH.unpack(length)[0]))
    return head, source.read(int(head["size"]))


def write_frame(sink: BinaryIO, head: Head) -> None:
    """Write one frame without body."""
    sink.write(frame(head))
    sink.flush()


class Channel:
    """Both pipes of a child process, never blocking longer than a deadline (of time.monotonic)."""

    def __init__(self, to_child: int, from_child: int) -> None:
        self._out, self._in = to_child, from_child
        os.set_blocking(to_child, False)
        os.set_blocking(from_child, False)

    def send(self, head: Head, body: bytes, deadline: float) -> None:
        """Hand over a frame. A child that stopped reading is a TimeoutError, one that died an EOFError."""
        for part in (frame(head, body), body):
            left = memoryview(part)
            while left:
                self._wait(self._out, select.POLLOUT, deadline)
                try:
                    left = left[os.write(self._out, left[:_PIECE]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError as error:
                    raise EOFError("the child is gone") from error

    def receive(self, deadline: float) -> Head:
        """The child's next head."""
        length = _LENGTH.unpack(self._read(_LENGTH.size, deadline))[0]
        if length > _MOST_HEAD:
            raise EOFError("the child writes nonsense")
        head: Head = json.loads(self._read(length, deadline))
        return head

    def _read(self, size: int, deadline: float) -> bytes:
        got = bytearray()
        while len(got) < size:
            self._wait(self._in, select.POLLIN, deadline)
            try:
                piece = os.read(self._in, min(_PIECE, size - len(got)))
            except BlockingIOError:
                continue
            if not piece:
                raise EOFError("the child is gone")
            got += piece
        return bytes(got)

    def _wait(self, fd: int, event: int, deadline: float) -> None:
        poll = select.poll()  # not select(): a daemon has more than 1024 descriptors open
        poll.register(fd, event)
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(max(1, int(left * 1000))):
            raise TimeoutError("the child did not answer in time")
