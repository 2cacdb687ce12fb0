"""The customers whose numbers of applied, contracted and registered UTMs disagree, and the UTMs that are missing."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext

from models.applications.reconciliation import differing_customers, missing_utms
from models.dashboard.figures import Source
from views.base import url_if
from views.widget import THIRD, Figure, Numbers, Shown, Widget

_RIGHT = ("can_list", "Reconciliation")


def _values(today: date) -> dict[str, Any]:
    return {"customers": differing_customers(today), "utms": missing_utms(today)}


def _draw(shown: Shown) -> Numbers:
    customers, utms = shown.stored.values.get("customers"), shown.stored.values.get("utms")
    disagreeing, lacking = (url_if(*_RIGHT, "ReconciliationView.list", figures=each) for each in ("differ", "lack"))
    figures = [
        Figure(
            customers, ngettext("company", "companies", customers or 0), disagreeing, gettext("Customers that disagree")
        ),
        Figure(utms, ngettext("unit", "units", utms or 0), lacking, gettext("Contracted, not registered")),
    ]
    return Numbers("list-check", "orange" if customers else "gray", figures, shown.stored.computed_at)


WIDGET = Widget(
    "mismatches",
    lazy_gettext("UTMs that disagree with contracts"),
    _RIGHT,
    90,
    _draw,
    source=Source(
        "mismatches",
        _values,
        subjects=("Contract", "Customer", "Utm", "ServiceApplication", "UtmApplication"),
    ),
    width=THIRD,
)
