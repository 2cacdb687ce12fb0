"""テナント横断検索 (§4.1): search for customers across all tenants a person may see.

It runs under the cross-tenant role: LIKE is not leakproof, so no index could serve it under row-level security, and
each tenant would need a query of its own. That role bypasses the policies, so the statement itself filters by the
tenants the person may see.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from models import scope
from models.customers.customer import Customer
from models.tenants.tenant import Tenant
from models.values.company_name import search_key
from models.values.phone import searched_digits

MOST = 10
"""The maximum number of customers in the result."""

NAME_LENGTH = 40
PHONE_LENGTH = 15


class SearchBy(StrEnum):
    """検索項目."""

    NAME = "name"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    :param rows: the first customers by name: ``tenant_id``, ``tenant_name``, ``customer_id``, ``customer_name``.
    :param count: the total number of matches.
    """

    rows: Sequence[Any]
    count: int


def find(by: SearchBy, text: str, *, tenant_ids: Collection[str] | None) -> Found:
    """Return the customers that match a part of the name or a complete phone number, except deleted ones.

    :param text: not empty.
    :param tenant_ids: the tenants to search, None for all.
    """
    with scope.all_tenants("search across the tenants of one person") as session:
        return found_in(session, by, text, tenant_ids=tenant_ids)


def found_in(session: Session, by: SearchBy, text: str, *, tenant_ids: Collection[str] | None) -> Found:
    """``find`` in a given session."""
    rows = session.execute(_statement(by, text, tenant_ids)).all()
    return Found(rows, rows[0].total if rows else 0)


def exists(tenant_id: str, customer_id: str) -> bool:
    """Whether a tenant has this customer and has not deleted it."""
    with scope.tenant_session(tenant_id) as session:
        statement = select(Customer.id).where(Customer.id == customer_id, Customer.deleted_at.is_(None))
        return session.scalar(statement) is not None


def _statement(by: SearchBy, text: str, tenant_ids: Collection[str] | None) -> Any:
    statement = (
        select(
            Customer.tenant_id,
            Tenant.name.label("tenant_name"),
            Customer.id.label("customer_id"),
            Customer.name.label("customer_name"),
            func.count().over().label("total"),
        )
        .join(Tenant, Tenant.id == Customer.tenant_id)
        .where(Customer.deleted_at.is_(None), _condition(by, text))
        .order_by(Customer.sort_name, Customer.id)
        .limit(MOST)
    )
    return statement if tenant_ids is None else statement.where(Customer.tenant_id.in_(tenant_ids))


def _condition(by: SearchBy, text: str) -> ColumnElement[bool]:
    if by == SearchBy.PHONE:
        return Customer.contact_phone == searched_digits(text)
    return Customer.search_name.contains(search_key(text), autoescape=True)
