"""A Receiver in a thread with a loop of its own, for tests that speak to it from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mailbridge.intake.server import Listen, Receiver


@contextmanager
def receiving(receiver: Receiver, listen: Listen | None = None) -> Iterator[Receiver]:
    """Serve until the block ends; receiver.addresses tells where."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    place = listen or Listen("127.0.0.1", 0)
    try:
        asyncio.run_coroutine_threadsafe(receiver.start([place]), loop).result(10)
        yield receiver
        asyncio.run_coroutine_threadsafe(receiver.close(5), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
