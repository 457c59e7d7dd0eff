"""Words for notices: Jinja2 templates, text and HTML of the same facts, found most specific first.

Looked for in each folder of template_dirs in turn (an admin's own before the shipped one):
<kind>/<policy>/<language>/, <kind>/<policy>/, <kind>/<language>/, <kind>/; files subject.j2, text.j2, html.j2.
Templates run in an immutable sandbox with StrictUndefined: a customer's text is data, never a template; a variable
that does not exist refuses to render. Values are HTML-escaped in html.j2 only.

Fails: Permanent where a template is missing or wrong; `check_templates` says so before mail depends on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailbridge.errors import Permanent, Problem
from mailbridge.model.notice import Notice, NoticeKind

MOST_CHARS = 200_000
_BLANK_LINES = re.compile(r"\n{3,}")
_SAFE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
FILES = ("subject.j2", "text.j2", "html.j2")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A notice in words. subject is one line without the case's tag."""

    subject: str
    text: str
    html: str


@lru_cache(maxsize=1)
def default_template_dir() -> Path:
    """The shipped templates: inside the installed package, or the checkout's templates/ in development."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_templates"
    return installed if installed.is_dir() else package.parent / "templates"


def _escape_in(name: str | None) -> bool:
    return bool(name) and str(name).endswith("html.j2")


class Renderer:
    """Compiles each template once; threads may share it."""

    def __init__(self, template_dirs: Sequence[Path]) -> None:
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader([FileSystemLoader(str(folder)) for folder in template_dirs]),
            undefined=StrictUndefined,
            autoescape=_escape_in,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
            auto_reload=False,
            cache_size=400,
        )
        self._found: dict[tuple[str, str, str, str], Template] = {}

    def render(self, notice: Notice) -> Rendered:
        """The notice in words. Raises Permanent, naming the template."""
        subject, text, html = (self._one(notice, file) for file in FILES)
        return Rendered(
            " ".join(subject.split()), _BLANK_LINES.sub("\n\n", text).strip() + "\n", html.strip() + "\n"
        )

    def _one(self, notice: Notice, file: str) -> str:
        key = (notice.kind.value, notice.policy, notice.language.lower()[:2], file)
        template = self._found.get(key)
        try:
            if template is None:
                template = self._found[key] = self._environment.select_template(list(_candidates(*key)))
            return template.render(notice.data)[:MOST_CHARS]
        except TemplateNotFound as error:
            raise Permanent(f"there is no template {notice.kind.value}/{file}") from error
        except TemplateError as error:
            name = template.name if template is not None else f"{notice.kind.value}/{file}"
            raise Permanent(f"the template {name} cannot be rendered: {error}") from error


def _candidates(kind: str, policy: str, language: str, file: str) -> Iterator[str]:
    own = policy if _SAFE_NAME.fullmatch(policy) else ""
    tongue = language if _SAFE_NAME.fullmatch(language) else ""
    folders = (f"{own}/{tongue}" if own and tongue else "", own, tongue)
    yield from (f"{kind}/{folder}/{file}" for folder in folders if folder)
    yield f"{kind}/{file}"


def check_templates(template_dirs: Sequence[Path] = ()) -> list[Problem]:
    """Render every template with its example data; a Problem for each that is missing or wrong."""
    folders = [*template_dirs, default_template_dir()]
    renderer = Renderer(folders)
    problems = []
    for kind in NoticeKind:
        variants = {("", "en")} | {v for folder in folders for v in _variants(folder / kind.value)}
        for policy, language in sorted(variants):
            try:
                data = example(kind)
                renderer.render(
                    Notice(kind, ("example@example.com",), data, policy=policy, language=language)
                )
            except (Permanent, OSError, ValueError) as error:
                problems.append(Problem("templates", kind.value, policy or language, str(error)))
    return problems


def _variants(folder: Path) -> Iterator[tuple[str, str]]:
    """(policy, language) of each folder with templates of its own."""
    for file in folder.glob("**/*.j2"):
        parts = file.relative_to(folder).parts[:-1]
        if len(parts) == 2:
            yield parts[0], parts[1]
        elif len(parts) == 1:
            yield ("", parts[0]) if len(parts[0]) == 2 else (parts[0], "en")


def example(kind: NoticeKind) -> dict[str, object]:
    """The example data of a kind: the shared example, with the kind's own on top."""
    folder = default_template_dir()
    shared = json.loads((folder / "_layout" / "example.json").read_text("utf-8"))
    own = folder / kind.value / "example.json"
    return dict(shared | (json.loads(own.read_text("utf-8")) if own.exists() else {}))
