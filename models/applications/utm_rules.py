"""Receive, approve and deny UTM applications (§8.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import audit, scope
from models.actor import Actor
from models.applications import mails
from models.applications.rules import DECIDED, TOO_MANY_TO_ONE
from models.applications.utm_application import UtmApplication, UtmApplicationState, UtmDelivery
from models.customers.customer import Customer
from models.errors import N_, DomainError, Gone
from models.random_id import add_with_random_id, random_code
from models.row_lock import lock, serialize
from models.tenants import settings as tenant_settings
from models.versioned import lock_version

SWITCHED_OFF = N_("UTM applications are not accepted at present.")
TOO_MANY_OPEN = N_("There are 10 applications that have not been decided yet.")

MAX_OPEN = 10
"""The maximum number of a customer's UTM applications that wait for a decision."""
MAX_TO_ONE = 5
"""The maximum number of applications per day for which a visitor names the same e-mail address, which gets a mail for each."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UtmApplicationInput:
    """What a customer entered, normalized for storage.

    :param deliveries: the columns of each delivery address.
    :param applicant_name: empty if the customer's contact person applies.
    :param applicant_email: the same.
    """

    deliveries: Sequence[Mapping[str, Any]]
    applicant_name: str = ""
    applicant_email: str = ""


def receive(  # noqa: PLR0913  (each is a fact about the application)
    session: Session, customer: Customer, entered: UtmApplicationInput, *, now: datetime, by: Actor, portal_url: str
) -> UtmApplication:
    """Store a customer's application and send both mails (§8.3.4).

    :param portal_url: the URL of the portal, for the mail to the tenant.
    :raises DomainError: the tenant accepts no applications, too many wait for a decision, or too many were sent for the
        e-mail address.
    :raises Gone: the customer was deleted.
    """
    if entered.applicant_email:
        serialize(session, "utm_application", scope.own_tenant_id(session))
    lock(session, customer)
    if customer.deleted_at is not None:
        raise Gone
    if not tenant_settings.of_tenant(session).utm_applications:
        raise DomainError(SWITCHED_OFF)
    if waiting(session, customer.id) >= MAX_OPEN:
        raise DomainError(TOO_MANY_OPEN)
    if entered.applicant_email and _sent_to(session, entered.applicant_email, since=now - _DAY) >= MAX_TO_ONE:
        raise DomainError(TOO_MANY_TO_ONE, field="applicant_email")
    application = UtmApplication(
        customer_id=customer.id,
        applicant_name=entered.applicant_name,
        applicant_email=entered.applicant_email,
        applied_at=now,
        deliveries=[UtmDelivery(**delivery) for delivery in entered.deliveries],
    )
    add_with_random_id(session, application, partial(random_code, "UAP-"))
    after = {"customer_id": customer.id, "utm_count": application.utm_count}
    audit.record(session, "utm_application.received", application, by=by, after=after)
    mails.utm_received(session, application, portal_url=portal_url, now=now)
    return application


def approve(session: Session, application: UtmApplication, *, version: int, now: datetime, by: Actor) -> None:
    """Approve an application and tell the applicant.

    :param version: the application's version when the operator opened the page.
    :raises Conflict: the application was changed in the meantime.
    :raises DomainError: it has been decided.
    """
    _decide(session, application, UtmApplicationState.APPROVED, version=version, now=now, by=by)
    mails.utm_decided(session, application, approved=True, reason="", now=now)


def deny(  # noqa: PLR0913  (each is a fact about the decision)
    session: Session,
    application: UtmApplication,
    *,
    version: int,
    now: datetime,
    by: Actor,
    reason: str = "",
    tell_reason: bool = False,
) -> None:
    """Deny an application and tell the applicant.

    :param version: the application's version when the operator opened the page.
    :param reason: kept with the application.
    :param tell_reason: whether the applicant's mail includes the reason.
    :raises Conflict: the application was changed in the meantime.
    :raises DomainError: it has been decided.
    """
    _decide(session, application, UtmApplicationState.DENIED, version=version, now=now, by=by, reason=reason)
    mails.utm_decided(session, application, approved=False, reason=reason if tell_reason else "", now=now)


def waiting(session: Session, customer_id: str) -> int:
    """Return the number of a customer's applications that wait for a decision."""
    counted = session.scalar(
        select(func.count()).where(
            UtmApplication.customer_id == customer_id, UtmApplication.state == UtmApplicationState.PENDING
        )
    )
    return counted or 0


def _sent_to(session: Session, email: str, *, since: datetime) -> int:
    """Return the number of the tenant's applications for which a visitor named an e-mail address."""
    counted = session.scalar(
        select(func.count()).where(
            func.lower(UtmApplication.applicant_email) == email.lower(), UtmApplication.applied_at > since
        )
    )
    return counted or 0


def _decide(  # noqa: PLR0913  (each is a fact about the decision)
    session: Session,
    application: UtmApplication,
    state: UtmApplicationState,
    *,
    version: int,
    now: datetime,
    by: Actor,
    reason: str = "",
) -> None:
    lock(session, application)
    if not application.is_open:
        raise DomainError(DECIDED)
    lock_version(session, application, version)
    application.state, application.reason = state.value, reason
    application.decided_at, application.decided_by = now, by.name
    audit.record(session, f"utm_application.{state}", application, by=by)
    session.flush()
