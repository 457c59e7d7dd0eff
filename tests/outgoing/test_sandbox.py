"""The quick sandbox gives and refuses what Jinja's own does, to the word of its refusals."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from mailbridge.outgoing.sandbox import QuickSandbox

PARTS = """
{%- macro told(what) %}{{ what }} of {{ case.number }}{{ "<b>" }}{% endmacro %}
{%- macro _own() %}secret{% endmacro %}
{%- macro framed() %}[{{ caller() }}]{% endmacro %}
{%- macro varied() %}{{ varargs }}{{ kwargs }}{% endmacro %}
{%- set word = "said" %}"""
FACTS: dict[str, Any] = {
    "case": {
        "number": 7,
        "items": "a key that is a method too",
        "_own": 1,
        "__class__": 2,
        "get": 3,
        "a b": 4,
    },
    "empty": {},
    "words": ["one", "two"],
    "text": "some <text>",
    "safe": Markup("<i>"),
    "nothing": None,
    "many": {"inner": {"update": "here", "copy": []}},
}
NAMES = (
    "number", "items", "_own", "__class__", "get", "keys", "update", "pop", "clear", "copy", "__init__",
    "inner", "missing", "append", "format", "upper", "format_map", "mro", "real", "word", "told",
)  # fmt: skip
EXPRESSIONS = (
    "case.items()", "case.update({'number': 1})", "case.pop('number')", "many.inner.update",
    "words.append('x')",
    "text.format(1)", "'{0.__class__}'.format(case)", "'{0.number}'.format(case)", "safe.format('<')",
    "text.__class__.__mro__", "case.get('number')", "case['number']", "case['__class__']", "case['a b']",
    "case.told()", "number()", "range(3) | list", "range(999999) | list", "part.told('it')", "part.told()",
    "part.told(1, 2)", "part.told(what=safe)", "part._own()", "part.word", "part.missing", "part.__class__",
    "part.told.name", "part.told._func", "part.told.__class__", "part.told._environment", "self.__init__",
    "cycler('a').next()", "namespace(a=1).a", "joiner.__init__.__globals__", "lipsum.__globals__",
    "(words | map(attribute='__class__')) | list", "(words | first).upper()", "words.0", "case.number.real",
)  # fmt: skip


SOURCES = (
    "{% call part.told('x') %}in{% endcall %}",
    "{% call part.framed() %}in {{ case.number }}{% endcall %}",
    "{% macro own(x) %}{{ x }}<hr>{% endmacro %}{{ own('<x>') }}{{ own(own('<y>')) }}",
    "{% for a in words %}{{ part.told(a) }}{{ loop.index }}{{ loop.cycle('p', 'q') }}{% endfor %}",
    "{% set told = part.told %}{{ told('<x>') ~ '<y>' }}",
    "{% from 'parts' import told %}{{ told(1) }}",
    "{% import 'parts' as alone %}{{ alone.told(1) }}",
    "{% include 'parts' %}",
    "{{ part.told(*words) }}",
    "{{ part.told(**case) }}",
    "{{ part.varied(1, 2, a=3) }}",
)


def _environment(kind: type[Environment]) -> Environment:
    return kind(
        loader=DictLoader({"parts": PARTS, "parts.html": PARTS}),
        undefined=StrictUndefined,
        autoescape=lambda name: str(name).endswith("html"),
    )


def _said(environment: Environment, source: str, name: str) -> str:
    """What the source writes, else its refusal."""
    parts = "parts.html" if name.endswith("html") else "parts"
    source = f"{{% import '{parts}' as part with context %}}" + source
    code = environment.compile(source, name, name)
    template = environment.template_class.from_code(environment, code, environment.make_globals(None))
    try:
        return template.render(FACTS)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


OURS, THEIRS = _environment(QuickSandbox), _environment(ImmutableSandboxedEnvironment)


@pytest.mark.parametrize("name", ["text", "page.html"])
def test_it_gives_and_refuses_what_the_sandbox_does(name: str) -> None:
    asked = [f"{thing}.{attribute}" for thing, attribute in itertools.product([*FACTS, "part"], NAMES)]
    differ = {
        source: said
        for source in (*SOURCES, *(f"{{{{ {expression} }}}}" for expression in (*asked, *EXPRESSIONS)))
        if len(set(said := [_told(_said(kind, source, name)) for kind in (OURS, THEIRS)])) > 1
    }
    assert differ == {}


def _told(said: str) -> str:
    """said without the places in memory that Python shows of methods."""
    return said.split(" at 0x")[0]


def test_the_worst_is_refused() -> None:
    for source in (
        "{{ case.__class__ }}",
        "{{ part.told._func }}",
        "{{ case.update({}) }}",
        "{{ part._own() }}",
    ):
        assert "Error" in _said(OURS, source, "text"), source


def test_a_macro_escapes_as_its_caller_does() -> None:
    source = "{% for a in [1] %}{{ part.told('<it>') }}{% endfor %}"
    assert _said(OURS, source, "text") == "<it> of 7<b>"
    assert (
        _said(OURS, source, "page.html") == _said(THEIRS, source, "page.html") == "&lt;it&gt; of 7&lt;b&gt;"
    )


def test_a_template_is_loaded_once() -> None:
    assert OURS.get_template("parts") is OURS.get_template("parts", "page.html")
