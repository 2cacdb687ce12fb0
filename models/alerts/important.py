"""The customers of a tenant with important alerts."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models.alerts.alert import AlertDaily, AlertLevel
from models.alerts.cross_database import joinable
from models.customers.customer import Customer


def important_by_customer(session: Session, *, first: date, last: date, limit: int) -> list[tuple[str, str, int]]:
    """Return ID, name and number of the customers with the most High alerts over a range of days (in Asia/Tokyo).

    They are in descending order of the number.
    """
    high = (
        select(AlertDaily.customer_id, func.sum(AlertDaily.count).label("total"))
        .where(AlertDaily.day.between(first, last), AlertDaily.level == AlertLevel.HIGH)
        .group_by(AlertDaily.customer_id)
    )
    counted = joinable(session, high, "counted")
    rows = session.execute(
        select(Customer.id, Customer.name, counted.c.total)
        .join(counted, counted.c.customer_id == Customer.id)
        .where(Customer.deleted_at.is_(None))
        .order_by(counted.c.total.desc(), Customer.id)
        .limit(limit)
    )
    return [(customer_id, name, int(total)) for customer_id, name, total in rows]
