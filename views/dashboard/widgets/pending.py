"""申込み未承認: the applications that wait for a decision (§5.1 (3))."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext

from models.applications.application import ApplicationState
from models.applications.utm_application import UtmApplicationState
from models.applications.waiting import service_applications, utm_applications
from models.dashboard.figures import Source
from views.base import url_if
from views.widget import Figure, Numbers, Shown, Widget

_RIGHT = ("can_list", "ServiceApplications")


def _values(_today: date) -> dict[str, Any]:
    return {
        "service": service_applications(ApplicationState.PENDING),
        "utm": utm_applications(UtmApplicationState.PENDING),
    }


def _draw(shown: Shown) -> Numbers:
    service, for_utm = shown.stored.values.get("service"), shown.stored.values.get("utm")
    urls = (
        url_if(*_RIGHT, "ServiceApplicationView.list", status=ApplicationState.PENDING.value),
        url_if("can_list", "UtmApplications", "UtmApplicationView.list", status=UtmApplicationState.PENDING.value),
    )
    figures = [Figure(service, _unit(service), urls[0], gettext("Service") if urls[1] else "")]
    if urls[1] is not None:
        figures.append(Figure(for_utm, _unit(for_utm), urls[1], gettext("Additional UTMs")))
    return Numbers("inbox", "orange" if service or for_utm else "gray", figures, shown.stored.computed_at)


def _unit(number: int | None) -> str:
    return ngettext("application", "applications", number or 0)


WIDGET = Widget(
    "pending",
    lazy_gettext("Applications not approved yet"),
    _RIGHT,
    40,
    _draw,
    source=Source("pending", _values, subjects=("ServiceApplication", "UtmApplication")),
)
