"""`mailbridge check`: everything at once, and the right exit code."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbridge.cli.main import execute
from tests.config.test_config import SITE
from tests.needs import ROOT

MODEL = ROOT / "transcription" / "data" / "vosk-model-tiny-en-voicemail"


def check(
    text: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], *words: str
) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """Exit code and JSON document of a check of the configuration."""
    path = tmp_path / "config.ini"
    path.write_text(text, "utf-8")
    code = execute(["-c", str(path), "check", "--json", *words])
    return code, json.loads(capfd.readouterr().out)


def keys(document: dict[str, list[dict[str, str]]]) -> set[tuple[str, str]]:
    return {(found["section"], found["key"]) for found in document["problems"]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def speaking(*replies: bytes) -> Iterator[int]:
    """A server that greets with the first reply and answers each line with the next; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                with connection, connection.makefile("rb") as lines:
                    for reply in replies:
                        connection.sendall(reply)
                        if not lines.readline():
                            return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
    thread.join(5)


def test_all_is_well(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, document = check(SITE, tmp_path, capfd)
    assert (code, document["ok"], document["problems"]) == (0, True, [])
    assert [one["name"] for one in document["checks"]] == ["configuration", "files", "policy", "templates"]


def test_for_a_person(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.ini").write_text(SITE, "utf-8")
    assert execute(["-c", str(tmp_path / "config.ini"), "check"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[-1] == "Everything is well."
    assert lines[0].startswith("ok       configuration  on: nothing; no relay: outgoing mail waits")


def test_everything_wrong_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Configuration, policy and own templates are looked at together, though the configuration is wrong."""
    (tmp_path / "own.ini").write_text("[policy]\nname = own\nnonsense = 1\n", "utf-8")
    broken = tmp_path / "words" / "acknowledgement"
    broken.mkdir(parents=True)
    (broken / "text.j2").write_text("{{ case.numbr }}", "utf-8")
    text = SITE.replace("mekorma", "own.ini") + "templates = words\n[relay]\nhost = a b\n[smtpp]\n"
    code, document = check(text, tmp_path, capfd)
    assert code == 78
    assert {("relay", "host"), ("smtpp", ""), ("policy", "nonsense")} <= keys(document)
    templates = next(one for one in document["checks"] if one["name"] == "templates")
    assert templates["ok"] is False


def test_no_such_policy(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, document = check(SITE.replace("mekorma", "mecorma"), tmp_path, capfd)
    assert (code, keys(document)) == (78, {("site", "policy")})


def test_no_such_configuration(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert execute(["-c", str(tmp_path / "no.ini"), "check", "--json"]) == 78
    document = json.loads(capfd.readouterr().out)
    assert "--config FILE" in document["problems"][0]["message"]


def test_check_changes_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(SITE, tmp_path, capfd, "--connect")
    assert [path.name for path in tmp_path.iterdir()] == ["config.ini"]


def test_connections_that_fail_are_69(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    login = f"host = 127.0.0.1\nport = {port}\ntls = none\nuser = support@desk.example\npassword = geheim\n"
    code, document = check(f"{SITE}[imap support]\n{login}[relay]\n{login}", tmp_path, capfd, "--connect")
    assert code == 69
    assert {found["source"] for found in document["problems"]} == {"imap support", "relay"}
    assert all("refused" in found["message"] for found in document["problems"])


def test_a_wrong_configuration_goes_before_a_failed_connection(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = f"{SITE}[relay]\nhost = 127.0.0.1\nport = {free_port()}\n[voicemail]\nmodel = none\n"
    assert check(text, tmp_path, capfd, "--connect")[0] == 78


def test_a_relay_that_answers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with speaking(b"220 relay.example\r\n", b"250 relay.example\r\n", b"221 bye\r\n") as port:
        text = f"{SITE}[relay]\nhost = 127.0.0.1\nport = {port}\n"
        assert check(text, tmp_path, capfd, "--connect")[0] == 0


def test_a_refused_imap_login_says_the_servers_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    refused = b"* CAPABILITY IMAP4rev1\r\nIMAP 1 OK done\r\n"
    with speaking(b"* NO no more mailboxes here\r\n* BYE closing\r\n", refused) as port:
        mailbox = (
            f"host = 127.0.0.1\nport = {port}\ntls = none\nuser = support@desk.example\npassword = geheim\n"
        )
        code, document = check(f"{SITE}[imap support]\n{mailbox}", tmp_path, capfd, "--connect")
    assert code == 69
    assert "geheim" not in json.dumps(document)


def test_the_model_is_loaded(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code, document = check(f"{SITE}[voicemail]\nmodel = {MODEL}\n", tmp_path, capfd, "--connect")
    assert code == 0
    assert {"name": f"model {MODEL}", "ok": True, "note": "loads"} in document["checks"]


def test_a_broken_model(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model" / "am").mkdir(parents=True)
    code, document = check(f"{SITE}[voicemail]\nmodel = model\n", tmp_path, capfd, "--connect")
    assert code == 69
    assert "cannot be loaded" in document["problems"][0]["message"]
