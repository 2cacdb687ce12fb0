"""How a template writes a value into a page.

Jinja escapes each value by a call that makes a marked string of it, also of one that is marked already, and of every
number. A list of fifty rows writes two thousand values; here only those are escaped that can need it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import KeysView, MutableMapping
from typing import Any

from flask.templating import Environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Expr
from markupsafe import Markup, escape


def written(value: Any) -> str:
    """A value as it goes into a page, safe between tags and in quotes.

    >>> written("a<b"), written(Markup("<b>")), written(7)
    (Markup('a&lt;b'), Markup('<b>'), '7')
    """
    kind = type(value)
    # Letters and digits are no markup.
    if kind is Markup or (kind is str and value.isalnum()):
        return value
    return str(value) if kind is int else escape(value)


class PortalCodeGenerator(CodeGenerator):
    """Compiles templates whose values go through ``written`` where Jinja has ``escape``."""

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile:
            self.write("environment.written(")
            if finalize.src is not None:
                self.write(finalize.src)
        else:
            super()._output_child_pre(node, frame, finalize)


class TemplateGlobals(ChainMap[str, Any]):
    """What a template finds without being given it: its own names before the environment's.

    Each ``import`` in a page asks for the names of all; nearly always they are the environment's, which a dictionary
    tells at once.
    """

    def keys(self) -> KeysView[str]:
        """The names of both."""
        own, environments = self.maps
        return super().keys() if own else environments.keys()


class PortalEnvironment(Environment):
    """The templates' surroundings."""

    code_generator_class = PortalCodeGenerator
    written = staticmethod(written)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names a template finds, as Jinja chains them."""
        return TemplateGlobals({} if d is None else d, self.globals)
