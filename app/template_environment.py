"""What the templates find without being given it, told quickly."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import KeysView, MutableMapping
from typing import Any

from flask.templating import Environment


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

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The names a template finds, as Jinja chains them."""
        return TemplateGlobals({} if d is None else d, self.globals)
