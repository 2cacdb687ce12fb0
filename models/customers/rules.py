"""Create, change, delete and restore customers (§7.2, §7.3, §7.4.1 (2)), and exempt them from a check (§5.4.1 (2))."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from models import audit, clock
from models.actor import Actor
from models.customers.customer import Customer
from models.errors import N_, DomainError, Gone
from models.plain_rules import apply_change, apply_changes, apply_creations, set_all
from models.row_lock import lock, lock_all
from models.versioned import check_version, lock_version

HAS_UTM = N_("The customer has a UTM. Remove it first.")
HAS_APPLICATION = N_("A UTM application of the customer has not been decided yet.")
HAS_CONTRACT = N_("The customer has a current or future contract.")
DELETABLE_LATER = N_("The customer can be deleted from %(day)s.")
RESTORED_ALREADY = N_("This customer has already been restored.")
CREATED_AGAIN = N_("The tenant has a customer of the same name and phone number: %(other)s. Check that one first.")

_DELETABLE_FROM_DAY = 5


def create(session: Session, values: dict[str, Any], *, by: Actor) -> Customer:
    """Create a customer in the session's tenant. The database generates its ID.

    :param values: the form's values, normalized for storage.
    """
    return create_all(session, [values], by=by)[0]


def create_all(session: Session, many: Iterable[dict[str, Any]], *, by: Actor) -> list[Customer]:
    """Create several customers, like :func:`create`.

    :param many: the values of each.
    """
    customers = [Customer(**values) for values in many]
    apply_creations(session, customers, action="customer.created", by=by)
    return customers


def change(session: Session, customer: Customer, values: dict[str, Any], *, version: int, by: Actor) -> None:
    """Change a customer.

    :param version: the customer's version when the user opened the form.
    :raises Conflict: the customer was changed in the meantime.
    :raises DomainError: nothing changes.
    """
    change_all(session, [(customer, values, version)], by=by)


def change_all(session: Session, changed: Sequence[tuple[Customer, dict[str, Any], int]], *, by: Actor) -> None:
    """Change several customers, like :func:`change`.

    :param changed: the customers with their values and the versions that were opened.
    """
    locked = lock_all(session, Customer, [customer.id for customer, _, _ in changed])
    for customer, _, version in changed:
        if customer.id not in locked:
            raise Gone
        check_version(customer.version, version)
    apply_changes(session, [(customer, values) for customer, values, _ in changed], action="customer.changed", by=by)


def refusal_to_delete(customer: Customer, *, today: date) -> DomainError | None:
    """Return the reason why a customer cannot be deleted; None if it can (§7.4.1 (2)).

    A customer whose contracts have all ended or been cancelled can be deleted from the 5th of the month after the last
    day of service.

    :param today: the day in Asia/Tokyo.
    """
    if any(utm.removed_at is None for utm in customer.utms):
        return DomainError(HAS_UTM)
    if any(application.is_open for application in customer.utm_applications):
        return DomainError(HAS_APPLICATION)
    counted = [contract for contract in customer.contracts if contract.counts]
    if any(contract.renews for contract in counted):
        return DomainError(HAS_CONTRACT)
    if not counted:
        return None
    first_day = deletable_from(max(contract.end_on for contract in counted))
    return DomainError(DELETABLE_LATER, day=first_day) if today < first_day else None


def load_for_deletion(session: Session, customers: Sequence[Customer]) -> None:
    """Load what ``refusal_to_delete`` reads of several customers, with a fixed number of statements."""
    load = [selectinload(each) for each in (Customer.contracts, Customer.utms, Customer.utm_applications)]
    keys = [customer.id for customer in customers]
    session.scalars(select(Customer).where(Customer.id.in_(keys)).options(*load)).all()


def deletable_from(last_day: date) -> date:
    """Return the first day on which a customer can be deleted, the 5th of the month after its last day of service."""
    return clock.next_month(last_day).replace(day=_DELETABLE_FROM_DAY)


def delete(session: Session, customer: Customer, *, now: datetime, by: Actor) -> None:
    """Soft-delete a customer: it is hidden everywhere but in the audit log, and staff can restore it.

    Its portal users are deleted with it, and are not restored.

    :raises DomainError: it has a UTM, or an application or a contract prevents the deletion; see
        :func:`refusal_to_delete`.
    :raises Gone: it was deleted concurrently.
    """
    delete_all(session, [customer], now=now, by=by)


def delete_all(session: Session, customers: Sequence[Customer], *, now: datetime, by: Actor) -> None:
    """Soft-delete several customers, like :func:`delete`."""
    load = [
        selectinload(each)
        for each in (Customer.contracts, Customer.utms, Customer.utm_applications, Customer.portal_users)
    ]
    locked = lock_all(session, Customer, [customer.id for customer in customers], load=load)
    for customer in customers:
        if customer.id not in locked or customer.deleted_at is not None:
            raise Gone
        if refusal := refusal_to_delete(customer, today=clock.tokyo_day(now)):
            raise refusal
    set_all(session, customers, {"deleted_at": now}, action="customer.deleted", by=by)
    users = [user for customer in customers for user in customer.portal_users if user.deleted_at is None]
    set_all(session, users, {"deleted_at": now}, action="portal_user.deleted", by=by)


def exempt(session: Session, customer: Customer, reason: str, *, version: int, by: Actor) -> None:
    """Let the check for missing contracts skip a customer, or no longer (§5.4.1 (2)). NEC staff only.

    :param reason: empty to end the exemption.
    :param version: the customer's version when the user opened the form.
    :raises Conflict: the customer was changed in the meantime.
    :raises DomainError: nothing changes.
    """
    lock_version(session, customer, version)
    apply_change(session, customer, {"shortage_exemption": reason}, action="customer.shortage_exemption", by=by)


def restore(session: Session, customer: Customer, *, by: Actor) -> None:
    """Restore a deleted customer. Its portal users stay deleted.

    Company IDs are never reused, so the ID of a deleted customer is free. But the company may have been created again.

    :raises DomainError: it is not deleted, or the tenant has a customer of the same name and phone number.
    """
    lock(session, customer)
    if customer.deleted_at is None:
        raise DomainError(RESTORED_ALREADY)
    again = session.scalar(
        select(Customer.id)
        .where(
            Customer.tenant_id == customer.tenant_id,
            Customer.search_name == customer.search_name,
            Customer.contact_phone == customer.contact_phone,
            Customer.deleted_at.is_(None),
        )
        .order_by(Customer.id)
        .limit(1)
    )
    if again is not None:
        raise DomainError(CREATED_AGAIN, other=again)
    customer.deleted_at = None
    audit.record(session, "customer.restored", customer, by=by)
