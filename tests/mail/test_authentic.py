# ruff: noqa: E501 - rows of a table: a wrapped row is harder to read than a long one
"""Authentication-Results: only the own server's, only above the border, only for the From domain."""

from __future__ import annotations

import pytest

from mailbridge.mail.parse import parse
from mailbridge.policy.authentic import Authentic, read_authentic

OURS = ("mx.desk.example",)
MINE = "Received: from mail.customer.example by mx.desk.example with ESMTPS; x\n"
THEIRS = "Received: from laptop by mail.customer.example with ESMTPSA; x\n"
REST = "From: Pat <pat@customer.example>\nSubject: x\n\nx\n"


def read(headers: str, trusted: tuple[str, ...] = OURS, rest: str = REST) -> Authentic:
    return read_authentic(parse((headers + rest).encode()), trusted)


def result(words: str, server: str = "mx.desk.example") -> str:
    return f"Authentication-Results: {server};\n {words}\n"


@pytest.mark.parametrize(
    ("words", "domain"),
    [
        ("dmarc=pass header.from=customer.example", "customer.example"),
        ("dkim=pass header.d=customer.example; spf=fail smtp.mailfrom=x@other.example", "customer.example"),
        ("spf=pass smtp.mailfrom=bounce@mail.customer.example", "customer.example"),
        ("spf=pass smtp.mailfrom=x@other.example", ""),
        ("dkim=pass header.d=other.example", ""),
        ("dkim=fail header.d=customer.example", ""),
        ("dkim=pass (;dmarc=pass) header.d=other.example", ""),
        ("dkim=pass header.d=customer.example; dmarc=fail header.from=customer.example", ""),
    ],
)
def test_what_proves_the_from_domain(words: str, domain: str) -> None:
    found = read(result(words) + MINE + THEIRS)
    assert (found.aligned_domain, found.proven, found.source) == (domain, bool(domain), "mx.desk.example")


@pytest.mark.parametrize(
    ("words", "signers"),
    [
        ("dkim=pass header.d=customer.example", ("customer.example",)),
        ("dkim=pass header.i=@mail.customer.example", ("mail.customer.example",)),
        ("dkim=pass header.i=@a.customer.example header.d=Customer.Example", ("customer.example",)),
        (
            "dkim=pass header.d=list.example; dkim=pass header.d=customer.example",
            ("list.example", "customer.example"),
        ),
        ("dkim=fail header.d=customer.example", ()),
        ("dkim=none; spf=pass smtp.mailfrom=x@customer.example", ()),
        ("dmarc=pass header.from=customer.example", ()),
        ("dkim=pass header.d=customer.example; dmarc=fail header.from=customer.example", ()),
        ("dkim=pass header.d=other.example header.d=customer.example", ()),
        ("dkim=pass header.d=com", ()),
    ],
)
def test_who_signed(words: str, signers: tuple[str, ...]) -> None:
    assert read(result(words) + MINE + THEIRS).signers == signers


@pytest.mark.parametrize(
    "words",
    [
        'spf=pass smtp.mailfrom="x; dkim=pass header.d=customer.example "@evil.example',
        'spf=pass smtp.mailfrom="x\\"; dkim=pass header.d=customer.example "@evil.example',
        'spf=pass (domain of "a) ; dkim=pass header.d=customer.example ("@evil.example) smtp.mailfrom=x@evil.example',
        "spf=pass (a \\) ; dkim=pass header.d=customer.example) smtp.mailfrom=x@evil.example",
        "spf=pass (a; dkim=pass header.d=customer.example",
        'spf=pass smtp.mailfrom="a; dkim=pass header.d=customer.example',
    ],
    ids=["quoted", "escaped quote", "comment", "escaped comment", "comment without end", "quote without end"],
)
def test_a_sender_cannot_write_a_result_into_his_own_address(words: str) -> None:
    found = read(result(words) + MINE + THEIRS)
    assert (found.signers, found.proven, found.dkim) == ((), False, "none")


def test_below_our_own_received_it_still_counts() -> None:
    """Gmail writes it there; the next field is the first that a foreign server wrote."""
    assert read(MINE + result("dmarc=pass header.from=customer.example") + THEIRS).proven


@pytest.mark.parametrize(
    "headers",
    [
        MINE + THEIRS + result("dmarc=pass header.from=customer.example"),
        result("dmarc=pass header.from=customer.example", "mx.elsewhere.example") + MINE,
        MINE + THEIRS,
    ],
)
def test_forged_or_foreign_results_count_nothing(headers: str) -> None:
    assert not read(headers).proven


def test_the_topmost_of_ours_decides() -> None:
    forged = result("dmarc=pass header.from=customer.example")
    assert not read(result("dmarc=fail header.from=customer.example") + forged + MINE).proven


def test_nobody_is_trusted_unasked_and_two_authors_prove_nothing() -> None:
    good = result("dmarc=pass header.from=customer.example") + MINE
    assert not read(good, ()).proven
    assert not read(good, OURS, REST.replace("Subject", "From: staff@customer.example\nSubject")).proven


def test_microsoft_writes_no_server_name() -> None:
    headers = "Authentication-Results: spf=pass smtp.mailfrom=customer.example; dmarc=pass header.from=customer.example\n"
    assert read(headers, ("",)).proven
    assert not read(headers).proven
