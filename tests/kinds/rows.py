"""Messages of every kind as rows of text files: read, built to bytes, judged.

A row is one line, and the text below it indented by two blanks ("~" is an empty line):

    kind [recipient status [action]] | codes | From | Subject
      text

Codes stand for the header fields and parts that such a message has (CODES; DSN, COPY and RFC return what we
sent; WAV, MP3, ICS and HTML say what they add); a field in braces is one of its own. "human/list" takes both.
What is left empty gets a customer's plain default. How it fails: ValueError with the file and line of a row
that cannot be read.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.header import Header
from html import escape
from pathlib import Path

from mailbridge.mail.parse import parse
from mailbridge.model.envelope import Envelope, Way
from mailbridge.model.message import Classification, Kind, ParsedMessage
from mailbridge.model.own import Own
from mailbridge.policy.classify import classify

HERE = Path(__file__).parent
OURS = "<sent-1@desk.example>"
SITE = Own(
    addresses=frozenset(("support@desk.example", "supportescalation@desk.example")),
    domains=frozenset(("desk.example",)),
    escalation=frozenset(("supportescalation@desk.example",)),
)
ENVELOPE = Envelope(Way.IMAP, None, ("support@desk.example",), datetime(2026, 3, 3, 13, tzinfo=UTC))
CODES = {
    "AR": "Auto-Submitted: auto-replied",
    "AG": "Auto-Submitted: auto-generated",
    "XS": "X-Auto-Response-Suppress: All",
    "XD": "X-Auto-Response-Suppress: DR, OOF, AutoReply",
    "PB": "Precedence: bulk",
    "PJ": "Precedence: junk",
    "PL": "Precedence: list",
    "PA": "Precedence: auto_reply",
    "NR": "Return-Path: <>",
    "XA": "X-Autoreply: yes",
    "RU": f"In-Reply-To: {OURS}\nReferences: {OURS}",
    "RF": "In-Reply-To: <abc.1@elsewhere.example>\nReferences: <abc.1@elsewhere.example>",
    "LU": "List-Unsubscribe: <https://news.example/u?1>",
    "LI": "List-Id: Users of it <users.lists.example>\nPrecedence: list",
    "TI": "Thread-Index: AdwAAAABAAAAAgAAAAMAAAAEAAAABQ==",
    "OL": "X-Mailer: Microsoft Outlook 16.0\nThread-Index: AdwAAAABAAAAAgAAAAMAAAAEAAAABQ==",
    "TB": "User-Agent: Mozilla Thunderbird",
    "IP": "X-Mailer: iPhone Mail (22A3354)",
}
_WAV = (
    b"RIFF\x24\x00\x00\x00WAVEfmt "
    + bytes.fromhex("100000000100010040 1f0000803e0000 02001000")
    + b"data\0\0\0\0"
)
_COPY = (
    f"Received: from desk.example by mx.example\nMessage-ID: {OURS}\nDate: Mon, 2 Mar 2026 10:00:00 +0000\n"
    "From: Support <support@desk.example>\nTo: {to}\nSubject: Re: [#12] Printer\n"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One message and what it is. expect: recipient, status and action of a bounce."""

    place: str
    kind: str
    expect: tuple[str, ...]
    codes: tuple[str, ...]
    sender: str
    subject: str
    text: str

    def raw(self) -> bytes:
        return _build(self)


@dataclass(frozen=True, slots=True)
class Judged:
    row: Row
    message: ParsedMessage
    verdict: Classification

    @property
    def right(self) -> bool:
        return self.verdict.kind.value in self.row.kind.split("/")


def rows(heap: str) -> list[Row]:
    """All rows of one heap's files, in order."""
    return [row for path in sorted((HERE / heap).glob("*.txt")) for row in _read(path)]


def _read(path: Path) -> Iterable[Row]:
    found: Row | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("  ") and found is not None:
            text = "" if line.strip() == "~" else line[2:]
            found = replace(found, text=f"{found.text}{text}\n")
        elif line.strip() and not line.startswith("#"):
            if found is not None:
                yield found
            cells = [cell.strip() for cell in re.split(r"\s*\|\s+", line, maxsplit=3)]
            if len(cells) != 4:
                raise ValueError(f"{path.name}:{number}: a row has four cells, this has {len(cells)}")
            kind, *expect = cells[0].split()
            codes = tuple(re.findall(r"\{[^}]*\}|\S+", cells[1]))
            found = Row(f"{path.name}:{number}", kind, tuple(expect), codes, cells[2], cells[3], "")
    if found is not None:
        yield found


def _build(row: Row) -> bytes:
    fields = [line for code in row.codes for line in _fields(code)]
    given = {line.partition(":")[0].lower() for line in fields}
    subject = row.subject if row.subject.isascii() else Header(row.subject, "utf-8", 900).encode()
    name, _, address = row.sender.rpartition("<")
    name = Header(name.strip(), "utf-8").encode() if not name.isascii() else name.strip()
    sender = (f"{name} <{address}" if address and name else row.sender) or "Kim Miller <kim@customer.example>"
    for field in (
        f"From: {sender}",
        "To: support@desk.example",
        f"Subject: {subject}",
        "Date: Tue, 3 Mar 2026 12:00:00 +0000",
        f"Message-ID: <{_number(row)}@{address.partition('@')[2].strip('> ') or 'customer.example'}>",
        "MIME-Version: 1.0",
    ):
        if field.partition(":")[0].lower() not in given and not field.startswith("From: -"):
            fields.append(field)
    kind, body = _body(row)
    return ("\r\n".join([*fields, kind, "", ""]) + body.replace("\n", "\r\n")).encode()


def _number(row: Row) -> int:
    """The same number for the same row in every run."""
    return sum((index + 1) * ord(char) for index, char in enumerate(row.place + row.subject))


def _fields(code: str) -> list[str]:
    if code.startswith("{"):
        return code[1:-1].replace("\\n", "\n").split("\n")
    return CODES[code].split("\n") if code in CODES else []


def _body(row: Row) -> tuple[str, str]:
    """(Content-Type and what belongs to it, the body)."""
    html = "HTML" in row.codes
    text_type = f"text/{'html' if html else 'plain'}; charset=utf-8"
    to = row.expect[0] if row.expect and "@" in row.expect[0] else "bob@gone.example"
    copy = _COPY.format(to=to)
    if "DSN" in row.codes:
        return _report(row, text_type, copy)
    returned = f"\n{copy}\nIt should print now.\n" if "COPY" in row.codes else ""
    text = row.text + (f"<pre>{escape(returned)}</pre>" if html and returned else returned)
    extra = ""
    if "RFC" in row.codes:
        extra += f"--b\nContent-Type: message/rfc822\n\n{copy}\nIt should print now.\n"
    for code in row.codes:
        name, _, file = code.partition("=")
        if name in ("WAV", "MP3"):
            kind, data = ("audio/x-wav", _WAV) if name == "WAV" else ("audio/mpeg", b"ID3\x03" + bytes(60))
            extra += (
                f'--b\nContent-Type: {kind}; name="{file}"\n'
                f'Content-Disposition: attachment; filename="{file}"\n'
                f"Content-Transfer-Encoding: base64\n\n{b64encode(data).decode()}\n"
            )
        if name == "ICS":
            extra += (
                f"--b\nContent-Type: text/calendar; method={file}; charset=utf-8\n\nBEGIN:VCALENDAR\n"
                f"METHOD:{file}\nBEGIN:VEVENT\nSUMMARY:Call\nEND:VEVENT\nEND:VCALENDAR\n"
            )
    if extra:
        first = f"--b\nContent-Type: {text_type}\nContent-Transfer-Encoding: 8bit\n\n{text}\n"
        return "Content-Type: multipart/mixed; boundary=b", f"{first}{extra}--b--\n"
    return f"Content-Type: {text_type}\r\nContent-Transfer-Encoding: 8bit", text


def _report(row: Row, text_type: str, copy: str) -> tuple[str, str]:
    to, status, action = (*row.expect, "failed")[:3]
    note = next((code[4:] for code in row.codes if code.startswith("DIA=")), "").replace("_", " ")
    diagnostic = f"Diagnostic-Code: {note}\n" if note else ""
    body = (
        f"--b\nContent-Type: {text_type}\n\n{row.text}\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; {to}\nAction: {action}\nStatus: {status}\n{diagnostic}\n"
        f"--b\nContent-Type: text/rfc822-headers\n\n{copy}\n--b--\n"
    )
    return "Content-Type: multipart/report; report-type=delivery-status; boundary=b", body


def judge(heap: str) -> list[Judged]:
    """Every message of a heap as understood."""
    made = []
    for row in rows(heap):
        message = parse(row.raw())
        made.append(Judged(row, message, classify(message, ENVELOPE, SITE)))
    return made


def shares(judged: Iterable[Judged]) -> dict[str, tuple[int, int]]:
    """Kind -> (right, all)."""
    everything = list(judged)
    right = Counter(one.row.kind for one in everything if one.right)
    return {kind: (right[kind], count) for kind, count in Counter(o.row.kind for o in everything).items()}


def answered(judged: Iterable[Judged]) -> list[Judged]:
    """Messages of machines that would be answered."""
    human = Kind.HUMAN.value
    return [one for one in judged if human not in one.row.kind.split("/") and one.verdict.may_answer]
