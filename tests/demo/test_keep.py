"""`demo --keep`: it goes on working on the machine's own clock, and ends cleanly."""

from __future__ import annotations

import json
import re
import signal
import smtplib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.run import LONGEST_S, PROGRAM, environment, mailbridge

MAIL = "From: me@home.example\nTo: support@desk.example\nSubject: Hello there\n\nDoes it work?\n"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, "demo", "--keep"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def lines_until(process: subprocess.Popen[str], words: str) -> str:
    """What it prints up to the line with these words."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            return read
    raise AssertionError(f"it ended without saying {words!r}:\n{read}")


def test_can_be_talked_to_until_it_is_ended(kept: subprocess.Popen[str], tmp_path: Path) -> None:
    said = lines_until(kept, "Ctrl-C ends it")
    port = re.search(r"swaks --server 127\.0\.0\.1:(\d+) ", said)
    config = re.search(r"mailbridge -c (\S+) case list", said)
    assert port is not None
    assert config is not None
    with smtplib.SMTP("127.0.0.1", int(port[1]), timeout=LONGEST_S) as client:
        client.sendmail("me@home.example", ["support@desk.example"], MAIL)
    lines_until(kept, "out   to me@home.example: We have your message: Hello there [#5]")
    listed = mailbridge(tmp_path, "-c", config[1], "case", "list", "--json")
    assert {case["number"]: case["subject"] for case in json.loads(listed.stdout)}[5] == "Hello there"
    assert mailbridge(tmp_path, "-c", config[1], "check").returncode == 0
    kept.send_signal(signal.SIGINT)
    assert "Ended" in lines_until(kept, "Ended")
    assert kept.wait(LONGEST_S) == 0
    assert list(tmp_path.iterdir()) == []
