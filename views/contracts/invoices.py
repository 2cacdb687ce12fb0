"""請求: the invoices of a customer, with their lines and the reasons for changes since the previous month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

from flask import Response, g
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup

from models.contracts.invoice import Invoice, InvoiceLine, LineKind
from models.contracts.invoice_changes import ExplainedLine, Explanation, explain
from models.db import db
from models.errors import N_
from views.base import url_if
from views.customers.contract_list import contract_number
from views.customers.customers import CustomerView
from views.customers.tabs import customer_tabs
from views.data_interface import PortalInterface
from views.screen import formats
from views.screen.csv_file import csv_lines
from views.screen.filters import Choice
from views.screen.formats import Format
from views.screen.labels import Labels
from views.screen.navigation import Parent
from views.screen.screen import Screen
from views.screen.table import Button, Empty, Table, filled_table

STATES = {"unpaid": lazy_gettext("Unpaid"), "paid": lazy_gettext("Paid")}
STATE = formats.badge(STATES, {"unpaid": "orange", "paid": "green"})
KINDS = {
    LineKind.FLAT: lazy_gettext("Flat fee"),
    LineKind.USAGE: lazy_gettext("Usage (quantity)"),
    LineKind.DISCOUNT: lazy_gettext("Discount (percentage)"),
    LineKind.FEE: lazy_gettext("Cancellation fee"),
    LineKind.CORRECTION: lazy_gettext("Correction"),
}


def month_text(month: date) -> str:
    """Return a month as ``YYYY-MM``."""
    return f"{month:%Y-%m}"


CODE_LINK = Format(css=formats.CODE.css)
MONTH = Format(lambda month: formats.WORD.html(month_text(month)), month_text)


CUSTOMER = Format(lambda customer: customer.name, lambda customer: customer.name, css="text")


def is_paid(state: str) -> Any:
    """Return the SQL condition for paid or unpaid invoices."""
    return Invoice.paid_on.is_(None) if state == "unpaid" else Invoice.paid_on.is_not(None)


class InvoiceScreen(Screen):
    """The base class of the screens of invoices."""

    datamodel = PortalInterface(Invoice)
    base_order = ("month", "desc")
    order_columns: ClassVar = ["month", "total", "issued_on", "paid_on"]
    label_columns: ClassVar = {
        "name": lazy_gettext("Invoice number"),
        "month": lazy_gettext("Month"),
        "customer": lazy_gettext("Customer"),
        "total": lazy_gettext("Total (before tax)"),
        "issued_on": lazy_gettext("Issued on"),
        "state": lazy_gettext("Payment"),
        "paid_on": lazy_gettext("Paid on"),
    }
    formatters_columns: ClassVar = {"name": formats.CODE, "month": MONTH, "total": formats.YEN, "state": STATE}

    def value(self, row: Invoice, name: str) -> Any:
        """Return the value of a column for an invoice."""
        return ("unpaid" if row.paid_on is None else "paid") if name == "state" else super().value(row, name)


class InvoiceView(InvoiceScreen):
    """請求: the invoices of one customer."""

    labels = Labels(
        lazy_gettext("invoice"),
        lazy_gettext("Invoices"),
        "file-invoice",
        {"empty_hint": N_("The invoice of a month is issued when the month is over.")},
    )
    methods = frozenset({"list", "show"})
    route_base = "/customers/<string:customer_id>/invoices"
    row_rule = "<key:invoice_key>"
    class_permission_name = "Invoices"
    parent = Parent(CustomerView, "customer_id")
    list_columns: ClassVar = ["name", "month", "total", "issued_on", "state", "paid_on"]
    filters = (Choice("state", labels=STATES, on=is_paid, beside=True),)
    show_fieldsets: ClassVar = [
        (
            None,
            {"fields": ["customer", "month", "total", "issued_on", "state", "paid_on", "total_before", "difference"]},
        )
    ]
    label_columns: ClassVar = InvoiceScreen.label_columns | {
        "customer_id": lazy_gettext("Company ID"),
        "total_before": lazy_gettext("Total of the previous month"),
        "difference": lazy_gettext("Difference"),
    }
    formatters_columns: ClassVar = InvoiceScreen.formatters_columns | {
        "customer": CUSTOMER,
        "total_before": formats.YEN,
        "difference": Format(
            lambda yen: f"{'+' if yen > 0 else '-' if yen < 0 else '±'}¥{abs(yen):,.0f}", css="number"
        ),
    }

    def tabs_of_list(self) -> list[dict[str, Any]]:
        """Return the tabs of the customer."""
        return customer_tabs(g.parent_row, "InvoiceView.list")

    def tabs_of_row(self, row: Invoice) -> list[dict[str, Any]]:
        """Return the tabs of the customer."""
        return customer_tabs(g.parent_row, "InvoiceView.list")

    def value(self, row: Invoice, name: str) -> Any:
        """Return the value of a column or field for an invoice."""
        if name in {"total_before", "difference"}:
            previous = explanation_of(row).previous
            before = previous.total if previous is not None else None
            return before if name == "total_before" or before is None else row.total - before
        return super().value(row, name)

    def related(self, row: Invoice) -> Sequence[Table]:
        """Return the tables of the lines of an invoice and, if any, the lines of the previous month that are gone."""
        found = explanation_of(row)
        lines = filled_table(
            _columns(row.customer_id),
            found.lines,
            title=gettext("Lines"),
            empty=Empty("file-invoice", gettext("The invoice has no lines.")),
        )
        if not found.gone:
            return [lines]
        return [lines, filled_table(_columns(row.customer_id), found.gone, title=gettext("Not billed any more"))]

    def page_buttons(self, row: Invoice) -> list[Button]:
        """Return the buttons of an invoice's page, with one to download its lines as CSV."""
        file = Button(gettext("Download as CSV"), self.url("lines", row), "download")
        return [*([file] if self.may("lines") else []), *super().page_buttons(row)]

    @expose("/<row>/lines")
    @has_access
    def lines(self, pk: Any) -> Response:
        """Return the lines of an invoice as a CSV file. Lines that are gone are at the end, without amounts."""
        row = self.row_or_404(pk)
        found = explanation_of(row)
        head = [
            *(gettext("Month"), gettext("Contract number"), gettext("Rate plan"), gettext("Charge"), gettext("Model")),
            *(
                gettext("Period from"),
                gettext("Period to"),
                gettext("Quantity"),
                gettext("Unit price"),
                gettext("Amount"),
            ),
            gettext("Change from the previous month"),
        ]
        cells = [_cells(row, each, gone=False) for each in found.lines]
        cells += [_cells(row, each, gone=True) for each in found.gone]
        answer = Response(b"".join(csv_lines(head, cells)), mimetype="text/csv; charset=utf-8")
        answer.headers["Content-Disposition"] = f"attachment; filename=invoice-{row.name}.csv"
        answer.headers["Cache-Control"] = "no-store"
        return answer


def invoice_number(invoice: Invoice) -> Any:
    """Return the number of an invoice, as a link to its page if the user may open it."""
    arguments = {"customer_id": invoice.customer_id, "invoice_key": invoice.id}
    url, number = url_if("can_show", "Invoices", "InvoiceView.show", **arguments), formats.CODE.html(invoice.name)
    return formats.linked(url, number) if url else number


def explanation_of(invoice: Invoice) -> Explanation:
    """Return the explanation of the changes on an invoice, cached for the request."""
    if g.get("explained") is None or g.explained[0] != invoice.id:
        g.explained = invoice.id, explain(db.session(), invoice)
    found: Explanation = g.explained[1]
    return found


def reasons_text(explained: ExplainedLine) -> str:
    """Return the reasons for the change of a line, one per line of text."""
    return "\n".join(gettext(reason.message, **reason.values) for reason in explained.reasons)


def unit_price_text(line: InvoiceLine) -> str:
    """Return the unit price of a line: yen, or the percentage of a discount."""
    return f"{line.unit_price:.0f} %" if line.kind == LineKind.DISCOUNT else f"¥{line.unit_price:,.0f}"


def _columns(customer_id: str) -> list[tuple[Any, Format, Any]]:
    return [
        (
            gettext("Contract number"),
            CODE_LINK,
            lambda each: each.line.contract_id and contract_number(customer_id, each.line.contract_id),
        ),
        (gettext("Rate plan"), formats.TEXT, lambda each: each.line.plan_name),
        (gettext("Charge"), formats.TEXT, lambda each: each.line.charge_name),
        (gettext("Model"), formats.word(KINDS), lambda each: each.line.kind),
        (gettext("Billed period"), formats.PLAIN, lambda each: _period(each.line)),
        (gettext("Quantity × unit price"), Format(css="number"), lambda each: _product(each.line)),
        (gettext("Amount"), formats.YEN, lambda each: each.line.amount),
        (gettext("Change from the previous month"), formats.LINES, reasons_text),
    ]


def _period(line: InvoiceLine) -> Markup | None:
    if line.from_on is None or line.to_on is None:
        return None
    return Markup("<span>{} – {}</span>").format(formats.DAY.html(line.from_on), formats.DAY.html(line.to_on))


def _product(line: InvoiceLine) -> str:
    price = unit_price_text(line)
    # A discount is a percentage of an amount, so the quantity does not matter.
    return price if line.kind == LineKind.DISCOUNT else f"{line.quantity:,.0f} × {price}"


def _cells(invoice: Invoice, explained: ExplainedLine, *, gone: bool) -> list[str]:
    line = explained.line
    return [
        *(month_text(invoice.month), line.contract_id or "", line.plan_name, line.charge_name),
        str(KINDS[LineKind(line.kind)]),
        *(day.isoformat() if day else "" for day in (line.from_on, line.to_on)),
        *("" if gone else f"{number:.0f}" for number in (line.quantity, line.unit_price, line.amount)),
        reasons_text(explained).replace("\n", " / "),
    ]
