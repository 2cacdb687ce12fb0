"""The catalogue for NEC staff: the charges (課金) of a rate plan and NEC's wholesale prices (卸価格) for it."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import g, request
from flask_babel import gettext, lazy_gettext
from sqlalchemy.orm import joinedload
from wtforms import DateField, IntegerField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, NumberRange, Optional

from models import clock
from models.contracts import catalogue_rules
from models.contracts.catalogue import Charge, ChargeModel, Cycle, RatePlan, WholesalePrice
from models.db import db
from models.errors import N_
from views.base import actor
from views.contracts.catalogue import PlanParent, RatePlanView, plan_in_use
from views.data_interface import PortalInterface
from views.forms.fields import MaxLength, MemoField, OneLine, Required, TextField
from views.screen import formats
from views.screen.form import ScreenForm
from views.screen.formats import Format
from views.screen.labels import Labels
from views.screen.screen import Screen

MODELS = {
    ChargeModel.FLAT: lazy_gettext("Flat fee"),
    ChargeModel.USAGE: lazy_gettext("Usage (quantity)"),
    ChargeModel.DISCOUNT: lazy_gettext("Discount (percentage)"),
}
_MAX_YEN = 9_999_999_999


class ChargeTextForm(ScreenForm):
    """The text fields of a charge, which can always be changed."""

    name = TextField(lazy_gettext("Charge name"), [Required(), MaxLength(100), OneLine()])
    description = MemoField(lazy_gettext("Description"), [MaxLength(500)], render_kw={"rows": 3})


class FixedChargeForm(ChargeTextForm):
    """The form for a charge whose rate plan is used by contracts."""

    fieldsets: ClassVar = (
        (None, {"fields": ["name", "description"], "hint": lazy_gettext(catalogue_rules.PLAN_IN_USE)}),
    )


class ChargeForm(ChargeTextForm):
    """The form for a charge."""

    model = SelectField(
        lazy_gettext("Model"),
        [Required()],
        choices=[
            SelectChoice("", lazy_gettext("Please choose")),
            *(SelectChoice(model.value, label) for model, label in MODELS.items()),
        ],
    )
    unit_price = IntegerField(
        lazy_gettext("Unit price"),
        [InputRequired(), NumberRange(0, _MAX_YEN)],
        description=lazy_gettext("In yen. For a discount, a percentage from 1 to 100."),
    )
    discount_months = IntegerField(
        lazy_gettext("Months of the discount"),
        [Optional(), NumberRange(1, 1200)],
        description=lazy_gettext("The first months of a contract. Empty for every month."),
    )
    widths: ClassVar = dict.fromkeys(("model", "unit_price", "discount_months"), "col-12 col-md-4")


class PriceForm(ScreenForm):
    """The form for a wholesale price."""

    valid_from = DateField(lazy_gettext("Valid from"), [InputRequired()])
    unit_price = IntegerField(
        lazy_gettext("Wholesale price"),
        [InputRequired(), NumberRange(0, _MAX_YEN)],
        description=lazy_gettext("NEC's price for the partner per unit, in yen."),
    )
    widths: ClassVar = dict.fromkeys(("valid_from", "unit_price"), "col-12 col-md-6")


class RatePlanChildScreen(Screen):
    """The base class of the screens of a rate plan's charges and wholesale prices."""

    class_permission_name = "Catalogue"
    row_rule = "<key:part_key>"
    parent = PlanParent(RatePlanView, "rate_plan_id")
    tenantless = True

    def create(self, form: Any) -> Any:
        """Add a charge or wholesale price to the rate plan."""
        return self.rules.add(db.session(), g.parent_row, form.values(), by=actor())

    def after_creation(self, row: Any) -> str:
        """Return the URL of the rate plan's page, which lists its charges and prices."""
        return RatePlanView.of().page_of(g.parent_row)


class ChargeView(RatePlanChildScreen):
    """The screens of a rate plan's charges (課金)."""

    datamodel = PortalInterface(Charge, options=(joinedload(Charge.rate_plan),))
    rules = catalogue_rules.charges
    labels = Labels(lazy_gettext("charge"), lazy_gettext("Charges"), "receipt")
    form = ChargeForm
    route_base = "/staff/plans/<key:rate_plan_id>/charges"
    unique_errors = catalogue_rules.CHARGE_ERRORS
    base_order = ("id", "asc")
    list_columns: ClassVar = ["name", "description", "type", "model", "price", "discount_months"]
    order_columns: ClassVar = ["name", "model"]
    show_fieldsets: ClassVar = [(None, {"fields": list_columns})]
    label_columns: ClassVar = {
        "type": lazy_gettext("Type"),
        "price": lazy_gettext("Unit price"),
        "discount_months": lazy_gettext("Months of the discount"),
        # Of the operation log.
        "rate_plan_id": lazy_gettext("Rate plan"),
    }
    choices_columns: ClassVar = {"model": MODELS}
    formatters_columns: ClassVar = {
        "description": formats.LINES,
        "price": Format(css="number"),
        "discount_months": formats.NUMBER,
        "rate_plan_id": formats.named(RatePlan),
    }

    def value(self, row: Charge, name: str) -> Any:
        """Return the value of a column for a charge. Its type is derived from the billing cycle of the rate plan."""
        if name == "type":
            return gettext("One-time") if row.rate_plan.cycle == Cycle.ONCE else gettext("Recurring")
        if name == "price":
            return f"{row.unit_price:.0f} %" if row.model == ChargeModel.DISCOUNT else f"¥{row.unit_price:,.0f}"
        return super().value(row, name)

    def refusal(self, method: str, row: Any) -> str | None:
        """Return why no charge can be added to or deleted from the rate plan, None if it can."""
        refused = method in {"add", "delete"} and plan_in_use(g.parent_row)
        return catalogue_rules.PLAN_IN_USE if refused else None

    def form_of(self, row: Charge) -> Any:
        """Return the form for editing a charge. While contracts use its rate plan, the form has only the text fields.

        If the form was opened before the plan was in use, its price is still read, so that the rule refuses it.
        """
        kind = FixedChargeForm if "unit_price" not in request.form and plan_in_use(g.parent_row) else ChargeForm
        return kind(data=kind().stored(row))


class WholesalePriceView(RatePlanChildScreen):
    """The screens of a rate plan's wholesale prices (卸価格)."""

    datamodel = PortalInterface(WholesalePrice)
    rules = catalogue_rules.wholesale_prices
    labels = Labels(
        lazy_gettext("wholesale price"),
        lazy_gettext("Wholesale prices"),
        "receipt",
        {"delete_name": N_("Delete the price from %(name)s"), "edit_name": N_("Change the price from %(name)s")},
    )
    form = PriceForm
    route_base = "/staff/plans/<key:rate_plan_id>/prices"
    unique_errors = catalogue_rules.PRICE_ERRORS
    named_by = "valid_from"
    base_order = ("valid_from", "desc")
    list_columns: ClassVar = ["valid_from", "unit_price"]
    show_fieldsets: ClassVar = [(None, {"fields": list_columns})]
    # Of the operation log.
    label_columns: ClassVar = {"rate_plan_id": lazy_gettext("Rate plan")}
    formatters_columns: ClassVar = {"unit_price": formats.YEN, "rate_plan_id": formats.named(RatePlan)}

    def refusal(self, method: str, row: Any) -> str | None:
        """Return why a price cannot be changed or deleted, None if it can."""
        if method not in {"edit", "delete"}:
            return None
        today = clock.tokyo_day(clock.utc_now())
        return catalogue_rules.PRICE_IN_FORCE if catalogue_rules.in_force(row, today) else None

    def change(self, row: WholesalePrice, form: Any, *, version: int) -> None:
        """Change a price that is not valid yet."""
        today = clock.tokyo_day(clock.utc_now())
        self.rules.revise(db.session(), row, form.values(), version=version, today=today, by=actor())
