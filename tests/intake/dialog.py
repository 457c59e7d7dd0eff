"""Runs a dialog script against a real Receiver on loopback.

A script is a text file, read line by line:
    # why this dialog is here
    limits: size_bytes=100 errors=2     bounds of the server (mailbridge.intake.limits.Limits)
    server: lmtp tls logins             what it is and has
    C: EHLO there                       send a line with CRLF
    C> \\r\\n.\\n                         send these octets, escapes decoded, nothing added
    C* 2000 x                           send the octets so many times
    S: 250 2.0.0 *                      the next line must match (shell pattern)
    S+ 250                              a whole reply must have this code
    closed / eof / tls                  the server has closed; half-close; start TLS
    store: fail StoreFull secret        the store fails so / hold / go / works
    shutdown / finished                 begin to close the server; it has closed
    stored: 1                           so many messages are in the store
    raw: Subject: x\\r\\n                 the last of them has exactly these octets
    envelope: mail_from=a@b rcpt_to=c   the last envelope has these fields
"""

from __future__ import annotations

import asyncio
import fnmatch
import re
import ssl
from pathlib import Path
from typing import Any

from mailbridge import errors
from mailbridge.intake.accept import Accept
from mailbridge.intake.limits import Limits
from mailbridge.intake.server import Listen, Receiver
from mailbridge.intake.tls import Certificate
from mailbridge.model.envelope import Way
from tests.intake.fakes import MemoryStore

ACCEPT = Accept.of(["support@desk.example", "supportescalation@desk.example", "hilfe@büro.example"])
WAIT_S = 10.0


def octets(text: str) -> bytes:
    """The escapes of a script line decoded."""
    return text.encode().decode("unicode_escape").encode("latin-1")


class Dialog:
    """One run of one script."""

    def __init__(self, script: Path, certificate: Certificate | None, trust: ssl.SSLContext | None) -> None:
        self._lines = script.read_text(encoding="utf-8").splitlines()
        self._certificate = certificate
        self._trust = trust
        self._store = MemoryStore()
        self._closing: asyncio.Task[None] | None = None

    async def run(self) -> None:
        server, limits = self._settings()
        self._receiver = Receiver(
            self._store,
            ACCEPT,
            limits=Limits(**limits),
            hostname="mx.desk.example",
            certificate=self._certificate if "tls" in server else None,
            logins=(lambda user, password: (user, password) == ("ann", "geheim"))
            if "logins" in server
            else None,
            way=Way.LMTP if "lmtp" in server else Way.SMTP,
        )
        await self._receiver.start([Listen("127.0.0.1", 0)])
        self._reader, self._writer = await asyncio.open_connection(*self._receiver.addresses[0])
        try:
            for number, line in enumerate(self._lines, 1):
                try:
                    await asyncio.wait_for(self._step(line), WAIT_S)
                except Exception as error:
                    raise AssertionError(f"line {number}: {line}\n{type(error).__name__}: {error}") from error
        finally:
            self._writer.close()
            await self._receiver.close(0)

    def _settings(self) -> tuple[set[str], dict[str, Any]]:
        server: set[str] = set()
        limits: dict[str, Any] = {}
        for line in self._lines:
            if line.startswith("server: "):
                server |= set(line.split()[1:])
            if line.startswith("limits: "):
                pairs = (word.split("=") for word in line.split()[1:])
                limits |= {key: float(value) if "_s" in key[-2:] else int(value) for key, value in pairs}
        return server, limits

    async def _step(self, line: str) -> None:
        if not line.strip() or line.startswith(("#", "limits: ", "server: ")):
            return
        word, _, rest = line.partition(" ")
        steps = {"C:": self._send, "C>": self._send_raw, "C*": self._send_many, "S:": self._line}
        steps |= {"S+": self._reply, "store:": self._set_store, "stored:": self._count, "raw:": self._raw}
        steps |= {"closed": self._closed, "eof": self._eof, "tls": self._tls, "envelope:": self._envelope}
        steps |= {"shutdown": self._shutdown, "finished": self._finished}
        await steps[word](rest)

    async def _send(self, text: str) -> None:
        self._writer.write(text.encode() + b"\r\n")
        await self._writer.drain()

    async def _send_raw(self, text: str) -> None:
        self._writer.write(octets(text))
        await self._writer.drain()

    async def _send_many(self, text: str) -> None:
        count, _, what = text.partition(" ")
        self._writer.write(octets(what) * int(count))
        await self._writer.drain()

    async def _line(self, pattern: str) -> str:
        line = (await self._reader.readuntil(b"\r\n"))[:-2].decode()
        assert fnmatch.fnmatchcase(line, pattern.strip()), f"got {line!r}"
        return line

    async def _reply(self, code: str) -> None:
        while not re.match(r"\d{3} ", await self._line(f"{code}*")):
            pass

    async def _closed(self, _: str) -> None:
        rest = await self._reader.read()
        assert rest == b"", f"got {rest!r}"

    async def _eof(self, _: str) -> None:
        self._writer.write_eof()

    async def _tls(self, _: str) -> None:
        await self._writer.start_tls(self._trust or ssl.create_default_context(), server_hostname="localhost")

    async def _set_store(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        if word == "fail":
            name, _, message = rest.partition(" ")
            self._store.fail = getattr(errors, name, RuntimeError)(message)
        elif word == "works":
            self._store.fail = None
        elif word == "submitted":
            while self._store.submitted < int(rest):
                await asyncio.sleep(0)
        else:
            getattr(self._store, word)()

    async def _count(self, number: str) -> None:
        while len(self._store.items) < int(number):
            await asyncio.sleep(0)
        assert len(self._store.items) == int(number)

    async def _raw(self, text: str) -> None:
        assert self._store.items[-1][1] == octets(text), repr(self._store.items[-1][1])

    async def _envelope(self, text: str) -> None:
        envelope = self._store.items[-1][0]
        for pair in text.split():
            key, _, wanted = pair.partition("=")
            value = getattr(envelope, key)
            assert (",".join(value) if isinstance(value, tuple) else str(value)) == wanted, (
                f"{key} is {value!r}"
            )

    async def _shutdown(self, _: str) -> None:
        self._closing = asyncio.create_task(self._receiver.close(WAIT_S))
        await asyncio.sleep(0)

    async def _finished(self, _: str) -> None:
        assert self._closing is not None
        await self._closing
