# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""Robots: by headers, by words in many languages with a second sign, other desks, loops; and people who write like them."""

from __future__ import annotations

import pytest

from mailbridge.model.message import Kind
from tests.mail.make import FROM, REPLY, judge

ABSENCES = (
    ("Automatic reply: Your request", "I am out of the office until Monday."),
    ("Out of Office: Your request", "I am away."),
    ("Automatische Antwort: Ihre Anfrage", "Ich bin bis 9. März nicht im Büro."),
    ("Abwesend: Ihre Anfrage", "Ich bin im Urlaub."),
    ("Réponse automatique\u00a0: Votre demande", "Je suis absent du bureau."),
    ("Respuesta automática: Su consulta", "Estoy fuera de la oficina."),
    ("Fuori sede: richiesta", "Sono in ferie"),
    ("Resposta automática: O seu pedido", "Estou fora do escritório."),
    ("Afwezig: Uw verzoek", "Ik ben met vakantie."),
    ("Automatiskt svar: x", "Jag är borta"),
    ("Automatisk svar: x", "Jeg er på ferie."),
    ("Automaattinen vastaus: Pyyntösi", "Olen lomalla."),
    ("Odpowiedź automatyczna: x", "Jestem poza biurem."),
    ("Automatická odpověď: x", "Jsem mimo kancelář."),
    ("Automatická odpoveď: x", "Som na dovolenke."),
    ("Automatikus válasz: Kérése", "Szabadságon vagyok."),
    ("Otomatik yanıt: Talebiniz", "Ofis dışındayım."),
    ("Автоматический ответ: Ваш запрос", "Я в отпуске."),
    ("Автоматична відповідь: x", "Я у відпустці."),
    ("自動応答: お問い合わせ", "外出しております。"),
    ("自动答复: 您的请求", "我不在办公室。"),
    ("자동 회신: 문의", "부재중입니다."),
    ("Αυτόματη απάντηση: x", "Λείπω από το γραφείο."),
    ("תשובה אוטומטית: x", "אני לא במשרד"),
    ("رد تلقائي: x", "أنا خارج المكتب"),
    ("Răspuns automat: x", "Sunt plecat"),
    ("Automatski odgovor: x", "Nisam u uredu"),
    ("Samodejni odgovor: x", "Nisem v pisarni"),
    ("Автоматичен отговор: x", "Не съм в офиса"),
    ("ตอบกลับอัตโนมัติ: x", "ไม่อยู่"),
    ("Trả lời tự động: x", "vắng mặt"),
    ("Pat Miller is out of the office", "I will be out of the office and will return on 9.1."),
    (
        "AUTO: Pat Miller is out of the office (returning 03/09/2026)",
        "I am out of the office until 03/09/2026.",
    ),
    ("Re: Automatic reply: x", "I am out of the office."),
)
PEOPLE = (
    ("Out of office supplies: please send paper", "We are out of office supplies"),
    ("Automatic reply does not work in your app", "How do I set the automatic reply?"),
    ("Undeliverable mail to our customers", "Some mails come back as undeliverable. What can we do?"),
    ("Question about vacation", "I will be on vacation next week, so please call before"),
    (
        "Re: [#12] We received your request",
        "any news?\n\n> We have received your request. Your ticket number is 12.",
    ),
    ("Delivery failed for my parcel", "The delivery failed yesterday, where is my parcel?"),
    ("Ticket number 4711?", "What happened with ticket #4711"),
    ("Read: my manual?", "I read it"),
    ("Fwd: Automatic reply: Meeting", "look what I got: I am out of the office"),
    ("Unsubscribe", "please unsubscribe me"),
    ("Confirm my order", "please confirm"),
    ("Holiday: office closed?", "Are you closed?"),
    ("New voicemail from customers are lost", "They do not arrive"),
    ("Your request", "We have received your request about the invoice, but it does not fit our records"),
)
FIELDS = (
    ("Auto-Submitted: auto-replied (vacation)", Kind.AUTO_REPLY),
    ("Auto-Submitted: auto-generated", Kind.AUTO_GENERATED),
    ('Auto-Submitted: auto-notified; owner-email="x@y"', Kind.AUTO_GENERATED),
    ("X-Autoreply: yes", Kind.AUTO_REPLY),
    ("X-Autorespond: x", Kind.AUTO_REPLY),
    ("Precedence: auto_reply", Kind.AUTO_REPLY),
    ("Precedence: bulk", Kind.HUMAN),  # a gateway says so of a person's mail to us: a case, unanswered
    ("X-FC-Machinegenerated: true", Kind.AUTO_GENERATED),
    ("List-Unsubscribe: <mailto:x@y>", Kind.LIST),
    ("X-POST-MessageClass: 9; Autoresponder", Kind.AUTO_REPLY),
    ("Delivered-To: Autoresponder", Kind.AUTO_REPLY),
    ("X-Mailbridge-Loop: x", Kind.LOOP),
    ("X-Loop: support@desk.example", Kind.LOOP),
    ("Delivered-To: support@desk.example\nDelivered-To: support@desk.example", Kind.LOOP),
    ("\n".join(["Received: from a by b"] * 60), Kind.LOOP),
    ("X-Failed-Recipients: a@b.example", Kind.BOUNCE),
    ("X-Cron-Env: <SHELL=/bin/sh>", Kind.AUTO_GENERATED),
)
UNANSWERED = (
    "X-Auto-Response-Suppress: DR, OOF, AutoReply",
    "X-Auto-Response-Suppress: All",
    "X-Spam-Flag: YES",
    "Return-Path: <>",
    "Reply-To: other@elsewhere.example",
    "X-Loop: someone",
    "Feedback-ID: x",
    "X-Zendesk-Email-Id: 1",
)
DESKS = (
    ("Subject: [Request received] Printer\nX-Mailer: Zendesk\nAuto-Submitted: auto-generated", "Your request (1234) has been received."),
    ("Subject: Ticket Received - Printer\nX-Freshdesk-Ticket: 1", "We have received your request and a ticket has been created."),
    ("Subject: [vendor #55] AutoReply: Printer\nPrecedence: bulk", "This message has been automatically generated"),
    ("Subject: Support Ticket Opened [#12345]\nAuto-Submitted: auto-replied", "A support request has been created"),
    (
        "Subject: Re: [Case 12345] We have received your request\nIn-Reply-To: <case-12345.1.abcdef@desk.example>",
        "Thank you. We have received your message. Your ticket number is 778. We will reply within one business day.",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("subject", "text"), ABSENCES)
def test_absence_in_many_languages_without_any_header(subject: str, text: str) -> None:
    verdict = judge(f"{REPLY}Subject: {subject}", text)
    assert (verdict.kind, verdict.may_answer) == (Kind.AUTO_REPLY, False), verdict.reason


@pytest.mark.parametrize("headers", [FROM, REPLY])
@pytest.mark.parametrize(("subject", "text"), PEOPLE)
def test_people_who_write_about_robots(subject: str, text: str, headers: str) -> None:
    verdict = judge(f"{headers}Subject: {subject}", text)
    assert (verdict.kind, verdict.may_answer) == (Kind.HUMAN, True), verdict.reason or verdict.no_answer


@pytest.mark.parametrize(("field", "kind"), FIELDS)
def test_fields_that_decide(field: str, kind: Kind) -> None:
    verdict = judge(f"{FROM}Subject: question\n{field}")
    assert (verdict.kind, verdict.may_answer) == (kind, False), verdict.reason


@pytest.mark.parametrize(
    "field", ["Auto-Submitted: no", "X-Auto-Response-Suppress: None", "Precedence: first-class"]
)
def test_fields_that_say_nothing(field: str) -> None:
    verdict = judge(f"{FROM}Subject: question\n{field}")
    assert (verdict.kind, verdict.may_answer) == (Kind.HUMAN, True)


@pytest.mark.parametrize("field", UNANSWERED)
def test_a_persons_case_without_an_automatic_answer(field: str) -> None:
    verdict = judge(f"{FROM}Subject: question\n{field}", "Hello, my printer is broken. Can you help?")
    assert (verdict.kind, verdict.may_answer) == (Kind.HUMAN, False)
    assert verdict.no_answer


@pytest.mark.parametrize(("headers", "text"), DESKS)
def test_another_desk_acknowledges(headers: str, text: str) -> None:
    verdict = judge(FROM.replace("pat@customer", "helpdesk@vendor") + headers, text)
    assert (verdict.kind, verdict.may_answer) == (Kind.AUTO_REPLY, False), verdict.reason


@pytest.mark.parametrize("sender", ["", "<>"])
def test_the_null_sender_of_the_envelope_is_never_answered(sender: str) -> None:
    """aiosmtpd hands over "<>", others ""."""
    assert not judge(f"{FROM}Subject: question", mail_from=sender).may_answer
    assert judge(f"{FROM}Subject: question", mail_from="pat@customer.example").may_answer


def test_our_own_address_is_a_loop_but_a_web_form_is_a_customer() -> None:
    own = "From: Support <support@desk.example>\nTo: support@desk.example\nSubject: hi\n"
    assert judge(own).kind is Kind.LOOP
    form = judge(own + "Reply-To: customer@customer.example")
    assert (form.kind, form.may_answer) == (Kind.HUMAN, False)


def test_the_rule_table_is_recorded_in_order() -> None:
    verdict = judge(f"{FROM}Subject: question\nX-Autoreply: yes")
    rules = [hit.rule for hit in verdict.hits]
    assert rules[0] == "own-loop"
    assert rules.index("bounce") < rules.index("voicemail") < rules.index("auto-reply-header")
    assert [hit.rule for hit in verdict.hits if hit.hit] == ["auto-reply-header"]


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Read: Your request", "Your message\n\nTo: Pat\nSubject: Your request\n\nwas read on Tuesday"),
        ("Gelesen: Anfrage", "Ihre Nachricht an Pat wurde gelesen am 3.3."),
    ],
)
def test_read_receipts_in_plain_words(subject: str, text: str) -> None:
    assert judge(f"{FROM}Subject: {subject}", text).kind is Kind.REPORT


@pytest.mark.parametrize(
    ("method", "kind"), [("REPLY", Kind.CALENDAR), ("CANCEL", Kind.CALENDAR), ("REQUEST", Kind.CALENDAR)]
)
def test_calendar_mail(method: str, kind: Kind) -> None:
    body = f"BEGIN:VCALENDAR\nMETHOD:{method}\nBEGIN:VEVENT\nSUMMARY:Call\nEND:VEVENT\nEND:VCALENDAR"
    verdict = judge(f"{FROM}Subject: Call\nContent-Type: text/calendar; method={method}", body)
    assert (verdict.kind, verdict.may_answer) == (kind, False)
