"""Each notice as it is sent, kept as files to be read by a person: a change of words is a change of a file.

MAILBRIDGE_GOLDEN_UPDATE=1 writes them anew. Policies stand by name; "default" holds every kind with its
example.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mailbridge.model.notice import Audience, Notice, NoticeKind
from mailbridge.outgoing.notices import Rendered, Renderer, default_template_dir, example
from tests.outgoing.facts_of import POLICIES, facts

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
CALL = {"caller": "+1 555 0100", "duration_words": "42 seconds", "transcript": "", "pending": True}
HEARD = CALL | {"pending": False, "transcript": "hello this is jo my checks print upside down call me back"}
GERMAN = {
    "language": "de",
    "promise": {
        "respond_by_words": "Montag, 30. November, 11:10 Uhr",
        "target_words": "6 Arbeitsstunden",
        "why_later": "Am Donnerstag ist Feiertag.",
        "hours_words": ["Montag bis Freitag 6 bis 17 Uhr"],
        "holidays_words": [],
        "is_acknowledgement_answer": False,
    },
    "close": {
        "close_at_words": "Freitag, 4. Dezember, 9:00 Uhr",
        "silence_words": "48 Stunden",
        "reopen_until_words": "Freitag, 18. Dezember 2026, 9:00 Uhr",
    },
}


def _as_call(data: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    return data | {"voicemail": call, "case": data["case"] | {"channel": "voicemail", "subject": "Voicemail"}}


def _all() -> dict[str, tuple[NoticeKind, str, dict[str, Any]]]:
    """Name of the golden file -> kind, language and data."""
    ack = NoticeKind.ACKNOWLEDGEMENT
    cases = {f"default/{kind.value}": (kind, "en", example(kind)) for kind in NoticeKind}
    for policy in POLICIES:
        told = facts(policy, ack)
        cases[f"{policy}/acknowledgement"] = (ack, "en", told)
        cases[f"{policy}/acknowledgement-voicemail"] = (ack, "en", _as_call(told, CALL))
        unknown = told | {
            "entitled": {"state": "unknown", "words": told["policy"]["texts"].get("register", "")}
        }
        cases[f"{policy}/acknowledgement-unknown"] = (ack, "en", unknown)
        for kind in (NoticeKind.ESCALATION_ACKNOWLEDGEMENT, NoticeKind.REOPENED, NoticeKind.STAFF_NOTICE):
            cases[f"{policy}/{kind.value}"] = (kind, "en", facts(policy, kind))
    heard = _as_call(facts("mekorma", ack), HEARD)
    lapsed = {"entitled": {"state": "lapsed", "words": heard["policy"]["texts"]["entitlement"]}}
    cases["mekorma/acknowledgement-heard"] = (ack, "en", heard)
    cases["mekorma/acknowledgement-unheard"] = (ack, "en", _as_call(heard, HEARD | {"transcript": ""}))
    cases["mekorma/acknowledgement-lapsed"] = (ack, "en", facts("mekorma", ack, **lapsed))
    for kind in (ack, NoticeKind.AUTO_CLOSE_WARNING, NoticeKind.AUTO_CLOSE):
        cases[f"german/{kind.value}"] = (kind, "de", example(kind) | GERMAN)
    return cases


CASES = _all()


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer([default_template_dir()])


def _render(renderer: Renderer, name: str) -> Rendered:
    kind, language, data = CASES[name]
    return renderer.render(Notice(kind, ("jo@customer.example",), data, language=language))


@pytest.mark.parametrize("name", sorted(CASES))
def test_words(renderer: Renderer, name: str) -> None:
    rendered = _render(renderer, name)
    assert rendered.problem == ""
    for ending, content in (
        (".txt", f"Subject: {rendered.subject}\n\n{rendered.text}"),
        (".html", rendered.html),
    ):
        file = GOLDEN / f"{name}{ending}"
        if os.environ.get("MAILBRIDGE_GOLDEN_UPDATE") == "1":
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, "utf-8")
        assert file.read_text("utf-8") == content, f"{file.name} differs: read it, then update"


def test_no_golden_file_is_left_over() -> None:
    """In the folders that are this test's alone; those of policies may hold more."""
    files = [file for folder in ("default", "german") for file in (GOLDEN / folder).iterdir()]
    have = {file.relative_to(GOLDEN).with_suffix("").as_posix() for file in files}
    assert have == {name for name in CASES if name.startswith(("default/", "german/"))}


@pytest.mark.parametrize("name", sorted(name for name in CASES if "acknowledgement" in name))
def test_an_acknowledgement_is_small(renderer: Renderer, name: str) -> None:
    rendered = _render(renderer, name)
    assert len(rendered.text.encode()) < 4096
    assert len(rendered.html.encode()) < 4096 + 1024  # the page's style is 900 bytes


@pytest.mark.parametrize("name", sorted(CASES))
def test_names_nothing_foreign(renderer: Renderer, name: str) -> None:
    """No leftover of a template, no None, no doubled or dangling words."""
    rendered = _render(renderer, name)
    for content in (rendered.subject, rendered.text):
        for wrong in ("{{", "}}", "{%", "None", "undefined", " by by ", "  .", " .", "..", ": :", "()", " ,"):
            assert wrong not in content.replace("Re: ", ""), (wrong, content)


def test_customers_never_see_staff_words(renderer: Renderer) -> None:
    for name, (kind, _, _) in CASES.items():
        if kind.audience is Audience.CUSTOMER:
            assert "goes to the customer" not in _render(renderer, name).text
