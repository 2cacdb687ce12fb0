"""未契約顧客: the customers without a contract, as of 03:00 (§5.1 (8))."""

from __future__ import annotations

from flask_babel import gettext, lazy_gettext

from models import clock
from models.dashboard.uncontracted import SOURCE, page_of
from models.db import db
from views.arguments import page_number
from views.base import url_if
from views.dashboard.paging import SIZE, pager
from views.screen import formats
from views.screen.table import Button, Empty, filled_table
from views.widget import HALF, Listing, Shown, Widget

_RIGHT = ("can_list", "Customers")


def _draw(shown: Shown) -> Listing:
    at = shown.stored.computed_at
    page = page_of(db.session(), number=page_number("customers_page"), size=SIZE)
    hint = None if at else gettext("The list is made every day at 03:00.")
    url = url_if(*_RIGHT, "CustomerView.list", status="draft")
    table = filled_table(
        [
            (gettext("Company ID"), formats.linked_value(formats.CODE), lambda row: _customer(row[0])),
            (gettext("Company name"), formats.TEXT, lambda row: row[1]),
        ],
        page.rows,
        title=WIDGET.title,
        stacks=False,
        note=gettext("Updated %(time)s", time=clock.screen_time(at)) if at else "",
        links=[Button(gettext("Show all"), url)] if url else [],
        empty=Empty("building", gettext("Every customer has a contract.") if at else gettext("Not known yet."), hint),
        **pager("customers_page", page),
    )
    return Listing(table)


def _customer(customer_id: str) -> formats.LinkedValue:
    url = url_if("can_show", "Customers", "CustomerView.show", customer_id=customer_id)
    return formats.LinkedValue(customer_id, url)


WIDGET = Widget(
    SOURCE.widget, lazy_gettext("Customers without a contract"), _RIGHT, 130, _draw, source=SOURCE, width=HALF
)
