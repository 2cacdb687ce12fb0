"""The navigation shared by a customer's screens: the tabs of §7.4, the breadcrumbs and the URL of the security tab."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext, lazy_gettext

from views.base import url_if

TABS = (
    (lazy_gettext("Customer information"), "CustomerView.show", ("can_show", "Customers")),
    (lazy_gettext("Security service"), "SecurityView.security", ("can_security", "Customers")),
    (lazy_gettext("Invoices"), "InvoiceView.list", ("can_list", "Invoices")),
)
"""Label, endpoint and right of each tab."""


def customer_tabs(customer: Any, current: str) -> list[dict[str, Any]]:
    """Return the tabs of a customer that the person may open.

    :param current: the endpoint of the current page.
    """
    return [
        {"label": label, "url": url, "active": endpoint == current}
        for label, endpoint, right in TABS
        if (url := url_if(*right, endpoint, customer_id=customer.id))
    ]


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
