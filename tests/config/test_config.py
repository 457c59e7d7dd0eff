"""What a right configuration becomes, and what it does not show."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from mailbridge import log
from mailbridge.config import Config, Endpoint, load_config, parse_config
from mailbridge.config.credentials import password, token
from mailbridge.config.files import file_problems, file_warnings
from mailbridge.config.places import read_endpoint
from mailbridge.errors import CannotWrite, ConfigInvalid, Unavailable
from mailbridge.model.message import Address

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE = """[site]
name = Example Support
support = Help <support@desk.example>, help@desk.example
escalation = supportescalation@desk.example
staff = Ann Lee <ann@desk.example>, "Öster, Bob" <bob@desk.example>
policy = mekorma
state = state
"""
IMAP = "[imap support]\nhost = imap.desk.example\nuser = support@desk.example\n"


LINKS = "[voicemail]\nlink_senders = lines.example\n"


def make(text: str, base: Path = Path("/etc/mailbridge")) -> Config:
    return parse_config(SITE + text, "config.ini", base)


def test_people_have_names() -> None:
    site = make("").site
    assert site.staff == (Address("Ann Lee", "ann@desk.example"), Address("Öster, Bob", "bob@desk.example"))
    assert site.sender == Address("Help", "support@desk.example")
    assert site.own_addresses == {
        "support@desk.example",
        "help@desk.example",
        "supportescalation@desk.example",
    }


def test_what_is_absent_is_off() -> None:
    config = make("")
    assert (config.smtp, config.lmtp, config.relay, config.voicemail, config.imap) == (None,) * 4 + ((),)


def test_relative_paths_start_at_the_file() -> None:
    config = make("[smtp]\nlisten = *:25\ncert = tls/cert.pem\n")
    assert config.site.state == Path("/etc/mailbridge/state")
    assert config.store.file == Path("/etc/mailbridge/state/mailbridge.db")
    assert config.smtp is not None
    assert config.smtp.cert == Path("/etc/mailbridge/tls/cert.pem")


@pytest.mark.parametrize(
    ("written", "opened"),
    [
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("sqlite:///x.db", "sqlite:////etc/mailbridge/x.db"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgres://h/d", "postgresql+psycopg://h/d"),
        ("postgresql+psycopg://h:5433/d?sslmode=require", "postgresql+psycopg://h:5433/d?sslmode=require"),
        ("postgresql:///d?host=/run/postgresql", "postgresql+psycopg:///d?host=/run/postgresql"),
    ],
)
def test_database_urls(written: str, opened: str) -> None:
    assert make(f"[store]\nurl = {written}\n").store.url == opened


def test_a_policy_is_a_name_or_a_path() -> None:
    assert make("").site.policy == "mekorma"
    own = SITE.replace("mekorma", "own.ini")
    assert parse_config(own, "c", Path("/etc/mb")).site.policy == "/etc/mb/own.ini"


@pytest.mark.parametrize(
    ("tls", "port"),
    [("", 993), ("tls = starttls\n", 143), ("tls = TLS\n", 993), ("tls = none\nport = 7\n", 7)],
)
def test_imap_port_follows_tls(tls: str, port: int) -> None:
    text = IMAP.replace("imap.desk.example", "localhost") + "password = geheim\n" + tls
    assert make(text).imap[0].port == port


@pytest.mark.parametrize(
    ("keys", "tls", "port"),
    [
        ("host = 127.0.0.1\n", "none", 25),
        ("host = mail.example\n", "starttls", 587),
        ("host = mail.example\ntls = tls\n", "tls", 465),
        ("host = mail.example\ntls = none\nport = 2525\n", "none", 2525),
    ],
)
def test_relay_settles_tls_and_port(keys: str, tls: str, port: int) -> None:
    relay = make("[relay]\n" + keys).relay
    assert relay is not None
    assert (relay.tls, relay.port) == (tls, port)


@pytest.mark.parametrize(
    ("reply_token", "part", "plus"),
    [
        ("auto", "", False),
        ("auto", "[smtp]\nlisten = *:25\n", True),
        ("auto", "[lmtp]\nlisten = 127.0.0.1:24\n", True),
        ("plain", "[smtp]\nlisten = *:25\n", False),
        ("plus", "", True),
    ],
)
def test_plus_tokens_where_we_take_the_mail(reply_token: str, part: str, plus: bool) -> None:
    assert make(f"reply_token = {reply_token}\n{part}").plus_tokens is plus


def test_a_mailbox_belongs_to_an_address() -> None:
    config = make(IMAP.replace("support@", "Help@") + "password = geheim\n")
    assert config.mailbox_address(config.imap[0]) == "Help@desk.example"
    config = make(IMAP.replace("support@desk.example", "desk") + "password = geheim\n")
    assert config.mailbox_address(config.imap[0]) == "support@desk.example"


def test_voicemail_rules_hold_without_voicemail() -> None:
    config = make("[voicemail-rule pbx]\nsender = *@pbx.example\nheader = X-PBX\n")
    assert config.voicemail is None
    assert config.voicemail_rules[0].header == ("X-PBX", "*")


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("0.0.0.0:25", Endpoint("0.0.0.0", 25)),
        ("[::1]:25", Endpoint("::1", 25)),
        ("*:25", Endpoint("", 25)),
        ("localhost:0", Endpoint("localhost", 0)),
    ],
)
def test_endpoints(text: str, endpoint: Endpoint) -> None:
    assert read_endpoint(text) == endpoint
    assert str(endpoint) == text


def test_secrets_do_not_show() -> None:
    config = make(
        IMAP + "password = geheim\n[relay]\nhost = localhost\nuser = u\ntoken_command = /bin/x geheim\n"
        "[store]\nurl = postgresql://desk:geheim@db.example/desk\n"
    )
    assert "geheim" not in repr(config) + str(config)
    assert config.store.shown_url == "postgresql+psycopg://desk:***@db.example/desk"


def test_nothing_can_be_changed() -> None:
    config = make("")
    with pytest.raises(ValueError, match="frozen"):
        config.site.name = "Other"  # type: ignore[misc]


def test_reading_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_text(SITE, "utf-8")
    config = load_config(tmp_path / "config.ini")
    assert [path.name for path in tmp_path.iterdir()] == ["config.ini"]
    assert config.prepare_state() == tmp_path / "state"
    assert config.prepare_state().is_dir()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_state_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file is in the way")
    with pytest.raises(CannotWrite, match="state: the folder cannot be made"):
        make("", tmp_path).prepare_state()


def test_windows_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_bytes(b"\xef\xbb\xbf" + SITE.replace("\n", "\r\n").encode())
    assert load_config(tmp_path / "config.ini").site.name == "Example Support"


def test_a_huge_file_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.ini").write_bytes(b"#" * 2_000_000)
    with pytest.raises(ConfigInvalid, match="larger than 1 MB"):
        load_config(tmp_path / "config.ini")


def test_a_thousand_mistakes_end() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        make("garbage\n" * 1000)
    assert 200 <= len(caught.value.problems) <= 1000


# Files and secrets


def imap_with(secret: Path, tmp_path: Path) -> Config:
    return make(IMAP + f"password_file = {secret}\n", tmp_path)


def test_password_is_the_first_line_and_never_logged(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\nbattery\n")
    config = imap_with(secret, tmp_path)
    assert password(config.imap[0]) == "correct horse"
    with log.capture() as lines:
        log.event("imap_failed", error=OSError("LOGIN support correct horse"))
    assert "correct horse" not in lines[0].text


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_bad_password_files(content: bytes | None, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    problems = file_problems(imap_with(secret, tmp_path), NOW)
    assert [(found.section, found.key) for found in problems] == [("imap support", "password_file")]


def test_an_open_password_file_is_a_warning(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse")
    secret.chmod(0o644)
    config = imap_with(secret, tmp_path)
    assert file_problems(config, NOW) == []
    assert "open to everybody" in file_warnings(config, NOW)[0].message


def token_config(tmp_path: Path, script: str) -> Config:
    program = tmp_path / "token"
    program.write_text(f"#!{sys.executable}\n{script}\n")
    program.chmod(0o755)
    return make(IMAP + f"token_command = {program} --quiet\n", tmp_path)


def test_a_token_comes_from_a_program(tmp_path: Path) -> None:
    get = token(token_config(tmp_path, "import sys; print('t0ken' + sys.argv[1])").imap[0])
    assert get is not None
    assert get() == "t0ken--quiet"


@pytest.mark.parametrize("script", ["raise SystemExit(3)", "print()", "print('two words')"])
def test_a_program_without_a_token(script: str, tmp_path: Path) -> None:
    get = token(token_config(tmp_path, script).imap[0])
    assert get is not None
    with pytest.raises(Unavailable, match="no token"):
        get()


def issue(tmp_path: Path, not_after: datetime) -> Config:
    """A certificate that ends at not_after, in force since long."""
    leaf = trustme.CA().issue_cert(
        "mail.desk.example", not_before=NOW - timedelta(days=90), not_after=not_after
    )
    leaf.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    return make("[smtp]\nlisten = *:25\ncert = cert.pem\nkey = key.pem\n", tmp_path)


def test_a_good_certificate(tmp_path: Path) -> None:
    config = issue(tmp_path, NOW + timedelta(days=60))
    assert file_problems(config, NOW) == []
    assert file_warnings(config, NOW) == []


def test_an_expired_certificate(tmp_path: Path) -> None:
    problems = file_problems(issue(tmp_path, NOW - timedelta(days=1)), NOW)
    assert "has expired on 2026-11-22" in problems[0].message


def test_a_certificate_at_its_end(tmp_path: Path) -> None:
    config = issue(tmp_path, NOW + timedelta(days=3))
    assert file_problems(config, NOW) == []
    assert "renew it now" in file_warnings(config, NOW)[0].message


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    config = issue(tmp_path, NOW + timedelta(days=60))
    trustme.CA().issue_cert("other.example").private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    assert "cannot be used together" in file_problems(config, NOW)[0].message


def test_missing_files_are_all_told(tmp_path: Path) -> None:
    config = make(
        "templates = words\n[smtp]\nlisten = *:25\ncert = no.pem\nlogins = no\n"
        "[voicemail]\nmodel = no-model\nspool = no-spool\n",
        tmp_path,
    )
    told = {(found.section, found.key) for found in file_problems(config, NOW)}
    assert told == {
        ("site", "templates"),
        ("smtp", "cert"),
        ("smtp", "logins"),
        ("voicemail", "model"),
        ("voicemail", "spool"),
    }


def test_a_folder_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    problems = file_problems(make("[voicemail]\nmodel = model\n", tmp_path), NOW)
    assert "is no Vosk model" in problems[0].message
    (tmp_path / "model" / "am").mkdir()
    assert file_problems(make("[voicemail]\nmodel = model\n", tmp_path), NOW) == []


def test_senders_of_links_are_addresses_and_domains(tmp_path: Path) -> None:
    config = make("[voicemail]\nlink_senders = VM@pbx.example, lines.example, @Voice.example\n", tmp_path)
    assert config.voicemail is not None
    assert config.voicemail.link_senders == ("vm@pbx.example", "@lines.example", "@voice.example")


def test_senders_of_links_need_a_server_that_judges(tmp_path: Path) -> None:
    links = "[voicemail]\nlink_senders = lines.example\n"
    told = [one for one in file_warnings(make(links, tmp_path), NOW) if one.key == "link_senders"]
    assert "while [site] trusted_authserv is empty" in told[0].message
    judged = make(f"trusted_authserv = mx.desk.example\n{links}", tmp_path)
    assert [one for one in file_warnings(judged, NOW) if one.key == "link_senders"] == []


@pytest.mark.parametrize(
    ("listen", "trusts", "warned"),
    [
        ("127.0.0.1:25, [::1]:25, localhost:25", LINKS, False),
        ("127.0.0.1:25, 192.0.2.1:25", LINKS, True),
        ("*:25", LINKS, True),
        ("*:25", "staff_proof = token, dkim\n", True),
        ("*:25", "", False),
    ],
)
def test_a_verdict_that_anybody_can_forge_is_warned_of(
    tmp_path: Path, listen: str, trusts: str, warned: bool
) -> None:
    """Who speaks SMTP to us directly writes what he likes, also in our own server's name."""
    more = "" if trusts == LINKS else trusts
    text = f"trusted_authserv = mx.desk.example\n{more}[smtp]\nlisten = {listen}\n"
    told = file_warnings(make(text + (trusts if trusts == LINKS else ""), tmp_path), NOW)
    assert [one.key for one in told if "can forge" in one.message] == ["trusted_authserv"] * warned


def test_a_state_that_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # root may write anywhere, so the kernel's no is put on
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    told = [found.message for found in file_problems(make("", tmp_path), NOW)]
    assert all("not writable for this user" in message for message in told)
    assert len(told) == 2


def test_state_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    assert {found.key for found in file_problems(make("", tmp_path), NOW)} == {"state", "url"}
