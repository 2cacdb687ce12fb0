"""当月収益予想: the card with the tenant's income (§5.1 (1))."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext

from models import clock
from models.contracts import income
from models.db import db
from views.base import url_if
from views.screen import formats


def income_card(now: datetime) -> dict[str, Any] | None:
    """Return the figures of the card; None for people who may not list contracts."""
    if url_if("can_list", "ContractList", "ContractListView.list") is None:
        return None
    found = income.of_tenant(db.session(), now=now)
    months = (
        (gettext("This month"), found.this_month),
        (gettext("Last month"), found.last_month),
        (gettext("Month before last"), found.month_before),
    )
    today = clock.tokyo_day(now)
    return {
        "months": [
            {
                "label": label,
                "amount": formats.YEN.cell(amount),
                "url": url_if(
                    "can_list",
                    "ContractList",
                    "ContractListView.list",
                    income=f"{clock.months_before(today, number):%Y-%m}",
                ),
            }
            for number, (label, amount) in enumerate(months)
        ],
        "change": None if found.change is None else f"{found.change:+d}%",
        "as_of": clock.screen_time(found.as_of),
    }
