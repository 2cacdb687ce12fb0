"""The table of a rate plan's charges, as in the manual (§7.6)."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext

from models.contracts.catalogue import Charge, ChargeModel, Cycle, RatePlan
from models.contracts.contract import ContractLine
from views.screen import formats
from views.screen.table import Table, filled_table

TYPE_LABELS = {
    Cycle.MONTHLY: lazy_gettext("Recurring (monthly)"),
    Cycle.YEARLY: lazy_gettext("Recurring (yearly)"),
    Cycle.ONCE: lazy_gettext("One-time"),
}
MODEL_LABELS = {
    ChargeModel.FLAT: lazy_gettext("Flat fee"),
    ChargeModel.USAGE: lazy_gettext("Usage (quantity)"),
    ChargeModel.DISCOUNT: lazy_gettext("Discount (percentage)"),
}


def charge_table(plan: RatePlan, line: ContractLine | None = None, **options: Any) -> Table:
    """Return the table of a rate plan's charges: 課金名, 説明, タイプ, モデル, 単価.

    :param line: a contract line, whose unit price replaces that of the flat charge.
    :param options: further arguments of ``filled_table``.
    """
    return filled_table(
        [
            (gettext("Charge"), formats.TEXT, lambda charge: charge.name),
            (gettext("Description"), formats.TEXT, lambda charge: charge.description),
            (gettext("Type"), formats.WORD, lambda _charge: TYPE_LABELS[Cycle(plan.cycle)]),
            (gettext("Model"), formats.WORD, lambda charge: MODEL_LABELS[ChargeModel(charge.model)]),
            (gettext("Unit price"), formats.Format(css="number"), lambda charge: unit_price(charge, line)),
        ],
        plan.charges,
        label=plan.name,
        **options,
    )


def unit_price(charge: Charge, line: ContractLine | None = None) -> str:
    """Return the unit price of a charge as displayed text: yen, or the percentage of a discount."""
    if charge.model == ChargeModel.DISCOUNT:
        if charge.discount_months is None:
            return f"{charge.unit_price:.0f} %"
        months = gettext("first %(months)s months", months=charge.discount_months)
        return f"{charge.unit_price:.0f} % ({months})"
    is_flat = line is not None and charge.model == ChargeModel.FLAT
    return str(formats.YEN.cell(line.unit_price if is_flat and line is not None else charge.unit_price))
