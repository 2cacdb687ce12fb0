"""The chart screens: UTM脅威レポート (§7.13), 参加企業平均と比べる (§7.14), 自社UTM同士を比べる (§7.15)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext

from models import clock
from models.alerts.alert import SecurityFunction
from models.reports import averages, threats, utms
from models.reports.averages import FEWEST_COMPANIES, NoAverage
from views.base import PortalView, render, url_if
from views.customers.customers import CustomerView
from views.customers.tabs import customer_crumbs, security_url
from views.read_sessions import read_session, reading_all_tenants
from views.reports import utm_choice
from views.reports.chart import MAX_SERIES, chart, number_text
from views.reports.period import ChartPeriod, read_chart_period
from views.screen.table import Column, Row, Table

TOP_CATEGORIES = 10
"""The number of categories shown at first (§7.13)."""
MAX_CATEGORIES = 1_000
"""The number of categories shown at most: UTMs name them, and a faulty one may name any number."""

_TITLES = {
    "threats": lazy_gettext("UTM threat report"),
    "average": lazy_gettext("Compare with the average of companies"),
    "utms": lazy_gettext("Compare the company's UTMs"),
}


class ChartView(PortalView):
    """The chart screens of one customer. They only read."""

    route_base = "/customers/<string:customer_id>/charts"
    class_permission_name = "Charts"

    @expose("/threats")
    @has_access
    def threats(self, customer_id: str) -> str:
        """Show the detections of URL filter and application guard up to yesterday."""
        customer = CustomerView.of().row_or_404(customer_id)
        period = read_chart_period(request.args, _today() - timedelta(days=1))
        report = threats.threat_report(read_session(), customer.id, period.span)
        parts = [
            (
                chart(function, "bar", period.span, {gettext("Detections"): each.series}),
                number_text(each.total),
                *_categories(each.categories),
            )
            for function, each in report.functions.items()
        ]
        return _page("threats", customer, period, parts=parts, received_at=clock.screen_time(report.received_at))

    @expose("/average")
    @has_access
    def average(self, customer_id: str) -> str:
        """Show the customer's alerts beside the average of the other companies."""
        customer = CustomerView.of().row_or_404(customer_id)
        period = read_chart_period(request.args, _today())
        with reading_all_tenants("the alerts of all companies are summed for their average") as session:
            found = averages.compare(session, customer.tenant_id, customer.id, period.span)
        charts = []
        for function, own in found.own.items():
            series: dict[str, Any] = {gettext("This company"): own}
            if found.average is not None:
                series[gettext("Average of other companies")] = found.average[function]
            charts.append(chart(function, "bar line", period.span, series))
        reason = _reason(found.reason) if found.reason else ""
        return _page("average", customer, period, charts=charts, reason=reason)

    @expose("/utms")
    @has_access
    def utms(self, customer_id: str) -> str:
        """Show the alerts of each of the customer's UTMs."""
        customer = CustomerView.of().row_or_404(customer_id)
        period = read_chart_period(request.args, _today())
        found = utms.alerts_by_utm(read_session(), customer.id, period.span)
        drawn = utm_choice.drawn(found, request.args.getlist("utm"))
        names = utm_choice.series_names(drawn.utms)
        charts = [
            chart(function, "line", period.span, {names[utm.id]: utm.series[function] for utm in drawn.utms})
            for function in map(str, SecurityFunction)
        ]
        label: Callable[[str], str] = current_app.jinja_env.filters["function_label"]
        table = utm_choice.utm_table(customer.id, found, drawn.utms, [label(function) for function in SecurityFunction])
        return _page(
            "utms",
            customer,
            period,
            charts=charts,
            table=table,
            left_out=drawn.left_out,
            kept=[utm.id for utm in drawn.utms] if "utm" in request.args else [],
            some_only=len(found) > len(drawn.utms),
            max_series=MAX_SERIES,
        )


def _today() -> Any:
    return clock.tokyo_day(clock.utc_now())


def _page(name: str, customer: Any, period: ChartPeriod, **context: Any) -> str:
    """Render a chart screen, whose template has its name."""
    title = _TITLES[name]
    alerts_url = url_if("can_list", "Alerts", "AlertView.list", customer_id=customer.id)
    return render(
        f"reports/{name}.html",
        title=title,
        customer=customer,
        crumbs=customer_crumbs(customer, (gettext("Security service"), security_url(customer)), (title, None)),
        tabs=_tabs(customer, name),
        period=period,
        alerts_url=f"{alerts_url}?{urlencode(period.alert_arguments)}" if alerts_url else None,
        now=clock.screen_time(clock.utc_now()),
        **context,
    )


def _tabs(customer: Any, current: str) -> list[dict[str, Any]]:
    return [
        {"label": label, "url": url, "active": name == current}
        for name, label in _TITLES.items()
        if (url := url_if(f"can_{name}", "Charts", f"ChartView.{name}", customer_id=customer.id))
    ]


def _reason(reason: NoAverage) -> str:
    if reason is NoAverage.TOO_FEW:
        return gettext("In this month there are fewer than %(number)s other companies.", number=FEWEST_COMPANIES)
    return gettext("The companies to compare are not determined for this month. This is done on the 1st of each month.")


def _categories(categories: list[tuple[str, int]]) -> tuple[Table, Table]:
    """Return the table of the first categories, and that of the others, which has no rows if there are no more."""
    columns = [
        Column("rank", gettext("Rank"), css="number"),
        Column("category", gettext("Threat category"), css="text"),
        Column("count", gettext("Detections"), css="number"),
    ]
    shown = categories[:MAX_CATEGORIES]
    rows = [Row([str(rank), name, number_text(count)]) for rank, (name, count) in enumerate(shown, 1)]
    first, rest = (
        Table(columns, part, css="table-sm chart-categories") for part in (rows[:TOP_CATEGORIES], rows[TOP_CATEGORIES:])
    )
    if len(categories) > MAX_CATEGORIES:
        rest.note = gettext(
            "The first %(shown)s of %(count)s categories are shown.",
            shown=number_text(MAX_CATEGORIES),
            count=number_text(len(categories)),
        )
    return first, rest
