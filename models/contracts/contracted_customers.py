"""The customers with a contract in force in a month, and those without any contract (§5.1 (2), (8))."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, func, or_, select

from models.contracts.billing import month_end
from models.contracts.contract import Contract, counting, renewing
from models.customers.customer import Customer, CustomerStatus


def contracted_in(month: date) -> ColumnElement[bool]:
    """Return the condition that a ``Customer`` has a contract in force on any day of a month.

    :param month: the first day of the month.
    """
    return Customer.id.in_(
        select(Contract.customer_id).where(
            counting(), Contract.start_on <= month_end(month), or_(renewing(), Contract.end_on >= month)
        )
    )


def customers_in(month: date) -> ColumnElement[int]:
    """Return an SQL expression for the number of a tenant's customers with a contract in force in a month.

    :param month: the first day of the month.
    """
    return (
        select(func.count()).select_from(Customer).where(Customer.deleted_at.is_(None), contracted_in(month))
    ).scalar_subquery()


def uncontracted() -> ColumnElement[bool]:
    """Return the condition that a ``Customer`` has no contract; one created by mistake does not count.

    The status follows from the contracts (``models.contracts.status``).
    """
    return Customer.status == CustomerStatus.DRAFT
