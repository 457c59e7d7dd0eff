"""Fetching from a link: what is taken, what is refused, and what only failed for a moment."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailbridge.work.fetch import Fetcher, LinkFailed, LinkRefused, is_public
from tests.daemon.links import HERE, HOST, LINK, Answer, Provider, drips, gives, provider, says, status

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def place(running: Provider) -> Provider:
    """The one server, as if it were new."""
    running.server.answers.clear()
    running.server.asked.clear()
    running.resolved.clear()
    return running


def test_the_bytes_their_type_and_a_name(place: Provider) -> None:
    place.server.answers["/vm/msg0001.wav"] = gives(b"RIFFsound")
    found = place.fetcher().fetch(LINK)
    assert (found.data, found.content_type, found.filename) == (b"RIFFsound", "audio/x-wav", "msg0001.wav")
    (asked,) = place.server.asked
    assert asked.headers["Host"] == HOST
    assert not {"cookie", "authorization", "referer"} & {name.lower() for name in asked.headers}
    assert place.resolved == [HOST]


def test_a_name_for_what_has_none(place: Provider) -> None:
    place.server.answers["/play?id=%C3%BC"] = gives(b"x", "audio/mpeg")
    assert place.fetcher().fetch(f"https://{HOST}:443/play?id=ü").filename == "play.mp3"


@pytest.mark.parametrize("host", ["voice.example", "VOICE.example", "voice.example."])
def test_a_host_is_the_same_however_it_is_written(place: Provider, host: str) -> None:
    place.server.answers["/"] = gives(b"x")
    assert place.fetcher().fetch(f"https://{host}").data == b"x"


# --- addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"http://{HOST}/a.wav", "https"),
        (f"ftp://{HOST}/a.wav", "https"),
        ("file:///etc/passwd", "https"),
        (f"https://{HOST}:8443/a.wav", "8443"),
        (f"https://ann:secret@{HOST}/a.wav", "password"),
        (f"https://{HOST}\\@inner.example/a.wav", "proper"),
        (f"https://{HOST}/a b", "proper"),
        ("https:///a.wav", "host"),
        ("https://[::1/a.wav", "proper"),
        (f"https://{HOST}:x/a.wav", "proper"),
        (f"https://{'a' * 70}.example/", "proper"),
        (f"https://{HOST}/{'a' * 3000}", "proper"),
        ("https://inner.example/a.wav", "10.0.0.1"),
    ],
)
def test_an_address_that_is_not_gone_to(place: Provider, url: str, words: str) -> None:
    with pytest.raises(LinkRefused, match=words):
        place.fetcher().fetch(url)
    assert place.server.asked == []


@given(st.text(st.characters(), max_size=40), st.sampled_from(["https://", f"https://{HOST}/", "", "//"]))
@example("\ud800", f"https://{HOST}/")
@settings(max_examples=200, deadline=None)
def test_whatever_an_address_is_it_is_refused_or_a_plain_one(text: str, start: str) -> None:
    fetcher = Fetcher(1, resolver=lambda _: [HERE])
    with pytest.raises((LinkRefused, LinkFailed)):
        fetcher.fetch(start + text)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ),
        *("::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "::127.0.0.1", "2002:7f00:1::"),
        *("2001:0:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::7f00:1", "2001:db8::1"),
        *("localhost", "", "1", "0x7f.1", "127.1"),
    ],
)
def test_an_address_that_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_that_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "2130706433"])
def test_as_it_is_delivered_it_never_goes_to_this_machine(place: Provider, host: str) -> None:
    with pytest.raises((LinkRefused, LinkFailed), match=r"public|resolved"):
        Fetcher(1 << 20, trust=place.trust, port=place.server.server_port).fetch(f"https://{host}/a.wav")
    assert place.server.asked == []


def test_one_private_address_among_others_is_enough() -> None:
    fetcher = Fetcher(1 << 20, resolver=lambda _: ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(LinkRefused, match=r"127\.0\.0\.1"):
        fetcher.fetch(LINK)


def test_a_name_is_asked_for_once_and_the_line_goes_to_what_was_looked_at(place: Provider) -> None:
    """A name that is public at the first look and ours at the second: there is no second."""
    place.server.answers["/vm/msg0001.wav"] = gives(b"x")
    answers = iter([[HERE], ["10.0.0.1"]])
    assert place.fetcher(resolver=lambda _: next(answers)).fetch(LINK).data == b"x"
    assert next(answers) == ["10.0.0.1"]


# --- redirections ------------------------------------------------------------------------------------------


def redirect(place: Provider, *steps: str) -> str:
    """Make the server lead from step to step; the first address."""
    for step, following in pairwise(steps):
        place.server.answers[step.removeprefix(f"https://{HOST}")] = status(302, Location=following)
    return f"https://{HOST}{steps[0]}"


def test_three_redirections_are_followed(place: Provider) -> None:
    url = redirect(place, "/1", "/2", f"https://{HOST}/3", "/a.wav")
    place.server.answers["/a.wav"] = gives(b"sound")
    found = place.fetcher().fetch(url)
    assert (found.data, found.url, found.filename) == (b"sound", f"https://{HOST}/a.wav", "a.wav")


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (("/1", "/2", "/3", "/4", "/5"), "more than 3"),
        (("/1", "/1"), "more than 3"),
        (("/1", f"http://{HOST}/a.wav"), "https"),
        (("/1", "https://inner.example/a.wav"), "10.0.0.1"),
        (("/1", "//inner.example/a.wav"), "10.0.0.1"),
        (("/1", f"https://{HOST}:22/a.wav"), "22"),
        (("/1", f"https://u:p@{HOST}/a.wav"), "password"),
        (("/1", "file:///etc/passwd"), "https"),
    ],
)
def test_a_redirection_is_asked_the_same(place: Provider, steps: tuple[str, ...], words: str) -> None:
    url = redirect(place, *steps)
    with pytest.raises(LinkRefused, match=words):
        place.fetcher().fetch(url)


# --- certificates ------------------------------------------------------------------------------------------


def test_a_certificate_for_another_name_is_refused(place: Provider) -> None:
    with pytest.raises(LinkRefused, match=r"certificate of other\.example"):
        place.fetcher().fetch("https://other.example/a.wav")


def test_a_certificate_of_nobody_known_is_refused(place: Provider) -> None:
    with pytest.raises(LinkRefused, match="certificate"):
        place.fetcher(trust=ssl.create_default_context()).fetch(LINK)
    with pytest.raises(LinkRefused, match="certificate"):
        place.fetcher(trust=None).fetch(LINK)
    assert place.server.asked == []


# --- size and time -----------------------------------------------------------------------------------------


BIG = b"x" * 5000


@pytest.mark.parametrize(
    "answer",
    [
        gives(BIG),
        gives(BIG, length=None),
        gives(b"", length=10**12),
        says(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BIG), BIG)),
    ],
    ids=["told", "not-told", "told-alone", "chunked"],
)
def test_what_is_too_large_is_not_read_to_its_end(place: Provider, answer: Answer) -> None:
    place.server.answers["/vm/msg0001.wav"] = answer
    with pytest.raises(LinkRefused, match="larger than"):
        place.fetcher(max_bytes=1000).fetch(LINK)


def test_what_is_just_small_enough_is_taken(place: Provider) -> None:
    place.server.answers["/vm/msg0001.wav"] = gives(BIG, length=None)
    assert place.fetcher(max_bytes=len(BIG)).fetch(LINK).data == BIG


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX-A: ", b"HTTP/1.1 200 OK\r\n\r\n", CHUNKED + b"1\r\nx\r\n"],
    ids=["nothing", "headers", "body", "chunk"],
)
def test_a_server_that_drips_is_cut_off(place: Provider, head: bytes) -> None:
    place.server.answers["/vm/msg0001.wav"] = drips(head)
    with pytest.raises(LinkFailed, match="longer than"):
        place.fetcher(total_s=0.4).fetch(LINK)


def test_a_server_that_never_shakes_hands_is_cut_off(place: Provider) -> None:
    with socket.create_server((HERE, 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(LinkFailed, match="longer than"):
            place.fetcher(port=port, total_s=0.3).fetch(LINK)


# --- what its server says ----------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [204, 206, 304, 401, 403, 404, 410])
def test_what_will_not_be_had_later_either(place: Provider, code: int) -> None:
    place.server.answers["/vm/msg0001.wav"] = status(code)
    with pytest.raises(LinkRefused, match=str(code)):
        place.fetcher().fetch(LINK)


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 599])
def test_what_may_be_had_later(place: Provider, code: int) -> None:
    place.server.answers["/vm/msg0001.wav"] = status(code)
    with pytest.raises(LinkFailed, match=str(code)):
        place.fetcher().fetch(LINK)


@pytest.mark.parametrize(
    "answer",
    [
        says(b""),
        says(b"\x00\xff" * 100),
        says(b"HTTP/1.1 two hundred\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
        says(CHUNKED + b"zz\r\nx\r\n"),
        says(b"HTTP/1.1 302 Found\r\nLocation: https://[::1\r\n\r\n"),
        gives(b"short", length=500),
    ],
    ids=["nothing", "noise", "status", "headers", "chunk", "location", "cut off"],
)
def test_an_answer_that_is_none(place: Provider, answer: Answer) -> None:
    place.server.answers["/vm/msg0001.wav"] = answer
    with pytest.raises(LinkFailed):
        place.fetcher().fetch(LINK)


def test_a_name_that_is_not_known_now_and_a_server_that_is_down(place: Provider) -> None:
    def unknown(host: str) -> list[str]:
        raise socket.gaierror(socket.EAI_AGAIN, f"{host}: try again")

    with pytest.raises(LinkFailed, match="resolved"):
        place.fetcher(resolver=unknown).fetch(LINK)
    with pytest.raises(LinkFailed, match="no address"):
        place.fetcher(resolver=lambda _: []).fetch(LINK)
    with socket.create_server((HERE, 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(LinkFailed, match="cannot be reached"):
        place.fetcher(port=port).fetch(LINK)
