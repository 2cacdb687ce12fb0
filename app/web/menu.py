"""The menu entries that the user may open."""

from __future__ import annotations

from flask import current_app

from app.web.registers import register
from views.register import MenuEntry, Place


def allowed(*places: Place) -> list[MenuEntry]:
    """Return the entries of the given menus that the user may open."""
    manager = current_app.extensions["appbuilder"].sm
    return [entry for place in places for entry in register().menu_at(place) if manager.has_access(*entry.right)]
