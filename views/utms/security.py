"""The security tab of a customer (§7.4.5): the UTMs and their alert counts."""

from __future__ import annotations

from typing import Any

from flask import g
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models import clock
from models.contracts import contract
from models.contracts.contract import contracted_utms
from models.db import db
from models.utms.utm import NO_CONTRACT
from views.base import PortalView, render, url_if
from views.customers.customers import CustomerView
from views.customers.tabs import customer_crumbs, customer_tabs
from views.screen.table import Button, Empty
from views.utms.overview import more_than_contracted
from views.utms.state import state_of
from views.utms.states import page_of, states_url, status_of
from views.utms.utms import UtmView


class SecurityView(PortalView):
    """セキュリティサービス of a customer."""

    route_base = "/customers"
    class_permission_name = "Customers"

    @expose("/<string:customer_id>/security")
    @has_access
    def security(self, customer_id: str) -> str:
        """Show a customer's UTMs and security status."""
        customer = g.parent_row = CustomerView.of().row_or_404(customer_id)
        today = clock.tokyo_day(clock.utc_now())
        screen = UtmView.of()
        search = screen.search()
        (table,) = screen.tables(search)
        # After a search, the page begins with what was found, without a heading between.
        table.title = None if search.active else gettext("UTMs")
        add = _add_button(screen, customer, refused=not contract.allows_utm(db.session(), customer.id, today=today))
        if not search.active:
            table.empty = _empty(screen, add)
        utm = screen.registered_just_now()
        secret = screen.secret_on_list()
        status = status_of(customer)
        return render(
            "utms/security.html",
            title=customer.name,
            crumbs=customer_crumbs(customer, (gettext("Security service"), None)),
            tabs=customer_tabs(customer, "SecurityView.security"),
            search=search,
            table=table,
            add=add,
            warning=more_than_contracted(
                status["fleet"].total, contracted_utms(db.session(), customer.id, today=today)
            ),
            bulk=_bulk_button(add, customer),
            **status,
            secret=secret,
            waits=state_of(utm) if utm else None,
            page_of={utm.id: page_of(utm)} if utm else {},
            states_url=states_url((row.key for row in table.rows), customer=customer, waits=utm),
        )


def _add_button(screen: Any, customer: Any, *, refused: bool) -> Button | None:
    """Return the button for registering a UTM, disabled with a reason if refused; None if the user may not register any."""
    if not screen.may("add"):
        return None
    refusal = gettext(NO_CONTRACT) if refused else None
    url = screen.url("add", customer_id=customer.id)
    return Button(gettext("Create"), url, "plus", refusal=refusal, css="btn btn-primary")


def _bulk_button(add: Button | None, customer: Any) -> Button | None:
    """Return the button for registering many UTMs; None where the user may not, or none can be registered at present."""
    url = url_if("can_check", "Imports", "UtmImportView.utms", customer_id=customer.id)
    return Button(gettext("Register UTMs in bulk"), url, "upload") if url and add and not add.refusal else None


def _empty(screen: Any, add: Button | None) -> Empty:
    usable = [add] if add and not add.refusal else []
    return Empty(
        "router", screen.labels.message("empty"), screen.labels.message("empty_hint") if usable else None, usable
    )
