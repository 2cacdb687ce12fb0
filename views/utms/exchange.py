"""Exchange a defective UTM: the form, and the links between both UTMs. The manual has no such screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from flask import get_template_attribute, redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from markupsafe import Markup
from sqlalchemy.exc import IntegrityError
from wtforms.validators import ValidationError

from models import clock
from models.db import db
from models.errors import N_, DomainError, Gone
from models.utms import device_token, exchange
from models.utms.rules import mac_refusal
from models.utms.utm import Utm
from views.base import actor, render
from views.confirmation import response_before_saving, validates_first
from views.flashes import flash_success, flash_warning
from views.forms.errors import add_error, message_of
from views.screen import formats
from views.screen.already_done import redirect_gone, row_to_write
from views.screen.form import ScreenForm
from views.screen.formats import Format, linked
from views.screen.table import Button, Question
from views.shown_once import show_token_once
from views.utms.form import UtmChangeForm, UtmForm

CONTRACT_FIRST = N_("A UTM is exchanged under a current or future contract that includes a UTM.")


class ExchangeForm(ScreenForm):
    """What differs between a UTM and the one that replaces it."""

    utm_id = UtmForm.utm_id
    serial = UtmForm.serial
    mac_address = UtmChangeForm.mac_address
    delivery_status = UtmForm.delivery_status

    fieldsets: ClassVar = (
        (lazy_gettext("New UTM"), {"fields": ["utm_id", "serial", "mac_address", "delivery_status"]}),
    )
    widths: ClassVar = dict.fromkeys(("utm_id", "serial", "mac_address", "delivery_status"), "col-12 col-md-6")

    def validate_mac_address(self, field: Any) -> None:
        """Raise ``ValidationError`` for a MAC address that is not that of the UTM ID."""
        if self.utm_id.errors or field.errors:
            return
        if refusal := mac_refusal(Utm(utm_id=self.utm_id.data), field.data):
            raise ValidationError(gettext(refusal))


class ExchangePage:
    """A mixin with the page that exchanges a UTM; the attributes are those of ``UtmView``."""

    def value(self: Any, row: Utm, name: str) -> Any:
        """Return the value of a column for a UTM."""
        match name:
            case "earlier":
                return exchange.chain(db.session(), row) if row.replaces_id is not None else []
            case "later":
                return [row.replaced_by] if row.replaced_by is not None else []
            case _:
                return super().value(row, name)  # type: ignore[misc]

    @validates_first
    @expose("/<row>/exchange", methods=["GET", "POST"])
    @has_access
    def exchange(self: Any, pk: Any) -> Any:
        """Exchange a UTM for another one."""
        row = row_to_write(self, pk)
        if refusal := self.refusal("exchange", row):
            flash_warning(message_of(refusal))
            return redirect(self.url("show", row))
        form = ExchangeForm(data={"delivery_status": row.delivery_status})
        if request.method == "GET":
            return self._exchange_page(form, row)
        try:
            answer = response_before_saving(
                form, lambda: self._exchange_page(form, row), lambda: self._exchange_details(form, row)
            )
            if answer is not None:
                return answer
            made = _exchange(row, form)
        except Gone:
            redirect_gone(self)
        except (DomainError, IntegrityError) as error:
            db.session.rollback()
            add_error(form, error, self.unique_errors)
            return self._exchange_page(form, row_to_write(self, pk)), 422
        show_token_once(made, device_token.issue(db.session(), made, now=clock.utc_now(), by=actor()))
        flash_success(gettext("The UTM has been exchanged."))
        return redirect(self.url("show", made, **self.back_argument()))

    def exchange_button(self: Any, row: Utm) -> Button | None:
        """Return the button that opens the page; None if the user may not exchange the UTM, or it was removed."""
        if row.removed_at is not None or not self.may("exchange"):
            return None
        refusal = self.refusal("exchange", row)
        url = self.url("exchange", row, **self.back_argument())
        return Button(gettext("Exchange"), url, "devices", refusal=message_of(refusal) if refusal else None)

    def _exchange_page(self: Any, form: ExchangeForm, row: Utm) -> str:
        title = gettext("Exchange UTM")
        question = gettext("%(name)s will be exchanged. This cannot be undone. Are you sure?", name=row.name)
        return render(
            "utms/exchange.html",
            screen=self,
            form=form,
            old=row,
            title=title,
            crumbs=self.crumbs(row, title),
            button=gettext("Exchange"),
            question=Question(question, title, "danger"),
            conflict=None,
            cancel_url=self.url("show", row, **self.back_argument()),
        )

    def _exchange_details(self: Any, form: ExchangeForm, row: Utm) -> Any:
        """Return what the exchange does, for the confirmation; it is tried, so that a refusal comes before the question."""
        macro = get_template_attribute("utms/_exchange_details.html", "exchange_details")
        told = macro(row.utm_id, row.serial, form.utm_id.data, form.serial.data)
        _exchange(row, form)
        return told


def _exchange(row: Utm, form: ExchangeForm) -> Utm:
    made = exchange.exchange(db.session(), row, form.values(), now=clock.utc_now(), by=actor())
    db.session.flush()
    return made


def utm_links(page_of: Callable[[Utm], str]) -> Format:
    """Return the format of other UTMs of the same customer, as links to their pages."""

    def links(rows: list[Utm]) -> Markup:
        return Markup("<br>").join(linked(page_of(row), formats.CODE.cell(row.utm_id)) for row in rows)

    return Format(links, css=formats.CODE.css)
