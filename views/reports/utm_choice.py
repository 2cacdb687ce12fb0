"""The choice of UTMs that the charts of 自社UTM同士を比べる (§7.15) draw, and the table of all UTMs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask_babel import gettext
from markupsafe import Markup

from models.alerts.alert import SecurityFunction
from models.reports.utms import UtmAlerts
from views.arguments import key_or_none
from views.base import url_if
from views.reports.chart import MAX_SERIES, number_text
from views.screen.table import Column, Row, Table

_TICK = Markup('<input class="form-check-input" type="checkbox" name="utm" value="%s" form="drawn" aria-label="%s"%s>')
_REMOVED = Markup(' <span class="badge tone-gray">%s</span>')
_LINK = Markup('<a href="%s">%s</a>')
_NAME = Markup("<span>%s%s</span>")


class Drawn(NamedTuple):
    """The UTMs that are drawn.

    :ivar utms: the UTMs, the one with the most alerts first.
    :ivar left_out: whether more were chosen than can be drawn.
    """

    utms: Sequence[UtmAlerts]
    left_out: bool


def drawn(utms: Sequence[UtmAlerts], chosen: Sequence[str]) -> Drawn:
    """Return the UTMs that are drawn: the chosen ones, or those with the most alerts.

    :param utms: all UTMs, the one with the most alerts first.
    :param chosen: the primary keys of the chosen UTMs as they were sent.
    """
    keys = {key_or_none(each) for each in chosen[: len(utms) + MAX_SERIES]}
    found = [utm for utm in utms if utm.id in keys]
    return Drawn((found or utms)[:MAX_SERIES], len(found) > MAX_SERIES)


def series_names(utms: Sequence[UtmAlerts]) -> dict[int, str]:
    """Return a unique name for each UTM by its primary key.

    UTMs may have the same name, and a UTM that was removed and registered again has the same UTM ID too.
    """
    by_name, by_id = Counter(utm.name for utm in utms), Counter((utm.name, utm.utm_id) for utm in utms)
    names = {}
    for utm in utms:
        name = f"{utm.name} ({utm.utm_id})" if by_name[utm.name] > 1 else utm.name
        if by_id[utm.name, utm.utm_id] > 1:
            name = f"{name} #{utm.id}"
        names[utm.id] = gettext("%(name)s (removed)", name=name) if utm.removed_at is not None else name
    return names


def utm_table(
    customer_id: str, utms: Sequence[UtmAlerts], shown: Sequence[UtmAlerts], functions: Sequence[str]
) -> Table:
    """Return the table of all UTMs with their numbers by function, and a checkbox for drawing each.

    :param shown: the UTMs that are drawn.
    :param functions: the names of the security functions, in their order.
    """
    ticked = {utm.id for utm in shown}
    columns = [
        Column("drawn", gettext("In the charts"), css="choice"),
        Column("name", gettext("UTM name"), css="text"),
        *(Column(str(each), name, css="number") for each, name in zip(SecurityFunction, functions, strict=True)),
        Column("total", gettext("Total"), css="number"),
    ]
    rows = [Row(_cells(customer_id, utm, ticked=utm.id in ticked)) for utm in utms]
    return Table(columns, rows, label=gettext("Detections by UTM"), css="table-sm chart-utms")


def _cells(customer_id: str, utm: UtmAlerts, *, ticked: bool) -> list[Any]:
    totals = utm.totals
    removed = _REMOVED % gettext("Removed") if utm.removed_at is not None else ""
    url = url_if("can_show", "Utms", "UtmView.show", customer_id=customer_id, utm_key=utm.id)
    return [
        _TICK % (utm.id, gettext("Draw %(name)s", name=utm.name), Markup(" checked") if ticked else ""),
        _NAME % (_LINK % (url, utm.name) if url else utm.name, removed),
        *(number_text(totals[function]) for function in SecurityFunction),
        number_text(utm.total),
    ]
