"""What the numbers in a spoken message are: telephone, case, amount, serial number, address, time, date.

find() reads lower-case words as a recogniser gives them and returns what it found, in order and without
overlap, each with its value for machines and its form for people. Telephone numbers become E.164 by the
phonenumbers library and the site's region; one that cannot (no area code) stays as its digits. English only:
words of other languages are left alone. Pure; never raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import phonenumbers

from transcription import addresses
from transcription.spoken import Run, ordinal_at, run_at, suffix

FoundKind = Literal[
    "phone", "case", "amount", "serial", "email", "extension", "number", "time", "date", "label"
]

_CASE = frozenset({"case", "cases", "ticket", "tickets", "reference", "incident"})
_CASE_BY_NUMBER = frozenset({"request", "issue"})  # ordinary words, unless "number" or "id" follows
_NUMBERED = (["number"], ["numbers"], ["id"], ["i"], ["no"])
_SERIAL = frozenset({"serial", "license", "licence", "part", "asset", "tag", "product", "key"})
_LABEL = frozenset(
    {
        "invoice",
        "account",
        "customer",
        "order",
        "extension",
        "error",
        "version",
        "confirmation",
        "code",
        "purchase",
    }
    | {
        "member",
        "contract",
        "policy",
        "page",
        "room",
        "suite",
        "option",
        "model",
        "item",
        "pin",
        "zip",
        "line",
    }
)
_CALL = frozenset(
    {
        "call",
        "phone",
        "telephone",
        "reach",
        "cell",
        "mobile",
        "ring",
        "dial",
        "fax",
        "contact",
        "text",
        "callback",
    }
    | {"direct", "landline", "me"}
)
_FILLERS = frozenset(
    {
        "number",
        "numbers",
        "no",
        "id",
        "i",
        "d",
        "is",
        "was",
        "it's",
        "its",
        "it",
        "that's",
        "that",
        "the",
        "this",
        "for",
        "my",
    }
    | {
        "of",
        "again",
        "as",
        "still",
        "hash",
        "pound",
        "about",
        "are",
        "at",
        "on",
        "called",
        "a",
        "please",
        "uh",
        "um",
    }
)
_MONEY = {"dollar": "$", "dollars": "$", "bucks": "$", "euro": "€", "euros": "€", "pounds": "£", "quid": "£"}
_MONTHS = frozenset(
    {"january", "february", "march", "april", "may", "june", "july", "august", "september", "october"}
    | {"november", "december"}
)
_TIME_BEFORE = frozenset(
    {"at", "until", "till", "by", "before", "after", "around", "about", "from", "since", "past"}
)
_ASIDES = (["let", "me", "see"], ["let", "me", "think"], ["let", "me", "check"])
_FOR_THAT = (["that"], ["this"], ["the"], ["my"], ["our"], ["you"], ["us"])
_LOOK_BACK = 6


@dataclass(frozen=True, slots=True)
class Found:
    """One thing found in words[start:end]: value for machines (E.164, digits, address), written for
    people.
    """

    kind: FoundKind
    value: str
    written: str
    start: int
    end: int


def find(words: Sequence[str], region: str = "US", gaps: Sequence[float] | None = None) -> tuple[Found, ...]:
    """Everything found in the words of one message.

    region is an ISO 3166 country for telephone numbers without country code. gaps[i] is the pause in seconds
    before words[i]: it tells the digit "oh" from the exclamation.
    """
    lower = [word.lower() for word in words]
    found: list[Found] = []
    at = 0
    while at < len(lower):
        one = _found_at(lower, at, region, gaps, found)
        if one is None:
            at += 1
            continue
        while found and found[-1].end > one.start:  # an address reaches back over its first words
            found.pop()
        found.append(one)
        at = max(one.end, at + 1)
    return tuple(found)


def phone_numbers(found: Sequence[Found]) -> list[str]:
    """Telephone numbers in the order spoken, each once."""
    return list(dict.fromkeys(one.value for one in found if one.kind == "phone"))


def case_numbers(found: Sequence[Found]) -> list[str]:
    """Case numbers as strings of digits in the order spoken, each once."""
    return list(dict.fromkeys(one.value for one in found if one.kind == "case"))


def _found_at(
    words: list[str], at: int, region: str, gaps: Sequence[float] | None, before: Sequence[Found]
) -> Found | None:
    last_address = next((one.end for one in reversed(before) if one.kind == "email"), 0)
    address = addresses.email_at(words, at, last_address)
    if address:
        return Found("email", address[0], address[0], address[1], address[2])
    serial = _serial(words, at)
    if serial:
        return serial
    date = _date(words, at)
    if date:
        return date
    plus = words[at] == "plus"
    run = run_at(words, at + 1 if plus else at)
    if run is None:
        return None
    run = _without_exclamation(words, run, gaps)
    if run is None:
        return None
    return _named(words, run, region, plus, before)


def _without_exclamation(words: list[str], run: Run, gaps: Sequence[float] | None) -> Run | None:
    """ "oh one more thing" holds no number; nor does the "oh" that opens the sentence after one."""
    atoms = list(run.atoms)
    last = atoms[-1]
    if len(atoms) > 1 and words[last.start] in ("oh", "o") and gaps is not None and gaps[last.start] > 0.6:
        atoms.pop()
    if words[atoms[0].start] in ("oh", "o") and len(atoms) <= 2:
        atoms.pop(0)
    alone = len(atoms) == 1 and words[last.start : last.end] in (["four"], ["two"])
    if alone and words[last.end : last.end + 1] in _FOR_THAT:
        return None  # "the case number for that is ...", heard as four
    return Run(tuple(atoms)) if atoms else None


def _named(words: list[str], run: Run, region: str, plus: bool, before: Sequence[Found]) -> Found | None:
    """What a run is, by the words before and after it."""
    money = _amount(words, run)
    if money:
        return money
    topic = _topic(words, run.start - plus)
    if (
        not topic
        and before
        and before[-1].kind == "case"
        and words[before[-1].end : run.start] in (["and"], ["or"])
    ):
        topic = "case" if abs(len(run.digits) - len(before[-1].value)) <= 1 and len(run.digits) > 1 else ""
    if topic == "case" and len(run.digits) <= 10 and not plus:
        return Found("case", run.digits, run.digits, run.start, run.end)
    if topic == "extension":
        return Found("extension", run.digits, run.digits, run.start, run.end)
    if topic in ("", "call"):
        phone = _phone(run, region, plus, called=topic == "call")
        if phone:
            return phone
    if topic == "label":
        return Found("label", run.digits, run.digits, run.start, run.end)
    return _clock(words, run) or _plain(words, run)


def _topic(words: list[str], at: int) -> str:
    """Which word, over fillers, the number before at is about."""
    looked, back = 0, at
    while (back := back - 1) >= max(0, at - _LOOK_BACK):
        word = words[back]
        if words[max(0, back - 2) : back + 1] in _ASIDES:
            back -= 2
            continue
        if word in _CASE:
            return "" if back == at - 1 and _by_chance(words, back) else "case"
        if word in _CASE_BY_NUMBER and words[back + 1 : back + 2] in _NUMBERED:
            return "case"
        if word in ("extension", "ext"):
            return "extension"
        if word == "code" and words[back - 1 : back] == ["area"]:
            return "call"
        if word in _LABEL or (word == "o" and words[back - 1 : back] == ["p"]):
            return "label"
        if word in _CALL:
            return "call"
        looked += word not in _FILLERS
        if looked > 1:
            return ""
    return ""


def _by_chance(words: list[str], at: int) -> bool:
    """ "in case", "in this case" speak of no case of ours."""
    before = words[max(0, at - 2) : at]
    return words[at] == "case" and (before[-1:] == ["in"] or before in (["in", "this"], ["in", "that"]))


def _amount(words: list[str], run: Run) -> Found | None:
    """Money and percentages: "two hundred and thirty dollars and fifty cents" is $230.50."""
    unit = words[run.end] if run.end < len(words) else ""
    if unit in ("point", "dot"):
        return _decimal(words, run)
    if words[max(0, run.start - 1) : run.start + 1] == ["half", "a"] and run.value is not None:
        return _measured(words, f"{run.value // 2}", run.start - 1, run.end)
    if words[run.end : run.end + 3] == ["and", "a", "half"] and run.value is not None:
        return _measured(words, f"{run.digits}.5", run.start, run.end + 3)
    if unit in ("percent", "per") and run.value is not None:
        end = run.end + (2 if words[run.end : run.end + 2] == ["per", "cent"] else 1)
        return (
            None
            if unit == "per" and end == run.end + 1
            else Found("amount", f"{run.digits}%", f"{run.digits}%", run.start, end)
        )
    if unit in ("cents", "cent") and run.value is not None:
        return Found("amount", f"$0.{run.value:02d}", f"{run.value} cents", run.start, run.end + 1)
    if unit not in _MONEY:
        return None
    end, cents = run.end + 1, ""
    after = end + 1 if words[end : end + 1] == ["and"] else end
    small = run_at(words, after)
    if small and small.value is not None and small.value < 100:
        if words[small.end : small.end + 1] in (["cents"], ["cent"], ["pence"]):
            end, cents = small.end + 1, f".{small.value:02d}"
        elif after == end and small.value >= 10:  # "nineteen dollars ninety nine"
            end, cents = small.end, f".{small.value:02d}"
    written = f"{_MONEY[unit]}{_grouped(run.digits)}{cents}"
    return Found("amount", written.replace(",", ""), written, run.start, end)


def _decimal(words: list[str], run: Run) -> Found | None:
    rest = run_at(words, run.end + 1)
    if rest is None:
        return None
    big = next((i for i in range(run.end + 2, rest.end) if words[i] in ("million", "thousand")), None)
    if big is not None:
        part = run_at(words[:big], run.end + 1)
        assert part is not None
        text = f"{run.digits}.{part.digits} {words[big]}"
        return Found("number", text, text, run.start, big + 1)
    text, end = f"{run.digits}.{rest.digits}", rest.end
    while words[end : end + 1] in (["point"], ["dot"]) and (
        more := run_at(words, end + 1)
    ):  # 4.2.1, 10.0.0.1
        text, end = f"{text}.{more.digits}", more.end
    return _measured(words, text, run.start, end)


def _measured(words: list[str], text: str, start: int, end: int) -> Found:
    """A number with its unit, where one follows."""
    if words[end : end + 1] in (["thousand"], ["million"]):
        text, end = f"{text} {words[end]}", end + 1
    unit = words[end] if end < len(words) else ""
    if unit in _MONEY:
        return Found("amount", f"{_MONEY[unit]}{text}", f"{_MONEY[unit]}{text}", start, end + 1)
    if unit == "percent":
        return Found("amount", f"{text}%", f"{text}%", start, end + 1)
    return Found("number", text, text, start, end)


def _grouped(digits: str) -> str:
    return f"{int(digits):,}" if len(digits) > 4 and not digits.startswith("0") else digits


def _phone(run: Run, region: str, plus: bool, called: bool) -> Found | None:
    digits = run.digits
    if not 7 <= len(digits) <= 15:
        return None
    number = _parse(digits, region, plus)
    if number is None and digits.startswith("00"):
        number = _parse(digits[2:], region, True)
    if number is not None:
        value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        home = number.country_code == phonenumbers.country_code_for_region(region)
        form = phonenumbers.PhoneNumberFormat
        written = phonenumbers.format_number(number, form.NATIONAL if home else form.INTERNATIONAL)
        return Found("phone", value, written, run.start - plus, run.end)
    if called or len(digits) == 10:
        return Found("phone", digits, digits, run.start - plus, run.end)
    return None


def _parse(digits: str, region: str, plus: bool) -> phonenumbers.PhoneNumber | None:
    """A number that is valid, or (new area codes, 555 of films) has the right form for its country."""
    try:
        number = phonenumbers.parse(f"+{digits}" if plus else digits, None if plus else region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_valid_number(number):
        return number
    national = str(number.national_number)
    if number.country_code == 1 and (len(national) != 10 or national[0] in "01"):
        return None
    possible = (
        phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    )
    return number if possible and (plus or len(digits) >= 9) else None


def _serial(words: list[str], at: int) -> Found | None:
    """Letters and digits after "serial number": "a b four seven dash nine" is AB47-9."""
    named = words[at + 1 : at + 2] in (["number"], ["code"], ["key"])
    if words[at] not in _SERIAL or not (
        named or (words[at] == "serial" and words[at + 1 : at + 2] == ["is"])
    ):
        return None
    begin = at + 2
    while begin < len(words) and words[begin] in ("is", "it's", "its", "was", "number", "that's", "it"):
        begin += 1
    text, end = addresses.spelled(words, begin)
    if len(text) < 3 or not any(char.isdigit() for char in text):
        return None
    return Found("serial", text.upper(), text.upper(), begin, end)


def _date(words: list[str], at: int) -> Found | None:
    """Ordinals after a month as 14th; elsewhere from ten on, since "first" and "second" are mostly words."""
    ordinal = ordinal_at(words, at)
    if ordinal is None:
        return None
    value, end = ordinal
    back = at - 2 if at > 0 and words[at - 1] == "the" else at - 1
    month = back >= 0 and words[back] in _MONTHS
    following = words[end : end + 2]
    of_month = following[:1] == ["of"] and following[-1] in _MONTHS
    if not (month or of_month or value >= 10) or value > 99:
        return None
    return Found("date", str(value), suffix(value), at, end)


def _clock(words: list[str], run: Run) -> Found | None:
    """ "until five thirty" is 5:30, "three o'clock" 3 o'clock, "ten thirty a m" 10:30."""
    parts = [atom.digits for atom in run.atoms]
    after = words[run.end] if run.end < len(words) else ""
    if len(parts) == 1 and after == "o'clock":
        return Found("time", parts[0], f"{parts[0]} o'clock", run.start, run.end + 1)
    noon = "".join(words[run.end : run.end + 2]) if after in ("a", "p", "am", "pm") else ""
    half = {"am": "a.m.", "pm": "p.m."}.get(noon[:2], "")
    end = run.end + (0 if not half else 1 if after in ("am", "pm") else 2)
    hour_minute = len(parts) in (2, 3) and len("".join(parts[1:])) == 2 and 1 <= int(parts[0]) <= 12
    if hour_minute and int("".join(parts[1:])) < 60:
        before = words[run.start - 1] if run.start else ""
        if half or before in _TIME_BEFORE:
            text = f"{int(parts[0])}:{''.join(parts[1:])}"
            return Found("time", text, f"{text} {half}".strip(), run.start, end)
    if half and len(parts) == 1 and 1 <= int(parts[0]) <= 12:
        return Found("time", parts[0], f"{parts[0]} {half}", run.start, end)
    return None


def _plain(words: list[str], run: Run) -> Found | None:
    """Any other number: below ten a word, as people write it."""
    if run.value is not None and run.value < 10:
        return None
    text = _grouped(run.digits) if run.value is not None else run.digits
    if words[run.start] == "a":  # "a hundred times" reads better than "100 times"
        return None
    return Found("number", run.digits, text, run.start, run.end)
