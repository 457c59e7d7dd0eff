"""A server of recordings on loopback, with a certificate of its own, and a fetcher that is led to it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from mailbridge.work.fetch import Fetcher

HOST = "voice.example"
HERE = "127.0.0.1"
LINK = f"https://{HOST}/vm/msg0001.wav"

Answer = Callable[["Handler"], None]
"""What the server does for a path."""


class Handler(BaseHTTPRequestHandler):
    """Answers by the table of its server, and notes what it was asked."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self)
        self.server.answers.get(self.path, status(404))(self)

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    """answers: what is done for a path. asked: the requests that came. stop: for answers that take long."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HERE, 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[Handler] = []
        self.stop = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client went away, as it should."""


@dataclass
class Provider:
    """The server, who trusts it, and what was resolved."""

    server: Server
    trust: ssl.SSLContext
    resolved: list[str] = field(default_factory=list)

    def resolve(self, host: str) -> list[str]:
        self.resolved.append(host)
        return ["10.0.0.1"] if host.startswith("inner.") else [HERE]

    def fetcher(self, max_bytes: int = 1 << 20, **more: Any) -> Fetcher:
        """A fetcher for which this machine is the internet."""
        given: dict[str, Any] = {
            "trust": self.trust,
            "resolver": self.resolve,
            "allowed": lambda address: address == HERE,
            "port": self.server.server_port,
            "total_s": 20.0,
        }
        return Fetcher(max_bytes, **given | more)


@contextmanager
def provider(name: str = HOST) -> Iterator[Provider]:
    """The server with a certificate for this name."""
    authority = trustme.CA()
    server = Server()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Provider(server, trust)
    finally:
        server.stop.set()
        server.shutdown()
        thread.join()
        server.server_close()


def status(code: int, **headers: str) -> Answer:
    """Only a status, and headers."""

    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def gives(data: bytes, kind: str = "audio/x-wav", length: int | None = -1) -> Answer:
    """These bytes. length: another one than the right one, or None for none at all."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        if length is not None:
            handler.send_header("Content-Length", str(len(data) if length < 0 else length))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def drips(head: bytes) -> Answer:
    """A byte now and then, for ever."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(head)
        while not handler.server.stop.wait(0.05):
            handler.wfile.write(b"x")

    return answer


def says(words: bytes) -> Answer:
    """Raw bytes in place of an answer."""
    return lambda handler: handler.wfile.write(words) and None
