"""format=flowed (RFC 3676) to plain paragraphs, only where it is declared.

Soft line ends are joined within one quote depth; "-- " is never one. Stuffed blanks are taken off.
"""

from __future__ import annotations


def unflow(text: str, *, delsp: bool = False) -> str:
    """Text with soft line breaks undone; quote marks are written back in the usual form ("> ")."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0

    def flush() -> None:
        if paragraph:
            out.append((">" * depth + " " if depth else "") + "".join(paragraph))
            paragraph.clear()

    for line in text.split("\n"):
        bare = line.lstrip(">")
        marks = len(line) - len(bare)
        if bare.startswith(" "):
            bare = bare[1:]
        if marks != depth:
            flush()
            depth = marks
        signature = bare == "-- "
        if signature:
            flush()
        soft = bare.endswith(" ") and not signature
        paragraph.append(bare[:-1] if soft and delsp else bare)
        if not soft:
            flush()
    flush()
    return "\n".join(out)
