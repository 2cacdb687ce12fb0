"""当月収益予想: the tenant's income of three months (§5.1 (1))."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext

from models.contracts.income import income_of
from models.dashboard.figures import Source
from views.base import url_if
from views.dashboard.months import MONTHS, drawn_months, months_of
from views.screen import formats
from views.widget import HALF, Months, Shown, Widget

_RIGHT = ("can_list", "ContractList")


def _values(today: date) -> dict[str, Any]:
    return {name: income_of(month, invoiced=name != MONTHS[0]) for name, month in months_of(today).items()}


def _url(month: str) -> str | None:
    return url_if(*_RIGHT, "ContractListView.list", income=month)


def _draw(shown: Shown) -> Months:
    return drawn_months(shown, text=formats.YEN.cell, url=_url, note=gettext("Before tax, after discounts."))


WIDGET = Widget(
    "income",
    lazy_gettext("Expected income of this month"),
    _RIGHT,
    20,
    _draw,
    source=Source("income", _values, subjects=("Contract", "Tenant", "Invoice"), monthly=True),
    width=HALF,
)
