"""The pages that a user can reach directly when choosing a tenant, instead of its dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request, url_for

from views.screen import formats

DESTINATIONS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "alerts": ("HomeView.index", {"_anchor": "important"}),
    "offline": ("UtmListView.list", {"state": "offline"}),
    "applications": ("ServiceApplicationView.list", {}),
    "utm_applications": ("UtmApplicationView.list", {}),
    "unpaid": ("TenantInvoiceView.list", {"state": "unpaid"}),
    "settings": ("TenantSettingsView.show", {}),
    "logo": ("TenantLogoView.logo", {}),
    "questions": ("ApplicationFieldView.list", {}),
    "exemptions": ("ReconciliationView.list", {}),
}
"""The endpoint of each page and its arguments, by the value of the query parameter ``to``."""


def destination_url() -> str:
    """Return the URL of the requested page, by default of the dashboard; of a form that was sent too late, if there is one."""
    if (draft_id := request.args.get("draft", "")) and request.args.get("to") == "draft":
        return url_for("RestoredFormView.show", draft=draft_id)
    endpoint, values = DESTINATIONS.get(request.args.get("to", ""), ("HomeView.index", {}))
    arguments: dict[str, Any] = dict(values)
    return url_for(endpoint, **arguments)


def figure(name: str, label: Any) -> formats.Format:
    """Return a format that displays a figure of a tenant as a button: it chooses the tenant and opens the list.

    The value is the tenant and the figure, which is None if it is not known at the moment. The button belongs to the form that the whole table is.

    :param name: a key of ``DESTINATIONS``.
    :param label: what is counted.
    """

    def cell(value: tuple[Any, int | None]) -> Any:
        tenant, count = value
        if count is None:
            return "–"
        return formats.chosen_tenant(tenant, count, label, url_for("TenantView.select", to=name)) if count else 0

    return formats.Format(cell, css="number")
