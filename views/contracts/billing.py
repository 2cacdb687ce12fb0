"""請求管理 for NEC staff, in the selected tenant: monthly billing, all invoices, and corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from flask import abort, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from sqlalchemy import or_
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response
from wtforms import IntegerField
from wtforms.validators import InputRequired, NumberRange

from models import clock
from models.contracts import invoicing
from models.contracts.invoice import Correction, Invoice
from models.contracts.months import BilledMonth, billed_months
from models.contracts.usage import month_of
from models.customers.customer import Customer
from models.db import db
from models.errors import N_, DomainError
from models.text_part import has_part
from models.values.company_name import search_key
from models.values.visible_text import visible
from views.arguments import iso_day
from views.base import PortalView, actor, render, url_if
from views.contracts.invoices import CUSTOMER, MONTH, STATES, InvoiceScreen, invoice_number, is_paid, month_text
from views.customers.contract_list import contract_number
from views.data_interface import PortalInterface
from views.flashes import flash_error, flash_success, flash_warning
from views.forms.fields import CodeField, MaxLength, OneLine, Required, TextField, half_width
from views.screen import formats
from views.screen.actions import action
from views.screen.filters import Choice, DeclaredFilter, Filter, IdPart
from views.screen.form import ScreenForm
from views.screen.formats import Format, linked
from views.screen.labels import Labels
from views.screen.navigation import Tab, tabs_of
from views.screen.screen import Screen
from views.screen.table import Button, Empty, Question, Table, filled_table

TABS = (
    Tab(lazy_gettext("Monthly billing"), "BillingView.list", ("can_list", "Billing")),
    Tab(lazy_gettext("All invoices"), "TenantInvoiceView.list", ("can_list", "AllInvoices")),
    Tab(lazy_gettext("Corrections"), "CorrectionView.list", ("can_list", "Corrections")),
    Tab(lazy_gettext("Usage"), "UsageView.list", ("can_list", "Usage")),
)
PAYMENT_DAY_MISSING = N_("Enter the day of the payment.")
NO_CUSTOMER = N_("There is no customer with this ID.")
_MAX_YEN = 999_999_999_999


class BillingView(PortalView):
    """The past months with their invoice totals, each with a button that issues the invoices."""

    route_base = "/billing"
    class_permission_name = "Billing"
    tabs = TABS

    @expose("/")
    @has_access
    def list(self) -> str:
        """Show the invoice totals of each past month."""
        today = clock.tokyo_day(clock.utc_now())
        return render(
            "billing/months.html",
            title=gettext("Monthly billing"),
            tabs=tabs_of(self),
            table=self._table(billed_months(db.session(), today=today)),
        )

    @expose("/issue", methods=["POST"])
    @has_access
    def issue(self) -> Response:
        """Issue the invoices of a past month, except to customers who already have one."""
        month = month_of(request.form.get("month", ""))
        if month is None:
            abort(400)
        try:
            today = clock.tokyo_day(clock.utc_now())
            count = invoicing.issue(db.session(), month, today=today, by=actor())
        except DomainError as refusal:
            flash_error(refusal)
            return redirect(url_for("BillingView.list"))
        if count:
            flash_success(gettext("Invoices issued: %(count)s", count=count))
        else:
            flash_warning(gettext("There is nothing left to invoice for this month."))
        return redirect(url_for("BillingView.list"))

    def _table(self, months: Sequence[BilledMonth]) -> Table:
        return filled_table(
            [
                (gettext("Month"), formats.PLAIN, lambda each: linked(_invoices_url(each), MONTH.cell(each.month))),
                (gettext("Number of invoices"), formats.NUMBER, lambda each: each.invoices),
                (gettext("Total (before tax)"), formats.YEN, lambda each: each.total),
                (gettext("Unpaid"), formats.YEN, lambda each: each.unpaid),
            ],
            months,
            buttons=self._buttons,
            label=gettext("Monthly billing"),
            empty=Empty("file-invoice", gettext("This tenant had no contract in any past month.")),
        )

    def _buttons(self, each: BilledMonth) -> Sequence[Button]:
        button = issue_button(each.month)
        return [button] if button else []


def issue_button(month: date) -> Button | None:
    """Return the button that issues the invoices of a month; None if the user may not issue any."""
    url = url_if("can_issue", "Billing", "BillingView.issue")
    if url is None:
        return None
    text = gettext(
        "The invoices of %(month)s will be issued. Existing invoices stay unchanged. Are you sure?",
        month=month_text(month),
    )
    name = gettext("Issue the invoices of %(month)s", month=month_text(month))
    question = Question(text, gettext("Issue invoices"))
    return Button(gettext("Issue"), url, "file-invoice", name, {"month": month_text(month)}, question, css="btn btn-sm")


def _invoices_url(each: BilledMonth) -> str:
    return url_for("TenantInvoiceView.list", month=month_text(each.month))


class MonthFilter(DeclaredFilter):
    """A search field for a month, as ``YYYY-MM``."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
        month = month_of(args.get(self.name, ""))
        if month is None:
            return self._filter(label, kind="month")
        return self._filter(label, kind="month", value=month_text(month), condition=getattr(model, self.name) == month)


class CustomerFilter(DeclaredFilter):
    """A search field for a part of the customer's ID or name."""

    def read(self, model: Any, label: Any, args: Mapping[str, str]) -> Filter:
        """Return the field with its value from the query parameters."""
        value = visible(args.get(self.name, "")).strip()[:100]
        if not value:
            return self._filter(label)
        by_id = has_part(model.customer_id, half_width(value).upper())
        by_name = model.customer.has(has_part(Customer.search_name, search_key(value)))
        return self._filter(label, value=value, condition=or_(by_id, by_name))


class TenantInvoiceView(InvoiceScreen):
    """請求一覧 of the tenant, where payments are recorded."""

    datamodel = PortalInterface(Invoice, options=(joinedload(Invoice.customer),))
    labels = Labels(
        lazy_gettext("invoice"),
        lazy_gettext("All invoices"),
        "file-invoice",
        {"empty_hint": N_("The invoice of a month is issued when the month is over.")},
    )
    methods = frozenset({"list"})
    route_base = "/billing/invoices"
    row_rule = "<key:any_invoice_key>"
    class_permission_name = "AllInvoices"
    tabs = TABS
    list_columns: ClassVar = ["link", "month", "customer", "total", "issued_on", "state", "paid_on"]
    label_columns: ClassVar = InvoiceScreen.label_columns | {
        "link": lazy_gettext("Invoice number"),
        "customer_id": lazy_gettext("Company ID"),
    }
    formatters_columns: ClassVar = InvoiceScreen.formatters_columns | {
        "link": Format(invoice_number, lambda row: row.name, css=formats.CODE.css),
        "customer": CUSTOMER,
    }
    filters = (
        MonthFilter("month", beside=True),
        CustomerFilter("customer", beside=True),
        Choice("state", labels=STATES, on=is_paid, beside=True),
        IdPart("customer_id", most=9),
    )

    def value(self, row: Invoice, name: str) -> Any:
        """Return the value of a column for an invoice."""
        return row if name == "link" else super().value(row, name)

    def inputs_of_many(self) -> Sequence[Filter]:
        """Return the input for the day of the payment."""
        today = clock.tokyo_day(clock.utc_now())
        return [Filter("paid_on", gettext("Paid on"), today.isoformat(), kind="date")]

    @action(
        N_("Mark as paid"),
        icon="check",
        question=N_("%(name)s will be marked as paid. Are you sure?"),
        done=N_("The payment has been recorded."),
        when=lambda invoice: invoice.paid_on is None,
        single=False,
        multiple=True,
    )
    def mark_paid(self, invoice: Invoice) -> None:
        """Record the payment of an invoice."""
        day = iso_day(request.form.get("paid_on"))
        if day is None:
            raise DomainError(PAYMENT_DAY_MISSING)
        today = clock.tokyo_day(clock.utc_now())
        invoicing.mark_paid(db.session(), invoice, day, today=today, by=actor())


class CorrectionForm(ScreenForm):
    """The form for a correction: a line on the customer's next invoice."""

    customer_id = CodeField(
        lazy_gettext("Company ID"),
        [Required(), MaxLength(9)],
        render_kw={"autocomplete": "off", "placeholder": "A00000001"},
    )
    amount = IntegerField(
        lazy_gettext("Amount"),
        [InputRequired(), NumberRange(-_MAX_YEN, _MAX_YEN)],
        description=lazy_gettext("In yen, before tax. A negative amount is a credit."),
    )
    reason = TextField(
        lazy_gettext("Reason"),
        [Required(), MaxLength(200), OneLine()],
        description=lazy_gettext("It is the text of the line on the invoice."),
    )
    contract_id = CodeField(
        lazy_gettext("Contract number"),
        [MaxLength(11)],
        description=lazy_gettext("If it is about one contract."),
        filters=[lambda typed: typed or None],
        render_kw={"autocomplete": "off", "placeholder": "A-S00000001"},
    )
    widths: ClassVar = dict.fromkeys(("customer_id", "amount", "contract_id"), "col-12 col-md-6")


def _contract_of(correction: Correction) -> Any:
    if correction.contract_id is None:
        return "-"
    return contract_number(correction.customer_id, correction.contract_id)


class CorrectionView(Screen):
    """Corrections that are not on an invoice yet. They cannot be edited; to reverse one, add another."""

    datamodel = PortalInterface(Correction, options=(joinedload(Correction.customer),))
    labels = Labels(
        lazy_gettext("correction"),
        lazy_gettext("Corrections"),
        "receipt",
        {"empty": N_("There is no correction for the next invoice.")},
    )
    form = CorrectionForm
    methods = frozenset({"list", "show", "add"})
    route_base = "/billing/corrections"
    class_permission_name = "Corrections"
    tabs = TABS
    named_by = "reason"
    link_column = "reason"
    history = False
    base_order = ("created_at", "desc")
    list_intro = lazy_gettext("These lines are part of the customers' next invoices.")
    list_columns: ClassVar = ["created_at", "customer_id", "customer", "contract_id", "amount", "reason"]
    order_columns: ClassVar = ["created_at", "customer_id", "amount"]
    filters = (CustomerFilter("customer", beside=True),)
    show_fieldsets: ClassVar = [(None, {"fields": list_columns})]
    label_columns: ClassVar = {
        "created_at": lazy_gettext("Entered at"),
        "customer": lazy_gettext("Customer"),
    }
    formatters_columns: ClassVar = {
        "customer_id": formats.CODE,
        "customer": CUSTOMER,
        "amount": formats.YEN,
        "contract_id": Format(_contract_of, lambda each: each.contract_id or "", css=formats.CODE.css),
    }

    def base_conditions(self) -> list[Any]:
        """Return the SQL conditions, including that a correction is not on an invoice yet."""
        return [*super().base_conditions(), Correction.invoice_id.is_(None)]

    def value(self, row: Correction, name: str) -> Any:
        """Return the value of a column for a correction."""
        return row if name == "contract_id" else super().value(row, name)

    def create(self, form: CorrectionForm) -> Correction:
        """Add a line to the next invoice of a customer."""
        values = form.values()
        customer = db.session.get(Customer, values.pop("customer_id"))
        if customer is None or customer.deleted_at is not None:
            raise DomainError(NO_CUSTOMER, field="customer_id")
        return invoicing.correct(db.session(), customer, values, by=actor())

    def after_creation(self, row: Correction) -> str:
        """Return the URL of the list of corrections."""
        return str(self.list_url())
