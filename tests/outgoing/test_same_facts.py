"""Text and HTML of a notice tell the same: word for word, apart from the frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from bs4 import BeautifulSoup

from mailbridge.model.notice import Notice
from mailbridge.outgoing.notices import Renderer, default_template_dir
from tests.outgoing.test_golden import CASES


def _words(text: str) -> list[str]:
    return re.findall(r"[\w@.+#'-]*\w", text)


def _in_html(html: str) -> str:
    soup = BeautifulSoup(html, "html.parser")
    for style in soup.find_all(["style", "head"]):
        style.decompose()
    return soup.get_text(" ")


@pytest.mark.parametrize("name", sorted(CASES))
def test_text_and_html_have_the_same_words(name: str) -> None:
    kind, language, data = CASES[name]
    rendered = Renderer([default_template_dir()]).render(
        Notice(kind, ("a@b.example",), data, language=language)
    )
    assert sorted(_words(rendered.text)) == sorted(_words(_in_html(rendered.html)))


def _marked(value: Any, path: str, marks: list[str]) -> Any:
    """value with each string replaced by a word of its own."""
    if isinstance(value, dict):
        return {key: _marked(item, f"{path}{key}", marks) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, f"{path}{number}", marks) for number, item in enumerate(value)]
    if isinstance(value, str) and path not in ("entitledstate", "casechannel", "casestatus"):
        marks.append("mark" + re.sub(r"\W|_", "", path))
        return marks[-1]
    return value


def _facts_that_must_show(name: str) -> Iterator[str]:
    yield from {
        "default/acknowledgement": ("promiserespondbywords", "promisetargetwords", "promisewhylater",
                                    "promisehourswords0", "caseseveritytitle", "casetag",
                                    "siteescalation", "policytextsseverity", "policylinkswords0"),
        "default/auto_close_warning": ("closecloseatwords", "closesilencewords", "casesubject"),
        "default/auto_close": ("closesilencewords", "closereopenuntilwords", "casesubject"),
        "default/escalation": ("escalationtitle", "escalationreason", "escalationhistory0text", "messagetext",
                               "escalationhistory0atwords", "escalationhistory0who", "caseaccount"),
        "default/staff_notice": ("messagetext", "messageattachments1", "promiserespondbywords", "caseaccount",
                                 "caserequesteraddress", "caseseveritytitle", "note"),
        "default/undeliverable": ("undeliverablerecipient", "undeliverablestatus", "undeliverablediagnostic"),
        "default/staff_answer": ("messagetext", "messageauthorname"),
        "default/attachment_refused": ("note", "casesubject"),
    }[name]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["acknowledgement", "auto_close_warning", "auto_close", "escalation", "staff_notice", "undeliverable",
     "staff_answer", "attachment_refused"],
)  # fmt: skip
def test_each_fact_is_told(name: str) -> None:
    kind, _, data = CASES[f"default/{name}"]
    marks: list[str] = []
    marked = _marked(data, "", marks)
    rendered = Renderer([default_template_dir()]).render(Notice(kind, ("a@b.example",), marked))
    for fact in _facts_that_must_show(f"default/{name}"):
        assert f"mark{fact}" in marks
        assert f"mark{fact}" in rendered.text.lower(), fact
        assert f"mark{fact}" in rendered.html.lower(), fact
