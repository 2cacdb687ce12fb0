"""The exemption of a customer from the check for missing contracts (§5.4.1 (2)), which NEC staff grant with a reason."""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext

from models.customers import rules
from models.customers.customer import Customer
from models.db import db
from models.errors import Conflict, DomainError
from views.base import PortalView, actor, render
from views.confirmation import response_before_saving, validates_first
from views.flashes import flash_success
from views.forms.errors import add_error
from views.forms.fields import MaxLength, OneLine, TextField, version_shown
from views.reconciliation.reconciliation import ReconciliationView
from views.screen.already_done import row_to_write
from views.screen.conflict import Difference, compared
from views.screen.form import ScreenForm, changed_by_others, differences, fingerprints
from views.screen.table import Question

_LONGEST = 100
"""The limit of a reason in characters; the list shows the whole reason in a narrow column."""


class ExemptionForm(ScreenForm):
    """The form with the reason of an exemption."""

    shortage_exemption = TextField(
        lazy_gettext("Reason for the exemption"),
        [MaxLength(_LONGEST), OneLine()],
        description=lazy_gettext(
            "Customers with a reason are not in the mail about missing contracts. Empty ends the exemption."
        ),
    )


class ExemptionView(PortalView):
    """The form for exempting a customer."""

    route_base = "/reconciliation/<string:customer_id>"
    class_permission_name = "Reconciliation"

    @validates_first
    @expose("/exemption", methods=["GET", "POST"])
    @has_access
    def exempt(self, customer_id: str) -> Any:
        """Exempt a customer, change the reason, or end the exemption."""
        screen = ReconciliationView.of()
        customer = row_to_write(screen, customer_id)
        form = ExemptionForm(obj=customer)
        if request.method == "GET":
            return _page(customer, form)
        if (answer := response_before_saving(form, lambda: _page(customer, form))) is not None:
            return answer
        version, shown = version_shown(request.form.get("version")), request.form.get("shown", "")
        if shown and not changed_by_others(form, customer, shown):
            # Another change of the customer, for instance of its address, does not affect this form.
            version = customer.version
        try:
            rules.exempt(db.session(), customer, form.shortage_exemption.data, version=version, by=actor())
            db.session.flush()
        except Conflict:
            db.session.rollback()
            customer = row_to_write(screen, customer_id)
            return _page(customer, form, differences(form, changed_by_others(form, customer, shown))), 409
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return _page(row_to_write(screen, customer_id), form), 422
        flash_success(gettext("The exemption has been changed."))
        return redirect(screen.list_url())


def _page(customer: Customer, form: ExemptionForm, conflict: list[Difference] | None = None) -> str:
    screen = ReconciliationView.of()
    title = gettext("Exemption from the contract check")
    return render(
        "screen/form.html",
        screen=screen,
        form=form,
        row=customer,
        title=title,
        crumbs=screen.crumbs(customer, title),
        button=gettext("Save"),
        question=Question(gettext("The exemption will be changed. Are you sure?"), title),
        conflict=compared(conflict),
        shown=fingerprints(form, customer),
        cancel_url=screen.list_url(),
        warning=None,
    )
