"""申込み承認保留: the service applications that are on hold (§5.1 (4))."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext, ngettext

from models.applications.application import ApplicationState
from models.applications.waiting import service_applications
from models.dashboard.figures import Source
from views.base import url_if
from views.widget import Figure, Numbers, Shown, Widget

_RIGHT = ("can_list", "ServiceApplications")


def _values(_today: date) -> dict[str, Any]:
    return {"service": service_applications(ApplicationState.HELD)}


def _draw(shown: Shown) -> Numbers:
    number = shown.stored.values.get("service")
    url = url_if(*_RIGHT, "ServiceApplicationView.list", status=ApplicationState.HELD.value)
    figure = Figure(number, ngettext("application", "applications", number or 0), url)
    return Numbers("clock-pause", "orange" if number else "gray", [figure], shown.stored.computed_at)


WIDGET = Widget(
    "held",
    lazy_gettext("Applications on hold"),
    _RIGHT,
    50,
    _draw,
    source=Source("held", _values, subjects=("ServiceApplication",)),
)
