# ruff: noqa: E501 - the table of the docstring
"""How well new text and forwarded originals are found on the corpus, beside other libraries on the same fixtures.

Run as `python -m tests.corpus.score_text [-v]`. What each expected key is judged by, blanks aside:

  reply_text, first_fragment,   the new text is exactly this. A source that keeps the signature is also met by the
  reply_text_ignoring_...       text up to its signature mark, since ours takes the signature away by contract
  stripped_html                 the same, against the text of that HTML (its own rules: quotations between answers stay)
  original_from, _subject       address and subject of the forwarded original are exactly these
  original_body                 the forwarded text is exactly this
  message_above, before_...     the new text of the forward is exactly this (none: "")

Beside "exact" two counts: "survives": every word of the expected text is in ours, in order; "history gone": nothing
is in ours that is not in the expected text. The parts are taken with the standard library's email package.
"""

from __future__ import annotations

import email
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailbridge.mail.body import Readable, readable
from mailbridge.mail.html import html_to_text
from tests.mail import replies
from tests.needs import SHARED

CORPUS = SHARED / "corpus"
REPLY_KEYS = ("reply_text", "first_fragment", "reply_text_ignoring_whitespace", "stripped_html")
FORWARD_KEYS = ("original_from", "original_subject", "original_body", "message_above", "before_original")


@dataclass(frozen=True, slots=True)
class Fixture:
    """One message of the corpus with what its source expects."""

    file: str
    subject: str
    plain: str
    html: str
    expected: dict[str, Any]


@dataclass(slots=True)
class Score:
    """Counts of one way to strip."""

    exact: int = 0
    survives: int = 0
    gone: int = 0
    of: int = 0
    missed: list[str] | None = None

    def add(self, name: str, got: str, wanted: tuple[str, ...]) -> None:
        said = words(got)
        exact = any(said == words(want) for want in wanted)
        self.of += 1
        self.exact += exact
        self.survives += exact or any(words(want) in said for want in wanted)
        self.gone += exact or any(said in words(want) for want in wanted)
        if not exact and self.missed is not None:
            self.missed.append(f"{name}\n     got {got[-200:]!r}\n  wanted {wanted[0][-200:]!r}")

    @property
    def percent(self) -> float:
        return 100 * self.exact / self.of if self.of else 100.0


def words(text: str) -> str:
    """The text as it is compared: all blanks alike."""
    return " ".join(text.split())


def fixtures(corpus: Path = CORPUS) -> Iterator[Fixture]:
    """The corpus's answers and forwards, read with the standard library."""
    for row in (corpus / "manifest.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(row)
        if not set(entry["expected"]) & {*REPLY_KEYS, *FORWARD_KEYS}:
            continue
        message = email.message_from_bytes((corpus / entry["file"]).read_bytes())
        parts: dict[str, str] = {}
        for part in message.walk():
            if part.get_content_type() in ("text/plain", "text/html"):
                payload = part.get_payload(decode=True)
                charset = part.get_content_charset() or "utf-8"
                text = payload.decode(charset, "replace") if isinstance(payload, bytes) else ""
                parts.setdefault(part.get_content_type(), text)
        subject = str(message["subject"] or "")
        yield Fixture(
            entry["file"], subject, parts.get("text/plain", ""), parts.get("text/html", ""), entry["expected"]
        )


def own_fixtures() -> Iterator[Fixture]:
    """The repository's own answers, as the libraries see them: an HTML mail has no plain part here either."""
    for reply in (*replies.first(), *replies.later(), *replies.last()):
        whole = html_to_text(reply.html) if reply.html else reply.plain
        wanted = whole if reply.wanted is None else reply.wanted
        yield Fixture(reply.name, reply.subject, reply.plain, reply.html, {"reply_text": wanted})


def wanted_reply(fixture: Fixture) -> tuple[str, ...] | None:
    """The texts that are right, the source's own first; None where the source says nothing of the new text."""
    for key in REPLY_KEYS:
        if isinstance(fixture.expected.get(key), str):
            text = fixture.expected[key]
            text = html_to_text(text) if key == "stripped_html" else text
            unsigned = re.split(r"(?m)^--[ \xa0]?$", text)[0]
            return (text, unsigned)
    return None


Stripper = Callable[[Fixture], str]


def ours(fixture: Fixture) -> str:
    return readable(fixture.plain, fixture.html, subject=fixture.subject).new_text


def other_strippers() -> dict[str, Stripper | str]:
    """The libraries to compare with; a sentence instead of one that is not installed here."""

    def text(fixture: Fixture) -> str:
        return fixture.plain or html_to_text(fixture.html)

    found: dict[str, Stripper | str] = {}
    try:
        from email_reply_parser import EmailReplyParser  # type: ignore[import-untyped]

        found["email-reply-parser"] = lambda fixture: str(EmailReplyParser.parse_reply(text(fixture)))
    except ImportError:
        found["email-reply-parser"] = "not installed"
    try:
        from mailparser_reply import EmailReplyParser as MailParserReply  # type: ignore[import-untyped]

        languages = ["en", "de", "fr", "it", "nl", "pl", "es", "sv", "da"]
        found["mail-parser-reply"] = lambda fixture: str(
            MailParserReply(languages=languages).parse_reply(text=text(fixture))
        )
    except ImportError:
        found["mail-parser-reply"] = "not installed"
    try:
        from talon import quotations  # type: ignore[import-not-found]

        found["talon"] = lambda fixture: (
            str(quotations.extract_from_plain(fixture.plain))
            if fixture.plain
            else html_to_text(str(quotations.extract_from_html(fixture.html)))
        )
    except ImportError:
        found["talon"] = "not installed (pip install talon, in an environment of its own)"
    return found


def score_replies(strip: Stripper, items: list[Fixture], *, verbose: bool = False) -> Score:
    """Judge a stripper on every fixture that says what the new text is."""
    score = Score(missed=[] if verbose else None)
    for fixture in items:
        wanted = wanted_reply(fixture)
        if wanted is None:
            continue
        try:
            got = strip(fixture)
        except Exception as error:
            got = f"raised {error!r}"
        score.add(fixture.file, got, wanted)
    return score


def score_forwards(items: list[Fixture], *, verbose: bool = False) -> dict[str, Score]:
    """Judge what is found of forwarded originals, by key."""
    scores = {key: Score(missed=[] if verbose else None) for key in FORWARD_KEYS}
    for fixture in items:
        found = readable(fixture.plain, fixture.html, subject=fixture.subject)
        for key, wanted in _forward_facts(fixture.expected):
            scores[key].add(fixture.file, _forward_value(found, key), (wanted,))
    return scores


def _forward_facts(expected: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if expected.get("original_from"):
        yield "original_from", expected["original_from"]["address"] or expected["original_from"]["name"]
    for key in ("original_subject", "original_body", "before_original"):
        if isinstance(expected.get(key), str):
            yield key, expected[key]
    if "message_above" in expected:
        yield "message_above", expected["message_above"] or ""


def _forward_value(found: Readable, key: str) -> str:
    if key == "original_from":
        return (found.forwarded_from.address or found.forwarded_from.name) if found.forwarded_from else ""
    return {"original_subject": found.forwarded_subject, "original_body": found.forwarded_text}.get(
        key, found.new_text
    )


def _line(name: str, score: Score) -> str:
    return (
        f"{name:22} {score.exact:4}/{score.of:<4} {score.percent:6.1f} %  {score.survives:5}  {score.gone:5}"
    )


def _table(title: str, items: list[Fixture], out: list[str], *, verbose: bool) -> Score:
    """Add the table of one set of answers: ours, then the libraries."""
    out.append(f"{title:22} {'exact':>9} {'':>9} survives  history gone")
    mine = score_replies(ours, items, verbose=verbose)
    out.append(_line("mailbridge", mine))
    for name, strip in other_strippers().items():
        said = f"{name:22} {strip}" if isinstance(strip, str) else _line(name, score_replies(strip, items))
        out.append(said)
    out.append("")
    return mine


def main(arguments: list[str]) -> int:
    """Print both tables; -v also every fixture that is not exact."""
    verbose = "-v" in arguments
    items = list(fixtures())
    out: list[str] = []
    mine = _table("new text, corpus", items, out, verbose=verbose)
    _table("new text, own", list(own_fixtures()), out, verbose=False)
    forwards = score_forwards(items, verbose=verbose)
    out.append("forwarded original")
    out.extend(_line(key, score) for key, score in forwards.items())
    missed = [*(mine.missed or []), *(row for score in forwards.values() for row in score.missed or [])]
    sys.stdout.write("\n".join([*out, *missed]) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
