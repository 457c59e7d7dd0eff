"""Own fixtures of answers and of mails in which nothing may be cut, read from the tables beside this file.

A block begins with "#### name | subject" ("[html]" before the name: the body is HTML), then the body, then
"####=" and the new text; "####=(all)" says that it is the whole text. "␠" is a blank at a line's end, which
editors take away.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailbridge.mail.body import readable
from tests.mail.replies_attributions import FIRST, LATER

FOLDER = Path(__file__).resolve().parent
OWN = "The printer is back.\n\nBut the scanner still fails with error 51."
NAMES = ("Ann Desk", "support@desk.example")
# How an attribution stands in a mail, {0} being it. Wrapped: as clients do at some 60 characters.
POSTINGS = {
    "above marks": "{own}\n\n{line}\n\n> How old?\n> Ann\n",
    "above bare history": "{own}\n\n{line}\n\nHow old?\nAnn\n",
    "answer below": "{line}\n> How old?\n> Ann\n\n{own}\n",
    "wrapped above marks": "{own}\n\n{wrapped}\n> How old?\n",
    "wrapped above bare history": "{own}\n\n{wrapped}\n\nHow old?\n",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail and the new text that it must give; None for all of it."""

    name: str
    subject: str
    plain: str
    html: str
    wanted: str | None

    def got(self) -> tuple[str, str]:
        """(new text, what it should be), blanks aside."""
        found = readable(self.plain, self.html, subject=self.subject)
        wanted = found.text if self.wanted is None else self.wanted
        return " ".join(found.new_text.split()), " ".join(wanted.split())


def shapes(file: str) -> list[Reply]:
    """The blocks of a table."""
    return [_shape(block) for block in (FOLDER / file).read_text("utf-8").split("\n#### ")]


def _shape(block: str) -> Reply:
    title, _, rest = block.replace("␠", " ").removeprefix("#### ").partition("\n")
    body, _, wanted = rest.partition("\n####=")
    name, _, subject = title.partition(" | ")
    plain, html = ("", body) if name.startswith("[html]") else (body, "")
    return Reply(name, subject, plain, html, None if wanted.startswith("(all)") else wanted.strip("\n"))


def attributed(rows: list[str]) -> list[Reply]:
    """Every attribution in every posting."""
    found: list[Reply] = []
    for row in rows:
        client, form, *only = row.split("|")
        line = form.replace("¶", "\n").replace("{n}", NAMES[0]).replace("{a}", NAMES[1])
        for posting, template in POSTINGS.items():
            wrapped = _wrapped(line)
            unlike = ("marks" in only and "bare" in posting) or ("top" in only and posting != "above marks")
            if not unlike and (not posting.startswith("wrapped") or wrapped != line):
                body = template.format(own=OWN, line=line, wrapped=wrapped)
                found.append(Reply(f"{client}, {posting}", "Re: Printer", body, "", OWN))
    return found


def _wrapped(line: str) -> str:
    """Broken at the last blank before the 60th character."""
    at = line.rfind(" ", 0, 60)
    return line if len(line) <= 60 or "\n" in line or at < 0 else f"{line[:at]}\n{line[at + 1 :]}"


def first() -> list[Reply]:
    return [*attributed(FIRST), *shapes("replies_first.txt")]


def later() -> list[Reply]:
    return [*attributed(LATER), *shapes("replies_later.txt")]


def last() -> list[Reply]:
    return shapes("replies_last.txt")
