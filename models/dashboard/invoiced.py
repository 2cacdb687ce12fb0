"""The customers with invoices, for people who cannot reach these through the customers' pages."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.customers.customer import Customer
from models.dashboard.paging import RowPage, read_page


def page_of(session: Session, *, number: int, size: int) -> RowPage:
    """Return a page of the customers: ``id``, ``name``, ``balance`` and ``last_invoiced_on``, the last invoiced ones first."""
    query = select(Customer.id, Customer.name, Customer.balance, Customer.last_invoiced_on).where(
        Customer.last_invoiced_on.is_not(None), Customer.deleted_at.is_(None)
    )
    return read_page(session, query, (Customer.last_invoiced_on.desc(), Customer.id), number=number, size=size)
