"""`ingest`: kinds and outcomes, the forms of its input, and messages that were made to harm."""

from __future__ import annotations

import json
import mailbox
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.blackbox.judge import Site

OUTCOMES = {"created", "threaded", "duplicate", "ignored", "quarantined"}
KINDS = {
    "human", "voicemail", "staff", "auto_reply", "auto_generated", "bounce", "report", "calendar", "list",
    "loop",
}  # fmt: skip
REPORT = """\
From: MAILER-DAEMON@mx.example
To: support@desk.example
Subject: {subject}
Message-ID: <{report}@mx.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type={report}; boundary=b

--b
Content-Type: text/plain

For your information.
--b
Content-Type: message/{report}

{fields}

--b
Content-Type: message/rfc822

Subject: What you sent
Message-ID: <never.sent@desk.example>

Hello.
--b--
"""
FIELDS = {
    "delivery-status": "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; x@y.example\n"
    "Action: failed\nStatus: 5.1.1",
    "disposition-notification": "Final-Recipient: rfc822; x@y.example\n"
    "Disposition: manual-action/MDN-sent-manually; displayed",
    "feedback-report": "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1",
}


def taken(site: Site, mail: EmailMessage | bytes) -> dict[str, Any]:
    row = site.ingest(mail)
    assert set(row) >= {"file", "outcome", "kind", "case", "reason"}
    assert row["outcome"] in OUTCOMES
    assert row["kind"] in KINDS
    assert row["reason"]
    return row


def acknowledged(site: Site, case: int) -> bool:
    return any(row["kind"] == "acknowledgement" and row["case"] == case for row in site.queue())


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({}, "human"),
        ({"Auto_Submitted": "no"}, "human"),
        ({"Precedence": "first-class"}, "human"),
        ({"Auto_Submitted": "auto-generated"}, "auto_generated"),
        ({"Auto_Submitted": "auto-notified; owner-email=x@y.example"}, "auto_generated"),
        ({"List_Id": "<talk.lists.example>", "Precedence": "list"}, "list"),
        ({"X_Auto_Response_Suppress": "All"}, "human"),
        ({"From": "no-reply@customer.example"}, "auto_generated"),
    ],
    ids=str,
)
def test_what_opens_a_case_and_whether_it_is_acknowledged(
    site: Site, headers: dict[str, str], kind: str
) -> None:
    row = taken(site, site.mail(**headers))
    assert (row["outcome"], row["kind"], row["case"]) == ("created", kind, 1)
    answerable = kind == "human" and "All" not in headers.values()
    assert acknowledged(site, 1) is answerable


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto_reply"),
        ({"Auto_Submitted": "AUTO-REPLIED (vacation)"}, "auto_reply"),
        ({"X_Autoreply": "yes"}, "auto_reply"),
        ({"Precedence": "auto_reply"}, "auto_reply"),
        ({"subject": "Automatic reply: Fax", "Auto_Submitted": "auto-generated"}, "auto_reply"),
        ({"From": "support@desk.example"}, "loop"),
        ({"From": "supportescalation@desk.example"}, "loop"),
    ],
    ids=str,
)  # fmt: skip
def test_what_opens_no_case_and_is_never_answered(desk: Site, headers: dict[str, str], kind: str) -> None:
    before = desk.queue()
    row = taken(desk, desk.mail("I am away.", **headers))
    assert (row["outcome"], row["kind"], row["case"]) == ("ignored", kind, None)
    assert (len(desk.cases()), desk.queue()) == (2, before)


@pytest.mark.parametrize(
    ("report", "subject", "kind"),
    [
        ("delivery-status", "Undelivered Mail Returned to Sender", "bounce"),
        ("disposition-notification", "Read: your message", "report"),
        ("feedback-report", "Abuse report", "report"),
    ],
)
def test_reports_open_no_case(site: Site, report: str, subject: str, kind: str) -> None:
    text = REPORT.format(report=report, subject=subject, fields=FIELDS[report])
    row = taken(site, text.encode())
    assert (row["outcome"], row["kind"], row["case"], site.queue()) == ("ignored", kind, None, [])


def test_a_bounce_of_our_mail_is_filed_to_its_case(desk: Site) -> None:
    (ours,) = [row for row in desk.queue() if row["kind"] == "acknowledgement" and row["case"] == 1]
    raw = desk.run("queue", "show", ours["id"], "--raw").out
    ref = next(line for line in raw.splitlines() if line.startswith("Message-ID:"))
    text = REPORT.format(report="delivery-status", subject="Returned", fields=FIELDS["delivery-status"])
    row = taken(desk, text.replace("Message-ID: <never.sent@desk.example>", ref).encode())
    assert (row["outcome"], row["kind"], row["case"]) == ("threaded", "bounce", 1)
    assert desk.show(1)["status"] == "open"


def test_our_own_notice_that_comes_back_is_a_loop(desk: Site) -> None:
    (ours,) = [row for row in desk.queue() if row["kind"] == "acknowledgement" and row["case"] == 1]
    raw = desk.run("queue", "show", ours["id"], "--raw").out
    forwarded = raw.replace("From: Example Support <support@desk.example>", "From: jo@customer.example", 1)
    for text in (raw, forwarded):
        row = taken(desk, text.encode())
        assert (row["outcome"], row["kind"]) == ("ignored", "loop")
    assert len(desk.show(1)["messages"]) == 2


@pytest.mark.parametrize(
    ("method", "outcome"), [("REQUEST", "created"), ("REPLY", "ignored")], ids=["invitation", "answer"]
)
def test_calendars(site: Site, method: str, outcome: str) -> None:
    mail = site.mail(subject="Accepted: Meeting" if method == "REPLY" else "Meeting")
    event = "BEGIN:VEVENT\r\nSUMMARY:Meet\r\nEND:VEVENT\r\n"
    body = f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\n{event}END:VCALENDAR\r\n"
    mail.set_content(body, subtype="calendar", params={"method": method})
    assert (taken(site, mail)["outcome"], acknowledged(site, 1)) == (outcome, False)


def test_a_voicemail_is_a_case_before_it_looks_like_a_robot(site: Site) -> None:
    mail = site.mail(
        'just left a 0:12 long message (number 1) in mailbox 100 from "Kim" <5035550100>',
        "[PBX]: New message 1 in mailbox 100",
        From="Asterisk PBX <asterisk@pbx.example>",
        Auto_Submitted="auto-generated",
        X_Asterisk_CallerID="5035550100",
    )
    audio = next(Path(__file__).parent.parent.joinpath("transcription").rglob("vm14-short.wav")).read_bytes()
    mail.add_attachment(audio, maintype="audio", subtype="x-wav", filename="msg0001.wav")
    row = taken(site, mail)
    assert (row["outcome"], row["kind"]) == ("created", "voicemail")
    case = site.show(1)
    assert (case["channel"], case["requester"]) == ("voicemail", "")
    assert case["messages"][0]["attachments"][0]["size"] == len(audio)
    assert not any("pbx.example" in str(mail["to"]) for mail in site.queue())


# --- forms of the input -----------------------------------------------------------------------------------


def test_files_folders_maildir_mbox_and_standard_input(site: Site, tmp_path: Path) -> None:
    def text(name: str) -> bytes:
        return site.mail(f"This is {name}.", name, From=f"{name}@customer.example").as_bytes()

    (tmp_path / "one.eml").write_bytes(text("one"))
    (tmp_path / "folder").mkdir()
    for name in ("two", "three"):
        (tmp_path / "folder" / f"{name}.eml").write_bytes(text(name))
    maildir = mailbox.Maildir(tmp_path / "maildir")
    maildir.add(text("four"))
    box = mailbox.mbox(tmp_path / "box")
    for name in ("five", "six"):
        box.add(text(name))
    box.flush()
    paths = [str(tmp_path / name) for name in ("one.eml", "folder", "maildir", "box")]
    rows = site.run("ingest", "--json", *paths, "-", stdin=text("seven")).lines()
    assert [row["outcome"] for row in rows] == ["created"] * 7
    assert rows[0]["file"] == paths[0]
    assert all(any(path in row["file"] for path in [*paths, "-"]) for row in rows)
    assert {case["subject"] for case in site.cases()} == {
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
    }
    assert [row["outcome"] for row in site.run("ingest", "--json", *paths).lines()] == ["duplicate"] * 6


def test_what_cannot_be_read_is_told_and_the_rest_is_taken(site: Site, tmp_path: Path) -> None:
    good = tmp_path / "good.eml"
    good.write_bytes(site.mail().as_bytes())
    missing = str(tmp_path / "missing.eml")
    said = site.run("ingest", "--json", missing, str(good))
    said.refused(65, missing)
    assert [(row["file"], row["outcome"]) for row in said.lines()] == [(str(good), "created")]


def test_import_without_answers(site: Site) -> None:
    assert site.ingest(site.mail(), "--no-answer")["outcome"] == "created"
    assert not acknowledged(site, 1)


def test_a_store_that_is_not_available_is_75_and_takes_nothing(site: Site) -> None:
    config = site.config.read_text()
    site.config.write_text(config + "[store]\nurl = postgresql://nobody@127.0.0.1:1/none\n")
    said = site.run("ingest", "--json", stdin=site.mail().as_bytes())
    said.refused(75)
    assert said.out == ""
    site.config.write_text(config.replace("state = ", "state = /proc/none"))
    site.run("ingest", "--json", stdin=site.mail().as_bytes()).refused(75, "/proc/none")


# --- made to harm -----------------------------------------------------------------------------------------


def _head(subject: bytes) -> bytes:
    return b"From: a@b.example\nTo: support@desk.example\nSubject: %s\nMIME-Version: 1.0\n" % subject


def _nested(depth: int) -> bytes:
    opened = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth)
    )
    closed = b"".join(b"--b%d--\n" % n for n in reversed(range(depth)))
    return _head(b"x") + opened + b"Content-Type: text/plain\n\ndeep\n" + closed


MANY = [b"<c%d@x.example>" % number for number in range(10_000)]
HARM = {
    "nul bytes": _head(b"n\x00ul") + b"\nbody \x00 text",
    "ten thousand headers": _head(b"x") + b"".join(b"X-%d: v\n" % n for n in range(10_000)) + b"\nbody",
    "a header of a megabyte": _head(b"x") + b"X-Long: " + b"a" * 1_000_000 + b"\n\nbody",
    "ten thousand references": _head(b"x") + b"References: " + b" ".join(MANY) + b"\n\nb",
    "ten thousand recipients": _head(b"x") + b"Cc: " + b", ".join(MANY) + b"\n\nb",
    "a hundred deep": _nested(100),
    "a thousand deep": _nested(1000),
    "messages in messages": _head(b"x") + b"Content-Type: message/rfc822\n\n" * 200 + b"Subject: y\n\ny",
    "carriage returns alone": _head(b"x").replace(b"\n", b"\r") + b"\rbody\r",
    "no header": b"just words",
    "header alone": b"From: a@b.example\nSubject: x",
    "a line end": b"\n",
    "garbage": bytes(range(256)) * 40,
    "two senders": b"From: a@b.example, c@d.example\nSubject: x\n\nbody",
    "two From headers": b"From: a@b.example\nFrom: c@d.example\nSubject: x\n\nbody",
    "no such charset": _head(b"x") + b"Content-Type: text/plain; charset=klingon\n\n\xff\xfehello",
    "broken base64": _head(b"x") + b"Content-Transfer-Encoding: base64\n\n!!!***",
    "boundary that never comes": _head(b"x") + b"Content-Type: multipart/mixed; boundary=none\n\nbody",
    "empty boundary": _head(b"x") + b'Content-Type: multipart/mixed; boundary=""\n\nbody',
    "uuencode without end": _head(b"x") + b"\nbegin 644 x.bin\n" + b"M" * 61 + b"\n",
    "steering": _head(b"\x1b[31mred\x07 \xe2\x80\xaetxt") + b"\n\x1b]0;owned\x07 body",
}  # fmt: skip


def test_messages_made_to_harm_are_cases_like_any_other(site: Site, tmp_path: Path) -> None:
    paths = []
    for number, raw in enumerate(HARM.values()):
        paths.append(tmp_path / f"{number}.eml")
        # without a Message-ID the same words under the same subject would be the same message
        paths[-1].write_bytes(raw.replace(b"Subject: x", b"Subject: %d" % number))
    rows = site.run("ingest", "--json", *map(str, paths)).lines()
    assert len(rows) == len(HARM)
    for harm, row in zip(HARM, rows, strict=True):
        assert row["outcome"] in ("created", "threaded"), (harm, row)
        case = site.show(row["case"])
        assert "\x00" not in json.dumps(case, ensure_ascii=False), harm
    steered = str(rows[list(HARM).index("steering")]["case"])
    assert "\x1b" not in site.run("case", "show", steered).out + site.run("case", "list").out
    assert site.run("db", "check", "--json").json()["sound"] is True


def test_thirty_megabytes_come_in_and_out_whole(site: Site) -> None:
    raw = (
        _head(b"x")
        + b"Content-Type: application/octet-stream; name=a.bin\n\n"
        + b"\x00\xff\r\n \n" * 5_000_000
    )
    assert taken(site, raw)["outcome"] == "created"
    out = site.folder / "out"
    site.run("case", "show", "1", "--raw", "1", "--out", str(out))
    assert out.read_bytes() == raw


def test_an_empty_input_is_no_message(site: Site) -> None:
    said = site.run("ingest", "--json", stdin=b"")
    assert (said.code, [row["outcome"] for row in said.lines()], site.cases()) == (0, ["ignored"], [])
