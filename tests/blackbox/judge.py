"""A site in a folder, and the command line run upon it; all that a test of the contract may use.

It promises: standard output, standard error and exit code as a shell would see them, in this process (`real`
runs a process of its own). JSON is read strictly: whatever stands on standard output besides it fails.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from unittest.mock import patch

from mailbridge.cli.main import execute

SITE = """[site]
name = Example Support
support = support@desk.example
escalation = supportescalation@desk.example
staff = ann@desk.example, bob@desk.example
policy = {policy}
state = {state}
"""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")


@dataclass(frozen=True, slots=True)
class Said:
    """What one command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one document on standard output; the command must have succeeded."""
        assert self.code == 0, (self.code, self.err, self.out)
        return json.loads(self.out)

    def lines(self) -> list[dict[str, Any]]:
        """The JSON objects on standard output, one a line, whatever the exit code."""
        return [json.loads(line) for line in self.out.splitlines()]

    def refused(self, code: int, *words: str) -> None:
        """The command failed with this code, in sentences that hold the words, and without a traceback."""
        assert self.code == code, (self.code, self.err, self.out)
        assert self.err.startswith("mailbridge: "), self.err
        assert "Traceback" not in self.err
        assert "unforeseen" not in self.err
        for word in words:
            assert word in self.err, (word, self.err)


def command(*words: str, stdin: bytes = b"", environment: dict[str, str] | None = None) -> Said:
    """Run a command line in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MAILBRIDGE_")}
    with (
        patch.dict(os.environ, kept | (environment or {}), clear=True),
        patch.object(sys, "stdin", given),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = execute(list(words))
    return Said(code, _read(out), _read(err))


def _read(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


class Site:
    """One desk in a folder of its own."""

    def __init__(self, folder: Path, policy: str = "mekorma", more: str = "", count: int = 0) -> None:
        self.folder = folder
        self.config = folder / "config.ini"
        self.config.write_text(SITE.format(policy=policy, state=folder / "state") + more)
        self._count = count

    def run(self, *words: str, stdin: bytes = b"") -> Said:
        """One command, in this process."""
        return command("-c", str(self.config), *words, stdin=stdin)

    def real(self, *words: str, stdin: bytes = b"") -> Said:
        """One command, in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "mailbridge", "-c", str(self.config), *words],
            input=stdin,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ingest(self, mail: EmailMessage | bytes, *options: str) -> dict[str, Any]:
        """Put one message in; the row that tells what became of it."""
        raw = mail if isinstance(mail, bytes) else mail.as_bytes()
        rows = self.run("ingest", "--json", *options, stdin=raw).lines()
        assert len(rows) == 1, rows
        return rows[0]

    def show(self, number: int) -> dict[str, Any]:
        """`case show N --json`."""
        found = self.run("case", "show", str(number), "--json").json()
        assert isinstance(found, dict)
        return found

    def cases(self) -> list[dict[str, Any]]:
        """`case list --json`."""
        found = self.run("case", "list", "--json").json()
        assert isinstance(found, list)
        return found

    def queue(self, *options: str) -> list[dict[str, Any]]:
        """`queue list --json`."""
        found = self.run("queue", "list", "--json", *options).json()
        assert isinstance(found, list)
        return found

    def mail(
        self, text: str = "It does not print.", subject: str = "Printer", **headers: str
    ) -> EmailMessage:
        """A customer's mail with a Message-ID of its own; keywords are headers, _ for -."""
        self._count += 1
        mail = EmailMessage()
        known = {
            "From": "Jo Lee <jo@customer.example>",
            "To": "support@desk.example",
            "Subject": subject,
            "Message-ID": f"<m{self._count}@customer.example>",
            "Date": "Mon, 23 Nov 2026 09:00:00 +0000",
        }
        given = {key.replace("_", "-"): value for key, value in headers.items()}
        lowered = {key.lower() for key in given}
        for key, value in ({k: v for k, v in known.items() if k.lower() not in lowered} | given).items():
            mail[key] = value
        mail.set_content(text)
        return mail
