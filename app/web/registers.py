"""Collect the registers of all areas (``views.register``)."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import views
from views.register import COMMON_LABELS, MenuEntry, Place, RateLimit, Rights, SharedLink
from views.widget import Widget


@dataclass(frozen=True)
class Register:
    """The combined registers of all areas."""

    screens: tuple[Any, ...]
    apis: tuple[Any, ...]
    blueprints: tuple[Any, ...]
    rights: dict[str, Rights]
    menu: tuple[MenuEntry, ...]
    public: frozenset[str]
    tenantless: frozenset[str]
    set_up: frozenset[str]
    uploads: frozenset[str]
    large_uploads: frozenset[str]
    rate_limits: tuple[RateLimit, ...]
    widgets: tuple[Widget, ...]
    shared_links: tuple[Callable[[Any], SharedLink | None], ...]

    def menu_at(self, place: Place) -> tuple[MenuEntry, ...]:
        """Return the entries of a menu, in order."""
        return tuple(entry for entry in self.menu if entry.place == place)

    def shared_links_of(self, customer: Any) -> list[SharedLink]:
        """Return the links of a customer's page that the partner passes on to the customer."""
        return [link for find in self.shared_links if (link := find(customer)) is not None]

    @property
    def labels(self) -> dict[str, str]:
        """The descriptions of the permissions by name; that of a single view may differ (``Rights.labels``)."""
        return {name: text for rights in self.rights.values() for name, text in rights.labels.items()} | COMMON_LABELS


@cache
def register() -> Register:
    """Return the combined registers of all packages and modules directly below ``views``."""
    areas = [importlib.import_module(f"views.{found.name}") for found in pkgutil.iter_modules(views.__path__)]

    def all_of(name: str) -> tuple[Any, ...]:
        return tuple(item for area in areas for item in getattr(area, name, ()))

    rights: dict[str, Rights] = {}
    for area in areas:
        rights |= getattr(area, "RIGHTS", {})
    return Register(
        screens=all_of("SCREENS"),
        apis=all_of("APIS"),
        blueprints=all_of("BLUEPRINTS"),
        rights=rights,
        menu=tuple(sorted(all_of("MENU"), key=lambda entry: entry.order)),
        public=frozenset(all_of("PUBLIC")) | {"static"},
        tenantless=frozenset(all_of("TENANTLESS")),
        set_up=frozenset(all_of("SET_UP")),
        uploads=frozenset(all_of("UPLOADS")),
        large_uploads=frozenset(all_of("LARGE_UPLOADS")),
        rate_limits=all_of("RATE_LIMITS"),
        widgets=tuple(sorted(all_of("WIDGETS"), key=lambda widget: widget.order)),
        shared_links=all_of("SHARED_LINKS"),
    )
