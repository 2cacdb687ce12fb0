"""契約状況: what NEC charges the tenant for its contracts in a month (§10.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext

from models import clock
from models.contracts import wholesale
from models.contracts.catalogue import Cycle
from models.contracts.wholesale import PlanStatus
from models.db import db
from views.arguments import choice
from views.base import PortalView, render
from views.contracts.contract_list import list_url
from views.months import first_day, months_to_choose
from views.screen import formats
from views.screen.filters import Filter, Search
from views.screen.formats import Format
from views.screen.table import Empty, Table, filled_table

CYCLE_LABELS = {
    Cycle.MONTHLY: lazy_gettext("Monthly"),
    Cycle.YEARLY: lazy_gettext("Yearly"),
    Cycle.ONCE: lazy_gettext("One-off"),
}


class ContractStatusView(PortalView):
    """The page with the amount for a month, itemized by rate plan."""

    route_base = "/contract-status"
    class_permission_name = "ContractStatus"

    @expose("/")
    @has_access
    def index(self) -> str:
        """Show the amount for a month."""
        today = clock.tokyo_day(clock.utc_now())
        months = months_to_choose()
        chosen = choice("month", months, f"{today:%Y-%m}")
        month = first_day(chosen)
        counted = wholesale.counted_to(month, today)
        # Days are counted up to yesterday, so on the 1st the current month has no figures yet.
        begun = counted >= month
        plans = wholesale.status_of_month(db.session(), month, today=today) if begun else []
        field = Filter("month", gettext("Month of use"), chosen, options=list(months.items()), beside=True, needed=True)
        total = sum(plan.amount for plan in plans)
        return render(
            "contracts/status.html",
            search=Search([field]),
            month=chosen,
            total=formats.YEN.cell(total) if begun else None,
            total_url=list_url(month=chosen) if total else None,
            counted_to=counted.isoformat() if begun else None,
            table=_table(plans, month, today, begun=begun),
        )


def _table(plans: Sequence[PlanStatus], month: date, today: date, *, begun: bool) -> Table:
    day = wholesale.present_day(month, today)

    def present(plan: PlanStatus) -> Any:
        return _linked(plan.present, formats.NUMBER, list_url(plan=plan.plan_id, day=day.isoformat()))

    def billed(plan: PlanStatus) -> Any:
        return _linked(plan.billed, formats.NUMBER, list_url(plan=plan.plan_id, month=f"{month:%Y-%m}"))

    def amount(plan: PlanStatus) -> Any:
        return _linked(plan.amount, formats.YEN, list_url(plan=plan.plan_id, month=f"{month:%Y-%m}"))

    number = Format(css="number")
    empty = (
        Empty("file-text", gettext("There is no contract in this month."))
        if begun
        else Empty("clock", gettext("On the 1st there are no figures for the current month yet."))
    )
    return filled_table(
        [
            (gettext("Product name"), formats.TEXT, lambda plan: plan.product),
            (gettext("Charging scheme"), formats.TEXT, _scheme),
            (gettext("Unit price (yen)"), formats.YEN, lambda plan: plan.unit_price),
            (gettext("Present contracts"), number, present),
            (gettext("To be billed"), number, billed),
            (gettext("Amount to be billed (yen)"), number, amount),
        ],
        plans,
        label=gettext("Contract status"),
        empty=empty,
    )


def _scheme(plan: PlanStatus) -> str:
    return f"{plan.plan} ({CYCLE_LABELS[Cycle(plan.cycle)]})"


def _linked(value: Any, shown: Format, url: str | None) -> Any:
    """Return a figure with a link to the contracts it is based on; 0 has no link."""
    cell = shown.cell(value)
    return formats.linked(url, cell) if url and value else cell
