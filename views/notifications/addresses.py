"""メールアドレス設定 (§5.4.2): the email addresses that receive a tenant's notifications."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import abort, current_app, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models import clock
from models.db import db
from models.errors import Conflict, DomainError
from models.notifications import address_rules
from models.notifications.address import SLOTS, AddressStatus, address_status
from models.notifications.address_rules import AddressChange
from views.base import PortalView, actor, render
from views.confirmation import response_before_saving, validates_first
from views.flashes import flash_error, flash_success
from views.forms.errors import add_error
from views.notifications.address_form import NotificationForm
from views.notifications.address_history import address_history
from views.notifications.notice import problems
from views.notifications.waiting import label_of, waiting_table
from views.screen.conflict import Difference, compared


class NotificationAddressView(PortalView):
    """The tenant's notification addresses, and those that are not confirmed yet."""

    route_base = "/notification-addresses"
    class_permission_name = "NotificationAddresses"

    @expose("/")
    @has_access
    def show(self) -> str:
        """Show the addresses, in a form if the user may change them."""
        found = _address_status()
        return self._page(found, NotificationForm(found) if self._may_change() else None)

    @validates_first
    @expose("/", methods=["POST"])
    @has_access
    def save(self) -> Any:
        """Set the addresses, and mail a confirmation link to each new one."""
        form = NotificationForm(_address_status())
        if (answer := response_before_saving(form, lambda: self._page(form.status, form))) is not None:
            return answer
        try:
            sent = address_rules.change(
                db.session(), form.typed(), version=form.version.shown, request=_address_change()
            )
            db.session.flush()
        except Conflict:
            return self._conflict()
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return self._page(form.status, form), 422
        for address in sent:
            flash_success(_sent(address))
        if not sent:
            flash_success(gettext("The email settings have been saved."))
        return redirect(url_for("NotificationAddressView.show"))

    @expose("/send-again", methods=["POST"])
    @has_access
    def send_again(self) -> Response:
        """Mail a new confirmation link to an address that is not confirmed yet."""
        return _with_asked(address_rules.send_again, _sent)

    @expose("/withdraw", methods=["POST"])
    @has_access
    def withdraw(self) -> Response:
        """Withdraw an address that is not confirmed yet."""
        return _with_asked(
            address_rules.withdraw,
            lambda address: gettext("The change to %(address)s has been withdrawn.", address=address),
        )

    def _may_change(self) -> bool:
        return self.appbuilder.sm.has_access("can_save", self.class_permission_name)

    def _conflict(self) -> Any:
        """Return the form with the concurrently saved values beside the typed ones; saving again overwrites them."""
        db.session.rollback()
        form = NotificationForm(_address_status())
        form.version.data = str(form.status.version)
        return self._page(form.status, form, form.differences()), 409

    @staticmethod
    def _page(
        found: AddressStatus, form: NotificationForm | None, differences: Sequence[Difference] | None = None
    ) -> str:
        return render(
            "notifications/addresses.html",
            form=form,
            facts=[(label_of(slot), slot.address, "") for slot in found.slots],
            waiting=waiting_table(found.slots, may_change=form is not None),
            conflict=compared(differences),
            problems=problems(found),
            save_url=url_for("NotificationAddressView.save"),
            history=address_history(),
        )


def _address_status() -> AddressStatus:
    return address_status(db.session(), g.identity.tenant.id, now=clock.utc_now())


def _address_change() -> AddressChange:
    return AddressChange(g.identity.tenant, _url_of, clock.utc_now(), actor())


def _url_of(token: str) -> str:
    path = url_for("AddressConfirmationView.confirm", address_token=token)
    return f"{current_app.config['PORTAL_URL']}{path}"


def _sent(address: str) -> str:
    return gettext("A confirmation mail has been sent to the notification address (%(address)s).", address=address)


def _with_asked(rule: Callable[..., str], told: Callable[[str], str]) -> Response:
    """Apply a rule to the unconfirmed address of the slot in the form.

    :param rule: changes the slot and returns the address.
    :param told: returns the success message for an address.
    """
    number = request.form.get("slot", "")
    if number not in {str(slot) for slot in SLOTS}:
        abort(404)
    session: Session = db.session()
    try:
        address = rule(session, int(number), request=_address_change())
        db.session.flush()
        flash_success(told(address))
    except DomainError as error:
        db.session.rollback()
        flash_error(error)
    return redirect(url_for("NotificationAddressView.show"))
