"""The lines to be added to a contract (契約情報追加, §7.5.2), each with a rate plan, a quantity and a unit price."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import Form, FormField, HiddenField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from models.contracts.catalogue import RatePlan
from models.contracts.rules import MAX_LINES, TOO_MANY_LINES, LineValues
from views.arguments import whole_number
from views.forms.fields import CodeField, Required
from views.forms.row_list import RowList

MAX_QUANTITY = 9_999
MAX_YEN = 9_999_999_999

_FIELDS = ("rate_plan_id", "quantity", "unit_price")


class NumberField(CodeField):
    """A field for a whole number, with or without commas."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read the submitted value and remove its commas."""
        super().process_formdata(valuelist)
        self.data = (self.data or "").replace(",", "")


def _is_quantity(_form: Form, field: Any) -> None:
    if not whole_number(field.data, most=MAX_QUANTITY):
        raise ValidationError(gettext("Enter a whole number from 1 to %(most)s.", most=f"{MAX_QUANTITY:,}"))


def _is_yen(_form: Form, field: Any) -> None:
    if whole_number(field.data, most=MAX_YEN) is None:
        raise ValidationError(gettext("Enter a whole number of yen of up to 10 digits."))


class LineForm(Form):
    """The form for one line."""

    rate_plan_id = SelectField(lazy_gettext("Rate plan"), [Required()], choices=[])
    quantity = NumberField(lazy_gettext("Quantity"), [Required(), _is_quantity])
    unit_price = NumberField(lazy_gettext("Unit price (yen)"), [Required(), _is_yen])
    # The ID of the rate plan from which the unit price was filled in.
    priced_by = HiddenField()

    plan: RatePlan | None = None

    def prepare(self, plans: Sequence[RatePlan], *, updating: bool) -> None:
        """Set the choices of rate plans, and fill in the unit price of the selected one.

        :param plans: the rate plans to choose from.
        :param updating: whether the page is only updated, so that the price of another plan is replaced without an error.
        """
        first = lazy_gettext("Please choose") if plans else lazy_gettext("Choose the product first")
        self.rate_plan_id.choices = [
            SelectChoice("", first),
            *(SelectChoice(str(each.id), each.name) for each in plans),
        ]
        self.plan = next((each for each in plans if str(each.id) == self.rate_plan_id.data), None)
        if self.plan is None:
            if updating:
                self.rate_plan_id.data, self.unit_price.data, self.priced_by.data = "", "", ""
            return
        of_another_plan = bool(self.priced_by.data) and self.priced_by.data != str(self.plan.id)
        if of_another_plan and not updating and self.unit_price.data != f"{self.plan.flat_price:.0f}":
            self.unit_price.validators = [*self.unit_price.validators, _price_was_replaced]
        if of_another_plan or not self.unit_price.data:
            self.unit_price.data = f"{self.plan.flat_price:.0f}"
        self.priced_by.data = str(self.plan.id)

    @property
    def line(self) -> LineValues:
        """The values of the line. The form must be valid."""
        price = Decimal(self.unit_price.data)
        return LineValues(int(self.rate_plan_id.data), int(self.quantity.data), price)


def _price_was_replaced(_form: Form, _field: Any) -> None:
    raise ValidationError(gettext("The unit price was that of another rate plan, and has been replaced. Check it."))


class LinesMixin:
    """A mixin for forms with lines to add: the field ``lines`` and its buttons 追加 and 削除."""

    # One more than allowed, so that the rule can detect and report too many lines.
    lines = RowList(FormField(LineForm), max_entries=MAX_LINES + 1)

    def change_lines(self) -> bool:
        """Add or remove a line if one of the buttons for this was pressed.

        :returns: whether the page is only to be shown again, with the lines changed or updated.
        """
        lines: Any = self.lines
        if "add_line" in request.form:
            if len(lines.entries) < MAX_LINES:
                lines.append_entry({"quantity": "1"})
            else:
                lines.errors = [gettext(TOO_MANY_LINES)]
            return True
        if "remove_line" in request.form:
            number = whole_number(request.form["remove_line"], most=MAX_LINES)
            if number is not None and number < len(lines.entries):
                del lines.entries[number]
            return True
        return "update" in request.form

    def prepare_lines(self, plans: Sequence[RatePlan], *, updating: bool) -> None:
        """Set the choices of rate plans in all lines.

        :param plans: the rate plans to choose from.
        :param updating: whether the page is only updated, and the form not to be saved.
        """
        for entry in self.lines.entries:
            entry.form.prepare(plans, updating=updating)

    @property
    def line_values(self) -> list[LineValues]:
        """The values of all lines. The form must be valid."""
        return [entry.form.line for entry in self.lines.entries]

    def labelled_lines(self) -> Iterator[tuple[Any, str]]:
        """Yield each field of the lines, with a label that contains the number of the line."""
        for number, entry in enumerate(self.lines.entries, 1):
            for name in _FIELDS:
                label = entry.form[name].label.text
                yield (
                    entry.form[name],
                    gettext("Contract information %(number)s: %(label)s", number=number, label=label),
                )
