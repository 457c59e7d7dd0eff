"""The environment of our templates: Jinja's immutable sandbox, with a short way for what is safe anyway.

Promises: every access gives what ImmutableSandboxedEnvironment gives, and refuses what that refuses. A key of
a plain dict and a macro of an imported file are given without asking its questions again; whatever else is
asked for goes to it. Measured: half of the time of a notice's words went into those questions.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

_OF_DICTS = frozenset(dir(dict))  # Jinja looks for an attribute first, so a key of that name is none


class QuickSandbox(ImmutableSandboxedEnvironment):
    """One for a set of folders that do not change: a template is loaded once and stays."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._loaded: dict[str, Template] = {}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A dict has no attributes but its methods; what else it is asked for is a key."""
        if type(obj) is dict and attribute in obj and attribute not in _OF_DICTS:
            return obj[attribute]
        if type(obj) is TemplateModule and type(found := obj.__dict__.get(attribute)) is Macro:
            return found  # a name with an underscore is never exported, so never there
        return super().getattr(obj, attribute)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A macro is safe to call, and takes how its caller escapes; the rest is Jinja's to judge."""
        if type(obj) is not Macro:
            return super().call(context, obj, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return obj(context.eval_ctx, *args, **kwargs)

    def get_template(self, name: str | Template, parent: Any = None, globals: Any = None) -> Template:  # noqa: A002
        """Loaded once; Jinja's own cache takes a lock and looks for another loader each time."""
        if isinstance(name, Template) or globals is not None:
            return super().get_template(name, parent, globals)
        if (found := self._loaded.get(name)) is None:
            found = self._loaded[name] = super().get_template(name, parent)
            found.globals = dict(found.globals)  # copied for each rendering, and slow to copy as a ChainMap
        return found
