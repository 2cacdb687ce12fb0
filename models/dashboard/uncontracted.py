"""未契約顧客: the customers without a contract, as of the nightly run (§5.1 (8))."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from models.contracts.contracted_customers import uncontracted
from models.customers.customer import Customer
from models.dashboard.figures import DashboardFigures, Source

_KEY = "customers"


def _values(_today: date) -> dict[str, Any]:
    ids = func.jsonb_agg(aggregate_order_by(Customer.id, Customer.id))
    found = select(func.coalesce(ids, func.jsonb_build_array())).where(Customer.deleted_at.is_(None), uncontracted())
    return {_KEY: found.scalar_subquery()}


SOURCE = Source("uncontracted", _values, daily=True)


def page_of(session: Session, *, limit: int, offset: int) -> tuple[list[tuple[str, str]], int]:
    """Return a page of the stored customers, with their names, and the number of all of them.

    Customers that have been deleted since are omitted. The number is 0 beyond the last page.
    """
    stored = select(func.jsonb_array_elements_text(DashboardFigures.values[_KEY])).where(
        DashboardFigures.widget == SOURCE.widget
    )
    rows = session.execute(
        select(Customer.id, Customer.name, func.count().over())
        .where(Customer.id.in_(stored), Customer.deleted_at.is_(None))
        .order_by(Customer.id)
        .limit(limit)
        .offset(offset)
    ).all()
    return [(row[0], row[1]) for row in rows], rows[0][2] if rows else 0
