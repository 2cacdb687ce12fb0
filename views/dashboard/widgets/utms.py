"""The numbers of UTMs in each state, offline ones in red."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext, ngettext

from views.base import url_if
from views.dashboard.fleet import own_fleet
from views.widget import TWO_THIRDS, Figure, Numbers, Shown, Widget

_RIGHT = ("can_list", "Utms")


def _draw(shown: Shown) -> Numbers:
    fleet = own_fleet(shown.now)
    figures = [
        _figure(gettext("Number of UTMs"), fleet.total),
        _figure(gettext("Online"), fleet.online, state="online"),
        _figure(gettext("Offline"), fleet.offline, tone="danger" if fleet.offline else "", state="offline"),
        _figure(gettext("Never connected"), fleet.unconnected, state="unconnected"),
    ]
    icon, tone = ("wifi-off", "red") if fleet.offline else ("router", "green" if fleet.online else "gray")
    return Numbers(icon, tone, figures, shown.now)


def _figure(label: str, number: int, *, tone: str = "", **arguments: str) -> Figure:
    url = url_if(*_RIGHT, "UtmListView.list", **arguments)
    return Figure(number, ngettext("unit", "units", number), url, label, tone)


WIDGET = Widget("utms", lazy_gettext("Operation of the UTMs"), _RIGHT, 80, _draw, width=TWO_THIRDS)
