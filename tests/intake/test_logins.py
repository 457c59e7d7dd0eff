"""Staff logins: what the file may say, who gets in, and what a changed or a broken file does."""

from __future__ import annotations

import os
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from mailbridge.config import Config, parse_config
from mailbridge.errors import ConfigInvalid
from mailbridge.intake.logins import Hash, Logins, make_hash, read_hash, read_logins
from mailbridge.work.front import logins_of
from tests.daemon.running import running, write_site
from tests.needs import ROOT

ANN = make_hash("geheim: ü$1")
PROGRAM = [sys.executable, "-c", "from mailbridge.cli.main import run; run()", "login"]


def write(path: Path, text: str, mtime_s: int = 1_700_000_000) -> Path:
    path.write_text(text, encoding="utf-8")
    os.utime(path, (mtime_s, mtime_s))
    return path


def test_the_written_form_is_read_back_and_holds_no_password() -> None:
    assert read_hash(str(ANN)) == ANN
    assert "geheim" not in str(ANN)
    assert make_hash("geheim: ü$1") != ANN, "two hashes of one password have two salts"


def test_only_the_right_password_of_a_known_address_gets_in(tmp_path: Path) -> None:
    logins = Logins(write(tmp_path / "logins", f"# staff\n\nAnn@Desk.example:{ANN}\r\n"))
    assert logins("ann@desk.example", "geheim: ü$1")
    assert logins(" ANN@desk.example", "geheim: ü$1")
    assert not logins("ann@desk.example", "geheim: ü$")
    assert not logins("ann@desk.example", "")
    assert not logins("ann@desk.example", "x" * 100_000)
    assert not logins("bob@desk.example", "geheim: ü$1")
    assert not logins("", "")


def test_an_unknown_address_costs_the_same_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logins = Logins(write(tmp_path / "logins", f"ann@desk.example:{ANN}\n"))
    asked: list[Hash] = []
    matches = Hash.matches

    def watched(self: Hash, password: str) -> bool:
        asked.append(self)
        return matches(self, password)

    monkeypatch.setattr(Hash, "matches", watched)
    logins("nobody@desk.example", "geheim: ü$1")
    logins("ann@desk.example", "geheim: ü$1")
    assert [(one.n, one.r, one.p) for one in asked] == [(ANN.n, ANN.r, ANN.p)] * 2


@pytest.mark.parametrize(
    "written",
    [
        "",
        "geheim",
        "scrypt$16384$8$1$$",
        "scrypt$16383$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$0$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$1073741824$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$99999999999999999999$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$١٦$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
        "scrypt$16384$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAA",
        "scrypt$16384$8$1$????$AAAAAAAAAAAAAAAAAAAAAA==",
        "md5$16384$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAA==",
    ],
)
def test_a_wrong_line_is_named_by_number_and_never_shown(tmp_path: Path, written: str) -> None:
    path = write(tmp_path / "logins", f"ann@desk.example:{ANN}\nbob@desk.example:{written}\n")
    with pytest.raises(ConfigInvalid) as caught:
        read_logins(path)
    told = str(caught.value)
    assert told.startswith(f"{path}:2: [smtp] logins: ")
    assert "geheim" not in told


def test_every_wrong_line_is_told_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "logins", f"ann:{ANN}\nbob@desk.example:{ANN}\nBOB@desk.example:{ANN}\nx\n")
    with pytest.raises(ConfigInvalid) as caught:
        read_logins(path)
    assert [problem.source.rpartition(":")[2] for problem in caught.value.problems] == ["1", "3", "4"]


@given(st.text(max_size=200))
def test_read_hash_says_only_value_error(written: str) -> None:
    try:
        found = read_hash(written)
    except ValueError:
        return
    assert read_hash(str(found)) == found


def test_a_changed_file_holds_at_once_and_a_broken_one_lets_nobody_new_in(tmp_path: Path) -> None:
    path = write(tmp_path / "logins", f"ann@desk.example:{ANN}\n")
    logins = Logins(path)
    write(path, f"bob@desk.example:{ANN}\n", 1_700_000_001)
    assert logins("bob@desk.example", "geheim: ü$1")
    assert not logins("ann@desk.example", "geheim: ü$1"), "ann has left"
    write(path, f"ann@desk.example:{ANN}\nnonsense\n", 1_700_000_002)
    assert not logins("ann@desk.example", "geheim: ü$1")
    assert logins("bob@desk.example", "geheim: ü$1"), "the last good file holds"
    path.unlink()
    assert logins("bob@desk.example", "geheim: ü$1")


def test_the_command_prints_a_line_that_the_file_takes(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "Ann@desk.example"], input="geheim: ü$1\n", capture_output=True, text=True, cwd=ROOT,
        timeout=60, check=True, encoding="utf-8",
    )  # fmt: skip
    logins = Logins(write(tmp_path / "logins", done.stdout))
    assert logins("ann@desk.example", "geheim: ü$1")
    assert "geheim" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("address", "password"), [("ann", "x\n"), ("ann@desk.example", "\n"), ("a@b.c", "x" * 2000)]
)
def test_the_command_refuses(address: str, password: str) -> None:
    done = subprocess.run(
        [*PROGRAM, address], input=password, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (64, "")
    assert "Traceback" not in done.stderr


def site(tmp_path: Path, keys: str) -> Config:
    return parse_config(
        "[site]\nname = D\nsupport = a@x.example\nescalation = none\nstaff = ann@x.example\n"
        "policy = mekorma\n"
        f"[smtp]\nlisten = 127.0.0.1:0\n{keys}\n",
        "config.ini",
        tmp_path,
    )


def test_the_key_logins_switches_it_on(tmp_path: Path) -> None:
    assert logins_of(site(tmp_path, "")) is None
    write(tmp_path / "staff", f"ann@x.example:{ANN}\n")
    found = logins_of(site(tmp_path, "cert = c.pem\nlogins = staff"))
    assert found is not None
    assert found("ann@x.example", "geheim: ü$1")


def test_the_daemon_knows_staff_by_login(tmp_path: Path) -> None:
    """serve with [smtp] logins: AUTH over TLS is offered, checked, and lets in by the right password only."""
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "c.pem"))
    write(tmp_path / "staff", f"ann@desk.example:{make_hash('geheim')}\n")
    config = write_site(tmp_path, smtp=f"cert = {tmp_path / 'c.pem'}\nlogins = {tmp_path / 'staff'}")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    with running(config, "--role", "smtp") as daemon, smtplib.SMTP("localhost", daemon.address()[1]) as peer:
        peer.ehlo()
        assert not peer.has_extn("auth"), "never in clear"
        peer.starttls(context=trust)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            peer.login("ann@desk.example", "wrong")
        assert peer.login("ann@desk.example", "geheim")[0] == 235
