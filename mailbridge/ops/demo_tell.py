"""How the demo's story is told: scenes of labelled lines by rich, colour on a terminal only.

Promises: no escape codes into a pipe or a file, whatever the environment says; nothing that a mail says can
steer the terminal; a teller that is silent prints nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

WIDTH = 100  # of a line into a pipe, and at most on a terminal
STYLES = {
    "in": "bold cyan",
    "why": "yellow",
    "due": "bold magenta",
    "out": "bold green",
    "not": "bold red",
    "time": "bold blue",
    "case": "bold",
    "heard": "bold cyan",
}


def clean(text: str) -> str:
    """text without anything that is not printable, but line feeds."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


class Teller:
    """Prints to one console, or nowhere (console None)."""

    def __init__(self, console: Console | None) -> None:
        self.console = console

    @classmethod
    def to(cls, file: TextIO) -> Teller:
        """A teller for standard output: colours and the terminal's width only where it is a terminal."""
        if file.isatty():
            console = Console(file=file, highlight=False)
            console.width = min(console.width, WIDTH)
            return cls(console)
        plain = Console(file=file, highlight=False, width=WIDTH, force_terminal=False, color_system=None)
        return cls(plain)

    def scene(self, when: str, title: str) -> None:
        """A new moment of the story."""
        self._print(Text())
        self._print(Rule(Text(when, STYLES["time"]), align="left", style="dim"))
        self.say(title[:1].upper() + title[1:], "bold")

    def line(self, label: str, text: str, quote: str = "") -> None:
        """label in the margin, then what happened; quote is somebody's own words, below."""
        told = Table.grid(padding=(0, 1), expand=False)
        told.add_column(width=5, no_wrap=True)
        told.add_column(ratio=1)
        told.add_row(Text(label, STYLES.get(label, "dim")), Text(clean(text)))
        if quote:
            told.add_row("", Padding(Text(f"“{clean(quote)}”", "italic"), (0, 0, 0, 2)))
        self._print(Padding(told, (0, 0, 0, 1)))

    def say(self, text: str = "", style: str = "") -> None:
        """Plain words over the whole width."""
        self._print(Text(clean(text), style))

    def command(self, text: str) -> None:
        """A line to be copied: whole, however long."""
        if self.console is not None:
            self.console.print(Text(f"  {clean(text)}", "bold"), soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table for people."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*(Text(clean(cell)) for cell in row))
        self._print(table)

    def _print(self, what: object) -> None:
        if self.console is None:
            return
        if self.console.is_terminal:
            self.console.print(what)
            return
        with self.console.capture() as held:  # rich fills lines up with blanks: of no use in a file
            self.console.print(what)
        lines = (line.rstrip() for line in held.get().splitlines())
        self.console.file.write("".join(f"{line}\n" for line in lines))
        self.console.file.flush()
