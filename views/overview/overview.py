"""全テナントの状況: for each tenant, what waits for somebody, for NEC staff. Each figure leads to the list it counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import current_app, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import select

from models import clock
from models.db import db
from models.operations import schedule
from models.operations.schedule import ScheduledTask
from models.overview import figures
from models.overview.figures import TenantFigures
from views.arguments import choice
from views.base import PortalView, render, url_if
from views.period import recent_days
from views.screen import formats
from views.screen.table import Button, Column, Empty, Row, Table
from views.transaction import cross_tenant_session

_REASON = "NEC's staff look after all tenants"


class Figure(NamedTuple):
    """A figure of a tenant.

    :ivar to: the page of the tenant that it leads to (``views.tenants.destinations``); empty if ``url`` is set.
    :ivar endpoint: the endpoint of a list of all tenants that it leads to.
    :ivar arguments: its arguments; that with the name in ``of_tenant`` is the tenant's ID.
    """

    label: Any
    to: str = ""
    endpoint: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    of_tenant: str = ""


FIGURES = {
    "offline": Figure(
        lazy_gettext("Offline UTMs"), "", "StaffUtmListView.list", (("state", "offline"),), of_tenant="tenant_id"
    ),
    "alerts": Figure(lazy_gettext("Important alerts"), "alerts"),
    "applications": Figure(lazy_gettext("Undecided service applications"), "applications"),
    "utm_applications": Figure(lazy_gettext("Undecided UTM applications"), "utm_applications"),
    "failed_mails": Figure(
        lazy_gettext("Failed mails"), "", "MailLogView.list", (("state", "failed"),), of_tenant="tenant"
    ),
    "unpaid": Figure(lazy_gettext("Unpaid invoices"), "unpaid"),
}
"""The columns of figures by the attribute of ``TenantFigures``."""

SORTS = ("id", "name", *FIGURES)


class OverviewView(PortalView):
    """The list of all tenants with their figures, and what concerns none of them."""

    route_base = "/staff/overview"
    class_permission_name = "Overview"
    tenantless = True

    @expose("/")
    @has_access
    def list(self) -> str:
        """Show the figures of all tenants. The statements are as many for fifty tenants as for one."""
        now = clock.utc_now()
        days = recent_days(clock.tokyo_day(now))
        session = cross_tenant_session(_REASON)
        online_for = current_app.config["UTM_ONLINE_FOR"]
        tenants = figures.of_all_tenants(session, now=now, online_for=online_for, days=days)
        sort = choice("sort", SORTS, "id")
        # The tenants with most to do come first.
        direction = choice("direction", ("asc", "desc"), "asc" if sort in {"id", "name"} else "desc")
        ordered = sorted(tenants, key=lambda each: (getattr(each, sort) or 0, each.id), reverse=direction == "desc")
        return render(
            "overview/overview.html",
            as_of=clock.screen_time(now),
            totals=_totals(tenants, figures.mails_of_no_tenant(session)),
            tenants=_table(ordered, sort, direction),
        )


class Total(NamedTuple):
    """A card with the number of something in all tenants.

    :ivar url: of the list that it counts; None if there is none for all tenants.
    """

    label: Any
    value: str
    url: str | None
    icon: str
    tone: str


def _totals(tenants: Sequence[TenantFigures], mails_of_no_tenant: int) -> list[Total]:
    """Return the cards: what of all tenants there is a list of, and the jobs, which belong to no tenant."""
    offline = sum(each.offline for each in tenants)
    mails = sum(each.failed_mails for each in tenants) + mails_of_no_tenant
    jobs = _failed_tasks()
    count = len(tenants)
    return [
        Total(
            gettext("Tenants"),
            ngettext("%(count)s tenant", "%(count)s tenants", count, count=f"{count:,}"),
            url_if("can_list", "StaffTenants", "StaffTenantView.list"),
            "building",
            "blue",
        ),
        _total(
            gettext("Offline UTMs"), offline, url_if("can_list", "AllUtms", "StaffUtmListView.list", state="offline")
        ),
        _total(gettext("Failed mails"), mails, url_if("can_list", "MailLog", "MailLogView.list", state="failed")),
        _total(gettext("Failed scheduled jobs"), jobs, url_if("can_list", "JobBoard", "JobBoardView.list")),
    ]


_TOTAL_ICONS = {False: ("circle-check", "green"), True: ("alert-triangle", "red")}


def _total(label: str, count: int, url: str | None) -> Total:
    icon, tone = _TOTAL_ICONS[count > 0]
    return Total(label, f"{count:,}", url, icon, tone)


def _failed_tasks() -> int:
    """Return the number of scheduled jobs whose last run failed."""
    names = {each.name for each in schedule.entries()}
    failed = db.session.scalars(select(ScheduledTask.name).where(ScheduledTask.last_error.is_not(None)))
    return sum(name in names for name in failed)


def _table(tenants: Sequence[TenantFigures], sort: str, direction: str) -> Table:
    columns = [
        Column("id", gettext("Tenant ID"), key="id"),
        Column("name", gettext("Tenant name"), formats.TEXT.css, key="name"),
        *(Column(name, each.label, formats.NUMBER.css, key=name) for name, each in FIGURES.items()),
    ]
    choose = formats.submit("tenant_id")
    rows = [
        Row([choose.cell(tenant.id), tenant.name, *(_cell(tenant, name, each) for name, each in FIGURES.items())])
        for tenant in tenants
    ]
    return Table(
        columns,
        rows,
        title=gettext("Figures of each tenant"),
        note=gettext("Important alerts: last 31 days"),
        sort=sort,
        direction=direction,
        css="dense",
        empty=Empty("building", gettext("There is no tenant yet."), None, _first_tenant()),
        form_url=url_for("TenantView.select"),
    )


def _first_tenant() -> list[Button]:
    url = url_if("can_add", "StaffTenants", "StaffTenantView.add")
    return [Button(gettext("Create"), url, "plus", css="btn btn-primary")] if url else []


def _cell(tenant: TenantFigures, name: str, shown: Figure) -> Any:
    count = getattr(tenant, name)
    if count is None:
        # The database of the alerts is not available.
        return "–"
    if not count:
        return 0
    if shown.to:
        return formats.chosen_tenant(tenant, count, shown.label, url_for("TenantView.select", to=shown.to))
    arguments: dict[str, Any] = dict(shown.arguments) | {shown.of_tenant: tenant.id}
    return formats.linked(url_for(shown.endpoint, **arguments), formats.NUMBER.cell(count))
