"""Subjects as compared: without reply and forward prefixes of many languages, list tags and case.

A subject is weak evidence: it ties a message to a case only together with the sender and a short time, and
case numbers in it only for a participant.
"""

from __future__ import annotations

import re
import unicodedata

MAX_SUBJECT = 500
_PREFIXES = (
    "re|aw|wg|fw|fwd|tr|rv|sv|vs|vb|odp|ynt|i|enc|res|rif|ref|antw|antwort|vá|továbbítás|pd|ant|doorst|betreff|"
    "ответ|пересл|回复|答复|转发|回覆|轉寄|返信|転送|회신|전달|απ|σχετ|προωθ|השב|הועבר|رد|إعادة توجيه"
)
_REPLY = re.compile(rf"^\s*(?:{_PREFIXES})(?:\s*[\[(]\d+[\])]|\^\d+)?\s*[:：]\s*", re.IGNORECASE)
_TAG = re.compile(r"\[#\d{1,10}\]")
_BLANKS = re.compile(r"\s+")
# Numbers are counters, times and long identifiers; but another srv1, web-02 or 10.0.0.7 is another report.
_NAME = r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![^\W_])[^\W\d_]+[-_]?\d{1,3}(?!\d)"
_COUNTS = re.compile(rf"({_NAME})|\d+")
_NUMBER = re.compile(
    r"(?:\[#|(?<![\w#&])#|\b(?:case|ticket|request|fall|vorgang|dossier|caso|sak|ärende|zaak)"
    r"(?:\s*[-_]?(?:reference|ref\b\.?))?"
    # "my case is 3 days old" names no case, "my case number is 3" does
    r"(?:\s*(?:number|no\.?|nr\.?|id|nummer)(?:\s+(?:is|was|ist|lautet|es|est))?)?\s*[:#=-]?\s*#?)(\d{1,10})\b",
    re.IGNORECASE,
)
_ALONE = re.compile(r"\W{0,3}(\d{1,10})\W{0,3}")


def is_reply(subject: str) -> bool:
    """Whether the subject starts with a reply or forward prefix."""
    return bool(_REPLY.match(subject[:MAX_SUBJECT]))


def strip_prefixes(subject: str) -> str:
    """Without leading prefixes, however many."""
    text = subject[:MAX_SUBJECT]
    while match := _REPLY.match(text):
        text = text[match.end() :]
    return text.strip()


def without_tags(subject: str) -> str:
    """Without case tags such as [#1042]."""
    return _TAG.sub(" ", subject)


def subject_key(subject: str) -> str:
    """The subject as compared."""
    text = strip_prefixes(_TAG.sub(" ", unicodedata.normalize("NFKC", subject[:MAX_SUBJECT])))
    return _BLANKS.sub(" ", strip_prefixes(text)).strip().casefold()


def report_key(subject: str) -> str:
    """For machines' reports: the same report with another counter or time has the same key."""
    return _COUNTS.sub(lambda found: found[1] or "0", subject_key(subject))


def number_alone(text: str) -> tuple[int, ...]:
    """The number that a subject or text is and nothing else: "escalate by sending your case number"."""
    match = _ALONE.fullmatch(text.strip()) if len(text) < 100 else None
    return (int(match.group(1)),) if match else ()


def tags_in(text: str, tag: str = "[#{number}]") -> tuple[int, ...]:
    """Case numbers in the site's own form alone: what a quotation may prove. At most ten."""
    before, _, after = (tag or "[#{number}]").partition("{number}")
    hits = re.finditer(re.escape(before) + r"(\d{1,10})" + re.escape(after), text[:100_000])
    return tuple(dict.fromkeys(int(hit[1]) for hit in hits))[:10]


def numbers_in(text: str, tag: str = "") -> tuple[int, ...]:
    """Case numbers that a text mentions, in order, each once, at most ten. tag is the site's own form, with
    {number} where the number stands."""
    found: list[int] = []
    patterns = [_NUMBER]
    if tag and tag != "[#{number}]":
        before, _, after = tag.partition("{number}")
        patterns.insert(0, re.compile(re.escape(before) + r"(\d{1,10})" + re.escape(after)))
    for pattern in patterns:
        for match in pattern.finditer(text[:100_000]):
            number = int(match.group(1))
            if number not in found:
                found.append(number)
    return tuple(found[:10])
