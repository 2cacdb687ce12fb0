"""Customers (§7.1 to §7.3, §7.4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flask import abort
from flask_babel import gettext, lazy_gettext

from models import clock
from models.applications.extra_question import ApplicationField
from models.contracts.contracted_customers import contracted_in
from models.customers import rules as customer_rules
from models.customers.customer import Customer, CustomerStatus
from models.db import db
from models.errors import N_, DomainError
from models.values.company_name import search_key
from models.values.person_name import person_key
from models.values.phone import searched_digits
from views.arguments import only_digits
from views.base import url_if
from views.customers.contract_list import ContractList
from views.customers.form import CustomerForm
from views.customers.overview import overview_of
from views.customers.tabs import customer_tabs, remember_tabs, tab_contents
from views.data_interface import PortalInterface
from views.months import first_day, months_to_choose
from views.screen import formats
from views.screen.filters import Choice, Day, Filter, IdPart, Part, Search, Yen
from views.screen.labels import Labels
from views.screen.screen import Screen
from views.screen.table import Button, Table

STATUS_LABELS = {
    CustomerStatus.DRAFT: lazy_gettext("Draft"),
    CustomerStatus.ACTIVE: lazy_gettext("Active"),
    CustomerStatus.CANCELLED: lazy_gettext("Cancelled"),
}


class PhonePart(Part):
    """A phone number or a part of one, in any notation."""

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, any_case=False, key=searched_digits, **options)

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field as the page's arguments fill it in."""
        found = super().read(model, label, args)
        if not found.value or found.error or only_digits(searched_digits(found.value)):
            return found
        error = gettext("Enter a phone number in digits. It was left out of the search.")
        return replace(found, condition=None, error=error)


class CustomerView(Screen):
    """顧客管理: the customers of the tenant."""

    datamodel = PortalInterface(Customer)
    rules = customer_rules
    labels = Labels(
        lazy_gettext("customer"),
        lazy_gettext("Customers"),
        "building",
        {
            "edit_title": N_("Change customer"),
            "delete_title": N_("Confirm the deletion of the customer"),
            "ask_edit": N_("The customer information will be changed. Are you sure?"),
            "changed": N_("The customer information has been changed."),
            "conflict": N_("Somebody else changed this customer while you were editing."),
            "empty_hint": N_("Create the first one, or approve an application."),
            "no_match_hint": N_("Part of the ID or the name is enough."),
            "show_all": N_("Show all customers"),
        },
    )
    form = CustomerForm
    show_template = "customers/show.html"
    methods = frozenset({"list", "add", "show", "edit", "delete", "restore"})
    route_base = "/customers"
    row_rule = "<string:customer_id>"
    class_permission_name = "Customers"
    trash = "deleted_at"
    # Entries of corrections have it.
    history_omits = ("customer_id",)
    base_order = ("id", "desc")
    list_columns: ClassVar = ["id", "name", "balance", "last_invoiced_on", "status"]
    filters = (
        IdPart("id", most=9, placeholder="A00000001"),
        Part("name", most=40, any_case=False, key=search_key, column="search_name"),
        Yen("balance", inputmode="numeric"),
        PhonePart("contact_phone", most=30, inputmode="tel"),
        Part(
            "contact_name",
            lazy_gettext("Contact name"),
            most=200,
            any_case=False,
            key=person_key,
            column="contact_key",
        ),
        Choice(
            "contract_month",
            lazy_gettext("Month with a contract"),
            labels=months_to_choose,
            on=lambda month: contracted_in(first_day(month)),
        ),
        Day("last_invoiced_on", beside=True),
        Choice("status", labels=STATUS_LABELS, beside=True),
    )
    show_fieldsets: ClassVar = [
        (
            lazy_gettext("Basic information and contact"),
            {"fields": ["id", "name", "status", "memo1"], "more": ["memo2", "memo3"]},
        ),
        (
            lazy_gettext("Contact person"),
            {
                "fields": [
                    *("contact_name", "contact_department", "contact_title", "contact_email", "contact_phone"),
                    *("postcode", "prefecture", "address"),
                ]
            },
        ),
    ]
    label_columns: ClassVar = {
        "id": lazy_gettext("Company ID"),
        "balance": lazy_gettext("Balance"),
        "last_invoiced_on": lazy_gettext("Last invoice date"),
        "status": lazy_gettext("Status"),
        "contact_name": lazy_gettext("Full name"),
        "shortage_exemption": lazy_gettext("Reason for the exemption"),
        # Of the change history.
        "deleted_at": lazy_gettext("Deleted at"),
        "amount": lazy_gettext("Amount of the correction"),
        "reason": lazy_gettext("Reason for the correction"),
        "contract_id": lazy_gettext("Contract number"),
    }
    formatters_columns: ClassVar = {
        "id": formats.CODE,
        "balance": formats.YEN,
        "status": formats.badge(
            STATUS_LABELS,
            {CustomerStatus.ACTIVE: "green", CustomerStatus.CANCELLED: "orange"},
        ),
        "contact_email": formats.MAIL_LINK,
        "contact_phone": formats.PHONE,
        "postcode": formats.POSTCODE,
        "memo1": formats.LINES,
        "memo2": formats.LINES,
        "memo3": formats.LINES,
    }

    def row_or_404(self, pk: Any, *, deleted: bool = False) -> Customer:
        """Return a customer, read together with what its tabs show; abort with 404 if there is none."""
        query = self.query(deleted=deleted).options(*self.datamodel.options).filter(Customer.id == pk)
        found = query.add_columns(*tab_contents()).one_or_none()
        if found is None:
            abort(404)
        customer: Customer = found[0]
        remember_tabs(customer, found[1:])
        return customer

    def refusal(self, method: str, row: Customer) -> DomainError | None:
        """Return why a customer cannot be deleted now, None if it can; other methods are never refused."""
        if method != "delete":
            return None
        return customer_rules.refusal_to_delete(row, today=clock.tokyo_day(clock.utc_now()))

    def prepare_refusals(self, rows: Sequence[Customer]) -> None:
        """Read what decides whether the customers of a list can be deleted."""
        customer_rules.load_for_deletion(db.session(), rows)

    def label_alone(self, name: str) -> Any:
        """Return the label of a column, for the answer to an extra question the title of the question."""
        if not name.isdecimal():
            return super().label_alone(name)
        question = db.session.get(ApplicationField, int(name))
        return question.title if question is not None else gettext("Additional information")

    def ordered(self, query: Any, sort: str, direction: str) -> Any:
        """Return a query in the given order; names are sorted without their legal form."""
        return super().ordered(query, "sort_name" if sort == "name" else sort, direction)

    def list_links(self, search: Search, tables: Sequence[Table]) -> Sequence[Button]:
        """Return the buttons beside the title of the list, with the one for the import."""
        url = url_if("can_list", "Imports", "ImportView.list")
        imports = [Button(gettext("Import"), url, "upload")] if url else []
        return [*imports, *super().list_links(search, tables)]

    def page_buttons(self, row: Customer) -> list[Button]:
        """Return the buttons of a customer's page, with the one that creates a ticket about the customer."""
        url = url_if("can_create", "Tickets", "TicketFormView.create", customer=row.id)
        tickets = [Button(gettext("Create an inquiry"), url, "ticket")] if url else []
        return [*tickets, *super().page_buttons(row)]

    def overview(self, row: Customer) -> Sequence[Any]:
        """Return the most important figures of all areas."""
        return overview_of(row)

    def tabs_of_row(self, row: Customer) -> list[dict[str, Any]]:
        """Return the tabs of §7.4 that the person may open."""
        return customer_tabs(row, "CustomerView.show")

    def contracts(self, row: Customer) -> ContractList:
        """Return the customer's contracts with their search (§7.4.1 (1))."""
        return ContractList(row)
