"""The widgets of the dashboard: each module declares one as ``WIDGET``."""

from __future__ import annotations

import importlib
import pkgutil

from views.widget import Widget


def declared() -> tuple[Widget, ...]:
    """Return the widgets of all modules."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    return tuple(importlib.import_module(f"{__name__}.{name}").WIDGET for name in names)
