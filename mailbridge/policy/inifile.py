"""An INI text as sections of keys, with every flaw of its form said, not only the first.

Promises: never raises; what is broken is named by its line and the rest is still read, so that the next stage
can say its own problems in the same breath. No interpolation, no DEFAULT section, no case folding of values:
what stands there is what is meant (configparser does all three, stops at the first flaw, and takes "a: b"
for a key, which cuts an address list or an hour in two).

Form: `[section]`, `key = value`, a value goes on in indented lines, `#` or `;` first in a line is a comment.
"""

from __future__ import annotations

import re

from mailbridge.errors import Problem

MAX_BYTES = 1_000_000
_SECTION = re.compile(r"\[\s*([^\[\]\s][^\[\]]{0,199})\]")
_KEY = re.compile(r"([^=\s][^=]{0,99}?)\s*=\s*(.*)")

Sections = dict[str, dict[str, str]]


class _Form:
    """The reader's state while it walks down the lines."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sections: Sections = {}
        self.problems: list[Problem] = []
        self.section = ""
        self.key = ""

    def complain(self, number: int, message: str, key: str = "") -> None:
        self.problems.append(Problem(self.source, self.section, key, f"line {number}: {message}"))

    def line(self, number: int, line: str) -> None:
        bare = line.strip()
        if not bare or bare[0] in "#;":
            return
        if line[0] in " \t":
            self.go_on(number, bare)
        elif bare[0] == "[":
            self.open(number, bare)
        else:
            self.put(number, bare)

    def go_on(self, number: int, bare: str) -> None:
        if not self.key:
            self.complain(number, "an indented line goes on with a value, and there is none before it")
            return
        keys = self.sections[self.section]
        keys[self.key] = f"{keys[self.key]}\n{bare}".lstrip("\n")

    def open(self, number: int, bare: str) -> None:
        match = _SECTION.fullmatch(bare)
        self.key = ""
        if match is None:
            self.complain(number, "not a section; write [name]")
            return
        self.section = " ".join(match[1].split()).lower()
        if self.section in self.sections:
            self.complain(number, "the section stands twice; put its keys together")
        self.sections.setdefault(self.section, {})

    def put(self, number: int, bare: str) -> None:
        match = _KEY.fullmatch(bare)
        self.key = ""
        if match is None:
            self.complain(
                number, f"not understood: {bare[:60]!r}; write key = value, and indent what goes on"
            )
        elif not self.section:
            self.complain(number, "a key before the first [section]", match[1])
        else:
            self.store(number, match[1].lower(), match[2])

    def store(self, number: int, key: str, value: str) -> None:
        if key in self.sections[self.section]:
            self.complain(number, "the key stands twice in this section; keep one", key)
        self.key = key
        self.sections[self.section][key] = value


def read_ini(text: str, source: str) -> tuple[Sections, list[Problem]]:
    """Sections (names and keys lower case, blanks single) and the problems of the form.

    source is the file's name as the problems shall say it. A text over a million bytes or with NUL is refused
    whole: it is not an INI file.
    """
    if len(text) > MAX_BYTES or "\0" in text:
        return {}, [Problem(source, "", "", "not a text of at most a million characters")]
    form = _Form(source)
    # Only \n and \r\n end a line: str.splitlines would also break at U+2028 or a form feed inside a value.
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        form.line(number, line.removesuffix("\r"))
    return form.sections, form.problems
