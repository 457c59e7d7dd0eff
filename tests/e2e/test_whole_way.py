"""The whole way on real parts: Postfix in front, Dovecot for IMAP, real Vosk, a captured relay behind."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage, Message
from pathlib import Path

from mailbridge.policy.library import shipped_text
from tests.e2e.running import Daemon, Relay, daemon, quick_policy, words
from tests.needs import ROOT, need_program
from tests.servers.dovecot import dovecot
from tests.servers.ports import free_port
from tests.servers.postfix import postfix

JO, ANN, SUPPORT = "jo@customer.example", "ann@staff.example", "support@desk.example"
ESCALATION = "supportescalation@desk.example"
MODEL = ROOT / "transcription" / "data" / "vosk-model-tiny-en-voicemail"
SAMPLES = ROOT / "tests" / "transcription" / "samples"


def send(port: int, mail: EmailMessage, to: str = "") -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.send_message(mail, to_addrs=[to] if to else None)


def letter(sender: str, subject: str, text: str, to: str = SUPPORT) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Message-ID"] = f"<{abs(hash((sender, subject, text)))}@client.example>"
    mail.set_content(text)
    return mail


def answer(original: Message, sender: str, text: str) -> EmailMessage:
    subject = "Re: " + " ".join(str(original["Subject"]).split())
    mail = letter(sender, subject, text, str(original["Reply-To"] or original["From"]))
    mail["In-Reply-To"] = str(original["Message-ID"])
    mail["References"] = " ".join(f"{original['References'] or ''} {original['Message-ID']}".split())
    return mail


def voicemail() -> EmailMessage:
    mail = letter(
        "Asterisk PBX <asterisk@pbx.example>",
        "[PBX]: New message 1 in mailbox 100",
        "Dear Support:\n\n\tJust wanted to let you know you were just left a 0:19 long message (number 1)\n"
        'in mailbox 100 from "Pat" <4155550123>, on Monday.\n',
    )
    mail["X-Asterisk-CallerID"] = "4155550123"
    mail["X-Asterisk-CallerIDName"] = "Pat"
    sound = (SAMPLES / "vm01-mulaw.wav").read_bytes()
    mail.add_attachment(sound, maintype="audio", subtype="x-wav", filename="msg0000.wav")
    return mail


def test_the_whole_way_behind_a_real_postfix_by_lmtp_and_smtp(tmp_path: Path) -> None:
    need_program("postfix", "postfix")
    policy = quick_policy(tmp_path, after_s=20, warn_s=10)
    lmtp = free_port()
    more = f"[lmtp]\nlisten = 127.0.0.1:{lmtp}\n\n[voicemail]\nmodel = {MODEL}\n"
    with Relay().serving() as relay, daemon(tmp_path, relay, more=more, policy=str(policy)) as desk:
        with postfix(f"lmtp:[127.0.0.1]:{lmtp}") as front:
            _first_half(desk, front.port)
        with postfix(f"smtp:[127.0.0.1]:{desk.smtp_port}") as front:
            _second_half(desk, front.port)


def _first_half(desk: Daemon, port: int) -> None:
    """Acknowledged; staff answer by mail; the customer replies; silence, warning, close, late reply."""
    send(port, letter(f"Jo Lee <{JO}>", "Checks upside down", "They print upside down."))
    acknowledgement = desk.mail_to(JO, "[#1]")
    assert acknowledgement["Auto-Submitted"] == "auto-replied"
    notice = desk.mail_to(ANN, "They print upside down.")
    send(port, answer(notice, f"Ann Lee <{ANN}>", "Please turn the paper."))
    reply = desk.mail_to(JO, "Please turn the paper.")
    desk.wait_status(1, "waiting")
    send(port, answer(reply, JO, "That did not help."))
    desk.wait_status(1, "open")
    second = desk.mail_to(ANN, "That did not help.")
    send(port, answer(second, ANN, "Then turn it twice."))
    desk.mail_to(JO, "Then turn it twice.")
    warning = desk.mail_to(JO, "closes")
    desk.wait_status(1, "closed")
    send(port, answer(warning, JO, "Sorry, I was away. It still does it."))
    desk.wait_status(1, "open")
    desk.mail_to(JO, "open again")


def _second_half(desk: Daemon, port: int) -> None:
    """A voicemail with its transcript; an escalation that quotes the original; a stranger who guesses."""
    send(port, voicemail(), SUPPORT)
    said = desk.mail_to(ANN, "transcript").as_string()
    assert said
    shown = desk.wait("the transcript", lambda: _transcript(desk, 2))
    assert shown["confidence"] > 0.7
    escalation = letter(JO, "Fwd: Checks upside down", "Nobody solved this:\n\n" + FORWARDED, ESCALATION)
    send(port, escalation)
    desk.wait("the escalation", lambda: _row(desk, 1)["escalation_level"] == 1 or None)
    send(port, letter("mallory@evil.example", "Re: [#1]", "What did they say?"))
    desk.wait("a case of her own", lambda: len(desk.run("case", "list")) == 3 or None)
    assert not any("upside" in words(mail) for mail in desk.relay.to("mallory@evil.example"))


FORWARDED = f"""---------- Forwarded message ---------
From: Jo Lee <{JO}>
Date: Mon, 23 Nov 2026 at 09:00
Subject: Checks upside down
To: <{SUPPORT}>

They print upside down.
"""


def _row(desk: Daemon, number: int) -> dict[str, object]:
    return next(row for row in desk.run("case", "list") if row["number"] == number)


def _transcript(desk: Daemon, number: int) -> dict[str, float] | None:
    shown = desk.run("case", "show", str(number))
    return next((m["transcript"] for m in shown["messages"] if m.get("transcript")), None)


def test_a_real_imap_mailbox_is_read_flagged_and_answered(tmp_path: Path) -> None:
    with dovecot() as server:
        raw = letter(JO, "By IMAP", "From a mailbox.").as_bytes().replace(b"\n", b"\r\n")
        server.put("1.first", raw)
        more = (
            f"[imap box]\nhost = 127.0.0.1\nport = {server.port}\ntls = none\nuser = {server.user}\n"
            f"password = {server.password}\naddress = {SUPPORT}\npoll_s = 1\n"
        )
        with Relay().serving() as relay, daemon(tmp_path, relay, more=more) as desk:
            acknowledgement = desk.mail_to(JO, "[#1]")
            server.put("2.second", answer(acknowledgement, JO, "One more thing.").as_bytes())
            desk.mail_to(ANN, "One more thing.")
            assert len(desk.run("case", "list")) == 1


def test_the_policy_file_of_the_scenario_is_mekorma_but_for_its_silence() -> None:
    text = shipped_text("mekorma")
    assert "after = 48 hours" in text
    assert "warn-before = 24 hours" in text
