"""The relay client against a real server: what each reply, refusal and loss makes of a recipient."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from mailbridge.errors import Unavailable
from mailbridge.outgoing.relay import Outcome, Relay, _relay_id
from mailbridge.outgoing.session import RelaySettings, Tls

RAW = b"From: s@desk.example\r\nTo: jo@customer.example\r\nSubject: x\r\n\r\nHello\r\n.\r\n..dots\r\n"
SENDER, JO = "support@desk.example", "jo@customer.example"


class Handler:
    """Answers as told by the local part: r451@, r550@ ... at RCPT; d554@ at the end of DATA."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.sender_reply = ""
        self.connections = 0

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.sender_reply:
            return self.sender_reply
        envelope.mail_from = address
        envelope.mail_options = options
        return "250 OK"

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        local = address.partition("@")[0]
        if local.startswith("r") and local[1:].isdigit():
            return f"{local[1:]} 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        local = envelope.rcpt_tos[0].partition("@")[0]
        if local == "drop":
            server.transport.abort()
            return "250 never seen"
        if local.startswith("d") and local[1:].isdigit():
            return f"{local[1:]} 5.7.1 refused by content"
        self.mails.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 Ok: queued as 4XyZ9"


class Server:
    """An aiosmtpd server on loopback, in a thread and an event loop of its own."""

    def __init__(self, tls: ssl.SSLContext | None = None, **options: Any) -> None:
        self.handler = Handler()
        self._options = options
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(lambda _loop, _context: None)  # lost connections are the point here
        server = self._loop.run_until_complete(
            self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=self._tls)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(asyncio.gather(*self._cancelled(), return_exceptions=True))
        self._loop.close()

    def _protocol(self) -> SMTP:
        self.handler.connections += 1
        return SMTP(self.handler, hostname="relay.example", loop=self._loop, **self._options)

    def _cancelled(self) -> list[asyncio.Task[Any]]:
        tasks = list(asyncio.all_tasks(self._loop))
        for task in tasks:
            task.cancel()
        return tasks

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Server]:
    server = Server(tls, **options)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(enable_SMTPUTF8=True) as one:
        yield one


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def _ca(authority: trustme.CA, folder: Path) -> str:
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return str(file)


def _settings(port: int, **more: Any) -> RelaySettings:
    return RelaySettings(
        **({"host": "127.0.0.1", "port": port, "timeout_s": 10.0, "hostname": "desk.example"} | more)
    )


def test_accepted_with_the_id_that_the_relay_gives(server: Server) -> None:
    with Relay(_settings(server.port)) as relay:
        delivery = relay.deliver(SENDER, [JO, "al@customer.example"], RAW)
    assert delivery.accepted == (JO, "al@customer.example")
    assert (delivery.relay_response, delivery.relay_id) == ("2.0.0 Ok: queued as 4XyZ9", "4XyZ9")
    assert server.handler.mails == [(SENDER, [JO, "al@customer.example"], RAW)]


def test_the_null_sender(server: Server) -> None:
    with Relay(_settings(server.port)) as relay:
        assert relay.deliver("", [JO], RAW).accepted == (JO,)
    assert server.handler.mails[0][0] in ("", "<>")


def test_one_connection_for_a_batch(server: Server) -> None:
    with Relay(_settings(server.port)) as relay:
        for _ in range(5):
            assert relay.deliver(SENDER, [JO], RAW).accepted
            assert not relay.deliver(SENDER, ["r550@x.example"], RAW).accepted
    assert server.handler.connections == 1
    assert len(server.handler.mails) == 5


@pytest.mark.parametrize(
    ("recipient", "outcome", "code"),
    [
        ("r450@x.example", Outcome.TEMPORARY, 450),
        ("r451@x.example", Outcome.TEMPORARY, 451),
        ("r550@x.example", Outcome.PERMANENT, 550),
        ("r553@x.example", Outcome.PERMANENT, 553),
        ("r552@x.example", Outcome.TEMPORARY, 552),  # too many recipients, RFC 5321 section 4.5.3.1.10
        ("r503@x.example", Outcome.TEMPORARY, 503),  # our own fault, not the recipient's
        ("r530@x.example", Outcome.TEMPORARY, 530),
        ("r999@x.example", Outcome.TEMPORARY, 999),
        ("no address", Outcome.PERMANENT, 0),
    ],
)
def test_each_recipient_has_an_answer_of_its_own(
    server: Server, recipient: str, outcome: Outcome, code: int
) -> None:
    with Relay(_settings(server.port)) as relay:
        delivery = relay.deliver(SENDER, [recipient, JO], RAW)
        assert delivery.accepted == (JO,)
        refused = next(one for one in delivery.recipients if one.address == recipient)
        assert (refused.outcome, refused.code) == (outcome, code)
        assert server.handler.mails[-1][1] == [JO]
        alone = relay.deliver(SENDER, [recipient], RAW)
        assert [one.outcome for one in alone.recipients] == [outcome]
    assert len(server.handler.mails) == 1


def test_a_421_ends_the_connection_and_the_next_mail_opens_one(server: Server) -> None:
    with Relay(_settings(server.port)) as relay:
        assert relay.deliver(SENDER, ["r421@x.example", JO], RAW).temporary == ("r421@x.example", JO)
        assert relay.deliver(SENDER, [JO], RAW).accepted == (JO,)
    assert server.handler.connections == 2


@pytest.mark.parametrize(
    ("code", "outcome"), [(451, Outcome.TEMPORARY), (554, Outcome.PERMANENT), (552, Outcome.PERMANENT)]
)
def test_the_reply_to_the_final_dot(server: Server, code: int, outcome: Outcome) -> None:
    recipient = f"d{code}@x.example"
    with Relay(_settings(server.port)) as relay:
        delivery = relay.deliver(SENDER, [recipient], RAW)
        assert [(one.outcome, one.code) for one in delivery.recipients] == [(outcome, code)]
        assert delivery.relay_id == ""
        assert "refused by content" in delivery.recipients[0].text
        assert relay.deliver(SENDER, [JO], RAW).accepted


def test_a_connection_lost_at_the_final_dot_is_temporary(server: Server) -> None:
    """Whether the relay has it, nobody knows: the second try is the same mail with the same Message-ID."""
    with Relay(_settings(server.port)) as relay:
        assert relay.deliver(SENDER, ["drop@x.example"], RAW).temporary == ("drop@x.example",)
        assert relay.deliver(SENDER, [JO], RAW).accepted == (JO,)


@pytest.mark.parametrize(
    "reply", ["550 5.7.1 not you", "553 no null sender", "554 no", "530 5.7.0 log in first", "451 later"]
)
def test_a_refused_sender_says_nothing_of_the_mail(server: Server, reply: str) -> None:
    server.handler.sender_reply = reply
    with Relay(_settings(server.port)) as relay:
        delivery = relay.deliver("", [JO], RAW)
    assert delivery.temporary == (JO,)
    assert delivery.sender_refused is (reply[:3] in ("550", "553", "554"))
    assert delivery.recipients[0].code == int(reply[:3])


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = _settings(free.getsockname()[1])
        with Relay(settings) as relay:
            delivery = relay.deliver(SENDER, [JO], RAW)
            assert delivery.temporary == (JO,)
            assert delivery.recipients[0].text
            with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
                relay.check()


def test_a_silent_server_times_out() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Relay(_settings(silent.getsockname()[1], timeout_s=0.2)) as relay,
    ):
        delivery = relay.deliver(SENDER, [JO], RAW)
    assert delivery.temporary == (JO,)
    assert delivery.recipients[0].text.endswith(": no answer in time")


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"554 5.3.2 no service\r\n",
        b"\xff\xfe\x00\r\n",
        b"220 " + b"x" * 20_000 + b"\r\n",
        b"421 busy\r\n",
        b"HTTP/1.1 400\r\n",
    ],
)
def test_a_server_that_is_none_is_temporary(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def greet() -> None:
            peer, _ = odd.accept()
            with peer, contextlib.suppress(OSError):
                peer.sendall(greeting)

        thread = threading.Thread(target=greet, daemon=True)
        thread.start()
        with Relay(_settings(odd.getsockname()[1])) as relay:
            assert relay.deliver(SENDER, [JO], RAW).temporary == (JO,)
        thread.join(10)


def test_the_relays_size_limit_is_kept_without_sending() -> None:
    with serving(data_size_limit=1000) as server, Relay(_settings(server.port)) as relay:
        delivery = relay.deliver(SENDER, [JO], RAW + b"x" * 2000)
        assert [(one.outcome, one.code) for one in delivery.recipients] == [(Outcome.PERMANENT, 552)]
        assert relay.deliver(SENDER, [JO], RAW).accepted
        assert len(server.handler.mails) == 1


def test_addresses_beyond_ascii(server: Server) -> None:
    with Relay(_settings(server.port)) as relay:
        assert relay.deliver(SENDER, ["jörg@bücher.example"], RAW).accepted == ("jörg@bücher.example",)
        assert relay.deliver(SENDER, ["jo@bücher.example"], RAW).accepted == ("jo@bücher.example",)
    assert [mail[1] for mail in server.handler.mails] == [
        ["jörg@xn--bcher-kva.example"], ["jo@xn--bcher-kva.example"],
    ]  # fmt: skip
    with serving(enable_SMTPUTF8=False) as old, Relay(_settings(old.port)) as relay:
        refused = relay.deliver(SENDER, ["jörg@bücher.example"], RAW)
        assert [(one.outcome, one.code) for one in refused.recipients] == [(Outcome.PERMANENT, 550)]
        assert "SMTPUTF8" in refused.recipients[0].text
        assert relay.deliver(SENDER, ["jo@bücher.example"], RAW).accepted


def test_no_recipient_can_add_a_command(server: Server) -> None:
    evil = "jo@customer.example>\r\nRCPT TO:<all@customer.example"
    with Relay(_settings(server.port)) as relay:
        assert [one.outcome for one in relay.deliver(SENDER, [evil], RAW).recipients] == [Outcome.PERMANENT]
        assert relay.deliver(evil, [JO], RAW).temporary == (JO,)
    assert server.handler.mails == []


def test_bare_newlines_go_out_as_crlf(server: Server) -> None:
    """A bare LF before a dot is what SMTP smuggling is made of."""
    with Relay(_settings(server.port)) as relay:
        relay.deliver(SENDER, [JO], b"Subject: x\r\n\r\na\n.\nMAIL FROM:<evil@x.example>\r.\rb\r\n")
    assert (
        server.handler.mails[0][2] == b"Subject: x\r\n\r\na\r\n.\r\nMAIL FROM:<evil@x.example>\r\n.\r\nb\r\n"
    )
    assert len(server.handler.mails) == 1


def test_starttls(authority: trustme.CA, tmp_path: Path) -> None:
    with serving(tls_context=_context(authority), require_starttls=True) as server:
        settings = _settings(server.port, tls=Tls.STARTTLS, ca=_ca(authority, tmp_path))
        with Relay(settings) as relay:
            assert relay.check()
            assert relay.deliver(SENDER, [JO], RAW).accepted == (JO,)
        with Relay(_settings(server.port)) as plain:
            assert plain.deliver(SENDER, [JO], RAW).temporary == (JO,)


def test_implicit_tls(authority: trustme.CA, tmp_path: Path) -> None:
    with serving(_context(authority)) as server:
        settings = _settings(server.port, tls=Tls.IMPLICIT, ca=_ca(authority, tmp_path))
        with Relay(settings) as relay:
            assert relay.deliver(SENDER, [JO], RAW).accepted == (JO,)


@pytest.mark.parametrize("name", ["other.example", "127.0.0.1"])
def test_a_certificate_that_does_not_fit_stops_the_mail(
    authority: trustme.CA, tmp_path: Path, name: str
) -> None:
    """Once the wrong name from the right authority, once the right name from an unknown one."""
    ca = _ca(authority, tmp_path) if name == "other.example" else ""
    with serving(tls_context=_context(authority, name)) as server:
        with Relay(_settings(server.port, tls=Tls.STARTTLS, ca=ca)) as relay:
            delivery = relay.deliver(SENDER, [JO], RAW)
            assert delivery.temporary == (JO,)
            assert "certificate" in delivery.recipients[0].text.lower()
            assert delivery.trouble == "tls"
        with Relay(_settings(server.port, tls=Tls.STARTTLS, verify=False)) as relay:
            assert relay.deliver(SENDER, [JO], RAW).accepted == (JO,)
    assert len(server.handler.mails) == 1


def test_no_silent_downgrade(server: Server) -> None:
    with Relay(_settings(server.port, tls=Tls.STARTTLS)) as relay:
        delivery = relay.deliver(SENDER, [JO], RAW)
    assert delivery.temporary == (JO,)
    assert "STARTTLS" in delivery.recipients[0].text
    assert delivery.trouble == "tls"
    assert server.handler.mails == []


def _authenticator(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"ann", b"s3cret-1"), handled=False)


@pytest.mark.parametrize("excluded", [["LOGIN"], ["PLAIN"], []])
@pytest.mark.parametrize("password", ["s3cret-1", "s3cret-2"])
def test_login(authority: trustme.CA, tmp_path: Path, excluded: list[str], password: str) -> None:
    options = {"authenticator": _authenticator, "auth_required": True, "auth_exclude_mechanism": excluded}
    with serving(tls_context=_context(authority), **options) as server:
        settings = _settings(
            server.port, tls=Tls.STARTTLS, ca=_ca(authority, tmp_path), user="ann", password=password
        )
        assert password not in repr(settings)
        with Relay(settings) as relay:
            delivery = relay.deliver(SENDER, [JO], RAW)
            if password == "s3cret-2":
                assert delivery.temporary == (JO,)
                assert delivery.recipients[0].code == 535
                assert delivery.trouble == "login"
                assert password not in delivery.recipients[0].text
                with pytest.raises(Unavailable):
                    relay.check()
            else:
                assert delivery.accepted == (JO,)


class _OAuth(SMTP):
    """aiosmtpd with XOAUTH2 as Exchange and Gmail speak it: a refusal is a 334 with JSON, then a 535."""

    async def auth_XOAUTH2(self, _server: Any, args: list[str]) -> AuthResult:
        import base64

        if b"auth=Bearer good\x01\x01" in base64.b64decode(args[1]):
            return AuthResult(success=True, auth_data="ann")
        await self.challenge_auth(b'{"status":"401"}', encode_to_b64=True)
        return AuthResult(success=False, handled=False)


@pytest.mark.parametrize(("token", "accepted"), [("good", True), ("stale", False)])
def test_oauth2(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: str, accepted: bool
) -> None:
    monkeypatch.setattr(f"{__name__}.SMTP", _OAuth)
    with serving(
        tls_context=_context(authority), auth_require_tls=True, authenticator=_authenticator
    ) as server:
        settings = _settings(
            server.port, tls=Tls.STARTTLS, ca=_ca(authority, tmp_path), user="ann", token=lambda: token
        )
        with Relay(settings) as relay:
            delivery = relay.deliver(SENDER, [JO], RAW)
            assert bool(delivery.accepted) is accepted
            assert delivery.trouble == ("" if accepted else "login")


def test_a_failing_token_source_is_temporary(server: Server) -> None:
    def fails() -> str:
        raise RuntimeError("the token endpoint is away")

    with Relay(_settings(server.port, user="ann", token=fails)) as relay:
        delivery = relay.deliver(SENDER, [JO], RAW)
    assert delivery.temporary == (JO,)
    assert "token endpoint" in delivery.recipients[0].text


def test_a_password_goes_to_no_other_machine_in_clear(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setattr("mailbridge.outgoing.session._is_near", lambda _server: False)
    with Relay(_settings(server.port, user="ann", password="s3cret-1")) as relay:
        delivery = relay.deliver(SENDER, [JO], RAW)
    assert delivery.temporary == (JO,)
    assert "TLS" in delivery.recipients[0].text


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("2.0.0 Ok: queued as 4XyZ9", "4XyZ9"),
        ("OK id=1tFabc-0001-Xy", "1tFabc-0001-Xy"),
        ("Ok 0100018f-abc-000000", "0100018f-abc-000000"),
        (
            "2.6.0 <abc@prod.outlook.example> [InternalId=12] Queued mail for delivery",
            "<abc@prod.outlook.example>",
        ),
        ("2.0.0 OK", ""),
        ("", ""),
    ],
)
def test_the_relays_id(response: str, expected: str) -> None:
    assert _relay_id(response) == expected


def test_a_relay_that_is_away_is_named_in_the_reason() -> None:
    """An admin reads it in the log and in `queue list`: an error number alone leads nowhere."""
    with socket.socket() as bound:  # bound and not listening: refused for certain
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        with Relay(_settings(port)) as relay:
            result = relay.deliver(SENDER, [JO], RAW).recipients[0]
    assert (result.outcome, result.code) == (Outcome.TEMPORARY, 0)
    assert result.text == f"127.0.0.1:{port}: Connection refused"
