"""Rows of the public forms that visitors add and remove: delivery addresses and portal users."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from flask import request
from flask_babel import gettext, lazy_gettext
from wtforms import Form, FormField
from wtforms.validators import ValidationError

from models.applications.delivery import DELIVERY_COLUMNS, MAX_DELIVERIES, MAX_UTMS
from models.values.postcode import Found
from views.arguments import whole_number
from views.forms.delivery import DeliveryAddressForm
from views.forms.fields import CodeField, Required
from views.forms.postcode import PostcodeLookup
from views.forms.row_list import RowList


def _is_count(_form: Form, field: Any) -> None:
    if not whole_number(field.data, most=MAX_UTMS):
        raise ValidationError(gettext("Enter a whole number from 1 to %(most)s.", most=MAX_UTMS))


class DeliveryForm(PostcodeLookup, DeliveryAddressForm):
    """A delivery address and the number of UTMs to be sent there."""

    utm_count = CodeField(
        lazy_gettext("Number of units"), [Required(), _is_count], default="1", render_kw={"inputmode": "numeric"}
    )

    # The result of the lookup, for the page.
    filled: Found | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns to store. The form must be valid."""
        return {name: self[name].data for name in DELIVERY_COLUMNS} | {"utm_count": int(self.utm_count.data)}


class DeliveriesMixin:
    """A mixin for forms with delivery addresses: the field ``deliveries`` and its buttons."""

    # One more than allowed, so that an excess can be detected and reported.
    deliveries = RowList(FormField(DeliveryForm), min_entries=1, max_entries=MAX_DELIVERIES + 1)

    # The ID of the field to focus, after a button that only changes the form.
    focus: str = ""
    copied_to_delivery: ClassVar[tuple[str, ...]] = ()

    def change_deliveries(self) -> bool:
        """Add or remove an address, or fill one in, if one of the buttons for this was pressed.

        :returns: whether one was pressed, so that the page is only to be shown again.
        """
        rows: Any = self.deliveries
        focus = added_or_removed(rows, "delivery", most=MAX_DELIVERIES, first="company")
        if focus is not None:
            self.focus = focus
            return True
        if "find_delivery_address" in request.form:
            entry = pressed_row(rows, "find_delivery_address")
            if entry is not None:
                entry.form.filled = entry.form.fill_in_address()
                self.focus = (entry.form.address if entry.form.filled else entry.form.postcode).id
            return True
        if self.copied_to_delivery and "copy_company" in request.form:
            entry = pressed_row(rows, "copy_company")
            if entry is not None:
                for name in self.copied_to_delivery:
                    entry.form[name].data = getattr(self, name).data
                self.focus = entry.form.utm_count.id
            return True
        return False

    def deliveries_fit(self) -> bool:
        """Return whether there are not too many addresses; otherwise add the error."""
        form: Any = self
        fit = len(form.deliveries.entries) <= MAX_DELIVERIES
        if not fit:
            form.form_errors.append(gettext("Enter at most %(most)s delivery addresses.", most=MAX_DELIVERIES))
        return fit

    def delivery_columns(self) -> list[dict[str, Any]]:
        """Return the columns of all addresses. The form must be valid."""
        return [entry.form.columns for entry in self.deliveries.entries]

    def delivery_parts(self) -> Iterator[tuple[str, list[Any]]]:
        """Yield the title and the fields of each address."""
        for number, entry in enumerate(self.deliveries.entries, 1):
            yield gettext("UTM delivery address %(number)s", number=number), list(entry.form)


def pressed_row(rows: Any, button: str) -> Any:
    """Return the row of which a button was pressed, None if there is no such row.

    :param button: the name of the button, whose value is the place of the row.
    """
    place = whole_number(request.form.get(button), most=len(rows.entries) - 1)
    return None if place is None else rows.entries[place]


def added_or_removed(rows: Any, kind: str, *, most: int, first: str) -> str | None:
    """Add a row, or remove one, if one of the buttons for this was pressed. The last row stays.

    :param kind: what the names of the buttons end with: ``add_user`` and ``remove_user``.
    :param most: the maximum number of rows.
    :param first: the name of the first field of a row.
    :returns: the ID of what to focus, empty for nothing; None if neither button was pressed.
    """
    if f"add_{kind}" in request.form:
        return str(rows.append_entry().form[first].id) if len(rows.entries) < most else ""
    if f"remove_{kind}" in request.form:
        entry = pressed_row(rows, f"remove_{kind}")
        if entry is not None and len(rows.entries) > 1:
            rows.entries.remove(entry)
        return f"add-{kind}"
    return None
