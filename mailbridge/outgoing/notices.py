"""Words for notices: Jinja2 templates, text and HTML of the same facts, found most specific first.

Looked for: <kind>/<policy>/<language>/, <kind>/<policy>/, <kind>/<language>/, <kind>/, each in every folder
of template_dirs in turn (an admin's own before the shipped one). The first with a text.j2 is the set: its
html.j2 belongs to it (without one the HTML is made of the text, so that the two never tell different things),
its subject.j2 too, else that of the next set. A language's folder is used only where the facts themselves are
told in that language (data "language", "en" where absent): no mail speaks two languages.

Templates run in an immutable sandbox with StrictUndefined: a customer's text is data, never a template; a
variable that does not exist refuses to render. Values are escaped in html.j2 only.

Fails: a set that cannot be rendered is passed over for the next one and Rendered.problem says so (a customer
rather gets our words than none); Permanent where the shipped set fails too. check_templates finds both before
mail depends on it.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateError, TemplateNotFound

from mailbridge.errors import Permanent, Problem
from mailbridge.mail.compose_parts import clean_line
from mailbridge.model.notice import Notice, NoticeKind
from mailbridge.outgoing.facts import complete
from mailbridge.outgoing.sandbox import QuickSandbox

MOST_CHARS = 200_000  # of one rendered file: ten times the longest text that a notice shows
LONGEST_ANSWER = 5_000_000  # a person's own answer goes out whole, log and all; a mail could not be longer
_BLANK_LINES = re.compile(r"\n\n\n+")  # a tenth of the time of \n{3,}: re searches for the literal start
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}")
SUBJECT, TEXT, HTML = "subject.j2", "text.j2", "html.j2"
# What goes wrong in a template shows as any of these: Jinja's own, Python's of a filter or an operator.
_BROKEN = (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A notice in words.

    subject: one line without the case's tag. language: that of the words chosen ("" never). problem: why an
    admin's own template was passed over, "" where all is well; worth a line in the log.
    """

    subject: str
    text: str
    html: str
    language: str = "en"
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Set:
    """One folder of templates: place in template_dirs, folder below it, language of its words."""

    place: int
    folder: str
    language: str


@lru_cache(maxsize=1)
def default_template_dir() -> Path:
    """The shipped templates: inside the installed package, or the checkout's templates/ in development."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


class _Loader(BaseLoader):
    """Files below the template folders; "@1/closed/text.j2" is that of the second folder alone."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:
        """Source, path and "still fresh" (always: a new Renderer reads anew). Raises TemplateNotFound."""
        del environment  # the same for all
        folders, name = self._folders, template
        if template.startswith("@"):
            place, _, name = template[1:].partition("/")
            folders = (self._folders[int(place)],)
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\\" in part for part in parts):
            raise TemplateNotFound(template)
        for folder in folders:
            path = folder.joinpath(*parts)
            if path.is_file():
                return path.read_text("utf-8"), str(path), lambda: True
        raise TemplateNotFound(template)


class Renderer:
    """Compiles each template once; threads may share it. A new one reads the files anew (SIGHUP)."""

    def __init__(self, template_dirs: Sequence[Path]) -> None:
        self._folders = tuple(template_dirs)
        self._environment = _environment(self._folders)
        self._sets: dict[tuple[str, str, str], tuple[_Set, ...]] = {}
        self._there: dict[tuple[_Set, str], bool] = {}
        self._lock = threading.Lock()

    def language_of(self, kind: NoticeKind, policy: str, wanted: Sequence[str]) -> str:
        """The first of these languages in which there are words for the notice; else English, as shipped."""
        for language in (one[:2].lower() for one in wanted if one):
            sets = self._sets_for(kind, policy, language)
            if sets and sets[0].language == language:
                return language
        return "en"

    def render(self, notice: Notice) -> Rendered:
        """The notice in words. Raises Permanent, naming the template, where no set can be rendered."""
        own = not notice.kind.automatic
        facts = complete(notice.data, longest=LONGEST_ANSWER) if own else complete(notice.data)
        told_in = str(facts.get("language") or "en")[:2].lower()
        language = notice.language[:2].lower()
        problem = ""
        sets = self._sets_for(notice.kind, notice.policy, language if language == told_in else "")
        for number, chosen in enumerate(sets):
            try:
                return self._render(sets[number:], chosen, facts, problem, whole=own)
            except _BROKEN as error:
                problem = problem or f"the template {self._told(chosen)} cannot be rendered: {_why(error)}"
        raise Permanent(problem or f"there is no template {notice.kind.value}/{TEXT}")

    def render_set(self, place: int, folder: str, data: Mapping[str, Any]) -> Rendered:
        """One folder's own words; only a subject that it has none of is the kind's. Raises Permanent."""
        chosen = _Set(place, folder, "en")
        sets = (chosen, *self._sets_for(NoticeKind(folder.partition("/")[0]), "", ""))
        try:
            return self._render(sets, chosen, complete(data), "")
        except _BROKEN as error:
            raise Permanent(f"the template {self._told(chosen)} cannot be rendered: {_why(error)}") from error

    def warm(self) -> None:
        """Compile every template now. The first notice of each kind would else compile its own while it is
        rendered, under the write lock of the store, and mail would wait for it a tenth of a second.
        """
        for place, folder in enumerate(self._folders):
            for name in _set_names(folder):
                with contextlib.suppress(Permanent, OSError, ValueError):  # told where a notice needs it
                    self.render_set(place, name, example(NoticeKind(name.partition("/")[0])))

    def _render(
        self,
        sets: Sequence[_Set],
        chosen: _Set,
        facts: Mapping[str, Any],
        problem: str,
        *,
        whole: bool = False,
    ) -> Rendered:
        """whole: a person's words, of which no blank line is ours to take and no length ours to bound."""
        most = 6 * LONGEST_ANSWER if whole else MOST_CHARS
        text = self._one(self._file(chosen, TEXT), facts, most)
        text = text.strip("\n") + "\n" if whole else _tidy(text)
        titled = next((one for one in sets if self._has(one, SUBJECT)), chosen)
        subject = clean_line(self._one(self._file(titled, SUBJECT), facts), 500)
        if self._has(chosen, HTML):
            html = self._one(self._file(chosen, HTML), facts, most)
        else:
            html = self._one(
                "_layout/plain.html.j2",
                {**facts, "paragraphs": _paragraphs(text), "spoken": chosen.language},
                most,
            )
        html = html.strip() + "\n" if whole else _BLANK_LINES.sub("\n", html).strip() + "\n"
        return Rendered(subject, text, html, chosen.language, problem)

    def _one(self, name: str, facts: Mapping[str, Any], most: int = MOST_CHARS) -> str:
        pieces, size = [], 0
        for piece in self._environment.get_template(name).generate(facts):
            pieces.append(piece)
            size += len(piece)
            if size > most:
                raise TemplateError(f"it writes more than {most} characters")
        return "".join(pieces)

    def _sets_for(self, kind: NoticeKind, policy: str, language: str) -> tuple[_Set, ...]:
        key = (kind.value, policy, language)
        with self._lock:
            if key not in self._sets:
                self._sets[key] = tuple(self._find(*key))
            return self._sets[key]

    def _find(self, kind: str, policy: str, language: str) -> Iterator[_Set]:
        own = policy if _SAFE_NAME.fullmatch(policy) else ""
        tongue = language if _SAFE_NAME.fullmatch(language) else ""
        folders = [(f"/{own}/{tongue}", tongue)] if own and tongue else []
        folders += [(f"/{own}", "en")] if own else []
        folders += [(f"/{tongue}", tongue)] if tongue else []
        for folder, spoken in [*folders, ("", "en")]:
            for place in range(len(self._folders)):
                found = _Set(place, kind + folder, spoken)
                if self._has(found, TEXT):
                    yield found

    def _has(self, one: _Set, file: str) -> bool:
        if (found := self._there.get((one, file))) is None:
            found = self._there[(one, file)] = (self._folders[one.place] / one.folder / file).is_file()
        return found

    def _told(self, one: _Set) -> str:
        return str(self._folders[one.place] / one.folder)

    @staticmethod
    def _file(one: _Set, file: str) -> str:
        return f"@{one.place}/{one.folder}/{file}"


def check_templates(template_dirs: Sequence[Path] = ()) -> list[Problem]:
    """Render every set of templates with its example data; a Problem for each that is missing or wrong.

    template_dirs: an admin's folders; the shipped one is always looked at too.
    """
    folders = list(dict.fromkeys([*template_dirs, default_template_dir()]))
    renderer = Renderer(folders)
    problems = []
    for place, folder in enumerate(folders):
        for name in _set_names(folder):
            try:
                renderer.render_set(place, name, example(NoticeKind(name.partition("/")[0])))
            except (Permanent, OSError, ValueError) as error:
                problems.append(Problem(str(folder), name, "", str(error)))
    have = {name for folder in folders for name in _set_names(folder)}
    problems += [
        Problem(str(folders[-1]), kind.value, TEXT, "is missing")
        for kind in NoticeKind
        if kind.value not in have
    ]
    return problems


def example(kind: NoticeKind) -> dict[str, Any]:
    """The example data of a kind: the shared example, with the kind's own on top."""
    folder = default_template_dir()
    shared = json.loads((folder / "_layout" / "example.json").read_text("utf-8"))
    own = folder / kind.value / "example.json"
    return dict(shared | (json.loads(own.read_text("utf-8")) if own.exists() else {}))


def _set_names(folder: Path) -> list[str]:
    """Folders with a template of a notice; one of html.j2 alone is looked at too (and refused)."""
    kinds = [folder / kind.value for kind in NoticeKind]
    files = [file for kind in kinds for file in kind.glob("**/*.j2") if file.name in (TEXT, HTML)]
    return sorted({file.parent.relative_to(folder).as_posix() for file in files})


def _environment(folders: Sequence[Path]) -> Environment:
    environment = QuickSandbox(
        loader=_Loader(folders),
        undefined=StrictUndefined,
        autoescape=lambda name: bool(name) and str(name).endswith("html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=400,
    )
    environment.filters |= {"sentence": _sentence, "indented": _indented, "shortened": _shortened}
    return environment


def _tidy(text: str) -> str:
    """text without what blocks of a template leave behind: heaps of blank lines, blanks at line ends."""
    lines = [line.rstrip(" \t") if line[:2] != "--" else _marked(line) for line in text.split("\n")]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip() + "\n"


def _marked(line: str) -> str:
    """line without the blanks at its end, but for the one that belongs to the signature mark "-- "."""
    bare = line.rstrip(" \t")
    return line[:3] if bare == "--" else bare


def _sentence(text: str) -> str:
    """text with a capital in front, unless an address stands there, and a full stop behind."""
    text = text.strip()
    capital = text[:1] if "@" in text.split(" ", 1)[0] else text[:1].upper()
    return capital + text[1:] + ("" if not text or text[-1] in ".!?:" else ".")


def _indented(text: str) -> str:
    """Each line behind four blanks, so that another's words are seen to be that."""
    return "\n".join(f"    {line}".rstrip() for line in text.split("\n"))


def _shortened(text: str, longest: int = 1500) -> str:
    """text cut at a word, with a mark that it was."""
    return text if len(text) <= longest else text[:longest].rsplit(None, 1)[0] + " [...]"


def _paragraphs(text: str) -> list[list[str]]:
    return [block.split("\n") for block in text.strip().split("\n\n")]


def _why(error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    said = clean_line(str(error), 300) or type(error).__name__
    return f"line {line}: {said}" if line else said
