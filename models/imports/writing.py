"""Write a row of an import: its customer, its contract and its UTM.

The content of a row is JSON with these parts, each None if the row does not have it:

``customer_id``   the ID of an existing customer, and ``version``: the version that the file was checked against
``same_as``       the number of the earlier row whose customer it belongs to
``customer``      the columns of the customer
``contract``      ``start_on``, ``initial_months``, ``renewal_months``, ``product_id``, ``rate_plan_id``, ``quantity``, ``unit_price``
``utm``           the columns of the UTM
``utm_key``       the key of an existing UTM, and ``utm_before``: its column values when the file was checked
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import audit, clock
from models.actor import Actor
from models.contracts import rules as contract_rules
from models.contracts.contract import Contract
from models.contracts.rules import LineValues
from models.customers import rules as customer_rules
from models.customers.customer import Customer
from models.errors import N_, DomainError
from models.imports.import_run import ImportRow
from models.plain_rules import apply_change
from models.row_lock import lock
from models.utms import utm as utm_rules
from models.utms.utm import Utm

CHANGED_MEANWHILE = N_("It was changed after the file was checked.")
CUSTOMER_GONE = N_("The customer has been deleted.")
EARLIER_REFUSED = N_("The row of the same customer, row %(row)s, was not imported.")


def write(session: Session, row: ImportRow, *, now: datetime, by: Actor) -> dict[str, Any] | None:
    """Write a row.

    :returns: the data for undoing it; None if there was nothing to change.
    :raises DomainError: a rule refuses it, or its customer or UTM has changed since the file was checked.
    """
    content, written = row.content, {}
    customer, fact = _customer(session, row, by=by)
    if fact:
        written["customer"] = fact
    if content["contract"]:
        values = _contract_values(content["contract"])
        contract = contract_rules.create(session, customer, values, now=now, by=by, mail=False)
        session.flush()
        written["contract"] = {"id": contract.id, "facts": contract_facts(contract)}
    if content["utm"]:
        fact = _utm(session, customer, content, today=clock.tokyo_day(now), by=by)
        if fact:
            written["utm"] = fact
    return written | {"customer_id": customer.id} if written else None


def contract_facts(contract: Contract) -> dict[str, Any]:
    """Return the data that is compared to detect changes of a contract. Linking a UTM does not count as a change."""
    values = audit.values_of(contract)
    values.pop("utm_id")
    lines = [[line.id, line.ends_on.isoformat() if line.ends_on else None] for line in contract.lines]
    return values | {"lines": lines}


def _customer(session: Session, row: ImportRow, *, by: Actor) -> tuple[Customer, dict[str, Any] | None]:
    content = row.content
    if content["same_as"] is not None:
        earlier = session.scalar(
            select(ImportRow).where(ImportRow.run_id == row.run_id, ImportRow.number == content["same_as"])
        )
        of = content["customer_id"] or ((earlier.written or {}).get("customer_id") if earlier else None)
        if of is None:
            raise DomainError(EARLIER_REFUSED, row=content["same_as"])
        return _locked(session, of), None
    if content["customer_id"] is None:
        customer = customer_rules.create(session, content["customer"], by=by)
        return customer, {"id": customer.id, "created": True, "version": customer.version}
    customer = _locked(session, content["customer_id"])
    if customer.version != content["version"]:
        raise DomainError(CHANGED_MEANWHILE)
    before = {name: getattr(customer, name) for name in content["customer"]}
    if before == content["customer"]:
        return customer, None
    customer_rules.change(session, customer, content["customer"], version=content["version"], by=by)
    session.flush()
    return customer, {"id": customer.id, "created": False, "version": customer.version, "before": before}


def _locked(session: Session, customer_id: str) -> Customer:
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise DomainError(CUSTOMER_GONE)
    lock(session, customer)
    if customer.deleted_at is not None:
        raise DomainError(CUSTOMER_GONE)
    return customer


def _contract_values(stored: dict[str, Any]) -> dict[str, Any]:
    line = LineValues(stored["rate_plan_id"], stored["quantity"], Decimal(stored["unit_price"]))
    names = ("product_id", "initial_months", "renewal_months")
    return {name: stored[name] for name in names} | {
        "start_on": date.fromisoformat(stored["start_on"]),
        "ships_utm": False,
        "lines": [line],
    }


def _utm(
    session: Session, customer: Customer, content: dict[str, Any], *, today: date, by: Actor
) -> dict[str, Any] | None:
    values = content["utm"]
    if content["utm_key"] is None:
        made = utm_rules.register(session, customer, values, today=today, by=by)
        return {"id": made.id, "created": True, "after": values}
    utm = session.scalar(select(Utm).where(Utm.id == content["utm_key"]).with_for_update())
    if utm is None or utm.removed_at is not None or utm.customer_id != customer.id:
        raise DomainError(CHANGED_MEANWHILE)
    before = {name: getattr(utm, name) for name in values}
    if before != content["utm_before"]:
        raise DomainError(CHANGED_MEANWHILE)
    if before == values:
        return None
    apply_change(session, utm, values, action="utm.changed", by=by)
    return {"id": utm.id, "created": False, "after": values, "before": before}
