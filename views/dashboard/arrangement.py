"""ダッシュボードの表示設定: which widgets a user sees, and in which order. It applies in all tenants of the user."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from flask import current_app, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_babel import gettext

from models.accounts import user_rules
from models.db import db
from views.base import PortalView, render
from views.confirmation import back_to_form, returns_to_form
from views.flashes import flash_success
from views.widget import Widget

_PREFERENCE = "dashboard"
_HIDDEN = "-"
_DIRECTIONS = {"up": -1, "down": 1}


class Placed(NamedTuple):
    """A widget in the user's arrangement."""

    widget: Widget
    visible: bool


def arrangement() -> list[Placed]:
    """Return all widgets that the user may see, in the user's order. New ones are in their place by default."""
    return [each for each in _all_placed() if _is_for_user(each.widget)]


def _is_for_user(widget: Widget) -> bool:
    may = current_app.extensions["appbuilder"].sm.has_access
    reached_elsewhere = bool(widget.unless) and all(may(*right) for right in widget.unless)
    return may(*widget.right) and not reached_elsewhere


def _all_placed() -> list[Placed]:
    """Return all widgets, those that the user may not see included, in the user's order."""
    widgets: Sequence[Widget] = current_app.extensions["widgets"]
    kept = str(g.identity.user.preferences.get(_PREFERENCE, "")).split(",")
    names = [each.removeprefix(_HIDDEN) for each in kept]
    hidden = {each.removeprefix(_HIDDEN) for each in kept if each.startswith(_HIDDEN)}
    by_name = {each.name: each for each in widgets}
    found = [by_name[name] for name in dict.fromkeys(names) if name in by_name]
    for place, each in enumerate(widgets):
        if each not in found:
            # Behind the widget that precedes it by default.
            before = [found.index(other) for other in widgets[:place]]
            found.insert(max(before) + 1 if before else 0, each)
    return [Placed(each, each.name not in hidden) for each in found]


def _keep(placed: Iterable[Placed]) -> None:
    text = ",".join(f"{'' if each.visible else _HIDDEN}{each.widget.name}" for each in placed)
    user_rules.set_preference(db.session(), g.identity.user.id, _PREFERENCE, text)


class ArrangementView(PortalView):
    """The form with the widgets, and its buttons."""

    route_base = "/dashboard-settings"
    class_permission_name = "Home"

    @expose("/")
    @has_access
    @permission_name("index")
    def show(self) -> str:
        """Show the widgets in the user's order."""
        return _page(arrangement())

    @expose("/", methods=["POST"])
    @has_access
    @permission_name("index")
    @returns_to_form
    def save(self) -> Any:
        """Save which widgets are visible, move one of them, or forget the user's arrangement."""
        if "reset" in request.form:
            user_rules.set_preference(db.session(), g.identity.user.id, _PREFERENCE, "")
            flash_success(gettext("The default layout has been restored."))
            return redirect(url_for("ArrangementView.show"))
        visible = set(request.form.getlist("visible"))
        if back_to_form():
            return _page([each._replace(visible=each.widget.name in visible) for each in arrangement()])
        own = {each.widget.name for each in arrangement()}
        placed = [
            each._replace(visible=each.widget.name in visible) if each.widget.name in own else each
            for each in _all_placed()
        ]
        direction, _, name = request.form.get("move", "").partition(":")
        if direction in _DIRECTIONS and name in own:
            _keep(_moved(placed, own, name, _DIRECTIONS[direction]))
            return redirect(url_for("ArrangementView.show", _anchor=f"widget-{name}"))
        _keep(placed)
        flash_success(gettext("The layout of the dashboard has been saved."))
        return redirect(url_for("HomeView.index"))


def _page(placed: Sequence[Placed]) -> str:
    return render("dashboard/arrangement.html", placed=placed, save_url=url_for("ArrangementView.save"))


def _moved(placed: Sequence[Placed], own: set[str], name: str, step: int) -> list[Placed]:
    """Return the widgets with one moved past the next one that the user can see; at the end, it stays."""
    found = list(placed)
    places = [place for place, each in enumerate(found) if each.widget.name in own]
    at = next(number for number, place in enumerate(places) if found[place].widget.name == name)
    if 0 <= at + step < len(places):
        first, second = places[at], places[at + step]
        found[first], found[second] = found[second], found[first]
    return found
