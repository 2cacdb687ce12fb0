"""Find existing customers that may be the applicant: the same name, phone number, e-mail address or address (§8.2.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from models.applications.application import ServiceApplication
from models.customers.customer import Customer
from models.values.company_name import search_key
from models.values.phone import phone_digits

MOST = 20
"""The maximum number of customers shown."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A customer that may be the applicant.

    :param same: the facts that agree: ``name``, ``phone``, ``email``, ``address``.
    """

    customer: Customer
    same: tuple[str, ...]


def of(session: Session, application: ServiceApplication) -> Sequence[Duplicate]:
    """Return the customers that share a fact with an application after normalization, those that share most first."""
    found = session.scalars(
        select(Customer)
        .where(
            Customer.deleted_at.is_(None),
            or_(
                Customer.search_name == application.search_name,
                Customer.contact_phone == phone_digits(application.phone),
                func.lower(Customer.contact_email) == application.email.lower(),
                and_(Customer.postcode == application.postcode, Customer.prefecture == application.prefecture),
            ),
        )
        .order_by(Customer.id)
    )
    duplicates = [Duplicate(customer, _same(customer, application)) for customer in found]
    shared = [duplicate for duplicate in duplicates if duplicate.same]
    return sorted(shared, key=lambda duplicate: -len(duplicate.same))[:MOST]


def _same(customer: Customer, application: ServiceApplication) -> tuple[str, ...]:
    facts = {
        "name": customer.search_name == application.search_name,
        "phone": phone_digits(customer.contact_phone) == phone_digits(application.phone),
        "email": customer.contact_email.lower() == application.email.lower(),
        "address": (customer.postcode, _plain_address(customer)) == (application.postcode, _plain_address(application)),
    }
    return tuple(name for name, same in facts.items() if same)


def _plain_address(row: Customer | ServiceApplication) -> str:
    # Widths, blanks and hyphens are written in many ways, as in names of companies.
    return search_key(f"{row.prefecture}{row.address}")
