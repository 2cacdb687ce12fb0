"""契約情報変更 (§7.7): change the memos, the shipping address, and the lines as of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import redirect, request
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from flask_babel import gettext

from models import clock
from models.contracts import rules
from models.contracts.contract import SHIPPING, Contract, ContractStatus
from models.db import db
from models.errors import Conflict, DomainError
from views.arguments import key_or_none
from views.base import PortalView, actor, render
from views.confirmation import response_before_saving, validates_first
from views.contracts.charge_table import charge_table
from views.contracts.contracts import ContractView, contract_crumbs, contract_of, line_note, line_title
from views.contracts.form import MEMOS, ChangeForm
from views.flashes import flash_success, flash_warning
from views.forms.applied_address import address_choice, is_filling
from views.forms.errors import add_error
from views.screen.conflict import Difference, compared, differing
from views.screen.form import changed_by_others, differences, fingerprints


class ContractChangeView(PortalView):
    """The screen for changing a contract."""

    route_base = "/customers/<string:customer_id>/contracts/<string:contract_id>"
    class_permission_name = "Contracts"

    @validates_first
    @expose("/edit", methods=["GET", "POST"])
    @has_access
    def edit(self, customer_id: str, contract_id: str) -> Any:
        """Change a contract, or add a line to the form or remove one."""
        contract = contract_of(customer_id, contract_id)
        if contract.status != ContractStatus.ACTIVE:
            flash_warning(gettext(rules.NOT_ACTIVE))
            return redirect(ContractView.of().page_of(contract))
        form = ChangeForm(data=_stored(contract))
        if (page := self._page_unless_saving(contract, form)) is not None:
            return page
        try:
            # The change is tried before the confirmation, to show its errors first; it is then rolled back.
            answer = response_before_saving(form, lambda: self._page(contract, form), lambda: _change(contract, form))
            if answer is not None:
                return answer
            _change(contract, form)
        except Conflict:
            return self._conflict(customer_id, contract_id, form)
        except DomainError as error:
            db.session.rollback()
            add_error(form, error)
            return self._page(contract_of(customer_id, contract_id), form), 422
        flash_success(gettext("The contract information has been changed."))
        return redirect(ContractView.of().page_of(contract))

    def _page_unless_saving(self, contract: Contract, form: ChangeForm) -> str | None:
        """Return the page if the form is opened or one of its helper buttons was pressed; None if it is to be saved."""
        updating = request.method == "GET" or form.change_lines() or is_filling()
        form.prepare(contract, updating=updating)
        if updating:
            return self._page(contract, form)
        if "find_address" in request.form and form.shipping_fields:
            return self._page(contract, form, filled=form.fill_in_address())
        return None

    def _conflict(self, customer_id: str, contract_id: str, form: ChangeForm) -> Any:
        """Show the form again, comparing the submitted values with those saved by another user.

        Redirect to the contract's page if the contract is no longer active.
        """
        db.session.rollback()
        contract = contract_of(customer_id, contract_id)
        if contract.status != ContractStatus.ACTIVE:
            flash_warning(gettext(rules.NOT_ACTIVE))
            return redirect(ContractView.of().page_of(contract))
        known = {key_or_none(each) for each in request.form.getlist("shown_line")}
        now = [line for line in contract.present_lines if line.id not in known]
        gone = [line for line in contract.lines if line.id in known and line.ends_on is not None]
        found = [
            *differences(form, changed_by_others(form, contract, request.form.get("shown", ""))),
            *differing([(gettext("Contract information"), "\n".join(map(_line_text, [*now, *gone])), "")]),
        ]
        form.prepare(contract, updating=False)
        form.version.data = str(contract.version)
        form.removed.data = [key for key in form.removed.data or () if key in {str(each.id) for each in form.present}]
        return self._page(contract, form, differences=found), 409

    def _page(
        self, contract: Contract, form: ChangeForm, differences: Sequence[Difference] | None = None, **more: Any
    ) -> str:
        title = gettext("Change contract")
        choice = address_choice(contract.customer_id) if form.shipping_fields else None
        if choice is not None and choice.chosen is not None and is_filling():
            form.fill_in_delivery(choice.chosen.delivery)
        screen = ContractView.of()
        fixed = ("id", "start_on", "initial_months", "renewal_months", "product")
        of_utm = ("utm_id",) if contract.product.includes_utm else ()
        return render(
            "contracts/change.html",
            form=form,
            charge_table=charge_table,
            line_note=line_note,
            contract=contract,
            title=title,
            crumbs=contract_crumbs(contract, title),
            facts=screen.facts(contract, [*fixed, *of_utm, "state"]),
            shipping_facts=screen.shipping_facts(contract) if contract.ships_utm and not form.shipping_fields else None,
            shipped=gettext(rules.SHIPPED),
            address_choice=choice,
            shown=fingerprints(form, contract),
            conflict=compared(differences),
            conflict_title=screen.labels.message("conflict"),
            cancel_url=screen.page_of(contract),
            **more,
        )


def _change(contract: Contract, form: ChangeForm) -> None:
    version = form.version.shown
    rules.change(db.session(), contract, form.changes(), version=version, now=clock.utc_now(), by=actor())
    db.session.flush()


def _stored(contract: Contract) -> dict[str, Any]:
    return {name: getattr(contract, name) for name in (*MEMOS, *SHIPPING)} | {"version": str(contract.version)}


def _line_text(line: Any) -> str:
    return f"{line_title(line)} {line_note(line)}"
