"""The delivery of a contract's UTM (着荷予定日, 伝票番号), which NEC staff record."""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext, lazy_gettext
from wtforms import DateField
from wtforms.validators import Optional

from models import clock
from models.contracts import rules
from models.contracts.contract import Contract
from models.db import db
from models.errors import Conflict, DomainError
from views.base import PortalView, actor, render
from views.confirmation import response_before_saving, validates_first
from views.contracts.contracts import ContractView, contract_crumbs, contract_of
from views.contracts.form import is_plausible_day
from views.flashes import flash_success, flash_warning
from views.forms.errors import add_error
from views.forms.fields import CodeField, MaxLength, OneLine, VersionField
from views.screen.conflict import Difference, compared
from views.screen.form import ScreenForm, changed_by_others, differences, fingerprints


class DeliveryForm(ScreenForm):
    """The form for a delivery: the expected arrival date and the tracking number of a UTM."""

    arrival_on = DateField(lazy_gettext("Expected arrival date"), [Optional(), is_plausible_day])
    tracking_number = CodeField(
        lazy_gettext("Tracking number"),
        [MaxLength(50), OneLine()],
        description=lazy_gettext("Once it is set, the shipping address cannot be changed."),
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    version = VersionField()

    def values(self) -> dict[str, Any]:
        """Return the values to store."""
        return {"arrival_on": self.arrival_on.data, "tracking_number": self.tracking_number.data or ""}


class ContractDeliveryView(PortalView):
    """The screen for recording a delivery."""

    route_base = "/customers/<string:customer_id>/contracts/<string:contract_id>"
    class_permission_name = "Contracts"

    @validates_first
    @expose("/delivery", methods=["GET", "POST"])
    @has_access
    def deliver(self, customer_id: str, contract_id: str) -> Any:
        """Record a delivery; the customer's contact person is notified of what has changed."""
        contract = contract_of(customer_id, contract_id)
        if not contract.ships_utm or not contract.counts:
            flash_warning(gettext(rules.NOT_SHIPPED))
            return redirect(ContractView.of().page_of(contract))
        form = DeliveryForm(obj=contract)
        if request.method == "GET":
            return self._page(contract, form)
        try:
            # The change is tried before the confirmation, to show its errors first; it is then rolled back.
            answer = response_before_saving(form, lambda: self._page(contract, form), lambda: _record(contract, form))
            if answer is not None:
                return answer
            _record(contract, form)
        except Conflict:
            db.session.rollback()
            contract = contract_of(customer_id, contract_id)
            form.version.data = str(contract.version)
            found = differences(form, changed_by_others(form, contract, request.form.get("shown", "")))
            return self._page(contract, form, found), 409
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return self._page(contract_of(customer_id, contract_id), form), 422
        flash_success(gettext("The delivery has been recorded."))
        return redirect(ContractView.of().page_of(contract))

    def _page(self, contract: Contract, form: DeliveryForm, differences: list[Difference] | None = None) -> str:
        title = gettext("UTM delivery")
        screen = ContractView.of()
        return render(
            "contracts/delivery.html",
            form=form,
            contract=contract,
            title=title,
            crumbs=contract_crumbs(contract, title),
            facts=[*screen.facts(contract, ["id", "product", "state"]), *screen.shipping_facts(contract)],
            shown=fingerprints(form, contract),
            conflict=compared(differences),
            conflict_title=screen.labels.message("conflict"),
            cancel_url=screen.page_of(contract),
        )


def _record(contract: Contract, form: DeliveryForm) -> None:
    version = form.version.shown
    rules.record_delivery(db.session(), contract, form.values(), version=version, now=clock.utc_now(), by=actor())
    db.session.flush()
