"""Promises in words, as a customer reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from mailbridge.model.policy import AutoClose, Policy
from mailbridge.policy import library, values, words
from mailbridge.policy.policyfile import parse_policy
from mailbridge.policy.targets import promise
from tests.policy.test_policyfile import GOOD

MEKORMA = library.load_policy("mekorma")


def told(policy: Policy, received: str, plan: str | None = None, severity: str | None = None) -> str:
    made = promise(policy, plan=plan, severity=severity, received_at=datetime.fromisoformat(received))
    return words.deadline_in_words(policy, made)


def why(policy: Policy, received: str, plan: str | None = None) -> words.WhyLater:
    made = promise(policy, plan=plan, received_at=datetime.fromisoformat(received))
    return words.why_later(policy, made)


def test_deadline_in_both_zones() -> None:
    expected = "by Monday, November 30, 9:30 AM Pacific Time (11:30 AM Central Time)"
    assert told(MEKORMA, "2026-11-25T14:30:00-08:00") == expected


def test_deadline_is_told_to_the_minute_and_never_later() -> None:
    expected = "by Monday, November 30, 9:30 AM Pacific Time (11:30 AM Central Time)"
    assert told(MEKORMA, "2026-11-25T14:30:59-08:00") == expected


def test_another_year_is_said() -> None:
    expected = "by Monday, January 4, 2027, 11:00 AM Pacific Time (1:00 PM Central Time)"
    assert told(MEKORMA, "2026-12-31T16:00:00-08:00") == expected


def test_another_day_in_the_second_zone_is_said() -> None:
    text = GOOD.replace("name = desk", "name = desk\nsecond-zones = Asia/Tokyo, UTC, Asia/Kathmandu")
    expected = (
        "by Monday, May 4, 5:00 PM Central European Time "
        "(Tuesday, May 5, 12 midnight (start of the day) Japan Time, 3:00 PM UTC, 8:45 PM Nepal Time)"
    )
    assert told(parse_policy(text, "policy.ini"), "2026-05-04T13:00:00+02:00") == expected


def test_zone_of_the_cell() -> None:
    policy = library.load_policy("gotomyerp")
    expected = "by Friday, November 27, 8:30 PM Eastern Time"
    assert told(policy, "2026-11-27T17:00:00-08:00", severity="emergency") == expected


def test_a_language_without_words_of_its_own_has_its_own_dates() -> None:
    policy = parse_policy(GOOD.replace("name = desk", "name = desk\nlanguage = fr"), "policy.ini")
    assert "lundi, mai 4, 1:00 PM" in told(policy, "2026-05-04T09:00:00+02:00")


def test_hours_of_mekorma() -> None:
    assert words.hours_in_words(MEKORMA.calendars["support"], date(2026, 11, 25), MEKORMA.second_zones) == (
        "Monday to Thursday 6 AM to 5 PM, Friday 6 AM to 4 PM (Pacific); "
        "Monday to Thursday 8 AM to 7 PM, Friday 8 AM to 6 PM (Central)"
    )


def test_hours_follow_the_season_of_the_second_zone() -> None:
    """Berlin and New York are five hours apart for two weeks in March, else six."""
    calendar = parse_policy(GOOD, "policy.ini").calendars["office"]
    zones = ("America/New_York",)
    assert words.hours_in_words(calendar, date(2026, 3, 18), zones).endswith("4 AM to noon (Eastern)")
    assert words.hours_in_words(calendar, date(2026, 4, 15), zones).endswith("3 AM to 11 AM (Eastern)")


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ("hours = always", "24 hours a day, 7 days a week, including holidays"),
        ("hours = always\nclosed = 2026-05-01 May Day", "Monday to Sunday around the clock"),
        ("saturday = 9:30-12:00, 13:00-24:00", "Saturday 9:30 AM to noon, 1 PM to midnight"),
        ("friday-saturday = 22:00-06:00", "Friday and Saturday 10 PM to 6 AM"),
        ("monday = 9:00-17:00\nwednesday = 9:00-17:00", "Monday 9 AM to 5 PM, Wednesday 9 AM to 5 PM"),
    ],
)  # fmt: skip
def test_hours(hours: str, expected: str) -> None:
    calendar = parse_policy(GOOD.replace("monday-friday = 09:00-17:00", hours), "policy.ini").calendars[
        "office"
    ]
    zone = "" if calendar.always else " (Central European)"
    assert words.hours_in_words(calendar, date(2026, 6, 10)) == expected + zone


def test_hours_are_told_on_the_day_of_the_other_zone() -> None:
    calendar = parse_policy(GOOD, "policy.ini").calendars["office"]
    expected = "Monday to Friday 7 PM to 3 AM (New Zealand)"
    assert words.hours_in_words(calendar, date(2026, 6, 10), ["Pacific/Auckland"]).endswith(expected)
    late = parse_policy(GOOD.replace("09:00-17:00", "15:00-23:00"), "policy.ini").calendars["office"]
    expected = "Tuesday to Saturday 1 AM to 9 AM (New Zealand)"
    assert words.hours_in_words(late, date(2026, 6, 10), ["Pacific/Auckland"]).endswith(expected)


def test_why_later_names_the_holidays() -> None:
    found = why(MEKORMA, "2026-11-25T13:30:00-08:00")
    assert found.cause == "holiday"
    assert found.names == ("Thanksgiving Day", "the Friday following Thanksgiving Day")
    assert found.text == (
        "We are closed on Thanksgiving Day (Thursday, November 26) "
        "and the Friday following Thanksgiving Day (Friday, November 27)."
    )


def test_why_later_on_a_weekend_and_at_night() -> None:
    assert why(MEKORMA, "2026-11-21T10:00:00-08:00").text == "We are closed at the weekend."
    assert why(MEKORMA, "2026-11-23T20:00:00-08:00").text == "Your message reached us outside our hours."
    assert why(MEKORMA, "2026-11-23T08:00:00-08:00") == words.WhyLater()


def test_elapsed_promises_need_no_excuse() -> None:
    assert why(library.load_policy("memsource"), "2026-12-25T10:00:00Z") == words.WhyLater()
    enterprise = why(library.load_policy("standard-enterprise"), "2026-12-25T10:00:00Z", plan="enterprise")
    assert enterprise == words.WhyLater()


def test_closed_weekdays_are_named() -> None:
    policy = parse_policy(GOOD.replace("monday-friday", "monday-wednesday"), "policy.ini")
    found = why(policy, "2026-05-06T16:00:00+02:00")
    assert found.text == "We are closed on Thursday, Friday, Saturday and Sunday."


def test_a_long_closure_is_not_read_out_whole() -> None:
    text = GOOD.replace("monday-friday", "closed = 2026-05-05..2026-05-20 renovation\nmonday-friday")
    found = why(parse_policy(text, "policy.ini"), "2026-05-04T16:00:00+02:00")
    assert found.text.count("renovation") == 5
    assert found.text.endswith("and 11 more days.")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("6 working hours", "6 working hours"),
        ("1 working hour", "1 working hour"),
        ("90 minutes", "90 minutes"),
        ("2 days", "48 hours"),
        ("24-48 working hours", "24-48 working hours"),
        ("30 minutes", "30 minutes"),
        ("1 business day", "1 business day"),
        ("1-2 business days", "1-2 business days"),
        ("same day", "the same business day"),
    ],
)
def test_targets(target: str, expected: str) -> None:
    assert words.target_in_words(values.parse_target(target)) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (48 * 3600, "48 hours"),
        (5400, "1 hour 30 minutes"),
        (14 * 86400, "14 days"),
        (1, "1 second"),
        (0, "0 seconds"),
    ],
)
def test_durations(seconds: int, expected: str) -> None:
    assert words.duration_in_words(seconds) == expected


def test_silence() -> None:
    assert MEKORMA.auto_close is not None
    assert words.silence_in_words(MEKORMA.auto_close) == "48 hours"
    assert words.silence_in_words(AutoClose(57600, working=True)) == "16 working hours"


def test_lists() -> None:
    assert [words.listed(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "", "a", "a and b", "a, b and c",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "zone", ["America/Los_Angeles", "UTC", "Asia/Kathmandu", "Etc/GMT+5", "Antarctica/Troll"]
)
def test_every_zone_has_a_name(zone: str) -> None:
    name = words.zone_name(zone)
    assert name
    assert "Unknown" not in name
    assert "(" not in name


def test_every_language_has_every_word() -> None:
    tables = [words._TABLES[language] for language in ("en", "de")]
    assert tables[0].keys() == tables[1].keys()
    assert [key for key in tables[0] if tables[0][key].count("{") != tables[1][key].count("{")] == []


def test_noon_and_midnight_are_called_so() -> None:
    """12:00 AM is read as noon by half of those who read it; a day has two midnights."""
    memsource = library.load_policy("memsource")
    assert (
        told(memsource, "2026-11-16T12:00:00Z")
        == "by Tuesday, November 17, 12 midnight (start of the day) UTC"
    )
    assert told(memsource, "2026-11-16T00:00:59Z") == "by Monday, November 16, 12 noon UTC"
    assert told(memsource, "2026-11-16T00:01:00Z") == "by Monday, November 16, 12:01 PM UTC"


def test_german() -> None:
    german = replace(MEKORMA, language="de")
    assert told(german, "2026-11-25T14:30:00-08:00") == (
        "bis Montag, 30. November, 9:30 Uhr (Nordamerikanische Westküstenzeit), "
        "11:30 Uhr (Nordamerikanische Zentralzeit)"
    )
    assert why(german, "2026-11-21T10:00:00-08:00").text == "Am Wochenende ist geschlossen."
    assert "Thanksgiving Day (Donnerstag, 26. November) und" in why(german, "2026-11-25T13:30:00-08:00").text
    calendar = MEKORMA.calendars["support"]
    assert words.hours_in_words(calendar, date(2026, 11, 25), (), "de").startswith(
        "Montag bis Donnerstag 6 Uhr bis 17 Uhr, Freitag 6 Uhr bis 16 Uhr"
    )
    assert words.zone_name("Asia/Kathmandu", "de") == "Zeit von Kathmandu"
    one = values.parse_target("1 business day")
    assert words.target_in_words(one, "de") == "1 Arbeitstag"
    assert words.duration_in_words(5400, "de") == "1 Stunde 30 Minuten"


def test_links_in_one_place_stand_on_one_line() -> None:
    assert words.links_in_words({"portal": "https://a.example", "website": "https://b.example",
                                 "downloads": "https://b.example", "phone": ""}) == (
        "Support portal: https://a.example",
        "Website, Downloads: https://b.example",
    )  # fmt: skip
