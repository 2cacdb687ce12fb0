"""The details of a contract (§7.6), undoing its cancellation (§7.6.3), and actions that only NEC staff may perform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from flask import g
from flask_babel import gettext, lazy_gettext

from models import clock
from models.contracts import ending
from models.contracts.catalogue import Charge, Product
from models.contracts.contract import Contract, ContractLine, ContractStatus
from models.db import db
from models.errors import N_, DomainError
from models.utms.utm import Utm
from views.base import actor, first_of, url_if
from views.contracts.charge_table import charge_table
from views.customers.contract_list import CONTRACT_STATUS, contract_status
from views.customers.customers import CustomerView
from views.data_interface import PortalInterface
from views.flashes import flash_success, flash_warning
from views.screen import formats
from views.screen.actions import action
from views.screen.formats import Format
from views.screen.labels import Labels
from views.screen.navigation import Parent
from views.screen.screen import Screen
from views.screen.table import Button, Table

UTM_WAS_REMOVED = N_("The UTM of this contract has been removed. Register it again if the service continues.")
ASK_UNDO = N_("The cancellation will be undone. Are you sure?")

SHIPPING_LABELS = {
    "ship_company": lazy_gettext("Company name"),
    "ship_name": lazy_gettext("Full name"),
    "ship_last_name": lazy_gettext("Family name"),
    "ship_first_name": lazy_gettext("Given name"),
    "ship_department": lazy_gettext("Department"),
    "ship_postcode": lazy_gettext("Postcode"),
    "ship_prefecture": lazy_gettext("Prefecture"),
    "ship_address": lazy_gettext("Address"),
    "ship_phone": lazy_gettext("Phone number"),
}

_SHIPPING_SHOWN = [name for name in SHIPPING_LABELS if name not in {"ship_last_name", "ship_first_name"}]


def term(months: int) -> str:
    """Return the length of a term as displayed in the manual, in years and months.

    :param months: the length in months.
    """
    years, rest = divmod(months, 12)
    return gettext("%(years)s years %(months)s months", years=years, months=rest)


def _line_text(line: Any) -> str:
    price = formats.YEN.cell(int(line["unit_price"]))
    return f"{line['rate_plan']} × {line['quantity']} ({price})"


_TERM = Format(lambda months: term(int(months)), lambda months: term(int(months)))
_MONTH = Format(lambda first_day: first_day[:7], lambda first_day: first_day[:7])
_LINES = Format(
    lambda lines: "\n".join(map(_line_text, lines)),
    lambda lines: "\n".join(map(_line_text, lines)) if isinstance(lines, list) else str(lines),
)


class ContractView(Screen):
    """契約詳細: the page of a contract. The list of contracts is on the customer's page."""

    datamodel = PortalInterface(Contract)
    labels = Labels(
        lazy_gettext("contract"),
        lazy_gettext("Contracts"),
        "file-text",
        {
            "added": N_("The contract has been made."),
            "conflict": N_("Somebody else changed this contract while you were editing."),
        },
    )
    methods = frozenset({"show"})
    route_base = "/customers/<string:customer_id>/contracts"
    row_rule = "<string:contract_id>"
    class_permission_name = "Contracts"
    parent = Parent(CustomerView, "customer_id")
    named_by = "id"
    show_template = "contracts/show.html"
    list_columns: ClassVar = ["id"]
    show_fieldsets: ClassVar = [
        (
            lazy_gettext("Basic information"),
            {
                "fields": [
                    *("id", "start_on", "end_on", "initial_months", "renewal_months", "auto_renew"),
                    *("product", "ships_utm", "utm_id", "cancellation_fee", "state", "memo1"),
                ],
                "more": ["memo2", "memo3"],
            },
        ),
        (
            lazy_gettext("UTM shipping address"),
            {"fields": _SHIPPING_SHOWN},
        ),
        (lazy_gettext("UTM delivery"), {"fields": ["arrival_on", "tracking_number"]}),
    ]
    label_columns: ClassVar = {
        **SHIPPING_LABELS,
        "id": lazy_gettext("Contract number"),
        "memo1": lazy_gettext("Memo 1"),
        "memo2": lazy_gettext("Memo 2"),
        "memo3": lazy_gettext("Memo 3"),
        "customer_id": lazy_gettext("Company ID"),
        "start_on": lazy_gettext("Contract start date"),
        "end_on": lazy_gettext("Contract end date"),
        "term_end_on": lazy_gettext("Last day of the term"),
        "initial_months": lazy_gettext("Initial contract term"),
        "renewal_months": lazy_gettext("Contract renewal term"),
        "renewals": lazy_gettext("Renewals"),
        "auto_renew": lazy_gettext("Automatic renewal"),
        "product": lazy_gettext("Product"),
        "product_id": lazy_gettext("Product"),
        "ships_utm": lazy_gettext("UTM shipping"),
        "utm_id": lazy_gettext("UTM ID"),
        "cancellation_fee": lazy_gettext("Cancellation fee"),
        "state": lazy_gettext("Status"),
        "status": lazy_gettext("Status"),
        "lines": lazy_gettext("Contract information"),
        "arrival_on": lazy_gettext("Expected arrival date"),
        "tracking_number": lazy_gettext("Tracking number"),
        # Of usage in the change history.
        "line_id": lazy_gettext("Rate plan"),
        "charge_id": lazy_gettext("Charge"),
        "month": lazy_gettext("Month"),
        "quantity": lazy_gettext("Quantity"),
    }
    choices_columns: ClassVar = {
        "auto_renew": {True: lazy_gettext("On"), False: lazy_gettext("Off")},
        "ships_utm": {True: lazy_gettext("Needed"), False: lazy_gettext("Not needed")},
    }
    formatters_columns: ClassVar = {
        "id": formats.CODE,
        "memo1": formats.LINES,
        "memo2": formats.LINES,
        "memo3": formats.LINES,
        "initial_months": _TERM,
        "renewal_months": _TERM,
        "product_id": formats.named(Product),
        "cancellation_fee": formats.YEN,
        "status": CONTRACT_STATUS,
        "lines": _LINES,
        "line_id": formats.named(ContractLine, lambda line: line.rate_plan.name),
        "charge_id": formats.named(Charge),
        "month": _MONTH,
        "ship_postcode": formats.POSTCODE,
        "ship_phone": formats.PHONE,
        "tracking_number": formats.CODE,
    }

    def value(self, row: Contract, name: str) -> Any:
        """Return the value of a field for a contract."""
        if name == "state":
            return contract_status(row, clock.tokyo_day(clock.utc_now()))
        if name == "product":
            return row.product.name
        if name == "utm_id" and row.utm_id:
            number = formats.CODE.cell(row.utm_id)
            utm = registered_utm(row)
            arguments = {"customer_id": row.customer_id, "utm_key": utm.id if utm else 0}
            url = url_if("can_show", "Utms", "UtmView.show", **arguments) if utm else None
            return formats.linked(url, number) if url else number
        return super().value(row, name)

    def details(self, row: Contract) -> Any:
        """Return the parts of the contract's page, without values that do not apply to its product or status."""
        left_out = {
            "ships_utm": not row.product.includes_utm,
            "utm_id": not row.product.includes_utm,
            "cancellation_fee": row.status != ContractStatus.CANCELLED,
        }
        parts = self.show_fieldsets if row.ships_utm else self.show_fieldsets[:1]
        return [
            (
                title,
                self._facts(row, [name for name in part["fields"] if not left_out.get(name)]),
                self._facts(row, part.get("more", ()), only_filled=True),
            )
            for title, part in parts
        ]

    def facts(self, row: Contract, names: Sequence[str]) -> list[tuple[Any, Any, str]]:
        """Return the label, value and CSS classes of some fields of a contract, for the pages below it."""
        found: list[tuple[Any, Any, str]] = self._facts(row, names)
        return found

    def shipping_facts(self, row: Contract) -> list[tuple[Any, Any, str]]:
        """Return the label, value and CSS classes of each field of the UTM's shipping address."""
        return self.facts(row, _SHIPPING_SHOWN)

    def related(self, row: Contract) -> Sequence[Table]:
        """Return the tables of the charges of each contract line, removed lines last."""
        lines = sorted(row.lines, key=lambda line: (line.ends_on is not None, line.id))
        return [
            charge_table(
                line.rate_plan,
                line,
                title=gettext("Contract information: %(plan)s", plan=line_title(line)),
                note=line_note(line),
            )
            for line in lines
        ]

    def page_buttons(self, row: Contract) -> list[Button]:
        """Return the buttons for what the user can currently do with the contract."""
        keys = {"customer_id": row.customer_id, "contract_id": row.id}
        offered = [
            ("can_edit", "ContractChangeView.edit", gettext("Change"), "pencil", _is_active(row)),
            ("can_cancel", "ContractCancellationView.cancel", gettext("Cancel the contract"), "ban", _is_active(row)),
            ("can_deliver", "ContractDeliveryView.deliver", gettext("UTM delivery"), "package", _is_delivered(row)),
        ]
        links = [
            Button(label, url, icon)
            for permission, endpoint, label, icon, applies in offered
            if applies and (url := url_if(permission, "Contracts", endpoint, **keys))
        ]
        return [*links, *super().page_buttons(row)]

    def action_button(self, action: Any, row: Contract, back: dict[str, str], **options: Any) -> Button:
        """Return the button of an action. The confirmation of undo has a warning if the UTM was removed."""
        button = super().action_button(action, row, back, **options)
        if action.name == "undo" and button.question and utm_was_removed(row):
            text = f"{gettext(UTM_WAS_REMOVED)}\n{button.question.text}"
            return replace(button, question=replace(button.question, text=text))
        return button

    def refusal(self, method: str, row: Any) -> DomainError | str | None:
        """Return why the cancellation cannot be undone, None if it can."""
        if method == "undo":
            return ending.refusal_to_undo(row, today=clock.tokyo_day(clock.utc_now()))
        return None

    def page_of(self, row: Any) -> str:
        """Return the URL of the contract's page, or that of the customer's page if the user may not open it."""
        return self.url("show", row) if self.may("show") else customer_url(row.customer_id)

    def after_action(self, rows: list[Any]) -> str:
        """Return the URL to redirect to after an action: the contract's page, or the customer's if there is no row."""
        return self.page_of(rows[0]) if rows else customer_url(g.parent_row.id)

    @action(
        N_("Undo the cancellation"),
        icon="arrow-back-up",
        title=N_("Confirm undoing the cancellation"),
        question=ASK_UNDO,
        done=N_("The cancellation has been undone."),
        when=lambda contract: contract.status == ContractStatus.CANCELLED,
    )
    def undo(self, row: Contract) -> str:
        """Undo the cancellation (§7.6.3)."""
        gone = utm_was_removed(row)
        ending.undo(db.session(), row, now=clock.utc_now(), by=actor())
        if gone:
            flash_warning(gettext(UTM_WAS_REMOVED))
        return customer_url(row.customer_id)

    @action(
        N_("Stop automatic renewal"),
        icon="clock-pause",
        title=N_("Stop automatic renewal"),
        question=N_("Contract %(name)s will expire at the end of its term instead of being renewed. Are you sure?"),
        done=N_("Automatic renewal has been stopped."),
        when=lambda contract: contract.renews,
    )
    def stop_renewal(self, row: Contract) -> None:
        """Stop the automatic renewal, so that the contract expires at the end of its term."""
        ending.stop_renewal(db.session(), row, now=clock.utc_now(), by=actor())

    @action(
        N_("Void the contract"),
        icon="trash",
        title=N_("Void the contract"),
        question=N_(
            "Contract %(name)s will be voided as made by mistake. What was invoiced for it is credited on the next invoice. "
            "This cannot be undone. Are you sure?"
        ),
        tone="danger",
        when=lambda contract: contract.counts,
    )
    def void(self, row: Contract) -> None:
        """Void a contract that was made by mistake."""
        credited = ending.void(db.session(), row, now=clock.utc_now(), by=actor())
        flash_success(gettext("The contract has been voided. Credited: %(amount)s", amount=formats.YEN.cell(credited)))


def customer_url(customer_id: str) -> str:
    """Return the URL of the customer's page, or that of the dashboard if the user may not open it."""
    return first_of(url_if("can_show", "Customers", "CustomerView.show", customer_id=customer_id))


def contract_of(customer_id: str, contract_id: str) -> Contract:
    """Return the contract that a URL refers to, and set its customer as the parent row; 404 if there is none."""
    g.parent_row = CustomerView.of().row_or_404(customer_id)
    contract: Contract = ContractView.of().row_or_404(contract_id)
    return contract


def contract_crumbs(contract: Contract, leaf: Any) -> list[tuple[Any, str | None]]:
    """Return the breadcrumbs of a page below a contract.

    :param leaf: the title of the page.
    """
    return ContractView.of().crumbs(contract, leaf)


def registered_utm(contract: Contract) -> Utm | None:
    """Return the customer's UTM with the UTM ID of the contract; None if there is none or it was removed."""
    return _utms(contract).filter(Utm.utm_id == contract.utm_id, Utm.removed_at.is_(None)).one_or_none()


def utm_was_removed(contract: Contract) -> bool:
    """Return whether the UTM with the contract's UTM ID was removed or, without a UTM ID, all UTMs of the customer."""
    utms = _utms(contract)
    if contract.utm_id:
        utms = utms.filter(Utm.utm_id == contract.utm_id)
    states = [removed_at is not None for (removed_at,) in utms.with_entities(Utm.removed_at)]
    return bool(states) and all(states)


def _utms(contract: Contract) -> Any:
    return db.session.query(Utm).filter(Utm.customer_id == contract.customer_id)


def line_title(line: ContractLine) -> str:
    """Return the title of a line: its rate plan, and whether it was removed."""
    if line.ends_on is None:
        return str(line.rate_plan.name)
    return gettext("%(plan)s (removed)", plan=line.rate_plan.name)


def line_note(line: ContractLine) -> str:
    """Return the quantity of a line with its first day or, if it was removed, its last day."""
    quantity = gettext("Quantity: %(quantity)s", quantity=f"{line.quantity:,}")
    removed = line.ends_on is not None
    days = gettext("Last day: %(day)s", day=line.ends_on) if removed else gettext("From %(day)s", day=line.starts_on)
    return f"{quantity} / {days}"


def _is_active(contract: Contract) -> bool:
    return contract.status == ContractStatus.ACTIVE


def _is_delivered(contract: Contract) -> bool:
    return bool(contract.ships_utm) and contract.counts
