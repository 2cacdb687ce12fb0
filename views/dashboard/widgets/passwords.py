"""初回パスワード設定状況: the users who have set their first password, and those who have not (§5.1 (6))."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext

from models.dashboard.figures import Source
from models.portal_users.never_signed_in import count_of
from models.portal_users.portal_user import PortalUser
from views.base import url_if
from views.widget import Figure, Numbers, Shown, Widget

_RIGHT = ("can_list", "PortalUsers")


def _values(_today: date) -> dict[str, Any]:
    return {
        "done": count_of(PortalUser.signed_up_at.is_not(None)),
        "missing": count_of(PortalUser.signed_up_at.is_(None)),
    }


def _draw(shown: Shown) -> Numbers:
    figures = []
    for name, label in (("done", gettext("Set")), ("missing", gettext("Not set"))):
        number = shown.stored.values.get(name)
        url = url_if(*_RIGHT, "AllPortalUsersView.list", password=name)
        figures.append(Figure(number, ngettext("person", "people", number or 0), url, label))
    return Numbers("key", "green", figures, shown.stored.computed_at)


WIDGET = Widget(
    "passwords",
    lazy_gettext("First passwords"),
    _RIGHT,
    70,
    _draw,
    source=Source("passwords", _values, subjects=("PortalUser", "Customer")),
)
