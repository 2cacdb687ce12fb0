"""契約解約 (§7.6.1): cancel a contract as of a given day."""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from wtforms import DateField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError

from models import clock
from models.contracts import ending
from models.contracts.billing import month_end
from models.contracts.contract import Contract
from models.db import db
from models.errors import Conflict, DomainError
from views.base import PortalView, actor, render
from views.confirmation import response_before_saving, validates_first
from views.contracts.contracts import ContractView, contract_crumbs, contract_of, customer_url
from views.contracts.facts import cancellation_facts
from views.contracts.form import is_plausible_day
from views.flashes import flash_success, flash_warning
from views.forms.errors import add_error, message_of
from views.forms.fields import VersionField
from views.screen.form import ScreenForm


def _is_not_in_the_past(_form: Any, field: Any) -> None:
    if field.data is not None and field.data < clock.tokyo_day(clock.utc_now()):
        raise ValidationError(gettext(ending.PAST_DAY))


class CancellationForm(ScreenForm):
    """The form for a cancellation: the last day, and whether the fee is charged."""

    last_day = DateField(lazy_gettext("Cancellation date"), [InputRequired(), is_plausible_day, _is_not_in_the_past])
    charge_fee = RadioField(
        lazy_gettext("Charge the cancellation fee"),
        [InputRequired()],
        choices=[SelectChoice("1", lazy_gettext("Yes")), SelectChoice("0", lazy_gettext("No"))],
    )
    version = VersionField()

    def prepare(self, contract: Contract) -> None:
        """Remove the choice of a fee if none can be charged."""
        if not ending.may_charge_fee(contract):
            del self.charge_fee

    @property
    def charged(self) -> bool:
        """Whether the fee is to be charged."""
        return "charge_fee" in self and self.charge_fee.data == "1"


class ContractCancellationView(PortalView):
    """The screen for cancelling a contract."""

    route_base = "/customers/<string:customer_id>/contracts/<string:contract_id>"
    class_permission_name = "Contracts"

    @validates_first
    @expose("/cancel", methods=["GET", "POST"])
    @has_access
    def cancel(self, customer_id: str, contract_id: str) -> Any:
        """Cancel a contract."""
        contract = contract_of(customer_id, contract_id)
        if refusal := ending.refusal_to_cancel(contract):
            flash_warning(message_of(refusal))
            return redirect(ContractView.of().page_of(contract))
        suggested = month_end(clock.tokyo_day(clock.utc_now()))
        form = CancellationForm(data={"last_day": suggested, "version": str(contract.version)})
        form.prepare(contract)
        if request.method == "GET":
            return self._page(contract, form)
        try:
            answer = response_before_saving(form, lambda: self._page(contract, form), lambda: _details(contract, form))
            if answer is not None:
                return answer
            _cancel(contract, form)
        except Conflict:
            return self._conflict(customer_id, contract_id, form)
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return self._page(contract_of(customer_id, contract_id), form), 422
        flash_success(gettext("The contract has been cancelled."))
        return redirect(customer_url(customer_id))

    def _conflict(self, customer_id: str, contract_id: str, form: CancellationForm) -> Any:
        """Show the form again, because the consequences may have changed.

        Redirect to the contract's page if the contract can no longer be cancelled.
        """
        db.session.rollback()
        contract = contract_of(customer_id, contract_id)
        if refusal := ending.refusal_to_cancel(contract):
            flash_warning(message_of(refusal))
            return redirect(ContractView.of().page_of(contract))
        form.version.data = str(contract.version)
        form.form_errors.append(
            gettext("Somebody else changed this contract. Check its details, and send the form again.")
        )
        return self._page(contract, form), 409

    def _page(self, contract: Contract, form: CancellationForm) -> str:
        title = gettext("Contract cancellation")
        screen = ContractView.of()
        names = ["id", "product", "start_on", "end_on", "state"]
        return render(
            "contracts/cancellation.html",
            form=form,
            contract=contract,
            title=title,
            crumbs=contract_crumbs(contract, title),
            facts=screen.facts(contract, names),
            no_fee=gettext(ending.NO_FEE),
            today=clock.tokyo_day(clock.utc_now()),
            cancel_url=screen.page_of(contract),
        )


def _details(contract: Contract, form: CancellationForm) -> Any:
    """Return the consequences of cancelling, for the confirmation.

    The cancellation is also tried, so that its errors appear before the confirmation; its changes are rolled back.
    """
    found = cancellation_facts(ending.preview(contract, form.last_day.data), charged=form.charged)
    _cancel(contract, form)
    return found


def _cancel(contract: Contract, form: CancellationForm) -> None:
    ending.cancel(
        db.session(),
        contract,
        form.last_day.data,
        charge_fee=form.charged,
        version=form.version.shown,
        now=clock.utc_now(),
        by=actor(),
    )
