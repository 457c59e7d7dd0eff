"""Spoken forms, a row each: what was said, what kind it is, what a machine reads, what a person reads."""

from __future__ import annotations

import pytest

from tests.transcription.spoken_forms import UNSEEN
from transcription.numbers import Found, case_numbers, find, phone_numbers

FORMS = [
    # digits one by one
    ("case number one zero four two", "case", "1042", "1042"),
    ("the case number is four seven two nine one please", "case", "47291", "47291"),
    ("case one zero four two", "case", "1042", "1042"),
    ("ticket number one two zero seven six", "case", "12076", "12076"),
    ("reference number two two four zero eight six", "case", "224086", "224086"),
    ("incident seven seven three one zero", "case", "77310", "77310"),
    ("you can close case number five oh nine nine one", "case", "50991", "50991"),
    ("the new case number for that is three three eight two two", "case", "33822", "33822"),
    ("the case number four that is three three eight two two", "case", "33822", "33822"),
    ("my case is one oh oh seven", "case", "1007", "1007"),
    ("case number uh one zero um four two", "case", "1042", "1042"),
    # pairs, teens, quantities
    ("case ten forty two", "case", "1042", "1042"),
    ("case number forty seven twenty nine one", "case", "47291", "47291"),
    ("ticket nineteen oh five", "case", "1905", "1905"),
    ("ticket twenty twenty six", "case", "2026", "2026"),
    ("case number one thousand forty two", "case", "1042", "1042"),
    ("case one thousand and forty two", "case", "1042", "1042"),
    ("case number twelve hundred", "case", "1200", "1200"),
    ("case number three hundred and five", "case", "305", "305"),
    ("case eleven eleven", "case", "1111", "1111"),
    ("case number two thousand", "case", "2000", "2000"),
    ("case fifty five sixty", "case", "5560", "5560"),
    ("case number thirty three thousand eight hundred and twenty two", "case", "33822", "33822"),
    ("case number seven", "case", "7", "7"),
    ("case number double five one", "case", "551", "551"),
    ("case number triple zero seven", "case", "0007", "0007"),
    ("ticket number one double oh four", "case", "1004", "1004"),
    ("case number 1042", "case", "1042", "1042"),
    ("case number one eight eight four three my direct number", "case", "18843", "18843"),
    # telephone numbers
    (
        "call me back at five five five two one three eight eight four six",
        "phone",
        "+15552138846",
        "(555) 213-8846",
    ),
    ("call two oh six five five five seven seven one two", "phone", "+12065557712", "(206) 555-7712"),
    (
        "call me at four one five five five five three six zero zero",
        "phone",
        "+14155553600",
        "(415) 555-3600",
    ),
    ("it is still three oh three five five five six oh six two", "phone", "+13035556062", "(303) 555-6062"),
    ("seven oh two five five five one three nine oh thanks", "phone", "+17025551390", "(702) 555-1390"),
    ("six one seven triple five zero one nine three", "phone", "+16175550193", "(617) 555-0193"),
    ("six one seven five double five zero one nine three", "phone", "+16175550193", "(617) 555-0193"),
    ("call eight hundred five five five one two one two", "phone", "+18005551212", "(800) 555-1212"),
    ("call one eight hundred five five five one two one two", "phone", "+18005551212", "(800) 555-1212"),
    (
        "my phone number is six one seven five five five nineteen ninety three",
        "phone",
        "+16175551993",
        "(617) 555-1993",
    ),
    ("call four one five five five five twenty two eleven", "phone", "+14155552211", "(415) 555-2211"),
    ("dial four one five five five five two thousand", "phone", "+14155552000", "(415) 555-2000"),
    (
        "reach me at three one two dash five five five dash four four one nine",
        "phone",
        "+13125554419",
        "(312) 555-4419",
    ),
    (
        "call plus four four two oh seven nine four six oh nine five eight",
        "phone",
        "+442079460958",
        "+44 20 7946 0958",
    ),
    (
        "zero zero four nine three zero two three one two five zero one two",
        "phone",
        "+493023125012",
        "+49 30 23125012",
    ),
    ("plus one two one two five five five two three six eight", "phone", "+12125552368", "(212) 555-2368"),
    ("please call me at five five five one two one two", "phone", "5551212", "5551212"),
    ("nine seven two five five five one eight eight one", "phone", "+19725551881", "(972) 555-1881"),
    (
        "my cell is two one four five five five nine zero zero three",
        "phone",
        "+12145559003",
        "(214) 555-9003",
    ),
    ("extension two zero seven", "extension", "207", "207"),
    ("extension forty one", "extension", "41", "41"),
    # amounts
    ("two hundred and thirty dollars", "amount", "$230", "$230"),
    ("four hundred twenty dollars", "amount", "$420", "$420"),
    ("one hundred and nineteen dollars each time", "amount", "$119", "$119"),
    ("nineteen dollars and ninety nine cents", "amount", "$19.99", "$19.99"),
    ("nineteen dollars ninety nine", "amount", "$19.99", "$19.99"),
    ("fifty cents", "amount", "$0.50", "50 cents"),
    ("twelve thousand five hundred dollars", "amount", "$12500", "$12,500"),
    ("a hundred dollars", "amount", "$100", "$100"),
    ("two million dollars", "amount", "$2000000", "$2,000,000"),
    ("fifteen hundred dollars", "amount", "$1500", "$1500"),
    ("thirty euros", "amount", "€30", "€30"),
    ("five pounds", "amount", "£5", "£5"),
    ("twenty percent", "amount", "20%", "20%"),
    ("ten per cent", "amount", "10%", "10%"),
    ("two point five percent", "amount", "2.5%", "2.5%"),
    ("one point two million", "number", "1.2 million", "1.2 million"),
    ("version two point five", "number", "2.5", "2.5"),
    # labels and serial numbers
    ("the invoice number is five five two eight", "label", "5528", "5528"),
    ("my customer number is nine nine one four", "label", "9914", "9914"),
    ("error fifty two", "label", "52", "52"),
    ("account number one two three four five six seven eight nine zero", "label", "1234567890", "1234567890"),
    ("order number seventy one hundred", "label", "7100", "7100"),
    ("serial number a b four seven", "serial", "AB47", "AB47"),
    ("serial number is x y z nine eight seven dash one", "serial", "XYZ987-1", "XYZ987-1"),
    ("serial number alpha bravo one two three", "serial", "AB123", "AB123"),
    ("serial number b as in boy four four seven", "serial", "B447", "B447"),
    ("serial number one two three four five", "serial", "12345", "12345"),
    ("license key k seven double nine q", "serial", "K799Q", "K799Q"),
    # e-mail addresses
    (
        "my email is william at western supply dot com",
        "email",
        "william@westernsupply.com",
        "william@westernsupply.com",
    ),
    ("email me at john dot smith at acme dot com", "email", "john.smith@acme.com", "john.smith@acme.com"),
    ("my email address is j smith at acme dot co dot uk", "email", "jsmith@acme.co.uk", "jsmith@acme.co.uk"),
    ("it is s u e at blue sky dot net", "email", "sue@bluesky.net", "sue@bluesky.net"),
    (
        "email is mary underscore jones at northside dot org",
        "email",
        "mary_jones@northside.org",
        "mary_jones@northside.org",
    ),
    ("email is bob forty two at acme dot com", "email", "bob42@acme.com", "bob42@acme.com"),
    ("email is b o b at a c m e dot com", "email", "bob@acme.com", "bob@acme.com"),
    (
        "write an email to help desk at acme dash tools dot com",
        "email",
        "helpdesk@acme-tools.com",
        "helpdesk@acme-tools.com",
    ),
    (
        "my email is ann dash marie at mail dot acme dot com",
        "email",
        "ann-marie@mail.acme.com",
        "ann-marie@mail.acme.com",
    ),
    ("email is info at acme dot com please", "email", "info@acme.com", "info@acme.com"),
    # times and dates
    ("in the office until five thirty after that", "time", "5:30", "5:30"),
    ("due at three o'clock", "time", "3", "3 o'clock"),
    ("call at ten thirty a m", "time", "10:30", "10:30 a.m."),
    ("at four p m", "time", "4", "4 p.m."),
    ("before nine oh five", "time", "9:05", "9:05"),
    ("on june fourteenth", "date", "14", "14th"),
    ("from march the second", "date", "2", "2nd"),
    ("the twenty first of may", "date", "21", "21st"),
    ("december thirty first", "date", "31", "31st"),
    ("the eleventh", "date", "11", "11th"),
    # plain numbers
    ("we have twelve people waiting", "number", "12", "12"),
    ("about four hundred and six files", "number", "406", "406"),
    ("thirty five thousand records", "number", "35000", "35,000"),
    ("it happened twenty two times", "number", "22", "22"),
]
NOTHING = [
    "oh and one more thing",
    "the last good one that i can find",
    "in case one of us is out",
    "please call me today at home",
    "we met at the office dot",
    "that was my first call",
    "a hundred times",
    "look at that dot",
    "for you two",
    "",
]
TWO_CASES = "case numbers one zero four two and one zero four three"


@pytest.mark.parametrize(("said", "kind", "value", "written"), FORMS, ids=[form[0][:60] for form in FORMS])
def test_a_spoken_form_is_understood(said: str, kind: str, value: str, written: str) -> None:
    found = find(said.split())
    assert [(one.kind, one.value, one.written) for one in found] == [(kind, value, written)]


@pytest.mark.parametrize(("said", "wanted"), UNSEEN, ids=[row[0][:60] for row in UNSEEN])
def test_a_form_that_nobody_thought_of_is_understood(said: str, wanted: tuple[str, ...]) -> None:
    found = [f"{one.kind}:{one.value}" for one in find(said.split())]
    assert tuple(dict.fromkeys(found)) == wanted


@pytest.mark.parametrize("said", NOTHING)
def test_words_that_only_look_like_numbers_are_left_alone(said: str) -> None:
    assert find(said.split()) == ()


def test_a_whole_message_gives_each_number_its_place() -> None:
    said = (
        "it shows error fifty two the case number is four seven two nine one please call me back at five five"
        " five two one three eight eight four six extension forty one thank you"
    )
    found = find(said.split())
    assert [one.kind for one in found] == ["label", "case", "phone", "extension"]
    assert case_numbers(found) == ["47291"]
    assert phone_numbers(found) == ["+15552138846"]


def test_two_cases_joined_by_and_are_both_cases() -> None:
    found = find(TWO_CASES.split())
    assert case_numbers(found) == ["1042", "1043"]


def test_an_oh_after_a_pause_is_no_digit() -> None:
    words = ["case", "three", "three", "eight", "two", "two", "oh", "and"]
    gaps = [0.0] * 6 + [1.2, 0.1]
    assert case_numbers(find(words, gaps=gaps)) == ["33822"]
    assert case_numbers(find(words, gaps=[0.0] * 8)) == ["338220"]


@pytest.mark.parametrize(
    ("region", "said", "value"),
    [
        ("GB", "call oh two oh seven nine four six oh nine five eight", "+442079460958"),
        ("DE", "call zero three zero two three one two five zero one two", "+493023125012"),
        ("US", "call one six one seven five five five zero one nine three", "+16175550193"),
    ],
)
def test_the_region_completes_a_number(region: str, said: str, value: str) -> None:
    assert phone_numbers(find(said.split(), region)) == [value]


@pytest.mark.parametrize(
    "word", ["seven", "double", "thousand", "hundred", "at", "dot", "case", "a", "and", "oh", "million"]
)
def test_endless_repetition_ends_soon(word: str) -> None:
    found = find([word] * 5000)
    assert all(isinstance(one, Found) and one.start < one.end <= 5000 for one in found)
