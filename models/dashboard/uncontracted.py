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
from models.dashboard.paging import RowPage, read_page

_KEY = "customers"


def _values(_today: date) -> dict[str, Any]:
    ids = func.jsonb_agg(aggregate_order_by(Customer.id, Customer.id))
    found = select(func.coalesce(ids, func.jsonb_build_array())).where(Customer.deleted_at.is_(None), uncontracted())
    return {_KEY: found.scalar_subquery()}


SOURCE = Source("uncontracted", _values, daily=True)


def page_of(session: Session, *, number: int, size: int) -> RowPage:
    """Return a page of the stored customers: ``id`` and ``name``. Customers that have been deleted since are omitted."""
    stored = select(func.jsonb_array_elements_text(DashboardFigures.values[_KEY])).where(
        DashboardFigures.widget == SOURCE.widget
    )
    query = select(Customer.id, Customer.name).where(Customer.id.in_(stored), Customer.deleted_at.is_(None))
    return read_page(session, query, (Customer.id,), number=number, size=size)
