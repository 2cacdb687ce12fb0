"""顧客数: the number of customers with a contract in force in each of three months (§5.1 (2))."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext

from models.contracts.contracted_customers import customers_in
from models.dashboard.figures import Source
from views.base import url_if
from views.dashboard.months import drawn_months, months_of
from views.widget import HALF, Months, Shown, Widget

_RIGHT = ("can_list", "Customers")


def _values(today: date) -> dict[str, Any]:
    return {name: customers_in(month) for name, month in months_of(today).items()}


def _url(month: str) -> str | None:
    return url_if(*_RIGHT, "CustomerView.list", contract_month=month)


def _draw(shown: Shown) -> Months:
    return drawn_months(
        shown,
        text="{:,}".format,
        unit=lambda number: ngettext("company", "companies", number),
        url=_url,
        note=gettext("Customers with a contract in force in the month."),
    )


WIDGET = Widget(
    "customers",
    lazy_gettext("Number of customers"),
    _RIGHT,
    30,
    _draw,
    source=Source("customers", _values, subjects=("Contract", "Customer"), monthly=True),
    width=HALF,
)
