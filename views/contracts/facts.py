"""The consequences of creating or cancelling a contract, displayed in the confirmation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import get_template_attribute
from flask_babel import gettext

from models.contracts.ending import CancellationPreview
from models.contracts.preview import ContractPreview
from views.screen import formats


def _facts(facts: Sequence[tuple[str, Any]], note: str = "") -> Any:
    return get_template_attribute("contracts/_consequences.html", "consequences")(facts, note)


def creation_facts(found: ContractPreview) -> Any:
    """Return the term of a new contract and the amount billed for each month, as markup."""
    terms = [
        (gettext("End of the initial term"), found.term_end_on.isoformat()),
        (gettext("Next renewal"), found.renews_on.isoformat()),
    ]
    bills = [
        (gettext("Billed for %(month)s", month=f"{month:%Y-%m}"), formats.YEN.cell(amount))
        for month, amount in found.bills
    ]
    usage = gettext("Charges for usage are added.") if found.has_usage else ""
    return _facts([*terms, *bills], " ".join(filter(None, [gettext("Amounts are before tax."), usage])))


def cancellation_facts(found: CancellationPreview, *, charged: bool) -> Any:
    """Return the consequences of cancelling a contract, as markup.

    :param charged: whether the fee is charged.
    """
    fee = gettext("None")
    if charged and found.fee is not None:
        fee = gettext("%(amount)s (%(months)s months)", amount=formats.YEN.cell(found.fee), months=found.months)
    undo = found.undo_until.isoformat() if found.undo_until else gettext("Cannot be undone")
    facts = [
        (gettext("Last day of service"), found.last_day.isoformat()),
        (gettext("Cancellation fee"), fee),
        (gettext("Can be undone until"), undo),
        (gettext("Customer can be deleted from"), found.deletable_from.isoformat()),
    ]
    return _facts(facts, gettext("The customer can be deleted if it has no other contract and no UTM."))
