"""UTMs: registering (§7.8) and details (§7.11)."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from flask import abort, current_app, flash, redirect, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response
from wtforms import Form
from wtforms.validators import ValidationError

from models import clock
from models.contracts import contract
from models.customers.customer import Customer
from models.db import db
from models.errors import DomainError
from models.utms import device_token, utm
from models.utms.device_token import DeviceToken
from models.utms.utm import Utm
from views.base import PortalModelView, actor, customer_or_404, customer_urls, first_of, render
from views.data_interface import PortalInterface, constraint_name, log_database_error
from views.forms.fields import (
    AddressField,
    AtMost,
    CodeField,
    HyphenField,
    Needed,
    OneLine,
    Postcode,
    PostcodeField,
    TextField,
    ValidAddress,
)
from views.shown_once import show_token_once, token_to_show

_UTM_ID = re.compile(r"[0-9a-f]{12}")
_SERIAL = re.compile(r"[A-Z0-9-]{15,30}")

EMAIL_GROUPS = ("customer", "desk", "report")
EMAIL_NAMES = tuple(f"{group}_email{number}" for group in EMAIL_GROUPS for number in (1, 2, 3))


def _is_utm_id(_form: Form, field: Any) -> None:
    if not _UTM_ID.fullmatch(field.data):
        raise ValidationError(gettext("Enter 12 characters of 0-9 and a-f: the WAN MAC address without colons."))


def _is_serial(_form: Form, field: Any) -> None:
    if not _SERIAL.fullmatch(field.data):
        raise ValidationError(gettext("Enter 15 to 30 characters of A-Z, 0-9 and hyphens."))


class UtmForm(FlaskForm):
    """基本情報 of a UTM; the nine addresses are added below."""

    utm_id = CodeField(lazy_gettext("UTM ID"), [Needed(), _is_utm_id])
    name = TextField(lazy_gettext("UTM name"), [Needed(), AtMost(50), OneLine()])
    serial = HyphenField(lazy_gettext("Serial number"), [Needed(), _is_serial])
    postcode = PostcodeField(lazy_gettext("Postcode"), [Needed(), Postcode()])
    address = TextField(lazy_gettext("Address"), [Needed(), AtMost(104), OneLine()])
    delivery_status = TextField(lazy_gettext("Delivery status"), [Needed(), AtMost(104), OneLine()])

    def values(self) -> dict[str, Any]:
        """The fields in the form in which they are stored."""
        return {name: field.data for name, field in self._fields.items() if name != "csrf_token"}


for _group in EMAIL_GROUPS:
    for _number in (1, 2, 3):
        setattr(
            UtmForm,
            f"{_group}_email{_number}",
            AddressField(lazy_gettext("Email address %(number)s", number=_number), [ValidAddress()]),
        )


class UtmView(PortalModelView):
    """UTMs of one customer; the list is the customer's security tab."""

    datamodel = PortalInterface(Utm)
    route_base = "/customers/<string:customer_id>/utms"
    class_permission_name = "Utms"
    include_route_methods = {"add", "show", "issue_token"}
    base_order = ("name", "asc")
    list_columns: ClassVar = ["utm_id", "name", "address", "last_seen_at"]
    search_columns: ClassVar = ["utm_id", "name"]
    show_columns: ClassVar = ["utm_id", "name", "serial", "postcode", "address", "delivery_status", *EMAIL_NAMES]
    add_columns: ClassVar = ["utm_id", "name", "serial", "postcode", "address", "delivery_status", *EMAIL_NAMES]
    edit_columns: ClassVar = []

    @expose("/add", methods=["GET", "POST"])
    @has_access
    def add(self, customer_id: str) -> Response | str | tuple[str, int]:
        """Register a UTM."""
        customer = customer_or_404(customer_id)
        urls = customer_urls(customer)
        back_url = first_of(urls["security_url"], urls["customer_url"], urls["customers_url"])
        form = UtmForm()
        if not contract.allows_utm(db.session(), customer.id, today=clock.tokyo_day(clock.utc_now())):
            flash(gettext(utm.NO_CONTRACT), "warning")
            return redirect(back_url)
        if form.validate_on_submit() and _register(customer, form):
            flash(gettext("UTM information has been registered."), "success")
            return redirect(back_url)
        return render(
            "utms/add.html", customer=customer, **urls, back_url=back_url, form=form
        ), 422 if form.is_submitted() else 200

    @expose("/<key:utm_key>")
    @has_access
    def show(self, customer_id: str, utm_key: int) -> str:
        """Show a UTM."""
        customer = customer_or_404(customer_id)
        found = _utm_or_404(customer, utm_key)
        may_issue = self.appbuilder.sm.has_access("can_issue_token", "Utms") and found.removed_at is None
        waiting = token_to_show(Utm, [found.id])
        return render(
            "utms/show.html",
            customer=customer,
            **customer_urls(customer),
            utm=_details(found),
            token=_token_row(found),
            reissue_url=url_for("UtmView.issue_token", customer_id=customer.id, utm_key=found.id)
            if may_issue
            else None,
            new_token=waiting["token"] if waiting else None,
        )

    @expose("/<key:utm_key>/token", methods=["POST"])
    @has_access
    def issue_token(self, customer_id: str, utm_key: int) -> Response:
        """Give the UTM a new token for the device API; the old one ends."""
        found = _utm_or_404(customer_or_404(customer_id), utm_key)
        if found.removed_at is not None:
            abort(404)
        token = device_token.issue(db.session(), found, now=clock.utc_now(), by=actor())
        db.session.commit()
        show_token_once(found, token)
        flash(gettext("A new token has been issued."), "success")
        return redirect(url_for("UtmView.show", customer_id=customer_id, utm_key=utm_key))


def _register(customer: Customer, form: UtmForm) -> bool:
    """Register what the form says; False with the errors on the form when a rule refuses."""
    now = clock.utc_now()
    try:
        registered = utm.register(db.session(), customer, form.values(), today=clock.tokyo_day(now), by=actor())
        token = device_token.issue(db.session(), registered, now=now, by=actor())
        db.session.commit()
    except DomainError as error:
        db.session.rollback()
        form.form_errors.append(gettext(error.message))
        return False
    except IntegrityError as error:
        db.session.rollback()
        log_database_error(error)
        field, message = utm.UNIQUE_ERRORS.get(constraint_name(error) or "", ("utm_id", utm.TAKEN_UTM_ID))
        form[field].errors = [*form[field].errors, gettext(message)]
        return False
    show_token_once(registered, token)
    return True


def _details(found: Utm) -> dict[str, Any]:
    online_for = current_app.config["UTM_ONLINE_FOR"]
    emails = {
        f"{group}_emails": [getattr(found, f"{group}_email{number}") for number in (1, 2, 3)] for group in EMAIL_GROUPS
    }
    return emails | {
        "utm_id": found.utm_id,
        "name": found.name,
        "removed": found.removed_at is not None,
        "state": found.state(now=clock.utc_now(), online_for=online_for),
        "last_seen": clock.screen_time(found.last_seen_at),
        "mac_address": found.mac_address,
        "reported_mac": found.reported_mac,
        "firmware": found.firmware,
        "ip_address": found.ip_address,
        "serial": found.serial,
        "postcode": found.postcode,
        "address": found.address,
        "delivery_status": found.delivery_status,
    }


def _token_row(found: Utm) -> dict[str, Any] | None:
    """The token in force, None when there is none."""
    token = db.session.scalar(
        select(DeviceToken).where(DeviceToken.utm_id == found.id, DeviceToken.revoked_at.is_(None))
    )
    return {"created_at": clock.screen_time(token.created_at)} if token else None


def _utm_or_404(customer: Customer, utm_key: int) -> Utm:
    found = db.session.scalar(select(Utm).where(Utm.id == utm_key, Utm.customer_id == customer.id))
    if found is None:
        abort(404)
    return found
