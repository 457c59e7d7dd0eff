"""The log of a daemon at its most talkative: one line an event, and no secret in it, as it is or encoded."""

from __future__ import annotations

import base64
import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import trustme

from mailbridge.log_events import EVENTS
from tests.daemon.running import Running, running, send, write_site
from tests.daemon.site import mail
from tests.servers.ports import free_port

LINE = re.compile(
    r"(debug|info|warning|error|fatal|bug) ([a-z0-9_]+)((?: [a-z_0-9]+=(?:\"(?:[^\"\\]|\\.)*\"|[^\s\"]+|))*)"
)
SECRETS = {name: f"geheim-{name}-1 % ä" for name in ("relay", "imap", "smtp")}
SITE = """
[imap box]
host = 127.0.0.1
port = {imap}
tls = none
user = support
password_file = {folder}/imap
"""


def _guess(daemon: Running, secret: str) -> None:
    """Somebody tries a password at SMTP AUTH."""
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(*daemon.address(), timeout=15) as client:
        client.starttls(context=trust)
        with contextlib.suppress(smtplib.SMTPException):
            client.login("ann@desk.example", secret.encode("ascii", "replace").decode())


def _forms(secret: str) -> set[str]:
    raw = secret.encode()
    plain = secret.encode("ascii", "replace")
    login = b"\0ann@desk.example\0" + plain
    encoded = {base64.b64encode(one).decode() for one in (raw, plain, login)}
    return {secret, plain.decode(), quote(secret), *encoded}


def _seen(word: str) -> Callable[[str], bool]:
    return lambda text: word in text


def test_each_line_is_one_event_and_none_tells_a_secret(tmp_path: Path) -> None:
    for name, secret in SECRETS.items():
        (tmp_path / name).write_text(secret + "\n", "utf-8")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "logins").write_text("")
    pem = tmp_path / "mail.pem"
    trustme.CA().issue_cert("mail.desk.example").private_key_and_cert_chain_pem.write_to_path(str(pem))
    smtp = f"cert = {pem}\nlogins = {tmp_path / 'logins'}"
    config = write_site(
        tmp_path, relay=free_port(), smtp=smtp, more=SITE.format(imap=free_port(), folder=tmp_path)
    )
    text = config.read_text().replace("[relay]\n", f"[relay]\nuser = ann\npassword_file = {tmp_path}/relay\n")
    config.write_text(text.replace("[site]\n", "[site]\nlog_level = debug\n"))
    with running(config) as daemon:
        _guess(daemon, SECRETS["smtp"])
        send(daemon.address(), "carla@customer.example", mail(1))
        for event in ("smtp_login_refused", "imap_failed", "relay_unavailable", "processed message=1"):
            daemon.until(_seen(event), event)
    lines = daemon.text.splitlines()
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert {LINE.fullmatch(line)[2] for line in lines} <= set(EVENTS)  # type: ignore[index]
    found = [
        (name, form) for name, secret in SECRETS.items() for form in _forms(secret) if form in daemon.text
    ]
    assert found == []
