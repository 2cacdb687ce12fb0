"""Delivery addresses of a customer's approved applications, to choose from where UTMs are sent (§7.5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.applications.application import ApplicationState, ServiceApplication, ServiceDelivery
from models.applications.delivery import DeliveryColumns
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery

MOST = 100
"""The maximum number of addresses of each kind that are offered."""


class AppliedAddress(NamedTuple):
    """A delivery address of an approved application.

    :ivar key: identifies the address among those of both kinds of applications.
    :ivar of_utm_application: whether it is one of a UTM application, else of a service application.
    """

    key: str
    application_id: str
    delivery: DeliveryColumns
    of_utm_application: bool

    @property
    def text(self) -> str:
        """The address in one line, as offered in a list."""
        delivery = self.delivery
        return f"{self.application_id} {delivery.company} {delivery.name} {delivery.postcode} {delivery.full_address}"


def service_key(delivery: ServiceDelivery) -> str:
    """Return the key of an address of a service application."""
    return f"service-{delivery.id}"


def utm_key(delivery: UtmDelivery) -> str:
    """Return the key of an address of a UTM application."""
    return f"utm-{delivery.id}"


def of_customer(session: Session, customer_id: str) -> Sequence[AppliedAddress]:
    """Return the addresses of a customer's approved applications: of service applications, then of UTM applications."""
    of_services = session.scalars(
        select(ServiceDelivery)
        .join(ServiceApplication, ServiceApplication.id == ServiceDelivery.application_id)
        .where(
            ServiceApplication.customer_id == customer_id, ServiceApplication.state == ApplicationState.APPROVED.value
        )
        .order_by(ServiceDelivery.id)
        .limit(MOST)
    )
    of_utms = session.scalars(
        select(UtmDelivery)
        .join(UtmApplication, UtmApplication.id == UtmDelivery.application_id)
        .where(UtmApplication.customer_id == customer_id, UtmApplication.state == UtmApplicationState.APPROVED.value)
        .order_by(UtmDelivery.id)
        .limit(MOST)
    )
    return [
        *(
            AppliedAddress(service_key(each), each.application_id, each, of_utm_application=False)
            for each in of_services
        ),
        *(AppliedAddress(utm_key(each), each.application_id, each, of_utm_application=True) for each in of_utms),
    ]
