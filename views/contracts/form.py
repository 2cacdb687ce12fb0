"""The forms for creating and changing a contract: memos, UTM送付先情報 and lines (§7.5, §7.7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from flask_babel import gettext, lazy_gettext
from wtforms import DateField, Form, RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from models.applications.delivery import DELIVERY_COLUMNS, DeliveryColumns
from models.contracts import rules
from models.contracts.catalogue import Product
from models.contracts.contract import SHIPPING, Contract
from models.values.postcode import Found
from models.values.prefecture import PREFECTURES
from views.contracts.line_form import LinesMixin
from views.forms.fields import MaxLength, MemoField, OneLine, PostcodeField, Required, TextField, VersionField
from views.forms.phone import PhoneField, PhoneNumber
from views.forms.postcode import PostcodeLookup
from views.forms.utm_id import UtmId, UtmIdField
from views.screen.form import ScreenForm

MAX_YEARS = 10
_LAST_YEAR = 2100
YEARS = [SelectChoice(number, lazy_gettext("%(years)s years", years=number)) for number in range(MAX_YEARS + 1)]
MONTHS = [SelectChoice(number, lazy_gettext("%(months)s months", months=number)) for number in range(12)]
MEMOS = ("memo1", "memo2", "memo3")
SHIPPING_WIDTHS: Mapping[str, str] = {
    "ship_company": "col-12",
    "ship_last_name": "col-12 col-md-6",
    "ship_first_name": "col-12 col-md-6",
    "ship_department": "col-12",
    "ship_postcode": "col-12 col-md-6",
    "ship_prefecture": "col-12 col-md-4",
    "ship_address": "col-12 col-md-8",
    "ship_phone": "col-12 col-md-6",
}


def is_plausible_day(_form: Form, field: Any) -> None:
    """Raise ValidationError for a year out of range: a mistyped date could overflow when terms are added to it."""
    if field.data is not None and not 2000 <= field.data.year <= _LAST_YEAR:
        raise ValidationError(gettext("Enter a date from 2000 to 2100, such as 2026-04-01."))


class ContractFields(PostcodeLookup, LinesMixin, ScreenForm):
    """The base class of the forms of contracts: the fields for both creating and changing one."""

    memo1 = MemoField(
        lazy_gettext("Memo 1"),
        [MaxLength(500)],
        description=lazy_gettext("The customer does not see memos."),
        render_kw={"rows": 3},
    )
    memo2 = MemoField(lazy_gettext("Memo 2"), [MaxLength(255)], render_kw={"rows": 3})
    memo3 = MemoField(lazy_gettext("Memo 3"), [MaxLength(255)], render_kw={"rows": 3})
    ship_company = TextField(lazy_gettext("Company name"), [Required(), MaxLength(40), OneLine()])
    ship_department = TextField(lazy_gettext("Department"), [MaxLength(40), OneLine()])
    ship_last_name = TextField(lazy_gettext("Family name"), [Required(), MaxLength(100), OneLine()])
    ship_first_name = TextField(lazy_gettext("Given name"), [Required(), MaxLength(100), OneLine()])
    ship_postcode = PostcodeField()
    ship_prefecture = SelectField(
        lazy_gettext("Prefecture"),
        [Required()],
        choices=[SelectChoice("", lazy_gettext("Please choose")), *PREFECTURES],
    )
    ship_address = TextField(
        lazy_gettext("Address"),
        [Required(), MaxLength(100), OneLine()],
        description=lazy_gettext(
            "An address filled in from the postcode may lack the house number. Please complete it."
        ),
    )
    ship_phone = PhoneField(
        lazy_gettext("Phone number"),
        [Required(), PhoneNumber()],
        description=lazy_gettext("Up to 15 digits, with or without hyphens."),
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )

    widths: ClassVar = SHIPPING_WIDTHS

    @property
    def shipping_fields(self) -> list[Any]:
        """The fields of UTM送付先情報; empty if they cannot be edited."""
        return [self[name] for name in SHIPPING_WIDTHS if name in self]

    def fill_in_address(self) -> Found | None:
        """Fill in the postal address of the postcode (郵便番号から住所を入力)."""
        self.postcode, self.prefecture, self.address = self.ship_postcode, self.ship_prefecture, self.ship_address
        return super().fill_in_address()

    def fill_in_delivery(self, delivery: DeliveryColumns) -> None:
        """Fill in the delivery address of an application (§7.5.3)."""
        for name in DELIVERY_COLUMNS:
            self[f"ship_{name}"].data = getattr(delivery, name)

    def without_shipping(self) -> None:
        """Disable the validation of the shipping address."""
        for name in SHIPPING:
            self[name].validators = []
            self[name].validate_choice = False

    def values(self) -> dict[str, Any]:
        """Return the values of the fields, except those of the lines."""
        return {field.name: field.data for field in self.visible_fields() if field.type != "RowList"}

    def labelled_fields(self) -> list[tuple[Any, str]]:
        """Return the fields with their labels, including those of the lines."""
        labelled = [each for each in super().labelled_fields() if each[0].type != "RowList"]
        if all(isinstance(error, str) for error in self.lines.errors):
            labelled.append((self.lines, gettext("Contract information")))
        return [*labelled, *self.labelled_lines()]


class ApplicationForm(ContractFields):
    """The form for a new contract.

    Fields that do not apply to the selected product are ignored, because they are displayed without JavaScript.
    """

    start_on = DateField(lazy_gettext("Contract start date"), [InputRequired(), is_plausible_day])
    initial_years = SelectField(
        lazy_gettext("Initial contract term: years"), [InputRequired()], choices=YEARS, coerce=int, default=1
    )
    initial_months = SelectField(
        lazy_gettext("Initial contract term: months"), [InputRequired()], choices=MONTHS, coerce=int, default=0
    )
    renewal_years = SelectField(
        lazy_gettext("Contract renewal term: years"), [InputRequired()], choices=YEARS, coerce=int, default=1
    )
    renewal_months = SelectField(
        lazy_gettext("Contract renewal term: months"), [InputRequired()], choices=MONTHS, coerce=int, default=0
    )
    product_id = SelectField(lazy_gettext("Product"), [Required()])
    ships_utm = RadioField(
        lazy_gettext("UTM shipping"),
        [],
        choices=[SelectChoice("1", lazy_gettext("Needed")), SelectChoice("0", lazy_gettext("Not needed"))],
        validate_choice=False,
    )
    utm_id = UtmIdField(
        lazy_gettext("UTM ID"),
        description=lazy_gettext("12 characters of 0-9 and a-f: the WAN MAC address, if it is known."),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )

    product: Product | None = None

    def prepare(self, products: Sequence[Product], *, updating: bool) -> None:
        """Set the choices: the products on sale, and the rate plans of the selected one.

        :param products: the products on sale.
        :param updating: whether the page is only updated, and the form not to be saved.
        """
        first = SelectChoice("", lazy_gettext("Please choose"))
        self.product_id.choices = [first, *(SelectChoice(str(each.id), each.name) for each in products)]
        self.ships_utm.flags.required = True
        self.with_utm = [str(each.id) for each in products if each.includes_utm]
        self.product = next((each for each in products if str(each.id) == self.product_id.data), None)
        plans = [plan for plan in self.product.rate_plans if plan.retired_at is None] if self.product else []
        self.prepare_lines(plans, updating=updating)
        if not self.lines.entries and not self.is_submitted():
            self.lines.append_entry({"quantity": "1"})
            self.prepare_lines(plans, updating=True)

    @property
    def ships(self) -> bool | None:
        """Whether the UTM is to be shipped; None if the product has none, or if nothing is selected."""
        if self.product is None or not self.product.includes_utm:
            return None
        return {"1": True, "0": False}.get(self.ships_utm.data or "")

    def validate(self, extra_validators: Any = None) -> bool:
        """Validate the fields that apply to the selected product."""
        if not self.ships:
            self.without_shipping()
        if self.product is not None and self.product.includes_utm:
            self.ships_utm.validators = [_is_chosen]
        self.utm_id.validators = [UtmId()] if self.ships is False and self.utm_id.data else []
        good: bool = super().validate(extra_validators)
        for name in ("initial", "renewal"):
            years, months = self[f"{name}_years"], self[f"{name}_months"]
            if not years.errors and not months.errors and not years.data and not months.data:
                months.errors = [gettext(rules.NO_TERM)]
                good = False
        return good

    def values(self) -> dict[str, Any]:
        """Return the values of the new contract. The form must be valid."""
        values = super().values()
        for name in ("initial", "renewal"):
            values[f"{name}_months"] += 12 * values.pop(f"{name}_years")
        return values | {
            "product_id": int(self.product_id.data),
            "ships_utm": self.ships,
            "utm_id": self.utm_id.data or None,
            "lines": self.line_values,
        }


def _is_chosen(_form: Form, field: Any) -> None:
    if field.data not in {"0", "1"}:
        raise StopValidation(gettext("Choose one of these."))


class ChangeForm(ContractFields):
    """The form for changing a contract (§7.7): memos, the shipping address, and lines as of today."""

    removed = SelectMultipleField(
        lazy_gettext("Remove"), option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False), choices=[]
    )
    version = VersionField()

    def prepare(self, contract: Contract, *, updating: bool) -> None:
        """Remove fields that do not apply or can no longer be changed, and set the choices of lines and rate plans."""
        if not contract.ships_utm or contract.tracking_number:
            for name in set(SHIPPING) & set(self.data):
                del self[name]
        plans = [plan for plan in contract.product.rate_plans if plan.retired_at is None]
        self.prepare_lines(plans, updating=updating)
        self.present = list(contract.present_lines)
        self.removed.choices = [SelectChoice(str(line.id), line.rate_plan.name) for line in self.present]

    def values(self) -> dict[str, Any]:
        """Return the values to store. The form must be valid."""
        return {name: value for name, value in super().values().items() if name not in {"removed", "version"}}

    def changes(self) -> dict[str, Any]:
        """Return the values, the added lines and the IDs of the removed lines, for ``rules.change``."""
        return self.values() | {"added": self.line_values, "removed": [int(each) for each in self.removed.data or ()]}
