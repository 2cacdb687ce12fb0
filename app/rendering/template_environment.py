"""What the templates find without being given it, told quickly."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, KeysView, MutableMapping
from types import FunctionType
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2.runtime import Context, Macro
from jinja2.utils import internalcode


class TemplateGlobals(ChainMap[str, Any]):
    """What a template finds without being given it: its own names before the environment's.

    Each ``import`` in a page asks for the names of all; nearly always they are the environment's, which a dictionary
    tells at once.
    """

    def keys(self) -> KeysView[str]:
        """The names of both."""
        own, environments = self.maps
        return super().keys() if own else environments.keys()


class PortalContext(Context):
    """What a template is rendered with."""

    @internalcode
    def call(self, called: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """What calling something comes to.

        A page calls a hundred functions that want nothing of Jinja, and macros, of which is known what they want; Jinja asks
        each in six ways.
        """
        kind = type(called)
        is_plain = kind is FunctionType and not called.__dict__
        if not is_plain and kind is not Macro:
            return super().call(called, *args, **kwargs)
        kwargs.pop("_block_vars", None)
        kwargs.pop("_loop_vars", None)
        return called(*args, **kwargs) if is_plain else called(self.eval_ctx, *args, **kwargs)


class PortalEnvironment(Environment):
    """The templates' surroundings."""

    context_class = PortalContext

    def __init__(self, app: Flask, **options: Any) -> None:
        # There are a hundred templates: all are kept, and need not be put in the order they were last used in.
        super().__init__(app, cache_size=-1, **options)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names a template finds, as Jinja chains them."""
        return TemplateGlobals({} if d is None else d, self.globals)
