"""Write rows of an import: their customers, contracts and UTMs.

The content of a row is JSON with these parts, each None if the row does not have it:

``customer_id``   the ID of an existing customer, and ``version``: the version that the file was checked against
``same_as``       the number of the earlier row whose customer it belongs to
``customer``      the columns of the customer
``contract``      ``start_on``, ``initial_months``, ``renewal_months``, ``product_id``, ``rate_plan_id``, ``quantity``, ``unit_price``
``utm``           the columns of the UTM
``utm_key``       the key of an existing UTM, and ``utm_before``: its column values when the file was checked
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from models.row_lock import lock_all
from models.utms import utm as utm_rules
from models.utms.rules import change_all as change_utms
from models.utms.utm import Utm

CHANGED_MEANWHILE = N_("It was changed after the file was checked.")
CUSTOMER_GONE = N_("The customer has been deleted.")
EARLIER_REFUSED = N_("The row of the same customer, row %(row)s, was not imported.")


def write(session: Session, rows: Sequence[ImportRow], *, now: datetime, by: Actor) -> list[dict[str, Any] | None]:
    """Write rows of an import, with the same number of statements for any number of rows.

    :param rows: in the order of their numbers.
    :returns: for each row, the data for undoing it; None if there was nothing to change.
    :raises DomainError: a rule refuses one of the rows, or its customer or UTM has changed since the file was checked.
    """
    written: dict[int, dict[str, Any]] = {row.number: {} for row in rows}
    customers = _customers(session, rows, written, by=by)
    with_contract = [row for row in rows if row.content["contract"]]
    contracts = contract_rules.create_all(
        session,
        [(customers[row.number], _contract_values(row.content["contract"])) for row in with_contract],
        now=now,
        by=by,
    )
    for row, contract in zip(with_contract, contracts, strict=True):
        written[row.number]["contract"] = {"id": contract.id, "facts": contract_facts(contract)}
    _utms(session, rows, customers, written, today=clock.tokyo_day(now), by=by)
    return [
        written[row.number] | {"customer_id": customers[row.number].id} if written[row.number] else None for row in rows
    ]


def contract_facts(contract: Contract) -> dict[str, Any]:
    """Return the data that is compared to detect changes of a contract. Linking a UTM does not count as a change."""
    values = audit.values_of(contract)
    values.pop("utm_id")
    lines = [[line.id, line.ends_on.isoformat() if line.ends_on else None] for line in contract.lines]
    return values | {"lines": lines}


def _customers(
    session: Session, rows: Sequence[ImportRow], written: dict[int, dict[str, Any]], *, by: Actor
) -> dict[int, Customer]:
    """Create and change the customers of rows.

    :param written: the data for undoing each row, to which that of its customer is added.
    :returns: the customer of each row by its number.
    """
    known = _known_customers(session, rows)
    found: dict[int, Customer] = {}
    new = [row for row in rows if row.content["same_as"] is None and row.content["customer_id"] is None]
    created = customer_rules.create_all(session, [row.content["customer"] for row in new], by=by)
    for row, customer in zip(new, created, strict=True):
        found[row.number] = customer
        written[row.number]["customer"] = {"id": customer.id, "created": True, "version": customer.version}
    changed = []
    for row in rows:
        content = row.content
        if row.number in found:
            continue
        if content["same_as"] in found:
            found[row.number] = found[content["same_as"]]
            continue
        if row.number not in known:
            raise DomainError(EARLIER_REFUSED, row=content["same_as"])
        customer = found[row.number] = _kept(known[row.number])
        if content["same_as"] is not None:
            continue
        if customer.version != content["version"]:
            raise DomainError(CHANGED_MEANWHILE)
        before = {name: getattr(customer, name) for name in content["customer"]}
        if before != content["customer"]:
            changed.append((row, customer, before))
    customer_rules.change_all(
        session, [(customer, row.content["customer"], row.content["version"]) for row, customer, _ in changed], by=by
    )
    session.flush()
    for row, customer, before in changed:
        fact = {"id": customer.id, "created": False, "version": customer.version, "before": before}
        written[row.number]["customer"] = fact
    return found


def _known_customers(session: Session, rows: Sequence[ImportRow]) -> dict[int, Customer | None]:
    """Return the existing customers of rows by their numbers, locked; None for one that was deleted."""
    ids = {row.number: row.content["customer_id"] for row in rows if row.content["customer_id"]}
    numbers = {row.number for row in rows}
    of_earlier = {
        row.number: row.content["same_as"]
        for row in rows
        if row.number not in ids and row.content["same_as"] is not None and row.content["same_as"] not in numbers
    }
    if of_earlier:
        earlier = session.execute(
            select(ImportRow.number, ImportRow.written["customer_id"].astext.label("customer_id")).where(
                ImportRow.run_id == rows[0].run_id, ImportRow.number.in_(set(of_earlier.values()))
            )
        )
        by_number = {each.number: each.customer_id for each in earlier}
        ids |= {number: by_number[same_as] for number, same_as in of_earlier.items() if by_number.get(same_as)}
    locked = lock_all(session, Customer, ids.values())
    return {number: locked.get(customer_id) for number, customer_id in ids.items()}


def _kept(customer: Customer | None) -> Customer:
    if customer is None or customer.deleted_at is not None:
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


def _utms(  # noqa: PLR0913  (needs the day in addition to what every change needs)
    session: Session,
    rows: Sequence[ImportRow],
    customers: Mapping[int, Customer],
    written: dict[int, dict[str, Any]],
    *,
    today: date,
    by: Actor,
) -> None:
    """Register and change the UTMs of rows.

    :param customers: the customer of each row by its number.
    :param written: the data for undoing each row, to which that of its UTM is added.
    """
    new = [row for row in rows if row.content["utm"] and row.content["utm_key"] is None]
    known = [row for row in rows if row.content["utm_key"] is not None]
    registered = utm_rules.register_all(
        session, [(customers[row.number], row.content["utm"]) for row in new], today=today, by=by
    )
    for row, utm in zip(new, registered, strict=True):
        written[row.number]["utm"] = {"id": utm.id, "created": True, "after": row.content["utm"]}
    locked = lock_all(session, Utm, [row.content["utm_key"] for row in known])
    changed = []
    for row in known:
        values, found = row.content["utm"], locked.get(row.content["utm_key"])
        if found is None or found.removed_at is not None or found.customer_id != customers[row.number].id:
            raise DomainError(CHANGED_MEANWHILE)
        before = {name: getattr(found, name) for name in values}
        if before != row.content["utm_before"]:
            raise DomainError(CHANGED_MEANWHILE)
        if before != values:
            changed.append((found, values))
            fact = {"id": found.id, "created": False, "after": values, "before": before}
            written[row.number]["utm"] = fact
    change_utms(session, changed, by=by)
