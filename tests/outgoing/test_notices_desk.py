"""The notices of every shipped policy as the real desk sends them: read as files, true fact by fact.

MAILBRIDGE_GOLDEN_UPDATE=1 writes tests/golden/desk/<policy>/<notice>.txt and .html anew; read them before you
keep them. The mails come out of the real rules and store, so a notice that promises too much is seen here and
not only in an example that somebody wrote.
"""

from __future__ import annotations

import html
import os
import re
from datetime import UTC, datetime
from email.message import Message
from pathlib import Path

import pytest

from mailbridge.model.notice import Notice, NoticeKind
from mailbridge.outgoing.notices import Renderer, check_templates, default_template_dir, example
from mailbridge.policy import command, command_open
from mailbridge.policy.library import load_policy
from tests.outgoing.notices_of_desk import JO, POLICIES, Told, notices_of, site, told
from tests.scenarios.site import ANN, BOB, Office

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "desk"
TO_CUSTOMER = ("acknowledgement", "staff_answer", "auto_close", "closed", "reopened", "escalation_ack")
EVIL = '{{ 7*7 }} {% raw %} <script>alert(1)</script> "&amp;"'


@pytest.mark.parametrize("policy", POLICIES)
def test_golden(policy: str) -> None:
    notices = notices_of(policy)
    folder = GOLDEN / policy
    for name, mail in notices.items():
        seen = told(mail)
        head = f"To: {mail['To']}\nSubject: {seen.subject}\n\n"
        for ending, content in ((".txt", head + seen.text.strip("\n") + "\n"), (".html", seen.html)):
            file = folder / f"{name}{ending}"
            if os.environ.get("MAILBRIDGE_GOLDEN_UPDATE") == "1":
                folder.mkdir(parents=True, exist_ok=True)
                file.write_text(content, "utf-8")
            assert file.read_text("utf-8") == content, f"{policy}/{file.name} differs: read it, then update"
    assert {file.stem for file in folder.iterdir()} == set(notices)


def _visible(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _both(seen: Told, fact: str) -> bool:
    flat = " ".join(fact.split())
    return flat in " ".join(seen.text.split()) and flat in _visible(seen.html)


def _ack_facts(policy: str) -> list[str]:
    """What a Monday morning's acknowledgement must say, worked out by hand from the policy's text."""
    return {
        "mekorma": ["Monday, November 16, 3:00 PM Pacific Time (5:00 PM Central Time)", "6 working hours",
                    "Monday to Thursday 8 AM to 7 PM, Friday 8 AM to 6 PM (Central)"],
        "memsource": ["Tuesday, November 17, 5:00 AM UTC", "12 hours", "24 hours a day"],
        "gotomyerp": ["Thursday, November 19, 6:00 PM Eastern Time", "24-48 working hours",
                      "Level 3: Minimal business impact", "in the support portal only"],
        "standard-enterprise": ["Tuesday, November 17, 11:00 AM Central Time", "1 business day",
                                "Low priority", "Response times may vary"],
        "tekstack": ["This mail is our first response", "4 working hours", "Normal",
                     "A fix released on the normal release cycle",
                     "by Monday, November 23, 12 noon",
                     "Please tell us the severity (critical, normal or low)"],
    }[policy]  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
def test_the_acknowledgement_says_the_promise_in_text_and_html(policy: str) -> None:
    seen = told(notices_of(policy)["acknowledgement"])
    for fact in ["case 1", "Checks upside down", "Jo Lee", "[#1]", "supportescalation@desk.example"]:
        assert _both(seen, fact), fact
    for fact in _ack_facts(policy):
        assert _both(seen, fact), fact


@pytest.mark.parametrize("policy", POLICIES)
def test_every_notice_names_its_case_in_text_and_html(policy: str) -> None:
    for name, mail in notices_of(policy).items():
        seen = told(mail)
        assert re.search(r"\[#\d+\]", seen.subject), name
        if not name.startswith("staff_answer"):
            number = re.search(r"\[#(\d+)\]", seen.subject)
            assert number is not None
            assert re.search(rf"\b{number[1]}\b", seen.text), name
            assert re.search(rf"\b{number[1]}\b", _visible(seen.html)), name


@pytest.mark.parametrize("policy", POLICIES)
def test_no_mishaps_of_layout(policy: str) -> None:
    wrong = ("by by", "None", "<>", " .", "..", "()", "( ", "{{", "}}", "{%", "\n\n\n", "undefined")
    for name, mail in notices_of(policy).items():
        seen = told(mail)
        for bad in wrong:
            assert bad not in seen.text, (name, bad, seen.text)
        assert all(line == line.rstrip() or line == "-- " for line in seen.text.split("\n")), name
        assert seen.text.count("\n-- \n") == (1 if name.startswith(TO_CUSTOMER) else 0), name


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_promised_that_the_policy_does_not(policy: str) -> None:
    notices, rules = notices_of(policy), load_policy(policy)
    texts = {name: told(mail).text for name, mail in notices.items()}
    assert ("auto_close" in notices) is (rules.auto_close is not None)
    if rules.auto_close is None:
        assert not any(
            "closes by itself" in text or "reply to this mail until" in text for text in texts.values()
        )
    assert "escalat" not in texts["acknowledgement-no-escalation-address"]
    assert ("by " in texts["reopened"].split("is open again")[1]) is (
        policy == "mekorma"
    )  # the one with `next`
    assert ("first response" in texts["acknowledgement"]) is rules.acknowledgement_counts
    assert "You can expect our answer" not in texts["acknowledgement"] or not rules.acknowledgement_counts


@pytest.mark.parametrize("policy", POLICIES)
def test_severity_is_told_where_there_is_a_choice(policy: str) -> None:
    notices, rules = notices_of(policy), load_policy(policy)
    by_mail, by_portal = (told(notices[f"acknowledgement{end}"]).text for end in ("", "-portal"))
    many = len(rules.severities) > 1
    assert ("Severity: " in by_mail) is many
    assert "by mail or telephone" not in by_portal
    if many:
        assert f"Severity: {rules.severities[0].title}\n" in by_portal
        assert "portal only" not in by_portal


@pytest.mark.parametrize("policy", POLICIES)
def test_an_escalated_case_is_told_so_and_not_how_to_escalate(policy: str) -> None:
    text = told(notices_of(policy)["acknowledgement-escalated"]).text
    level = load_policy(policy).levels[0].title
    assert f"(level 1: {level})" in text
    assert "Our escalation address is" not in text


@pytest.mark.parametrize("policy", POLICIES)
def test_staff_are_offered_a_reply_only_where_it_reaches_the_customer(policy: str) -> None:
    notices = notices_of(policy)
    assert "your answer goes to the customer" in told(notices["staff_notice"]).text
    unknown = told(notices["staff_notice-unknown-caller"])
    assert _both(unknown, "No mail address of this customer is known")
    assert _both(unknown, "+15550100142")
    assert "your answer goes to the customer" not in unknown.text


@pytest.mark.parametrize("policy", POLICIES)
def test_a_german_mail_is_acknowledged_in_german(policy: str) -> None:
    mail = notices_of(policy)["acknowledgement-german"]
    seen = told(mail)
    if policy == "memsource":  # "provides its services in English"
        assert mail["Content-Language"] == "en"
        assert _both(seen, "Our team answers in English, and in writing.")
        assert "answers in English" not in told(notices_of(policy)["acknowledgement"]).text
        return
    assert seen.subject.startswith("Ihre Nachricht ist da")
    assert _both(seen, "Guten Tag Eva Maier")
    assert mail["Content-Language"] == "de"
    assert '<html lang="de">' in seen.html


def test_a_german_case_stays_german() -> None:
    for name, opening in (
        ("auto_close_warning", "Brauchen Sie uns noch?"),
        ("auto_close", "Fall 1 ist geschlossen"),
        ("reopened", "Fall 1 ist wieder offen"),
    ):
        seen = told(notices_of("mekorma")[f"{name}-german"])
        assert seen.subject.startswith(opening)
        assert _both(seen, "Guten Tag Eva Maier"), name


@pytest.mark.parametrize("policy", [policy for policy in POLICIES if policy != "tekstack"])
def test_no_time_that_has_passed_is_promised(policy: str) -> None:
    """Who escalates because the answer is late is not told to expect it last week."""
    seen = told(notices_of(policy)["escalation_acknowledgement-late"])
    assert _both(seen, "Our answer was due by")
    assert "You can expect" not in seen.text
    assert _both(told(notices_of(policy)["escalation-late"]), "Answer was due")


def test_a_language_without_words_is_answered_in_english_and_says_so() -> None:
    french = "Bonjour, depuis la mise à jour les chèques ne sont pas bons. Nous avons besoin de vous, merci."
    with site("mekorma") as office:
        office.mail("Luc <luc@client.example>", french, subject="Bonjour")
        assert office.case(1).language == "fr"
        assert office.mails("acknowledgement")[0]["Content-Language"] == "en"


def _evil(office: Office) -> dict[str, Message]:
    headers = {
        "From": f'"{{{{ 7*7 }}}} <b>Jo</b>" <{JO}>',
        "Subject": f"Help {EVIL} =?utf-8?q?=0D=0ABcc=3A_x=40evil.example?=",
    }
    office.mail(JO, f"{EVIL}\r\n.\r\nBcc: x@evil.example\r\n", headers=headers)
    return {kind: mail for kind, _people, mail in office.sent}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_customers_words_stay_words(policy: str) -> None:
    with site(policy) as office:
        for kind, mail in _evil(office).items():
            seen = told(mail)
            assert mail["Bcc"] is None, kind
            assert "\n" not in seen.subject
            assert "{{ 7*7 }}" in seen.text, kind
            assert "49" not in seen.text, kind
            assert "<script" not in seen.html, kind
            assert "<b>" not in seen.html, kind
            assert "&lt;script&gt;" in seen.html, kind
        assert {people for _, people, _ in office.sent} == {(JO,), (ANN,), (BOB,)}


def test_an_answer_of_staff_goes_out_whole() -> None:
    """Blank lines, indents and almost two hundred thousand characters are the staff's own."""
    text = (
        "    indented first\n\n\n\nafter a gap\n"
        + "\n".join(f"log line {n}" for n in range(13_000))
        + "\nthe end"
    )
    with site("mekorma") as office:
        office.mail(f"Jo Lee <{JO}>")
        office.desk.on_case(1, lambda f, c, n: command.reply(f, c, n, author=ANN, text=text))
        office.drain()
        seen = told(office.mails("staff_answer", JO)[0])
    assert seen.text.startswith("    indented first\n\n\n\nafter a gap\n")
    assert "log line 12999\nthe end\n" in seen.text
    assert "log line 12999\nthe end" in seen.html


def test_a_folder_of_an_admins_own_words_may_hold_one_file(tmp_path: Path) -> None:
    """docs/templates.md, "A word of your own": checked without a complaint, and used."""
    own = tmp_path / "closed" / "mekorma"
    own.mkdir(parents=True)
    page = (Path(__file__).resolve().parents[2] / "docs" / "templates.md").read_text("utf-8")
    shown = page.split("text.j2\n", 1)[1].split("```", 1)[0]
    (own / "text.j2").write_text(shown, "utf-8")
    assert check_templates([tmp_path]) == []
    notice = Notice(NoticeKind.CLOSED, (JO,), example(NoticeKind.CLOSED), policy="mekorma")
    rendered = Renderer([tmp_path, default_template_dir()]).render(notice)
    assert rendered.subject == "Case 1042 is closed: Checks print upside down"
    assert rendered.text.endswith("case 1042 is closed.\n\nThank you for printing with us!\n")
    (own / "text.j2").write_text("{{ case.nmber }}", "utf-8")
    assert "no attribute 'nmber'" in str(check_templates([tmp_path])[0])


@pytest.mark.parametrize("policy", POLICIES)
def test_every_word_of_a_policy_reaches_its_customers(policy: str) -> None:
    """No wording, link or typical resolution stands in a policy file for its admin alone."""
    rules = load_policy(policy)
    mails = [mail for name, mail in notices_of(policy).items() if name.startswith(TO_CUSTOMER)]
    with site(policy, datetime(2026, 11, 26, 20, 0, tzinfo=UTC)) as office:  # Thanksgiving, noon Pacific
        for severity in rules.severities:
            found = {"subject": "Help", "text": "x", "requester": JO, "severity": severity.name}
            office.desk.open_case(
                lambda facts, now, found=found: command_open.open_by_staff(facts, now, author=ANN, **found),
                JO,
            )
        office.drain()
        mails += office.mails("acknowledgement")
    seen = [told(mail) for mail in mails]
    wanted = [*rules.texts.values(), *rules.links.values(), *rules.resolution.values()]
    for fact in wanted:
        assert any(_both(one, fact) for one in seen), fact


@pytest.mark.parametrize("policy", POLICIES)
def test_text_and_html_of_the_desk_have_the_same_words(policy: str) -> None:
    """Word for word, apart from the frame: a colon or a dash is layout."""
    for name, mail in notices_of(policy).items():
        seen = told(mail)
        words = [re.findall(r"[\w@.+#'-]*\w", text) for text in (seen.text, _visible(_body(seen.html)))]
        assert sorted(words[0]) == sorted(words[1]), name


def _body(page: str) -> str:
    return re.sub(r"(?s)<head>.*?</head>", " ", page)
