"""Issue the invoices of a month, record payments, usage and corrections, and update the customers' balances."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select, text, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from models import audit, clock, scope
from models.actor import Actor
from models.contracts.billing import DUE, due_parameters
from models.contracts.catalogue import MAX_AMOUNT, Charge, ChargeModel
from models.contracts.contract import Contract, ContractLine
from models.contracts.invoice import Correction, Invoice, InvoiceLine, Usage
from models.customers.customer import Customer
from models.errors import N_, DomainError
from models.row_lock import lock, serialize

NOT_OVER = N_("Invoices can be issued for months that are over.")
PAID_BEFORE_ISSUE = N_("The payment date must be the issue date or a later day, and not in the future.")
ALREADY_PAID = N_("This invoice is already paid.")
ALREADY_INVOICED = N_("This month is already invoiced. Enter a correction instead.")
NO_USAGE_CHARGE = N_("This line has no such usage charge.")
NOT_IN_SERVICE = N_("The contract has no such service in this month, so that its usage would never be billed.")
TOO_MUCH_USAGE = N_("Quantity × unit price must not exceed 99,999,999,999 yen.")
OTHER_CONTRACT = N_("The customer has no such contract.")
ZERO_CORRECTION = N_("Enter an amount other than 0.")

_ISSUE = text(f"""
WITH due AS MATERIALIZED ({DUE}), waiting AS MATERIALIZED (
    SELECT id, customer_id, contract_id, amount, reason FROM correction
    WHERE invoice_id IS NULL AND (
        -- After the first run of the month, a correction alone does not make an invoice: it waits for the next month.
        NOT EXISTS (SELECT FROM invoice WHERE month = :month) OR customer_id IN (SELECT customer_id FROM due))
), bill AS (
    SELECT customer_id, contract_id, line_id, kind, plan_name, charge_name, charge_order, from_on, to_on, quantity,
           unit_price, amount
    FROM due
    UNION ALL
    SELECT customer_id, contract_id, NULL, 'correction', '', reason, id, NULL, NULL, 1, amount, amount FROM waiting
), issued AS (
    INSERT INTO invoice (tenant_id, customer_id, month, total, issued_on, paid_on)
    SELECT :tenant_id, customer_id, :month, sum(amount), :issued_on, CASE WHEN sum(amount) = 0 THEN CAST(:issued_on AS date) END
    FROM bill GROUP BY customer_id
    ON CONFLICT (tenant_id, customer_id, month) DO NOTHING
    RETURNING id, customer_id
), lines AS (
    INSERT INTO invoice_line (tenant_id, invoice_id, contract_id, line_id, kind, plan_name, charge_name, from_on, to_on,
                              quantity, unit_price, amount)
    SELECT :tenant_id, issued.id, contract_id, line_id, kind, plan_name, charge_name, from_on, to_on, quantity, unit_price,
           amount
    FROM bill JOIN issued USING (customer_id)
    ORDER BY issued.id, contract_id, line_id NULLS LAST, charge_order
), settled AS (
    UPDATE correction SET invoice_id = issued.id
    FROM waiting JOIN issued USING (customer_id)
    WHERE correction.id = waiting.id
)
SELECT count(*) FROM issued
""")  # nosec B608  # noqa: S608  (the text is constant)

_BALANCES = text("""
UPDATE customer SET balance = coalesce(sums.unpaid, 0), last_invoiced_on = sums.newest
FROM (SELECT customer_id, sum(total) FILTER (WHERE paid_on IS NULL) AS unpaid, max(issued_on) AS newest
      FROM invoice WHERE customer_id = ANY(:customer_ids) OR :everybody GROUP BY customer_id) AS sums
WHERE customer.id = sums.customer_id
  AND (customer.balance, customer.last_invoiced_on) IS DISTINCT FROM (coalesce(sums.unpaid, 0), sums.newest)
""")


def take_billing_turn(session: Session, tenant_id: str) -> None:
    """Take a tenant's billing lock, so that changes of its invoices, corrections and usage run in turn.

    Call it before locking contracts or customers together with it, or several of them: an invoice run holds it while its
    new rows wait for those of their contracts and customers, in any order.
    """
    serialize(session, "invoices", tenant_id)


def issue(session: Session, month: date, *, today: date, by: Actor) -> int:
    """Issue the invoices of the session's tenant for a month that is over.

    Customers that have an invoice for the month keep it, so a second run changes nothing.

    :param month: the first day of the month.
    :param today: the day in Asia/Tokyo, which becomes the date of the invoices.
    :returns: the number of invoices issued.
    :raises DomainError: the month is not over.
    """
    if month >= clock.month_start(today):
        raise DomainError(NOT_OVER, field="month")
    tenant_id = scope.own_tenant_id(session)
    take_billing_turn(session, tenant_id)
    session.flush()
    parameters = due_parameters(month) | {"tenant_id": tenant_id, "issued_on": today}
    issued: int = session.execute(_ISSUE, parameters).scalar_one()
    if issued:
        refresh_balances(session)
        after = {"month": month.isoformat(), "invoices": issued}
        audit.record(session, "invoice.issued", ("Tenant", tenant_id), by=by, tenant_id=tenant_id, after=after)
    return issued


def issue_missing(session: Session, *, today: date, by: Actor) -> int:
    """Issue the invoices of the session's tenant for every past month for which none were issued.

    These are the months after that of the tenant's newest invoice or, without invoices, from its first contract line on.

    :param today: the day in Asia/Tokyo.
    :returns: the number of invoices issued.
    """
    # Before reading, so that the invoices of a concurrent run are committed and visible.
    take_billing_turn(session, scope.own_tenant_id(session))
    newest = session.scalar(select(func.max(Invoice.month)))
    month = clock.next_month(newest) if newest else session.scalar(select(func.min(ContractLine.starts_on)))
    issued = 0
    while month is not None and clock.month_start(month) < clock.month_start(today):
        issued += issue(session, clock.month_start(month), today=today, by=by)
        month = clock.next_month(month)
    return issued


def refresh_balances(session: Session, customer_ids: list[str] | None = None) -> None:
    """Update the balance (残高) and the last invoice date (最終請求日) of customers from their invoices.

    :param customer_ids: the customers; None for all of the tenant's.
    """
    session.flush()
    session.execute(_BALANCES, {"customer_ids": customer_ids or [], "everybody": customer_ids is None})
    for customer in [each for each in session.identity_map.values() if isinstance(each, Customer)]:
        session.expire(customer, ["balance", "last_invoiced_on"])


def mark_paid(session: Session, invoice: Invoice, paid_on: date, *, today: date, by: Actor) -> None:
    """Record that an invoice was paid.

    :param paid_on: the day of the payment.
    :raises DomainError: it is already paid, or the day is before the issue date or in the future.
    """
    # Two users may mark several invoices in different orders, each of which updates its customer.
    take_billing_turn(session, invoice.tenant_id)
    lock(session, invoice)
    if invoice.paid_on is not None:
        raise DomainError(ALREADY_PAID)
    if not invoice.issued_on <= paid_on <= today:
        raise DomainError(PAID_BEFORE_ISSUE, field="paid_on")
    invoice.paid_on = paid_on
    audit.record(session, "invoice.paid", invoice, by=by)
    refresh_balances(session, [invoice.customer_id])


def correct(session: Session, customer: Customer, values: dict[str, Any], *, by: Actor) -> Correction:
    """Add an amount to a customer's next invoice, or subtract it.

    :param values: ``amount`` in yen, negative for a credit; ``reason``; optionally ``contract_id``.
    :raises DomainError: the amount is 0, or the contract belongs to another customer.
    """
    if not values["amount"]:
        raise DomainError(ZERO_CORRECTION, field="amount")
    if contract_id := values.get("contract_id"):
        contract = session.get(Contract, contract_id)
        if contract is None or contract.customer_id != customer.id:
            raise DomainError(OTHER_CONTRACT, field="contract_id")
    take_billing_turn(session, customer.tenant_id)
    correction = Correction(tenant_id=customer.tenant_id, customer_id=customer.id, **values)
    session.add(correction)
    _, after = audit.changes(correction)
    session.flush()
    audit.record(session, "invoice.corrected", customer, by=by, after=after)
    return correction


def credit_contracts(session: Session, reasons: Mapping[Contract, str], *, by: Actor) -> dict[str, Decimal]:
    """Credit everything that was invoiced for contracts of a tenant, less earlier credits.

    :param reasons: the text of the line on the next invoice, by contract.
    :returns: the amounts in yen by contract ID; 0 if nothing was invoiced.
    """
    for tenant_id in {contract.tenant_id for contract in reasons}:
        take_billing_turn(session, tenant_id)
    amounts = {contract.id: Decimal(0) for contract in reasons}
    # Invoiced corrections are among the invoice lines; pending ones are not yet.
    for lines, waiting in ((InvoiceLine, true()), (Correction, Correction.invoice_id.is_(None))):
        sums = select(lines.contract_id, func.sum(lines.amount)).where(lines.contract_id.in_(list(amounts)), waiting)
        for contract_id, amount in session.execute(sums.group_by(lines.contract_id)):
            amounts[str(contract_id)] += amount
    for contract, reason in reasons.items():
        if amount := amounts[contract.id]:
            values = {"contract_id": contract.id, "amount": -amount, "reason": reason}
            correct(session, contract.customer, values, by=by)
    return amounts


def record_usage(  # noqa: PLR0913  (each is part of the key or the value)
    session: Session, line: ContractLine, charge: Charge, month: date, quantity: Decimal, *, by: Actor
) -> None:
    """Record the usage of a month for a usage charge (従量), replacing any earlier value.

    :param month: the first day of the month.
    :raises DomainError: the line has no such charge or is not in force in the month, the month is already invoiced,
        or the amount is too high.
    """
    if charge.model != ChargeModel.USAGE or charge.rate_plan_id != line.rate_plan_id:
        raise DomainError(NO_USAGE_CHARGE)
    if not line.touches(month):
        raise DomainError(NOT_IN_SERVICE, field="month")
    if quantity * charge.unit_price > MAX_AMOUNT:
        raise DomainError(TOO_MUCH_USAGE, field="quantity")
    take_billing_turn(session, line.tenant_id)
    customer_id = line.contract.customer_id
    if session.scalar(select(Invoice.id).where(Invoice.customer_id == customer_id, Invoice.month == month)) is not None:
        raise DomainError(ALREADY_INVOICED, field="month")
    key = {"line_id": line.id, "charge_id": charge.id, "month": month}
    before = session.scalar(select(Usage.quantity).filter_by(**key))
    session.execute(
        insert(Usage)
        .values(tenant_id=line.tenant_id, quantity=quantity, **key)
        .on_conflict_do_update(constraint="uq_usage_month", set_={"quantity": quantity})
    )
    session.expire(line, ["usages"])
    audit.record(
        session,
        "usage.recorded",
        line.contract,
        by=by,
        before=None if before is None else {"quantity": str(before)},
        after={"line_id": line.id, "charge_id": charge.id, "month": month.isoformat(), "quantity": str(quantity)},
    )
