"""The facts of a notice as a template gets them: complete, tame and bounded.

Promises: every key of the contract (docs/templates.md) is there, so that StrictUndefined catches a template's
misspelling and never a fact that happens to be absent: a missing section is None, a missing key of a section
"" (or an empty list). No string holds controls, bidi marks or lone surrogates; short ones are one line, so
that a customer's subject or name cannot start a paragraph of ours. Fails: Permanent where the site's name or
the case's number is missing, without which no notice can be true.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from mailbridge.errors import Permanent
from mailbridge.mail.compose import bare_subject
from mailbridge.mail.compose_parts import clean_body, clean_line
from mailbridge.policy.policyfile import TOPICS

LONGEST_TEXT = 20_000
LONGEST_WORDS = 2_000
LONGEST_LINE = 300
_MOST_ITEMS = 200
_DEEPEST = 6

# Sections that every notice has, then those that may be None; each with its keys. "[]" marks a list.
_ALWAYS: Mapping[str, str] = {
    "site": "name support escalation",
    "case": "number tag subject status severity severity_title severity_only severity_chosen resolution "
    "foreign said_resolved plan plan_title "
    "requester_name requester_address account channel created_at_words escalation_level assigned_to",
    "entitled": "state words",
}
_POLICY: Mapping[str, str] = {"policy": "title language texts links links_words[]"}
_MAYBE: Mapping[str, str] = {
    "promise": "respond_by_words target_words why_later hours_words[] holidays_words[] "
    "on_holiday late is_acknowledgement_answer",
    "update": "due_words target_words",
    "message": "author_name author_address text received_at_words attachments[]",
    "close": "close_at_words silence_words reopen_until_words",
    "escalation": "level title reason told history[]",
    "voicemail": "caller duration_words transcript pending",
    "undeliverable": "recipient status diagnostic what",
}
_ALWAYS_KEYS, _MAYBE_KEYS, _POLICY_KEYS = (
    {name: [(key.removesuffix("[]"), key.endswith("[]")) for key in keys.split()] for name, keys in table}
    for table in (_ALWAYS.items(), _MAYBE.items(), _POLICY.items())
)
_LINKS = ("portal", "knowledge_base", "phone")
_TEXT_KEYS = frozenset({"text", "transcript", "note"})
_WORD_KEYS = frozenset({"words", "texts", "why_later", "hours_words", "diagnostic", "reason"})


class Standing(dict[str, Any]):
    """A section that stays as it is: made once a policy, never changed, so it need be tamed but once."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__
    __ne__ = object.__ne__


def complete(data: Mapping[str, Any], *, longest: int = LONGEST_TEXT) -> dict[str, Any]:
    """data tamed, with every key of the contract; longest: characters shown of a text.

    Raises Permanent without a site name or a case number.
    """
    facts = {key: _tame(value, key, longest) for key, value in data.items() if key != "policy"}
    for section, keys in _ALWAYS_KEYS.items():
        facts[section] = _filled(facts.get(section) or {}, keys)
    for section, keys in _MAYBE_KEYS.items():
        facts[section] = _filled(facts[section], keys) if facts.get(section) else None
    if facts["promise"]:  # the sentence has the word; who fills the facts may have it too
        facts["promise"]["respond_by_words"] = facts["promise"]["respond_by_words"].removeprefix("by ")
    facts["note"] = facts.get("note") or ""
    policy = data.get("policy")
    facts["policy"] = (_standing_policy if type(policy) is Standing else _policy)(policy, longest)
    _case(facts["case"])
    if facts["site"]["name"] == "":
        raise Permanent("a notice needs the site's name")
    return facts


def _filled(section: Any, keys: Sequence[tuple[str, bool]]) -> dict[str, Any]:
    known = section if isinstance(section, dict) else {}  # already a copy: _tame made it
    for name, is_list in keys:
        if known.get(name) is None:
            known[name] = [] if is_list else ""
    return known


def _policy(policy: Any, longest: int) -> dict[str, Any]:
    told = _filled(_tame(policy, "policy", longest), _POLICY_KEYS["policy"])
    told["texts"] = dict.fromkeys(TOPICS, "") | dict(told["texts"] or {})
    told["links"] = dict.fromkeys(_LINKS, "") | dict(told["links"] or {})
    return told


_standing_policy = lru_cache(maxsize=16)(_policy)


def _case(case: dict[str, Any]) -> None:
    """subject without "Re:" and tag; about is what to call the case in a sentence or a subject."""
    if case["number"] == "":
        raise Permanent("a notice needs the case's number")
    case["subject"] = bare_subject(str(case["subject"]), str(case["tag"]))
    case["about"] = case["subject"] or f"case {case['number']}"


def _tame(value: Any, key: str, longest: int, depth: int = 0) -> Any:
    """value with every string in it safe to show; what is no JSON becomes its string."""
    if type(value) is str:  # most are; asking whether one is a Mapping is slow
        return _tame_string(value, key, longest) if value else ""
    if value is None or isinstance(value, int | float):  # bool is an int
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        # Words of the policy by topic are all of a length with the topic's own key.
        inner = key if key in _WORD_KEYS else ""
        return {
            str(k): _tame(v, inner or str(k), longest, depth + 1)
            for k, v in list(value.items())[:_MOST_ITEMS]
        }
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        return [_tame(item, key, longest, depth + 1) for item in value[:_MOST_ITEMS]]
    return _tame_string(str(value), key, longest)


def _tame_string(value: str, key: str, longest: int) -> str:
    if key not in _TEXT_KEYS:
        return clean_line(value, LONGEST_WORDS if key in _WORD_KEYS else LONGEST_LINE)
    if len(value) > longest:
        value = value[:longest].rstrip() + "\n[...]"
    return without_bidi(clean_body(value)).strip("\n")


def without_bidi(text: str) -> str:
    """text without the marks by which one reads other than is written (U+202A-202E, U+2066-2069)."""
    return text if text.isascii() else text.translate(_BIDI)


_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
