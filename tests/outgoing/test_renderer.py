"""The renderer: which template is found, what a customer's words cannot do, what a broken template does."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from mailbridge.errors import Permanent
from mailbridge.model.notice import Audience, Notice, NoticeAttachment, NoticeKind
from mailbridge.outgoing.notices import Renderer, check_templates, default_template_dir, example

ACK = NoticeKind.ACKNOWLEDGEMENT


def _write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.j2").write_text(content, "utf-8")


def _notice(kind: NoticeKind = ACK, policy: str = "", language: str = "en", **more: object) -> Notice:
    return Notice(kind, ("jo@customer.example",), example(kind) | more, policy=policy, language=language)


def test_shipped_templates_are_whole() -> None:
    assert check_templates() == []


@pytest.mark.parametrize(
    ("policy", "language", "expected"),
    [
        ("tekstack", "fr", "policy and language"),
        ("tekstack", "fr-CA", "policy and language"),
        ("tekstack", "en", "policy"),
        ("memsource", "fr", "language"),
        ("memsource", "en", "default"),
        ("../../etc", "fr", "language"),
    ],
)
def test_the_most_specific_is_found(tmp_path: Path, policy: str, language: str, expected: str) -> None:
    kind = tmp_path / "acknowledgement"
    _write(kind / "tekstack" / "fr", text="policy and language")
    _write(kind / "tekstack", text="policy")
    _write(kind / "fr", text="language")
    _write(kind, text="default")
    renderer = Renderer([tmp_path, default_template_dir()])
    data = example(ACK) | {"language": language[:2]}
    rendered = renderer.render(Notice(ACK, ("a@b.example",), data, policy=policy, language=language))
    assert rendered.text == expected + "\n"
    assert rendered.language == ("fr" if "language" in expected else "en")


def test_no_mail_speaks_two_languages() -> None:
    """German templates are used only where the facts are told in German."""
    renderer = Renderer([default_template_dir()])
    assert "Guten Tag" not in renderer.render(_notice(language="de")).text
    told_in_german = renderer.render(
        Notice(ACK, ("a@b.example",), example(ACK) | {"language": "de"}, language="de")
    )
    assert "Guten Tag" in told_in_german.text
    assert '<html lang="de">' in told_in_german.html


def test_a_set_without_html_shows_its_text_as_html(tmp_path: Path) -> None:
    _write(tmp_path / "closed", text="Bye {{ case.requester_name }} & <all>\n\nsecond")
    renderer = Renderer([tmp_path, default_template_dir()])
    rendered = renderer.render(_notice(NoticeKind.CLOSED))
    assert "Bye Jo Lee &amp; &lt;all&gt;" in rendered.html
    assert "second" in rendered.html
    assert rendered.subject == "Case 1042 is closed: Checks print upside down"  # of the next set


@pytest.mark.parametrize(
    "broken",
    ["{{ case.nmber }}", "{% if %}", "{{ 1 // 0 }}", "{{ case.number | nofilter }}",
     "{{ ''.__class__.__mro__ }}",
     "{% for a in range(90000) %}xxxxxxxxxx{% endfor %}", "{{ case.update({'number': 1}) }}",
     "{% include '../../../etc/passwd' %}", "{{ case.subject + 1 }}"],
)  # fmt: skip
def test_a_broken_template_falls_back_and_is_told(tmp_path: Path, broken: str) -> None:
    _write(tmp_path / "acknowledgement", text=broken)
    rendered = Renderer([tmp_path, default_template_dir()]).render(_notice())
    assert "case 1042" in rendered.text
    assert str(tmp_path / "acknowledgement") in rendered.problem
    problems = check_templates([tmp_path])
    assert [(problem.source, problem.section) for problem in problems] == [(str(tmp_path), "acknowledgement")]


def test_without_any_template_it_is_permanent(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="there is no template closed"):
        Renderer([tmp_path]).render(_notice(NoticeKind.CLOSED))


def test_a_customers_words_are_never_a_template() -> None:
    data = example(NoticeKind.STAFF_NOTICE)
    evil = "{{ 7 * 7 }}{% raw %}<script>alert(1)</script>\x00\u202egnp.exe"
    data["message"] = data["message"] | {"text": evil, "author_name": evil}
    data["case"] = data["case"] | {"subject": evil + "\r\nBcc: all@customer.example"}
    rendered = Renderer([default_template_dir()]).render(
        Notice(NoticeKind.STAFF_NOTICE, ("a@b.example",), data)
    )
    assert "{{ 7 * 7 }}" in rendered.text
    assert "<script>" not in rendered.html
    for content in (rendered.subject, rendered.text, rendered.html):
        assert "\x00" not in content
        assert "\u202e" not in content
    assert "\n" not in rendered.subject
    assert not any(line.startswith("Bcc:") for line in rendered.text.splitlines())


def test_a_name_cannot_start_a_paragraph() -> None:
    data = example(ACK)
    data["case"] = data["case"] | {"requester_name": "Jo,\n\nYou won. Visit http://evil.example\n\nHello"}
    rendered = Renderer([default_template_dir()]).render(Notice(ACK, ("a@b.example",), data))
    assert rendered.text.startswith("Hello Jo, You won.")


def test_long_facts_are_cut() -> None:
    data = example(NoticeKind.STAFF_NOTICE)
    data["message"] = data["message"] | {"text": "x" * 1_000_000}
    data["case"] = data["case"] | {"subject": "s" * 100_000}
    rendered = Renderer([default_template_dir()]).render(
        Notice(NoticeKind.STAFF_NOTICE, ("a@b.example",), data)
    )
    assert len(rendered.text) < 25_000
    assert "[...]" in rendered.text
    assert len(rendered.subject) <= 500


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_the_least_facts_are_enough(kind: NoticeKind) -> None:
    """Optional sections may be absent in every kind that does not speak of them."""
    spoken = {
        NoticeKind.AUTO_CLOSE_WARNING: "close",
        NoticeKind.AUTO_CLOSE: "close",
        NoticeKind.ESCALATION: "escalation",
        NoticeKind.UNDELIVERABLE: "undeliverable",
    }
    data: dict[str, object] = {"site": {"name": "Desk", "support": "s@desk.example"}, "case": {"number": 7}}
    if kind in spoken:
        section = spoken[kind]
        data[section] = (example(kind) | {"undeliverable": {"recipient": "x@y.example"}})[section]
    rendered = Renderer([default_template_dir()]).render(Notice(kind, ("a@b.example",), data))
    assert rendered.problem == ""
    assert rendered.subject


@pytest.mark.parametrize("data", [{}, {"site": {"name": "Desk"}}, {"case": {"number": 7}}])
def test_no_notice_without_name_and_number(data: dict[str, object]) -> None:
    with pytest.raises(Permanent):
        Renderer([default_template_dir()]).render(Notice(ACK, ("a@b.example",), data))


def test_rendering_is_quick() -> None:
    """Measured 0.8 ms; the bound leaves room for a slow machine, not for compiling anew (40 ms)."""
    renderer = Renderer([default_template_dir()])
    notice = _notice()
    renderer.render(notice)
    start = time.process_time()
    for _ in range(50):
        renderer.render(notice)
    assert (time.process_time() - start) / 50 < 0.01


@pytest.mark.parametrize("kind", list(NoticeKind))
def test_what_a_kind_is(kind: NoticeKind) -> None:
    """RFC 3834: triggered by a message, by a clock, or written by a person."""
    replied = {
        "acknowledgement",
        "transcript",
        "escalation_acknowledgement",
        "reopened",
        "attachment_refused",
    }
    expected = "" if kind is NoticeKind.STAFF_ANSWER else "auto-generated"
    assert kind.auto_submitted == ("auto-replied" if kind.value in replied else expected)
    assert kind.automatic is (kind is not NoticeKind.STAFF_ANSWER)
    staff = {
        "escalation",
        "staff_notice",
        "deadline_warning",
        "deadline_missed",
        "status_update_due",
        "undeliverable",
    }
    assert (kind.audience is Audience.STAFF) is (kind.value in staff)


def test_an_automatic_notice_carries_no_files() -> None:
    with pytest.raises(ValueError, match="no attachments"):
        Notice(ACK, ("a@b.example",), attachments=(NoticeAttachment("a", "text/plain", b""),))


def test_a_warm_renderer_reads_and_compiles_nothing_any_more(tmp_path: Path) -> None:
    """The first notice of a kind is rendered under the write lock of the store: mail waited 100 ms for it."""
    folder = tmp_path / "templates"
    shutil.copytree(default_template_dir(), folder)
    fresh, warm = Renderer([folder]), Renderer([folder])
    expected = {kind: fresh.render(_notice(kind)) for kind in NoticeKind}
    warm.warm()
    shutil.rmtree(folder)
    assert {kind: warm.render_set(0, kind.value, example(kind)) for kind in NoticeKind} == expected


def test_a_broken_template_does_not_keep_a_renderer_cold(tmp_path: Path) -> None:
    _write(tmp_path / "acknowledgement", text="{{ nothing.of.this }}")
    renderer = Renderer([tmp_path, default_template_dir()])
    renderer.warm()
    rendered = renderer.render(_notice())
    assert "acknowledgement" in rendered.problem
    assert rendered.text == Renderer([default_template_dir()]).render(_notice()).text
