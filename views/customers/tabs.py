"""The navigation shared by a customer's screens: the tabs of §7.4, the breadcrumbs and the URL of the security tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import g, url_for
from flask_babel import gettext, lazy_gettext
from sqlalchemy import exists, or_, select

from models.applications.application import ApplicationState, ServiceApplication
from models.applications.extra_question import ApplicationField
from models.applications.utm_application import UtmApplication, UtmApplicationState
from models.customers.customer import Customer
from models.db import db
from views.base import url_if

_APPLICATION = "CustomerApplicationView.service_application"
_UTM_APPLICATIONS = "CustomerApplicationView.utm_applications"

TABS = (
    (lazy_gettext("Customer information"), "CustomerView.show", ("can_show", "Customers")),
    (
        lazy_gettext("Service application information"),
        _APPLICATION,
        ("can_service_application", "CustomerApplications"),
    ),
    (lazy_gettext("UTM application information"), _UTM_APPLICATIONS, ("can_utm_applications", "CustomerApplications")),
    (lazy_gettext("User management"), "PortalUserView.list", ("can_list", "PortalUsers")),
    (lazy_gettext("Security service"), "SecurityView.security", ("can_security", "Customers")),
    (lazy_gettext("Invoices"), "InvoiceView.list", ("can_list", "Invoices")),
)
"""Label, endpoint and right of each tab."""


def customer_tabs(customer: Any, current: str) -> list[dict[str, Any]]:
    """Return the tabs of a customer that the person may open, without those that would be empty.

    :param current: the endpoint of the current page.
    """
    hidden = empty_tabs(customer)
    return [
        {"label": label, "url": url, "active": endpoint == current}
        for label, endpoint, right in TABS
        if endpoint not in hidden and (url := url_if(*right, endpoint, customer_id=customer.id))
    ]


def empty_tabs(customer: Any) -> set[str]:
    """Return the endpoints of the tabs that show nothing for a customer.

    サービス利用申請情報 is shown if there is an approved application or the tenant has extra questions (§7.4.2),
    UTM追加申請情報 if there is an approved UTM application (§7.4.3).
    """
    known: dict[str, Sequence[bool]] = g.setdefault("customer_tabs", {})
    if customer.id not in known:
        remember_tabs(customer, db.session.execute(select(*tab_contents()).where(Customer.id == customer.id)).one())
    return {
        tab for tab, filled in zip((_APPLICATION, _UTM_APPLICATIONS), known[customer.id], strict=True) if not filled
    }


def tab_contents() -> tuple[Any, Any]:
    """Return the SQL expressions for whether the two tabs of applications show something, in a query of customers."""
    application = exists().where(
        ServiceApplication.customer_id == Customer.id, ServiceApplication.state == ApplicationState.APPROVED
    )
    question = exists().where(ApplicationField.retired_at.is_(None))
    utm_application = exists().where(
        UtmApplication.customer_id == Customer.id, UtmApplication.state == UtmApplicationState.APPROVED
    )
    return or_(application, question), utm_application


def remember_tabs(customer: Any, contents: Sequence[bool]) -> None:
    """Remember for this request whether a customer's tabs show something.

    :param contents: the values of ``tab_contents``.
    """
    g.setdefault("customer_tabs", {})[customer.id] = contents


def customer_crumbs(customer: Any, *below: tuple[Any, str | None]) -> list[tuple[Any, str | None]]:
    """Return the breadcrumbs of a page below a customer.

    :param below: the label and URL of each page after the customer's; the URL of the current page is None.
    """
    return [
        (gettext("Dashboard"), url_for("HomeView.index")),
        (gettext("Customers"), url_if("can_list", "Customers", "CustomerView.list")),
        (customer.name, url_if("can_show", "Customers", "CustomerView.show", customer_id=customer.id)),
        *below,
    ]


def security_url(customer: Any) -> str | None:
    """Return the URL of a customer's security tab, None when the person may not open it."""
    return url_if("can_security", "Customers", "SecurityView.security", customer_id=customer.id)
