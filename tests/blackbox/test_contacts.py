"""`contacts`: what an admin's CSV does, and what it says of a bad one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blackbox.conftest import Make
from tests.blackbox.judge import Site


@pytest.fixture
def site(make: Make) -> Site:
    return make("gotomyerp")


def take(site: Site, text: str | bytes) -> Any:
    raw = text.encode() if isinstance(text, str) else text
    return site.run("contacts", "import", "-", "--json", stdin=raw)


FULL = (
    "account,plan,domains,name,addresses,phones\n"
    "Acme,gold,acme.example,Jo Lee,jo@customer.example jo@acme.example,+1 503 555 0100; 503-555-0101\n"
    'Beta,platinum,,"Kim, of Beta",kim@beta.example,\n'
)


def test_accounts_contacts_addresses_and_phones_come_in_and_go_out(site: Site) -> None:
    assert take(site, FULL).json() == {"rows": 2, "taken": 2, "bad": []}
    rows = site.run("contacts", "list", "--json").json()
    assert [(row["account"], row["plan"], row["name"]) for row in rows] == [
        ("Acme", "gold", "Jo Lee"),
        ("Beta", "platinum", "Kim, of Beta"),
    ]
    assert rows[0]["addresses"] == ["jo@acme.example", "jo@customer.example"]
    assert rows[0]["phones"] == ["+15035550100", "+15035550101"]
    exported = site.run("contacts", "export")
    assert take(site, exported.out).json()["taken"] == 2
    assert site.run("contacts", "export").out == exported.out


@pytest.mark.parametrize(
    "text", ["addresses\nx@y.example\n", "phones\n+15035550100\n", "email\nx@y.example\n"]
)
def test_a_contact_without_a_name_is_called_by_what_is_known(site: Site, text: str) -> None:
    assert take(site, text).json()["taken"] == 1
    (row,) = site.run("contacts", "list", "--json").json()
    assert row["name"] == text.split()[1]
    assert row["provisional"] is False


def test_an_account_alone_may_have_a_plan_for_its_whole_domain(site: Site) -> None:
    take(site, "account,plan,domains\nAcme,platinum,acme.example\n").json()
    site.ingest(site.mail(From="new@acme.example"))
    (case,) = site.cases()
    assert (case["account"], case["plan"], case["severity"]) == ("Acme", "platinum", "minimal")


def test_the_plan_of_the_customer_makes_the_promise(site: Site) -> None:
    take(site, FULL).json()
    site.ingest(site.mail())
    site.ingest(site.mail("And another thing", "Fax", From="kim@beta.example"))
    site.ingest(site.mail("I am nobody", "Scan", From="who@else.example"))
    assert [case["plan"] for case in site.cases()] == ["gold", "platinum", "starter"]
    assert [site.show(n)["deadline"]["rule"] for n in (1, 2, 3)] == [
        "4 working hours",
        "1 hour",
        "24-48 working hours",
    ]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("account,plan\nAcme,diamond\n", 2, "starter"),
        ("account,addresses\nAcme,jo@x.example\nBeta,nobody\n", 3, "nobody"),
        ("account,phones\nAcme,twelve\n", 2, "twelve"),
        ("account,starts_on\nAcme,2026-13-01\n", 2, "2026-13-01"),
        ("account,starts_on,ends_on\nAcme,2026-12-01,2026-11-01\n", 2, "before"),
        ("account,zone\nAcme,Mars/Olympus\n", 2, "Mars/Olympus"),
        ("account,plan\nAcme,gold,surplus\n", 2, "3 fields"),
        ("account,domains\nAcme,not a domain\n", 2, "domain"),
        ('account,plan\n"Acme,gold\n', 2, "CSV"),
        ('account,plan\nBeta,gold\n\n"Acme" Ltd,gold\n', 4, "CSV"),
        ("addresses,plan\njo@x.example,gold\n", 2, "no account"),
    ],
)
def test_a_bad_row_is_named_by_its_line_and_the_rest_is_taken(
    site: Site, text: str, line: int, reason: str
) -> None:
    said = take(site, text)
    assert said.code == 65
    (answer,) = said.lines()
    assert [bad["line"] for bad in answer["bad"]] == [line]
    assert reason in answer["bad"][0]["reason"]
    assert answer["taken"] == answer["rows"] - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "foo,bar\n1,2\n",
        "account,account\nA,B\n",
        b"\x00\x01account\n",
        "account,shoe size\nA,43\n",
        '"a"b,account\n',
    ],
)
def test_a_file_that_is_no_such_csv_is_refused_whole(site: Site, text: str | bytes) -> None:
    said = take(site, text)
    said.refused(65, "-: ")
    assert said.out == ""


def test_a_file_that_is_not_there_is_bad_input(site: Site) -> None:
    missing = str(site.folder / "none.csv")
    site.run("contacts", "import", missing).refused(65, missing, "No such file")
    site.run("contacts", "import", str(site.folder)).refused(65, "directory")
    site.run("contacts", "import").refused(64, "FILE")
