"""One peer may not take all connections: it is told 421 and comes again, others are not held up."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from mailbridge.intake.limits import Limits
from mailbridge.intake.server import Listen, Receiver
from tests.intake.dialog import ACCEPT
from tests.intake.fakes import MemoryStore

WAIT_S = 10.0


async def _greeting(
    receiver: Receiver, source: str, stack: AsyncExitStack
) -> tuple[bytes, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*receiver.addresses[0], local_addr=(source, 0))
    stack.callback(writer.close)
    return await asyncio.wait_for(reader.readline(), WAIT_S), writer


async def _crowd(limits: Limits, sources: list[str]) -> list[bytes]:
    """The greetings of one connection from each of these addresses, all of them kept open."""
    receiver = Receiver(MemoryStore(), ACCEPT, limits=limits, hostname="mx.desk.example")
    await receiver.start([Listen("127.0.0.1", 0)])
    try:
        async with AsyncExitStack() as stack:
            return [(await _greeting(receiver, source, stack))[0][:3] for source in sources]
    finally:
        await receiver.close(0)


@pytest.mark.parametrize(
    ("limits", "sources", "codes"),
    [
        (Limits(connections_per_peer=2), ["127.0.0.1"] * 3 + ["127.0.0.2"], [b"220", b"220", b"421", b"220"]),
        (Limits(connections=2), ["127.0.0.1", "127.0.0.2", "127.0.0.3"], [b"220", b"220", b"421"]),
    ],
)
def test_who_is_one_too_many_is_told_to_come_again(
    limits: Limits, sources: list[str], codes: list[bytes]
) -> None:
    assert asyncio.run(_crowd(limits, sources)) == codes


def test_a_place_that_is_given_back_is_free_again() -> None:
    async def run() -> None:
        receiver = Receiver(
            MemoryStore(), ACCEPT, limits=Limits(connections_per_peer=1), hostname="mx.desk.example"
        )
        await receiver.start([Listen("127.0.0.1", 0)])
        try:
            async with AsyncExitStack() as stack:
                for _ in range(20):
                    greeting, writer = await _greeting(receiver, "127.0.0.1", stack)
                    assert greeting.startswith(b"220")
                    assert (await _greeting(receiver, "127.0.0.1", stack))[0].startswith(b"421 4.7.0")
                    writer.write(b"QUIT\r\n")
                    await writer.drain()
                    while receiver.gate.connections:
                        await asyncio.sleep(0)
        finally:
            await receiver.close(0)

    asyncio.run(asyncio.wait_for(run(), WAIT_S * 3))
