"""The status of customers, derived from their contracts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from models.customers.customer import Customer

# Two statements, because the planner would read all customers if the condition were optional.
_REFRESH, _REFRESH_ALL = (
    text(f"""
UPDATE customer SET status = derived.status
FROM (SELECT customer.id,
             CASE WHEN count(contract.id) = 0 THEN 'draft'
                  WHEN bool_or(contract.end_on >= :today OR (contract.status = 'active' AND contract.auto_renew))
                  THEN 'active' ELSE 'cancelled' END AS status
      FROM customer LEFT JOIN contract ON contract.customer_id = customer.id AND contract.status <> 'void'
      {condition}
      GROUP BY customer.id) AS derived
WHERE customer.id = derived.id AND customer.status <> derived.status
""")  # nosec B608  # noqa: S608  (the text is constant)
    for condition in ("WHERE customer.id = ANY(:customer_ids)", "")
)


def refresh_status(session: Session, *, today: date, customer_ids: Sequence[str] | None = None) -> None:
    """Update the status of customers: draft without a contract, active with a current or future one, else cancelled.

    The version of a customer is not incremented, because users do not edit the status.

    :param today: the day in Asia/Tokyo.
    :param customer_ids: the customers; None for all that are visible to the session.
    """
    session.flush()
    if customer_ids is None:
        session.execute(_REFRESH_ALL, {"today": today})
    else:
        session.execute(_REFRESH, {"today": today, "customer_ids": list(customer_ids)})
    refreshed = None if customer_ids is None else set(customer_ids)
    for customer in [each for each in session.identity_map.values() if isinstance(each, Customer)]:
        if refreshed is None or inspect(customer).identity[0] in refreshed:
            session.expire(customer, ["status"])
