"""UTM追加申請一覧 (§8.3.2) and UTM申込み詳細 (§8.3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import lazy_gettext
from sqlalchemy.orm import joinedload

from models.applications import addresses
from models.applications.utm_application import UtmApplication, UtmApplicationState
from models.customers.customer import Customer
from models.errors import N_
from models.values.company_name import search_key
from views.applications.decision_form import UtmDecisionForm
from views.applications.listing import LABELS, ApplicationList, waiting
from views.applications.states import STATE, UTM_STATE_LABELS, StateFilter
from views.base import url_if
from views.customers.company_name import CompanyName
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.conflict import Difference
from views.screen.filters import IdPart
from views.screen.formats import LinkedValue, linked_value
from views.screen.labels import Labels


class UtmApplicationView(ApplicationList):
    """The applications of customers for more UTMs."""

    datamodel = PortalInterface(UtmApplication, options=(joinedload(UtmApplication.customer),))
    labels = Labels(
        lazy_gettext("UTM application"),
        lazy_gettext("UTM application list"),
        "clipboard-list",
        {
            "empty": N_("There is no application with this status in this period."),
            "empty_hint": N_("Customers apply for more UTMs in their portal."),
            "show_all": N_("Show all applications"),
            "conflict": N_("Somebody else changed this application. Check it, and decide again."),
        },
    )
    decisions = "UtmDecisionView"
    methods = frozenset({"list", "show"})
    show_template = "applications/utm.html"
    route_base = "/utm-applications"
    row_rule = "<string:utm_application_id>"
    class_permission_name = "UtmApplications"
    filters = (
        IdPart("id", most=12, placeholder="UAP-1L6981JP"),
        CompanyName("company", most=40, key=search_key, column="customer"),
        StateFilter("status", labels=UTM_STATE_LABELS),
    )
    show_fieldsets: ClassVar = [
        (lazy_gettext("Application information"), {"fields": ["id", "applied_at", "state", "customer_id"]})
    ]
    label_columns: ClassVar = LABELS | {
        # Of the change history.
        "applicant_name": lazy_gettext("Applicant"),
        "applicant_email": lazy_gettext("Email address of the applicant"),
        "utm_count": lazy_gettext("Number of UTMs"),
    }
    formatters_columns: ClassVar = {
        "id": formats.CODE,
        "state": STATE,
        "customer_id": linked_value(formats.CODE),
        "reason": formats.LINES,
    }

    def window_details(self, row: UtmApplication) -> Sequence[str]:
        """Return the company that applied."""
        return [row.customer.name]

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query in the given order; names of customers are sorted without their legal form."""
        if sort != "company":
            return super().ordered(query, sort, direction)
        columns = (Customer.sort_name, UtmApplication.id)
        return query.join(UtmApplication.customer).order_by(
            *(column.desc() if direction == "desc" else column.asc() for column in columns)
        )

    def value(self, row: UtmApplication, name: str) -> Any:
        """Return the value of a column for an application."""
        match name:
            case "company":
                return row.customer.name
            case "waiting":
                return waiting(row)
            case "customer_id":
                deleted = row.customer.deleted_at is not None
                url = url_if("can_show", "Customers", "CustomerView.show", customer_id=row.customer_id)
                return LinkedValue(row.customer_id, None if deleted else url)
            case _:
                return super().value(row, name)

    def address_key(self, delivery: Any) -> str:
        """Return the key of a delivery address in the URL of the contract application."""
        return addresses.utm_key(delivery)

    @expose("/<row>")
    @has_access
    def show(self, pk: str) -> str:
        """Show one application."""
        return self.detail_page(self.row_or_404(pk))

    def decision_form(self, row: UtmApplication) -> tuple[UtmDecisionForm, Sequence[Any]]:
        """Return the form for deciding an application, with the values sent; there are no possible duplicates."""
        return UtmDecisionForm(data={"version": str(row.version)}), ()

    def detail_page(
        self,
        row: UtmApplication,
        decision: tuple[UtmDecisionForm, Sequence[Any]] | None = None,
        conflict: Sequence[Difference] | None = None,
    ) -> str:
        """Return the page of an application.

        :param decision: of ``decision_form``, where the form is shown again.
        :param conflict: empty if somebody else changed the application meanwhile.
        """
        menu_items = [item for item in self.menu_items if row.is_open and self.may_do(item.name)]
        form, _ = (decision or self.decision_form(row)) if menu_items else (None, ())
        of_state = ["waiting"] if row.is_open else ["decided_at", "decided_by"]
        reason = ["reason"] if row.state == UtmApplicationState.DENIED else []
        facts = self._facts(row, ["id", "applied_at", "state", "customer_id", *of_state, *reason])
        return self.application_page(row, form, menu_items, conflict, facts=facts)

    def _shown_columns(self) -> list[str]:
        return [*super()._shown_columns(), "waiting", "decided_at", "decided_by", "reason", "applicant_email"]
