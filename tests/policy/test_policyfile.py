"""Reading policy files: what is taken, and that each mistake of tests/bad_policy says what it must."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailbridge.errors import ConfigInvalid, NotFound, Problem
from mailbridge.model.policy import Policy, Target, TargetKind, Unit, Window
from mailbridge.policy import library, values
from mailbridge.policy.calendars import windows_on
from mailbridge.policy.policyfile import parse_policy

GOOD = (Path(__file__).parent / "good.ini").read_text(encoding="utf-8")
BAD = sorted((Path(__file__).parents[1] / "bad_policy").iterdir())
MISTAKES = [
    ("zone = Europe/Berlin", "zone = Nowhere"),
    ("first = 4 working hours", "first = soon"),
    ("default-plan = basic", "default-plan = gold"),
    ("monday-friday = 09:00-17:00", "monday-friday = 17:00"),
    ("name = desk", "name = desk\ncolour = red"),
]


def good(*more: str) -> Policy:
    return parse_policy("\n".join([GOOD, *more]), "policy.ini")


def with_calendar(*lines: str) -> Policy:
    text = GOOD.replace("zone = Europe/Berlin", "\n".join(["zone = Europe/Berlin", *lines]))
    return parse_policy(text, "policy.ini")


@pytest.mark.parametrize("folder", BAD, ids=lambda folder: folder.name)
def test_bad_policy(folder: Path) -> None:
    """Each expected line is part of a problem, and there is no problem that is not expected."""
    expected = (folder / "error.txt").read_text(encoding="utf-8").splitlines()
    with pytest.raises(ConfigInvalid) as caught:
        parse_policy((folder / "policy.ini").read_text(encoding="utf-8"), "policy.ini")
    said = [str(problem) for problem in caught.value.problems]
    for line in expected:
        assert any(line in one for one in said), f"{line}\nnot in\n{caught.value}"
    assert all(any(line in one for line in expected) for one in said), str(caught.value)
    assert all(one.startswith("policy.ini: ") for one in said)


def test_all_mistakes_at_once() -> None:
    text = GOOD
    for right, wrong in MISTAKES:
        text = text.replace(right, wrong)
    with pytest.raises(ConfigInvalid) as caught:
        parse_policy(text, "policy.ini")
    places = {(problem.section, problem.key) for problem in caught.value.problems}
    assert places >= {
        ("calendar office", "zone"),
        ("calendar office", "monday-friday"),
        ("target basic *", "first"),
        ("policy", "default-plan"),
        ("policy", "colour"),
    }
    assert caught.value.exit_code == 78


def test_the_least_that_works() -> None:
    policy = good()
    assert (policy.name, policy.title, policy.calendar) == ("desk", "desk", "office")
    assert policy.default_severity == policy.mail_severity == "low"
    assert policy.targets["basic", "high", TargetKind.FIRST] == Target(Unit.WORKING, 14400, "4 working hours")
    assert policy.auto_close is None
    assert policy.calendars["always"].always
    assert policy.calendars["always"].zone.key == "Europe/Berlin"


def test_version_follows_the_text() -> None:
    assert good().version == good().version
    assert good().version != good("# a word").version
    assert len(good().version) == 12


def test_equal_texts_give_equal_policies() -> None:
    assert with_calendar("holidays = DE") == with_calendar("holidays = DE")


def test_closer_target_wins_key_by_key() -> None:
    policy = good(
        "[plan gold]", "[target * high]", "first = 1 hour", "update = 1 business day", "calendar = always",
        "[target gold *]", "first = 2 hours", "[target gold high]", "update = none",
    )  # fmt: skip
    targets = {at: target.text for at, target in policy.targets.items()}
    assert targets == {
        ("basic", "high", TargetKind.FIRST): "4 working hours",  # a plan is closer than a severity
        ("basic", "high", TargetKind.UPDATE): "1 business day",
        ("basic", "low", TargetKind.FIRST): "4 working hours",
        ("gold", "high", TargetKind.FIRST): "2 hours",
        ("gold", "low", TargetKind.FIRST): "2 hours",
    }
    assert policy.cell_calendars == {("basic", "high"): "always", ("gold", "high"): "always"}


def test_none_promises_nothing() -> None:
    policy = parse_policy(GOOD.replace("first = 4 working hours", "first = none"), "policy.ini")
    assert not policy.targets


def test_escalation_levels_with_and_without_addresses() -> None:
    policy = good(
        "[escalation]", "level.1 = Lead: ann@desk.example,", "    bob@desk.example", "level.2 = Boss"
    )
    assert [(level.number, level.title, level.addresses) for level in policy.levels] == [
        (1, "Lead", ("ann@desk.example", "bob@desk.example")),
        (2, "Boss", ()),
    ]


def test_holidays_by_country_and_name() -> None:
    policy = with_calendar(
        "holidays = US: new year\u2019s day, Independence Day as the Fourth", "observed = yes",
        "relative = Thanksgiving Day + 1: Black Friday", "yearly = 12-24 Christmas Eve",
    )  # fmt: skip
    calendar = policy.calendars["office"]
    closed = {
        day: windows_on(calendar, date.fromisoformat(day))
        for day in (
            "2026-01-01",
            "2026-07-03",
            "2026-11-26",
            "2026-11-27",
            "2026-12-24",
            "2026-12-25",
            "2021-12-31",
        )
    }
    assert [day for day, windows in closed.items() if not windows] == [
        "2026-01-01", "2026-07-03", "2026-11-27", "2026-12-24", "2021-12-31",
    ]  # fmt: skip


def test_names_of_a_subdivision() -> None:
    """Corpus Christi closes Bavaria, not Berlin."""
    day = date(2026, 6, 4)
    assert not windows_on(with_calendar("holidays = DE-BY").calendars["office"], day)
    assert windows_on(with_calendar("holidays = DE-BE").calendars["office"], day)


def test_leap_day_of_every_year() -> None:
    calendar = with_calendar("yearly = 02-29 leap day").calendars["office"]
    assert not windows_on(calendar, date(2028, 2, 29))
    assert windows_on(calendar, date(2029, 2, 28))
    assert windows_on(calendar, date(2029, 3, 1))


def test_dated_closures_and_openings() -> None:
    calendar = with_calendar(
        "holidays = DE", "closed =", "    2026-12-28..2026-12-30 between the years", "    2026-05-04",
        "open =", "    2026-12-25 10:00-12:00 for the brave", "    2026-12-26 closed",
    ).calendars["office"]  # fmt: skip
    assert calendar.closures[date(2026, 12, 29)] == "between the years"
    assert not windows_on(calendar, date(2026, 5, 4))
    assert windows_on(calendar, date(2026, 12, 25)) == (Window(36000, 43200),)


def test_form_of_the_file() -> None:
    """A byte order mark, CRLF, comments inside a value, keys in any case, blanks around names."""
    text = "\ufeff" + GOOD.replace("name = desk", "NAME=desk").replace("[plan basic]", "[ Plan   Basic ]")
    text = text.replace("first = 4 working hours", "first =\n  # four\n  4 working hours").replace(
        "\n", "\r\n"
    )
    assert parse_policy(text, "policy.ini").targets == good().targets


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("6 working hours", Target(Unit.WORKING, 21600, "6 working hours")),
        ("1 working hour", Target(Unit.WORKING, 3600, "1 working hour")),
        ("12 hours", Target(Unit.ELAPSED, 43200, "12 hours")),
        ("30 Minutes", Target(Unit.ELAPSED, 1800, "30 minutes")),
        ("0.5 hours", Target(Unit.ELAPSED, 1800, "0.5 hours")),
        ("2 days", Target(Unit.ELAPSED, 172800, "2 days")),
        ("1 business day", Target(Unit.BUSINESS_DAY, 1, "1 business day")),
        ("same  day", Target(Unit.SAME_DAY, 0, "same day")),
        ("24-48 hours", Target(Unit.ELAPSED, 172800, "24-48 hours", 86400)),
        ("24 \u2013 48 working hours", Target(Unit.WORKING, 172800, "24 \u2013 48 working hours", 86400)),
        ("1-2 business days", Target(Unit.BUSINESS_DAY, 2, "1-2 business days", 1)),
    ],
)
def test_forms_of_a_target(text: str, target: Target) -> None:
    assert values.parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "windows"),
    [
        ("06:00-17:00", (Window(21600, 61200),)),
        ("13:30-17:00, 9:00-12:00", (Window(32400, 43200), Window(48600, 61200))),
        ("22:00-06:00", (Window(79200, 108000),)),
        ("22:00-24:00", (Window(79200, 86400),)),
        ("22:00 \u2013 00:00", (Window(79200, 86400),)),
        ("always", (Window(0, 86400),)),
        ("closed", ()),
    ],
)
def test_forms_of_hours(text: str, windows: tuple[Window, ...]) -> None:
    assert values.parse_windows(text) == windows


@pytest.mark.parametrize(
    ("key", "days"),
    [
        ("friday", (4,)),
        ("monday-thursday", (0, 1, 2, 3)),
        ("saturday - monday", (5, 6, 0)),
        ("daily", tuple(range(7))),
    ],
)
def test_forms_of_weekdays(key: str, days: tuple[int, ...]) -> None:
    assert values.parse_weekdays(key) == days
    assert values.parse_weekdays("noday") == ()


PIECES = [
    *GOOD.replace("\n", " \n ").split(" "),
    *("[", "]", "=", "\n", "\n[", " ", "*", "-", "target", "calendar", "always", "[target", "first"),
    *("99999999999999999999 hours", "\ud800", "\x00", "\u2028", "holidays = DE:", "9" * 400),
]
WORDS = st.sampled_from(PIECES)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=60).map(" ".join)), st.booleans())
def test_any_text_is_a_policy_or_problems(text: str, after_good: bool) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        parse_policy(GOOD + text if after_good else text, "policy.ini")
    except ConfigInvalid as error:
        problems = error.problems
    assert problems or after_good
    assert all(problem.message for problem in problems)


def test_shipped_policies_are_known_and_read_once() -> None:
    assert library.shipped() == ("mekorma", "memsource", "gotomyerp", "standard-enterprise", "tekstack")
    for name in library.shipped():
        assert library.load_policy(name).name == name
        assert library.load_policy(name.upper()) is library.load_policy(name)


def test_policy_by_path_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "desk.ini"
    path.write_text(GOOD, encoding="utf-8")
    before = library.load_policy(str(path))
    path.write_text(GOOD.replace("4 working hours", "5 working hours"), encoding="utf-8")
    assert library.load_policy(str(path)) != before


@pytest.mark.parametrize("name", ["mekroma", "no/such/file.ini", "a\0b", ""])
def test_no_such_policy(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((NotFound, ConfigInvalid), match=r"no policy .*mekorma, memsource|cannot be read"):
        library.load_policy(name)


def test_policy_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "desk.ini"
    path.write_bytes(b"[policy]\nname = d\xe9sk\n")
    with pytest.raises(ConfigInvalid, match="not UTF-8 at byte 17"):
        library.load_policy(str(path))
    path.write_bytes(b"#" * 1_000_100)
    with pytest.raises(ConfigInvalid, match="at most a million characters"):
        library.load_policy(str(path))
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        library.load_policy(str(tmp_path))
