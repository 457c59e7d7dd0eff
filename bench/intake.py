"""Messages a second of the SMTP path up to the commit, against aiosmtpd's stock DATA loop in the same run.

Both store in one fresh SQLite file through the same group-committing writer, from the same senders in
the same process, in turns; the ratio is the figure to keep, for the rates move with the machine's load.
Run: python -m bench.intake [--messages 2000] [--senders 16] [--size 20000]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP

from mailbridge.intake.accept import Accept
from mailbridge.intake.server import Listen, Receiver
from mailbridge.intake.smtp import SmtpConnection
from mailbridge.store import migrate
from mailbridge.store.engine import Store
from mailbridge.store.writer import Writer


class StockConnection(SmtpConnection):
    """The same server with aiosmtpd's own line-by-line DATA."""

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        await SMTP.smtp_DATA(self, arg)


class StockReceiver(Receiver):
    """Commits in handle_DATA, as aiosmtpd means it."""

    def _connection(self) -> SmtpConnection:
        async def handle_data(server: StockConnection, _session: object, _envelope: object) -> str:
            return await server._store(server._mail().content, lambda: None)  # type: ignore[arg-type]

        self.hooks.handle_DATA = handle_data  # type: ignore[attr-defined]
        return StockConnection(self)


async def send(port: int, count: int, body: bytes, name: int) -> None:
    """One sender: one connection, count messages."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def say(line: bytes) -> bytes:
        writer.write(line)
        while (answer := await reader.readline())[3:4] == b"-":
            pass
        assert answer[:1] in b"23", answer
        return answer

    await reader.readline()
    await say(b"EHLO bench\r\n")
    for number in range(count):
        await say(b"MAIL FROM:<a@b.example>\r\n")
        await say(b"RCPT TO:<support@desk.example>\r\n")
        await say(b"DATA\r\n")
        await say(f"Subject: {name} {number}\r\n\r\n".encode() + body + b"\r\n.\r\n")
    await say(b"QUIT\r\n")
    writer.close()


async def run(kind: type[Receiver], messages: int, senders: int, body: bytes) -> tuple[float, float]:
    """Messages a second, and CPU seconds a message, of one round."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder)}/bench.db")
        migrate.upgrade(store)
        writer = Writer(store)
        receiver = kind(writer, Accept.of(["support@desk.example"]))
        await receiver.start([Listen("127.0.0.1", 0)])
        port, each = receiver.addresses[0][1], messages // senders
        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(send(port, each, body, name) for name in range(senders)))
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        await receiver.close(1)
        writer.close()
        store.close()
    return each * senders / took, cpu / (each * senders)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--senders", type=int, default=16)
    parser.add_argument("--size", type=int, default=20_000, help="octets of a message")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    body = (b"x" * 74 + b"\r\n") * (given.size // 76)
    results: dict[str, list[tuple[float, float]]] = {"bulk": [], "stock": []}
    for _ in range(given.rounds):
        for name, kind in (("bulk", Receiver), ("stock", StockReceiver)):
            results[name].append(asyncio.run(run(kind, given.messages, given.senders, body)))
    middle = {name: statistics.median(rate for rate, _ in rows) for name, rows in results.items()}
    for name, rows in results.items():
        cpu_ms = statistics.median(cpu for _, cpu in rows) * 1000
        print(f"{name}: {middle[name]:.0f} messages/s, {cpu_ms:.2f} ms CPU a message, sender included")
    print(f"ratio: {middle['bulk'] / middle['stock']:.2f}")


if __name__ == "__main__":
    main()
