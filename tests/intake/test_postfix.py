"""A real Postfix in front, by SMTP with STARTTLS and by LMTP on a Unix socket, into the real store."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme

from mailbridge.intake.accept import Accept
from mailbridge.intake.server import Listen, Receiver
from mailbridge.intake.tls import Certificate
from mailbridge.model.envelope import Way
from mailbridge.store import migrate
from mailbridge.store.engine import Store
from mailbridge.store.inbox import Inbox
from mailbridge.store.writer import Writer
from tests.intake.fakes import MemoryStore
from tests.intake.test_imap import until
from tests.servers.folders import open_folder
from tests.servers.postfix import postfix
from tests.servers.receiving import receiving

ACCEPT = Accept.of(["support@desk.example", "supportescalation@desk.example"])


@pytest.mark.parametrize("way", [Way.SMTP, Way.LMTP])
def test_postfix_delivers(tmp_path: Path, way: Way) -> None:
    store = Store(f"sqlite:///{tmp_path}/mail.db")
    migrate.upgrade(store)
    writer, inbox = Writer(store), Inbox(store)
    pem = tmp_path / "both.pem"
    trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    receiver = Receiver(writer, ACCEPT, certificate=Certificate(pem), way=way)
    with ExitStack() as stack:
        path = stack.enter_context(open_folder("lmtp")) / "lmtp.sock"
        listen = Listen(path=path, mode=0o666) if way is Way.LMTP else None
        stack.enter_context(receiving(receiver, listen))
        hop = f"lmtp:unix:{path}" if listen else f"smtp:[127.0.0.1]:{receiver.addresses[0][1]}"
        with postfix(hop) as front:
            with smtplib.SMTP("127.0.0.1", front.port) as client:
                for number in range(3):
                    text = f"Subject: {number}\r\n\r\n.dot\r\nbody {'x' * 2000}\r\n"
                    recipients = [
                        "support@desk.example",
                        "supportescalation@desk.example",
                        "nobody@desk.example",
                    ]
                    client.sendmail("ann@customer.example", recipients, text)
            until(lambda: inbox.waiting() >= 3, 30)
            until(lambda: front.log().count("status=bounced") >= 3, 30)
            until(lambda: front.log().count("status=sent") >= 6, 30)
            log = front.log()
    messages = [inbox.load(number) for number in (1, 2, 3)]
    for message in messages:
        assert message is not None
        assert message.raw.count(b"\r\n.dot\r\n") == 1
        envelope = message.envelopes[0]
        assert envelope.way is way
        assert envelope.mail_from == "ann@customer.example"
        assert set(envelope.rcpt_to) == {"support@desk.example", "supportescalation@desk.example"}
    assert inbox.waiting() == 3
    assert log.count("status=sent") >= 6
    assert not path.exists()
    writer.close()
    store.close()


def test_a_renewed_certificate_is_used_without_a_restart(tmp_path: Path) -> None:
    pem = tmp_path / "both.pem"
    first, second = trustme.CA(), trustme.CA()
    first.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
    receiver = Receiver(MemoryStore(), ACCEPT, certificate=Certificate(pem))
    with receiving(receiver):
        start_tls(receiver, first)
        pem.write_bytes(b"")
        second.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(pem))
        receiver.reload_certificate()
        start_tls(receiver, second)
        pem.write_text("broken")
        with pytest.raises(Exception, match="cannot be loaded"):
            receiver.reload_certificate()
        start_tls(receiver, second)


def start_tls(receiver: Receiver, authority: trustme.CA) -> None:
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with smtplib.SMTP("localhost", receiver.addresses[0][1]) as client:
        client.starttls(context=trust)
        assert client.ehlo()[0] == 250
