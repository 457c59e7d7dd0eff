"""Reading mail from files: exact bytes, one message at a time."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mailbridge.intake.files import Found, read_paths, read_stream

ONE = b"Subject: 1\r\n\r\nFrom here on\r\n"
MBOX = (
    b"From ann@x.example Mon Jan  1 10:00:00 2024\nSubject: 1\n\nhello\n"
    b">From the start\n>>From twice\n\nFrom now on\n\n"
    b"From bob@x.example Mon Jan  1 11:00:00 2024\n>From junk\nSubject: 2\n\nend\n\n"
)


@pytest.mark.parametrize(
    "raw", [ONE, b"\xef\xbb\xbfSubject: bom\n\nx", b"no header, no line end", b"\x00\xff\n"]
)
def test_a_single_file_comes_as_it_is(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "one.eml"
    path.write_bytes(raw)
    assert list(read_paths([path])) == [Found(str(path), raw)]


def test_mbox_is_split_and_unquoted() -> None:
    first, second = read_stream(io.BytesIO(MBOX), "box")
    assert first == Found("box:1", b"Subject: 1\n\nhello\nFrom the start\n>From twice\n\nFrom now on\n")
    assert second == Found("box:2", b"Subject: 2\n\nend\n")


def test_mbox_without_last_blank_line() -> None:
    assert [found.raw for found in read_stream(io.BytesIO(MBOX.rstrip(b"\n")))][1] == b"Subject: 2\n\nend"


def test_a_quoted_from_line_on_top_is_no_header() -> None:
    assert next(iter(read_stream(io.BytesIO(b">From x Mon\nSubject: 1\n\n")))).raw == b"Subject: 1\n\n"


def test_maildir_and_eml_folder(tmp_path: Path) -> None:
    for name in ("box/cur/2:2,S", "box/new/1", "box/tmp/half", "box/cur/.hidden", "eml/a.EML", "eml/b.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    found = read_paths([tmp_path / "box", tmp_path / "eml"])
    assert [one.raw for one in found] == [b"box/new/1", b"box/cur/2:2,S", b"eml/a.EML"]


def test_problems_do_not_stop_the_rest(tmp_path: Path) -> None:
    good, big, empty = (tmp_path / name for name in ("good", "big", "empty"))
    good.write_bytes(b"x" * 10)
    big.write_bytes(b"x" * 11)
    empty.write_bytes(b"")
    found = list(read_paths([tmp_path / "none", big, empty, good], 10))
    assert [one.problem for one in found] == [
        "cannot be read: No such file or directory",
        "bigger than 10 bytes",
        "empty",
        "",
    ]
    assert found[3].raw == b"x" * 10


def test_a_big_message_in_an_mbox_does_not_take_the_others_along() -> None:
    start = b"From a@x.example Mon Jan  1 10:00:00 2024\n"
    found = list(read_stream(io.BytesIO(start + b"x\n" * 100 + b"\n" + start + b"small\n\n"), "box", 50))
    assert [(one.raw, one.problem) for one in found] == [(b"", "bigger than 50 bytes"), (b"small\n", "")]
