"""The pictures of the demo tell today's story; `python -m tests.demo.capture` takes them anew."""

from __future__ import annotations

import ast
import html
import re

from tests.demo.capture import PICTURE, PLACE, README, SHOWN
from tests.needs import ROOT

STORY = ROOT / "mailbridge" / "ops" / "demo_story.py"


def titles() -> list[str]:
    """The scenes' titles, in the order in which the code has them."""
    calls = [node for node in ast.walk(ast.parse(STORY.read_text("utf-8"))) if isinstance(node, ast.Call)]
    opened = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "_open"]
    found = [(call.lineno, call.args[1]) for call in opened]
    return [
        str(title.value)[:1].upper() + str(title.value)[1:]
        for _, title in sorted(found, key=lambda pair: pair[0])
        if isinstance(title, ast.Constant)
    ]


def in_order(text: str, wanted: list[str]) -> list[str]:
    """Those of wanted that do not stand in text behind the one before."""
    at, missing = 0, []
    for one in wanted:
        place = text.find(one, at)
        missing += [one] if place < 0 else []
        at = max(at, place)
    return missing


def test_the_readme_shows_every_scene_of_today() -> None:
    captured = PLACE.search(README.read_text("utf-8"))
    assert captured is not None
    assert len(titles()) == 9
    assert in_order(captured[0], titles()) == []
    assert len(re.findall(r"^\w+day, .* ─+$", captured[0], re.MULTILINE)) == len(titles())
    assert "Where to go next:" in captured[0]


def test_the_picture_shows_the_first_scenes_of_today() -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "", PICTURE.read_text("utf-8"))).replace("\xa0", " ")
    assert in_order(text, titles()[:SHOWN]) == []
    assert in_order(text, titles()[SHOWN:]) == titles()[SHOWN:]


def test_both_are_of_one_run() -> None:
    captured = PLACE.search(README.read_text("utf-8"))
    assert captured is not None
    (ports,) = re.findall(r"SMTP on 127\.0\.0\.1:(\d+)", captured[0])
    text = html.unescape(re.sub(r"<[^>]+>", "", PICTURE.read_text("utf-8"))).replace("\xa0", " ")
    assert f"SMTP on 127.0.0.1:{ports}" in text
