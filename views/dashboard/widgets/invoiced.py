"""The customers with invoices: the way to these for people who have no customers' pages, such as an accounting department."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext, lazy_gettext

from models.dashboard.invoiced import page_of
from models.db import db
from views.arguments import page_number
from views.dashboard.paging import pager
from views.screen import formats
from views.screen.table import Empty, filled_table
from views.widget import FULL, Listing, Shown, Widget

_ROWS = 20
"""More than in other widgets, because these people have no other list of the customers."""


def _draw(_shown: Shown) -> Listing:
    page = page_of(db.session(), number=page_number("invoices_page"), size=_ROWS)
    table = filled_table(
        [
            (gettext("Company ID"), formats.linked_value(formats.CODE), lambda row: _invoices(row.id)),
            (gettext("Company name"), formats.TEXT, lambda row: row.name),
            (gettext("Balance"), formats.YEN, lambda row: row.balance),
            (gettext("Last invoice date"), formats.DAY, lambda row: row.last_invoiced_on),
        ],
        page.rows,
        title=WIDGET.title,
        empty=Empty(
            "file-invoice",
            gettext("No customer has an invoice yet."),
            gettext("The invoice of a month is issued when the month is over."),
        ),
        **pager("invoices_page", page, size=_ROWS),
    )
    return Listing(table)


def _invoices(customer_id: str) -> formats.LinkedValue:
    return formats.LinkedValue(customer_id, url_for("InvoiceView.list", customer_id=customer_id))


WIDGET = Widget(
    "invoiced",
    lazy_gettext("Customers with invoices"),
    ("can_list", "Invoices"),
    150,
    _draw,
    unless=(("can_list", "Customers"), ("can_show", "Customers")),
    width=FULL,
)
