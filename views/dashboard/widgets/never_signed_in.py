"""未ログイン: the users who have never signed in to the customers' portal (§5.1 (5))."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext, ngettext

from models.dashboard.figures import Source
from models.portal_users.never_signed_in import count_of, never_signed_in
from views.base import url_if
from views.widget import Figure, Numbers, Shown, Widget

_RIGHT = ("can_list", "PortalUsers")


def _values(_today: date) -> dict[str, Any]:
    return {"users": count_of(never_signed_in())}


def _draw(shown: Shown) -> Numbers:
    number = shown.stored.values.get("users")
    figure = Figure(
        number, ngettext("person", "people", number or 0), url_if(*_RIGHT, "AllPortalUsersView.list", signed_in="never")
    )
    return Numbers("user-question", "blue", [figure], shown.stored.computed_at)


WIDGET = Widget(
    "never_signed_in",
    lazy_gettext("Never signed in"),
    _RIGHT,
    60,
    _draw,
    source=Source("never_signed_in", _values, subjects=("PortalUser", "Customer")),
)
