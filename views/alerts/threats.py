"""脅威別: the alerts of a customer grouped by what was detected, with the search of アラート一覧 (§7.17)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from flask import get_template_attribute, request, url_for
from flask_babel import gettext
from markupsafe import Markup

from models import clock
from models.alerts import search as alert_search
from models.alerts import threats
from models.alerts.alert import ACTION_LABELS
from models.alerts.search import AlertQuery
from models.errors import N_
from views.alerts.download import customer_with_utms
from views.alerts.filters import arguments, searched
from views.alerts.rows import LEVEL, function_name, utm_name
from views.arguments import choice, page_number
from views.base import render
from views.customers.tabs import customer_crumbs, security_url
from views.page_url import here
from views.period import PeriodFields, read_period
from views.read_sessions import read_session
from views.screen import formats
from views.screen.table import Column, Empty, Row, Table, Toggle

_COLUMNS = (
    Column("name", N_("Detection"), css="text"),
    Column("count", N_("Alerts"), css="number"),
    Column("important", N_("High"), css="number"),
    Column("first", N_("First detected")),
    Column("last", N_("Last detected")),
    Column("sources", N_("Sources"), css="number"),
    Column("utms", "UTM", css="number"),
)
_NAME = Markup('<div class="alerts-name">%s</div> <div class="alerts-summary">%s</div>')
_DESCENDING_FIRST = ("count", "important", "last", "sources", "utms")


def threats_page(customer_id: str) -> str:
    """Return the page of a customer.

    :raises werkzeug.exceptions.NotFound: the tenant has no such customer.
    """
    customer, utms = customer_with_utms(customer_id)
    period = read_period(request.args, clock.tokyo_day(clock.utc_now()))
    query, search = searched(request.args, AlertQuery(customer.id, period.start, period.end), utms, important=False)
    sort = choice("sort", threats.SORT_KEYS, "count")
    direction = choice("direction", ("asc", "desc"), "desc" if sort in _DESCENDING_FIRST else "asc")
    found = threats.page(read_session(), query, sort=sort, descending=direction == "desc", number=page_number())
    asked = period.arguments | arguments(search)
    title = gettext("Alerts by threat")
    table = Table(
        [each._replace(label=gettext(each.label), key=each.name) for each in _COLUMNS],
        [_row(each, query, utms, asked) for each in found.rows],
        label=title,
        note=period.text,
        sort=sort,
        direction=direction,
        page=page_number(),
        pages=-(-(found.count or 0) // threats.PAGE_SIZE),
        count=found.count,
        most=found.count or 0,
        toggles=True,
        css="threats",
        empty=Empty(
            "shield-check",
            gettext("There is no alert in this period."),
            gettext("Choose a longer period or remove conditions to see more."),
        ),
    )
    narrowed = bool(search.active) or not request.args.keys().isdisjoint(PeriodFields._fields)
    return render(
        "alerts/threats.html",
        title=title,
        customer=customer,
        crumbs=customer_crumbs(customer, (gettext("Security service"), security_url(customer)), (title, None)),
        list_url=_list_url(customer.id, asked),
        period=period.fields,
        search=search,
        searched=narrowed,
        folded=narrowed and not search.opened and not period.faults,
        conditions=[(gettext("Company name"), customer.name), *(each.summary for each in search.active)],
        table=table,
    )


def _list_url(customer_id: str, asked: Mapping[str, str]) -> str:
    """Return the URL of the alerts one by one."""
    return f"{url_for('AlertView.list', customer_id=customer_id)}?{urlencode(asked)}"


def _row(found: Any, query: AlertQuery, utms: Sequence[Any], asked: Mapping[str, str]) -> Row:
    """Return the row of a detection, with its latest alerts if it is expanded.

    :param asked: the arguments of the period and of the search.
    """
    key = hashlib.sha256(f"{found.function} {found.detection}".encode()).hexdigest()[:16]
    is_open = request.args.get("open") == key
    toggle = Toggle(
        f"threat-{key}",
        f"{here({'open': None if is_open else key})}#threat-{key}",
        gettext("Details of %(id)s", id=found.name),
        _latest(found, query, utms, asked) if is_open else None,
    )
    cells = (
        _NAME % (found.name, function_name(found.function)),
        formats.NUMBER.cell(int(found.count)),
        formats.NUMBER.cell(int(found.important)),
        formats.TIME.cell(found.first),
        formats.TIME.cell(found.last),
        formats.NUMBER.cell(found.sources),
        formats.NUMBER.cell(found.utms),
    )
    return Row(cells, toggle=toggle)


def _latest(found: Any, query: AlertQuery, utms: Sequence[Any], asked: Mapping[str, str]) -> Markup:
    """Return the latest alerts of a detection and the link to all of them, as markup."""
    of_one = replace(query, function=found.function, detection=found.detection)
    alerts = alert_search.page(read_session(), of_one, size=threats.SHOWN_ALERTS).rows
    names = {utm.id: utm_name(utm) for utm in utms}
    url = _list_url(query.customer_id, {**asked, "function": found.function, "detection": found.detection})
    latest = [
        (
            formats.TIME.cell(each.occurred_at),
            names.get(each.utm_id, ""),
            ACTION_LABELS.get(each.action, each.action),
            LEVEL.cell(each.level),
            each.source,
            each.destination,
        )
        for each in alerts
    ]
    return Markup(get_template_attribute("alerts/_latest.html", "latest_alerts")(latest, int(found.count), url))  # nosec B704  # noqa: S704  (a template escaped it)
