"""Takes the demo's output anew into README.md and docs/demo.svg: python -m tests.demo.capture

Promises: runs the demo once and writes both from that one run, so that they tell the same; what stands around
the capture in README.md stays. Fails with AssertionError where README.md has no place for it.
"""

from __future__ import annotations

import io
import re
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

from mailbridge.cli.demo import _tell
from mailbridge.ops.demo_story import START
from mailbridge.ops.demo_tell import WIDTH, Teller
from mailbridge.ops.demo_world import StoryClock, world
from tests.needs import ROOT

README, PICTURE = ROOT / "README.md", ROOT / "docs" / "demo.svg"
SHOWN = 4  # scenes in the picture
PLACE = re.compile(r"(?<=as captured</summary>\n\n```text\n).*?(?=\n```\n)", re.DOTALL)
HEADING = re.compile(r"^\w+day, .* ─{5,}$")


def play() -> str:
    """The demo's output with the colours of a terminal."""
    console = Console(
        record=True,
        file=io.StringIO(),
        width=WIDTH,
        height=50,
        highlight=False,
        force_terminal=True,
        color_system="truecolor",
    )
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, world(Path(folder), StoryClock(START)) as made:
        _tell(made, Teller(console), begun)
    return console.export_text(styles=True)


def plain(told: str) -> str:
    """told as it comes out of a pipe."""
    lines = (line.rstrip() for line in Text.from_ansi(told).plain.split("\n"))
    return "\n".join(lines).strip("\n")


def picture(told: str) -> str:
    """The first scenes as an SVG."""
    lines = told.split("\n")
    starts = [at for at, line in enumerate(lines) if HEADING.match(Text.from_ansi(line).plain)]
    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True, highlight=False)
    for line in lines[: starts[SHOWN] - 1]:
        console.print(Text.from_ansi(line), soft_wrap=True)
    return console.export_svg(title="mailbridge demo", unique_id="mailbridge-demo")


def main() -> None:
    """Write both."""
    told = play()
    readme = README.read_text("utf-8")
    assert PLACE.search(readme), "README.md has no place for the capture"
    README.write_text(PLACE.sub(lambda _: plain(told), readme, count=1), "utf-8")
    PICTURE.write_text("\n".join(line.rstrip() for line in picture(told).split("\n")), "utf-8")


if __name__ == "__main__":
    main()
