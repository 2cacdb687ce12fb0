"""What a ticket is about, if it was created from the page of a customer, a UTM or an alert."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.alerts.alert import Alert
from models.customers.customer import Customer
from models.tickets.ticket import Ticket
from models.utms.utm import Utm


@dataclass(frozen=True, slots=True)
class Subject:
    """The customer, the UTM and the alert of a ticket, as far as it has them.

    :ivar customer: also a deleted one.
    :ivar utm: also a removed one.
    :ivar alert: None also if the alert is not kept any more.
    """

    customer: Customer | None = None
    utm: Utm | None = None
    alert: Alert | None = None

    def columns(self) -> dict[str, Any]:
        """Return the values of the ticket's columns."""
        alert = self.alert
        return {
            "customer_id": self.customer.id if self.customer else None,
            "utm_id": self.utm.id if self.utm else None,
            "alert_seq": alert.seq if alert else None,
            "alert_at": alert.occurred_at if alert else None,
            "alert_id": alert.alert_id if alert else None,
        }


def find(
    session: Session,
    *,
    customer_id: str | None = None,
    utm_id: int | None = None,
    alert_seq: int | None = None,
    alert_at: datetime | None = None,
) -> Subject:
    """Return what the given keys refer to; what the session's tenant does not have is left out.

    :param alert_at: when the alert occurred, which tells the partition.
    """
    utm = session.scalar(select(Utm).where(Utm.id == utm_id)) if utm_id is not None else None
    wanted = utm.customer_id if utm is not None else customer_id
    customer = session.scalar(select(Customer).where(Customer.id == wanted)) if wanted is not None else None
    alert = None
    if customer is not None and alert_seq is not None and alert_at is not None:
        alert = session.scalar(
            select(Alert).where(Alert.customer_id == customer.id, Alert.occurred_at == alert_at, Alert.seq == alert_seq)
        )
    if alert is not None and utm is None:
        utm = session.scalar(select(Utm).where(Utm.id == alert.utm_id))
    return Subject(customer, utm, alert)


def of_ticket(session: Session, ticket: Ticket) -> Subject:
    """Return what a ticket is about."""
    return find(
        session,
        customer_id=ticket.customer_id,
        utm_id=ticket.utm_id,
        alert_seq=ticket.alert_seq,
        alert_at=ticket.alert_at,
    )
